"""Releases of boundary and postcode data, and what they hold. Geometry is WKB in EPSG:27700, metres."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from notify import clock
from notify.db import moment_column, state_column


class ReleaseKind(StrEnum):
    """What a release is a full set of. One of each kind is active at a time."""

    POSTCODE = "postcode"
    WARD = "ward"
    DISTRICT = "district"


class Release(SQLModel, table=True):
    """One loading of one product. It counts for nothing until it is activated."""

    __tablename__ = "geo_release"

    id: int | None = Field(default=None, primary_key=True)
    kind: ReleaseKind = Field(sa_column=state_column(ReleaseKind))
    product: str
    version: str
    attribution: str
    row_count: int = 0
    loaded_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    activated_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    retired_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class Area(SQLModel, table=True):
    """A ward or a district of one release. Never keyed by name: 399 ward names recur in England and Wales."""

    __tablename__ = "area"

    release_id: int = Field(foreign_key="geo_release.id", primary_key=True)
    code: str = Field(primary_key=True)
    kind: ReleaseKind = Field(sa_column=state_column(ReleaseKind))
    name: str
    name_cy: str | None = None
    district_code: str | None = None
    population: int | None = None
    geom: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class Postcode(SQLModel, table=True):
    """A postcode of one release: a partition each, so that loading one never touches the active one.

    `easting` and `northing` are metres in EPSG:27700, or None where the source has no location.
    `edge_m` is the distance in metres to the ward's boundary and `alt_ward_code` the neighbour within 50 m of it.
    """

    __tablename__ = "postcode"

    release_id: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    easting: int | None = None
    northing: int | None = None
    quality: int | None = None
    large_user: bool | None = None
    ward_code: str | None = None
    district_code: str | None = None
    ended_on: date | None = None
    edge_m: float | None = None
    alt_ward_code: str | None = None


class PlaceChange(SQLModel, table=True):
    """A resident's place that a new release put into another ward."""

    __tablename__ = "place_change"

    id: int | None = Field(default=None, primary_key=True)
    place_id: UUID
    release_id: int = Field(foreign_key="geo_release.id")
    old_ward_code: str | None = None
    new_ward_code: str | None = None
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
