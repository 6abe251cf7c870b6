"""The ledger: one row per alert and contact, the batches that carry them, and every event."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, state_column
from notify.core.jobs import Lane
from notify.providers.base import Channel


class DeliveryState(StrEnum):
    """Where one message to one person is. GOV.UK Notify's words, which councils know."""

    CREATED = "created"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    PERMANENT_FAILURE = "permanent-failure"
    TEMPORARY_FAILURE = "temporary-failure"
    TECHNICAL_FAILURE = "technical-failure"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


class BatchState(StrEnum):
    """Where a batch is. `leased` past its lease is anyone's again."""

    QUEUED = "queued"
    LEASED = "leased"
    DONE = "done"
    QUARANTINED = "quarantined"


class EventKind(StrEnum):
    """What happened. The delivery states, and what people did."""

    CREATED = "created"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    PERMANENT_FAILURE = "permanent-failure"
    TEMPORARY_FAILURE = "temporary-failure"
    TECHNICAL_FAILURE = "technical-failure"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    REPLIED = "replied"


class UpdateGroup(StrEnum):
    """Where someone stands in an update that has another area: they get the words for that."""

    STILL_IN = "still-in"
    NEW = "new"
    LEFT = "left"


class Answer(StrEnum):
    """What someone replies to an emergency."""

    SAFE = "safe"
    HELP = "help"


class Delivery(SQLModel, table=True):
    """One message to one contact. It names nobody: the address is joined from `contact` when it is sent.

    `number` counts from 1 within the alert; alert and number together are the delivery's name everywhere.
    """

    __tablename__ = "delivery"

    month: date = Field(primary_key=True)
    alert_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    contact_id: UUID
    subscriber_id: UUID
    channel: Channel = Field(sa_column=state_column(Channel))
    language: str
    ward_code: str | None = None
    state: DeliveryState = Field(sa_column=state_column(DeliveryState))
    provider: str | None = None
    provider_reference: str | None = None
    reason: str | None = None
    cost: int | None = None  # what handing it over cost, in thousandths of a penny; None: nobody set a price
    update_group: UpdateGroup | None = Field(default=None, sa_column=state_column(UpdateGroup, nullable=True))
    unsure: bool = False  # it may have arrived although nobody said so
    sent_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class Batch(SQLModel, table=True):
    """A run of deliveries of one alert and channel: outbox, lease and progress in one row.

    `deaths` counts leases that ran out, which a worker that lives does not let happen.
    """

    __tablename__ = "batch"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    alert_id: UUID = Field(foreign_key="alert.id")
    month: date
    channel: Channel = Field(sa_column=state_column(Channel))
    lane: Lane = Field(sa_column=state_column(Lane))
    number_from: int
    number_to: int
    state: BatchState = Field(sa_column=state_column(BatchState))
    attempts: int = 0
    lease: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    due_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    deaths: int = 0
    sent: int = 0
    bounced: int = 0
    claimed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    reopened_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class DigestItem(SQLModel, table=True):
    """An e-mail that waits for its reader's digest, which is `digest_id` once it is made.

    Due at infinity: the alert was over or withdrawn before.
    """

    __tablename__ = "digest_item"

    alert_id: UUID = Field(foreign_key="alert.id", primary_key=True)
    contact_id: UUID = Field(foreign_key="contact.id", primary_key=True, ondelete="CASCADE")
    subscriber_id: UUID
    language: str
    ward_code: str | None = None
    due_at: datetime = Field(sa_column=moment_column())
    digest_id: UUID | None = Field(default=None, foreign_key="alert.id")


class Event(SQLModel, table=True):
    """Something that happened to a delivery, to a run of them (`number` to `number_to`) or to an alert."""

    __tablename__ = "event"

    month: date = Field(primary_key=True)
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    alert_id: UUID
    number: int | None = None
    number_to: int | None = None
    kind: EventKind = Field(sa_column=state_column(EventKind))
    detail: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))


class Reply(SQLModel, table=True):
    """The last answer of someone to an emergency, and the delivery they answered. It goes with the subscriber."""

    __tablename__ = "reply"

    alert_id: UUID = Field(foreign_key="alert.id", primary_key=True)
    subscriber_id: UUID = Field(foreign_key="subscriber.id", primary_key=True, ondelete="CASCADE")
    month: date
    number: int
    answer: Answer = Field(sa_column=state_column(Answer))
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class Hold(SQLModel, table=True):
    """While it is in force nothing is sent: of an alert, of a lane, or, when both are None, of anyone."""

    __tablename__ = "hold"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    lane: Lane | None = Field(default=None, sa_column=state_column(Lane, nullable=True))
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id")
    reason: str
    actor: str
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    lifted_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    lifted_by: str | None = None


class Meter(SQLModel, table=True):
    """A counter of what the workers did, for `/metrics`. `labels` as Prometheus writes them, without braces."""

    __tablename__ = "meter"

    name: str = Field(primary_key=True)
    labels: str = Field(primary_key=True)
    value: float


class Witness(SQLModel, table=True):
    """One row: the server and the timeline this database was last seen on."""

    __tablename__ = "witness"

    id: bool = Field(default=True, primary_key=True)
    system: str
    timeline: str


class WebhookReceiver(SQLModel, table=True):
    """How one receiver of webhooks fares. No row: it was never called.

    `failing_since` is the first failure since the last success; `previous_secret_until` ends a change of secrets.
    """

    __tablename__ = "webhook_receiver"

    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id", ondelete="CASCADE")
    failing_since: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    last_failure_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    last_failure_reason: str | None = None
    last_success_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    disabled_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    disabled_reason: str | None = None
    previous_secret_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
