"""What a page needs to offer a map: where its script is, and which land it shows first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry
from sqlmodel import Session

from notify.places.basemap import script
from notify.places.projection import unproject
from notify.places.queries import council_bounds


@dataclass(frozen=True, slots=True)
class Extent:
    """A map on a page: the addresses of its script's parts by name, and west, south, east, north in degrees."""

    script: Mapping[str, str]
    bounds: tuple[float, float, float, float]


def extent_of_council(session: Session, district_codes: Sequence[str]) -> Extent | None:
    """A map of all of the council; None where none can be shown, and the page has its drawing."""
    bounds = council_bounds(session, district_codes) if script.is_built() else None
    return None if bounds is None else extent_of(shapely.box(*bounds))


def extent_of(shape: BaseGeometry) -> Extent | None:
    """A map of this land (EPSG:27700); None where none can be shown."""
    if not script.is_built() or shape.is_empty:
        return None
    west, south, east, north = shapely.transform(shapely.box(*shape.bounds), unproject).bounds
    return Extent(script.addresses(), (round(west, 5), round(south, 5), round(east, 5), round(north, 5)))
