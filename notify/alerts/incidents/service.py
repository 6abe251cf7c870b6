"""Opens, joins and ends incidents. An emergency opens one when it is sent: what nobody sent is no incident."""

import secrets
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.incidents import queries
from notify.alerts.incidents.models import Incident, IncidentState
from notify.alerts.models import Alert, FollowUp, Priority
from notify.core import clock
from notify.core.errors import Conflict
from notify.staff.rights import Actor
from notify.staff.service import audit

REF_BYTES = 5
# emergencies of the incident that hold now, other than the line that the all-clear is about
_STILL_IN_FORCE = text("""
    SELECT EXISTS (
        SELECT FROM alert a
        WHERE a.incident_id = :incident AND a.priority = 'emergency' AND a.follows_id IS NULL AND a.id <> :line
          AND a.state IN ('sending', 'sent') AND coalesce(a.expires_at > business_now(), true)
          AND NOT EXISTS (SELECT FROM alert f WHERE f.follows_id = a.id AND f.follow_up = 'all-clear'
                          AND f.state IN ('sending', 'sent') AND (a.is_test OR NOT f.is_test)))
""")


class IncidentEnded(Conflict):
    """What has ended takes in nothing more."""

    title = "The incident has ended"


class IncidentOfAnotherKind(Conflict):
    """An exercise and an emergency are never one incident."""

    title = "The alert does not belong to this incident"


class AlertsInForce(Conflict):
    """People are still warned."""

    title = "An emergency of this incident is still in force"


def require_joinable(session: Session, by: Actor, incident_id: UUID, *, is_training: bool, is_test: bool) -> Incident:
    """The open incident that a new alert may join. Raises: UnknownIncident, IncidentEnded, IncidentOfAnotherKind."""
    found = queries.incident(session, by, incident_id)
    session.refresh(found, with_for_update=True)
    if found.state == IncidentState.ENDED:
        raise IncidentEnded("Leave the incident out, and the alert begins one of its own.")
    if found.council_id != by.council_id or found.is_training != is_training or is_test != is_training:
        raise IncidentOfAnotherKind("Exercises and tests are never part of an emergency, nor the other way round.")
    return found


def take_started(session: Session, alert: Alert) -> None:
    """Note that this alert begins to be sent: an emergency without an incident opens one, and an all-clear that leaves
    nothing in force ends it. An update to an incident that has ended opens it again.
    """
    if alert.priority == Priority.EMERGENCY and alert.follows_id is None and alert.incident_id is None:
        if not alert.is_test or alert.is_training:
            _open(session, alert)
        return
    if alert.incident_id is None:
        return
    found = session.get_one(Incident, alert.incident_id, with_for_update=True, populate_existing=True)
    if alert.follow_up == FollowUp.ALL_CLEAR:
        line = {"incident": found.id, "line": alert.follows_id}
        if found.state == IncidentState.OPEN and not session.execute(_STILL_IN_FORCE, line).scalar():
            end(session, found, actor=alert.created_by)
    elif found.state == IncidentState.ENDED and alert.priority == Priority.EMERGENCY:
        found.state, found.ended_at, found.ended_by = IncidentState.OPEN, None, None
        _note(session, found, alert.created_by, "reopen")


def _open(session: Session, alert: Alert) -> None:
    opened = Incident(
        council_id=alert.council_id,
        ref=secrets.token_hex(REF_BYTES),
        name=alert.title,
        hazard=alert.event,
        is_training=alert.is_training,
        opened_by=alert.created_by,
    )
    session.add(opened)
    session.flush()
    alert.incident_id = opened.id
    session.flush()
    _note(session, opened, alert.created_by, "open")


def link(session: Session, *, by: Actor, incident: Incident, alert: Alert) -> None:
    """Have an alert that is not an emergency, such as a road closure, be part of an incident, with what follows it.

    Raises: IncidentEnded, IncidentOfAnotherKind.
    """
    session.refresh(incident, with_for_update=True)
    if incident.state == IncidentState.ENDED:
        raise IncidentEnded("An incident that has ended takes in nothing more.")
    is_alike = alert.council_id == incident.council_id and alert.is_test == incident.is_training
    if not is_alike or alert.priority == Priority.EMERGENCY or alert.follows_id or alert.incident_id:
        raise IncidentOfAnotherKind("Choose a routine alert of your council that is part of no incident yet.")
    joined = text("UPDATE alert SET incident_id = :incident WHERE id = :alert OR follows_id = :alert")
    session.execute(joined, {"incident": incident.id, "alert": alert.id})
    session.refresh(alert)
    _note(session, incident, by.actor, "link", alert=str(alert.id))


def rename(session: Session, incident: Incident, *, name: str, actor: str) -> None:
    """Give the incident another name, for staff."""
    session.refresh(incident, with_for_update=True)
    if name != incident.name:
        before, incident.name = incident.name, name
        _note(session, incident, actor, "rename", before=before, name=name)


def end(session: Session, incident: Incident, *, actor: str) -> None:
    """Say that the incident is over. Raises: IncidentEnded."""
    if incident.state == IncidentState.ENDED:
        raise IncidentEnded("It has ended already.")
    incident.state, incident.ended_at, incident.ended_by = IncidentState.ENDED, clock.now(), actor
    _note(session, incident, actor, "end")


def require_nothing_in_force(session: Session, incident: Incident) -> None:
    """Refuse to end what still warns people. Raises: AlertsInForce."""
    every = {"incident": incident.id, "line": UUID(int=0)}
    if session.execute(_STILL_IN_FORCE, every).scalar():
        raise AlertsInForce("Send the all-clear first, or wait until the alert is no longer in force.")


def _note(session: Session, incident: Incident, actor: str, deed: str, **detail: object) -> None:
    session.flush()
    audit(
        session,
        council_id=incident.council_id,
        actor=actor,
        action=f"incident.{deed}",
        subject=str(incident.id),
        **detail,
    )
