"""From what an officer means to sets of published codes and postcodes."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlmodel import Session

from notify.core.errors import Invalid
from notify.places import geometry, postcodes, succession
from notify.places.models import AudiencePart, AudienceSpec, Circle, PlaceSet, ReleaseKind, Targets
from notify.places.queries import active_release, areas_by_code, resolve_postcodes
from notify.places.spatial_index import PostcodeIndex

EMERGENCY_BUFFER_M = 100.0
MARGIN_M = 20_000  # how far beyond the councils' own postcodes the index reaches
Bounds = tuple[float, float, float, float]
MOST_INDEXES = 8  # councils of one installation; an old release's go when new ones come
_indexes: dict[tuple[int, datetime | None, tuple[str, ...]], tuple[PostcodeIndex, Bounds]] = {}


class UnknownArea(Invalid):
    """A ward or district code that no release knows."""

    title = "There is no such area"


class OutsideCouncil(Invalid):
    """The shape lies where this council serves nobody."""

    title = "The area is outside the council"


class AudienceNamesNothing(Invalid):
    """An empty list is more likely a failed look-up than a wish to write to the whole council."""

    title = "The audience names no place"


class ZonesNotResolved(Invalid):
    """Saved zones are a council's own, and only what knows the council can say what they are."""

    title = "The audience still names zones"


class CircleNeedsCentre(Invalid):
    """A circle is drawn round a postcode or a point, not both and not neither."""

    title = "The circle has no centre"


class NoPostcodesLoaded(Invalid):
    """Shapes select postcodes, and there are none."""

    title = "No postcodes are loaded"


def resolve(
    session: Session,
    spec: AudienceSpec | None,
    *,
    district_codes: Sequence[str],
    is_emergency: bool,
    refuse_ended: bool = True,
) -> Targets:
    """The places an audience means, for a council that covers `district_codes`.

    Codes that ended stay in those of an emergency, and `succession.reached` says where it goes instead. Of what is
    stored already, `refuse_ended` is false.

    Raises: AudienceNamesNothing, AreaEnded unless it is an emergency,
        UnknownArea, OutsideCouncil, CircleNeedsCentre, NoPostcodesLoaded, and what `geometry.parse_shape` and
    `postcodes.normalise` raise.
    """
    if spec and (spec.zones or (spec.excluded and spec.excluded.zones)):
        raise ZonesNotResolved("Name the places of this audience without `zones`.")
    is_absent = spec is None or not spec.model_fields_set
    spec = spec or AudienceSpec()
    everywhere = _names_nothing(spec)
    if everywhere and not is_absent and (spec.excluded is None or _names_nothing(spec.excluded)):
        raise AudienceNamesNothing(
            "The audience has no ward, district, postcode or shape in it. Leave `audience` out to mean everyone."
        )
    margin_m = EMERGENCY_BUFFER_M if is_emergency else 0.0
    included = _places(session, spec, district_codes, margin_m)
    excluded = _places(session, spec.excluded, district_codes, 0.0) if spec.excluded else PlaceSet()
    targets = Targets(included, excluded, everywhere=everywhere, near_boundary=is_emergency)
    if refuse_ended and not is_emergency:
        succession.require_current(session, succession.codes_of(targets))
    return targets


def _names_nothing(part: AudiencePart) -> bool:
    return not (part.wards or part.districts or part.postcodes or part.polygon or part.circle)


def _places(session: Session, part: AudiencePart, district_codes: Sequence[str], margin_m: float) -> PlaceSet:
    _require_known(session, [*part.wards, *part.districts])
    buffer_m = margin_m if part.buffer_m is None else part.buffer_m
    chosen, sectors = set(), set()
    for written in part.postcodes:
        if postcodes.is_sector(written):
            sectors.add(postcodes.sector_key(written))
        else:
            chosen.add(postcodes.normalise(written))
    if part.polygon is not None:
        shape = geometry.parse_shape(part.polygon, buffer_m=buffer_m)
        chosen.update(_within(session, shape, district_codes))
    if part.circle is not None:
        chosen.update(_within_circle(session, part.circle, buffer_m, district_codes))
    return PlaceSet(
        wards=tuple(dict.fromkeys(part.wards)),
        districts=tuple(dict.fromkeys(part.districts)),
        postcodes=tuple(sorted(chosen)),
        sectors=tuple(sorted(sectors)),
    )


def _require_known(session: Session, codes: Sequence[str]) -> None:
    if not codes:
        return
    known = areas_by_code(session, codes)
    used = session.execute(
        text("""
            SELECT code FROM unnest(CAST(:codes AS text[])) AS code
            WHERE area_is_current(code) OR EXISTS (SELECT FROM area_succession WHERE old_code = code)
        """),
        {"codes": [code for code in codes if code not in known]},
    ).scalars()
    unknown = sorted(set(codes) - set(known) - set(used))
    if unknown:
        raise UnknownArea(
            f"No loaded release knows {', '.join(unknown[:5])}. `GET /api/v1/areas?type=ward` lists the codes; "
            "names are not accepted, because many wards share one.",
            unknown=unknown[:100],
        )


