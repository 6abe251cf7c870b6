"""The data dictionary says everything about every table, and nothing about tables that are gone."""

import re
from pathlib import Path

from sqlmodel import SQLModel

from notify.exports import dictionary
from tests.house import dictionary_page

SECRET = re.compile(r"\.(secret|password_\w+|digest|totp_\w+|key)$")
# words and links of a chain, which let nobody in
HARMLESS = {
    "cap_message.digest",
    "statutory_notice_version.digest",
    "audit_seal.digest",
    "postcode.key",
    "named_place.key",
    "idempotent_reply.key",
}
DOCS = Path(__file__).parents[2] / "docs"


def test_every_table_is_in_the_dictionary_and_leaves_with_the_full_extract_or_says_why_not() -> None:
    dictionary_page.know_every_table()
    assert set(dictionary.TABLES) == set(SQLModel.metadata.tables), (
        "Enter the table in notify/exports/dictionary_tables.py."
    )
    undecided = [name for name, entry in dictionary.TABLES.items() if bool(entry.scope) == bool(entry.why_not)]
    assert undecided == []


def test_every_column_that_is_named_in_the_dictionary_exists() -> None:
    dictionary_page.know_every_table()
    for name, entry in dictionary.TABLES.items():
        known = set(SQLModel.metadata.tables[name].columns.keys())
        named = {*entry.residents, *entry.pseudonyms, *entry.staff, *entry.secrets, *entry.meant}
        assert named <= known, name


def test_every_table_has_words_and_whatever_is_kept_like_a_secret_is_called_one() -> None:
    dictionary_page.know_every_table()
    for table in dictionary.dictionary():
        assert table.meaning, table.name
        told = {f"{table.name}.{column.name}" for column in table.columns if not column.is_secret}
        assert {one for one in told if SECRET.search(one)} - HARMLESS == set()


def test_the_data_dictionary_is_up_to_date() -> None:
    assert (DOCS / "data-dictionary.md").read_text() == dictionary_page.page(), (
        "Write it anew: python -m tests.house.dictionary_page > docs/data-dictionary.md"
    )
