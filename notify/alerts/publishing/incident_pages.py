"""Public pages of incidents: what goes on, one incident with its history, and the short address of an alert."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.alerts.publishing import incidents, page_addresses
from notify.alerts.publishing.area import area_of
from notify.alerts.publishing.queries import words_of
from notify.alerts.queries import alert_of_area
from notify.core.db import transaction
from notify.languages import spoken
from notify.staff.council_settings import look
from notify.web import theme
from notify.web.dates import moment
from notify.web.routes import page_get
from notify.web.templates import page
from notify.web.visitor_language import link

SHORTLY = {"Cache-Control": "public, max-age=30"}


@page_get("/incidents")
def list_incidents() -> Response[object]:
    """What goes on now, and what ended within a day."""
    with transaction() as session:
        found = incidents.listed(session, theme.council())
        return page("public/incidents.html", headers=SHORTLY, found=found, words_of=words_of, moment=moment)


@page_get("/incidents/{ref:str}")
def show_incident(ref: FromPath[str]) -> Response[object]:
    """One incident: what to do now, where, and everything that was said, the newest first."""
    with transaction() as session:
        found = incidents.public_incident(session, ref)
        look.wear(session, found.incident.council_id)
        area = area_of(session, alert_of_area(session, found.now.alert), language=spoken())
        return page(
            "public/incident.html",
            headers=SHORTLY,
            found=found,
            area=area,
            words_of=words_of,
            moment=moment,
        )


@page_get("/a/{code:str}")
def follow_short_link(code: FromPath[str]) -> Redirect:
    """The short address that texts hold: it leads to the page of the incident, else of the alert."""
    with transaction() as session:
        path = page_addresses.path_by_code(session, code)
    return Redirect(link(path), status_code=302, headers=SHORTLY)


HANDLERS: Sequence[ControllerRouterHandler] = (list_incidents, show_incident, follow_short_link)
