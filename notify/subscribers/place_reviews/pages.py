"""How many residents were asked about their place after a release, and how many answered."""

from collections.abc import Sequence

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.staff.guards import Principal, Requires, Right
from notify.staff.page_frame import staff_page
from notify.subscribers.place_reviews import service as place_reviews_service
from notify.web.dates import day

AnyRequest = Request[Principal, None, State]


@get("/staff/places", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, include_in_schema=False)
def show_reviews(request: AnyRequest) -> Response[object]:
    """Residents' places that releases left open."""
    with transaction() as session:
        found = place_reviews_service.counts(session, request.user.council_id)
    return staff_page(
        request.user, "subscribers/place-reviews.html", at="/staff/sign-up", reviews=found, day_in_words=day
    )


HANDLERS: Sequence[ControllerRouterHandler] = (show_reviews,)
