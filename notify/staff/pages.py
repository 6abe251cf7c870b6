"""The officers' way in and out."""

from collections.abc import Sequence

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.db import transaction
from notify.settings import settings
from notify.staff import service
from notify.staff.guards import OFFICER_COOKIE
from notify.web.cookies import ended_cookie, session_cookie
from notify.web.forms import from_our_pages
from notify.web.templates import page

AnyRequest = Request[object, object, State]

FIRST_PAGE = "/staff"


@get("/staff/sign-in", sync_to_thread=False, include_in_schema=False)
def explain_sign_in() -> Response[object]:
    """How officers get a link."""
    return page("staff-sign-in.html")


@get("/staff/sign-in/{token:str}", sync_to_thread=False, include_in_schema=False)
def ask_to_sign_in(token: FromPath[str]) -> Response[object]:
    """A button, because mail scanners follow links and press nothing."""
    return page("sign-in.html", action=f"/staff/sign-in/{token}", whose="council")


@post(
    "/staff/sign-in/{token:str}",
    sync_to_thread=True,
    include_in_schema=False,
    status_code=303,
    guards=[from_our_pages],
)
def sign_in(token: FromPath[str]) -> Response[object]:
    """Use up the link and open a session of a working day."""
    with transaction() as session:
        secret = service.sign_in(session, token)
    return Redirect(FIRST_PAGE, status_code=303, cookies=[session_cookie(OFFICER_COOKIE, secret, service.SESSION_LIFE)])


@post("/staff/sign-out", sync_to_thread=True, include_in_schema=False, status_code=303, guards=[from_our_pages])
def sign_out(request: AnyRequest) -> Response[object]:
    """End the session here and on the server."""
    with transaction() as session:
        service.sign_out(session, request.cookies.get(settings().cookie_name(OFFICER_COOKIE), ""))
    return Redirect("/", status_code=303, cookies=[ended_cookie(OFFICER_COOKIE)])


HANDLERS: Sequence[ControllerRouterHandler] = (explain_sign_in, ask_to_sign_in, sign_in, sign_out)
