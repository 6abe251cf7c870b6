"""Places that were found, as the API and the map of staff pages give them."""

from sqlmodel import Field, SQLModel

from notify.core.db import transaction
from notify.places.place_names.search import attribution, search
from notify.staff.guards import Principal
from notify.staff.queries import council


class PlaceView(SQLModel):
    """A postcode, ward, street or place of the council."""

    name: str
    kind: str = Field(description="`postcode`, `ward`, `street`, `road`, or what OS Open Names calls it.")
    where: str = Field(description="The town, village or ward that it is in; empty for a ward.")
    code: str | None = Field(description="The ward's published code; null for everything else.")
    point: tuple[float, float] = Field(description="Longitude and latitude.")
    bounds: tuple[float, float, float, float] = Field(description="West, south, east and north in degrees.")


class PlacesView(SQLModel):
    """What was found, best first, eight at most, and the credit to show where names are shown."""

    places: list[PlaceView]
    attribution: str


def places_view(user: Principal, typed: str) -> PlacesView:
    """What the user's council has of this name."""
    with transaction() as session:
        found = search(session, typed, council(session, user.council_id).district_codes) if typed.strip() else []
        places = [
            PlaceView(name=one.name, kind=one.kind, where=one.where, code=one.code, point=one.point, bounds=one.bounds)
            for one in found
        ]
        return PlacesView(places=places, attribution=attribution(session))
