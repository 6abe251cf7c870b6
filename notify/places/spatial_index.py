"""Which postcodes lie in a shape, and which area each point lies in, without a spatial database.

Points are kept in three arrays sorted by easting (15 bytes a postcode). A shape cuts a slice by its bounding box,
then a prepared test decides the rest; on real points this is several times faster than a tree of polygons.
Everything is in EPSG:27700 metres. A point on a boundary counts as inside.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor
from typing import Literal, NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

Positions = NDArray[np.intp]
Keys = NDArray[np.bytes_]
_FARTHEST = 2**31 - 1
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


class SortedPoints:
    """Points sorted by easting, as whole metres; `order` takes an array given with them into the same order.

    Safe to share between threads: it never changes.
    """

    def __init__(self, eastings: ArrayLike, northings: ArrayLike) -> None:
        east = np.rint(np.asarray(eastings, dtype=np.float64)).astype(np.int32)
        north = np.rint(np.asarray(northings, dtype=np.float64)).astype(np.int32)
        self.order: Positions = np.argsort(east, kind="stable")
        self.eastings: NDArray[np.int32] = east[self.order]
        self.northings: NDArray[np.int32] = north[self.order]

    def within(self, geometry: BaseGeometry) -> Positions:
        """Positions of the points in the shape or on its boundary, west to east."""
        if geometry.is_empty:
            return np.empty(0, dtype=np.intp)
        near = self.in_box(*geometry.bounds)
        if not len(near):
            return near
        shapely.prepare(geometry)
        inside: Positions = near[shapely.intersects_xy(geometry, self.eastings[near], self.northings[near])]
        return inside

    def within_circle(self, easting: float, northing: float, radius_m: float) -> Positions:
        """Positions of the points at most `radius_m` away, by true distance."""
        west, south, east, north = easting - radius_m, northing - radius_m, easting + radius_m, northing + radius_m
        near = self.in_box(west, south, east, north)
        across = self.eastings[near] - easting
        up = self.northings[near] - northing
        return near[across * across + up * up <= radius_m * radius_m]

    def in_box(self, west: float, south: float, east: float, north: float) -> Positions:
        """Positions of the points in the box, its edges included."""
        # Bounds are cut to whole metres of the arrays' own type: comparing with floats would copy the arrays.
        start = np.searchsorted(self.eastings, _whole(ceil(west)), side="left")
        stop = np.searchsorted(self.eastings, _whole(floor(east)), side="right")
        northings = self.northings[start:stop]
        fits = (northings >= _whole(ceil(south))) & (northings <= _whole(floor(north)))
        return np.flatnonzero(fits) + start


class PostcodeIndex:
    """Located postcodes, ready to be asked; 15 bytes each once built.

    `keys`, `eastings` and `northings` come in any one order.
    """

    def __init__(self, keys: Sequence[str] | Keys, eastings: ArrayLike, northings: ArrayLike) -> None:
        self.points = SortedPoints(eastings, northings)
        self.keys: Keys = np.asarray(keys, dtype="S7")[self.points.order]

    def __len__(self) -> int:
        return len(self.keys)

    def within(self, geometry: BaseGeometry) -> list[str]:
        """Keys of the postcodes in the shape or on its boundary, west to east."""
        return _named(self.keys[self.points.within(geometry)])

    def within_circle(self, easting: float, northing: float, radius_m: float) -> list[str]:
        """Keys of the postcodes at most `radius_m` from the point, by true distance."""
        return _named(self.keys[self.points.within_circle(easting, northing, radius_m)])


def keys_by_area(index: PostcodeIndex, areas: Iterable[tuple[str, BaseGeometry]]) -> Iterator[tuple[str, Keys]]:
    """Each area's code with the keys of the postcodes in it; the form to use for millions of points."""
    for code, geometry in areas:
        yield code, index.keys[index.points.within(geometry)]


def points_to_areas(index: PostcodeIndex, areas: Iterable[tuple[str, BaseGeometry]]) -> Iterator[tuple[str, str]]:
    """(postcode key, area code) for every postcode in every area.

    A point on a shared boundary comes once for each area; when one must win, take the lowest code.
    """
    for code, keys in keys_by_area(index, areas):
        for key in _named(keys):
            yield key, code


class EdgeDistances(NamedTuple):
    """Arrays in the order of the points asked about.

    `distance_m`: metres to the boundary of the point's own area, NaN where that area has no polygon.
    `neighbours`: codes of all other areas within reach, nearest first.
    """

    distance_m: NDArray[np.float32]
    neighbours: Sequence[tuple[str, ...]]


def edge_distances(
    eastings: ArrayLike,
    northings: ArrayLike,
    area_codes: Sequence[str] | Keys,
    areas: Iterable[tuple[str, BaseGeometry]],
    *,
    reach_m: float = 50.0,
) -> EdgeDistances:
    """How near each point lies to the edge of the area it is published under, and which areas lie beyond.

    The published code decides which area is a point's own, even where the point lies outside its polygon; the
    area it lies in is then its neighbour, at distance 0. The lower code comes first of equally near neighbours.
    """
    points = SortedPoints(eastings, northings)
    own = np.asarray(area_codes, dtype="S9")[points.order]
    by_code = np.argsort(own, kind="stable")
    distance = np.full(len(own), np.nan, dtype=np.float32)
    beyond: dict[int, list[tuple[float, str]]] = {}
    for code, geometry in areas:
        key = np.bytes_(code.encode())
        first, last = (int(np.searchsorted(own, key, side=side, sorter=by_code)) for side in _SIDES)
        mine = by_code[first:last]
        distance[mine] = shapely.distance(geometry.boundary, _geometries(points, mine))
        others = _within_reach(points, geometry, reach_m)
        others = others[own[others] != key]
        away = shapely.distance(geometry, _geometries(points, others))
        for at, metres in zip(points.order[others].tolist(), away.tolist(), strict=True):
            beyond.setdefault(at, []).append((metres, code))
    asked = np.argsort(points.order)
    neighbours = [tuple(code for _, code in sorted(beyond.get(at, ()))) for at in range(len(own))]
    return EdgeDistances(distance[asked], neighbours)


def _within_reach(points: SortedPoints, geometry: BaseGeometry, reach_m: float) -> Positions:
    west, south, east, north = geometry.bounds
    near = points.in_box(west - reach_m, south - reach_m, east + reach_m, north + reach_m)
    shapely.prepare(geometry)
    reached: Positions = near[shapely.dwithin(geometry, _geometries(points, near), reach_m)]
    return reached


def _geometries(points: SortedPoints, positions: Positions) -> NDArray[np.object_]:
    # Made a few at a time: a million point objects at once would take some 200 MB.
    return np.asarray(shapely.points(points.eastings[positions], points.northings[positions]), dtype=np.object_)


def _named(keys: Keys) -> list[str]:
    names: list[str] = keys.astype("U7").tolist()
    return names


def _whole(metres: int) -> np.int32:
    return np.int32(min(max(metres, -_FARTHEST), _FARTHEST))
