"""Dismissing the list of first steps."""

from collections.abc import Sequence

from litestar import Response
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.drafting.first_steps import put_away
from notify.drafting.route_options import see_other
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest, staff_post


@staff_post("/staff/set-up/done", Requires(Right.MANAGE_STAFF))
def put_list_away(request: StaffRequest) -> Response[object]:
    """Nobody of this council is shown the list any more."""
    with transaction() as session:
        put_away(session, council_id=request.user.council_id, actor=request.user.actor)
    return see_other("/staff")


HANDLERS: Sequence[ControllerRouterHandler] = (put_list_away,)
