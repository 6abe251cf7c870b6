"""Alerts, who approved them, and replies kept for repeated requests."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, Column, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify import clock
from notify.db import moment_column, new_id, state_column


class Priority(StrEnum):
    """How urgent an alert is; names the lane that carries it."""

    EMERGENCY = "emergency"
    ROUTINE = "routine"


class AlertState(StrEnum):
    """Where an alert is in its life."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class FollowUp(StrEnum):
    """What an alert is to the one it follows: it goes to exactly those who got the first."""

    UPDATE = "update"
    ALL_CLEAR = "all-clear"


class Alert(SQLModel, table=True):
    """A message to everyone who follows a topic in some places.

    `audience` is what the officer asked for, `targets` what it was resolved to when it was stored (ward,
    district and postcode sets), and `content_hash` binds approval to words, audience and expiry together.
    `ledger_month` is the partition that holds every delivery of this alert.
    """

    __tablename__ = "alert"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    topic_id: UUID = Field(foreign_key="topic.id")
    priority: Priority = Field(sa_column=state_column(Priority))
    title: str
    body: str
    link: str | None = None
    sms: str | None = None
    translations: dict[str, dict[str, str]] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    audience: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    targets: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    channels: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    reference: str | None = None
    state: AlertState = Field(sa_column=state_column(AlertState))
    is_test: bool = False
    content_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    follows_id: UUID | None = Field(default=None, foreign_key="alert.id")
    follow_up: FollowUp | None = Field(default=None, sa_column=Column(Text, nullable=True))
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    send_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    expires_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    approved_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    expanded_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    ledger_month: date | None = None
    recipients: int | None = None


class Approval(SQLModel, table=True):
    """One person's yes or no to exactly the content whose hash it holds."""

    __tablename__ = "approval"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    alert_id: UUID = Field(foreign_key="alert.id")
    content_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    actor: str
    approved: bool
    reason: str = ""
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class IdempotentReply(SQLModel, table=True):
    """The reply to a request that may be repeated: same key and body get it again."""

    __tablename__ = "idempotent_reply"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reply: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
