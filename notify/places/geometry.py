"""Shapes that people draw or send, checked and turned into metres, and back.

Outside: GeoJSON, longitude first, WGS84 unless its `crs` says otherwise. Inside: shapely in EPSG:27700, easting first.
Holes stay holes.
"""

import json
import re
from math import isfinite
from typing import NamedTuple

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from notify.core.errors import Invalid
from notify.places.projection import CoordinatesNotFinite, Points, project, require_uk, unproject
from notify.places.projection import to_lon_lat as to_lon_lat
from notify.places.projection import to_national_grid as to_national_grid
from notify.places.reference_systems import in_degrees

MOST_POSITIONS = 50_000
MOST_PARTS = 1_000
MOST_POSITIONS_WITH_MARGIN = 20_000
WIDEST_MARGIN_M = 1_000.0
LEAST_RADIUS_M, GREATEST_RADIUS_M = 1.0, 50_000.0
# Straight in degrees is not straight in metres: an edge of 0.02 degrees bows by about 5 cm, one of 1.5 by 250 m.
_LONGEST_EDGE_DEGREES = 0.02
# Beyond this many edges near each other, finding all crossings takes minutes.
_MOST_CLOSE_EDGES = 100_000
_FEW_POSITIONS = 500
_AREAS = ("Polygon", "MultiPolygon", "GeometryCollection")
_DEEPEST_COLLECTION = 8


class ShapeTypeNotAccepted(Invalid):
    """Not a GeoJSON area."""

    title = "The shape is not an area"


class ShapeIsEmpty(Invalid):
    """There is no ground inside the shape."""

    title = "The shape is empty"


class ShapeTooComplex(Invalid):
    """More detail than an audience needs and the server will compute."""

    title = "The shape has too much detail"


class RingTooShort(Invalid):
    """A ring with fewer than four positions encloses nothing."""

    title = "A ring has too few positions"


class RingNotClosed(Invalid):
    """The ring's last position differs from its first."""

    title = "A ring is not closed"


class ShapeCrossesItself(Invalid):
    """The outline crosses itself; `repaired` offers, as GeoJSON, what was probably meant."""

    title = "The shape crosses itself"


class MarginOutOfRange(Invalid):
    """The margin is not between 0 and 1,000 metres."""

    title = "The margin is out of range"


class RadiusOutOfRange(Invalid):
    """The radius is not between 1 and 50,000 metres."""

    title = "The radius is out of range"


class _Ring(NamedTuple):
    name: str
    points: Points


def parse_shape(geojson: object, *, buffer_m: float = 0) -> BaseGeometry:
    """The area meant by a GeoJSON Polygon, MultiPolygon, GeometryCollection, Feature or FeatureCollection of these.

    A `crs` member is heeded. Out: a valid Polygon or MultiPolygon, EPSG:27700, grown by `buffer_m` metres (0-1,000).
    Either winding is accepted, heights are dropped, overlapping parts are joined.
    Raises: a subclass of Invalid that names the likely cause and the remedy; ShapeCrossesItself carries
    `fields["repaired"]`, a shape this function accepts.
    """
    if not (isfinite(buffer_m) and 0 <= buffer_m <= WIDEST_MARGIN_M):
        raise MarginOutOfRange(f"A margin is 0 to {WIDEST_MARGIN_M:,.0f} metres.")
    found = _polygons(in_degrees(geojson))
    _require_few_positions(found)
    named = [_read_polygon(rings, number) for number, rings in enumerate(found, start=1)]
    require_uk(np.concatenate([ring.points for rings in named for ring in rings]))
    for rings in named:
        for ring in rings:
            _require_closed(ring)
    polygons = [Polygon(rings[0].points, [hole.points for hole in rings[1:]]) for rings in named]
    _require_simple(polygons)
    return _with_margin(_in_metres(polygons), buffer_m)


def circle(easting: float, northing: float, radius_m: float) -> Polygon:
    """A circle to draw or to join to other shapes; radius 1 to 50,000 metres, EPSG:27700.

    A polygon of 256 edges lies up to 4 m inside a true circle of 50 km: to choose postcodes by true distance use
    `PostcodeIndex.within_circle`.
    Raises: RadiusOutOfRange, CoordinatesNotFinite.
    """
    if not LEAST_RADIUS_M <= radius_m <= GREATEST_RADIUS_M:
        raise RadiusOutOfRange(f"A radius is {LEAST_RADIUS_M:g} to {GREATEST_RADIUS_M:,.0f} metres.")
    if not (isfinite(easting) and isfinite(northing)):
        raise CoordinatesNotFinite("Easting and northing must be finite numbers.")
    return Point(easting, northing).buffer(radius_m, quad_segs=64)


