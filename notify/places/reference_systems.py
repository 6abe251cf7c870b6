"""Coordinate reference systems that files and shapes name, and the conversion to degrees or metres.

Understood: WGS84 and ETRS89 degrees (EPSG:4326, 4258, CRS84), Web Mercator (3857), OSGB36 degrees (4277) and the
British National Grid (27700). Others are refused: coordinates taken for what they are not select the wrong people.
Source: GeoJSON 2008, section 3 (`crs`); the OGC's URNs; EPSG's own numbers.
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from typing import cast

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from notify.core.errors import Invalid
from notify.places.projection import GRID_EAST, GRID_NORTH, Points, project, unproject

_EPSG = re.compile(r"(?:EPSG|ESRI)(?:[:/][^:/]*)?[:/](\d{1,6})", re.IGNORECASE)
_CRS84 = re.compile(r"(?:^|[:/])CRS84h?", re.IGNORECASE)
_LONGEST_NAME = 60
_WALKED = ("features", "geometry", "geometries", "coordinates")
_DEEPEST = 32  # levels; a collection within a collection has twelve
_LONGEST_DESCRIPTION = 10_000  # characters; a real one has about a thousand


class ReferenceSystemNotKnown(Invalid):
    """The coordinates are in a system that we do not transform."""

    title = "The coordinate reference system is not one we read"


class OffTheGrid(Invalid):
    """Eastings and northings lie outside the National Grid."""

    title = "The place is not on the National Grid"


class System(StrEnum):
    """A reference system that is read, by its EPSG number; longitude or easting comes first in each."""

    DEGREES = "4326"
    WEB_MERCATOR = "3857"
    OSGB36 = "4277"
    NATIONAL_GRID = "27700"


_ALIASES = {
    "4258": System.DEGREES,  # ETRS89, within a metre of WGS84
    "4979": System.DEGREES,  # WGS84 with heights
    "900913": System.WEB_MERCATOR,
    "102100": System.WEB_MERCATOR,
    "102113": System.WEB_MERCATOR,
    "7405": System.NATIONAL_GRID,  # with heights
}


def named(name: str) -> System:
    """The system with this name: `EPSG:27700`, a URN, an OGC address or `CRS84`. Raises: ReferenceSystemNotKnown."""
    written = name.strip()
    if _CRS84.search(written):
        return System.DEGREES
    match = _EPSG.fullmatch(written) or _EPSG.search(written)
    number = match[1] if match else ""
    if number in set(System):
        return System(number)
    if number in _ALIASES:
        return _ALIASES[number]
    raise _not_known(written)


def described(wkt: str) -> System:
    """The system that a `.prj` file or a GeoPackage describes. Raises: ReferenceSystemNotKnown."""
    try:
        system = CRS.from_wkt(wkt[:_LONGEST_DESCRIPTION])
        number = system.to_epsg()  # less sure, PROJ takes any grid on the same ellipsoid for the National Grid
    except CRSError:
        raise _not_known(wkt) from None
    if number is None:
        raise _not_known(system.name)
    return named(f"EPSG:{number}")


def of_member(crs: object) -> System | None:
    """The system of a GeoJSON `crs` member; None where it says nothing. Raises: ReferenceSystemNotKnown."""
    if crs is None:
        return None
    properties = crs.get("properties") if isinstance(crs, dict) else None
    if not isinstance(crs, dict) or not isinstance(properties, dict):
        raise _not_known(crs if isinstance(crs, str) else "something unreadable")
    if crs.get("type") == "name" and isinstance(properties.get("name"), str):
        return named(cast(str, properties["name"]))
    if crs.get("type") == "EPSG":
        return named(f"EPSG:{properties.get('code')}")
    raise _not_known(str(properties.get("href") or crs.get("type")))


def to_degrees(points: Points, system: System) -> Points:
    """Rows of (longitude, latitude), WGS84. Raises: OffTheGrid."""
    if system == System.DEGREES:
        return points
    if system == System.WEB_MERCATOR:
        return np.column_stack(_mercator().transform(points[:, 0], points[:, 1], direction="INVERSE"))
    return unproject(to_metres(points, system))


def to_metres(points: Points, system: System) -> Points:
    """Rows of (easting, northing), EPSG:27700. Raises: OffTheGrid."""
    if system == System.OSGB36:
        metres = np.column_stack(_osgb36().transform(points[:, 0], points[:, 1]))
    elif system == System.NATIONAL_GRID:
        metres = points
    else:
        return project(to_degrees(points, system))
    require_grid(metres)
    return metres


def require_grid(metres: Points) -> None:
    """Nothing, if every (easting, northing) row lies on the National Grid. Raises: OffTheGrid."""
    x, y = metres[:, 0], metres[:, 1]
    inside = (x >= 0) & (x <= GRID_EAST) & (y >= 0) & (y <= GRID_NORTH)
    if inside.all():
        return
    first = int(np.argmin(inside))
    raise OffTheGrid(
        f"Position {x[first]:.10g}, {y[first]:.10g} is not on the National Grid, which goes from 0 to "
        f"{GRID_EAST:,.0f} m east and 0 to {GRID_NORTH:,.0f} m north. If these are not eastings and northings, say "
        "in the file which coordinate reference system they are in."
    )


def in_degrees(geojson: object) -> object:
    """The same GeoJSON in WGS84 degrees and without `crs`; unchanged where it names no system.

    What is not a position is left as it is, for `geometry.parse_shape` to say what is wrong with it.
    Raises: ReferenceSystemNotKnown, OffTheGrid.
    """
    if not isinstance(geojson, dict):
        return geojson
    geometry = geojson.get("geometry")
    member = geojson.get("crs") or (geometry.get("crs") if isinstance(geometry, dict) else None)
    system = of_member(member)
    if system is None:
        return geojson
    positions = [position for position in _positions(geojson) if _is_pair(position)]
    moved = iter(())
    if system != System.DEGREES and positions:
        pairs = np.array([[float(x), float(y)] for x, y, *_ in positions])
        moved = iter(to_degrees(pairs, system).tolist())
    return _rewritten(geojson, (lambda _: next(moved)) if system != System.DEGREES else (lambda position: position))


def _positions(node: object, depth: int = 0) -> Iterator[list[float]]:
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for key in _WALKED:
            if key in node:
                yield from _positions(node[key], depth + 1)
    elif _is_position(node):
        yield cast("list[float]", node)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _positions(part, depth + 1)


def _rewritten(node: object, move: Callable[[list[float]], list[float]], depth: int = 0) -> object:
    if depth > _DEEPEST:
        return node
    if isinstance(node, dict):
        # in the order of _positions, so that each gets its own
        changed = {key: _rewritten(node[key], move, depth + 1) for key in _WALKED if key in node}
        return {key: changed.get(key, value) for key, value in node.items() if key != "crs"}
    if _is_position(node):
        position = cast("list[float]", node)
        return move(position) if _is_pair(position) else position
    return [_rewritten(part, move, depth + 1) for part in node] if isinstance(node, list | tuple) else node


def _is_position(node: object) -> bool:
    return isinstance(node, list | tuple) and bool(node) and not isinstance(node[0], list | tuple | dict)


def _is_pair(position: list[float]) -> bool:
    pair = position[:2]
    return len(pair) == 2 and all(
        isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < 1e12 for number in pair
    )


def _not_known(name: str) -> ReferenceSystemNotKnown:
    shown = " ".join("".join(sign for sign in name if sign.isprintable()).split())[:_LONGEST_NAME]
    said = (
        f"The coordinates are said to be in {shown}." if shown else "What system the coordinates are in is unreadable."
    )
    return ReferenceSystemNotKnown(
        f"{said} We read WGS84 (EPSG:4326), Web Mercator (3857), OSGB36 (4277) "
        "and the British National Grid (27700). Save the file again in one of these."
    )


@cache
def _mercator() -> Transformer:
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=webmerc +ellps=WGS84"
    )


@cache
def _osgb36() -> Transformer:
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
        "+step +proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy"
    )
