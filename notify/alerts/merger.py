"""Alerts of a council that becomes part of another: what is still to be sent goes on under the new council; what was
sent stays where it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify import clock
from notify.alerts.models import Alert, AlertState, Priority
from notify.alerts.service import content_hash
from notify.errors import Conflict
from notify.places.models import PlaceSet, Targets
from notify.staff.models import Council
from notify.staff.service import audit
from notify.subscribers.merger import TopicMove

STILL_TO_COME = (
    AlertState.DRAFT, AlertState.REJECTED, AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED
)  # fmt: skip


class CouncilIsSending(Conflict):
    """Alerts of the council are on their way, or an emergency of its is in force."""

    title = "The council is sending now"


_UNDER_WAY = text("""
    SELECT a.title FROM alert a
    WHERE a.council_id = :council AND NOT a.is_test AND (a.state = 'sending'
       OR a.state = 'sent' AND a.priority = 'emergency' AND a.follow_up IS DISTINCT FROM 'all-clear'
          AND a.expires_at > business_now()
          AND NOT EXISTS (SELECT FROM alert f WHERE f.follows_id = coalesce(a.follows_id, a.id)
                          AND f.follow_up = 'all-clear' AND f.expanded_at IS NOT NULL))
    ORDER BY a.id LIMIT 5
""")


def require_quiet(session: Session, council: Council) -> None:
    """Refuse while messages are on their way, or an all-clear may have to be sent. Raises: CouncilIsSending."""
    titles = session.execute(_UNDER_WAY, {"council": council.id}).scalars().all()
    if titles:
        raise CouncilIsSending(
            f"{council.name} is sending, or has an emergency in force: {'; '.join(titles)}. Wait until it is sent, and "
            "send the all-clear of emergencies first."
        )


def narrowed(audience: Mapping[str, object] | None, move: TopicMove, old: Council) -> Mapping[str, object] | None:
    """The audience for what is still to be sent. Everyone who followed the topic lived with the old council: where the
    topic has other followers now, that is its districts.
    """
    named = audience and {key for key in audience if key not in ("except", "buffer_m")}
    if named or not move.is_joined or not old.district_codes:
        return audience
    return {**(audience or {}), "districts": list(old.district_codes)}


def move_alerts(session: Session, old: Council, new: Council, moves: Sequence[TopicMove]) -> Sequence[UUID]:
    """Hand over what is still to be sent: words, places and time stay as they are. Their ids.

    What is approved goes out. What waits for approval is another version, of another council, and earlier answers do
    not count for it. Drafts that follow an alert of before stay with that alert. Answers to repeated requests go along.
    """
    by_topic = {move.old.id: move for move in moves}
    waiting = select(Alert).where(
        Alert.council_id == old.id, col(Alert.state).in_(STILL_TO_COME), col(Alert.follows_id).is_(None)
    )
    moved = []
    for alert in session.exec(waiting.order_by(col(Alert.id)).with_for_update()).all():
        move = by_topic[alert.topic_id]
        before = alert.content_hash
        alert.council_id, alert.topic_id, alert.changed_at = new.id, move.new.id, clock.now()
        audience = narrowed(alert.audience, move, old)
        if audience != alert.audience and alert.targets is not None:
            targets = Targets.from_json(alert.targets)
            alert.audience = dict(audience or {})
            alert.targets = Targets(
                PlaceSet(districts=tuple(old.district_codes)),
                targets.excluded,
                everywhere=False,
                near_boundary=alert.priority == Priority.EMERGENCY,
            ).as_json()
        alert.content_hash = content_hash(alert)
        session.add(alert)
        audit(
            session,
            council_id=new.id,
            actor="command-line",
            action="alert.move",
            subject=str(alert.id),
            from_council=old.slug,
            content_hash_before=before.hex(),
            districts=list(old.district_codes) if audience is not None and "districts" in audience else [],
        )
        moved.append(alert.id)
    session.execute(text(_REPLIES), {"old": old.id, "new": new.id})
    return moved


# a program that asks again with the same key gets the same reply
_REPLIES = """
    UPDATE idempotent_reply r SET council_id = :new
    WHERE r.council_id = :old
      AND NOT EXISTS (SELECT FROM idempotent_reply o WHERE o.council_id = :new AND o.key = r.key)
"""


def as_detail(move: TopicMove) -> dict[str, object]:
    """The move of a topic for the audit trail."""
    return {"old": move.old.slug, "new": move.new.slug, **{k: v for k, v in asdict(move).items() if k == "is_joined"}}
