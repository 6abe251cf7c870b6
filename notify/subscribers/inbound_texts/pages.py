"""Texts of residents that a person has to read."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.staff.guards import Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest, staff_get
from notify.subscribers.inbound_texts import service as inbound_texts_service
from notify.web.dates import day

ON_A_PAGE = 100
After = Annotated[UUID | None, QueryParameter(description="The last message of the page before.")]


@staff_get("/staff/messages", Requires(Right.SEE_SUBSCRIBERS))
def show_messages(request: StaffRequest, after: After = None) -> Response[object]:
    """What residents answered that is not STOP, with the numbers to call."""
    user = request.user
    with transaction() as session:
        found = inbound_texts_service.of_council(session, user.council_id, after=after, limit=ON_A_PAGE)
        note_reading(session, user, len(found), "messages of residents")
    return staff_page(
        user,
        "subscribers/inbound-texts.html",
        at="/staff/sign-up",
        messages=found,
        day_in_words=day,
        more=found[-1].id if len(found) == ON_A_PAGE else None,
    )


HANDLERS: Sequence[ControllerRouterHandler] = (show_messages,)
