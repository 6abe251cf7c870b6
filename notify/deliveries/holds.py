"""Holds: while one is in force, nothing is sent of an alert, of a lane, or at all.

Batches on hold are not claimed, and a worker in the middle of one stops at its next slice, about a second later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, text, update
from sqlmodel import Session, col, func, or_, select

from notify.alerts import queries as alerts
from notify.alerts.models import Alert
from notify.alerts.queries import UnknownAlert
from notify.alerts.service import lane_of
from notify.core import clock, jobs
from notify.core.errors import Forbidden
from notify.core.jobs import Lane
from notify.deliveries.models import Hold
from notify.deliveries.service import FIRST_HINTS, ON_HOLD
from notify.staff.queries import is_shared
from notify.staff.rights import Principal, Right
from notify.staff.service import audit

ENGINE = "engine"

# whether confirmations and sign-in links must wait: they travel on the transactional lane and belong to no alert
NOTICES_ON_HOLD = """
    EXISTS (SELECT 1 FROM hold h WHERE h.lifted_at IS NULL AND h.alert_id IS NULL
              AND (h.lane IS NULL OR h.lane = 'transactional'))
"""
LET_GO = f"""
    SELECT b.lane, count(DISTINCT b.id) AS batches, count(*) AS deliveries
    FROM batch b
    JOIN delivery d ON d.month = b.month AND d.alert_id = b.alert_id
         AND d.number BETWEEN b.number_from AND b.number_to AND d.state = 'created'
    WHERE b.state IN ('queued', 'leased') AND NOT {ON_HOLD}
      AND EXISTS (SELECT 1 FROM hold l WHERE l.id = ANY(:lifted)
                    AND (l.lane IS NULL OR l.lane = b.lane) AND (l.alert_id IS NULL OR l.alert_id = b.alert_id))
    GROUP BY b.lane
"""


@dataclass(frozen=True, slots=True)
class Released:
    """The holds that were lifted, and how many deliveries wait no longer."""

    holds: Sequence[Hold]
    deliveries: int


def scope_of(hold: Hold) -> str:
    """What the hold is of, in words: `everything`, `lane routine` or `alert 0197…`."""
    if hold.alert_id:
        return f"alert {hold.alert_id}"
    return f"lane {hold.lane}" if hold.lane else "everything"


def hold(session: Session, *, actor: str, reason: str, lane: Lane | None = None, alert_id: UUID | None = None) -> Hold:
    """The hold in force on this alert, this lane or, with neither, on everything: the present one or a new one.

    Raises: UnknownAlert.
    """
    alert = session.get(Alert, alert_id) if alert_id else None
    if alert_id and alert is None:
        raise UnknownAlert(f"There is no alert {alert_id} here.")
    one_at_a_time(session)
    present = session.exec(select(Hold).where(*_in_force(), *_of(lane, alert_id))).first()
    if present:
        return present
    new = Hold(lane=lane, alert_id=alert_id, reason=reason, actor=actor)
    session.add(new)
    session.flush()
    council_id = alert.council_id if alert else None
    audit(session, council_id=council_id, actor=actor, action="queue.hold", subject=scope_of(new), reason=reason)
    return new


def one_at_a_time(session: Session) -> None:
    """Nobody else sets or lifts a hold until this transaction ends; everyone may read them."""
    session.execute(text("LOCK TABLE hold IN SHARE ROW EXCLUSIVE MODE"))


def _in_force() -> Sequence[ColumnElement[bool]]:
    return [col(Hold.lifted_at).is_(None)]


def _of(lane: Lane | None, alert_id: UUID | None) -> Sequence[ColumnElement[bool]]:
    return [col(Hold.lane).is_not_distinct_from(lane), col(Hold.alert_id).is_not_distinct_from(alert_id)]


def in_force(session: Session, *, council_id: UUID | None = None) -> Sequence[Hold]:
    """Every hold in force, the oldest first; of other councils' alerts none when a council asks."""
    statement = select(Hold).where(*_in_force())
    if council_id:
        own = select(Alert.id).where(Alert.council_id == council_id)
        statement = statement.where(or_(col(Hold.alert_id).is_(None), col(Hold.alert_id).in_(own)))
    return session.exec(statement.order_by(col(Hold.at), col(Hold.id)).limit(1000)).all()


