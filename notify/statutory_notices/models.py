"""Notices and their versions. A version is never changed: what was public stays readable as it was."""

import hashlib
import json
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import Column, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column
from notify.core.typed_text import TypedDay
from notify.languages import later

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$"


class Matter(StrEnum):
    """What a notice is about."""

    PLANNING = "planning"
    TRAFFIC = "traffic"
    HIGHWAYS = "highways"
    LICENSING = "licensing"
    PUBLIC_SPACES = "public-spaces"
    ELECTIONS = "elections"
    ENVIRONMENT = "environment"
    OTHER = "other"


KINDS = {
    Matter.PLANNING: later("Planning"),
    Matter.TRAFFIC: later("Traffic and parking"),
    Matter.HIGHWAYS: later("Highways and paths"),
    Matter.LICENSING: later("Licensing"),
    Matter.PUBLIC_SPACES: later("Public spaces protection"),
    Matter.ELECTIONS: later("Elections"),
    Matter.ENVIRONMENT: later("Environment"),
    Matter.OTHER: later("Other"),
}


class NewVersion(Input):
    """What a notice says. `wards` are codes, none: the whole council. `cost_pence`: of publishing it elsewhere."""

    title: Line
    kind: Matter
    legal_basis: Line
    body: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
    wards: Annotated[list[str], Field(max_length=500)] = []
    comments_by: TypedDay | None = None
    in_force_until: TypedDay | None = None
    elsewhere: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""
    cost_pence: Annotated[int, Field(ge=0, le=100_000_000)] | None = None


class NewNotice(NewVersion):
    """A notice to publish. Without a reference it gets the year and the next number, as 2026-0042."""

    reference: Annotated[str, StringConstraints(strip_whitespace=True, pattern=REFERENCE)] | None = None


class Correction(NewVersion):
    """What a notice says from now on, and why."""

    reason: Line


class Withdrawal(Input):
    """Why a notice holds no longer."""

    reason: Line


class StatutoryNotice(SQLModel, table=True):
    """A statutory notice, by the reference that its permanent address holds. What it says is in its versions."""

    __tablename__ = "statutory_notice"
    __table_args__ = (UniqueConstraint("council_id", "reference"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id", ondelete="CASCADE")
    reference: str
    published_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class NoticeVersion(SQLModel, table=True):
    """What a notice said from `published_at` on; version 1 is the first. `digest` is the SHA-256 of its content.

    `reason` says why it took the place of the one before. One that `is_withdrawn` repeats what was said, and ends it.
    """

    __tablename__ = "statutory_notice_version"

    notice_id: UUID = Field(primary_key=True, foreign_key="statutory_notice.id", ondelete="CASCADE")
    version: int = Field(primary_key=True)
    kind: Matter = Field(sa_column=state_column(Matter))
    title: str
    legal_basis: str
    body: str = Field(sa_column=Column(Text, nullable=False))
    wards: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    comments_by: date | None = None
    in_force_until: date | None = None
    elsewhere: str = ""
    cost_pence: int | None = None
    reason: str = ""
    is_withdrawn: bool = False
    published_by: str
    published_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    digest: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))

    def content_digest(self, reference: str) -> bytes:
        """The SHA-256 of what this version says and of when, as canonical JSON: names in order, no spaces, UTF-8."""
        said = {name: getattr(self, name) for name in SAID}
        said |= {"reference": reference, "published_at": self.published_at.astimezone(UTC).isoformat()}
        written = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        return hashlib.sha256(written.encode()).digest()


SAID = (
    *("version", "kind", "title", "legal_basis", "body", "wards", "comments_by", "in_force_until", "elsewhere"),
    *("cost_pence", "reason", "is_withdrawn"),
)
