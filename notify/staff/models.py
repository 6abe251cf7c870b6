"""Councils, officers, API keys and the audit trail."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, FetchedValue, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, state_column


class Role(StrEnum):
    """What an officer or a key may do; `staff.guards` holds the one table of rights."""

    VIEWER = "viewer"
    AUTHOR = "author"
    APPROVER = "approver"
    PLANNER = "planner"
    COUNCILLOR = "councillor"
    CONTACT_CENTRE = "contact-centre"
    COUNCILLOR_SENDER = "councillor-sender"
    MONITORING = "monitoring"
    CARE_LEAD = "care-lead"
    ADMIN = "admin"


class KeyMode(StrEnum):
    """A test key does everything a live key does, except that nothing leaves."""

    LIVE = "live"
    TEST = "test"


class Council(SQLModel, table=True):
    """An authority that owns topics, officers, keys and alerts. `district_codes` say where it is.

    `set_up_at` is when an administrator put the list of first steps away. `merged_into_id` is the council that took
    over: what was sent before stays here, under the old name. `closed_at` is when it stopped here: nobody signs up and
    nothing is sent.
    """

    __tablename__ = "council"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True)
    name: str
    district_codes: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    set_up_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    merged_into_id: UUID | None = Field(default=None, foreign_key="council.id")
    merged_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class CouncilName(SQLModel, table=True):
    """What a council was called until a moment, so that what it sent before is shown under that name."""

    __tablename__ = "council_name"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    until: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    slug: str
    name: str


class Officer(SQLModel, table=True):
    """A person who works for a council.

    `topics` (short names) and `areas` (ward or district codes) narrow what they see and do; empty: all. A councillor
    without areas sees nothing. `oidc_subject` is who they are at the identity provider, `totp_step` the last code used.
    `is_operator`: they may also create, close and merge councils of this installation.
    `invited_until` is how long the newest invitation works, `last_active_at` when they last opened a page.
    `phone` is a mobile number like +447700900123 that urgent staff notifications are texted to.
    """

    __tablename__ = "officer"
    __table_args__ = (UniqueConstraint("email", "council_id"), UniqueConstraint("oidc_subject", "council_id"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    email: str
    name: str
    phone: str | None = None
    role: Role = Field(sa_column=state_column(Role))
    active: bool = True
    is_operator: bool = False
    topics: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    areas: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    oidc_subject: str | None = None
    password_hash: str | None = None
    totp_secret: str | None = None
    totp_step: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    failed_tries: int = 0
    locked_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    last_active_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    invited_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class SecondFactorReset(SQLModel, table=True):
    """An administrator asked for a new second factor for a user. Another one has to agree."""

    __tablename__ = "second_factor_reset"

    officer_id: UUID = Field(primary_key=True, foreign_key="officer.id", ondelete="CASCADE")
    asked_by: UUID = Field(foreign_key="officer.id", ondelete="CASCADE")
    asked_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    reason: str


class ApiKey(SQLModel, table=True):
    """A key for programs. Only the digest is stored; `prefix` is the public part that finds the row.

    `officer_id` is whose key it is; none: the council's own. Approving with it is that officer's approving.
    `created_by` made it, as the audit trail names them, and may hold it too.
    """

    __tablename__ = "api_key"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    officer_id: UUID | None = Field(default=None, foreign_key="officer.id")
    name: str
    role: Role = Field(sa_column=state_column(Role))
    mode: KeyMode = Field(sa_column=state_column(KeyMode))
    prefix: str = Field(unique=True)
    created_by: str
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
    seen_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    mfa_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class SignInTries(SQLModel, table=True):
    """Wrong tries of one known browser, or of one session; strangers' stand with the officer. `bucket` is a hash."""

    __tablename__ = "sign_in_tries"

    bucket: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    tries: int
    locked_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class RecoveryCode(SQLModel, table=True):
    """A code that stands once for the one of a lost authenticator app. Only a keyed hash is stored."""

    __tablename__ = "recovery_code"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    officer_id: UUID = Field(foreign_key="officer.id")
    used_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class UsedState(SQLModel, table=True):
    """A sign-in at the identity provider that has come back, so that it does not come back twice."""

    __tablename__ = "used_state"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
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
    changed_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue(), nullable=False)
    )


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


class ResidentsRead(SQLModel, table=True):
    """How many subscribers an officer or key read in a day, in answers that held many of them."""

    __tablename__ = "residents_read"

    actor: str = Field(primary_key=True)
    day: datetime = Field(sa_column=moment_column(primary_key=True))
    people: int


class AuditSeal(SQLModel, table=True):
    """One link of the chain over the audit trail: `digest` covers the link before, the entry's whole content, when it
    was sealed (`sealed_at`) and when everything last had been before that (`sealed_since`). Links of before migration
    0030 have no times.
    """

    __tablename__ = "audit_seal"

    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    entry_id: int = Field(sa_column=Column(BigInteger, ForeignKey("audit_entry.id"), nullable=False, unique=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    sealed_since: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class AuditWatch(SQLModel, table=True):
    """When everything that was written had last been sealed. `proof` shows that the scheduler said so."""

    __tablename__ = "audit_watch"

    id: bool = Field(default=True, primary_key=True)
    ran_at: datetime = Field(sa_column=moment_column())
    proof: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
