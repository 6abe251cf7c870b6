"""What a page needs to offer a map: where its script is, and which land it shows first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from shapely.geometry.base import BaseGeometry
from sqlmodel import Session

from notify.places.basemap import script
from notify.places.models import ReleaseKind
from notify.places.projection import unproject
from notify.places.queries import Bounds, active_release, council_bounds

MOST_KEPT = 50
_bounds: dict[tuple[int | None, datetime | None, tuple[str, ...]], Bounds | None] = {}


@dataclass(frozen=True, slots=True)
class Extent:
    """A map on a page: the addresses of its script's parts by name, and west, south, east, north in degrees."""

    script: Mapping[str, str]
    bounds: tuple[float, float, float, float]


def extent_of_council(session: Session, district_codes: Sequence[str]) -> Extent | None:
    """A map of all of the council; None where none can be shown, and the page has its drawing."""
    bounds = bounds_of(session, district_codes) if script.is_built() else None
    return None if bounds is None else extent_of(shapely.box(*bounds))


def bounds_of(session: Session, district_codes: Sequence[str]) -> Bounds | None:
    """`council_bounds`, kept for each release: a national one takes a quarter of a second to look through."""
    release = active_release(session, ReleaseKind.POSTCODE)
    if release is None:
        return None
    # the moment is in the key because a restored database may use a release's number again
    key = (release.id, release.activated_at, tuple(sorted(district_codes)))
    if key not in _bounds:
        if len(_bounds) > MOST_KEPT:
            _bounds.clear()
        _bounds[key] = council_bounds(session, district_codes)
    return _bounds[key]


def extent_of(shape: BaseGeometry) -> Extent | None:
    """A map of this land (EPSG:27700); None where none can be shown."""
    if not script.is_built() or shape.is_empty:
        return None
    west, south, east, north = shapely.transform(shapely.box(*shape.bounds), unproject).bounds
    return Extent(script.addresses(), (round(west, 5), round(south, 5), round(east, 5), round(north, 5)))
