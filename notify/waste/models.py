"""Streams, releases of rounds and homes, and what moves a collection. No address is kept of a resident."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, secrets_column, state_column
from notify.subscribers.models import of_subscriber


class Availability(StrEnum):
    """Who has a stream. What only subscribers have is nobody else's to know."""

    ALL = "all"
    SUBSCRIBERS = "subscribers"
    FLATS = "flats"


class EventKind(StrEnum):
    """What happened to collections of a day."""

    MOVED = "moved"
    NOT_COMPLETED = "not-completed"
    CANCELLED = "cancelled"


class Cause(StrEnum):
    """Why a collection did not happen on its day."""

    BLOCKED_ROAD = "blocked-road"
    BREAKDOWN = "breakdown"
    WEATHER = "weather"
    STAFF = "staff-shortage"
    SITE = "disposal-site"
    HOLIDAY = "holiday"
    OTHER = "other"


class Slot(StrEnum):
    """Which message about a collection day."""

    EVENING = "evening"
    MORNING = "morning"


class Stream(SQLModel, table=True):
    """Something that is collected: its words in each language, the container, what goes in, and when to put it out."""

    __tablename__ = "waste_stream"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    code: str
    names: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    containers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    contents: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    put_out_by: time = time(7)
    availability: Availability = Field(sa_column=state_column(Availability))
    position: int = 0


class CollectionRelease(SQLModel, table=True):
    """One state of the rounds, loaded beside the active one. `fetched_at` is how old what it says is.

    `settings` are a `ReleaseSettings`: the rule about holidays, and lines for the table. From `told_at` on subscribers
    were told of what it changed, by so many messages.
    """

    __tablename__ = "collection_release"

    id: int | None = Field(default=None, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    name: str
    source: str
    licence: str = ""
    fetched_at: datetime = Field(sa_column=moment_column())
    fresh_until: date
    settings: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    homes: int = 0
    rules: int = 0
    refused: int = 0
    refusals: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    loaded_by: str
    loaded_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    activated_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    told_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    told: int = 0


class CollectionRule(SQLModel, table=True):
    """When one stream of one round is collected. `pattern` is a `Pattern`."""

    __tablename__ = "collection_rule"

    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    release_id: int = Field(foreign_key="collection_release.id", ondelete="CASCADE")
    round: str
    stream: str
    pattern: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))


class CollectionAssignment(SQLModel, table=True):
    """Which homes a round serves: one home, house numbers of a postcode or street, a street, or a postcode."""

    __tablename__ = "collection_assignment"

    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    release_id: int = Field(foreign_key="collection_release.id", ondelete="CASCADE")
    round: str
    home: str | None = None
    postcode: str | None = None
    usrn: str | None = None
    building: str = ""
    number_from: int | None = None
    number_to: int | None = None
    side: str = ""


class CollectionHome(SQLModel, table=True):
    """A home as the council's file names it, with the rules that serve it: of each stream those that fit narrowest."""

    __tablename__ = "collection_home"

    release_id: int = Field(primary_key=True, foreign_key="collection_release.id", ondelete="CASCADE")
    reference: str = Field(primary_key=True)
    label: str
    postcode: str
    usrn: str | None = None
    building: str = ""
    number: int | None = None
    rules: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))


class CollectionService(SQLModel, table=True):
    """A stream that one home has paid for, and for which days."""

    __tablename__ = "collection_service"

    release_id: int = Field(primary_key=True, foreign_key="collection_release.id", ondelete="CASCADE")
    reference: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    starts: date = Field(primary_key=True)
    ends: date


