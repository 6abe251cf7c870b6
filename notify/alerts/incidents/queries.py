"""Reads incidents and the alerts that belong to them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, select

from notify.alerts.incidents.models import Incident, IncidentState
from notify.alerts.models import Alert
from notify.alerts.visibility import visible
from notify.core.errors import NotFound
from notify.staff.councils import lineage
from notify.staff.remit import EVERYTHING
from notify.staff.rights import Actor
from notify.subscribers.models import Topic


class UnknownIncident(NotFound):
    """No such incident, or another council's."""

    title = "There is no such incident"


def incident(session: Session, by: Actor, incident_id: UUID) -> Incident:
    """The incident with this id of the actor's council, if their remit has to do with it. Raises: UnknownIncident."""
    found = session.exec(select(Incident).where(Incident.id == incident_id, *_visible(session, by))).first()
    if found is None:
        raise UnknownIncident("Your council has no incident with this id.")
    return found


def incidents(
    session: Session,
    by: Actor,
    *,
    state: IncidentState | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[Incident]:
    """The council's incidents within the actor's remit, newest first, older than `after`."""
    statement = select(Incident).where(*_visible(session, by))
    if state:
        statement = statement.where(Incident.state == state)
    if after:
        statement = statement.where(col(Incident.id) < after)
    return session.exec(statement.order_by(col(Incident.id).desc()).limit(limit)).all()


def going_on(session: Session, by: Actor) -> Sequence[Incident]:
    """The open incidents that a new alert of this actor may join."""
    return [one for one in incidents(session, by, state=IncidentState.OPEN) if one.council_id == by.council_id]


def alerts_of(session: Session, by: Actor, incident: Incident) -> Sequence[Alert]:
    """The incident's alerts within the actor's remit, the oldest first."""
    statement = select(Alert).join(Topic, col(Topic.id) == col(Alert.topic_id))
    statement = statement.where(Alert.incident_id == incident.id, *visible(by.remit))
    return session.exec(statement.order_by(col(Alert.id))).all()


def _visible(session: Session, by: Actor) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(Incident.council_id).in_(lineage(session, by.council_id))]
    if by.is_test:  # what a test key sees is invented
        conditions.append(col(Incident.is_training).is_(True))
    if by.remit != EVERYTHING:
        mine = select(Alert.id).join(Topic, col(Topic.id) == col(Alert.topic_id))
        conditions.append(exists(mine.where(Alert.incident_id == Incident.id, *visible(by.remit))))
    return conditions
