"""Alerts of a council that becomes part of another: what is still to be sent goes on under the new council; what was
sent stays where it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert, AlertState, Priority
from notify.alerts.service import content_hash
from notify.core import clock
from notify.core.errors import Conflict
from notify.places.models import PlaceSet, Targets
from notify.staff.models import Council
from notify.staff.service import audit
from notify.subscribers.merger import TopicMove

STILL_TO_COME = (
    AlertState.DRAFT, AlertState.REJECTED, AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED
)  # fmt: skip
DECIDED = (AlertState.APPROVED, AlertState.SCHEDULED)
_UNDER_WAY = text("""
    SELECT a.title FROM alert a
    WHERE a.council_id = :council AND NOT a.is_test AND (a.state = 'sending'
       OR a.state = 'sent' AND a.priority = 'emergency' AND a.follow_up IS DISTINCT FROM 'all-clear'
          AND a.expires_at > business_now()
          AND NOT EXISTS (SELECT FROM alert f WHERE f.follows_id = coalesce(a.follows_id, a.id)
                          AND f.follow_up = 'all-clear' AND f.expanded_at IS NOT NULL))
    ORDER BY a.id LIMIT 5
""")
# who agreed to what still goes out, in words, time and places, agreed to this
_CARRY_OVER = """
    INSERT INTO approval (id, alert_id, content_hash, actor, approved, reason, submission, at)
    SELECT uuidv7(), alert_id, :hash, actor, approved, reason, :round, at
    FROM approval WHERE alert_id = :alert AND submission = :round - 1 AND approved
"""
# a program that asks again with the same key gets the same reply
_REPLIES = """
    UPDATE idempotent_reply r SET council_id = :new
    WHERE r.council_id = :old
      AND NOT EXISTS (SELECT FROM idempotent_reply o WHERE o.council_id = :new AND o.key = r.key)
"""

# what still goes on is the new council's to end; what has ended stays with what was sent
_INCIDENTS = "UPDATE incident SET council_id = :new WHERE council_id = :old AND state = 'open'"


class CouncilIsSending(Conflict):
    """Alerts of the council are on their way, or an emergency of its is in force."""

    title = "The council is sending now"


def require_quiet(session: Session, council: Council) -> None:
    """Refuse while messages are on their way, or an all-clear may have to be sent. Raises: CouncilIsSending."""
    titles = session.execute(_UNDER_WAY, {"council": council.id}).scalars().all()
    if titles:
        raise CouncilIsSending(
            f"{council.name} is sending, or has an emergency in force: {'; '.join(titles)}. Wait until it is sent, and "
            "send the all-clear of emergencies first."
        )


def narrowed(audience: Mapping[str, object] | None, districts: Sequence[str]) -> dict[str, object] | None:
    """The audience for what is still to be sent: who was everyone with one council is not everyone with two, but those
    in its districts. What names places stays as it is.
    """
    said = dict(audience) if audience else None
    names_places = said and {key for key in said if key not in ("except", "buffer_m")}
    return said if names_places or not districts else {**(said or {}), "districts": list(districts)}


def own_districts(old: Council, new: Council) -> Sequence[str]:
    """The districts that were the new council's alone."""
    return [code for code in new.district_codes if code not in old.district_codes]


def move_alerts(session: Session, old: Council, new: Council, moves: Sequence[TopicMove]) -> Sequence[UUID]:
    """Send what is still to be sent: words, places and time stay as they are. Their ids.

    What the new council itself is still to send about topics with followers of both goes to its own. What is approved
    goes out. What waits for approval is another version, and earlier answers do not count for it. Drafts that follow an
    alert of before stay with that alert. Answers to repeated requests go along, and so do incidents that go on.
    """
    by_topic = {move.old.id: move for move in moves}
    waiting = _waiting(session, old)
    for alert in waiting:
        _renew(session, alert, new, by_topic[alert.topic_id].new.id, old.district_codes, old)
    joined = {move.new.id for move in moves if move.is_joined}
    for alert in _waiting(session, new):
        if alert.topic_id in joined and alert not in waiting:
            _renew(session, alert, new, alert.topic_id, own_districts(old, new), old)
    for statement in (_REPLIES, _INCIDENTS):
        session.execute(text(statement), {"old": old.id, "new": new.id})
    return [alert.id for alert in waiting]


def _waiting(session: Session, council: Council) -> Sequence[Alert]:
    statement = select(Alert).where(
        Alert.council_id == council.id, col(Alert.state).in_(STILL_TO_COME), col(Alert.follows_id).is_(None)
    )
    return session.exec(statement.order_by(col(Alert.id)).with_for_update()).all()


def _renew(
    session: Session, alert: Alert, new: Council, topic_id: UUID, districts: Sequence[str], old: Council
) -> None:
    before, audience = alert.content_hash, narrowed(alert.audience, districts)
    alert.council_id, alert.topic_id, alert.changed_at = new.id, topic_id, clock.now()
    is_narrower = audience != alert.audience and alert.targets is not None
    if is_narrower:
        excluded = Targets.from_json(alert.targets or {}).excluded
        included = PlaceSet(districts=tuple(districts))
        is_emergency = alert.priority == Priority.EMERGENCY
        alert.audience = audience
        alert.targets = Targets(included, excluded, everywhere=False, near_boundary=is_emergency).as_json()
    alert.content_hash = content_hash(alert)
    alert.submission += 1  # earlier answers were to another version
    session.add(alert)
    session.flush()
    if alert.state in DECIDED:
        session.execute(text(_CARRY_OVER), {"alert": alert.id, "hash": alert.content_hash, "round": alert.submission})
    audit(
        session,
        council_id=new.id,
        actor="command-line",
        action="alert.move",
        subject=str(alert.id),
        merged=old.slug,
        content_hash_before=before.hex(),
        districts=list(districts) if is_narrower else [],
    )


def as_detail(move: TopicMove) -> dict[str, object]:
    """The move of a topic for the audit trail."""
    return {"old": move.old.slug, "new": move.new.slug, **{k: v for k, v in asdict(move).items() if k == "is_joined"}}
