"""Tables of rollups: each alert's totals, kept up to date as it is sent."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, SmallInteger
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, state_column
from notify.providers.base import Channel


class _Counts(SQLModel):
    """Messages by result. `sent`: sent, whatever came after. `cost` in thousandths of a penny.

    `unpriced` were sent while nobody had set a price.
    """

    recipients: int = 0
    sent: int = 0
    delivered: int = 0
    permanent_failure: int = 0
    temporary_failure: int = 0
    technical_failure: int = 0
    unknown: int = 0
    suppressed: int = 0
    cancelled: int = 0
    expired: int = 0
    waiting: int = 0
    cost: int = Field(default=0, sa_type=BigInteger)
    unpriced: int = 0


class RollupAlert(_Counts, table=True):
    """One alert in all. Times are seconds from `started_at`, when it could go, until so many per cent were sent.

    `took` is how long the counting was; once `is_final` nothing is expected any more, and from `detail_removed_at`
    these are all the figures there are.
    """

    __tablename__ = "rollup_alert"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    council_id: UUID = Field(foreign_key="council.id")
    topic_id: UUID = Field(foreign_key="topic.id")
    started_at: datetime = Field(sa_column=moment_column())
    unsubscribed: int = 0
    complained: int = 0
    time_to_50: float | None = None
    time_to_95: float | None = None
    time_to_99: float | None = None
    time_to_100: float | None = None
    counted_at: datetime = Field(sa_column=moment_column())
    took: timedelta
    is_final: bool
    detail_removed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class RollupCell(_Counts, table=True):
    """One alert's messages of one channel, language, ward and provider; the last two are empty where there is none.

    `agreed` of those sent went to people who had agreed to be counted.
    """

    __tablename__ = "rollup_cell"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    channel: Channel = Field(sa_column=state_column(Channel, primary_key=True))
    language: str = Field(primary_key=True)
    ward_code: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    agreed: int = 0


class RollupCurve(SQLModel, table=True):
    """How many were sent, and delivered, in the step that ends so many seconds after the start."""

    __tablename__ = "rollup_curve"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    channel: Channel = Field(sa_column=state_column(Channel, primary_key=True))
    second: int = Field(primary_key=True)
    sent: int
    delivered: int


class RollupHour(SQLModel, table=True):
    """What one provider did for one alert in one hour."""

    __tablename__ = "rollup_hour"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    channel: Channel = Field(sa_column=state_column(Channel, primary_key=True))
    provider: str = Field(primary_key=True)
    hour: datetime = Field(sa_column=moment_column(primary_key=True))
    sent: int
    delivered: int
    failed: int


class RollupDue(SQLModel, table=True):
    """An alert with news that are not counted yet."""

    __tablename__ = "rollup_due"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    noted_at: datetime = Field(sa_column=moment_column())


class RollupMark(SQLModel, table=True):
    """How far the events had been written at a moment."""

    __tablename__ = "rollup_mark"

    at: datetime = Field(sa_column=moment_column(primary_key=True))
    event_id: int = Field(sa_type=BigInteger)


class Annotation(SQLModel, table=True):
    """What an officer wrote beside the figures: what changed because of an alert, of a topic, or in the council.

    Without alert and topic it is about the whole council. `author` is as in the audit trail, `author_name` as they
    were called then. It stays when it is taken away, with the moment it was.
    """

    __tablename__ = "annotation"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id", ondelete="CASCADE")
    topic_id: UUID | None = Field(default=None, foreign_key="topic.id")
    day: date
    words: str
    author: str
    author_name: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    removed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    removed_by: str | None = None


class RollupGrowth(SQLModel, table=True):
    """How many people came and went on a day. `topic` is its short name; empty: anything of the council.

    `source` is where they signed up, or by which way they left.
    """

    __tablename__ = "rollup_growth"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id")
    topic: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    source: str = Field(primary_key=True)
    came: int
    went: int


class RollupReach(SQLModel, table=True):
    """How many people follow a topic, or (empty) anything of the council, by the ward of their first place."""

    __tablename__ = "rollup_reach"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id")
    topic: str = Field(primary_key=True)
    ward_code: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    people: int


class RollupFatigue(SQLModel, table=True):
    """How many people got so many alerts in the seven or 28 days from `first` on; ten stands for ten or more.

    `went` left in these days, after so many alerts in the seven days before.
    """

    __tablename__ = "rollup_fatigue"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id")
    days: int = Field(primary_key=True, sa_type=SmallInteger)
    first: date = Field(primary_key=True)
    alerts: int = Field(primary_key=True, sa_type=SmallInteger)
    people: int
    went: int


class RollupRound(SQLModel, table=True):
    """When the figures of this name were last counted, up to which line of the consent ledger, and how long it took."""

    __tablename__ = "rollup_round"

    name: str = Field(primary_key=True)
    consent_id: int = Field(sa_type=BigInteger)
    counted_at: datetime = Field(sa_column=moment_column())
    took: timedelta


class TargetKind(StrEnum):
    """What an indicator is measured against."""

    TARGET = "target"
    BASELINE = "baseline"
    CONTEXTUAL = "contextual"


class Target(SQLModel, table=True):
    """What a council means to reach. `indicator` is one that the platform measures, or `own-…`."""

    __tablename__ = "target"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    indicator: str
    name: str
    unit: str = ""
    kind: TargetKind = Field(sa_column=state_column(TargetKind))
    lower_is_better: bool = False
    target: Decimal | None = None
    actions: str = ""
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_by: str


class TargetValue(SQLModel, table=True):
    """What the council measured itself in a month."""

    __tablename__ = "target_value"

    target_id: UUID = Field(primary_key=True, foreign_key="target.id", ondelete="CASCADE")
    month: date = Field(primary_key=True)
    value: Decimal
    entered_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    entered_by: str


class RollupReply(SQLModel, table=True):
    """How many people of a ward were asked and what they answered, of alerts whose detail is removed."""

    __tablename__ = "rollup_reply"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    ward_code: str = Field(primary_key=True)
    asked: int
    safe: int
    help: int
