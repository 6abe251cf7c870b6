"""The table of bounces, their reasons, and whether a person has reviewed them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field as Setting
from pydantic_settings import SettingsConfigDict
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column, new_id, state_column
from notify.core.setting_sources import SettingsOfOurs
from notify.providers.base import Channel


class BounceSettings(SettingsOfOurs):
    """When bounces suppress an address."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_BOUNCE_", frozen=True)

    soft_count: int = Setting(
        5, ge=2, description="So many soft bounces, as of a full mailbox, suppress an address if nothing arrived since."
    )
    soft_days: int = Setting(3, ge=2, le=30, description="They must have come on so many different days.")
    soft_window_days: int = Setting(14, ge=2, le=90, description="And within so many days.")
    burst: int = Setting(
        50,
        ge=0,
        description="More hard bounces with one cause within an hour suppress nobody until a member of staff confirms "
        "them; 0: they always suppress.",
    )
    retry_days: int = Setting(
        180, ge=0, description="An emergency is also sent to an address whose hard bounce is older than this; 0: never."
    )


class BounceState(StrEnum):
    """What came of a bounce."""

    SOFT = "soft"  # it passes; several count
    TAKEN = "taken"  # hard: the address was suppressed
    HELD = "held"  # hard, one of many of one cause: it waits for a person
    CONFIRMED = "confirmed"  # a person suppressed the address
    DISMISSED = "dismissed"  # a person said that the address is good


class Bounce(SQLModel, table=True):
    """A message that came back from an address, of which only the keyed hash is kept. `council_id` is who sent it."""

    __tablename__ = "bounce"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    channel: Channel = Field(sa_column=state_column(Channel))
    address_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: BounceState = Field(sa_column=state_column(BounceState))
    cause: str
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    decided_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Bounced:
    """A message of a council that came back from an address; `is_hard` when nobody lives there."""

    council_id: UUID
    channel: Channel
    address_hash: bytes
    reason: str
    is_hard: bool
