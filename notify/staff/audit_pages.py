"""The audit trail as a page to search and a table to download."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC

from litestar import Response
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.staff.audit_search import Line, Search, find
from notify.staff.guards import Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get
from notify.staff.typed_days import TypedDays

ON_A_PAGE = 100
MOST_EXPORTED = 100_000
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
