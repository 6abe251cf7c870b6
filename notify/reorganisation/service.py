"""Makes a council part of another, in one transaction: residents, topics, what is still to be sent, users and keys.

Commands call it, and a page may. What was sent stays with the old council, under its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from notify.alerts import merger as alerts
from notify.cap import merger as cap
from notify.core import jobs
from notify.core.errors import Conflict, Invalid
from notify.drafting import merger as composing
from notify.exports import merger as exports
from notify.places import activation as releases
from notify.places import queries as places
from notify.places.models import ReleaseKind
from notify.staff import councils
from notify.staff import merger as staff_merger
from notify.staff.models import Council
from notify.staff.queries import lock_council, require_own_life
from notify.staff.service import audit
from notify.subscribers import merger as subscribers
from notify.subscribers.merger import TopicMove
from notify.subscribers.place_reviews import service as place_reviews_service
from notify.waste import merger as collections
from notify.zones import merger as zones


class CannotMerge(Invalid):
    """A council does not merge with itself, nor twice."""

    title = "The councils cannot be merged like this"


@dataclass(frozen=True, slots=True)
class Merger:
    """What a merger did: `subscribers` changed hands, `united` of them became one with a membership of the new council,
    `joined` and `copied` topics by short name, `alerts` and `recurring` still to be sent, `officers` and `keys`.
    """

    old: str
    new: str
    subscribers: int
    united: int
    joined: Sequence[str]
    copied: Sequence[str]
    alerts: int
    recurring: int
    officers: int
    keys: int


def merge(session: Session, old: Council, new: Council, *, actor: str) -> Merger:
    """Make `old` part of `new`.

    Raises: CannotMerge, CouncilMerged, CouncilIsSending.
    """
    if old.id == new.id:
        raise CannotMerge("Name two councils: the one that becomes part, and the one that takes over.")
    for one in sorted((old, new), key=lambda council: council.id):
        lock_council(session, one.id)
        session.refresh(one)
        require_own_life(session, one)
    alerts.require_quiet(session, old)
    moves = subscribers.move_topics(session, old, new)
    waiting = alerts.move_alerts(session, old, new, moves)
    recurring = composing.move_work(session, old, new, moves)
    zones.move_zones(session, old, new)
    collections.keep_reminders(session, old)
    moved = subscribers.move_subscribers(session, old, new, moves)
    collections.move_reminders(session, new)
    old, new = session.get_one(Council, old.id), session.get_one(Council, new.id)
    officers, keys = staff_merger.move_staff(session, old, new, {move.old.slug: move.new.slug for move in moves})
    cap.move_messages(session, old, new)
    exports.end_schedules(session, old)
    staff_merger.close(session, old, new)
    report = Merger(
        old.slug,
        new.slug,
        moved.subscribers,
        moved.united,
        [move.new.slug for move in moves if move.is_joined],
        [move.new.slug for move in moves if not move.is_joined],
        len(waiting),
        recurring,
        officers,
        keys,
    )
    _note(session, old, new, report, moves, actor)
    place_reviews_service.tell_of_merger(session, old_id=old.id, moved=list(moved.ids))
    return report


def _note(session: Session, old: Council, new: Council, report: Merger, moves: Sequence[TopicMove], actor: str) -> None:
    """A line in the trail of both councils; staff are told."""
    for council_id, action in ((old.id, "council.merged"), (new.id, "council.merge")):
        audit(
            session,
            council_id=council_id,
            actor=actor,
            action=action,
            subject=old.slug,
            into=new.slug,
            subscribers=report.subscribers,
            united=report.united,
            topics=[alerts.as_detail(move) for move in moves],
            alerts=report.alerts,
            recurring=report.recurring,
            officers=report.officers,
            keys=report.keys,
        )
    session.flush()
    jobs.note(session, jobs.Job.TELL_STAFF, f"merger {old.id}", lane=jobs.Lane.TRANSACTIONAL)


class ResidentsOutside(Conflict):
    """Residents of a district that the council would cover no more have no other place that it covers."""

    title = "Residents would lose their topics"


def change_districts(
    session: Session, council: Council, *, add: Sequence[str], remove: Sequence[str], actor: str, confirmed: bool
) -> tuple[Sequence[str], int]:
    """Change which districts a council covers; those it covers now, and how many residents are outside of them, who are
    told and whose topics end. Distances to ward boundaries are measured again.

    Raises: what `councils.change_districts` raises, ResidentsOutside unless `confirmed`.
    """
    now = councils.change_districts(session, council, add=add, remove=remove, actor=actor)
    outside = place_reviews_service.left_behind(session, council_id=council.id, removed=remove)
    if outside and not confirmed:
        raise ResidentsOutside(
            f"{len(outside):,} residents live in {', '.join(remove)} only. If a district has a new code, add that, "
            "activate the postcodes that carry it, and then remove the old one. To end their topics, use --yes."
        )
    active = places.active_release(session, ReleaseKind.POSTCODE)
    if active is not None and active.id is not None:
        releases.activate(session, active.id, confirmed=True)
    return now, place_reviews_service.end(session, outside)
