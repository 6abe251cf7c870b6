"""Targets and how alerts fared against them, prices and assumptions, calls, and what a council publishes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.alerts.models import Priority
from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column
from notify.core.typed_text import TypedDay
from notify.providers.base import Channel


class ServiceLevelObjective(SQLModel, table=True):
    """What a council promises from a moment on: so many per cent sent so many seconds after approval."""

    __tablename__ = "service_level_objective"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id", ondelete="CASCADE")
    priority: Priority = Field(sa_column=state_column(Priority, primary_key=True))
    valid_from: datetime = Field(sa_column=moment_column(primary_key=True))
    seconds: int
    percent: float


class ServiceResult(SQLModel, table=True):
    """How one alert fared against the target of its day. `due` messages had to go, `in_time` of them did.

    `took_seconds` is when the promised share was sent; None: never. `people` were handed at least one message;
    None: they were never distinguished.
    """

    __tablename__ = "service_result"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    council_id: UUID = Field(foreign_key="council.id", ondelete="CASCADE")
    priority: Priority = Field(sa_column=state_column(Priority))
    started_at: datetime = Field(sa_column=moment_column())
    target_seconds: int
    target_percent: float
    due: int
    in_time: int
    took_seconds: float | None = None
    people: int | None = None
    is_met: bool
    judged_at: datetime = Field(sa_column=moment_column())


class ServiceBreach(SQLModel, table=True):
    """Why one alert missed its target, as far as was recorded when it did, and what an officer says about it.

    Each of `causes` has a `kind` and `words`.
    """

    __tablename__ = "service_breach"

    alert_id: UUID = Field(primary_key=True, foreign_key="service_result.alert_id", ondelete="CASCADE")
    causes: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False))
    found_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    note: str = ""
    noted_by: str | None = None
    noted_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class UnitPrice(SQLModel, table=True):
    """What one message (of texts: one part) by a provider costs from a day on, in thousandths of a penny.

    It values what was sent while no price was set; what was booked stays as it was booked.
    """

    __tablename__ = "unit_price"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id", ondelete="CASCADE")
    channel: Channel = Field(sa_column=state_column(Channel))
    provider: str
    valid_from: date
    price: int = Field(sa_type=BigInteger)
    source: str
    added_by: str
    added_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class CostAssumption(SQLModel, table=True):
    """What estimates of avoided contact rest on. None: nobody has said so, and nothing is estimated with it."""

    __tablename__ = "cost_assumption"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id", ondelete="CASCADE")
    call_pence: float | None = None
    is_exempt: bool = False
    call_source: str = ""
    low_percent: float | None = None
    high_percent: float | None = None
    share_source: str = ""
    staff_hour_pence: float | None = None
    staff_source: str = ""
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_by: str = ""


class StaffTime(SQLModel, table=True):
    """How long staff worked on one alert and what followed from it."""

    __tablename__ = "staff_time"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    minutes: int
    noted_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    noted_by: str


class CallVolume(SQLModel, table=True):
    """Calls of one category in one hour, or in one day where a file knows no hours. `day` is that of this country."""

    __tablename__ = "call_volume"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id", ondelete="CASCADE")
    category: str = Field(primary_key=True)
    starts_at: datetime = Field(sa_column=moment_column(primary_key=True))
    is_whole_day: bool = Field(primary_key=True)
    day: date
    calls: int


class CallCategory(SQLModel, table=True):
    """Which topic a category of calls is about; None: nobody has said so."""

    __tablename__ = "call_category"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id", ondelete="CASCADE")
    category: str = Field(primary_key=True)
    topic_id: UUID | None = Field(default=None, foreign_key="topic.id", ondelete="SET NULL")


class Publication(SQLModel, table=True):
    """What a council shows of its figures. `tables` are as they were last made, with small numbers withheld."""

    __tablename__ = "publication"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id", ondelete="CASCADE")
    is_on: bool = False
    shows_cost: bool = False
    contact: str = ""
    first_month: date
    tables: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    made_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    figures_changed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class NewTarget(Input):
    """A promise: `percent` of an alert's messages sent within `seconds` of its approval."""

    priority: Priority
    seconds: int = Field(ge=1, le=7200, description="Whole seconds to 60, then tens to 600, then minutes.")
    percent: float = Field(ge=50, le=100)


class NewPrice(Input):
    """What one message by a provider costs from a day on. A booked cost never changes."""

    channel: Channel
    provider: str = Field(min_length=1, max_length=60)
    pence: float = Field(ge=0, le=10_000)
    valid_from: TypedDay
    source: str = Field(min_length=1, max_length=300, description="Where the price is written: a contract, an invoice.")


class Assumptions(Input):
    """What estimates rest on. Unset: not estimated. `is_exempt`: the cost of a call is known and not told."""

    call_pence: float | None = Field(default=None, ge=0, le=100_000)
    is_exempt: bool = False
    call_source: str = Field(default="", max_length=300)
    low_percent: float | None = Field(
        default=None, ge=0, le=100, description="Of the people reached: who would have called, at least."
    )
    high_percent: float | None = Field(default=None, ge=0, le=100, description="The same, at most.")
    share_source: str = Field(default="", max_length=300)
    staff_hour_pence: float | None = Field(default=None, ge=0, le=1_000_000)
    staff_source: str = Field(default="", max_length=300)


class WhatToPublish(Input):
    """Whether the figures are public, whether what was spent is among them, and who answers questions."""

    is_on: bool
    shows_cost: bool = False
    contact: str = Field(default="", max_length=200, description="An e-mail or web address that everybody may see.")
