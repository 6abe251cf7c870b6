"""The archive for officers: what was sent, by its words, and as a file for freedom-of-information requests."""

import json
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, RawBody
from litestar.types import ControllerRouterHandler

from notify.alerts.models import Priority
from notify.analytics.archive import COLUMNS, Search, find, row_of
from notify.db import transaction
from notify.staff.desk import staff_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.service import audit
from notify.subscribers.queries import topics
from notify.web import tables
from notify.web.forms import Form, from_our_pages, read_form

AnyRequest = Request[Principal, None, State]

ON_A_PAGE = 25
MOST_EXPORTED = 5_000


def _search(words: str, topic: str, priority: str, since: str, until: str, before: UUID | None = None) -> Search:
    urgency = priority if priority in set(Priority) else ""
    return Search(words[:200].replace("\0", ""), topic[:60], urgency, _day(since), _day(until), before)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None  # a browser sends an empty field too


@get("/staff/archive", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, include_in_schema=False)
def show_archive(
    request: AnyRequest,
    q: FromQuery[str] = "",
    topic: FromQuery[str] = "",
    priority: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[UUID | None] = None,
) -> Response[object]:
    """What was sent, the newest first."""
    user = request.user
    asked = _search(q, topic, priority, since, until, before)
    with transaction() as session:
        kept = find(session, user.council_id, user.remit, asked, limit=ON_A_PAGE + 1)
        known = topics(session, [user.council_id])
    return staff_page(
        user,
        "staff-archive.html",
        at="/staff/archive",
        kept=kept[:ON_A_PAGE],
        asked=asked,
        topics=known,
        older=kept[ON_A_PAGE - 1].alert.id if len(kept) > ON_A_PAGE else None,
        may_export=user.may(Right.SEE_WORK),
        most=MOST_EXPORTED,
    )


@post(
    "/staff/archive/export",
    guards=[from_our_pages, Requires(Right.SEE_WORK)],
    status_code=200,
    sync_to_thread=True,
    include_in_schema=False,
)
def export_archive(request: AnyRequest, body: RawBody) -> Response[str]:
    """The same as a file with every field. Who took it away stands in the audit trail."""
    form, user = read_form(body), request.user
    with transaction() as session:
        kept = find(session, user.council_id, user.remit, _asked(form), limit=MOST_EXPORTED)
        is_json = form.one("form") == "json"
        written = (
            json.dumps([one.record() for one in kept], ensure_ascii=False, indent=1)
            if is_json
            else tables.csv_of(COLUMNS, [row_of(one) for one in kept])
        )
        what = {"q": form.one("q"), "since": form.one("since"), "until": form.one("until")}
        audit(
            session,
            council_id=user.council_id,
            actor=user.actor,
            action="archive.export",
            subject=f"{len(kept)} alerts",
            **what,
        )
    name = f"sent.{'json' if is_json else 'csv'}"
    return Response(
        written,
        media_type="application/json" if is_json else "text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _asked(form: Form) -> Search:
    words, topic, priority, since, until = (form.one(name) for name in ("q", "topic", "priority", "since", "until"))
    return _search(words, topic, priority, since, until)


HANDLERS: Sequence[ControllerRouterHandler] = (show_archive, export_archive)
