"""An incident: everything that a council sends about one emergency."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, state_column


class IncidentState(StrEnum):
    """Whether it goes on."""

    OPEN = "open"
    ENDED = "ended"


class Incident(SQLModel, table=True):
    """What belongs together: an emergency, its updates, other alerts that were linked, and its all-clear.

    `ref` names its public page. `hazard` is what the first alert called the event. One that `is_training` is an
    exercise, which no public page shows.
    """

    __tablename__ = "incident"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    ref: str
    name: str
    hazard: str | None = None
    is_training: bool = False
    state: IncidentState = Field(default=IncidentState.OPEN, sa_column=state_column(IncidentState))
    opened_by: str
    opened_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    ended_by: str | None = None
    ended_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
