"""Zones and their versions."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column


class ZoneKind(StrEnum):
    """What a zone is for."""

    FLOOD_WARNING_AREA = "flood-warning-area"
    RESERVOIR = "reservoir"
    COMAH = "comah"
    REPPIR = "reppir"
    SCHOOL_STREET = "school-street"
    OTHER = "other"


KIND_NAMES: dict[ZoneKind, str] = {
    ZoneKind.FLOOD_WARNING_AREA: "Flood warning area",
    ZoneKind.RESERVOIR: "Reservoir inundation zone",
    ZoneKind.COMAH: "COMAH zone",
    ZoneKind.REPPIR: "REPPIR zone",
    ZoneKind.SCHOOL_STREET: "School street",
    ZoneKind.OTHER: "Other",
}


class Zone(SQLModel, table=True):
    """A named area of a council. `reference` is its code where it came from, such as a flood warning area's."""

    __tablename__ = "zone"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    slug: str
    name: str
    kind: ZoneKind = Field(sa_column=state_column(ZoneKind))
    reference: str | None = None
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    archived_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class ZoneVersion(SQLModel, table=True):
    """One outline of a zone, from 1; it never changes. `shape` is GeoJSON in lon,lat; `source` the file's name."""

    __tablename__ = "zone_version"

    zone_id: UUID = Field(foreign_key="zone.id", primary_key=True)
    version: int = Field(primary_key=True)
    shape: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    hectares: float
    source: str = ""
    created_by: str
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class NewZone(Input):
    """A zone, or another version of the one of this name."""

    name: str = Field(min_length=1, max_length=120)
    kind: ZoneKind = ZoneKind.OTHER
    polygon: dict[str, object] = Field(description="GeoJSON as in an audience: lon,lat unless its `crs` says else.")
    reference: str | None = Field(default=None, max_length=60, description="Its code where it comes from.")


class ZoneChange(Input):
    """Another name or kind."""

    name: str | None = Field(default=None, min_length=1, max_length=120)
    kind: ZoneKind | None = None
