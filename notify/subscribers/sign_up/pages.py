"""Sign-up: one question a page, each with its address, in plain forms. A POST keeps its answers in the browser's draft
and redirects, so that Back, Forward and reload only ever open pages.
"""

from collections.abc import Sequence
from dataclasses import replace

from litestar import Response
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.channels import BY_FIELD
from notify.core.db import transaction
from notify.core.errors import NotFound
from notify.core.form_fields import FieldError, Form
from notify.core.settings import settings
from notify.languages import _, later, spoken
from notify.places.postcodes import PostcodeNotValid
from notify.subscribers import message_limits, service
from notify.subscribers.models import Cadence, MailFormat
from notify.subscribers.my.email_preferences import CADENCES, FORMATS
from notify.subscribers.sign_up import coverage
from notify.subscribers.sign_up import service as sign_up_service
from notify.subscribers.sign_up.coverage import Offer, PlaceNotServed
from notify.subscribers.sign_up.draft import Draft, sealed, unsealed
from notify.subscribers.sign_up.form import (
    WORDING,
    FormNotValid,
    campaign_of,
    consent,
    offered_fields,
    read_contacts,
    read_one_of,
    read_sign_up,
    source_of,
    tongues,
    ways_in_words,
)
from notify.subscribers.sign_up.steps import (
    Step,
    field_errors_of,
    first_not_valid,
    shown_fields,
    step_after,
    step_before,
    steps_for,
)
from notify.web.cookies import DRAFT_COOKIE, ended_cookie, session_cookie
from notify.web.forms import TRAP, read_form
from notify.web.routes import PublicRequest, page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import link

START = "/sign-up"
SENT = "/sign-up/sent"


class UnknownSignUpStep(NotFound):
    """Sign-up has no such question."""

    title = later("There is no such question")


def _step(name: str) -> Step:
    if name not in set(Step):
        raise UnknownSignUpStep(_("Start with your postcode."))
    return Step(name)


def _draft(request: PublicRequest) -> Draft | None:
    """The draft in this browser; None where there is none or it has expired."""
    return unsealed(request.cookies.get(settings().cookie_name(DRAFT_COOKIE), ""))


def _cookie(draft: Draft) -> Cookie:
    """What keeps the draft in the browser."""
    return session_cookie(DRAFT_COOKIE, sealed(draft), draft.life)


def _go(draft: Draft | None, step: Step, **query: str) -> Redirect:
    """To a question, with what the browser is to keep."""
    path = START if step is Step.POSTCODE and "fix" not in query else f"{START}/{step}"
    cookies = [_cookie(draft)] if draft else []
    return Redirect(link(path, **query), status_code=303, cookies=cookies)


@page_get(START)
def start(
    request: PublicRequest, source: FromQuery[str] = "", postcode: FromQuery[str] = "", lost: FromQuery[bool] = False
) -> Response[object]:
    """The first question: where do you live? `source` names the poster or page that led here. `lost`: the answers
    that the page before needed are not there any more.
    """
    draft = _draft(request) or Draft()
    named = campaign_of(Form({"source": [source]}))
    given = {"source": [named]} if named else {}
    given |= {"postcode": [postcode[:12]]} if postcode else {}
    return _postcode_page(draft, Form({**draft.form.fields, **given}), [], is_lost=lost)


def _postcode_page(
    draft: Draft, form: Form, field_errors: Sequence[FieldError], *, is_lost: bool = False
) -> Response[object]:
    return page(
        "sign_up/postcode.html",
        status=422 if field_errors else 200,
        step=Step.POSTCODE,
        before=Step.CHECK if draft.is_checking else None,
        form=form,
        field_errors=field_errors,
        is_lost=is_lost,
    )


@page_get("/sign-up/{step:str}")
def ask(
    request: PublicRequest, step: FromPath[str], fix: FromQuery[bool] = False, changed: FromQuery[bool] = False
) -> Response[object]:
    """One question with the answer that the browser keeps; `fix`: with what is wrong with it.

    A question that needs others first leads to the first of them.
    """
    asked = _step(step)
    draft = _draft(request) or Draft()
    if asked is not Step.POSTCODE and not draft.form.has("postcode"):
        return _go(None, Step.POSTCODE, lost="true")
    try:
        with transaction() as session:
            offer = coverage.offer_at(session, draft.form.one("postcode"))
    except (PostcodeNotValid, PlaceNotServed) as error:
        if asked is not Step.POSTCODE:
            return _go(None, Step.POSTCODE, fix="true")
        return _postcode_page(draft, draft.form, [FieldError("postcode", error.detail)] if fix else [])
    missing = first_not_valid(draft.form, offer, before=asked)
    if missing or asked not in steps_for(offer, draft.form):
        return _go(None, missing or step_after(asked, draft.form, offer, is_checking=draft.is_checking))
    errors = field_errors_of(asked, draft.form, offer) if fix else []
    return _question(asked, draft, offer, errors, is_changed=changed)


