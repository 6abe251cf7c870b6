"""Reads a council's zones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy.orm import QueryableAttribute, defer
from sqlmodel import Session, col, func, select

from notify.core.errors import NotFound
from notify.zones.models import Zone, ZoneVersion


class UnknownZone(NotFound):
    """Another council's, archived, or a version that there never was."""

    title = "There is no such zone"


@dataclass(frozen=True, slots=True)
class Saved:
    """A zone with one of its versions, by default the newest."""

    zone: Zone
    version: ZoneVersion


def zones(session: Session, council_id: UUID) -> Sequence[Saved]:
    """The zones in use with their newest version, by kind and name. An outline is read when it is first asked for."""
    newest = select(func.max(ZoneVersion.version)).where(ZoneVersion.zone_id == Zone.id).correlate(Zone)
    statement = (
        select(Zone, ZoneVersion)
        .join(ZoneVersion, col(ZoneVersion.zone_id) == col(Zone.id))
        .where(Zone.council_id == council_id, col(Zone.archived_at).is_(None))
        .where(ZoneVersion.version == newest.scalar_subquery())
        .order_by(col(Zone.kind), col(Zone.name))
        .options(
            defer(cast("QueryableAttribute[object]", ZoneVersion.shape))
        )  # thousands of corners each, which a list of names does not show
    )
    return [Saved(zone, version) for zone, version in session.exec(statement)]


def zone(session: Session, council_id: UUID, slug: str) -> Zone:
    """The zone in use with this slug. Raises: UnknownZone."""
    found = session.exec(select(Zone).where(Zone.council_id == council_id, Zone.slug == slug)).first()
    if found is None or found.archived_at is not None:
        raise UnknownZone(f"Your council has no zone {slug!r}. `GET /api/v1/zones` lists them.")
    return found


def versions(session: Session, zone_id: UUID) -> Sequence[ZoneVersion]:
    """Every version of a zone, the newest first."""
    statement = select(ZoneVersion).where(ZoneVersion.zone_id == zone_id).order_by(col(ZoneVersion.version).desc())
    return session.exec(statement).all()


def saved(session: Session, council_id: UUID, named: str) -> Saved:
    """A zone as an audience names it: its slug for the newest version, or `slug@2`.

    A version of a zone that was archived is found too, because alerts that name it are copied.
    Raises: UnknownZone.
    """
    slug, _, number = named.partition("@")
    if not number:
        found = zone(session, council_id, slug)
        return Saved(found, versions(session, found.id)[0])
    statement = (
        select(Zone, ZoneVersion)
        .join(ZoneVersion, col(ZoneVersion.zone_id) == col(Zone.id))
        .where(Zone.council_id == council_id, Zone.slug == slug)
    )
    exact = statement.where(ZoneVersion.version == int(number)) if number.isdecimal() and len(number) < 7 else None
    row = session.exec(exact).first() if exact is not None else None
    if row is None:
        raise UnknownZone(f"Your council has no zone {slug!r} with a version {number!r}.")
    return Saved(*row)
