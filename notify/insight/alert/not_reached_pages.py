"""Lists to take along: who was not reached, for those who ring or knock; and the figures of each ward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts import queries as alerts
from notify.alerts.models import Alert, Priority
from notify.call_list.models import OUTCOME_NAMES
from notify.core.csv_cells import csv_of
from notify.core.db import transaction
from notify.insight import queries
from notify.insight.alert.call_list import asked_about, look
from notify.insight.alert.not_reached import Missed, Order, missed, unheard
from notify.insight.alert.wards import ward_rows
from notify.staff.guards import Principal, Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest, staff_get
from notify.staff.service import audit
from notify.staff.sign_in.step_up import coming_back

MOST_EXPORTED = 100_000
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=10_000)]
Sort = Annotated[str, QueryParameter(name="sort", max_length=20)]
Whole = Annotated[str, QueryParameter(name="whole", max_length=20)]
Show = Annotated[str, QueryParameter(name="show", max_length=20)]


@dataclass(frozen=True, slots=True)
class Ward:
    """The people of one ward on this page, in their order."""

    name: str
    people: Sequence[Missed]


@staff_get("/staff/alerts/{alert_id:uuid}/missed", Requires(Right.SEE_SUBSCRIBERS))
def show_missed(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    number: PageNumber = 1,
    show: Show = "",
    sort: Sort = "",
    whole: Whole = "",
) -> Response[object]:
    """Who was not reached, with what is needed to ring or visit them. The audit trail says who looked."""
    with transaction() as session:
        order = _order(sort)
        looked = look(session, request.user, alert_id, show, page=number, order=order, is_whole=bool(whole))
        alert, missing, found, people = looked.alert, looked.missing, looked.found, looked.people
        everybody, silent = unheard(session, alert)
    return staff_page(
        request.user,
        "reports/not-reached.html",
        at="",
        alert=alert,
        missing=missing.value,
        in_need=[one for one in found if one.needs_help and order is Order.WARD],
        wards=_by_ward([one for one in found if not one.needs_help]) if order is Order.WARD else [],
        found=found if order is not Order.WARD else [],
        order=order.value,
        orders={Order.WARD: "Ward", Order.WALK: "Street and postcode", Order.NEED: "Need"},
        outcomes=OUTCOME_NAMES,
        is_whole=bool(whole),
        may_see_at_risk=request.user.may(Right.SEE_AT_RISK) and alert.priority == Priority.EMERGENCY,
        people=people,
        everybody=everybody,
        silent=silent,
        number=number,
        has_more=looked.has_more,
    )


def _order(sort: str) -> Order:
    return Order(sort) if sort in set(Order) else Order.WARD


@staff_get("/staff/alerts/{alert_id:uuid}/missed.csv", Requires(Right.SEE_SUBSCRIBERS))
def export_missed(request: StaffRequest, alert_id: FromPath[UUID], show: Show = "", sort: Sort = "") -> Response[str]:
    """The same as a table, wholly. The audit trail says who took it, which is a person who was there."""
    with transaction() as session:
        alert, missing = asked_about(session, request.user, alert_id, show)
        with coming_back(f"/staff/alerts/{alert_id}/missed", {"show": show}):
            request.user.require_person_here(Right.SEE_SUBSCRIBERS)
        found, _ = missed(session, alert, missing, limit=MOST_EXPORTED, order=_order(sort))
        note_reading(session, request.user, len(found), f"call list of {alert.id}", is_export=True)
        _note(session, request.user, alert, "alert.missed.download", missing=missing, people=len(found))
    header = (
        *("answer", "answered at", "ward", "name", "postcode", "place", "phone", "email", "what happened"),
        *("language", "last attempt", "note"),
    )
    rows = [
        (
            *(one.answer, one.answered_at and one.answered_at.isoformat(), one.ward, one.name),
            *(one.postcode, one.place, one.phones, one.emails, one.ways, one.language),
            *((one.last.in_words, one.last.note) if one.last else ("", "")),
        )
        for one in found
    ]
    return _table("not-reached.csv", csv_of(header, rows))


@staff_get("/staff/alerts/{alert_id:uuid}/wards.csv", Requires(Right.SEE_ALERTS))
def export_wards(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[str]:
    """The figures and replies of each ward as a table. It names nobody."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        replies = queries.replies(session, alert) if alert.asks_reply else {}
        rows = ward_rows(queries.figures(session, alert), replies)
    header = ("ward", "code", "messages", "sent", "delivered", "failed", "need help", "safe")
    cells = [(row.name, row.code, row.people, row.sent, row.delivered, row.failed, row.help, row.safe) for row in rows]
    return _table("wards.csv", csv_of(header, cells))


def _note(session: Session, user: Principal, alert: Alert, action: str, **detail: object) -> None:
    audit(session, council_id=user.council_id, actor=user.actor, action=action, subject=str(alert.id), **detail)


def _by_ward(people: Sequence[Missed]) -> Sequence[Ward]:
    names = dict.fromkeys(one.ward for one in people)
    return [Ward(name, [one for one in people if one.ward == name]) for name in names]


def _table(name: str, cells: str) -> Response[str]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(cells, media_type="text/csv; charset=utf-8", headers=headers)


HANDLERS: Sequence[ControllerRouterHandler] = (show_missed, export_missed, export_wards)
