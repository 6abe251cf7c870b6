"""Reads about places: what a postcode is, and which places an audience means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import text
from sqlalchemy.orm import InstrumentedAttribute, defer
from sqlmodel import Session, col, select

from notify.places.models import Area, Release, ReleaseKind

_WITHOUT_OUTLINE = defer(cast("InstrumentedAttribute[bytes | None]", Area.geom), raiseload=True)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A postcode of the active release. `edge_m` is metres from the ward's boundary, None where not computed.

    `near_ward_codes` are the other wards within 50 m, nearest first.
    """

    key: str
    release_id: int
    ward_code: str | None
    district_code: str | None
    alt_ward_code: str | None
    near_ward_codes: Sequence[str]
    edge_m: float | None
    easting: int | None
    northing: int | None
    ended_on: date | None
    large_user: bool | None


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """A release as `notify geodata status` shows it."""

    id: int
    kind: str
    product: str
    version: str
    row_count: int
    loaded_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None
    has_rows: bool

    @property
    def state(self) -> str:
        """`active`, `retired`, `loaded` and waiting, or `dropped`: retired and its postcodes removed."""
        if not self.has_rows:
            return "dropped"
        if self.activated_at is None:
            return "loaded"
        return "active" if self.retired_at is None else "retired"


def active_release(session: Session, kind: ReleaseKind) -> Release | None:
    """The release in force for this kind, if one was ever activated."""
    statement = select(Release).where(
        Release.kind == kind, col(Release.activated_at).is_not(None), col(Release.retired_at).is_(None)
    )
    return session.exec(statement).first()


def resolve_postcodes(session: Session, keys: Iterable[str]) -> Mapping[str, Resolved]:
    """What the active release knows of these postcode keys. Unknown ones are absent."""
    statement = text("""
        SELECT key, release_id, ward_code, district_code, alt_ward_code,
               coalesce(near_ward_codes, '{}') AS near_ward_codes, edge_m,
               easting, northing, ended_on, large_user
        FROM postcode
        WHERE key = ANY(:keys)
          AND release_id = (SELECT id FROM geo_release
                            WHERE kind = 'postcode' AND activated_at IS NOT NULL AND retired_at IS NULL)
    """)
    rows = session.execute(statement, {"keys": list(set(keys))})
    return {row.key: Resolved(**row._mapping) for row in rows}


def areas_by_code(session: Session, codes: Sequence[str]) -> Mapping[str, Area]:
    """Wards and districts with these codes: of the active release, else of the newest that knew them."""
    statement = (
        select(Area)
        .join(Release, col(Release.id) == col(Area.release_id))
        .where(col(Area.code).in_(codes), col(Release.activated_at).is_not(None))
        .order_by(col(Release.retired_at).is_(None), col(Release.id))
    )
    return {area.code: area for area in session.exec(statement)}  # the last, the active one, wins


def area_with_release(session: Session, code: str) -> tuple[Area, Release] | None:
    """The area with this code, chosen as `areas_by_code` does, and the release it comes from."""
    area = areas_by_code(session, [code]).get(code)
    return (area, session.get_one(Release, area.release_id)) if area else None


def release_of(session: Session, release_id: int) -> Release:
    """The release with this number, which must exist."""
    return session.get_one(Release, release_id)


def names_by_code(session: Session, codes: Iterable[str | None]) -> Mapping[str, str]:
    """The names of these areas, chosen as `areas_by_code` does, without reading their outlines."""
    statement = text("""
        SELECT DISTINCT ON (a.code) a.code, a.name FROM area a JOIN geo_release r ON r.id = a.release_id
        WHERE a.code = ANY(:codes) AND r.activated_at IS NOT NULL
        ORDER BY a.code, r.retired_at IS NULL DESC, r.id DESC
    """)
    rows = session.execute(statement, {"codes": [code for code in codes if code]})
    return {row.code: row.name for row in rows}


def areas_page(
    session: Session,
    kind: ReleaseKind,
    *,
    districts: Sequence[str] | None,
    after: str,
    limit: int,
    with_outline: bool,
) -> Sequence[Area]:
    """The active release's areas by code, those after `after`; in or among `districts` where given.

    Without outline `geom` must not be touched.
    """
    release = active_release(session, kind)
    statement = select(Area).where(Area.release_id == (release.id if release else None), Area.code > after)
    if districts is not None:
        column = Area.district_code if kind == ReleaseKind.WARD else Area.code
        statement = statement.where(col(column).in_(districts))
    if not with_outline:
        statement = statement.options(_WITHOUT_OUTLINE)
    return session.exec(statement.order_by(Area.code).limit(limit)).all()


def postcodes_are_here(session: Session, release_id: int) -> bool:
    """Whether the postcodes of this release are still stored."""
    statement = text("SELECT to_regclass('postcode_r' || CAST(:release AS integer)) IS NOT NULL")
    return bool(session.execute(statement, {"release": release_id}).scalar_one())


def releases(session: Session) -> Sequence[ReleaseState]:
    """Every release of every kind, oldest first, and whether its rows are still here."""
    statement = text("""
        SELECT id, kind, product, version, row_count, loaded_at, activated_at, retired_at,
               kind <> 'postcode' OR to_regclass('postcode_r' || id) IS NOT NULL AS has_rows
        FROM geo_release ORDER BY id LIMIT 1000
    """)
    return [ReleaseState(**row._mapping) for row in session.execute(statement)]


Bounds = tuple[float, float, float, float]
_BOUNDS = """
    SELECT min(p.easting) AS west, min(p.northing) AS south, max(p.easting) AS east, max(p.northing) AS north
    FROM postcode p JOIN geo_release r ON r.id = p.release_id AND r.kind = 'postcode'
         AND r.activated_at IS NOT NULL AND r.retired_at IS NULL
"""


def council_bounds(session: Session, district_codes: Sequence[str]) -> Bounds | None:
    """West, south, east and north (EPSG:27700) of the postcodes in these districts; None where there are none."""
    statement = text(f"{_BOUNDS} WHERE p.district_code = ANY(:districts) AND p.easting IS NOT NULL")
    row = session.execute(statement, {"districts": list(district_codes)}).one()
    return None if row.west is None else (row.west, row.south, row.east, row.north)


def councils_bounds(session: Session) -> Sequence[Bounds]:
    """The same for each council of this installation that has postcodes."""
    statement = text(
        f"{_BOUNDS} JOIN council c ON p.district_code = ANY(c.district_codes) "
        "WHERE p.easting IS NOT NULL GROUP BY c.id ORDER BY c.id"
    )
    return [(row.west, row.south, row.east, row.north) for row in session.execute(statement)]
