"""Sign-up: one question a page, in plain forms, without a cookie. The answers travel in hidden fields to the end."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import FromQuery, RawBody
from litestar.types import ControllerRouterHandler

from notify.channels import BY_FIELD
from notify.core.db import transaction
from notify.core.form_fields import FieldError, Form
from notify.languages import _, spoken
from notify.places.postcodes import PostcodeNotValid
from notify.subscribers import service
from notify.subscribers.models import Cadence, MailFormat
from notify.subscribers.my.email_preferences import CADENCES, FORMATS
from notify.subscribers.sign_up import coverage
from notify.subscribers.sign_up import service as sign_up_service
from notify.subscribers.sign_up.coverage import Offer, PlaceNotServed
from notify.subscribers.sign_up.form import (
    WORDING,
    FormNotValid,
    consent,
    offered_fields,
    read_one_of,
    read_sign_up,
    source_of,
    tongues,
    ways_in_words,
)
from notify.subscribers.sign_up.steps import (
    CHECKING,
    Step,
    answers,
    field_errors_of,
    first_not_valid,
    shown_fields,
    step_after,
    step_before,
    step_named,
)
from notify.web.forms import TRAP, read_form
from notify.web.routes import page_get, page_post
from notify.web.templates import page


@page_get("/sign-up", sync_to_thread=False)
def ask_postcode(source: FromQuery[str] = "", postcode: FromQuery[str] = "") -> Response[object]:
    """The first question: where do you live? `source` names the poster or page that led here."""
    return _postcode_page(Form({"source": [source], "postcode": [postcode[:12]]}), [])


def _postcode_page(form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    status = 422 if field_errors else 200
    return page(
        "sign_up/postcode.html",
        status=status,
        step=Step.POSTCODE,
        before=Step.CHECK if form.has(CHECKING) else None,
        form=form,
        field_errors=field_errors,
        hidden=answers(form, without=Step.POSTCODE),
        everything=answers(form),
    )


@page_post("/sign-up/answers")
def take_answers(body: RawBody) -> Response[object]:
    """Look at the answers to one question, and ask the next; or the same again, with what is wrong."""
    form = read_form(body)
    answered = step_named(form.one("step"), Step.POSTCODE)
    if form.one("go") == Step.POSTCODE:
        return _postcode_page(form, [])
    try:
        with transaction() as session:
            offer = coverage.offer_at(session, form.one("postcode"))
    except (PostcodeNotValid, PlaceNotServed) as error:
        return _postcode_page(form, [FieldError("postcode", error.detail)])
    if form.has("go"):
        return _question(step_named(form.one("go"), Step.TOPICS), form, offer, [])
    field_errors = field_errors_of(answered, form, offer)
    return _question(answered if field_errors else step_after(answered, form, offer), form, offer, field_errors)


def _question(step: Step, form: Form, offer: Offer, field_errors: Sequence[FieldError]) -> Response[object]:
    if step is Step.POSTCODE:
        return _postcode_page(form, field_errors)
    form = Form({**form.fields, "postcode": [offer.postcode]} | ({CHECKING: ["yes"]} if step is Step.CHECK else {}))
    spoken_here = tongues(offer.languages)
    return page(
        f"sign_up/{step}.html",
        status=422 if field_errors else 200,
        step=step,
        before=step_before(step, form, offer),
        offer=offer,
        form=form,
        field_errors=field_errors,
        hidden=answers(form, without=step),
        everything=answers(form),
        shown=shown_fields(form),
        offered=offered_fields(),
        cadences=CADENCES,
        chosen_cadence=read_one_of(form, "cadence", Cadence.AT_ONCE),
        formats=FORMATS,
        chosen_format=read_one_of(form, "mail_format", MailFormat.STANDARD),
        tongues=spoken_here,
        chosen_language=form.one("language") if form.one("language") in spoken_here else spoken(),
        ways_in_words=ways_in_words,
        wording=_(WORDING),
    )


@page_post("/sign-up")
def sign_up(body: RawBody) -> Response[object]:
    """Take the sign-up and write to the resident once, whoever they are: the page tells nobody who subscribes.

    A program that filled in the trap is answered as anyone is, and nothing is stored or sent.
    """
    form = read_form(body)
    try:
        with transaction() as session:
            person, topics = read_sign_up(form, coverage.offer_at(session, form.one("postcode")))
            if not form.has(TRAP):
                sign_up_service.sign_up(session, person=person, topics=topics, consent=consent(source_of(form)))
    except (PostcodeNotValid, PlaceNotServed) as error:
        return _postcode_page(form, [FieldError("postcode", error.detail)])
    except (FormNotValid, service.NotEnrolled) as error:
        return _ask_again(form, error)
    return page(
        "sign_up/check-messages.html", contacts=[(contact.channel, contact.address) for contact in person.contacts]
    )


def _ask_again(form: Form, error: FormNotValid | service.NotEnrolled) -> Response[object]:
    """The first question that needs another answer."""
    ways = form.all("way") or [field for field in BY_FIELD if form.one(field)]
    form = Form({**form.fields, CHECKING: ["yes"], "way": ways})
    with transaction() as session:  # what the failed one had read went with it
        offer = coverage.offer_at(session, form.one("postcode"))
    step, field_errors = first_not_valid(form, offer) or (Step.CONTACTS, [])
    if isinstance(error, service.NotEnrolled):
        step, field_errors = (
            Step.CONTACTS,
            [FieldError(next(iter(shown_fields(form)), next(iter(BY_FIELD))), error.detail)],
        )
    return _question(step, form, offer, field_errors or list(getattr(error, "field_errors", [])))


HANDLERS: Sequence[ControllerRouterHandler] = (ask_postcode, take_answers, sign_up)
