"""An import of a list in the background: its file while it is needed, its state, and what became of its rows."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, field_validator
from sqlalchemy import Column, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column


class ImportState(StrEnum):
    """Where an import is. The middle ones are a job's work."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"
    REMOVED = "removed"


def is_half_in(state: ImportState, lines_done: int) -> bool:
    """Whether the import failed after rows of it were in."""
    return state is ImportState.FAILED and lines_done > 0


UNDER_WAY = (ImportState.CHECKING, ImportState.IMPORTING, ImportState.UNDOING)


class RowOutcome(StrEnum):
    """What became of one row."""

    CREATED = "created"
    UPDATED = "updated"
    REFUSED = "refused"
    NOTED = "noted"


class SubscriberImport(SQLModel, table=True):
    """A list that a council brings. `file` and `sample` are sealed, and removed once it is imported or a day old.

    `fields` says of each column what it holds, empty where nobody needs it. `lines_done` rows are behind it, so that a
    worker that dies loses nothing, and `tries` workers have begun since the last row. `counts` are those of its report.
    """

    __tablename__ = "subscriber_import"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    actor: str
    file_name: str
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    file: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    sample: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    fields: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String), nullable=False))
    options: dict[str, object] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    state: ImportState = Field(sa_column=state_column(ImportState))
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    lines_done: int = 0
    tries: int = 0
    failure: str = ""
    lease: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    started_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    undone_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class SubscriberImportRow(SQLModel, table=True):
    """What became of one row: who was added or changed and when, for a day; or why nobody was.

    `added`: the channels that it added to what they followed already, as `topic:channel`.
    """

    __tablename__ = "subscriber_import_row"

    import_id: UUID = Field(foreign_key="subscriber_import.id", primary_key=True, ondelete="CASCADE")
    row: int = Field(primary_key=True)
    outcome: RowOutcome = Field(sa_column=state_column(RowOutcome))
    subscriber_id: UUID | None = None
    at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    added: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String), nullable=False))
    reason: str = ""


class ImportOptions(Input):
    """What is said of a whole list: what they agreed to, where and when, and what they follow."""

    wording: str = Field(min_length=3, max_length=4000, description="The words they agreed to.")
    source: str = Field(min_length=1, max_length=80, description="Where they agreed, such as `paper form`.")
    given_at: AwareDatetime | None = Field(
        default=None, description="When, for rows that do not say. Unset: older than any withdrawal."
    )
    language: str = Field(default="en", max_length=10, description="Of the wording.")
    topics: list[str] = Field(
        default_factory=list, max_length=100, description="Slugs, where the list has no column of topics."
    )
    confirm: bool = Field(default=False, description="Write to each first and wait for their yes.")

    @field_validator("given_at")
    @classmethod
    def _not_tomorrow(cls, given_at: datetime | None) -> datetime | None:
        if given_at and given_at > clock.now():
            raise ValueError("Consent cannot have been given in the future.")
        return given_at
