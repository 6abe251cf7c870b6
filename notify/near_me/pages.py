"""The home page, and the page of what is live near a postcode. Nobody has to sign up to read either."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.params import QueryParameter, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.alerts.publishing.queries import words_of
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import FieldError
from notify.languages import _
from notify.near_me import live
from notify.places.nearest import nearest_postcode
from notify.places.postcodes import PostcodeNotValid, canonical
from notify.staff.council_settings import look
from notify.staff.council_settings.effective import spoken_names
from notify.staff.queries import councils
from notify.statutory_notices.feeds import path_of
from notify.statutory_notices.models import KINDS
from notify.subscribers.sign_up.coverage import PlaceNotServed, place_at
from notify.waste import use, words
from notify.waste.models import UseKind
from notify.web import theme
from notify.web.dates import day, moment
from notify.web.forms import read_form
from notify.web.headers import LOCATING
from notify.web.routes import page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import link

SHORTLY = {"Cache-Control": "public, max-age=30"}
# the postcode stands in the address, as on the pages of collection days: Back works, and about fifteen homes share it.
# Nothing on the way keeps the page, search engines do not list it, and our log has the route and not the address.
NOT_KEPT = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", **LOCATING}
MOST_AT_HOME = 5
Postcode = Annotated[str, QueryParameter(max_length=40)]


@page_get("/")
def home() -> Response[object]:
    """Ask for a postcode, and say what is in force now."""
    council = theme.council()
    with transaction() as session:
        every = [] if council else [one for one in councils(session) if not one.merged_into_id and not one.closed_at]
        names = spoken_names(session, [one.id for one in every])
        return page(
            "public/home.html",
            headers=SHORTLY,
            councils=sorted(names.values()),
            is_council=bool(council),
            found=live.live_now(session, council, most=MOST_AT_HOME),
            words_of=words_of,
            moment=moment,
        )


@page_get("/near")
def near(postcode: Postcode = "") -> Response[object]:
    """Everything that is live at a postcode, of every council that serves it; without one, the question for it."""
    if not postcode.strip():
        return _question(postcode, [])
    try:
        with transaction() as session:
            found = live.live_at(session, place_at(session, postcode))
            if not theme.is_site():
                look.wear_of_all(session, [one.id for one in found.councils])
    except (PostcodeNotValid, PlaceNotServed) as error:
        return _question(postcode, [FieldError("postcode", error.detail)])
    if not found.councils:
        message = _("No council that covers {postcode} uses this service yet.", postcode=canonical(found.place.key))
        return _question(postcode, [FieldError("postcode", message)])
    if found.bins:
        for council_id in {one.council.id for one in found.bins.homes}:
            use.count(council_id, UseKind.LOOK_UP)
    return page(
        "near_me/near.html",
        headers=NOT_KEPT,
        found=found,
        postcode=canonical(found.place.key),
        words=words,
        words_of=words_of,
        moment=moment,
        day=day,
        kinds=KINDS,
        path_of=path_of,
        today=clock.now().astimezone(LONDON).date(),
    )


@page_post("/near", status_code=303)
def near_here(body: RawBody) -> Response[object]:
    """Find the postcode nearest to the device's location, and go to its page. The location itself is not kept."""
    form = read_form(body)
    try:
        lon, lat = float(form.one("lon")), float(form.one("lat"))
        with transaction() as session:
            key = nearest_postcode(session, lon, lat)
    except ValueError:
        return _question("", [FieldError("postcode", _("We could not read your location. Enter a postcode instead."))])
    except NotifyError as error:
        return _question("", [FieldError("postcode", error.detail)])
    return Redirect(link("/near", postcode=canonical(key)), status_code=303)


def _question(postcode: str, field_errors: Sequence[FieldError]) -> Response[object]:
    return page(
        "near_me/postcode.html",
        status=422 if field_errors else 200,
        headers=NOT_KEPT,
        postcode=postcode,
        field_errors=field_errors,
    )


HANDLERS: Sequence[ControllerRouterHandler] = (home, near, near_here)
