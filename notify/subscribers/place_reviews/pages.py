"""How many residents were asked about their place after a release, and how many answered."""

from collections.abc import Sequence

from litestar import Response
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.staff.guards import Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get
from notify.subscribers.place_reviews import service as place_reviews_service
from notify.web.dates import day


@staff_get("/staff/places", Requires(Right.SEE_SUBSCRIBERS))
def show_reviews(request: StaffRequest) -> Response[object]:
    """Residents' places that releases left open."""
    with transaction() as session:
        found = place_reviews_service.counts(session, request.user.council_id)
    return staff_page(
        request.user, "subscribers/place-reviews.html", at="/staff/sign-up", reviews=found, day_in_words=day
    )


HANDLERS: Sequence[ControllerRouterHandler] = (show_reviews,)
