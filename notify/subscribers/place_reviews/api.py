"""The same counts for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from litestar import get
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.core.db import transaction
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest
from notify.subscribers.place_reviews import service as place_reviews_service


class PlaceReviewView(SQLModel):
    """What became of the places that one release left open."""

    release: str
    activated_at: datetime | None
    places: int
    written_to: int = Field(description="Their residents were asked by a message, or could not be reached.")
    changed: int = Field(description="Their residents gave another postcode, or removed the place.")
    kept: int = Field(description="Their residents said that they are right.")
    settled: int = Field(description="Another release knows them.")
    open: int


@get("/place-reviews", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["subscribers"])
def list_reviews(request: StaffRequest) -> list[PlaceReviewView]:
    """Residents' places that releases could not put into a ward, and how many residents answered. Names nobody."""
    with transaction() as session:
        found = place_reviews_service.counts(session, request.user.council_id)
    return [PlaceReviewView(**asdict(one)) for one in found]


HANDLERS: Sequence[ControllerRouterHandler] = (list_reviews,)
