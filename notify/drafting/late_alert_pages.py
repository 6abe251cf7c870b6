"""An alert whose time has passed: sent now with one press, or given another time on a page of its own."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.types import ControllerRouterHandler

from notify.alerts import remit
from notify.alerts import reschedule as alerts_reschedule
from notify.core.clock import uk_time
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.drafting.draft_reader import send_at_of
from notify.drafting.route_options import ALERT, WRITES, see_other
from notify.staff.guards import Principal
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form


@staff_post(f"{ALERT}/send-late", WRITES, opt={"back": "/staff/alerts/{alert_id}"})
def send_late(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Send it now, as it was approved."""
    with transaction() as session:
        alerts_reschedule.send_late(session, by=request.user, alert=remit.own(session, request.user, alert_id))
    return see_other(f"/staff/alerts/{alert_id}")


@staff_get(f"{ALERT}/reschedule", WRITES)
def ask_when(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """When should it be sent?"""
    return _page(request.user, alert_id, EMPTY, [])


def _page(user: Principal, alert_id: UUID, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        alert = remit.own(session, user, alert_id)
        return staff_page(
            user,
            "alerts/reschedule.html",
            at="",
            status=422 if field_errors else 200,
            alert=alert,
            was_at=uk_time(alert.send_at) if alert.send_at else "",
            form=form,
            field_errors=field_errors,
        )


@staff_post(f"{ALERT}/reschedule", WRITES, opt={"back": "/staff/alerts/{alert_id}/reschedule"})
def reschedule(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Give it another time. Where its topic needs approval, that is asked for again."""
    form, user = read_form(body), request.user
    field_errors: list[FieldError] = []
    at = send_at_of(form, field_errors)
    if at is None:
        return _page(user, alert_id, form, field_errors or [FieldError("send_at", "Enter a date and a time.")])
    try:
        with transaction() as session:
            alerts_reschedule.reschedule(session, by=user, alert=remit.own(session, user, alert_id), send_at=at)
    except alerts_reschedule.TimeNotPossible as error:
        return _page(user, alert_id, form, [FieldError("send_at", error.detail)])
    return see_other(f"/staff/alerts/{alert_id}")


HANDLERS: Sequence[ControllerRouterHandler] = (send_late, ask_when, reschedule)
