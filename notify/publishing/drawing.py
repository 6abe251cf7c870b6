"""An area as a picture: SVG made on the server, which needs no script and nobody else's map."""

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


def picture_of(shape: BaseGeometry) -> Picture:
    """A drawing of an area in EPSG:27700, north up, as simple as its size allows."""
    west, south, east, north = shape.bounds
    metres = max(east - west, north - south, 1.0)
    scale = (SIZE - 2 * MARGIN) / metres
    simple = shape.simplify(DETAIL / scale)
    rings = [ring for part in _polygons(simple) for ring in (part.exterior, *part.interiors)]

    def drawn(x: float, y: float) -> str:
        return f"{MARGIN + (x - west) * scale:.1f},{MARGIN + (north - y) * scale:.1f}"

    written = ["M" + " ".join(drawn(x, y) for x, y in ring.coords[:-1]) for ring in rings]
    width, height = ((east - west) * scale + 2 * MARGIN, (north - south) * scale + 2 * MARGIN)
    return Picture("Z".join(written) + "Z", round(width, 1), round(height, 1), round((east - west) / 1000, 1))


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    parts = getattr(shape, "geoms", [shape])
    return [part for part in parts if isinstance(part, Polygon) and not part.is_empty]
