"""The search for places by API."""

from collections.abc import Sequence
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from notify.places.place_names.views import PlacesView, places_view
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest

Query = Annotated[str, QueryParameter(name="q", max_length=100, description="What was typed so far.")]


@get("/places", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["places"])
def find_places(request: StaffRequest, typed: Query = "") -> PlacesView:
    """Postcodes, wards, streets and places of your council by name, for a map. Slips of a letter are forgiven."""
    return places_view(request.user, typed)


HANDLERS: Sequence[ControllerRouterHandler] = (find_places,)
