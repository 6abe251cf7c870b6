"""What an officer does with an alert on its page: cancel it, or send a draft."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.alerts import deciding, service
from notify.db import transaction
from notify.staff.guards import Principal, Requires, Right
from notify.web.forms import from_our_pages, read_form

AnyRequest = Request[Principal, None, State]


@post(
    "/staff/alerts/{alert_id:uuid}/cancel",
    guards=[from_our_pages, Requires(Right.WRITE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
    opt={"back": "/staff/alerts/{alert_id}"},
)
def stop(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Stop an alert: what was not handed over yet never will be."""
    with transaction() as session:
        service.cancel(session, by=request.user, alert=deciding.within(session, request.user, alert_id))
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


@post(
    "/staff/alerts/{alert_id:uuid}/submit",
    guards=[from_our_pages, Requires(Right.WRITE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
    opt={"back": "/staff/alerts/{alert_id}/check"},
)
def submit(request: AnyRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Ask for the draft that was read to be sent: at once where the topic needs no approval."""
    seen, user = read_form(body).one("seen"), request.user
    with transaction() as session:
        service.submit(session, by=user, alert=deciding.own(session, user, alert_id), seen=seen)
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (stop, submit)
