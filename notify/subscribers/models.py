"""Topics, residents and what they agreed to. Addresses live here and nowhere else."""

from datetime import datetime, time
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints, field_validator
from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, secrets_column, state_column
from notify.core.typed_text import Typed
from notify.providers.base import Channel
from notify.subscribers.topic_models import ApprovalRule as ApprovalRule
from notify.subscribers.topic_models import NewTopic as NewTopic
from notify.subscribers.topic_models import Slug as Slug
from notify.subscribers.topic_models import Topic as Topic
from notify.subscribers.topic_models import TopicPurpose as TopicPurpose


class WardSource(StrEnum):
    """Who says which ward a place is in: the published postcode or the resident near a boundary."""

    PUBLISHED = "published"
    RESIDENT = "resident"


class ConsentAction(StrEnum):
    """What a resident's consent did."""

    GIVEN = "given"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class SuppressionReason(StrEnum):
    """Why an address is not written to."""

    HARD_BOUNCE = "hard-bounce"
    SOFT_BOUNCES = "soft-bounces"
    COMPLAINT = "complaint"
    STOP = "stop"
    UNSUBSCRIBED = "unsubscribed"
    STAFF = "staff"


class ServiceMessageKind(StrEnum):
    """Messages to one person that are not alerts."""

    CONFIRM = "confirm"
    SIGN_IN = "sign-in"
    ADD_CONTACT = "add-contact"
    CONTACT_ADDED = "contact-added"
    TOLD = "told"
    HOW_TO_STOP = "how-to-stop"
    TEXT_HELP = "text-help"
    TEXT_INFO = "text-info"
    TEXT_MOVE = "text-move"
    TEXT_MOVED = "text-moved"
    TEXT_NOT_MOVED = "text-not-moved"
    TEXT_UNKNOWN = "text-unknown"
    TEXT_SAFE = "text-safe"
    TEXT_NEEDS_HELP = "text-needs-help"
    CHECK_PLACE = "check-place"
    OUTSIDE_AREA = "outside-area"
    COUNCIL_MERGED = "council-merged"
    TOPIC_CLOSED = "topic-closed"
    TOPIC_MERGED = "topic-merged"
    TOPIC_SPLIT = "topic-split"


class ServiceMessageState(StrEnum):
    """Where a notice is on its way."""

    CREATED = "created"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Cadence(StrEnum):
    """When a topic's e-mails come. Texts, calls and emergencies always come at once."""

    AT_ONCE = "at-once"
    DAILY = "daily"
    WEEKLY = "weekly"


class MailFormat(StrEnum):
    """What a resident's e-mails look like."""

    STANDARD = "standard"
    PLAIN = "plain"
    LARGE = "large"


class ConfirmedBy(StrEnum):
    """Whose word it is that an address belongs to the person: theirs by link or code, or the council's proof."""

    LINK = "link"
    CODE = "code"
    COUNCIL = "council"


def of_subscriber() -> ForeignKeyConstraint:
    """A row of a membership carries the membership's council, and the database itself holds it to that."""
    columns, whole = ["council_id", "subscriber_id"], ["subscriber.council_id", "subscriber.id"]
    # a merger of councils moves a membership table by table
    return ForeignKeyConstraint(columns, whole, ondelete="CASCADE", deferrable=True, initially="IMMEDIATE")


