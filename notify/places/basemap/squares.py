"""The squares of a web map (Web Mercator) that a box of longitudes and latitudes lies in."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import asinh, floor, pi, radians, tan

MOST_LATITUDE = 85.0511
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Range:
    """A rectangle of squares at one zoom level, ends included; rows count from the north."""

    zoom: int
    west: int
    north: int
    east: int
    south: int

    def squares(self) -> Iterator[tuple[int, int]]:
        """Each (column, row)."""
        return ((x, y) for x in range(self.west, self.east + 1) for y in range(self.north, self.south + 1))


def place(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """How many squares a point lies east of the map's western edge and south of its northern edge."""
    size = 1 << zoom
    kept = max(-MOST_LATITUDE, min(MOST_LATITUDE, lat))
    return (lon + 180) / 360 * size, (1 - asinh(tan(radians(kept))) / pi) / 2 * size


def range_of(box: Box, zoom: int) -> Range:
    """The squares that a box (west, south, east, north in degrees) touches."""
    west, south, east, north = box
    left, top = place(west, north, zoom)
    right, bottom = place(east, south, zoom)
    last = (1 << zoom) - 1
    return Range(zoom, max(0, floor(left)), max(0, floor(top)), min(last, floor(right)), min(last, floor(bottom)))
