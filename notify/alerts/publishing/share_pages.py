"""The pictures of shared links to alerts and incidents: what they are and where, drawn once and kept."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
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
from notify.web.conditional import etag_of, is_known, known_by
from notify.web.routes import PublicRequest, page_get

PNG = "image/png"
_one_at_a_time = threading.Lock()  # many ask at once when a link is shared: the first draws, the others find it
SHORTLY = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a picture shows: the council's colour, the kind, and the outline of the area."""

    colour: str
    kind: str
    path: str


@page_get("/alerts/{alert_id:uuid}/share.png")
def read_alert_picture(request: PublicRequest, alert_id: FromPath[UUID]) -> Response[bytes]:
    """An alert's kind and area. Raises: AlertNotPublished."""
    with transaction() as session:
        one = queries.published(session, alert_id)
        kind = one.status
        if one.alert.state != AlertState.CANCELLED and queries.has_ended(session, one.alert):
            kind = "ended"
        wanted = _wanted(session, one.alert, kind)
    return _answer(request, wanted)


@page_get("/incidents/{ref:str}/share.png")
def read_incident_picture(request: PublicRequest, ref: FromPath[str]) -> Response[bytes]:
    """An incident, whether it goes on, and where. Raises: IncidentNotPublished."""
    with transaction() as session:
        found = incidents.public_incident(session, ref)
        wanted = _wanted(session, found.now.alert, "ended" if found.is_over else "emergency")
    return _answer(request, wanted)


def _wanted(session: Session, alert: Alert, kind: str) -> Wanted:
    look.wear(session, alert.council_id)
    picture = area_of(session, alert_of_area(session, alert), language=spoken()).picture
    return Wanted(theme.colour(), kind, picture.path if picture else "")


def _answer(request: PublicRequest, wanted: Wanted) -> Response[bytes]:
    """The picture, drawn outside of the transaction, and not at all for who has it."""
    name = repr(wanted).encode()
    if is_known(request.headers, etag := etag_of(name)):
        return Response(b"", status_code=304, headers={**SHORTLY, "ETag": etag}, media_type=PNG)
    with _one_at_a_time:
        drawn = pictures.share_picture(wanted.colour, wanted.kind, wanted.path)
    return known_by(request, drawn, PNG, headers=SHORTLY, named=name)


HANDLERS: Sequence[ControllerRouterHandler] = (read_alert_picture, read_incident_picture)
