"""Activates a loaded release: compares, switches, measures ward edges and updates the wards of places."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from notify.core import clock
from notify.core.errors import Conflict, NotFound
from notify.places import release_checks, succession
from notify.places import ward_edges as edges
from notify.places.models import Release, ReleaseKind
from notify.places.queries import active_release, postcodes_are_here, releases
from notify.places.release_loading import partition_of
from notify.staff.queries import councils
from notify.staff.service import audit

_FOUND_PLACES = """
    WITH known AS MATERIALIZED (
        SELECT DISTINCT ward_code FROM postcode WHERE release_id = :release AND ward_code IS NOT NULL
    ), answered AS (
        -- the resident's own answer stands for as long as its ward exists
        SELECT p.id, p.ward_source = 'resident' AND p.ward_code IN (SELECT ward_code FROM known) AS stands,
               p.ward_source = 'resident' AND p.ward_code NOT IN (SELECT ward_code FROM known) AS lost
        FROM place p
    ), looked_up AS (
        SELECT p.id, n.district_code, n.alt_ward_code, n.near_ward_codes,
               CASE WHEN a.stands THEN p.ward_code ELSE coalesce(n.ward_code, p.ward_code) END AS ward_code,
               CASE WHEN a.stands THEN 'resident' ELSE 'published' END AS ward_source,
               CASE
                   WHEN :is_back THEN p.needs_review AND p.id NOT IN (
                       SELECT place_id FROM place_review WHERE release_id = :left AND kind = 'unsure')
                   WHEN n.ended_on IS NOT NULL OR n.ward_code IS NULL OR a.lost THEN true
                   -- an answer that is none of the wards it lies in or near is asked for again
                   WHEN a.stands THEN n.edge_m IS NOT NULL AND p.ward_code <> n.ward_code
                                      AND NOT p.ward_code = ANY(coalesce(n.near_ward_codes, '{}'))
                   ELSE p.needs_review AND (p.release_id IS NOT DISTINCT FROM :release OR n.alt_ward_code IS NOT NULL)
               END AS needs_review
        FROM place p
        JOIN answered a ON a.id = p.id
        JOIN postcode n ON n.release_id = :release AND n.key = p.postcode
    ), changed AS (
        UPDATE place p
        SET ward_code = l.ward_code, district_code = coalesce(l.district_code, p.district_code),
            alt_ward_code = l.alt_ward_code, near_ward_codes = l.near_ward_codes, ward_source = l.ward_source,
            needs_review = l.needs_review, release_id = :release, resolved_at = :moment
        FROM looked_up l
        WHERE l.id = p.id
          AND (p.ward_code, p.district_code, p.near_ward_codes, p.ward_source, p.needs_review, p.release_id)
              IS DISTINCT FROM (l.ward_code, coalesce(l.district_code, p.district_code), l.near_ward_codes,
                                l.ward_source, l.needs_review, :release)
        RETURNING p.id, p.subscriber_id, old.ward_code AS old_ward_code, new.ward_code AS new_ward_code,
                  old.district_code AS old_district, new.district_code AS new_district,
                  new.needs_review AND NOT old.needs_review AS is_unsure
    )
"""
# A postcode the release no longer has: its ward is kept where it still exists, else follows the ward's other
# postcodes if nearly all of them went to one and the same. So does its district.
_GONE_PLACES = """
    WITH gone AS MATERIALIZED (
        SELECT id, ward_code, district_code FROM place p
        WHERE NOT EXISTS (SELECT 1 FROM postcode n WHERE n.release_id = :release AND n.key = p.postcode)
    ), homeless AS MATERIALIZED (
        SELECT DISTINCT ward_code FROM gone
        WHERE ward_code NOT IN
              (SELECT ward_code FROM postcode WHERE release_id = :release AND ward_code IS NOT NULL)
    ), successor AS (
        SELECT o.ward_code AS old_code, n.ward_code AS new_code,
               count(*) / sum(count(*)) OVER (PARTITION BY o.ward_code) AS share
        FROM postcode o
        JOIN postcode n ON n.release_id = :release AND n.key = o.key AND n.ward_code IS NOT NULL
        WHERE o.release_id = :previous AND o.ward_code IN (SELECT ward_code FROM homeless)
        GROUP BY o.ward_code, n.ward_code
    ), district AS (
        SELECT e.code AS old_code,
               (SELECT d.code FROM area_successors(e.code) d WHERE d.share >= :enough LIMIT 1) AS new_code
        FROM (SELECT DISTINCT district_code AS code FROM gone) e WHERE NOT area_is_current(e.code)
    ), changed AS (
        UPDATE place p
        SET district_code = coalesce(d.new_code, p.district_code), ward_code = coalesce(s.new_code, p.ward_code),
            needs_review = p.needs_review OR NOT :is_back, resolved_at = :moment,
            ward_source = CASE WHEN s.new_code IS NULL THEN p.ward_source ELSE 'published' END,
            alt_ward_code = CASE WHEN s.new_code IS NULL THEN p.alt_ward_code END,
            near_ward_codes = CASE WHEN s.new_code IS NULL THEN p.near_ward_codes END
        FROM gone g
        LEFT JOIN successor s ON s.old_code = g.ward_code AND s.share >= :enough
        LEFT JOIN district d ON d.old_code = g.district_code
        WHERE g.id = p.id AND (NOT p.needs_review OR s.new_code IS NOT NULL OR d.new_code IS NOT NULL)
        RETURNING p.id, p.subscriber_id, old.ward_code AS old_ward_code, new.ward_code AS new_ward_code,
                  old.district_code AS old_district, new.district_code AS new_district,
                  new.needs_review AND NOT old.needs_review AS is_unsure
    )