class CollectionMove(SQLModel, table=True):
    """A line of the holiday table. Never deleted: calendars must hear that it holds no more."""

    __tablename__ = "collection_move"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    usual: date
    revised: date | None = None
    round: str = ""
    stream: str = ""
    reason: str = ""
    revision: int = 1
    is_withdrawn: bool = False
    changed_by: str
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class WasteEvent(SQLModel, table=True):
    """Something that happened to the collections of `day`: of a round, a street, a postcode, a home, or of all.

    `day` is the planned day, or the usual one with `by_usual`. Never changed; a later one about the same day holds.
    """

    __tablename__ = "waste_event"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    kind: EventKind = Field(sa_column=state_column(EventKind))
    day: date
    by_usual: bool = False
    new_day: date | None = None
    round: str = ""
    stream: str = ""
    usrn: str | None = None
    postcode: str | None = None
    home: str | None = None
    cause: Cause = Field(sa_column=state_column(Cause))
    homes: int = 0
    told: int = 0
    told_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    created_by: str
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class CollectionReminder(SQLModel, table=True):
    """A subscriber wants to be reminded for one home, which is kept by its reference alone."""

    __tablename__ = "collection_reminder"
    __table_args__ = (of_subscriber(),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID
    subscriber_id: UUID
    home: str
    evening: bool = True
    morning: bool = False
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class CollectionReminderSent(SQLModel, table=True):
    """A reminder that was made, so that none is made twice. `slot` is a `Slot`, `change:` and an
    event, or `correction:` and streams.
    """

    __tablename__ = "collection_reminder_sent"

    reminder_id: UUID = Field(primary_key=True, foreign_key="collection_reminder.id", ondelete="CASCADE")
    day: date = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id")
    streams: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class CollectionReport(SQLModel, table=True):
    """Someone says that the days of a home are wrong. It names the home and the days that were shown, and no person."""

    __tablename__ = "collection_report"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    home: str
    words: str
    days: dict[str, list[str]] = Field(sa_column=Column(JSONB, nullable=False))
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    handled_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    handled_by: str | None = None


class Outcome(StrEnum):
    """What a contractor says of a collection."""

    COMPLETED = "completed"
    MISSED = "missed"


class UseKind(StrEnum):
    """What residents opened without signing in."""

    LOOK_UP = "look-up"
    CALENDAR = "calendar"


class CollectionContractor(SQLModel, table=True):
    """A waste contractor whose signed words a council takes. `secret` signs them, as Standard Webhooks says."""

    __tablename__ = "collection_contractor"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    name: str
    secret: str = Field(sa_column=secrets_column())
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    ended_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class CollectionStatus(SQLModel, table=True):
    """A contractor's word about collections of a day, taken once for each `reference` of a `source`.

    `event_id` is what became known to residents by it.
    """

    __tablename__ = "collection_status"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id")
    source: str = Field(primary_key=True)
    reference: str = Field(primary_key=True)
    outcome: Outcome = Field(sa_column=state_column(Outcome))
    day: date
    round: str = ""
    stream: str = ""
    home: str | None = None
    cause: Cause = Field(sa_column=state_column(Cause))
    event_id: UUID | None = Field(default=None, foreign_key="waste_event.id")
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class CollectionSource(SQLModel, table=True):
    """An address that files of collection days are fetched from every so many hours.

    What was fetched is put into force by itself if at most `most_changes` homes change day or go; None: a person does
    it. `content_hash` is of the content that was fetched last, `result` what came of it.
    """

    __tablename__ = "collection_source"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    address: str
    name: str
    licence: str = ""
    paid: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    every_hours: int = 24
    most_changes: int | None = None
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    next_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    content_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    result: str = ""
    result_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    is_failing: bool = False
    release_id: int | None = Field(default=None, foreign_key="collection_release.id", ondelete="SET NULL")


class CollectionUse(SQLModel, table=True):
    """How often residents of a council looked collection days up, or a calendar was read, on a day."""

    __tablename__ = "collection_use"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id")
    day: date = Field(primary_key=True)
    kind: UseKind = Field(sa_column=state_column(UseKind, primary_key=True))
    times: int


class UploadState(StrEnum):
    """How far an upload is."""

    WAITING = "waiting"
    LOADING = "loading"
    DONE = "done"
    FAILED = "failed"


class CollectionUpload(SQLModel, table=True):
    """Files that an officer uploaded, and how far a worker is with loading them. `said` is what was said beside them.

    The files lie in the data folder until they are loaded. A worker that dies loses them to the next at `lease_until`.
    """

    __tablename__ = "collection_upload"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    created_by: str
    files: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    said: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    state: UploadState = Field(default=UploadState.WAITING, sa_column=state_column(UploadState))
    entries: int = 0
    percent: int = 0
    failure: str = ""
    release_id: int | None = Field(default=None, foreign_key="collection_release.id", ondelete="SET NULL")
    lease_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    finished_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
