"""Drafts, and texts to be used again. A draft keeps what was typed, right or wrong, so that nothing is lost."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, Column, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.alerts.models import Priority
from notify.core import clock
from notify.core.db import moment_column, new_id, state_column
from notify.staff.models import Role

Fields = dict[str, list[str]]


class Draft(SQLModel, table=True):
    """An alert that an officer is writing. `fields` are the forms' fields as they were sent; `alert_id` ends it.

    `plan_id` is the plan that it was made from. `replaces_id` is the alert of which it is the next version: one that
    was not sent yet, or was returned.
    """

    __tablename__ = "draft"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    officer_id: UUID = Field(foreign_key="officer.id")
    topic: str
    priority: Priority = Field(sa_column=state_column(Priority))
    fields: Fields = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id")
    replaces_id: UUID | None = Field(default=None, foreign_key="alert.id")
    plan_id: UUID | None = Field(default=None, foreign_key="plan.id")
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class MessageTemplate(SQLModel, table=True):
    """One version of a text to be used again; the newest that is not retired counts.

    `((name))` in it stands for what is filled in each time.
    """

    __tablename__ = "message_template"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    name: str
    version: int
    fields: Fields = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    retired_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class Plan(SQLModel, table=True):
    """An alert that is ready before it is needed. `fields` are those of the draft that it becomes.

    `approver_role` is who is asked first for approval. The alert is in force for `lasts_minutes`. An emergency is
    exercised every `exercise_months`.
    """

    __tablename__ = "plan"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    slug: str
    name: str
    topic: str
    priority: Priority = Field(sa_column=state_column(Priority))
    fields: Fields = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    approver_role: Role | None = Field(default=None, sa_column=state_column(Role, nullable=True))
    lasts_minutes: int | None = None
    exercise_months: int = 12
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    archived_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class Rule(StrEnum):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Recurrence(SQLModel, table=True):
    """An alert that comes again, `every` so many days, weeks or months from `first_day` to `last_day`.

    `weekdays` are those of a weekly one, 0 for Monday; none: that of the first day. What lies before `counts_from`,
    which is when it was begun or last went on, is not made up for.
    """

    __tablename__ = "recurrence"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    alert_id: UUID = Field(foreign_key="alert.id")
    created_by: str
    content: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    rule: Rule = Field(sa_column=state_column(Rule))
    every: int
    at_time: time
    first_day: date
    last_day: date
    weekdays: list[int] = Field(default_factory=list, sa_column=Column(ARRAY(SmallInteger), nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    counts_from: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    paused_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class Occurrence(SQLModel, table=True):
    """One day of a recurrence: the alert that was made for it, or why there is none."""

    __tablename__ = "occurrence"

    recurrence_id: UUID = Field(foreign_key="recurrence.id", primary_key=True)
    day: date = Field(primary_key=True)
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id")
    problem: str | None = None
    made_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
