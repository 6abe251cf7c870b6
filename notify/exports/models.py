"""Tables of scheduled exports, their runs, and what retention deleted."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, Column, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, secrets_column, state_column


class Rhythm(StrEnum):
    """How often something is sent."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


class RunState(StrEnum):
    """Where one sending is. `sending` past its lease may have arrived, which is said and never tried again."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNSURE = "unsure"


class ExportSchedule(SQLModel, table=True):
    """A data set or report that goes out regularly: by e-mail to officers of the council, or to a webhook.

    `what` names it, `format` is that of the file. `next_at` is when it is due; none while it is paused or after it was
    removed. `secret` signs what is posted to `webhook`.
    """

    __tablename__ = "export_schedule"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    what: str
    format: str
    rhythm: Rhythm = Field(sa_column=state_column(Rhythm))
    officers: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False))
    webhook: str = ""
    secret: str = Field(default="", sa_column=secrets_column())
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    next_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    paused_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    removed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class ExportRun(SQLModel, table=True):
    """One sending of a schedule to one receiver: the days it was about and its result.

    `receiver` is an officer's id or `webhook`. The id is the same at every attempt, so that receivers know a
    second copy by it.
    """

    __tablename__ = "export_run"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    schedule_id: UUID = Field(foreign_key="export_schedule.id")
    due_at: datetime = Field(sa_column=moment_column())
    receiver: str
    since: date
    until: date
    state: RunState = Field(sa_column=state_column(RunState))
    attempts: int = 0
    lease_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    retry_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    finished_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    rows: int | None = None
    problem: str = ""


class RetentionRun(SQLModel, table=True):
    """What one round of removal took away. `removed` counts rows by table; `partitions` are those dropped by name."""

    __tablename__ = "retention_run"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    started_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    finished_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    days: int
    alerts: int = 0
    held_back: int = 0
    removed: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    partitions: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    keys: int = 0
    problem: str = ""


class RetentionDue(SQLModel, table=True):
    """An alert whose figures are closed and whose rows may not all be removed yet."""

    __tablename__ = "retention_due"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id")
