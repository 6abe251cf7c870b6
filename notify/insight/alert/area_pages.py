"""The area of an alert for the map on its page."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.alerts import queries as alerts
from notify.alerts.publishing.area import area_of
from notify.core.db import transaction
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest, staff_get
from notify.web.conditional import KEEP_AND_ASK, known_by

GEOJSON = "application/geo+json"


@staff_get("/staff/alerts/{alert_id:uuid}/area.geojson", Requires(Right.SEE_ALERTS))
def read_area(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[bytes]:
    """The outline of where an alert went, as GeoJSON. Raises: AlertNotFound."""
    with transaction() as session:
        area = area_of(session, alerts.alert(session, request.user, alert_id), language="en")
    return known_by(request, area.geojson, GEOJSON, headers={"Cache-Control": KEEP_AND_ASK})


HANDLERS: Sequence[ControllerRouterHandler] = (read_area,)
