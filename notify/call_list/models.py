"""What staff found who called or visited someone."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column


class Outcome(StrEnum):
    """What was found."""

    SAFE = "safe"
    NO_ANSWER = "no-answer"
    MOVED = "moved"
    NEEDS_HELP = "needs-help"


OUTCOME_NAMES: dict[Outcome, str] = {
    Outcome.SAFE: "Safe",
    Outcome.NO_ANSWER: "No answer",
    Outcome.MOVED: "Moved",
    Outcome.NEEDS_HELP: "Needs help",
}


class CallAttempt(SQLModel, table=True):
    """One call or visit; it is never changed. `number` counts those of one person and alert from 1.

    `note` is sealed with the installation's key.
    """

    __tablename__ = "call_attempt"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    alert_id: UUID = Field(foreign_key="alert.id")
    subscriber_id: UUID | None = Field(default=None, foreign_key="subscriber.id", ondelete="CASCADE")
    at_risk_person_id: UUID | None = Field(default=None, foreign_key="at_risk_person.id", ondelete="CASCADE")
    number: int
    outcome: Outcome = Field(sa_column=state_column(Outcome))
    note: str = ""
    actor: str
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class NewAttempt(Input):
    """What someone found. `seen` is the number of the last attempt that they had in front of them; 0: none."""

    outcome: Outcome
    note: str = Field(default="", max_length=200, description="Such as: moved to a daughter’s. No health details.")
    seen: int = Field(ge=0, le=10_000)
