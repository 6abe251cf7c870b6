"""What a page needs to offer a map: where its script is, which land it shows first, and the headers it is sent with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry
from sqlmodel import Session

from notify.core.settings import settings
from notify.places.basemap import script
from notify.places.projection import unproject
from notify.places.queries import council_bounds
from notify.web.headers import map_headers


@dataclass(frozen=True, slots=True)
class Frame:
    """A map on a page: the addresses of its script's parts by name, and west, south, east, north in degrees."""

    script: Mapping[str, str]
    bounds: tuple[float, float, float, float]


def frame_of_council(session: Session, district_codes: Sequence[str]) -> Frame | None:
    """A map of all of the council; None where none can be shown, and the page has its drawing."""
    bounds = council_bounds(session, district_codes) if script.is_built() else None
    return None if bounds is None else frame_of(shapely.box(*bounds))


def frame_of(shape: BaseGeometry) -> Frame | None:
    """A map of this land (EPSG:27700); None where none can be shown."""
    if not script.is_built() or shape.is_empty:
        return None
    west, south, east, north = shapely.transform(shapely.box(*shape.bounds), unproject).bounds
    return Frame(script.addresses(), (round(west, 5), round(south, 5), round(east, 5), round(north, 5)))


def headers(frame: Frame | None, *, locates: bool = False) -> Mapping[str, str]:
    """What the page with this map is sent with; nothing of its own where there is no map."""
    return map_headers(settings().map_tiles_url, locates=locates) if frame else {}
