"""Alerts of a council that closes: what waits is cancelled, drafts stay to be read."""

from sqlmodel import Session, col, select

from notify.alerts import service
from notify.alerts.models import Alert, AlertState
from notify.staff.models import Council
from notify.staff.service import audit

WAITING = (AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED)


def cancel_waiting(session: Session, council: Council, *, actor: str) -> int:
    """Cancel what waits for approval or for its time; how many."""
    waiting = select(Alert).where(Alert.council_id == council.id, col(Alert.state).in_(WAITING))
    found = session.exec(waiting.with_for_update()).all()
    for alert in found:
        service.move(session, alert, WAITING, AlertState.CANCELLED)
        audit(session, council_id=council.id, actor=actor, action="alert.cancel", subject=str(alert.id), by="closing")
    return len(found)
