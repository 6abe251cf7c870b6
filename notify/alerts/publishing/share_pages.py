"""The pictures of shared links to alerts and incidents: what they are and where, drawn once and kept."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts.models import Alert, AlertState
from notify.alerts.publishing import incidents, queries
from notify.alerts.publishing.area import area_of
from notify.alerts.queries import alert_of_area
from notify.core.db import transaction
from notify.languages import spoken
from notify.staff.council_settings import look
from notify.web import pictures, theme
from notify.web.conditional import known_by
from notify.web.routes import PublicRequest, page_get

SHORTLY = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}


@page_get("/alerts/{alert_id:uuid}/share.png")
def read_alert_picture(request: PublicRequest, alert_id: FromPath[UUID]) -> Response[bytes]:
    """An alert's kind and area. Raises: AlertNotPublished."""
    with transaction() as session:
        one = queries.published(session, alert_id)
        kind = one.status
        if one.alert.state != AlertState.CANCELLED and queries.has_ended(session, one.alert):
            kind = "ended"
        drawn = _drawn(session, one.alert, kind)
    return known_by(request, drawn, "image/png", headers=SHORTLY)


@page_get("/incidents/{ref:str}/share.png")
def read_incident_picture(request: PublicRequest, ref: FromPath[str]) -> Response[bytes]:
    """An incident, whether it goes on, and where. Raises: IncidentNotPublished."""
    with transaction() as session:
        found = incidents.public_incident(session, ref)
        drawn = _drawn(session, found.now.alert, "ended" if found.is_over else "emergency")
    return known_by(request, drawn, "image/png", headers=SHORTLY)


def _drawn(session: Session, alert: Alert, kind: str) -> bytes:
    look.wear(session, alert.council_id)
    picture = area_of(session, alert_of_area(session, alert), language=spoken()).picture
    return pictures.share_picture(theme.colour(), kind, picture.path if picture else "")


HANDLERS: Sequence[ControllerRouterHandler] = (read_alert_picture, read_incident_picture)
