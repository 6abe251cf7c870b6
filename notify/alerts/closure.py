"""Alerts of a council that closes: what waits is cancelled, incidents end, drafts stay to be read."""

from sqlmodel import Session, col, select

from notify.alerts import service
from notify.alerts.incidents import service as incidents
from notify.alerts.incidents.models import Incident, IncidentState
from notify.alerts.models import Alert, AlertState
from notify.staff.models import Council
from notify.staff.service import audit

WAITING = (AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED)


def cancel_waiting(session: Session, council: Council, *, actor: str) -> int:
    """Cancel what waits for approval or for its time, and end the incidents that go on; how many were cancelled."""
    waiting = select(Alert).where(Alert.council_id == council.id, col(Alert.state).in_(WAITING))
    found = session.exec(waiting.with_for_update()).all()
    for alert in found:
        service.move(session, alert, WAITING, AlertState.CANCELLED)
        audit(session, council_id=council.id, actor=actor, action="alert.cancel", subject=str(alert.id), by="closing")
    going_on = select(Incident).where(Incident.council_id == council.id, Incident.state == IncidentState.OPEN)
    for incident in session.exec(going_on.with_for_update()).all():
        incidents.end(session, incident, actor=actor)
    return len(found)
