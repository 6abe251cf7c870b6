"""The audit trail as a page to search and a table to download."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from litestar import Response
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler
from sqlalchemy import String, cast, or_
from sqlmodel import Session, col, select

from notify.core.clock import midnight
from notify.core.db import transaction
from notify.staff.audit_names import called, names, subjects_called
from notify.staff.audit_sentences import actions_that_say, sentence
from notify.staff.guards import Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.models import AuditEntry, Officer
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get
from notify.staff.typed_days import TypedDays

ON_A_PAGE = 100
MOST_EXPORTED = 100_000
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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


def _search(words: str, days: TypedDays, before: int | None = None) -> Search:
    return Search(words=words[:200].replace("\0", ""), since=days.since, until=days.until, before=before)


@staff_get("/staff/audit", Requires(Right.SEE_AUDIT))
def show_audit(
    request: StaffRequest,
    q: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
) -> Response[object]:
    """Who did what, newest first."""
    days = TypedDays.read({"since": since, "until": until})
    asked = _search(q, days, before)
    with transaction() as session:
        lines = find(session, request.user.council_id, asked, limit=ON_A_PAGE) if not days.field_errors else []
    return staff_page(
        request.user,
        "users/audit.html",
        at="/staff/audit",
        lines=lines,
        asked=asked,
        status=422 if days.field_errors else 200,
        days=days,
        field_errors=days.field_errors,
        older=lines[-1].id if len(lines) == ON_A_PAGE else None,
    )


@staff_get("/staff/audit.csv", Requires(Right.SEE_AUDIT))
def export_audit(
    request: StaffRequest, q: FromQuery[str] = "", since: FromQuery[str] = "", until: FromQuery[str] = ""
) -> Response[str]:
    """The same as a table, at most 100,000 entries, for spreadsheets and for answers to requests."""
    days = TypedDays.read({"since": since, "until": until})
    days.require()
    with transaction() as session:
        found = find(session, request.user.council_id, _search(q, days), limit=MOST_EXPORTED)
    return Response(
        as_csv(found),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def as_csv(lines: Sequence[Line]) -> str:
    """The lines as a table in which no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["number", "at", "who", "actor", "action", "subject", "detail", "sentence"])
    for line in lines:
        said = (line.who, line.actor, line.action, line.subject, line.detail, line.sentence)
        writer.writerow([line.id, line.at.astimezone(UTC).isoformat(), *map(_harmless, said)])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(STARTS_A_FORMULA) else cell


MENU_ITEMS = (MenuItem("Audit trail", "/staff/audit", Right.SEE_AUDIT, 100),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_audit, export_audit)
