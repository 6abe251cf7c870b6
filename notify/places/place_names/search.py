"""Finds postcodes, wards, streets and places of a council by what somebody begins to type."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlmodel import Session

from notify.places import postcodes
from notify.places.basemap.extent import bounds_of
from notify.places.models import ReleaseKind
from notify.places.place_names.keys import key_of, parts_of
from notify.places.place_names.models import NamedPlaceEdition
from notify.places.projection import unproject
from notify.places.queries import active_release, areas_page, names_by_code

MOST = 8
LEAST_ALIKE = 0.55  # of the parts typed, how many a name must have
STREET_M, POSTCODE_M = 60.0, 150.0  # shown round what has no size of its own
MARGIN_M = 2_000
_NAMES = text("""
    SELECT name, kind, near, easting, northing, west, south, east, north, key = :key AS is_same,
           starts_with(key, :key) AS begins,
           (SELECT count(*) FROM unnest(parts) AS part WHERE part = ANY(:parts)) AS alike, length(key) AS length
    FROM named_place
    WHERE parts && CAST(:parts AS varchar[])
      AND easting BETWEEN :west AND :east AND northing BETWEEN :south AND :north
    ORDER BY is_same DESC, begins DESC, alike DESC, length, name, near
    LIMIT :most
""")
_POSTCODES = text("""
    SELECT key, easting, northing, ward_code FROM postcode
    WHERE release_id = :release AND key BETWEEN :first AND :last AND district_code = ANY(:districts)
      AND easting IS NOT NULL AND ended_on IS NULL
    ORDER BY key LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Found:
    """Something with a name: where it is, and a box to show, in degrees (west, south, east, north)."""

    name: str
    kind: str
    where: str
    point: tuple[float, float]
    bounds: tuple[float, float, float, float]
    code: str | None = None


def search(session: Session, typed: str, district_codes: Sequence[str]) -> Sequence[Found]:
    """What in these districts has a name like `typed`, best first, at most MOST. Slips of a letter are forgiven."""
    if sum(letter.isalnum() for letter in typed) < 2:
        return []
    found = [
        *_postcodes(session, typed, district_codes),
        *_wards(session, typed, district_codes),
        *_names(session, typed, district_codes),
    ]
    return list(islice(found, MOST))


def attribution(session: Session) -> str:
    """The credit that the names' licence asks for; empty where none are loaded."""
    edition = session.get(NamedPlaceEdition, 1)
    return edition.attribution if edition else ""


def _postcodes(session: Session, typed: str, district_codes: Sequence[str]) -> Sequence[Found]:
    release = active_release(session, ReleaseKind.POSTCODE)
    begun = "".join(letter for letter in typed.upper() if letter.isalnum())
    try:
        begun = postcodes.normalise(typed)
    except postcodes.PostcodeNotValid:
        if not (begun.isascii() and any(letter.isdigit() for letter in begun)):
            return []
    asked = {"release": release.id if release else None, "first": begun, "last": f"{begun}ZZZZ"}
    rows = session.execute(_POSTCODES, asked | {"districts": list(district_codes), "most": MOST}).all()
    wards = names_by_code(session, [row.ward_code for row in rows])
    return [
        _found(
            postcodes.canonical(row.key), "postcode", wards.get(row.ward_code, ""), (row.easting, row.northing),
            _round(row.easting, row.northing, POSTCODE_M),
        )
        for row in rows
    ]  # fmt: skip


def _wards(session: Session, typed: str, district_codes: Sequence[str]) -> Sequence[Found]:
    key = key_of(typed)
    areas = areas_page(session, ReleaseKind.WARD, districts=district_codes, after="", limit=500, with_outline=False)
    alike = [area for area in areas if key and _is_alike(key, key_of(area.name))]
    if not alike:
        return []
    codes = {area.code for area in alike}
    whole = areas_page(session, ReleaseKind.WARD, districts=district_codes, after="", limit=500, with_outline=True)
    shapes = [(area, shapely.from_wkb(area.geom)) for area in whole if area.code in codes and area.geom]
    return [
        _found(area.name, "ward", "", _middle(shape), shape.bounds, area.code)
        for area, shape in sorted(shapes, key=lambda one: (key_of(one[0].name) != key, one[0].name))[:3]
    ]


def _middle(shape: BaseGeometry) -> tuple[float, float]:
    inside = shape.representative_point()
    return inside.x, inside.y


def _is_alike(typed: str, key: str) -> bool:
    wanted = parts_of(typed, is_begun=True)
    return key.startswith(typed) or len(wanted & parts_of(key)) >= 0.8 * len(wanted)


def _names(session: Session, typed: str, district_codes: Sequence[str]) -> Sequence[Found]:
    key, bounds = key_of(typed), bounds_of(session, district_codes)
    parts = sorted(parts_of(key, is_begun=True))
    if not parts or bounds is None:
        return []
    west, south, east, north = bounds
    box = {"west": west - MARGIN_M, "south": south - MARGIN_M, "east": east + MARGIN_M, "north": north + MARGIN_M}
    rows = session.execute(_NAMES, {"key": key, "parts": parts, "most": MOST} | box)
    return [
        _found(
            row.name, row.kind, row.near, (row.easting, row.northing),
            shapely.box(row.west, row.south, row.east, row.north).buffer(STREET_M).bounds,
        )
        for row in rows
        if row.begins or row.alike >= LEAST_ALIKE * len(parts)
    ]  # fmt: skip


def _round(easting: float, northing: float, metres: float) -> tuple[float, float, float, float]:
    return easting - metres, northing - metres, easting + metres, northing + metres


def _found(
    name: str,
    kind: str,
    where: str,
    middle: tuple[float, float],
    bounds: tuple[float, float, float, float],
    code: str | None = None,
) -> Found:
    point = shapely.transform(shapely.Point(middle), unproject)
    west, south, east, north = shapely.transform(shapely.box(*bounds), unproject).bounds
    return Found(
        name,
        kind,
        where,
        (round(point.x, 6), round(point.y, 6)),
        (round(west, 6), round(south, 6), round(east, 6), round(north, 6)),
        code,
    )
