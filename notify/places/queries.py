"""Reads about places: what a postcode is, and which places an audience means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.places.models import Area, Release, ReleaseKind


@dataclass(frozen=True, slots=True)
class Resolved:
    """A postcode of the active release. `edge_m` is metres from the ward's boundary, None where not computed."""

    key: str
    release_id: int
    ward_code: str | None
    district_code: str | None
    alt_ward_code: str | None
    edge_m: float | None
    easting: int | None
    northing: int | None
    ended_on: date | None
    large_user: bool | None


def active_release(session: Session, kind: ReleaseKind) -> Release | None:
    """The release in force for this kind, if one was ever activated."""
    statement = select(Release).where(
        Release.kind == kind, col(Release.activated_at).is_not(None), col(Release.retired_at).is_(None)
    )
    return session.exec(statement).first()


def resolve_postcodes(session: Session, keys: Iterable[str]) -> Mapping[str, Resolved]:
    """What the active release knows of these postcode keys. Unknown ones are absent."""
    statement = text("""
        SELECT key, release_id, ward_code, district_code, alt_ward_code, edge_m,
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
        .where(col(Area.code).in_(codes))
        .order_by(col(Release.retired_at).is_(None), col(Release.id))
    )
    return {area.code: area for area in session.exec(statement)}  # the last, the active one, wins
