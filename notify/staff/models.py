"""Councils, officers, API keys and the audit trail."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from notify import clock
from notify.db import moment_column, new_id, state_column


class Role(StrEnum):
    """What an officer or a key may do; `staff.guards` holds the one table of rights."""

    VIEWER = "viewer"
    AUTHOR = "author"
    APPROVER = "approver"
    PLANNER = "planner"
    ADMIN = "admin"


class KeyMode(StrEnum):
    """A test key does everything a live key does, except that nothing leaves."""

    LIVE = "live"
    TEST = "test"


class Council(SQLModel, table=True):
    """An authority that owns topics, officers, keys and alerts. `district_codes` say where it is."""

    __tablename__ = "council"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True)
    name: str
    district_codes: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class Officer(SQLModel, table=True):
    """A person who works for a council."""

    __tablename__ = "officer"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    email: str = Field(unique=True)
    name: str
    role: Role = Field(sa_column=state_column(Role))
    active: bool = True
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class ApiKey(SQLModel, table=True):
    """A key for programs. Only the digest is stored; `prefix` is the public part that finds the row."""

    __tablename__ = "api_key"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    name: str
    role: Role = Field(sa_column=state_column(Role))
    mode: KeyMode = Field(sa_column=state_column(KeyMode))
    prefix: str = Field(unique=True)
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    expires_at: datetime = Field(sa_column=moment_column())
    last_used_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class SignIn(SQLModel, table=True):
    """An officer's session or a sign-in link that becomes one. Only digests are stored."""

    __tablename__ = "sign_in"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    officer_id: UUID = Field(foreign_key="officer.id")
    is_link: bool
    expires_at: datetime = Field(sa_column=moment_column())


class Budget(SQLModel, table=True):
    """What a council means to spend on messages in a calendar month, in pence."""

    __tablename__ = "budget"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    monthly_pence: int
    warned_month: date | None = None  # staff were told that most of it is spent
    stopped_month: date | None = None  # and that all of it is


class Spend(SQLModel, table=True):
    """What a council's messages by one provider cost in a month. `cost` is in thousandths of a penny."""

    __tablename__ = "spend"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    month: date = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    messages: int
    cost: int = Field(sa_column=Column(BigInteger, nullable=False))


class AuditEntry(SQLModel, table=True):
    """Who did what to what, and when. Rows are added and never changed."""

    __tablename__ = "audit_entry"

    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    council_id: UUID | None = Field(default=None, foreign_key="council.id")
    actor: str
    action: str
    subject: str
    detail: dict[str, object] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
