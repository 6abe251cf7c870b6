"""Sending an alert that is held as late, or giving one that waits another time."""

from datetime import datetime

from sqlmodel import Session

from notify.alerts import councillors, remit, service
from notify.alerts.models import Alert, AlertState
from notify.core import clock
from notify.core.errors import Invalid
from notify.staff.rights import Actor, Right
from notify.staff.service import audit
from notify.subscribers.models import Topic
from notify.subscribers.topic_queries import require_open


class TimeNotPossible(Invalid):
    """The alert cannot go out at this time."""

    title = "The alert cannot be sent at this time"


def send_late(session: Session, *, by: Actor, alert: Alert) -> Alert:
    """Send an approved alert that is held as late, now and as it was approved.

    Raises: what `remit.own` raises, SecondFactorNeeded, WrongState, AlreadyExpired, NotBeforeElection.
    """
    by.require(Right.WRITE_ALERTS)
    _lock(session, alert)
    remit.require_own(session, by, alert)
    if alert.is_councillors:
        councillors.require_no_election(session, alert.council_id, None)
    remit.require_presence(by, alert)
    if alert.late_since is None or alert.state != AlertState.SCHEDULED:
        waits = alert.late_since and alert.state == AlertState.SUBMITTED
        raise service.WrongState("Approval is still needed." if waits else "The alert is not held as late.")
    service.require_not_over(alert.expires_at)
    _release_hold(session, alert)
    audit(session, council_id=alert.council_id, actor=by.actor, action="alert.send-late", subject=str(alert.id))
    return service.start(session, alert, [AlertState.SCHEDULED])


def reschedule(session: Session, *, by: Actor, alert: Alert, send_at: datetime) -> Alert:
    """Give an alert that waits another time. That is another version: where approval is needed, it is asked for again.

    Raises: what `remit.require_may_cancel` raises, Forbidden, SecondFactorNeeded, WrongState, TimeNotPossible,
    TopicClosed, NotBeforeElection.
    """
    by.require(Right.WRITE_ALERTS)
    _require_possible(alert, send_at)
    _lock(session, alert)
    remit.require_own(session, by, alert)
    # who may not stop it may not put it off either
    remit.require_may_cancel(session, by, alert)
    if alert.is_councillors:  # today may lie before the election: it is put off until after it
        councillors.require_none_on(session, alert.council_id, [send_at])
    if alert.follows_id is None:
        require_open(session, session.get_one(Topic, alert.topic_id), send_at)
    service.move(session, alert, [AlertState.SUBMITTED, AlertState.SCHEDULED], AlertState.SUBMITTED)
    alert.send_at, alert.approved_at = send_at, None
    _release_hold(session, alert)
    service.bind(alert, by)
    audit(session, council_id=alert.council_id, actor=by.actor, action="alert.reschedule", subject=str(alert.id))
    return service.ask(session, alert, by)


def _lock(session: Session, alert: Alert) -> None:
    session.flush()
    session.refresh(alert, with_for_update=True)  # nobody decides about it between the question and the answer


def _release_hold(session: Session, alert: Alert) -> None:
    alert.late_since = alert.late_reminded_at = None
    session.add(alert)


def _require_possible(alert: Alert, send_at: datetime) -> None:
    if send_at <= clock.now():
        raise TimeNotPossible("Choose a time in the future.")
    if alert.expires_at and alert.expires_at <= send_at:
        raise TimeNotPossible(
            "The alert is in force only until before then. Choose an earlier time, or copy it as new."
        )
