"""Residents' places that a release could not put into a ward, or that lie outside of their council now: residents are
asked or told, and staff see how many answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.places import succession
from notify.places.models import PlaceReview, ReviewKind
from notify.subscribers import service_messages
from notify.subscribers.models import Place, ServiceMessageKind
from notify.subscribers.suppression.scope import IS_SUPPRESSED

AT_ONCE = 500
OUTSIDE = "outside-area"
# the one way to write to a person that costs nothing, else a text; nobody is called about a postcode, and nobody is
# written to where they have left: only where something is still sent
_CONTACT = f"""
    LEFT JOIN LATERAL (
        SELECT c.id FROM contact c
        WHERE c.subscriber_id = w.subscriber_id AND c.confirmed_at IS NOT NULL AND c.channel IN ('email', 'sms')
          AND NOT {IS_SUPPRESSED}
          AND EXISTS (SELECT FROM subscription u WHERE u.subscriber_id = c.subscriber_id AND u.ended_at IS NULL
                      AND c.channel = ANY(u.channels))
        ORDER BY c.channel, c.id LIMIT 1
    ) k ON true
"""  # noqa: S608 - our own words
_UNSURE = f"""
    WITH waiting AS (
        SELECT v.place_id, v.release_id FROM place_review v
        WHERE v.kind = 'unsure' AND v.handled_at IS NULL
        ORDER BY v.at, v.place_id LIMIT :most FOR UPDATE SKIP LOCKED
    ), w AS (
        UPDATE place_review v SET handled_at = :moment FROM waiting
        WHERE v.place_id = waiting.place_id AND v.release_id = waiting.release_id AND v.kind = 'unsure'
        RETURNING v.place_id, v.subscriber_id
    )
    SELECT DISTINCT ON (w.subscriber_id) k.id AS contact_id, w.place_id
    FROM w JOIN place p ON p.id = w.place_id AND p.needs_review {_CONTACT}
    WHERE k.id IS NOT NULL ORDER BY w.subscriber_id, p.position
"""  # noqa: S608
_ALL_OUTSIDE = """
    EXISTS (SELECT FROM place p WHERE p.subscriber_id = s.id)
    AND NOT EXISTS (SELECT FROM place p WHERE p.subscriber_id = s.id
                    AND (p.district_code IS NULL OR p.district_code = ANY(c.district_codes)
                         OR p.district_code = ANY(:ended)))
"""
_OUTSIDE = f"""
    WITH waiting AS (
        SELECT v.place_id, v.release_id FROM place_review v
        WHERE v.kind = 'outside' AND v.handled_at IS NULL
        ORDER BY v.at, v.place_id LIMIT :most FOR UPDATE SKIP LOCKED
    ), w AS (
        UPDATE place_review v SET handled_at = :moment FROM waiting
        WHERE v.place_id = waiting.place_id AND v.release_id = waiting.release_id AND v.kind = 'outside'
        RETURNING v.subscriber_id
    )
    SELECT DISTINCT s.id FROM w JOIN subscriber s ON s.id = w.subscriber_id JOIN council c ON c.id = s.council_id
    WHERE {_ALL_OUTSIDE}
"""  # noqa: S608
_LEFT_BEHIND = f"""
    SELECT s.id FROM subscriber s JOIN council c ON c.id = s.council_id
    WHERE c.id = :council AND {_ALL_OUTSIDE}
      AND EXISTS (SELECT FROM place p WHERE p.subscriber_id = s.id AND p.district_code = ANY(:removed))
"""  # noqa: S608
_END = """
    WITH ended AS (
        UPDATE subscription u SET ended_at = :moment, ended_reason = :source
        WHERE u.subscriber_id = ANY(:ids) AND u.ended_at IS NULL RETURNING u.subscriber_id, u.council_id, u.topic_id
    )
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT :moment, true, e.council_id, e.subscriber_id, e.topic_id, NULL, 'withdrawn', :source, s.language, :source
    FROM ended e JOIN subscriber s ON s.id = e.subscriber_id
    RETURNING subscriber_id
