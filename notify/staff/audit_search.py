"""Searches the audit trail by words, names, titles and days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import String, cast, or_
from sqlmodel import Session, col, select

from notify.core.clock import midnight
from notify.staff.audit_names import called, names, subjects_called
from notify.staff.audit_sentences import actions_that_say, sentence
from notify.staff.models import AuditEntry, Officer


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as people read it."""

    id: int
    at: datetime
    who: str
    actor: str
    action: str
    subject: str
    detail: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: words anywhere in an entry, UK days, entries before an id."""

    words: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None


def find(session: Session, council_id: UUID, asked: Search, *, limit: int) -> list[Line]:
    """The council's entries that fit, newest first."""
    statement = select(AuditEntry).where(AuditEntry.council_id == council_id)
    for word in asked.words.split()[:10]:
        fields = (col(AuditEntry.actor), col(AuditEntry.action), col(AuditEntry.subject))
        anywhere = [field.icontains(word, autoescape=True) for field in fields]
        anywhere.append(cast(col(AuditEntry.detail), String).icontains(word, autoescape=True))
        named = [f"officer:{one}" for one in _ids_of(session, council_id, word)]
        anywhere.append(col(AuditEntry.actor).in_(named))
        anywhere.append(col(AuditEntry.subject).in_(subjects_called(session, council_id, word)))
        anywhere.append(col(AuditEntry.action).in_(actions_that_say(word)))
        statement = statement.where(or_(*anywhere))
    if asked.since:
        statement = statement.where(AuditEntry.at >= midnight(asked.since))
    if asked.until:
        statement = statement.where(AuditEntry.at < midnight(asked.until + timedelta(days=1)))
    if asked.before:
        statement = statement.where(col(AuditEntry.id) < asked.before)
    entries = session.exec(statement.order_by(col(AuditEntry.id).desc()).limit(limit)).all()
    known = names(session, council_id, entries)
    return [_line(entry, known) for entry in entries]


def _ids_of(session: Session, council_id: UUID, word: str) -> Sequence[UUID]:
    named = col(Officer.name).icontains(word, autoescape=True)
    return session.exec(select(Officer.id).where(Officer.council_id == council_id, named).limit(100)).all()


def _line(entry: AuditEntry, known: Mapping[str, str]) -> Line:
    detail = "; ".join(f"{name}: {value}" for name, value in entry.detail.items())
    who = known.get(entry.actor, entry.actor)
    said = sentence(entry.action, who=who, what=called(entry.subject, known))
    return Line(entry.id or 0, entry.at, who, entry.actor, entry.action, entry.subject, detail, said)
