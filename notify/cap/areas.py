"""The area of an alert as CAP can say it: polygons without holes, and codes of whole wards and districts."""

import re
from collections.abc import Iterator, Sequence

import shapely
from shapely import LinearRing, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlmodel import Session

from notify.alerts.models import Alert, Priority
from notify.cap import queries
from notify.cap.message import Area, Ring
from notify.places.models import AudiencePart, AudienceSpec, Targets
from notify.places.outlines import outline_of, places_in_words
from notify.places.projection import EAST, NORTH, SOUTH, WEST, unproject
from notify.staff.models import Council

MOST_POSITIONS = 5_000
MOST_POLYGONS = 500
LEAST_DETAIL_M = 2.0
PLACES = 6  # decimals of a degree: about 0.1 m
GRID = 1e-6
NARROWEST_HOLE = 50 * GRID  # about 4 metres; a cut through much smaller ones leaves crumbs that are holes again
_YEAR = re.compile(r"(?:20)(\d\d)")


def areas_of(session: Session, alert: Alert, council: Council, *, language: str) -> Sequence[Area]:
    """Where an alert holds, for one language of its message.

    Codes stand only for wards and districts that are meant wholly. Where the audience is a list of postcodes there is
    neither shape nor code: then the words name the wards that they lie in.
    """
    spec = _spec(alert, council)
    targets = Targets.from_json(alert.targets) if alert.targets else None
    shape = outline_of(session, spec, is_emergency=alert.priority == Priority.EMERGENCY)
    names = places_in_words(session, targets, language=language) if targets and not targets.everywhere else []
    return (
        Area(
            description=", ".join(names) or council.name,
            polygons=tuple(rings(shape)) if shape is not None else (),
            geocodes=tuple(_geocodes(session, _whole(spec))),
        ),
    )


def _spec(alert: Alert, council: Council) -> AudienceSpec:
    """The audience, with the council's districts where it names no place."""
    spec = AudienceSpec.model_validate(alert.audience) if alert.audience else AudienceSpec()
    if spec.wards or spec.districts or spec.postcodes or spec.polygon or spec.circle:
        return spec
    return spec.model_copy(update={"districts": list(council.district_codes)})


def _whole(spec: AudienceSpec) -> Sequence[str]:
    """The codes of wards and districts of which nothing is left out."""
    without = spec.excluded or AudiencePart()
    if without.polygon or without.circle or without.postcodes or without.districts:
        return []  # any of them may have lost a part
    districts = [] if without.wards else spec.districts
    return [*(code for code in spec.wards if code not in without.wards), *districts]


def _geocodes(session: Session, codes: Sequence[str]) -> Iterator[tuple[str, str]]:
    known = queries.versions_by_code(session, codes)
    for code in codes:
        kind, version = known.get(code, ("", ""))
        year = _YEAR.search(version)
        list_name = {"ward": "WD", "district": "LAD"}.get(kind)
        if list_name:
            yield f"{list_name}{year[1] if year else '25'}CD", code


def rings(shape: BaseGeometry) -> Iterator[Ring]:
    """The outer rings, latitude first, of an area in EPSG:27700: closed, anticlockwise, none touching more than edges.

    An area with holes is cut into pieces that have none.
    """
    box = shapely.box(WEST, SOUTH, EAST, NORTH)
    in_degrees = shapely.intersection(shapely.transform(_lighter(shape), unproject), box, grid_size=GRID)
    # snapped to the decimals that are written, so that rounding makes no ring cross itself afterwards;
    # joined, because an island may lie in a hole that was filled
    solid = shapely.union_all([_without_pits(whole) for whole in _polygons(in_degrees)], grid_size=GRID)
    for whole in _polygons(solid):
        for piece in _without_holes(whole):
            positions = shapely.get_coordinates(shapely.orient_polygons(piece).exterior)
            yield tuple((round(float(lat), PLACES), round(float(lon), PLACES)) for lon, lat in positions)


def _lighter(shape: BaseGeometry) -> BaseGeometry:
    """As much detail as other systems take; it may grow by a few metres where it was very ragged."""
    detail_m, light = LEAST_DETAIL_M, shape.simplify(LEAST_DETAIL_M)
    while shapely.get_num_coordinates(light) > MOST_POSITIONS or len(shapely.get_parts(light)) > MOST_POLYGONS:
        detail_m *= 2
        light = shape.buffer(detail_m, quad_segs=2).simplify(detail_m)
    return light if not light.is_empty else shape


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    parts = shape.geoms if isinstance(shape, MultiPolygon | shapely.GeometryCollection) else [shape]
    return [part for part in parts if isinstance(part, Polygon) and not part.is_empty]


def _without_pits(polygon: Polygon) -> Polygon:
    """The polygon with its narrowest holes filled."""
    return Polygon(polygon.exterior, [hole for hole in polygon.interiors if _width(hole) >= NARROWEST_HOLE])


def _width(hole: LinearRing) -> float:
    west, _, east, _ = hole.bounds
    return float(east - west)


def _without_holes(polygon: Polygon) -> Iterator[Polygon]:
    """Pieces that together cover the polygon: it is cut from north to south through each hole.

    What a cut leaves of a hole is at most half as wide, so there is an end to it.
    """
    waiting = [polygon]
    while waiting:
        piece = _without_pits(waiting.pop())
        if not piece.interiors:
            yield piece
            continue
        hole_west, _, hole_east, _ = piece.interiors[0].bounds
        at = round((hole_west + hole_east) / 2, PLACES)
        west, south, east, north = piece.bounds
        for half in (shapely.box(west, south, at, north), shapely.box(at, south, east, north)):
            waiting += _polygons(shapely.intersection(piece, half, grid_size=GRID))
