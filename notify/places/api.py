"""API routes of postcodes and areas. Public, because they are open data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

import shapely
from litestar import Request, Response, get
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, Session, SQLModel

from notify.core.db import transaction
from notify.core.errors import Gone, NotFound
from notify.places import geometry, projection, succession
from notify.places.boundaries import AreaKind
from notify.places.models import Area, Release, ReleaseKind
from notify.places.postcodes import canonical, normalise, where_instead
from notify.places.queries import Resolved, area_with_release, areas_page, names_by_code, release_of, resolve_postcodes
from notify.places.ward_edges import REACH_M
from notify.staff.queries import council_by_slug, councils_covering
from notify.web.api_document import also
from notify.web.conditional import POLLED

AnyRequest = Request[Any, Any, Any]

GEOJSON = "application/geo+json"
MOST_AREAS = 500
USUAL_AREAS = 100

View = TypeVar("View")


class UnknownPostcode(NotFound):
    """The active release has no such postcode."""

    title = "The postcode is not known"


class EndedPostcode(Gone):
    """Royal Mail no longer uses the postcode."""

    title = "The postcode is no longer in use"


class AreaNotFound(NotFound):
    """No release that was ever active has this code."""

    title = "There is no such area"


class AreaName(SQLModel):
    """An area by its published code. The name is null where no boundaries that know the code are loaded."""

    code: str
    name: str | None


class CouncilName(SQLModel):
    """A council that serves the postcode."""

    slug: str
    name: str


class ReleaseView(SQLModel):
    """Where an answer comes from, and the credit its licence asks you to show."""

    product: str
    version: str
    attribution: str


class PostcodeView(SQLModel):
    """What is known of a postcode. Position is that of its point, not of an address."""

    postcode: str
    ward: AreaName | None
    district: AreaName | None
    councils: list[CouncilName]
    lon: float | None
    lat: float | None
    near_boundary: bool = Field(description="Whether the point lies within 50 m of its ward's edge.")
    edge_m: float | None = Field(description="Metres to the ward's edge; null where not measured.")
    alternative_ward: AreaName | None = Field(description="The nearest other ward within 50 m.")
    nearby_wards: list[AreaName] = Field(description="Every other ward within 50 m, nearest first.")
    large_user: bool | None = Field(description="A business's own postcode; null where the source does not say.")
    release: ReleaseView


class AreaView(SQLModel):
    """A ward or district."""

    code: str
    name: str
    name_cy: str | None
    type: AreaKind
    district_code: str | None
    population: int | None

    @classmethod
    def of(cls, area: Area) -> "AreaView":
        """The public fields of this area."""
        return cls(**area.model_dump(exclude={"release_id", "kind", "geom"}), type=AreaKind(area.kind.value))


class SuccessorOfArea(SQLModel):
    """An area in force that has taken over `share` of the postcodes of one that ended."""

    code: str
    name: str
    share: float


class AreaWithRelease(AreaView):
    """A ward or district and where it comes from."""

    release: ReleaseView
    in_force: bool = Field(description="False: it has ended, and alerts for it are refused or held.")
    successors: list[SuccessorOfArea] = Field(description="What is there now, the largest part first.")


class AreaPage(SQLModel):
    """One page of areas by code. `next` goes into `after` for the page that follows."""

    areas: list[AreaView]
    next: str | None
    release: ReleaseView | None


class Feature(SQLModel):
    """A GeoJSON feature: WGS84, longitude first. Source: RFC 7946."""

    type: Literal["Feature"] = "Feature"
    id: str
    properties: dict[str, object]
    geometry: dict[str, object] | None

    @classmethod
    def of(cls, area: Area) -> "Feature":
        """The area with its outline."""
        outline = geometry.to_geojson(shapely.from_wkb(area.geom)) if area.geom else None
        return cls(id=area.code, properties=AreaView.of(area).model_dump(), geometry=outline)


class FeatureCollection(SQLModel):
    """GeoJSON features, with the same `next` and `release` as a page has."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[Feature]
    next: str | None
    release: ReleaseView | None


@dataclass
class AreaOperation(Operation):
    """The documentation of a route that answers as JSON or as GeoJSON."""

    def __post_init__(self) -> None:
        answer = (self.responses or {})["200"]
        if isinstance(answer, OpenAPIResponse) and answer.content:
            both = answer.content["application/json"].schema
            plain, outlined = both.one_of or () if isinstance(both, Schema) else ()
            kinds = {"application/json": plain, GEOJSON: outlined}
            answer.content = {kind: OpenAPIMediaType(schema=schema) for kind, schema in kinds.items()}


