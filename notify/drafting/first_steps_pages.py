"""Putting the list of first steps away."""

from collections.abc import Sequence

from litestar import Response, post
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.drafting.first_steps import put_away
from notify.drafting.route_options import OfficerRequest, see_other
from notify.staff.guards import Requires, Right
from notify.web.forms import from_our_pages


@post(
    "/staff/set-up/done",
    guards=[from_our_pages, Requires(Right.MANAGE_STAFF)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
)
def put_list_away(request: OfficerRequest) -> Response[object]:
    """Nobody of this council is shown the list any more."""
    with transaction() as session:
        put_away(session, council_id=request.user.council_id, actor=request.user.actor)
    return see_other("/staff")


HANDLERS: Sequence[ControllerRouterHandler] = (put_list_away,)
