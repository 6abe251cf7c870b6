"""Alerts whose time passed unnoticed: they are held until a person sends or reschedules them. Emergencies never are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from notify.alerts.models import Alert, AlertState, Approval, Priority
from notify.alerts.visibility import require_within_alert
from notify.core import clock, jobs
from notify.core.errors import Forbidden
from notify.staff.models import Officer, Role
from notify.staff.queries import person
from notify.staff.remit import remit_of
from notify.staff.rights import RIGHTS, Right
from notify.staff.service import audit
from notify.subscribers.models import Topic

ACTOR = "engine:lateness"
HELD = (AlertState.SUBMITTED, AlertState.SCHEDULED)

_WAITING = """
    SELECT a.id FROM alert a JOIN topic t ON t.id = a.topic_id
    WHERE a.state = 'submitted' AND a.late_since IS NULL AND a.priority <> 'emergency'
      AND a.send_at + make_interval(mins => t.late_after_minutes) < business_now()
    ORDER BY a.send_at LIMIT 100 FOR UPDATE OF a SKIP LOCKED
"""
_UNHEARD = """
    UPDATE alert SET late_reminded_at = business_now()
    WHERE state IN ('submitted', 'scheduled') AND late_reminded_at IS NULL
      AND late_since <= business_now() - interval '30 minutes'
    RETURNING id
"""


def is_late(session: Session, alert: Alert, now: datetime) -> bool:
    """Whether its time passed longer ago than its topic allows. An emergency is sent until it expires instead."""
    if alert.send_at is None or alert.priority == Priority.EMERGENCY:
        return False
    topic = session.get_one(Topic, alert.topic_id)
    return alert.send_at + timedelta(minutes=topic.late_after_minutes) < now


def is_held(alert: Alert) -> bool:
    """Whether it waits for a person to send or reschedule it."""
    return alert.late_since is not None and alert.state in HELD


def hold(session: Session, alert: Alert) -> None:
    """Note that it is not sent by itself any more, and have the people told whose alert it is."""
    alert.late_since = alert.changed_at = clock.now()
    alert.late_reminded_at = None
    session.add(alert)
    session.flush()
    audit(session, council_id=alert.council_id, actor=ACTOR, action="alert.late", subject=str(alert.id))
    _tell(session, alert.id)


def look(session: Session) -> None:
    """Hold what waited too long for approval, and remind people once, half an hour later, of what is still held."""
    for alert_id in session.execute(text(_WAITING)).scalars().all():
        hold(session, session.get_one(Alert, alert_id, populate_existing=True))
    for alert_id in session.execute(text(_UNHEARD)).scalars().all():
        _tell(session, alert_id)


def _tell(session: Session, alert_id: UUID) -> None:
    jobs.note(session, jobs.Job.TELL_STAFF, f"late {alert_id}", lane=jobs.Lane.TRANSACTIONAL)


def count_held(session: Session) -> int:
    """How many live alerts of every council are held because they are late."""
    held = col(Alert.late_since).is_not(None) & col(Alert.state).in_(HELD) & ~col(Alert.is_test)
    return session.exec(select(func.count()).select_from(Alert).where(held)).one()


def people(session: Session, alert: Alert) -> Sequence[Officer]:
    """Its author and its approvers: those who may approve it, once approved those who did.

    Where none of them is a person, as with keys of the council, they are the administrators'.
    """
    statement = select(Officer).where(Officer.council_id == alert.council_id, col(Officer.active))
    officers = session.exec(statement.order_by(Officer.email)).all()
    concerned = {person(session, alert.created_by), *_approved_by(session, alert)}
    found = [
        one
        for one in officers
        if f"officer:{one.id}" in concerned
        or (alert.state == AlertState.SUBMITTED and may_approve(session, one, alert))
    ]
    return found or [one for one in officers if one.role == Role.ADMIN]


def _approved_by(session: Session, alert: Alert) -> Sequence[str]:
    statement = select(Approval.actor).where(
        Approval.alert_id == alert.id, Approval.submission == alert.submission, col(Approval.approved)
    )
    return session.exec(statement).all()


def may_approve(session: Session, officer: Officer, alert: Alert) -> bool:
    """Whether the officer's role and remit let them decide about this alert, had somebody else written it."""
    needed = {Right.APPROVE_ALERTS} | ({Right.BROADCAST} if alert.priority == Priority.EMERGENCY else set())
    if not needed <= RIGHTS[officer.role]:
        return False
    try:
        require_within_alert(session, remit_of(officer), alert)
    except Forbidden:
        return False
    return True