class Subscriber(SQLModel, table=True):
    """A membership: what one council holds about one person. A name is welcome and never needed.

    Whoever follows two councils has two rows, which nothing but an address they prove to have joins.
    """

    __tablename__ = "subscriber"
    __table_args__ = (UniqueConstraint("council_id", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    name: str = ""
    language: str = "en"
    tracking_consent: bool = False
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    erased_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    paused_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    quiet_from: time | None = None
    quiet_to: time | None = None
    mail_format: MailFormat = Field(
        default=MailFormat.STANDARD, sa_column=state_column(MailFormat, default=MailFormat.STANDARD)
    )


class Contact(SQLModel, table=True):
    """One way for one council to reach a resident. Not written to before it is confirmed. `secret` signs webhooks.

    Rows that one sign-up with several councils made share `sign_up`, and one yes confirms those of an address.
    `told_at`: the person was told, or need not be, that this council now writes to them.
    """

    __tablename__ = "contact"
    __table_args__ = (of_subscriber(), UniqueConstraint("address_hash", "council_id"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID
    subscriber_id: UUID
    channel: Channel = Field(sa_column=state_column(Channel))
    address: str
    address_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    secret: str = Field(default="", sa_column=secrets_column())
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    confirmed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    confirmed_by: ConfirmedBy | None = Field(default=None, sa_column=state_column(ConfirmedBy, nullable=True))
    sign_up: UUID | None = None
    told_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class Place(SQLModel, table=True):
    """A place a resident cares about, by postcode only, with the ward it was resolved to and by which release."""

    __tablename__ = "place"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subscriber_id: UUID = Field(foreign_key="subscriber.id", ondelete="CASCADE")
    position: int = 0
    label: str = "Home"
    postcode: str
    ward_code: str | None = None
    district_code: str | None = None
    alt_ward_code: str | None = None
    near_ward_codes: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    ward_source: WardSource = Field(sa_column=state_column(WardSource))
    release_id: int | None = Field(default=None, foreign_key="geo_release.id")
    needs_review: bool = False
    resolved_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class Subscription(SQLModel, table=True):
    """A resident follows a topic on some channels. Ended, and deleted only by an erasure.

    `only_at`: for the places with these postcodes only; None for all of them.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        of_subscriber(),
        ForeignKeyConstraint(
            ["council_id", "topic_id"], ["topic.council_id", "topic.id"], deferrable=True, initially="IMMEDIATE"
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID
    subscriber_id: UUID
    topic_id: UUID
    channels: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    started_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    ended_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    ended_reason: str | None = None
    cadence: Cadence = Field(default=Cadence.AT_ONCE, sa_column=state_column(Cadence, default=Cadence.AT_ONCE))
    only_at: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))


class ConsentWording(SQLModel, table=True):
    """The exact words a resident agreed to, by version and language. Added, never changed."""

    __tablename__ = "consent_wording"

    version: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    wording: str


class Consent(SQLModel, table=True):
    """One line of the consent ledger. Rows are added and never changed; they hold no address and no name.

    `is_dated`: `at` is when the person said so. Otherwise it is when a council brought a yes of an unknown day.
    """

    __tablename__ = "consent"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    is_dated: bool
    council_id: UUID = Field(foreign_key="council.id")
    subscriber_id: UUID
    topic_id: UUID | None = Field(default=None, foreign_key="topic.id")
    channel: str | None = None
    action: ConsentAction = Field(sa_column=state_column(ConsentAction))
    wording_version: str
    language: str
    source: str


class Suppression(SQLModel, table=True):
    """An address that must not be written to. The address itself is not kept, only its keyed hash.

    By one council, or (`council_id` None) by any: a fact about the address. `lifted_for` names councils that write
    there again on their own account.
    """

    __tablename__ = "suppression"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID | None = Field(default=None, foreign_key="council.id")
    address_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    channel: Channel = Field(sa_column=state_column(Channel))
    reason: SuppressionReason = Field(sa_column=state_column(SuppressionReason))
    source: str
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    lifted_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    lifted_reason: str | None = None
    lifted_for: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False, server_default=text("'{}'"))
    )


class ServiceMessage(SQLModel, table=True):
    """A service message to one contact; its link is made when it is sent. `about` is the contact, or the request for
    one, that it tells of, where that is another; `asked_from` a keyed hash of the network that asked for it."""

    __tablename__ = "service_message"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    contact_id: UUID
    about: UUID | None = None
    asked_from: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    kind: ServiceMessageKind = Field(sa_column=state_column(ServiceMessageKind))
    state: ServiceMessageState = Field(sa_column=state_column(ServiceMessageState))
    attempts: int = 0
    due_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    expires_at: datetime = Field(sa_column=moment_column())


# constraints as types: SQLModel's `Field(regex=…)` is accepted and then checks nothing
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class NewContact(Input):
    """A way to reach a resident."""

    channel: Channel
    address: str = Field(max_length=500)


class NewPlace(Input):
    """A place a resident cares about. `ward` is the resident's own answer where a postcode lies near a boundary."""

    postcode: Typed = Field(max_length=20)
    label: str = Field(default="Home", max_length=40)
    ward: Typed | None = Field(default=None, max_length=80)


class ConsentEvidence(Input):
    """How the resident agreed: which wording, in which language, where and when."""

    wording_version: str = Field(min_length=1, max_length=80)
    wording: str | None = Field(
        default=None, max_length=4000, description="The words themselves, if this version is new."
    )
    language: str = Field(default="en", max_length=10)
    source: str = Field(min_length=1, max_length=80, description="For example `paper form` or `phone`.")
    given_at: AwareDatetime | None = Field(
        default=None,
        description="When they agreed, with a time zone. Unset: nobody knows, and it is older than any withdrawal.",
    )

    @field_validator("given_at")
    @classmethod
    def _not_tomorrow(cls, given_at: datetime | None) -> datetime | None:
        if given_at and given_at > clock.now():
            raise ValueError("Consent cannot have been given in the future.")
        return given_at


class NewSubscriber(Input):
    """One resident, as a council or the sign-up page gives them."""

    name: str = Field(default="", max_length=80)
    language: Language = "en"
    contacts: list[NewContact] = Field(min_length=1, max_length=4)
    places: list[NewPlace] = Field(default_factory=list, max_length=20)
    topics: list[Typed] = Field(default_factory=list, max_length=100, description="Slugs of the council's topics.")
    tracking_consent: bool = False
    mail_format: MailFormat = MailFormat.STANDARD
    cadence: Cadence = Field(default=Cadence.AT_ONCE, description="When e-mails of these topics come.")


class SubscriberRequest(NewSubscriber):
    """One resident with the evidence of their consent. `confirm` writes to them first and waits for their yes, also
    where they are known already.
    """

    consent: ConsentEvidence
    confirm: bool = False


class SubscriberChange(Input):
    """What to change of a resident; what is left out stays."""

    name: str | None = Field(default=None, max_length=80)
    language: Language | None = None
    tracking_consent: bool | None = None
    mail_format: MailFormat | None = None
    places: list[NewPlace] | None = Field(default=None, max_length=20)
    topics: list[Typed] | None = Field(default=None, max_length=100)
    only_at: dict[str, list[Typed]] | None = Field(
        default=None,
        max_length=100,
        description="By topic, the postcodes of their places that it is followed for; an empty list for all of them.",
    )
    consent: ConsentEvidence | None = Field(default=None, description="Needed when topics are added.")
