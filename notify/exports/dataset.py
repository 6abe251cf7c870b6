"""What a data set is: its columns with type, unit and source, from which every format, page and description follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from notify.staff.rights import Right

SCHEMA_VERSION = 1  # columns are added at the end and never change their meaning; whatever else changes counts this up


class Kind(StrEnum):
    """What a column holds, in words that spreadsheets and reporting tools have kinds for."""

    ID = "uuid"
    CODE = "code"  # published or ours, stable, in small letters or as published
    TEXT = "text"
    LIST = "list"  # several texts with "; " between them
    INTEGER = "integer"
    NUMBER = "number"
    DAY = "date"  # ISO 8601
    MOMENT = "timestamp"  # ISO 8601 in UTC, with milliseconds
    YES_NO = "boolean"


# how PostgreSQL reads a key that it is given back
SQL_KINDS: Mapping[Kind, str] = {
    Kind.ID: "uuid",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.DAY: "date",
    Kind.MOMENT: "timestamptz",
    Kind.YES_NO: "boolean",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `sql` makes it from the data set's tables; `unit` is empty for what has none."""

    name: str
    kind: Kind
    description: str
    sql: str
    unit: str = ""

    @property
    def source(self) -> str:
        """Where the value comes from, as the table and column that the data dictionary describes."""
        return " ".join(self.sql.split())


@dataclass(frozen=True, slots=True)
class DataSet:
    """A flat table that leaves the house under a name that stays.

    `tables` is SQL from FROM on that holds rows of `:council` only. `key` names the columns that tell rows apart.
    `at` is SQL for the moment that a stretch of days is about and `changed` for when a row last changed; empty where
    there is none. `replaces` names the columns whose rows come together: whoever reads changes replaces all of them.
    """

    name: str
    title: str
    description: str
    fields: Sequence[Field]
    tables: str
    key: Sequence[str]
    at: str = ""
    changed: str = ""
    replaces: Sequence[str] = ()
    right: Right = Right.SEE_FIGURES
    is_personal: bool = False

    def field(self, name: str) -> Field:
        """The column of this name."""
        return next(field for field in self.fields if field.name == name)

    @property
    def names(self) -> Sequence[str]:
        """The columns' names in order."""
        return [field.name for field in self.fields]

    def as_json(self) -> Mapping[str, object]:
        """The description for programs."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "schema_version": SCHEMA_VERSION,
            "key": list(self.key),
            "takes_since_and_until": bool(self.at),
            "takes_changed_since": bool(self.changed),
            "changes_replace_all_rows_with_the_same": list(self.replaces),
            "personal": self.is_personal,
            "right": self.right.value,
            "columns": [
                {
                    "name": field.name,
                    "type": field.kind.value,
                    "unit": field.unit,
                    "description": field.description,
                    "source": field.source,
                }
                for field in self.fields
            ],
        }
