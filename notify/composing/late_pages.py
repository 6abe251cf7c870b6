"""An alert whose time has passed: sent now with one press, or given another time on a page of its own."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.alerts import deciding, rescheduling
from notify.composing.reading import send_at_of
from notify.composing.version import uk_time
from notify.db import transaction
from notify.staff.desk import Fault, staff_page
from notify.staff.guards import Principal, Requires, Right
from notify.web.forms import EMPTY, Form, from_our_pages, read_form

AnyRequest = Request[Principal, None, State]


@post(
    "/staff/alerts/{alert_id:uuid}/send-late",
    guards=[from_our_pages, Requires(Right.WRITE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
    opt={"back": "/staff/alerts/{alert_id}"},
)
def send_late(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Send it now, as it was approved."""
    with transaction() as session:
        rescheduling.send_late(session, by=request.user, alert=deciding.own(session, request.user, alert_id))
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


@get(
    "/staff/alerts/{alert_id:uuid}/reschedule",
    guards=[Requires(Right.WRITE_ALERTS)],
    sync_to_thread=True,
    include_in_schema=False,
)
def ask_when(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """When should it be sent?"""
    return _page(request.user, alert_id, EMPTY, [])


def _page(user: Principal, alert_id: UUID, form: Form, faults: Sequence[Fault]) -> Response[object]:
    with transaction() as session:
        alert = deciding.own(session, user, alert_id)
        return staff_page(
            user,
            "staff-reschedule.html",
            at="",
            status=422 if faults else 200,
            alert=alert,
            was_at=uk_time(alert.send_at) if alert.send_at else "",
            form=form,
            faults=faults,
        )


@post(
    "/staff/alerts/{alert_id:uuid}/reschedule",
    guards=[from_our_pages, Requires(Right.WRITE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
    opt={"back": "/staff/alerts/{alert_id}/reschedule"},
)
def reschedule(request: AnyRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Give it another time. Where its topic needs approval, that is asked for again."""
    form, user = read_form(body), request.user
    faults: list[Fault] = []
    at = send_at_of(form, faults)
    if at is None:
        return _page(user, alert_id, form, faults or [Fault("send_at", "Enter a date and a time.")])
    try:
        with transaction() as session:
            rescheduling.reschedule(session, by=user, alert=deciding.own(session, user, alert_id), send_at=at)
    except rescheduling.TimeNotPossible as error:
        return _page(user, alert_id, form, [Fault("send_at", error.detail)])
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (send_late, ask_when, reschedule)
