"""An area as an SVG picture, drawn on the server without scripts or third-party map tiles."""

from collections.abc import Mapping
from dataclasses import dataclass

from shapely import Polygon
from shapely.geometry.base import BaseGeometry

SIZE = 400.0  # units of the longer side
MARGIN = 12.0
DETAIL = 0.75  # what is smaller than this many units cannot be seen


@dataclass(frozen=True, slots=True)
class Picture:
    """The path to draw and the size of the picture, in its own units, and how wide the land shown is in kilometres."""

    path: str
    width: float
    height: float
    kilometres: float


@dataclass(frozen=True, slots=True)
class Part:
    """One of several areas in a picture: its path, and a point well inside it."""

    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class PartedPicture:
    """Several areas side by side, by their names, and the size of the picture."""

    parts: Mapping[str, Part]
    width: float
    height: float


class _Frame:
    """Where a place in EPSG:27700 stands in a picture of everything within `bounds`."""

    def __init__(self, bounds: tuple[float, float, float, float]) -> None:
        self._west, south, east, self._north = bounds
        self._scale = (SIZE - 2 * MARGIN) / max(east - self._west, self._north - south, 1.0)
        self.width = round((east - self._west) * self._scale + 2 * MARGIN, 1)
        self.height = round((self._north - south) * self._scale + 2 * MARGIN, 1)
        self.kilometres = round((east - self._west) / 1000, 1)

    def place(self, x: float, y: float) -> tuple[float, float]:
        return MARGIN + (x - self._west) * self._scale, MARGIN + (self._north - y) * self._scale

    def path(self, shape: BaseGeometry) -> str:
        simple = shape.simplify(DETAIL / self._scale)
        rings = [ring for part in _polygons(simple) for ring in (part.exterior, *part.interiors)]
        return "".join("M" + " ".join(self._drawn(x, y) for x, y in ring.coords[:-1]) + "Z" for ring in rings)

    def _drawn(self, x: float, y: float) -> str:
        across, down = self.place(x, y)
        return f"{across:.1f},{down:.1f}"


def picture_of(shape: BaseGeometry) -> Picture:
    """A drawing of an area in EPSG:27700, north up, as simple as its size allows."""
    frame = _Frame(shape.bounds)
    return Picture(frame.path(shape), frame.width, frame.height, frame.kilometres)


def parted_picture_of(shapes: Mapping[str, BaseGeometry]) -> PartedPicture:
    """A drawing of several areas in EPSG:27700 in one frame. There must be at least one."""
    bounds = [shape.bounds for shape in shapes.values()]
    west, south = min(one[0] for one in bounds), min(one[1] for one in bounds)
    frame = _Frame((west, south, max(one[2] for one in bounds), max(one[3] for one in bounds)))
    parts = {}
    for name, shape in shapes.items():
        inside = shape.representative_point()
        x, y = frame.place(inside.x, inside.y)
        parts[name] = Part(frame.path(shape), round(x, 1), round(y, 1))
    return PartedPicture(parts, frame.width, frame.height)


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    parts = getattr(shape, "geoms", [shape])
    return [part for part in parts if isinstance(part, Polygon) and not part.is_empty]