def _within(session: Session, shape: BaseGeometry, district_codes: Sequence[str]) -> Sequence[str]:
    index, bounds = _index_for(session, district_codes)
    minx, miny, maxx, maxy = shape.bounds
    west, south, east, north = bounds
    if maxx < west or minx > east or maxy < south or miny > north:
        raise OutsideCouncil(
            "The shape touches none of the land your council serves. Check the coordinates: GeoJSON is longitude "
            "first, then latitude."
        )
    return index.within(shape)


def _within_circle(session: Session, circle: Circle, buffer_m: float, district_codes: Sequence[str]) -> Sequence[str]:
    easting, northing = centre(session, circle)
    index, (west, south, east, north) = _index_for(session, district_codes)
    radius_m = circle.radius_m + buffer_m
    if not (west - radius_m <= easting <= east + radius_m and south - radius_m <= northing <= north + radius_m):
        raise OutsideCouncil("The circle touches none of the land your council serves.")
    return index.within_circle(easting, northing, radius_m)


def lies_near(session: Session, shape: BaseGeometry, district_codes: Sequence[str]) -> bool:
    """Whether a shape, EPSG:27700, touches what a council of these districts serves; yes where no postcodes are."""
    try:
        _, (west, south, east, north) = _index_for(session, district_codes)
    except NoPostcodesLoaded:
        return True
    minx, miny, maxx, maxy = shape.bounds
    return not (maxx < west or minx > east or maxy < south or miny > north)


def centre(session: Session, circle: Circle) -> tuple[float, float]:
    """The middle of a circle in metres, EPSG:27700. Raises: CircleNeedsCentre, PostcodeNotValid."""
    by_point = circle.lon is not None and circle.lat is not None
    if circle.postcode is not None and not by_point:
        key = postcodes.normalise(circle.postcode)
        found = resolve_postcodes(session, [key]).get(key)
        if found is None or found.easting is None or found.northing is None:
            elsewhere = postcodes.where_instead(key) if found is None else ""
            reason = elsewhere or f"{postcodes.canonical(key)} has no known location."
            raise CircleNeedsCentre(f"{reason} Use another postcode or lon and lat.")
        return found.easting, found.northing
    if by_point and circle.postcode is None and circle.lon is not None and circle.lat is not None:
        return geometry.to_national_grid(circle.lon, circle.lat)
    raise CircleNeedsCentre("Give the circle either a postcode, or lon and lat.")


def _index_for(session: Session, district_codes: Sequence[str]) -> tuple[PostcodeIndex, Bounds]:
    release = active_release(session, ReleaseKind.POSTCODE)
    if release is None or release.id is None:
        raise NoPostcodesLoaded("Load a postcode release first: `notify geodata load --help`.")
    # the moment is in the key because a restored database may use a release's number again
    key = (release.id, release.activated_at, tuple(sorted(district_codes)))
    known = _indexes.get(key)
    if known is None:
        known = _build(session, release.id, key[2])
        if len(_indexes) >= MOST_INDEXES:
            _indexes.clear()
        _indexes[key] = known
    return known


def _build(session: Session, release_id: int, district_codes: tuple[str, ...]) -> tuple[PostcodeIndex, Bounds]:
    """The located postcodes of these districts and MARGIN_M around, and the districts' own bounds with 2 km spare."""
    edge = session.execute(
        text("""
            SELECT min(easting) AS west, min(northing) AS south, max(easting) AS east, max(northing) AS north
            FROM postcode WHERE release_id = :release AND district_code = ANY(:districts) AND easting IS NOT NULL
        """),
        {"release": release_id, "districts": list(district_codes)},
    ).one()
    if edge.west is None:
        raise NoPostcodesLoaded("The active postcode release holds none of your council's postcodes.")
    rows = session.execute(
        text("""
            SELECT key, easting, northing FROM postcode
            WHERE release_id = :release
              AND easting BETWEEN :west AND :east AND northing BETWEEN :south AND :north
        """),
        # added up here: PostgreSQL would take two small numbers for smallint, and their sum is none
        {
            "release": release_id,
            "west": edge.west - MARGIN_M,
            "east": edge.east + MARGIN_M,
            "south": edge.south - MARGIN_M,
            "north": edge.north + MARGIN_M,
        },
    ).all()
    keys, eastings, northings = zip(*rows, strict=True)
    index = PostcodeIndex(keys, np.array(eastings, dtype=float), np.array(northings, dtype=float))
    return index, (edge.west - 2000.0, edge.south - 2000.0, edge.east + 2000.0, edge.north + 2000.0)