def to_geojson(geometry: BaseGeometry) -> dict[str, object]:
    """The GeoJSON geometry of an EPSG:27700 one: WGS84, six decimals (about 0.1 m), outer rings anticlockwise."""
    return _as_geojson(shapely.transform(geometry, unproject))


def _as_geojson(in_degrees: BaseGeometry) -> dict[str, object]:
    rounded = shapely.transform(in_degrees, lambda points: np.round(points, 6))
    written: dict[str, object] = json.loads(shapely.to_geojson(shapely.orient_polygons(rounded)))
    return written


def _polygons(geojson: object) -> list[list[object]]:
    """Each polygon's list of rings, unread."""
    kind = geojson.get("type") if isinstance(geojson, dict) else None
    if not isinstance(geojson, dict) or kind not in ("Feature", "FeatureCollection", *_AREAS):
        raise ShapeTypeNotAccepted(
            "Send a GeoJSON Polygon, MultiPolygon or GeometryCollection, or a Feature or FeatureCollection of these. "
            "For a point, use a circle with a radius."
        )
    if kind == "FeatureCollection":
        features = _listed(geojson.get("features"))
        if len(features) > MOST_PARTS:
            raise ShapeTooComplex(f"{len(features):,} parts; at most {MOST_PARTS:,} are accepted.")
        return [polygon for feature in features for polygon in _polygons_of_one(feature)]
    return _polygons_of_one(geojson)


def _polygons_of_one(geojson: object, depth: int = 0) -> list[list[object]]:
    shape = geojson
    if isinstance(shape, dict) and shape.get("type") == "Feature":
        shape = shape.get("geometry")
        if shape is None:
            raise ShapeIsEmpty("The feature has no geometry. Draw the area before sending it.")
    kind = shape.get("type") if isinstance(shape, dict) else None
    if not isinstance(shape, dict) or kind not in _AREAS:
        raise ShapeTypeNotAccepted("Every feature must be a Polygon or MultiPolygon; draw areas, not lines or points.")
    if kind == "GeometryCollection":
        if depth > _DEEPEST_COLLECTION:
            raise ShapeTooComplex("Collections lie within collections too deeply. Send a MultiPolygon.")
        parts = _listed(shape.get("geometries"))
        return [polygon for part in parts for polygon in _polygons_of_one(part, depth + 1)]
    coordinates = _listed(shape.get("coordinates"))
    polygons = [coordinates] if kind == "Polygon" else [_listed(rings) for rings in coordinates]
    return [rings for rings in polygons if rings]


