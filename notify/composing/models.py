"""Drafts, and texts to be used again. A draft keeps what was typed, right or wrong, so that nothing is lost."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify import clock
from notify.alerts.models import Priority
from notify.db import moment_column, new_id, state_column

Fields = dict[str, list[str]]


class Draft(SQLModel, table=True):
    """An alert that an officer is writing. `fields` are the forms' fields as they were sent; `alert_id` ends it."""

    __tablename__ = "draft"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    officer_id: UUID = Field(foreign_key="officer.id")
    topic: str
    priority: Priority = Field(sa_column=state_column(Priority))
    fields: Fields = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id")
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