"""
# A place is outside when its council covered it and covers it no more, though nothing that the council covers has
# ended: a council whose own district got a new code has not lost its residents.
_NOTE_CHANGES = """
    , unsure AS (
        INSERT INTO place_review (place_id, release_id, kind, subscriber_id, at)
        SELECT id, :release, 'unsure', subscriber_id, :moment FROM changed WHERE is_unsure
        ON CONFLICT (place_id, release_id, kind) DO UPDATE SET at = excluded.at, handled_at = NULL, answered_at = NULL
    ), outside AS (
        INSERT INTO place_review (place_id, release_id, kind, subscriber_id, at)
        SELECT g.id, :release, 'outside', g.subscriber_id, :moment
        FROM changed g JOIN subscriber s ON s.id = g.subscriber_id JOIN council c ON c.id = s.council_id
        WHERE NOT :is_back AND g.old_district = ANY(c.district_codes) AND NOT g.new_district = ANY(c.district_codes)
          AND NOT EXISTS (SELECT FROM unnest(c.district_codes) AS code WHERE NOT area_is_current(code))
        ON CONFLICT DO NOTHING
    )
    INSERT INTO place_change (place_id, release_id, old_ward_code, new_ward_code, at)
    SELECT id, :release, old_ward_code, new_ward_code, :moment FROM changed
    WHERE old_ward_code IS DISTINCT FROM new_ward_code
    RETURNING id
"""
ENOUGH_FOR_SUCCESSOR = 0.95


class UnknownRelease(NotFound):
    """No release has this number."""

    title = "There is no such release"


class ReleaseDropped(Conflict):
    """The release's postcodes were removed; only one previous release is kept."""

    title = "The release's postcodes are no longer here"


class ReleaseNeedsConfirmation(Conflict):
    """The release differs so much from the active one that an administrator must say yes.

    `objections` holds the sentences, the other fields the counts behind them.
    """

    title = "The release needs to be confirmed"


@dataclass(frozen=True, slots=True)
class ActivationReport:
    """What an activation did.

    `added`, `removed` and `moved_ward` count postcodes, or areas, against the release before; `edges` postcodes with
    a measured distance to their ward's boundary; `places_changed` residents' places now in another ward; and
    `needing_review` all places whose resident should be asked. `objections` are those that were overruled.
    """

    release_id: int
    kind: ReleaseKind
    previous_id: int | None
    added: int
    removed: int
    moved_ward: int
    edges: int
    places_changed: int
    needing_review: int
    objections: tuple[str, ...] = ()


def activate(session: Session, release_id: int, *, confirmed: bool = False) -> ActivationReport:
    """Put a release into force and retire the one before it, whose rows stay for one more activation.

    Activating the active release again measures and looks up again, for instance after a council was added.
    Raises: UnknownRelease, ReleaseDropped, ReleaseNeedsConfirmation unless `confirmed`.
    """
    # one at a time: each compares itself with the active one
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('notify.places.activate'))"))
    release = loaded(session, release_id)
    previous = active_release(session, release.kind)
    previous_id = previous.id if previous else None
    findings = findings_of(session, release, release_id, previous_id)
    if findings.objections and not confirmed:
        raise confirmation_needed(release_id, findings)
    is_back = release.activated_at is not None and release_id != previous_id
    _switch(session, release_id, previous_id)
    if release.kind == ReleaseKind.POSTCODE:
        succession.note(session, new_id=release_id, old_id=previous_id)
    measured = _measure(session)
    left_id = previous_id if release.kind == ReleaseKind.POSTCODE else None
    changed = _look_up_places(session, left_id, is_back=is_back and left_id is not None)
    report = ActivationReport(
        release_id=release_id,
        kind=release.kind,
        previous_id=previous_id,
        added=findings.added,
        removed=findings.removed,
        moved_ward=findings.moved_ward,
        edges=measured,
        places_changed=changed,
        needing_review=session.execute(text("SELECT count(*) FROM place WHERE needs_review")).scalar_one(),
        objections=tuple(findings.objections),
    )
    _note(session, report)
    if release.kind == ReleaseKind.POSTCODE:
        _drop_older(session, kept={release_id, previous_id})
    return report


