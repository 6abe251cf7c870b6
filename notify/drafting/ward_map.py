"""The council's wards as a picture, to see and to click on: SVG from the server; the list beside it says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlmodel import Session

from notify.places.models import ReleaseKind
from notify.places.queries import active_release, areas_page

SIZE = 560.0  # units of the longer side
DETAIL = 0.8  # what is smaller than this many units cannot be seen
MOST_WARDS = 500


@dataclass(frozen=True, slots=True)
class WardShape:
    """A ward, its path to draw, and where its name could stand."""

    code: str
    name: str
    path: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Wards drawn in one frame. `west`, `north` and `scale` place other shapes in it, in EPSG:27700 metres."""

    wards: Sequence[WardShape]
    width: float
    height: float
    west: float
    north: float
    scale: float

    def path_of(self, shape: BaseGeometry) -> str:
        """Another shape, EPSG:27700, in this frame."""
        return _path(shape.simplify(DETAIL / self.scale), self.west, self.north, self.scale)


_kept: dict[tuple[int | None, tuple[str, ...]], Chart] = {}


def chart_of(session: Session, district_codes: Sequence[str]) -> Chart | None:
    """The wards of these districts, by name; None where no outlines are loaded. Kept for each release."""
    release = active_release(session, ReleaseKind.WARD)
    key = (release.id if release else None, tuple(sorted(district_codes)))
    if key not in _kept:
        if len(_kept) > 50:
            _kept.clear()
        drawn = _draw(session, district_codes)
        if drawn is None:
            return None
        _kept[key] = drawn
    return _kept[key]


def _draw(session: Session, district_codes: Sequence[str]) -> Chart | None:
    areas = areas_page(
        session, ReleaseKind.WARD, districts=district_codes, after="", limit=MOST_WARDS, with_outline=True
    )
    drawn = sorted((area for area in areas if area.geom), key=lambda area: area.name)
    if not drawn:
        return None
    shapes = np.array([shapely.from_wkb(area.geom) for area in drawn])
    west, south, east, north = shapely.total_bounds(shapes)
    scale = SIZE / max(east - west, north - south, 1.0)
    # neighbours keep one border, so that no gaps open between them
    simple = shapely.coverage_simplify(shapes, DETAIL / scale)
    wards = [
        WardShape(
            area.code,
            area.name,
            _path(shape, west, north, scale),
            round((middle.x - west) * scale),
            round((north - middle.y) * scale),
        )
        for area, shape, middle in zip(drawn, simple, shapely.point_on_surface(shapes), strict=True)
    ]
    return Chart(wards, round((east - west) * scale, 1), round((north - south) * scale, 1), west, north, scale)


def _path(shape: BaseGeometry, west: float, north: float, scale: float) -> str:
    found = shape.geoms if isinstance(shape, MultiPolygon) else [shape]
    rings = [ring for part in found if isinstance(part, Polygon) for ring in (part.exterior, *part.interiors)]
    written = []
    for ring in rings:
        points = [f"{round((x - west) * scale)},{round((north - y) * scale)}" for x, y in ring.coords[:-1]]
        thinned = [point for before, point in zip([None, *points], points, strict=False) if point != before]
        written.append("M" + " ".join(thinned) + "Z")
    return "".join(written)
