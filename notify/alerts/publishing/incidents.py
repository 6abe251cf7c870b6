"""Reads incidents as everyone may: never an exercise, and only alerts that are public themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.incidents.models import Incident, IncidentState
from notify.alerts.models import AlertState, Priority
from notify.alerts.publishing.queries import PRIVATE, PUBLIC, Published, published_of
from notify.core import clock
from notify.core.errors import NotFound
from notify.staff.councils import speaking_for

MOST_LISTED = 100
LISTED_AFTER = timedelta(days=1)  # an incident that has ended stays in the list for so long
# an emergency of the incident `i` that is public and in force
GOES_ON = """EXISTS (
        SELECT FROM alert e
        WHERE e.incident_id = i.id AND e.priority = 'emergency' AND e.follow_up IS DISTINCT FROM 'all-clear'
          AND e.state IN ('sending', 'sent') AND e.expanded_at IS NOT NULL AND NOT e.is_test
          AND coalesce(e.expires_at > business_now(), true)
          AND NOT EXISTS (SELECT FROM alert f WHERE f.follows_id = coalesce(e.follows_id, e.id) AND f.id > e.id
                          AND f.follow_up = 'all-clear' AND f.expanded_at IS NOT NULL AND NOT f.is_test))"""
_LISTED = f"""
    SELECT i.id, {GOES_ON} AS is_in_force FROM incident i
    WHERE NOT i.is_training AND (
        i.state = 'open' AND {GOES_ON}
        OR coalesce(i.ended_at, (SELECT max(e.expires_at) FROM alert e
                                 WHERE e.incident_id = i.id AND e.priority = 'emergency')) > :since)
    ORDER BY i.id DESC LIMIT :most
"""  # noqa: S608 - our own words
_ALERTS = f"""
    SELECT a.id FROM alert a
    WHERE a.incident_id = :incident AND a.state = ANY(:states) AND a.expanded_at IS NOT NULL AND NOT a.is_test
      AND NOT {PRIVATE}
"""  # noqa: S608 - our own words


class IncidentNotPublished(NotFound):
    """No incident with this name was ever public."""

    title = "There is no such incident"


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """An incident with its public alerts, the newest first. `now` is the emergency whose words hold."""

    incident: Incident
    alerts: Sequence[Published]
    is_in_force: bool

    @property
    def is_over(self) -> bool:
        """Whether someone ended it, or nothing of it is in force any more."""
        return self.incident.state == IncidentState.ENDED or not self.is_in_force

    @property
    def ended_at(self) -> datetime:
        """When it was over, where it is."""
        return self.incident.ended_at or min(self.now.alert.expires_at or self.now.at, clock.now())

    @property
    def now(self) -> Published:
        """The newest emergency, update or all-clear; where there is none, the newest alert."""
        urgent = (
            one
            for one in self.alerts
            if one.alert.priority == Priority.EMERGENCY and one.alert.state != AlertState.CANCELLED
        )
        return next(urgent, self.alerts[0])

    @property
    def first(self) -> Published:
        """The alert that it began with."""
        return self.alerts[-1]

    @property
    def in_force_until(self) -> datetime | None:
        """When the words stop to hold; None once it has ended."""
        return None if self.is_over or self.now.is_all_clear else self.now.alert.expires_at


def public_incident(session: Session, ref: str) -> PublicIncident:
    """The incident with this name in its address. Raises: IncidentNotPublished."""
    named = select(Incident).where(Incident.ref == ref, col(Incident.is_training).is_(False))
    found = session.exec(named).first()
    alerts = _alerts(session, found) if found else []
    if found is None or not alerts:
        raise IncidentNotPublished("It may have been removed, or the address is incomplete.")
    return PublicIncident(found, alerts, _is_in_force(session, found))


def _is_in_force(session: Session, incident: Incident) -> bool:
    asked = text(f"SELECT {GOES_ON} FROM incident i WHERE i.id = :id")  # noqa: S608 - our own words
    return bool(session.execute(asked, {"id": incident.id}).scalar_one())


def listed(session: Session, council: str = "") -> Sequence[PublicIncident]:
    """What goes on, and what ended within a day: of the council with this short name, or of all. Newest first."""
    values = {"since": clock.now() - LISTED_AFTER, "most": MOST_LISTED}
    in_force = {row.id: row.is_in_force for row in session.execute(text(_LISTED), values)}
    statement = select(Incident).where(col(Incident.id).in_(in_force))
    if council:
        statement = statement.where(col(Incident.council_id).in_(speaking_for(session, council)))
    found = [
        PublicIncident(one, _alerts(session, one), in_force[one.id])
        for one in session.exec(statement.order_by(col(Incident.id).desc()))
    ]
    return [one for one in found if one.alerts]


def _alerts(session: Session, incident: Incident) -> Sequence[Published]:
    values = {"incident": incident.id, "states": [state.value for state in PUBLIC]}
    ids = session.execute(text(_ALERTS), values).scalars().all()
    return sorted(published_of(session, ids), key=lambda one: (one.at, one.alert.id), reverse=True)