"""
_REACHED = f"""
    SELECT k.id FROM unnest(CAST(:ids AS uuid[])) AS w (subscriber_id) {_CONTACT} WHERE k.id IS NOT NULL
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class ReviewCount:
    """What became of the places that one release left open: `written_to`, of these `changed` and `kept` by their
    residents, `settled` by a later release, and `open`.
    """

    release: str
    activated_at: datetime | None
    places: int
    written_to: int
    changed: int
    kept: int
    settled: int
    open: int


def ask(session: Session) -> int:
    """Ask residents whose place a release left open, by one message each; how many. A chore."""
    rows = session.execute(text(_UNSURE), {"most": AT_ONCE, "moment": clock.now()}).all()
    service_messages.send(session, [(row.contact_id, row.place_id) for row in rows], ServiceMessageKind.CHECK_PLACE)
    return len(rows)


def settle_outside(session: Session) -> int:
    """Tell residents whom a release put outside of their council, and end their topics; how many. A chore."""
    values = {"most": AT_ONCE, "moment": clock.now(), "ended": []}
    found = session.execute(text(_OUTSIDE), values).scalars().all()
    return end(session, found)


def left_behind(session: Session, *, council_id: UUID, removed: Sequence[str]) -> Sequence[UUID]:
    """Residents with a place in these districts, and none that their council covers now.

    A place that no release could put into another district than one that has ended is not outside: nobody knows.
    """
    ended = [area.code for area in succession.ended(session, removed)]
    values = {"council": council_id, "removed": [code for code in removed if code not in ended], "ended": ended}
    return session.execute(text(_LEFT_BEHIND), values).scalars().all()


def end(session: Session, subscriber_ids: Sequence[UUID]) -> int:
    """End every topic of these residents, with a line in the ledger, and write to them."""
    values = {"ids": list(subscriber_ids), "moment": clock.now(), "source": OUTSIDE}
    told = session.execute(text(_REACHED), values).scalars().all()
    ended = session.execute(text(_END), values).scalars().all()
    session.execute(text("UPDATE subscriber SET changed_at = :moment WHERE id = ANY(:ids)"), values)
    service_messages.send(session, [(contact_id, None) for contact_id in told], ServiceMessageKind.OUTSIDE_AREA)
    return len(set(ended))


def tell_of_merger(session: Session, *, old_id: UUID, moved: Sequence[UUID]) -> int:
    """Tell residents who follow something that another council writes to them now; how many."""
    told = session.execute(text(_REACHED), {"ids": list(moved)}).scalars().all()
    service_messages.send(session, [(contact_id, old_id) for contact_id in told], ServiceMessageKind.COUNCIL_MERGED)
    return len(told)


def keep(session: Session, place: Place) -> None:
    """Take the resident's word that the place is right as it is."""
    place.needs_review = False
    session.add(place)
    open_ones = select(PlaceReview).where(PlaceReview.place_id == place.id, col(PlaceReview.answered_at).is_(None))
    for review in session.exec(open_ones.where(PlaceReview.kind == ReviewKind.UNSURE)).all():
        review.answered_at = clock.now()
        session.add(review)


def counts(session: Session, council_id: UUID) -> Sequence[ReviewCount]:
    """What became of the open places of this council's residents, release by release, the newest first."""
    rows = session.execute(text(_COUNTS), {"council": council_id})
    return [ReviewCount(**row._mapping) for row in rows]


_COUNTS = """
    SELECT r.product || ' ' || r.version AS release, r.activated_at, count(*) AS places,
           count(*) FILTER (WHERE v.handled_at IS NOT NULL) AS written_to,
           count(*) FILTER (WHERE p.id IS NULL) AS changed,
           count(*) FILTER (WHERE p.id IS NOT NULL AND v.answered_at IS NOT NULL) AS kept,
           count(*) FILTER (WHERE p.id IS NOT NULL AND v.answered_at IS NULL AND NOT p.needs_review) AS settled,
           count(*) FILTER (WHERE p.needs_review AND v.answered_at IS NULL) AS open
    FROM place_review v
    JOIN subscriber s ON s.id = v.subscriber_id AND s.council_id = :council
    JOIN geo_release r ON r.id = v.release_id
    LEFT JOIN place p ON p.id = v.place_id
    WHERE v.kind = 'unsure'
    GROUP BY r.id, r.product, r.version, r.activated_at ORDER BY r.id DESC LIMIT 20
"""
