"""Tables of what was done with messages: every click and open as it came in, and what they add up to."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, FetchedValue, SmallInteger
from sqlmodel import Field, SQLModel

from notify.core.db import moment_column, state_column
from notify.providers.base import Channel

CANARY = -1  # the link that no reader can see
ALERT_LINK = 0  # the alert's own; those of a digest's parts count from 1


class HitKind(StrEnum):
    """What was done."""

    CLICKED = "clicked"
    OPENED = "opened"


class Verdict(StrEnum):
    """Who did it, as far as can be told."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Device(StrEnum):
    """What it was done with, as coarse as is of any use."""

    PHONE = "phone"
    TABLET = "tablet"
    COMPUTER = "computer"
    MAIL_PROXY = "mail-proxy"
    PROGRAM = "program"
    UNKNOWN = "unknown"


class Hit(SQLModel, table=True):
    """One click or open, kept as it came in; `verdict` and `reason` are what we think of it.

    `number` is the delivery's, of readers who agreed to be counted. `visitor` is a pseudonym that nobody can make
    again once its day's key is destroyed.
    """

    __tablename__ = "hit"

    month: date = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_column=moment_column())
    alert_id: UUID
    number: int | None = None
    kind: HitKind = Field(sa_column=state_column(HitKind))
    link: int = Field(default=ALERT_LINK, sa_type=SmallInteger)
    channel: Channel = Field(sa_column=state_column(Channel))
    device: Device = Field(sa_column=state_column(Device))
    visitor: bytes | None = None
    verdict: Verdict = Field(sa_column=state_column(Verdict))
    reason: str = ""


class Reader(SQLModel, table=True):
    """Someone who agreed to be counted and did it at least once, by what cannot be told to be a machine."""

    __tablename__ = "reader"

    month: date = Field(primary_key=True)
    alert_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    kind: HitKind = Field(sa_column=state_column(HitKind, primary_key=True))


class VisitorKey(SQLModel, table=True):
    """What a day's pseudonyms are made with."""

    __tablename__ = "visitor_key"

    day: date = Field(primary_key=True)
    key: bytes


class RollupHit(SQLModel, table=True):
    """How often it was done, by the hour."""

    __tablename__ = "rollup_hit"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    kind: HitKind = Field(sa_column=state_column(HitKind, primary_key=True))
    verdict: Verdict = Field(sa_column=state_column(Verdict, primary_key=True))
    channel: Channel = Field(sa_column=state_column(Channel, primary_key=True))
    link: int = Field(primary_key=True, sa_type=SmallInteger)
    device: Device = Field(sa_column=state_column(Device, primary_key=True))
    hour: datetime = Field(sa_column=moment_column(primary_key=True))
    times: int = Field(sa_type=BigInteger)
    changed_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue(), nullable=False)
    )


class RollupHitTotal(SQLModel, table=True):
    """How often it was done in all, kept by a trigger on `rollup_hit`: what pages about many alerts read."""

    __tablename__ = "rollup_hit_total"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    channel: Channel = Field(sa_column=state_column(Channel, primary_key=True))
    kind: HitKind = Field(sa_column=state_column(HitKind, primary_key=True))
    verdict: Verdict = Field(sa_column=state_column(Verdict, primary_key=True))
    times: int = Field(sa_type=BigInteger)


class RollupPeople(SQLModel, table=True):
    """How many people who agreed to be counted did it. `ward_code` is empty where it is not known."""

    __tablename__ = "rollup_people"

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    kind: HitKind = Field(sa_column=state_column(HitKind, primary_key=True))
    channel: Channel = Field(sa_column=state_column(Channel, primary_key=True))
    language: str = Field(primary_key=True)
    ward_code: str = Field(primary_key=True)
    people: int = Field(sa_type=BigInteger)
