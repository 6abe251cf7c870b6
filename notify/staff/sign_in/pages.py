"""Pages to sign in and out."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.core import clock
from notify.core.db import transaction
from notify.core.errors import Unauthenticated
from notify.core.form_fields import FieldError, Form
from notify.core.settings import settings
from notify.staff import invitations, queries, service
from notify.staff.guards import OFFICER_COOKIE, Requires, Right
from notify.staff.models import Officer
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in import attempts, break_glass, demo_codes, oidc, same_person, sessions
from notify.staff.sign_in import entry as sign_in_entry
from notify.staff.sign_in.step_up import CONFIRM, FIRST_PAGE, SIGN_IN, own_page, page_with
from notify.web import problems
from notify.web.cookies import DEVICE_COOKIE, ended_cookie, session_cookie
from notify.web.forms import from_our_pages, is_from_our_link, read_form
from notify.web.rate_limits import device_of
from notify.web.routes import PublicRequest, page_get, page_post
from notify.web.templates import page
from notify.web.thread_pool import BoundedPool

ATTEMPT_COOKIE = "officer-attempt"
DID_NOT_WORK = "Address, password or code is not right, or there were too many tries. Wait a few minutes and try again."
CODE_DID_NOT_WORK = "The code is not right, was used already, or there were too many tries. Wait for the next code."
# comparing a password takes long, and asking an identity provider longer: neither takes what pages need
STRANGERS = BoundedPool("sign-in", threads=1, waiting=8)
KNOWN_DEVICES = BoundedPool("sign-in-known", threads=1, waiting=8)
PROVIDER = BoundedPool("identity-provider", threads=4, waiting=16)


def _cookie(request: Request[Any, Any, Any], name: str = OFFICER_COOKIE) -> str:
    return request.cookies.get(settings().cookie_name(name), "")


def _into(secret: str, *others: Cookie, to: str = FIRST_PAGE) -> Response[object]:
    cookie = session_cookie(OFFICER_COOKIE, secret, sessions.SESSION_LIFE)
    return Redirect(to, status_code=303, cookies=[cookie, *others])


def sign_in_instead(request: Request[Any, Any, Any], error: Unauthenticated) -> Response[object]:
    """The sign-in in the place of a page of staff, to which it leads, for people; for programs the problem."""
    is_page = request.method == "GET" and request.url.path.startswith(FIRST_PAGE)
    is_read = "text/html" in request.headers.get("accept", "") and "authorization" not in request.headers
    if not (is_page and is_read):
        return problems.on_known_error(request, error)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return _sign_in_page(status=401, back=_asked_for(asked))


def _sign_in_page(*, status: int = 200, field_error: str = "", email: str = "", back: str = "") -> Response[object]:
    return page(
        "users/sign-in.html",
        status=401 if field_error else status,
        field_errors=[FieldError("email", field_error)] if field_error else [],
        email=email,
        here=page_with(SIGN_IN, {"back": back}),
        provider=page_with("/staff/sign-in/oidc", {"back": back}),
        has_oidc=oidc.oidc_settings().is_on,
        has_links=settings().links_sign_in,
    )


@page_get("/staff/sign-in", sync_to_thread=False)
def explain_sign_in(back: FromQuery[str] = "") -> Response[object]:
    """The ways in that this installation has. They lead to the page `back`."""
    return _sign_in_page(back=_asked_for(back))


def _asked_for(back: str) -> str:
    """The page that someone opened before they signed in; empty where it is the first one anyway."""
    page = own_page(back)
    return page if page != FIRST_PAGE else ""


@post("/staff/sign-in", include_in_schema=False, status_code=303, guards=[from_our_pages])
async def sign_in_with_password(request: PublicRequest, body: RawBody, back: FromQuery[str] = "") -> Response[object]:
    """Password and code, for when council accounts cannot be used."""
    pool = KNOWN_DEVICES if device_of(request) else STRANGERS
    return await pool.run(lambda: _enter(request, read_form(body), _asked_for(back)))


def _enter(request: PublicRequest, form: Form, back: str) -> Response[object]:
    email = form.one("email")
    with transaction() as session:
        known = break_glass.known_hash(session, email)
    checked = break_glass.check(known, form.one("password"))
    with transaction() as session:
        secrets = sign_in_entry.enter_by_password(
            session,
            email=email,
            checked=checked,
            code=form.one("code"),
            device=_cookie(request, DEVICE_COOKIE),
            instead_of=_cookie(request),
        )
    if secrets is None:
        return _sign_in_page(field_error=DID_NOT_WORK, email=email, back=back)
    device = session_cookie(DEVICE_COOKIE, secrets[1], attempts.DEVICE_LIFE)
    return _into(secrets[0], device, to=back or FIRST_PAGE)


@get("/staff/sign-in/oidc", include_in_schema=False)
async def go_to_identity_provider(
    request: PublicRequest, again: FromQuery[bool] = False, back: FromQuery[str] = "", invitation: FromQuery[str] = ""
) -> Response[object]:
    """Send the browser to the council's own sign-in, and to the page `back` afterwards. Nothing is stored here.

    An invitation is shown first. Otherwise a person who is sent its link by someone else, and is signed in to their
    council account already, would become that user without being asked.
    """
    if invitation and not is_from_our_link(request.headers, request.url.netloc):
        return await PROVIDER.run(lambda: _invitation_page(invitation))
    address, attempt = await PROVIDER.run(
        lambda: oidc.begin(afresh=again, back=own_page(back), invitation=invitation[:200])
    )
    return Redirect(address, status_code=302, cookies=[session_cookie(ATTEMPT_COOKIE, attempt.sealed(), oidc.LIFE)])


def _invitation_page(invitation: str) -> Response[object]:
    with transaction() as session:
        officer_id = invitations.invited(session, invitation)
        officer = session.get_one(Officer, officer_id) if officer_id else None
        council = queries.council(session, officer.council_id) if officer else None
    accept = page_with("/staff/sign-in/oidc", {"invitation": invitation})
    return page(
        "users/invitation.html", status=200 if officer else 410, officer=officer, council=council, accept=accept
    )


# a GET because browsers come back by one; only the browser that began can, once, so a mail scanner opens nothing
@get(oidc.CALL_BACK, include_in_schema=False)
async def come_back(request: PublicRequest) -> Response[object]:
    """Take what the identity provider says and open a session."""
    return await PROVIDER.run(lambda: _come_back(request))


def _come_back(request: PublicRequest) -> Response[object]:
    said = request.query_params
    attempt = oidc.read_attempt(_cookie(request, ATTEMPT_COOKIE), said.get("state", ""))
    with transaction() as session:
        oidc.use_up(session, attempt)
    identity = oidc.identify(attempt, said.get("code", ""))
    with transaction() as session:
        secret = sign_in_entry.enter_by_identity(
            session, identity, instead_of=_cookie(request), invitation=attempt.invitation
        )
    return _into(secret, ended_cookie(ATTEMPT_COOKIE), to=own_page(attempt.back))


@page_get("/staff/sign-in/{token:str}", sync_to_thread=False)
def ask_to_sign_in(token: FromPath[str]) -> Response[object]:
    """A button, because mail scanners follow links and press nothing."""
    return page("my/sign-in.html", action=f"/staff/sign-in/{token}", whose="council")


@page_post("/staff/sign-in/{token:str}", status_code=303)
def sign_in(request: PublicRequest, token: FromPath[str]) -> Response[object]:
    """Use up the link and open a session of a working day."""
    with transaction() as session:
        secret = service.sign_in(session, token, instead_of=_cookie(request))
    return _into(secret)


def _confirm_page(request: StaffRequest, back: str, field_error: str = "") -> Response[object]:
    """The question, which leads to the page `back`."""
    with transaction() as session:
        demo_code = demo_codes.code_shown(session, request.user.officer_id)
    return staff_page(
        request.user,
        "users/step-up.html",
        at="",
        status=422 if field_error else 200,  # someone is signed in; only the code is wrong
        field_errors=[FieldError("code", field_error)] if field_error else [],
        here=page_with(CONFIRM, request.query_params),
        provider=page_with("/staff/sign-in/oidc", {"again": "true", "back": back}),
        has_oidc=oidc.oidc_settings().is_on,
        demo_code=demo_code,
    )


@staff_get("/staff/confirm", Requires(Right.SEE_ALERTS))
def ask_to_confirm(request: StaffRequest, back: FromQuery[str] = "") -> Response[object]:
    """Asks for the second factor once more, and then leads back to that page."""
    return _confirm_page(request, own_page(back))


@staff_post("/staff/confirm", Requires(Right.SEE_ALERTS))
def confirm(request: StaffRequest, body: RawBody, back: FromQuery[str] = "") -> Response[object]:
    """A fresh second factor; the session gets another secret."""
    if request.user.is_key:  # its wrong codes would lock out the officer whose it is
        request.user.require_fresh_mfa()
    with transaction() as session:
        code, cookie = read_form(body).one("code"), _cookie(request)
        officer = break_glass.recognise_code(session, request.user.officer_id, code, cookie=cookie)
        secret = sessions.renew_session(session, _cookie(request), mfa_at=clock.now()) if officer else None
    if secret is None:
        return _confirm_page(request, own_page(back), CODE_DID_NOT_WORK)
    return _into(secret, to=own_page(back))


@staff_post("/staff/switch", Requires(Right.SEE_ALERTS))
def switch_council(request: StaffRequest, body: RawBody) -> Response[object]:
    """Go on as the user that the same person is at another council. Raises: NotAUserThere."""
    user = request.user
    if user.is_key or user.officer_id is None:
        raise same_person.NotAUserThere("A key belongs to one council. Sign in to go to another.")
    with transaction() as session:
        slug = read_form(body).one("council")
        secret = same_person.switch(session, user.officer_id, cookie=_cookie(request), slug=slug)
    return _into(secret)


@page_post("/staff/sign-out", status_code=303)
def sign_out(request: PublicRequest) -> Response[object]:
    """End the session here and on the server."""
    with transaction() as session:
        sessions.close_session(session, _cookie(request))
    return Redirect("/", status_code=303, cookies=[ended_cookie(OFFICER_COOKIE)])


HANDLERS: Sequence[ControllerRouterHandler] = (
    explain_sign_in,
    sign_in_with_password,
    go_to_identity_provider,
    come_back,
    ask_to_sign_in,
    sign_in,
    ask_to_confirm,
    confirm,
    switch_council,
    sign_out,
)