def _question(
    step: Step, draft: Draft, offer: Offer, field_errors: Sequence[FieldError], *, is_changed: bool = False
) -> Response[object]:
    if step is Step.POSTCODE:
        return _postcode_page(draft, draft.form, field_errors)
    form = draft.form
    spoken_here = tongues(offer.languages)
    return page(
        f"sign_up/{step}.html",
        status=422 if field_errors else 200,
        step=step,
        before=step_before(step, form, offer, is_checking=draft.is_checking),
        draft=draft,
        is_changed=is_changed,
        offer=offer,
        form=form,
        field_errors=field_errors,
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


@page_post("/sign-up/{step:str}")
def answer(request: PublicRequest, step: FromPath[str], body: RawBody) -> Response[object]:
    """Keep the answers to one question, and go on to the next; or to the same again, with what is wrong."""
    answered = _step(step)
    draft = (_draft(request) or Draft()).answered(answered, read_form(body))
    if answered is not Step.POSTCODE and not draft.form.has("postcode"):
        return _go(draft, Step.POSTCODE, lost="true")
    try:
        with transaction() as session:
            offer = coverage.offer_at(session, draft.form.one("postcode"))
    except (PostcodeNotValid, PlaceNotServed):
        return _go(draft, Step.POSTCODE, fix="true")
    draft = draft.at_postcode(offer.postcode)
    if field_errors_of(answered, draft.form, offer):
        return _go(draft, answered, fix="true")
    following = step_after(answered, draft.form, offer, is_checking=draft.is_checking)
    return _go(replace(draft, is_checking=draft.is_checking or following is Step.CHECK), following)


@page_post(START)
def sign_up(request: PublicRequest, body: RawBody) -> Response[object]:
    """Take the sign-up and write to the resident once, whoever they are: the page tells nobody who subscribes.

    What is signed up with are the answers that the page showed; a form that brings all its answers needs no draft. A
    program that filled in the trap is answered as anyone is, and nothing is stored or sent.
    """
    sent = read_form(body)
    draft = _draft(request)
    if "postcode" in sent.fields:
        draft = _brought(sent)
    elif draft is None:
        return _go(None, Step.POSTCODE, lost="true")
    elif sent.one("version") != draft.version:
        return _go(None, Step.CHECK, changed="true")
    try:
        with transaction() as session:
            person, topics = read_sign_up(draft.form, coverage.offer_at(session, draft.form.one("postcode")))
            if not sent.has(TRAP) and message_limits.is_first_time(session, draft.id):
                source = consent(source_of(draft.form))
                sign_up_service.sign_up(session, person=person, topics=topics, consent=source)
    except (PostcodeNotValid, PlaceNotServed):
        return _go(draft, Step.POSTCODE, fix="true")
    except FormNotValid:
        with transaction() as session:  # what the failed one had read went with it
            missing = first_not_valid(draft.form, coverage.offer_at(session, draft.form.one("postcode")))
        return _go(draft, missing or Step.CONTACTS, fix="true")
    except service.NotEnrolled as error:
        return _refused(draft, error)
    return Redirect(link(SENT), status_code=303, cookies=[_cookie(draft.sent())])


def _brought(form: Form) -> Draft:
    """The draft of a form that brings all its answers. Where it names no ways, its addresses do."""
    ways = form.all("way") or [field for field in BY_FIELD if form.one(field)]
    return replace(Draft.filled_in(Form({**form.fields, "way": ways})), is_checking=True)


def _refused(draft: Draft, error: service.NotEnrolled) -> Response[object]:
    """The question of addresses, with why they cannot be signed up."""
    with transaction() as session:
        offer = coverage.offer_at(session, draft.form.one("postcode"))
    first = next(iter(shown_fields(draft.form)), next(iter(BY_FIELD)))
    return _question(Step.CONTACTS, draft, offer, [FieldError(first, error.detail)])


@page_get(SENT)
def show_sent(request: PublicRequest) -> Response[object]:
    """Where messages were sent, as the browser's draft has it; the same for everyone."""
    draft = _draft(request)
    if draft and not draft.is_sent:
        return _go(None, Step.CHECK)
    contacts = read_contacts(draft.form, []) if draft else []
    return page("sign_up/sent.html", contacts=[(contact.channel, contact.address) for contact in contacts])


@page_post("/sign-up/clear")
def clear() -> Response[object]:
    """Forget the answers in this browser, as on a computer that others use."""
    return Redirect(link(START), status_code=303, cookies=[ended_cookie(DRAFT_COOKIE)])


HANDLERS: Sequence[ControllerRouterHandler] = (start, ask, answer, sign_up, show_sent, clear)
