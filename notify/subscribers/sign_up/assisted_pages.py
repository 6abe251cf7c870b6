"""Assisted sign-up: an officer fills in the form for a resident on the telephone or at the counter.

The words are read out, and what was read out is the evidence. The resident still confirms by themselves: with the link
in the e-mail, or with the digits of the text or call, which they may read out to the officer.
"""

from collections.abc import Sequence

from litestar import Response
from litestar.params import FromQuery, RawBody
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.languages import speaking
from notify.places.postcodes import PostcodeNotValid
from notify.staff.guards import Principal, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.service import audit
from notify.subscribers import service
from notify.subscribers.models import Cadence, MailFormat
from notify.subscribers.my.email_preferences import CADENCES, FORMATS
from notify.subscribers.sign_up import coverage, spoken_consent
from notify.subscribers.sign_up import service as sign_up_service
from notify.subscribers.sign_up.coverage import Offer, PlaceNotServed
from notify.subscribers.sign_up.form import (
    FormNotValid,
    consent,
    offered_fields,
    read_one_of,
    read_sign_up,
    tongues,
    ways_in_words,
)
from notify.web.forms import read_form

PATH = "/staff/sign-up"
MAY = RequiresLive(Right.CHANGE_SUBSCRIBERS)


@staff_get(PATH, MAY)
def ask(request: StaffRequest, postcode: FromQuery[str] = "") -> Response[object]:
    """Where does the resident live? And then everything else on one page."""
    if not postcode:
        return _form_page(request, EMPTY, None, [])
    form = Form({"postcode": [postcode[:12]]})
    try:
        with transaction() as session:
            offer = coverage.offer_at(session, form.one("postcode"), request.user.council_id)
    except (PostcodeNotValid, PlaceNotServed) as error:
        return _form_page(request, form, None, [FieldError("postcode", error.detail)])
    return _form_page(request, form, offer, [])


def _form_page(
    request: StaffRequest, form: Form, offer: Offer | None, field_errors: Sequence[FieldError]
) -> Response[object]:
    return staff_page(
        request.user,
        "subscribers/assisted-sign-up.html",
        at=PATH,
        status=422 if field_errors else 200,
        form=form,
        offer=offer,
        field_errors=field_errors,
        offered=offered_fields(),
        cadences=CADENCES,
        chosen_cadence=read_one_of(form, "cadence", Cadence.AT_ONCE),
        formats=FORMATS,
        chosen_format=read_one_of(form, "mail_format", MailFormat.STANDARD),
        tongues=tongues(),
        how=spoken_consent.HOW,
        wordings=spoken_consent.wordings(),
        may_list=request.user.may(Right.SEE_SUBSCRIBERS),
        ways_in_words=ways_in_words,
    )


@staff_post(PATH, MAY, status_code=200)
def take(request: StaffRequest, body: RawBody) -> Response[object]:
    """Sign the resident up with the words that were read out, and write to them so that they confirm."""
    form = read_form(body)
    try:
        with transaction() as session:
            offer = coverage.offer_at(session, form.one("postcode"), request.user.council_id)
    except (PostcodeNotValid, PlaceNotServed) as error:
        return _form_page(request, form, None, [FieldError("postcode", error.detail)])
    try:
        _sign_up(request.user, form)
    except FormNotValid as error:
        return _form_page(request, form, offer, error.field_errors)
    except service.NotEnrolled as error:
        return _form_page(request, form, offer, [FieldError("email", error.detail)])
    return staff_page(
        request.user, "subscribers/signed-up.html", at=PATH, mobile=form.one("mobile") or form.one("telephone")
    )


def _sign_up(officer: Principal, form: Form) -> None:
    """Raises: FormNotValid, also where the words were not read out; NotEnrolled."""
    missing = spoken_consent.missing(form)
    with transaction() as session:
        try:
            offer = coverage.offer_at(session, form.one("postcode"), officer.council_id)
            person, topics = read_sign_up(form, offer)
        except FormNotValid as error:
            raise FormNotValid([*error.field_errors, *missing]) from None
        if missing:
            raise FormNotValid(missing)
        with speaking(form.one("read_out")):
            evidence = consent(spoken_consent.source_of(form, officer.actor))
        sign_up_service.sign_up(session, person=person, topics=topics, consent=evidence, assisted_by=officer.council_id)
        audit(
            session,
            council_id=officer.council_id,
            actor=officer.actor,
            action="subscriber.assist",
            subject=form.one("how"),
            topics=[topic.slug for topic in topics],
        )


MENU_ITEMS = (MenuItem("Sign up a resident", "/staff/sign-up", Right.CHANGE_SUBSCRIBERS, 80),)
HANDLERS: Sequence[ControllerRouterHandler] = (ask, take)
