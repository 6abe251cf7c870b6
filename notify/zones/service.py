"""Keeps zones: a new outline is a new version, and what was made with an earlier one keeps it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlmodel import Session, func, select

from notify.core import clock
from notify.core.errors import Invalid
from notify.places.audience_areas import lies_near
from notify.places.geometry import parse_shape, to_geojson
from notify.places.shape_files import with_fewer_corners
from notify.staff.queries import council
from notify.staff.remit import EVERYTHING, OutsideYourRemit
from notify.staff.rights import Principal, Right
from notify.staff.service import audit
from notify.zones.files import FoundZone
from notify.zones.models import NewZone, Zone, ZoneChange, ZoneKind, ZoneVersion
from notify.zones.queries import versions, zone

MOST_ZONES = 2_000
_NO_LETTER = re.compile(r"[^a-z0-9]+")


class ZoneOutsideCouncil(Invalid):
    """It touches none of the land that the council serves."""

    title = "The zone is outside the council"


class TooManyZones(Invalid):
    """Nobody finds one among so many."""

    title = "There are too many zones"


@dataclass(slots=True)
class Loaded:
    """What became of the areas of a file, by name."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def require_may_change(by: Principal) -> None:
    """Refuse who may not keep zones: they serve the whole council. Raises: Forbidden, OutsideYourRemit."""
    by.require(Right.BROADCAST)
    if by.remit != EVERYTHING:
        raise OutsideYourRemit("Zones serve the whole council, and you work with some topics or areas only.")


def slug_of(name: str) -> str:
    """The short name of a zone: `Mill Lane, north bank` is `mill-lane-north-bank`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NO_LETTER.sub("-", plain).strip("-")[:80] or "zone"


def save_zone(session: Session, *, by: Principal, new: NewZone) -> Zone:
    """A zone from an outline, or another version of the one of this name.

    Raises: Forbidden, OutsideYourRemit, ZoneOutsideCouncil, TooManyZones and what `geometry.parse_shape` raises.
    """
    shape = with_fewer_corners(parse_shape(new.polygon))
    found = FoundZone(" ".join(new.name.split()), new.reference, is_flood=False, shape=shape)
    loaded = load_zones(session, by=by, found=[found], kind=new.kind, source="")
    if loaded.elsewhere:
        raise ZoneOutsideCouncil("The outline touches none of the land your council serves. Check its coordinates.")
    return zone(session, by.council_id, slug_of(found.name))


def load_zones(
    session: Session, *, by: Principal, found: Iterable[FoundZone], kind: ZoneKind | None, source: str
) -> Loaded:
    """Keep these areas. One of a known code or name gets another version where its outline differs.

    Without `kind` a file of flood warning areas makes those, and others are `other`. What lies elsewhere is left out.
    Raises: Forbidden, OutsideYourRemit, TooManyZones, and what reading the file raises.
    """
    require_may_change(by)
    districts = council(session, by.council_id).district_codes
    loaded = Loaded()
    for one in found:
        if not lies_near(session, one.shape, districts):
            loaded.elsewhere.append(one.name)
            continue
        _keep(session, by, one, kind, source, loaded)
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="zone.save",
        subject=source or ", ".join((*loaded.added, *loaded.changed, *loaded.unchanged))[:200],
        added=loaded.added,
        changed=loaded.changed,
    )
    return loaded


def _keep(session: Session, by: Principal, one: FoundZone, kind: ZoneKind | None, source: str, loaded: Loaded) -> None:
    known = _known(session, by, one)
    geojson = to_geojson(one.shape)
    newest = versions(session, known.id)[:1] if known else []
    if known and newest and newest[0].shape == geojson and known.archived_at is None:
        loaded.unchanged.append(one.name)
        return
    if known is None:
        known = _added(session, by, one, kind or (ZoneKind.FLOOD_WARNING_AREA if one.is_flood else ZoneKind.OTHER))
    (loaded.changed if newest else loaded.added).append(one.name)
    known.archived_at = None
    number = newest[0].version + 1 if newest else 1
    session.add(
        ZoneVersion(
            zone_id=known.id,
            version=number,
            shape=geojson,
            hectares=round(one.shape.area / 10_000, 2),
            source=source[:200],
            created_by=by.actor,
        )
    )
    session.flush()


def _known(session: Session, by: Principal, one: FoundZone) -> Zone | None:
    own = select(Zone).where(Zone.council_id == by.council_id).with_for_update()
    if one.reference:
        coded = session.exec(own.where(Zone.reference == one.reference)).first()
        if coded:
            return coded
    named = session.exec(own.where(Zone.slug == slug_of(one.name))).first()
    # two areas of one name and different codes are two zones
    return named if named and (not one.reference or named.reference in (None, one.reference)) else None


def _added(session: Session, by: Principal, one: FoundZone, kind: ZoneKind) -> Zone:
    if session.exec(select(func.count()).where(Zone.council_id == by.council_id)).one() >= MOST_ZONES:
        raise TooManyZones(f"A council has at most {MOST_ZONES:,} zones. Archive those that you do not need.")
    slug = slug_of(one.name)
    taken = select(Zone.id).where(Zone.council_id == by.council_id, Zone.slug == slug)
    if session.exec(taken).first():
        slug = slug_of(f"{one.name} {one.reference}")
    added = Zone(
        council_id=by.council_id, slug=slug, name=one.name, kind=kind, reference=one.reference, created_by=by.actor
    )
    session.add(added)
    session.flush()
    return added


def change_zone(session: Session, *, by: Principal, slug: str, change: ZoneChange) -> Zone:
    """Another name or kind; the slug stays. Raises: Forbidden, OutsideYourRemit, UnknownZone."""
    require_may_change(by)
    found = zone(session, by.council_id, slug)
    found.name = " ".join(change.name.split()) if change.name else found.name
    found.kind = change.kind or found.kind
    session.add(found)
    audit(session, council_id=by.council_id, actor=by.actor, action="zone.change", subject=slug)
    return found


def archive_zone(session: Session, *, by: Principal, slug: str) -> None:
    """Offer a zone no longer. What was made with it stays. Raises: Forbidden, OutsideYourRemit, UnknownZone."""
    require_may_change(by)
    found = zone(session, by.council_id, slug)
    found.archived_at = clock.now()
    session.add(found)
    audit(session, council_id=by.council_id, actor=by.actor, action="zone.archive", subject=slug)
