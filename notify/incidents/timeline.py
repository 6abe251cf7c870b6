"""What happened in an incident, when and by whom: from the audit trail, the alerts, the notes and the replies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.incidents.models import Incident
from notify.alerts.models import Alert, FollowUp
from notify.incidents.models import IncidentNote, IncidentNoteRead, NoteKind
from notify.staff.audit_names import called, names
from notify.staff.audit_sentences import sentence
from notify.staff.councils import lineage
from notify.staff.models import AuditEntry

# deeds that belong in the log of an incident: what somebody decided, and what the service did by itself
DEEDS = (
    "alert.create", "alert.submit", "alert.approve", "alert.reject", "alert.break-glass", "alert.cancel",
    "alert.change", "alert.escalate", "alert.late", "alert.send-late", "alert.reschedule", "alert.retry",
    "incident.open", "incident.reopen", "incident.end", "incident.link", "incident.rename", "incident.read-handover",
)  # fmt: skip
REPLIES = text("""
    SELECT date_bin('10 minutes', r.at, 'epoch') AS since, min(r.at) AS at,
           count(*) FILTER (WHERE r.answer = 'help') AS help, count(*) FILTER (WHERE r.answer = 'safe') AS safe
    FROM reply r WHERE r.alert_id = ANY(:alerts) GROUP BY 1 ORDER BY 1
""")
SENT = {None: "Alert", FollowUp.UPDATE: "Update", FollowUp.ALL_CLEAR: "All-clear"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the log. `kind`: deed, sent, note, handover or replies; `more` is what a handover leaves open."""

    at: datetime
    kind: str
    words: str
    who: str = ""
    more: str = ""
    href: str = ""
    note_id: UUID | None = None
    readers: Sequence[str] = ()


def timeline(session: Session, incident: Incident, alerts: Sequence[Alert]) -> Sequence[Happening]:
    """Everything, the newest first."""
    notes = session.exec(select(IncidentNote).where(IncidentNote.incident_id == incident.id)).all()
    readings = session.exec(
        select(IncidentNoteRead).where(col(IncidentNoteRead.note_id).in_([one.id for one in notes]))
    ).all()
    entries = _entries(session, incident, alerts)
    known = _names(session, incident, entries, [*notes, *readings])
    found = [
        *_deeds(entries, known),
        *_sent(alerts),
        *(_note(one, known, [_who(read.actor, known) for read in readings if read.note_id == one.id]) for one in notes),
        *_replies(session, alerts),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _entries(session: Session, incident: Incident, alerts: Sequence[Alert]) -> Sequence[AuditEntry]:
    subjects = [str(incident.id), *(str(one.id) for one in alerts)]
    statement = select(AuditEntry).where(
        col(AuditEntry.council_id).in_(lineage(session, incident.council_id)),
        col(AuditEntry.subject).in_(subjects),
        col(AuditEntry.action).in_(DEEDS),
    )
    return session.exec(statement.order_by(col(AuditEntry.id))).all()


def _names(
    session: Session,
    incident: Incident,
    entries: Sequence[AuditEntry],
    written: Sequence[IncidentNote | IncidentNoteRead],
) -> Mapping[str, str]:
    authors = [AuditEntry(actor=one.actor, action="", subject="") for one in written]
    return names(session, incident.council_id, [*entries, *authors])


def _who(actor: str, known: Mapping[str, str]) -> str:
    return known.get(actor) or ("The service" if actor.startswith("engine") else "Someone of the council")


def _deeds(entries: Sequence[AuditEntry], known: Mapping[str, str]) -> Iterator[Happening]:
    for one in entries:
        who = _who(one.actor, known)
        said = sentence(one.action, who=who, what=called(one.subject, known))
        deliveries = one.detail.get("deliveries")
        if one.action == "alert.escalate" and isinstance(deliveries, int):
            said += f": {deliveries:,} more {'message' if deliveries == 1 else 'messages'}"
        yield Happening(one.at, "deed", f"{said}.", who)


def _sent(alerts: Sequence[Alert]) -> Iterator[Happening]:
    for alert in alerts:
        kind = SENT[alert.follow_up]
        if alert.expanded_at:
            yield Happening(
                alert.expanded_at, "sent", f"{kind} “{alert.title}” began to be sent.", href=f"/staff/alerts/{alert.id}"
            )
        if alert.finished_at:
            many = alert.recipients or 0
            messages = f"{many:,} {'message' if many == 1 else 'messages'}"
            yield Happening(alert.finished_at, "sent", f"{kind} “{alert.title}”: all of {messages} are dealt with.")


def _note(note: IncidentNote, known: Mapping[str, str], readers: Sequence[str]) -> Happening:
    who = _who(note.actor, known)
    if note.kind == NoteKind.HANDOVER:
        return Happening(
            note.at, "handover", note.words, who, more=note.still_open, note_id=note.id, readers=sorted(readers)
        )
    return Happening(note.at, "note", note.words, who)


def _replies(session: Session, alerts: Sequence[Alert]) -> Iterator[Happening]:
    for row in session.execute(REPLIES, {"alerts": [one.id for one in alerts if one.asks_reply]}):
        parts = [f"{row.help:,} need help"] if row.help else []
        parts += [f"{row.safe:,} are safe"] if row.safe else []
        yield Happening(row.at, "replies", f"Replies within ten minutes: {', '.join(parts)}.")
