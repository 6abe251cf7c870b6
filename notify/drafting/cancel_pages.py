"""What an officer does with an alert on its page: cancel it, or send a draft."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.types import ControllerRouterHandler

from notify.alerts import remit, service
from notify.core.db import transaction
from notify.drafting.route_options import ALERT, WRITES, see_other
from notify.staff.routes import StaffRequest, staff_post
from notify.web.forms import read_form


@staff_post(f"{ALERT}/cancel", WRITES, opt={"back": "/staff/alerts/{alert_id}"})
def stop(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Stop an alert: what was not sent yet never will be."""
    with transaction() as session:
        service.cancel(session, by=request.user, alert=remit.within(session, request.user, alert_id))
    return see_other(f"/staff/alerts/{alert_id}")


@staff_post(f"{ALERT}/submit", WRITES, opt={"back": "/staff/alerts/{alert_id}/check"})
def submit(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Ask for the draft that was read to be sent: at once where the topic needs no approval."""
    seen, user = read_form(body).one("seen"), request.user
    with transaction() as session:
        service.submit(session, by=user, alert=remit.own(session, user, alert_id), seen=seen)
    return see_other(f"/staff/alerts/{alert_id}")


HANDLERS: Sequence[ControllerRouterHandler] = (stop, submit)