def keeping_back(session: Session, alert: Alert) -> Sequence[Hold]:
    """The holds in force that this alert is kept back by."""
    lane = lane_of(alert.priority)
    return session.exec(
        select(Hold)
        .where(
            *_in_force(),
            or_(col(Hold.lane).is_(None), Hold.lane == lane),
            or_(col(Hold.alert_id).is_(None), Hold.alert_id == alert.id),
        )
        .order_by(col(Hold.at))
    ).all()


def release(session: Session, *, actor: str, lane: Lane | None = None, alert_id: UUID | None = None) -> Released:
    """Lift the hold of this alert, this lane or, with neither, of everything. Other holds stay in force."""
    return _lift(session, actor, _of(lane, alert_id))


def release_all(session: Session, *, actor: str) -> Released:
    """Release every hold."""
    return _lift(session, actor, [])


def lift_needless(session: Session) -> int:
    """Lift the holds of alerts that were cancelled or have expired, so that their ledger can say so; how many.

    Nothing is sent of such an alert, on hold or not.
    """
    over = select(Alert.id).where(or_(col(Alert.state) == "cancelled", col(Alert.expires_at) <= func.business_now()))
    return len(_lift(session, ENGINE, [col(Hold.alert_id).in_(over)]).holds)


def _lift(session: Session, actor: str, which: Sequence[ColumnElement[bool]]) -> Released:
    if not session.exec(select(Hold.id).where(*_in_force(), *which).limit(1)).first():
        return Released([], 0)
    one_at_a_time(session)
    lifted = session.scalars(
        update(Hold).where(*_in_force(), *which).values(lifted_at=clock.now(), lifted_by=actor).returning(Hold)
    ).all()
    for one in lifted:
        alert = session.get(Alert, one.alert_id) if one.alert_id else None
        council_id = alert.council_id if alert else None
        audit(session, council_id=council_id, actor=actor, action="queue.release", subject=scope_of(one))
    return Released(lifted, _let_go(session, [one.id for one in lifted]))


def _let_go(session: Session, lifted: Sequence[UUID]) -> int:
    """Tell the workers what waits no longer; how many deliveries."""
    rows = session.execute(text(LET_GO), {"lifted": list(lifted)}).all()
    for row in rows:
        for _ in range(min(row.batches, FIRST_HINTS)):
            jobs.note(session, jobs.Job.SEND_NEXT, row.lane, lane=Lane(row.lane))
    return sum(row.deliveries for row in rows)


class QueueIsShared(Forbidden):
    """A lane carries the alerts of every council of the installation."""

    title = "The queue is not your council's alone"


def hold_for(
    session: Session, *, by: Principal, reason: str, lane: Lane | None = None, alert_id: UUID | None = None
) -> Hold:
    """The same as `hold` for a council: of its own alerts, and of more where no other council sends.

    Raises: Forbidden, UnknownAlert, QueueIsShared.
    """
    _require_own(session, by, alert_id)
    return hold(session, actor=by.actor, reason=reason, lane=lane, alert_id=alert_id)


def release_for(session: Session, *, by: Principal, lane: Lane | None = None, alert_id: UUID | None = None) -> Released:
    """The same as `release` for a council. Raises: Forbidden, UnknownAlert, QueueIsShared."""
    _require_own(session, by, alert_id)
    return release(session, actor=by.actor, lane=lane, alert_id=alert_id)


def _require_own(session: Session, by: Principal, alert_id: UUID | None) -> None:
    by.require(Right.STEER_QUEUE)
    if alert_id:
        alerts.alert(session, by, alert_id)
    elif is_shared(session):
        raise QueueIsShared(
            "Other councils send through it too. Hold your own alerts one by one, or ask your system administrator for "
            "`notify hold` or `notify release`."
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert of which something waits on hold."""

    alert_id: UUID
    title: str
    lane: Lane
    deliveries: int


def waiting(session: Session, *, limit: int = 20) -> Sequence[Waiting]:
    """The alerts that go on when what holds them is released, the newest first, with how many deliveries."""
    rows = session.execute(text(WAITING), {"limit": limit})
    return [Waiting(row.id, row.title, Lane(row.lane), row.deliveries) for row in rows]


WAITING = f"""
    SELECT a.id, a.title, b.lane, count(*) AS deliveries
    FROM batch b
    JOIN alert a ON a.id = b.alert_id
    JOIN delivery d ON d.month = b.month AND d.alert_id = b.alert_id
         AND d.number BETWEEN b.number_from AND b.number_to AND d.state = 'created'
    WHERE b.state IN ('queued', 'leased') AND {ON_HOLD}
    GROUP BY a.id, b.lane ORDER BY a.id DESC LIMIT :limit
"""
