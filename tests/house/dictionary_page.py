"""Writes the data dictionary from the models: `python -m tests.house.dictionary_page > docs/data-dictionary.md`."""

import importlib
import pkgutil
import sys

import notify
from notify.exports.dictionary import SCHEMA_VERSION, TableWords, dictionary
from notify.exports.dictionary_terms import About

INTRODUCTION = f"""\
# Data dictionary

For integrators, engineers and data protection officers. Find what each table and column means.

Every table of the database, from the models themselves: what it is, who it is about, how long rows are kept, and
whether they leave with the full extract (`notify export everything`). Schema version {SCHEMA_VERSION}; the same for
programs at `/api/v1/extracts/dictionary`. The data sets for reports, which stay as they are while tables change, are
described in [exports](exports.md).

About: `resident` identifies a person, `pseudonym` is an id or keyed hash that only this database resolves, `staff` is
about users. Times are kept in UTC.

This page is written by `python -m tests.house.dictionary_page > docs/data-dictionary.md`.
"""


def page() -> str:
    """The whole page."""
    know_every_table()
    return "\n".join([INTRODUCTION, *(_table(table) for table in dictionary())])


def know_every_table() -> None:
    """Import every module of models, as the migrations do."""
    for found in pkgutil.walk_packages(notify.__path__, "notify."):
        if found.name.endswith("models"):
            importlib.import_module(found.name)


def _table(table: TableWords) -> str:
    leaves = f"No. {table.why_not}" if table.why_not else "Yes."
    rows = [
        f"| `{column.name}` | {column.kind} | {_marks(column.is_key, column.nullable, column.refers_to)} | "
        f"{'' if column.about == About.NOBODY else column.about} | "
        f"{' '.join(filter(None, (column.meaning, 'Never leaves.' if column.is_secret else '')))} |"
        for column in table.columns
    ]
    return "\n".join(
        [
            f"## `{table.name}`",
            "",
            table.meaning,
            "",
            f"- About: {table.about}",
            f"- Kept: {table.keeping}",
            f"- In the full extract: {leaves}",
            "",
            "| column | kind | | about | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _marks(is_key: bool, nullable: bool, refers_to: str) -> str:
    marks = ("key" if is_key else "", "may be empty" if nullable else "", f"-> `{refers_to}`" if refers_to else "")
    return ", ".join(filter(None, marks))


if __name__ == "__main__":
    sys.stdout.write(page())