@get(
    "/postcodes/{postcode:str}",
    sync_to_thread=True,
    tags=["places"],
    opt=POLLED,
    responses=also(410, EndedPostcode.title),
)
def read_postcode(postcode: FromPath[str]) -> PostcodeView:
    """A postcode's ward, district, councils and position, however it was typed."""
    key = normalise(postcode)
    with transaction() as session:
        found = resolve_postcodes(session, [key]).get(key)
        if found is None:
            raise UnknownPostcode(
                where_instead(key)
                or f"{canonical(key)} is not in the loaded release. Check it; a new postcode takes up to three months "
                "to appear."
            )
        if found.ended_on is not None:
            raise _ended(key, found.ended_on)
        return _postcode_view(session, found)


@get("/areas", sync_to_thread=True, tags=["places"], opt=POLLED, operation_class=AreaOperation)
def list_areas(
    request: AnyRequest,
    kind: Annotated[AreaKind, QueryParameter(name="type")] = AreaKind.WARD,
    council: Annotated[str | None, QueryParameter(description="Only areas of this council, by its slug.")] = None,
    limit: Annotated[
        int | None, QueryParameter(ge=1, le=MOST_AREAS, description="Unset: 100, and 500 for GeoJSON.")
    ] = None,
    after: Annotated[str, QueryParameter(description="The last code of the page before.", max_length=20)] = "",
) -> Response[AreaPage | FeatureCollection]:
    """Wards or districts by code; with `Accept: application/geo+json` with their outlines."""
    as_geojson = _wants_geojson(request)
    most = limit or (MOST_AREAS if as_geojson else USUAL_AREAS)
    with transaction() as session:
        districts = council_by_slug(session, council).district_codes if council else None
        found = areas_page(
            session, ReleaseKind(kind.value), districts=districts, after=after, limit=most, with_outline=as_geojson
        )
        release = release_of(session, found[0].release_id) if found else None
    following = found[-1].code if len(found) == most else None
    view = ReleaseView(**_release_fields(release)) if release else None
    if as_geojson:
        features = [Feature.of(area) for area in found]
        return _answer(FeatureCollection(features=features, next=following, release=view), GEOJSON)
    return _answer(AreaPage(areas=[AreaView.of(area) for area in found], next=following, release=view))


@get("/areas/{code:str}", sync_to_thread=True, tags=["places"], opt=POLLED, operation_class=AreaOperation)
def read_area(request: AnyRequest, code: FromPath[str]) -> Response[AreaWithRelease | Feature]:
    """One ward or district, also one of an earlier release, so that an old alert can still be shown."""
    with transaction() as session:
        found = area_with_release(session, code)
        ended = succession.ended(session, [code])
    if found is None:
        raise AreaNotFound(f"No area has the code {code[:20]}. `GET /api/v1/areas?type=ward` lists them.")
    area, release = found
    if _wants_geojson(request):
        feature = Feature.of(area)
        feature.properties["release"] = _release_fields(release)
        return _answer(feature, GEOJSON)
    followed = [SuccessorOfArea(**asdict(new)) for one in ended for new in one.successors]
    of_release = ReleaseView(**_release_fields(release))
    fields = AreaView.of(area).model_dump()
    return _answer(AreaWithRelease(**fields, release=of_release, in_force=not ended, successors=followed))


def _ended(key: str, ended_on: date) -> EndedPostcode:
    return EndedPostcode(
        f"{canonical(key)} ended in {ended_on:%B %Y}. Ask for the address's new postcode.", ended_on=ended_on
    )


def _postcode_view(session: Session, found: Resolved) -> PostcodeView:
    names = names_by_code(session, [found.ward_code, found.district_code, *found.near_ward_codes])
    lon, lat = None, None
    if found.easting is not None and found.northing is not None:
        lon, lat = (round(degrees, 6) for degrees in projection.to_lon_lat(found.easting, found.northing))
    covering = councils_covering(session, found.district_code)
    return PostcodeView(
        postcode=canonical(found.key),
        ward=_named(found.ward_code, names),
        district=_named(found.district_code, names),
        councils=[CouncilName(slug=council.slug, name=council.name) for council in covering],
        lon=lon,
        lat=lat,
        near_boundary=bool(found.near_ward_codes) or (found.edge_m is not None and found.edge_m <= REACH_M),
        edge_m=found.edge_m,
        alternative_ward=_named(found.alt_ward_code, names),
        nearby_wards=[AreaName(code=code, name=names.get(code)) for code in found.near_ward_codes],
        large_user=found.large_user,
        release=ReleaseView(**_release_fields(release_of(session, found.release_id))),
    )


def _named(code: str | None, names: Mapping[str, str]) -> AreaName | None:
    return AreaName(code=code, name=names.get(code)) if code else None


def _release_fields(release: Release) -> dict[str, str]:
    return release.model_dump(include={"product", "version", "attribution"})


def _wants_geojson(request: AnyRequest) -> bool:
    return request.accept.best_match(["application/json", GEOJSON], "application/json") == GEOJSON


def _answer(content: View, media_type: str = "application/json") -> Response[View]:
    return Response(content, media_type=media_type, headers={"Vary": "Accept"})


HANDLERS: Sequence[ControllerRouterHandler] = (read_postcode, list_areas, read_area)
