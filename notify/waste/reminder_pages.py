"""A resident's own page of bin reminders, behind their sign-in."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, QueryParameter, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.languages import _
from notify.subscribers.guards import SignedOut, resident_of
from notify.subscribers.sign_up.form import WORDING
from notify.waste import calendar_feed, reminder_choices
from notify.waste.entries import spoken_postcode
from notify.web.forms import read_form
from notify.web.routes import PublicRequest, page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import link

PATH = "/my/bins"
Home = Annotated[str, QueryParameter(max_length=80)]
Saved = Annotated[str, QueryParameter(max_length=20)]


@page_get(PATH)
def show_reminders(request: PublicRequest, home: Home = "", saved: Saved = "") -> Response[object]:
    """What the resident is reminded of, and homes that they may choose."""
    try:
        return _page(request, EMPTY, [], home=home, saved=saved)
    except SignedOut:
        return page("waste/start-reminders.html")


@page_post(PATH)
def save_reminder(request: PublicRequest, body: RawBody) -> Response[object]:
    """Store for which home and when, or say what to choose."""
    form = read_form(body)
    field_errors = []
    if not form.one("home"):
        field_errors.append(FieldError("home", _("Choose your home.")))
    if not (form.has("evening") or form.has("morning")):
        field_errors.append(FieldError("evening", _("Choose when to remind you.")))
    if field_errors:
        return _page(request, form, field_errors, home=form.one("home"))
    with transaction() as session:
        record = resident_of(session, request)
        reminder_choices.choose(
            session, record, form.one("home")[:80], evening=form.has("evening"), morning=form.has("morning")
        )
    return Redirect(link(PATH, saved="yes"), status_code=303)


@page_post(f"{PATH}/{{reminder_id:uuid}}/remove")
def remove_reminder(request: PublicRequest, reminder_id: FromPath[UUID]) -> Response[object]:
    """Remind no more of one home."""
    with transaction() as session:
        reminder_choices.remove(session, resident_of(session, request), reminder_id)
    return Redirect(link(PATH, saved="yes"), status_code=303)


def _page(
    request: PublicRequest, form: Form, field_errors: Sequence[FieldError], *, home: str, saved: str = ""
) -> Response[object]:
    with transaction() as session:
        record = resident_of(session, request)
        chosen = reminder_choices.reminders_of(session, record)
        places = reminder_choices.homes_of_places(session, record)
    homes = [(one, spoken_postcode(key)) for key, found in places for one in found]
    if len(homes) == 1 and not home:
        home = homes[0][0].home.reference
    return page(
        "waste/reminders.html",
        status=422 if field_errors else 200,
        field_errors=field_errors,
        saved=saved == "yes",
        form=form,
        home=home,
        homes=homes,
        chosen=[(one, _calendar(one)) for one in chosen],
        wording=_(WORDING),
    )


def _calendar(one: reminder_choices.Reminded) -> str:
    """The address of the home's calendar with what it has paid for."""
    return calendar_feed.own_address_of(one.reminder.id) if one.found else ""


HANDLERS: Sequence[ControllerRouterHandler] = (show_reminders, save_reminder, remove_reminder)
