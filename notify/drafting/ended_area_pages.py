"""An alert or a recurring alert whose areas have ended: one press sends it to the areas that have taken over."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.alerts import area_replacement, remit
from notify.core.db import transaction
from notify.drafting import recurring_ended_areas
from notify.drafting.route_options import ALERT, WRITES, people_only, see_other
from notify.staff.routes import StaffRequest, staff_post


@staff_post(f"{ALERT}/replace-areas", WRITES, opt={"back": "/staff/alerts/{alert_id}"})
def replace_areas(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Send it to the areas in force now. Where its topic needs approval, that is asked for again."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        area_replacement.replace_areas(session, by=request.user, alert=alert)
    return see_other(f"/staff/alerts/{alert_id}")


@staff_post("/staff/recurrences/{recurrence_id:uuid}/replace-areas", WRITES, people_only, status_code=200)
def replace_recurring_areas(request: StaffRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Have a recurring alert go to the areas in force now."""
    with transaction() as session:
        recurring_ended_areas.replace_areas(session, recurrence_id, by=request.user)
    return see_other("/staff/calendar#again")


HANDLERS: Sequence[ControllerRouterHandler] = (replace_areas, replace_recurring_areas)
