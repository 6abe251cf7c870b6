"""API routes of saved zones. `POST /audiences` counts the people of one: name it in the audience."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from litestar import delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, Session, SQLModel

from notify.core.db import transaction
from notify.places.shape_files import MOST_BYTES
from notify.places.shape_requests import ShapeOperation, uploaded_shape
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest
from notify.zones import queries, service
from notify.zones.files import zones_in_file
from notify.zones.models import NewZone, Zone, ZoneChange, ZoneKind

SEES, CHANGES = Requires(Right.SEE_ALERTS), RequiresLive(Right.BROADCAST)
ONE = "/zones/{slug:str}"


class ZoneView(SQLModel):
    """A saved zone and its newest version."""

    slug: str
    name: str
    kind: ZoneKind
    reference: str | None
    version: int
    hectares: float
    changed_at: datetime

    @classmethod
    def of(cls, found: queries.Saved) -> "ZoneView":
        """The public fields of a zone."""
        zone, version = found.zone, found.version
        said = zone.model_dump(include={"slug", "name", "kind", "reference"})
        return cls(**said, version=version.version, hectares=version.hectares, changed_at=version.created_at)


class ZoneVersionView(SQLModel):
    """One outline of a zone."""

    version: int
    polygon: dict[str, object] = Field(description="GeoJSON, lon,lat.")
    hectares: float
    source: str = Field(description="The file that it came from; empty: it was drawn or sent.")
    created_at: datetime


class WholeZoneView(ZoneView):
    """A saved zone with every version, the newest first."""

    versions: list[ZoneVersionView]


class LoadedView(SQLModel):
    """What became of the areas of a file, by name. Those `elsewhere` touch none of the council's land."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]
    elsewhere: list[str]


@get("/zones", guards=[SEES], sync_to_thread=True, tags=["zones"])
def list_zones(request: StaffRequest) -> list[ZoneView]:
    """The council's zones in use, by kind and name. An audience names them by slug."""
    with transaction() as session:
        return [ZoneView.of(one) for one in queries.zones(session, request.user.council_id)]


@post("/zones", guards=[CHANGES], sync_to_thread=True, tags=["zones"])
def add_zone(request: StaffRequest, data: JSONBody[NewZone]) -> WholeZoneView:
    """Keep an outline as a zone, or as another version of the zone of this name."""
    with transaction() as session:
        return _whole(session, service.save_zone(session, by=request.user, new=data))


@post(
    "/zone-files",
    guards=[CHANGES],
    status_code=200,
    sync_to_thread=True,
    tags=["zones"],
    request_max_body_size=MOST_BYTES + 100_000,
    dependencies={"shape_file": Provide(uploaded_shape)},
    operation_class=ShapeOperation,
)
def load_zone_file(
    request: StaffRequest,
    shape_file: NamedDependency[bytes],
    kind: FromQuery[ZoneKind | None] = None,
    name_property: FromQuery[str] = "",
) -> LoadedView:
    """Keep each area of a GeoJSON, KML, KMZ, zipped Shapefile or GeoPackage file as a zone.

    Files of the Environment Agency's flood warning areas are known by their fields; of others `name_property` says
    which property names the areas, where it is not one of the usual ones.
    """
    found = zones_in_file(shape_file, name_property=name_property)
    with transaction() as session:
        loaded = service.load_zones(session, by=request.user, found=found, kind=kind, source="")
    return LoadedView(**asdict(loaded))


@get(ONE, guards=[SEES], sync_to_thread=True, tags=["zones"])
def read_zone(request: StaffRequest, slug: FromPath[str]) -> WholeZoneView:
    """One zone with every version."""
    with transaction() as session:
        return _whole(session, queries.zone(session, request.user.council_id, slug))


@patch(ONE, guards=[CHANGES], sync_to_thread=True, tags=["zones"])
def change_zone(request: StaffRequest, slug: FromPath[str], data: JSONBody[ZoneChange]) -> WholeZoneView:
    """Another name or kind. The slug stays."""
    with transaction() as session:
        return _whole(session, service.change_zone(session, by=request.user, slug=slug, change=data))


@delete(ONE, guards=[CHANGES], sync_to_thread=True, tags=["zones"])
def archive_zone(request: StaffRequest, slug: FromPath[str]) -> None:
    """Offer a zone no longer. Alerts that were made with it keep its outline."""
    with transaction() as session:
        service.archive_zone(session, by=request.user, slug=slug)


def _whole(session: Session, zone: Zone) -> WholeZoneView:
    versions = queries.versions(session, zone.id)
    views = [
        ZoneVersionView(polygon=one.shape, **one.model_dump(include={"version", "hectares", "source", "created_at"}))
        for one in versions
    ]
    return WholeZoneView(**ZoneView.of(queries.Saved(zone, versions[0])).model_dump(), versions=views)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_zones,
    add_zone,
    load_zone_file,
    read_zone,
    change_zone,
    archive_zone,
)
