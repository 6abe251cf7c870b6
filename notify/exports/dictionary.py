"""What each table is for, who it is about, how long it is kept, and how it is exported.

One line a table and one place for it (`dictionary_tables.py`): the data dictionary, the full extract, the inventory of
personal data and the removal of what is old are made from here. Names and kinds of columns come from the models.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from notify.exports.dictionary_columns import COMMON
from notify.exports.dictionary_tables import TABLES as TABLES
from notify.exports.dictionary_tables import Entry as Entry
from notify.exports.dictionary_terms import About, Keeping

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class ColumnWords:
    """One column as the dictionary shows it. `refers_to` is `table.column` or empty."""

    name: str
    kind: str
    nullable: bool
    is_key: bool
    refers_to: str
    about: About
    is_secret: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class TableWords:
    """One table as the dictionary shows it; `why_not` is empty where it leaves with the full extract."""

    name: str
    meaning: str
    about: About
    keeping: Keeping
    why_not: str
    columns: Sequence[ColumnWords]


def dictionary() -> Sequence[TableWords]:
    """Every table of ours, by name. Raises: KeyError for a table that nobody entered above."""
    return [_table(table, TABLES[name]) for name, table in sorted(SQLModel.metadata.tables.items())]


def as_json() -> Mapping[str, object]:
    """The dictionary for programs."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": [
            {
                "name": table.name,
                "meaning": table.meaning,
                "about": table.about,
                "kept": table.keeping,
                "in_full_extract": not table.why_not,
                "why_not": table.why_not,
                "columns": [
                    {
                        "name": column.name,
                        "type": column.kind,
                        "nullable": column.nullable,
                        "key": column.is_key,
                        "refers_to": column.refers_to,
                        "about": column.about,
                        "left_out": column.is_secret,
                        "meaning": column.meaning,
                    }
                    for column in table.columns
                ],
            }
            for table in dictionary()
        ],
    }


def _table(table: Table, entry: Entry) -> TableWords:
    columns = [_column(column, entry) for column in table.columns]
    return TableWords(table.name, _docstring(table.name), entry.about, entry.keeping, entry.why_not, columns)


def _column(column: "Column[object]", entry: Entry) -> ColumnWords:
    refers_to = min((key.target_fullname for key in column.foreign_keys), default="")
    ways = ((entry.residents, About.RESIDENT), (entry.pseudonyms, About.PSEUDONYM), (entry.staff, About.STAFF))
    return ColumnWords(
        name=column.name,
        kind=_kind(column),
        nullable=bool(column.nullable),
        is_key=column.primary_key,
        refers_to=refers_to,
        about=next((about for columns, about in ways if column.name in columns), About.NOBODY),
        is_secret=column.name in entry.secrets,
        meaning=entry.meant.get(column.name) or COMMON.get(column.name, ""),
    )


def _kind(column: "Column[object]") -> str:
    """The column's kind as PostgreSQL calls it, in small letters."""
    return str(column.type.compile(dialect=postgresql.dialect())).lower()  # type: ignore[no-untyped-call]


def _docstring(table: str) -> str:
    for model in _models(SQLModel):
        if getattr(model, "__tablename__", "") == table and "__table__" in vars(model):
            return " ".join((model.__doc__ or "").split())
    return ""


def _models(base: type[SQLModel]) -> Iterator[type[SQLModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)