def loaded(session: Session, release_id: int) -> Release:
    """The release with this number, if its rows are here. Raises: UnknownRelease, ReleaseDropped."""
    release = session.get(Release, release_id)
    if release is None:
        raise UnknownRelease(f"There is no release {release_id}. `notify geodata status` lists them.")
    if release.kind == ReleaseKind.POSTCODE and not postcodes_are_here(session, release_id):
        raise ReleaseDropped(f"The postcodes of release {release_id} were removed. Load its file again.")
    return release


def findings_of(session: Session, release: Release, new_id: int, old_id: int | None) -> release_checks.Findings:
    """How this release differs from the one with the number `old_id`, and what speaks against it."""
    covered = {council.slug: council.district_codes for council in councils(session)}
    if release.kind == ReleaseKind.POSTCODE:
        found = release_checks.compare_postcodes(session, new_id=new_id, old_id=old_id, covered=covered)
    else:
        found = release_checks.compare_areas(session, kind=release.kind, new_id=new_id, old_id=old_id, covered=covered)
    return found if new_id != old_id else found.unopposed()


def _districts(session: Session) -> list[str]:
    return sorted({code for council in councils(session) for code in council.district_codes})


def confirmation_needed(release_id: int, findings: release_checks.Findings) -> ReleaseNeedsConfirmation:
    """Why the release is not put into force before an administrator says yes."""
    return ReleaseNeedsConfirmation(
        f"Release {release_id} was not activated: {'; '.join(findings.objections)}. If that is right, confirm with "
        f"`notify geodata activate {release_id} --yes`.",
        objections=list(findings.objections),
        added=findings.added,
        removed=findings.removed,
        moved_ward=findings.moved_ward,
        blank_wards=findings.blank_wards,
        own_before=findings.own_before,
        own_vanished=findings.own_vanished,
    )


def _switch(session: Session, release_id: int, previous_id: int | None) -> None:
    moment = clock.now()
    session.execute(
        update(Release).where(col(Release.id) == previous_id, col(Release.id) != release_id).values(retired_at=moment)
    )
    session.execute(update(Release).where(col(Release.id) == release_id).values(activated_at=moment, retired_at=None))


def _measure(session: Session) -> int:
    """Edge distances depend on postcodes and wards both, so either one's activation measures again."""
    postcodes, wards = (active_release(session, kind) for kind in (ReleaseKind.POSTCODE, ReleaseKind.WARD))
    if postcodes is None or postcodes.id is None:
        return 0
    wards_id = wards.id if wards else None
    if wards_id is not None:
        edges.fill_districts(session, postcodes_id=postcodes.id, wards_id=wards_id)
    return edges.measure(session, postcodes_id=postcodes.id, wards_id=wards_id, districts=_districts(session))


# Places belong to subscribers, which stand above and cannot be imported. The table is named here all the same,
# because a release and the places it moves must change in one transaction: a ward alert sent between two would
# miss the people on the way.


def _look_up_places(session: Session, previous_id: int | None, *, is_back: bool) -> int:
    """How many residents' places came into another ward; each has a row in place_change.

    Going back to a release flags nobody, and takes back what the release that is left had flagged.
    """
    release = active_release(session, ReleaseKind.POSTCODE)
    if release is None:
        return 0
    parameters: Mapping[str, object] = {
        "release": release.id,
        "previous": previous_id,
        "moment": clock.now(),
        "enough": ENOUGH_FOR_SUCCESSOR,
        "is_back": is_back,
        "left": previous_id,
    }
    changed = 0
    for places in (_FOUND_PLACES, _GONE_PLACES):
        changed += len(session.execute(text(places + _NOTE_CHANGES), parameters).all())
    return changed


def _note(session: Session, report: ActivationReport) -> None:
    audit(
        session,
        council_id=None,
        actor="command-line",
        action="geodata.activate",
        subject=str(report.release_id),
        kind=report.kind,
        previous=report.previous_id,
        moved_ward=report.moved_ward,
        places_changed=report.places_changed,
        overruled=list(report.objections),
    )
    session.flush()


def _drop_older(session: Session, kept: set[int | None]) -> None:
    """Remove the postcodes of releases retired before the last; what is in use now is left for the next time.

    Dropping needs the whole table for a moment, and waiting for it would make every reader behind us wait too.
    """
    for state in releases(session):
        is_old = state.kind == ReleaseKind.POSTCODE and state.retired_at is not None and state.has_rows
        if not is_old or state.id in kept:
            continue
        with suppress(OperationalError), session.begin_nested():
            session.execute(text("SET LOCAL lock_timeout = '500ms'"))
            session.execute(text(f"DROP TABLE {partition_of(state.id)}"))
