"""The resident's pages: sign up, confirm, choose, leave. They need no script, and no cookie before sign-in."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.channels import CHANNELS, Channel
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError
from notify.languages import _
from notify.places.postcodes import canonical
from notify.providers import addresses
from notify.staff.council_settings import look
from notify.staff.queries import council
from notify.subscribers import links, queries, service_messages
from notify.subscribers.consent import confirmation, contact_requests
from notify.subscribers.models import Contact, ServiceMessageKind
from notify.subscribers.my.email_preferences import FORMATS
from notify.subscribers.sign_up import service as sign_up_service
from notify.subscribers.sign_up.form import tongues
from notify.web.cookies import session_cookie
from notify.web.forms import TRAP, read_form
from notify.web.routes import page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import link


@page_get("/confirm/{token:str}")
def ask_to_confirm(token: FromPath[str]) -> Response[object]:
    """A button, because mail scanners follow links and press nothing; and all that the yes will change."""
    with transaction() as session:
        asked = confirmation.asked_by_link(session, token)
        if asked is None:
            return page("sign_up/already.html")
        look.wear_of_all(session, asked.councils)
    tongue = tongues()
    return page(
        "sign_up/confirm.html",
        token=token,
        asked=asked,
        languages=[tongue.get(one, one) for one in asked.languages],
        mail_formats=[_(FORMATS[one]) for one in asked.mail_formats],
    )


@page_post("/confirm/{token:str}")
def confirm(token: FromPath[str]) -> Response[object]:
    """Use up the link, and show what was agreed to; to who presses again, that they are signed up."""
    with transaction() as session:
        if confirmation.asked_by_link(session, token) is None:
            return page("sign_up/already.html")
        return _confirmed_page(session, sign_up_service.confirm(session, token))


def _confirmed_page(session: Session, confirmed: Sequence[Contact]) -> Response[object]:
    """What was agreed to, with which councils; and to a webhook's owner, once, the secrets that sign its calls."""
    records = [queries.record(session, contact.subscriber_id) for contact in confirmed]
    look.wear_of_all(session, [contact.council_id for contact in confirmed])
    return page(
        "sign_up/confirmed.html",
        topics=[
            (topic.words.name, council(session, topic.council_id).name)
            for record in records
            for _, topic in record.subscriptions
        ],
        places=list(dict.fromkeys(canonical(place.postcode) for record in records for place in record.places)),
        contacts=list(
            dict.fromkeys(
                (CHANNELS[contact.channel].in_sentence, contact.address)
                for record in records
                for contact in record.contacts
                if contact.confirmed_at
            )
        ),
        signing_secrets=[contact.secret for contact in confirmed if contact.secret],
    )


@page_get("/add-contact/{token:str}")
def ask_to_add_contact(token: FromPath[str]) -> Response[object]:
    """May this council use another address for the resident's alerts? Nothing happens before a button is pressed."""
    with transaction() as session:
        asked = contact_requests.asked_by(session, token)
        look.wear(session, asked.council_id)
    return page("sign_up/add-contact.html", token=token, asked=asked)


@page_post("/add-contact/{token:str}")
def answer_about_contact(token: FromPath[str], body: RawBody) -> Response[object]:
    """Take the yes or the no. It opens no session."""
    is_yes = read_form(body).one("answer") == "yes"
    with transaction() as session:
        asked = contact_requests.asked_by(session, token)
        look.wear(session, asked.council_id)
        contact_requests.answer(session, token, is_yes=is_yes)
    return page("sign_up/contact-answered.html", asked=asked, is_yes=is_yes)


@page_get("/confirm-code", sync_to_thread=False)
def ask_code() -> Response[object]:
    """Asks for the digits that a text brought."""
    return page("sign_up/confirm-code.html", form=EMPTY, field_errors=[])


@page_post("/confirm-code")
def confirm_code(body: RawBody) -> Response[object]:
    """Take the digits. The answer is the same for a wrong code, an old one, and a number nobody signed up."""
    form = read_form(body)
    number = form.one("mobile")
    try:
        with transaction() as session:
            confirmed = sign_up_service.confirm_by_code(session, number, form.one("code")[:20])
            if confirmed:
                return _confirmed_page(session, confirmed)
    except addresses.AddressNotValid as error:
        return page(
            "sign_up/confirm-code.html", status=422, form=form, field_errors=[FieldError("mobile", error.detail)]
        )
    field_error = FieldError(
        "code", _("This code is wrong or has expired. A code stops working after 5 tries or 30 minutes.")
    )
    return page("sign_up/confirm-code.html", status=422, form=form, field_errors=[field_error])


@page_get("/manage", sync_to_thread=False)
def ask_who() -> Response[object]:
    """Asks for the address a sign-in link is sent to."""
    return page("my/get-link.html", form=EMPTY, field_errors=[])


@page_post("/manage")
def request_link(body: RawBody) -> Response[object]:
    """Send a link if the address is a subscriber's. The answer is the same for everyone."""
    form = read_form(body)
    address = form.one("address")
    is_trapped = form.has(TRAP)
    channel = Channel.EMAIL if "@" in address else Channel.SMS
    try:
        addresses.normalise(channel, address)
    except addresses.AddressNotValid:
        advice = _("Enter an email address like name@example.org, or a UK mobile number like 07700 900123.")
        return page("my/get-link.html", status=422, form=form, field_errors=[FieldError("address", advice)])
    with transaction() as session:
        if not is_trapped:
            service_messages.request_link(session, channel, address)
    return page("my/link-sent.html", address=address, way=CHANNELS[channel].in_sentence)


@page_get("/manage/{token:str}")
def ask_to_sign_in(token: FromPath[str]) -> Response[object]:
    """A button, for the same reason as at confirmation; for a link that was used or never sent, what to do instead."""
    with transaction() as session:
        links.require_open(session, token, ServiceMessageKind.SIGN_IN)
    return page("my/sign-in.html", action=f"/manage/{token}", whose="alerts")


@page_post("/manage/{token:str}")
def sign_in(token: FromPath[str]) -> Response[object]:
    """Use up the link and open a session of an hour."""
    with transaction() as session:
        secret = links.open_session(session, token)
    return Redirect(link("/my"), status_code=303, cookies=[session_cookie(links.COOKIE, secret, links.SESSION_LIFE)])


HANDLERS: Sequence[ControllerRouterHandler] = (
    ask_to_confirm,
    confirm,
    ask_to_add_contact,
    answer_about_contact,
    ask_code,
    confirm_code,
    ask_who,
    request_link,
    ask_to_sign_in,
    sign_in,
)
