"""What the map of staff pages asks for while it is used: the search for places, and the council's wards."""

import json
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import shapely
from litestar import Response
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.places.geometry import to_geojson
from notify.places.models import ReleaseKind
from notify.places.place_names.views import PlacesView, places_view
from notify.places.queries import areas_page
from notify.staff.guards import Requires, Right
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get
from notify.web.conditional import KEEP_AND_ASK, known_by

GEOJSON = "application/geo+json"
MOST_WARDS = 500
FINENESS = 2_500  # a detail smaller than this part of the council's width is left out
SEES = Requires(Right.SEE_ALERTS)
Query = Annotated[str, QueryParameter(name="q", max_length=100, description="What was typed so far.")]


@staff_get("/staff/places/search", SEES)
def find(request: StaffRequest, typed: Query = "") -> PlacesView:
    """Places of the council by name, as `GET /api/v1/places` gives them."""
    return places_view(request.user, typed)


@staff_get("/staff/places/wards.geojson", SEES)
def read_wards(request: StaffRequest) -> Response[bytes]:
    """The outlines of the council's wards with code and name, as fine as a map on a screen needs them."""
    with transaction() as session:
        body = _wards(session, council(session, request.user.council_id).district_codes)
    return known_by(request, body, GEOJSON, headers={"Cache-Control": KEEP_AND_ASK})


def _wards(session: Session, district_codes: Sequence[str]) -> bytes:
    areas = areas_page(
        session, ReleaseKind.WARD, districts=district_codes, after="", limit=MOST_WARDS, with_outline=True
    )
    drawn = [area for area in areas if area.geom]
    features = []
    if drawn:
        shapes = np.array([shapely.from_wkb(area.geom) for area in drawn])
        west, south, east, north = shapely.total_bounds(shapes)
        # neighbours keep one border, so that no gaps open between them
        simple = shapely.coverage_simplify(shapes, max(east - west, north - south) / FINENESS)
        features = [
            {
                "type": "Feature",
                "properties": {"code": area.code, "name": area.name},
                "geometry": to_geojson(shape),
            }
            for area, shape in zip(drawn, simple, strict=True)
        ]
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":")).encode()


HANDLERS: Sequence[ControllerRouterHandler] = (find, read_wards)
