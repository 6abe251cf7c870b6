"""Writes notes and handovers of an incident, and ends it."""

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from notify.alerts import remit
from notify.alerts.incidents import service as incidents
from notify.alerts.incidents.models import Incident
from notify.alerts.models import Alert, Priority
from notify.core import clock
from notify.core.errors import NotFound
from notify.incidents.models import IncidentNote, IncidentNoteRead, NewNote, NoteKind
from notify.staff.rights import Actor, Right
from notify.staff.service import audit


class UnknownNote(NotFound):
    """No such note of this incident."""

    title = "There is no such note"


def add_note(session: Session, *, by: Actor, incident: Incident, new: NewNote) -> IncidentNote:
    """Keep a note, also after the incident has ended. Raises: Forbidden."""
    by.require(Right.WRITE_ALERTS)
    note = IncidentNote(
        incident_id=incident.id,
        kind=new.kind,
        words=new.words,
        still_open=new.still_open if new.kind == NoteKind.HANDOVER else "",
        actor=by.actor,
    )
    session.add(note)
    session.flush()
    action = "incident.hand-over" if new.kind == NoteKind.HANDOVER else "incident.note"
    audit(session, council_id=by.council_id, actor=by.actor, action=action, subject=str(incident.id))
    return note


def mark_read(session: Session, *, by: Actor, incident: Incident, note_id: object) -> None:
    """Say that this person has read a handover. The first time counts. Raises: UnknownNote."""
    note = session.get(IncidentNote, note_id)
    if note is None or note.incident_id != incident.id or note.kind != NoteKind.HANDOVER:
        raise UnknownNote("The incident has no handover with this id.")
    values = {"note_id": note.id, "actor": by.actor, "at": clock.now()}
    added = session.execute(
        insert(IncidentNoteRead).values(values).on_conflict_do_nothing().returning(col(IncidentNoteRead.note_id))
    ).first()
    if added:
        audit(
            session, council_id=by.council_id, actor=by.actor, action="incident.read-handover", subject=str(incident.id)
        )


def link(session: Session, *, by: Actor, incident: Incident, alert: Alert) -> None:
    """Have a routine alert be part of an incident. Raises: what `remit.within` and `incidents.link` raise."""
    by.require(Right.WRITE_ALERTS)
    remit.require_within(session, by, alert)
    incidents.link(session, by=by, incident=incident, alert=alert)


def rename(session: Session, *, by: Actor, incident: Incident, name: str) -> None:
    """Give an incident another name among staff; residents go on reading its alerts. Raises: Forbidden."""
    by.require(Right.WRITE_ALERTS)
    incidents.rename(session, incident, name=name, actor=by.actor)


def end(session: Session, *, by: Actor, incident: Incident) -> None:
    """Say that the incident is over, once nothing of it is in force.

    Raises: Forbidden, AlertsInForce, IncidentEnded.
    """
    by.require(Right.WRITE_ALERTS)
    if not incident.is_training:
        remit.require_broadcast(by, Priority.EMERGENCY)
    session.refresh(incident, with_for_update=True)
    incidents.require_nothing_in_force(session, incident)
    incidents.end(session, incident, actor=by.actor)
