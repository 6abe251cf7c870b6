"""Tables of CAP messages received and flood warnings seen."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id

WAITING = "Somebody decides about the draft before."


class CapMessage(SQLModel, table=True):
    """A message that was received, and the draft that came of it. The same one again gets the same reply.

    `alert_id` is the draft; for a cancellation of a draft that was never sent it is that draft, withdrawn.
    """

    __tablename__ = "cap_message"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    is_test: bool = Field(primary_key=True)
    sender: str = Field(primary_key=True)
    identifier: str = Field(primary_key=True)
    sent: datetime = Field(sa_column=moment_column())
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    alert_id: UUID = Field(foreign_key="alert.id")
    reply: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    received_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class FloodWarning(SQLModel, table=True):
    """A flood warning as it was at a moment, the council it concerns, and the draft that came of it.

    Without a council it concerns none; without a draft `note` says why.
    """

    __tablename__ = "flood_warning"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    area_code: str
    severity: str = Field(max_length=32)
    changed_at: datetime = Field(sa_column=moment_column())
    council_id: UUID | None = Field(default=None, foreign_key="council.id")
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id")
    note: str = ""
    read_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class CapReceipt(SQLModel):
    """What became of a CAP message. Nothing is sent before an officer submits the draft."""

    alert: UUID = Field(description="The draft; see `GET /api/v1/alerts/{id}`.")
    kind: str = Field(description="`alert`, `update`, `all-clear`, or `withdrawn`: an unsent draft was cancelled.")
    title: str
    is_test: bool = Field(description="True when the message or the key says that it is an exercise or a test.")
    replaces: UUID | None = Field(default=None, description="The unsent draft that this one takes the place of.")
    repaired: list[str] = Field(default_factory=list, description="What was put right, a sentence each.")
    notes: list[str] = Field(
        default_factory=list, description="What to look at before it is submitted, a sentence each."
    )
