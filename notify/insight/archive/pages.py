"""The archive for officers: what was sent, by its words, and as a file for freedom-of-information requests."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from litestar.params import RawBody
from litestar.response import Stream
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts.models import Priority
from notify.core.db import transaction
from notify.insight.archive.export import as_csv, as_json
from notify.insight.archive.queries import Search, find, senders
from notify.places.models import ReleaseKind
from notify.places.queries import areas_page
from notify.staff.guards import Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.service import audit
from notify.staff.typed_days import TypedDays
from notify.subscribers.queries import topics
from notify.web.forms import read_form

PATH = "/staff/archive"
ON_A_PAGE = 25
MOST_WARDS = 1000
LONGEST = 200
ASKED = ("q", "topic", "priority", "ward", "sender", "since", "until")


def _search(asked: Mapping[str, str], days: TypedDays) -> Search:
    """What was asked for; a browser sends empty fields too."""
    said = {name: asked.get(name, "")[:LONGEST].replace("\0", "").strip() for name in ASKED}
    return Search(
        words=said["q"],
        topic=said["topic"],
        priority=said["priority"] if said["priority"] in set(Priority) else "",
        ward=said["ward"],
        sender=said["sender"],
        since=days.since,
        until=days.until,
        before=_id(asked.get("before", "")),
    )


def _id(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


def _fields(asked: Search) -> Mapping[str, str]:
    """The search as the fields of a form."""
    values = (asked.words, asked.topic, asked.priority, asked.ward, asked.sender, asked.since, asked.until)
    return {name: str(value) for name, value in zip(ASKED, values, strict=True) if value}


def _wards(session: Session, council_id: UUID) -> Mapping[str, str]:
    districts = council(session, council_id).district_codes
    found = areas_page(session, ReleaseKind.WARD, districts=districts, after="", limit=MOST_WARDS, with_outline=False)
    return dict(sorted(((area.code, area.name) for area in found), key=lambda pair: pair[1]))


@staff_get(PATH, Requires(Right.SEE_ALERTS))
def show_archive(request: StaffRequest) -> Response[object]:
    """What was sent, the newest first. Days that cannot be read are said on the page, and find nothing."""
    user = request.user
    said = {name: str(value) for name, value in request.query_params.items()}
    days = TypedDays.read(said)
    asked = _search(said, days)
    with transaction() as session:
        kept = find(session, user.council_id, user.remit, asked, limit=ON_A_PAGE + 1) if not days.field_errors else []
        known = topics(session, [user.council_id])
        wards, writers = _wards(session, user.council_id), senders(session, user.council_id)
    fields = _fields(asked)
    older = {**fields, "before": str(kept[ON_A_PAGE - 1].alert.id)} if len(kept) > ON_A_PAGE else None
    return staff_page(
        user,
        "reports/archive.html",
        at=PATH,
        status=422 if days.field_errors else 200,
        days=days,
        field_errors=days.field_errors,
        kept=kept[:ON_A_PAGE],
        asked=asked,
        fields=fields,
        topics=known,
        wards=wards,
        senders=writers,
        older=urlencode(older) if older else None,
        may_export=user.may(Right.SEE_WORK),
    )


@staff_post(f"{PATH}/export", Requires(Right.SEE_WORK), status_code=200)
def export_archive(request: StaffRequest, body: RawBody) -> Stream:
    """Everything that fits, as a file with every field. Who took it away stands in the audit trail."""
    form, user = read_form(body), request.user
    said = {name: form.one(name) for name in ASKED}
    days = TypedDays.read(said)
    days.require()
    asked = _search(said, days)
    kind = "json" if form.one("form") == "json" else "csv"
    with transaction() as session:
        audit(
            session,
            council_id=user.council_id,
            actor=user.actor,
            action="archive.export",
            subject=kind,
            **_fields(asked),
        )
    write, media_type = {"json": (as_json, "application/json"), "csv": (as_csv, "text/csv; charset=utf-8")}[kind]
    return Stream(
        write(user.council_id, user.remit, asked),
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="sent.{kind}"'},
    )


MENU_ITEMS = (MenuItem("Archive", "/staff/archive", Right.SEE_ALERTS, 50),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_archive, export_archive)