def _listed(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise ShapeTypeNotAccepted("“coordinates”, “geometries” and “features” must be lists; check the brackets.")
    return list(value)


def _require_few_positions(polygons: list[list[object]]) -> None:
    """Counts only: nothing is computed from a shape before its size is known."""
    if not polygons:
        raise ShapeIsEmpty("The shape has no positions. Draw the area before sending it.")
    if len(polygons) > MOST_PARTS:
        raise ShapeTooComplex(f"{len(polygons):,} parts; at most {MOST_PARTS:,} are accepted. Join or drop small ones.")
    positions = sum(len(_listed(ring)) for rings in polygons for ring in rings)
    if positions > MOST_POSITIONS:
        raise ShapeTooComplex(
            f"{positions:,} positions; at most {MOST_POSITIONS:,} are accepted. Simplify the outline; "
            "10 metres of detail is ample."
        )


def _read_polygon(rings: list[object], number: int) -> list[_Ring]:
    names = [f"Ring {index} of polygon {number}" for index in range(1, len(rings) + 1)]
    return [_read_ring(_listed(ring), name) for ring, name in zip(rings, names, strict=True)]


def _read_ring(positions: list[object], name: str) -> _Ring:
    if len(positions) < 4 and all(isinstance(position, list | tuple) for position in positions):
        raise RingTooShort(
            f"{name} has {len(positions)} positions. A ring needs at least four, the last equal to the first."
        )
    return _Ring(name, np.array([_read_position(position, name) for position in positions], dtype=np.float64))


def _read_position(position: object, name: str) -> tuple[float, float]:
    if not isinstance(position, list | tuple) or len(position) < 2:
        raise CoordinatesNotFinite(
            f"{name} holds something that is not a [longitude, latitude] pair; check the brackets."
        )
    return _read_number(position[0], name), _read_number(position[1], name)


def _read_number(value: object, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A whole number of 400 digits is valid JSON and no float; comparing first avoids the overflow.
        number = float(value) if abs(value) < 1e12 else np.inf
        if isfinite(number):
            return number
    raise CoordinatesNotFinite(f"{name} holds a coordinate that is not a finite number. Send plain numbers in degrees.")


def _require_closed(ring: _Ring) -> None:
    if not np.array_equal(ring.points[0], ring.points[-1]):
        raise RingNotClosed(f"{ring.name} ends elsewhere than it starts. Repeat its first position at the end.")


def _require_simple(polygons: list[Polygon]) -> None:
    # Even the question whether it is valid takes seconds for a large tangle, and joining parts takes minutes.
    is_large = len(polygons) > 1 or shapely.get_num_coordinates(polygons[0]) > _FEW_POSITIONS
    valid = np.zeros(1, dtype=np.bool_) if is_large else shapely.is_valid(polygons)
    if not valid.all() and is_tangled(polygons):
        raise ShapeTooComplex(
            "The outline crosses itself too often to make sense of. Draw it again with fewer crossings."
        )
    valid = shapely.is_valid(polygons)
    if valid.all():
        return
    # Snapped to the written six decimals, so that sending the offer back is accepted.
    repaired = shapely.set_precision(shapely.union_all([repair(polygon) for polygon in polygons]), 1e-6)
    if repaired.is_empty:
        raise ShapeIsEmpty("The outline encloses no ground: its positions lie on a line or on one spot.")
    spot = _spot(shapely.is_valid_reason(polygons[int(np.argmin(valid))]))
    raise ShapeCrossesItself(
        f"The outline crosses or touches itself{spot}. Check the repaired shape and send it if it is what you meant.",
        repaired=_as_geojson(repaired),
    )


def _spot(reason: str) -> str:
    match = re.search(r"\[(\S+) (\S+)\]", reason)
    return f" near longitude {float(match[1]):.5f}, latitude {float(match[2]):.5f}" if match else ""


def repair(geometry: BaseGeometry) -> BaseGeometry:
    """The same ground as a valid Polygon or MultiPolygon; empty if it has no area.

    The structure method keeps polygons polygons; shapely's default failed on two real districts.
    """
    repaired = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    if isinstance(repaired, Polygon | MultiPolygon):
        return repaired
    return shapely.union_all(
        [part for part in shapely.get_parts([repaired]) if isinstance(part, Polygon | MultiPolygon)]
    )


def is_tangled(polygons: list[Polygon]) -> bool:
    """Whether so many edges lie near each other that computing their crossings would take minutes."""
    ends = [shapely.get_coordinates(ring) for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    starts = np.concatenate([points[:-1] for points in ends])
    stops = np.concatenate([points[1:] for points in ends])
    low, high = np.minimum(starts, stops), np.maximum(starts, stops)
    boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    tree = shapely.STRtree(boxes)
    most = _MOST_CLOSE_EDGES + 5 * len(boxes)
    close = 0
    for block in range(0, len(boxes), 20):
        close += tree.query(boxes[block : block + 20]).shape[1]
        if close > most:
            return True
    return False


def _in_metres(polygons: list[Polygon]) -> BaseGeometry:
    longest = max(_LONGEST_EDGE_DEGREES, sum(polygon.length for polygon in polygons) / MOST_POSITIONS)
    projected = shapely.transform(shapely.segmentize(polygons, longest), project)
    # A valid shape can touch itself by micrometres once projected; repairing that moves nothing anyone can see.
    sound = [polygon if polygon.is_valid else repair(polygon) for polygon in projected]
    shape = sound[0] if len(sound) == 1 else shapely.union_all(sound)
    if shape.is_empty or shape.area == 0:
        raise ShapeIsEmpty("The outline encloses no ground: its positions lie on a line or on one spot.")
    return shape


def _with_margin(shape: BaseGeometry, margin_m: float) -> BaseGeometry:
    positions = int(shapely.get_num_coordinates(shape))
    if margin_m == 0:
        return shape
    if positions <= _FEW_POSITIONS:
        return shape.buffer(margin_m)
    if positions > MOST_POSITIONS_WITH_MARGIN:
        raise ShapeTooComplex(
            f"{positions:,} positions; a margin can be added to at most {MOST_POSITIONS_WITH_MARGIN:,}. "
            "Simplify the outline, or send it without a margin."
        )
    # One buffer of a long ragged outline is quadratic (9 s for 4,000 spikes). Each edge's own, joined, takes 0.6 s,
    # and is truer: GEOS drops corners smaller than a hundredth of the margin from longer lines.
    edges = [
        LineString(points[start : start + 2])
        for points in map(shapely.get_coordinates, shapely.get_rings(shapely.get_parts(shape)))
        for start in range(len(points) - 1)
    ]
    return shapely.union_all([shape, *shapely.buffer(edges, margin_m, quad_segs=16)])
