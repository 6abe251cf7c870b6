"""Tables of who proved to have an address, how often we wrote there, and what waits for a yes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, secrets_column, state_column
from notify.providers.base import Channel
from notify.subscribers.models import ServiceMessageKind, of_subscriber


class ContactBefore(SQLModel, table=True):
    """Which contact of a council stands for one that several councils shared once, for links in mails of then."""

    __tablename__ = "contact_before"

    old_id: UUID = Field(primary_key=True)
    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    contact_id: UUID = Field(foreign_key="contact.id", ondelete="CASCADE")


class ContactRequest(SQLModel, table=True):
    """An address that a council wants to add to a membership: in no audience before a confirmed contact says yes."""

    __tablename__ = "contact_request"
    __table_args__ = (of_subscriber(), UniqueConstraint("subscriber_id", "channel"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID
    subscriber_id: UUID
    channel: Channel = Field(sa_column=state_column(Channel))
    address: str
    address_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    secret: str = Field(default="", sa_column=secrets_column())
    is_proved: bool
    topics: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    wording_version: str
    language: str
    source: str
    given_at: datetime = Field(sa_column=moment_column())
    asked_by: str
    asked_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    expires_at: datetime = Field(sa_column=moment_column())


class ConsentRequest(SQLModel, table=True):
    """What is asked for a contact that a council has, in no audience before a yes there. `is_own`: the person signed up
    again; otherwise a council (`asked_by`) brought a consent that is no newer than their no, or wants their yes.

    `left_at` is when they had stopped what they are asked about. Requests of one `sign_up` are answered by one yes.
    """

    __tablename__ = "consent_request"
    __table_args__ = (UniqueConstraint("contact_id", "is_own"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    contact_id: UUID = Field(foreign_key="contact.id", ondelete="CASCADE")
    is_own: bool
    topics: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    answers: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    wording_version: str
    language: str
    source: str
    asked_by: str | None = None
    sign_up: UUID | None = None
    left_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    asked_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    expires_at: datetime = Field(sa_column=moment_column())


class ErasedAddress(SQLModel, table=True):
    """That a council erased the person with this address, by its keyed hash: no older list brings them back."""

    __tablename__ = "erased_address"

    address_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    erased_at: datetime = Field(sa_column=moment_column())


class InboundText(SQLModel, table=True):
    """A text of a resident that begins with STOP and goes on about something else, for staff to read; or one with the
    postcode `move_to`, for nobody to read, where their place moves when they answer yes.
    """

    __tablename__ = "inbound_text"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    contact_id: UUID = Field(foreign_key="contact.id", ondelete="CASCADE")
    words: str
    move_to: str | None = None
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class LinkToken(SQLModel, table=True):
    """A link that works once, for one purpose; only its digest is stored."""

    __tablename__ = "link_token"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    contact_id: UUID
    about: UUID | None = None
    purpose: ServiceMessageKind = Field(sa_column=state_column(ServiceMessageKind))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    expires_at: datetime = Field(sa_column=moment_column())
    used_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class ServiceMessageCount(SQLModel, table=True):
    """How often something was written to within a period: a mailbox, a block of numbers, anyone by text."""

    __tablename__ = "service_message_count"

    counted: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    period: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    messages: int


class ConfirmCode(SQLModel, table=True):
    """Digits sent to a phone, as a keyed digest, and how often someone tried. `about` is what they say yes to, where
    that is more than the number itself.

    `asked_from` is a keyed hash of the network that asked for them: its tries (`own_tries`) are counted apart from
    those of strangers (`tries`).
    """

    __tablename__ = "confirm_code"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    contact_id: UUID = Field(foreign_key="contact.id", ondelete="CASCADE")
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    about: UUID | None = None
    tries: int = 0
    own_tries: int = 0
    asked_from: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    expires_at: datetime = Field(sa_column=moment_column())


class ResidentSession(SQLModel, table=True):
    """Someone who proved to have one address. Only the cookie's digest is stored, and the address's keyed hash."""

    __tablename__ = "resident_session"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    address_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime = Field(sa_column=moment_column())
