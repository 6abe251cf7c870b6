"""Releases of boundary and postcode data, and what they hold. Geometry is WKB in EPSG:27700, metres."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from pydantic import field_validator
from sqlalchemy import ARRAY, Column, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column
from notify.core.errors import Invalid
from notify.core.typed_text import Typed
from notify.places.reference_systems import in_degrees


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
    `edge_m` is the distance in metres to the ward's boundary, `near_ward_codes` are all other wards within 50 m,
    nearest first, and `alt_ward_code` is the nearest of them.
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
    near_ward_codes: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))


class AreaSuccession(SQLModel, table=True):
    """Which area has what an area that ended had: `share` of its postcodes went there with this release."""

    __tablename__ = "area_succession"

    release_id: int = Field(foreign_key="geo_release.id", primary_key=True)
    old_code: str = Field(primary_key=True)
    new_code: str = Field(primary_key=True)
    share: float
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class PlaceChange(SQLModel, table=True):
    """A resident's place that a new release put into another ward."""

    __tablename__ = "place_change"

    id: int | None = Field(default=None, primary_key=True)
    place_id: UUID
    release_id: int = Field(foreign_key="geo_release.id")
    old_ward_code: str | None = None
    new_ward_code: str | None = None
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class ReviewKind(StrEnum):
    """What a release found about a resident's place."""

    UNSURE = "unsure"  # the resident is asked
    OUTSIDE = "outside"  # their council covers it no more


class PlaceReview(SQLModel, table=True):
    """What a release could not say of a resident's place, or that it lies outside of their council now.

    `handled_at` is when the resident was written to, or need not be any more; `answered_at` when they said that it is
    right as it is. A place that they changed is gone.
    """

    __tablename__ = "place_review"

    place_id: UUID = Field(primary_key=True)
    release_id: int = Field(foreign_key="geo_release.id", primary_key=True)
    kind: ReviewKind = Field(sa_column=Column(String(32), primary_key=True))
    subscriber_id: UUID = Field(foreign_key="subscriber.id", ondelete="CASCADE")
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    handled_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    answered_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class Circle(Input):
    """Everything within `radius_m` metres of a postcode or of a point in lon,lat."""

    postcode: Typed | None = None
    lon: float | None = None
    lat: float | None = None
    radius_m: float = Field(gt=0, le=50_000)


class AudiencePart(Input):
    """Places, as the union of whatever is named. WGS84 lon,lat; metres."""

    wards: list[Typed] = Field(default_factory=list, max_length=2000)
    districts: list[Typed] = Field(default_factory=list, max_length=400)
    postcodes: list[str] = Field(
        default_factory=list, max_length=50_000, description="Full postcodes, or sectors such as `CB1 2`."
    )
    polygon: dict[str, object] | None = Field(
        default=None,
        description="GeoJSON Polygon, MultiPolygon, GeometryCollection, Feature or FeatureCollection, in lon,lat. With "
        "a `crs` member also EPSG 3857, 4277 and 27700, which are kept as lon,lat.",
    )
    circle: Circle | None = None
    zones: list[Typed] = Field(
        default_factory=list,
        max_length=100,
        description="Slugs of saved zones, such as `mill-lane`, or `mill-lane@2` for an earlier version. Kept as the "
        "polygon of that version, so that a later one changes no alert.",
    )
    buffer_m: float | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Margin round the polygon and circle in metres. Unset: 100 for emergencies, none otherwise.",
    )

    @field_validator("polygon")
    @classmethod
    def _in_degrees(cls, polygon: dict[str, object] | None) -> dict[str, object] | None:
        """What is stored, shown and hashed is lon,lat, whatever was sent."""
        try:
            return cast("dict[str, object] | None", in_degrees(polygon))
        except Invalid as error:
            raise ValueError(error.detail) from error


class AudienceSpec(AudiencePart):
    """The union of the parts named here, less the union of the parts in `except`."""

    model_config = {"extra": "forbid", "populate_by_name": True}

    excluded: AudiencePart | None = Field(default=None, alias="except")

    def as_stored(self) -> dict[str, object]:
        """What an alert keeps of it. Saved zones are polygons by then."""
        hidden: dict[str, Any] = {"zones": True, "excluded": {"zones"}}
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=hidden)


@dataclass(frozen=True, slots=True)
class PlaceSet:
    """A union of areas, postcodes and sectors, all as published codes and postcode keys without spaces."""

    wards: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    postcodes: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wards or self.districts or self.postcodes or self.sectors)


@dataclass(frozen=True, slots=True)
class Targets:
    """What an audience came to: the places meant and the places left out.

    `everywhere` means that no place was named. `near_boundary` takes in places whose postcode lies within 50 m of
    one of `included.wards` unless the resident said which ward is theirs; emergencies set it.
    """

    included: PlaceSet
    excluded: PlaceSet
    everywhere: bool
    near_boundary: bool = False

    def as_json(self) -> dict[str, object]:
        """A form that survives the database; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Targets":
        """What `as_json` wrote."""

        def places(name: str) -> PlaceSet:
            return PlaceSet(**{key: tuple(values) for key, values in stored[name].items()})

        return cls(places("included"), places("excluded"), stored["everywhere"], stored["near_boundary"])


class ReleaseWork(StrEnum):
    """What a worker does with a release."""

    LOAD = "load"
    ACTIVATE = "activate"


class ReleaseTaskState(StrEnum):
    """Where a task is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ReleaseTask(SQLModel, table=True):
    """A release that is read from an uploaded file, or put into force, in the background.

    `rows` are read so far; `outcome` holds the counts of what was done.
    """

    __tablename__ = "release_task"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    actor: str
    work: ReleaseWork = Field(sa_column=state_column(ReleaseWork))
    state: ReleaseTaskState = Field(sa_column=state_column(ReleaseTaskState))
    file_name: str = ""
    release_id: int | None = None
    is_confirmed: bool = False
    rows: int = 0
    outcome: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    failure: str = ""
    lease_until: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    finished_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
