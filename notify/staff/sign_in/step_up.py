"""Asks people for their second factor once more before what needs it, and leads back to where they were."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.response import Redirect

from notify.core import tokens
from notify.core.settings import settings
from notify.staff.rights import Principal, SecondFactorNeeded
from notify.web import problems
from notify.web.cookies import ended_cookie, session_cookie

AnyRequest = Request[Any, Any, Any]

FIRST_PAGE = "/staff"
CONFIRM, SIGN_IN = "/staff/confirm", "/staff/sign-in"
MOST_CHARACTERS = 4000  # of an address that every browser and proxy takes
# a page of this desk and what its form held: never another site, whatever a browser makes of slashes and dots
OWN_PAGE = re.compile(r"/staff(/[A-Za-z0-9_-]+(\.csv)?)*(\?[A-Za-z0-9_.~%+&=-]*)?")

KEPT_COOKIE = "officer-words"
KEPT_FOR = timedelta(minutes=15)
LONGEST_KEPT = 3_500  # browsers refuse cookies of more than 4,096 bytes
PURPOSE = "step-up"


def own_page(back: str) -> str:
    """The same address if it is one of the staff pages, else the first of them."""
    return back if OWN_PAGE.fullmatch(back) and len(back) <= MOST_CHARACTERS else FIRST_PAGE


def page_with(path: str, fields: Mapping[str, object]) -> str:
    """The address of a page whose form holds these fields, so that nobody types them again."""
    said = urlencode({name: value for name, value in fields.items() if value}, doseq=True)
    return f"{path}?{said}" if said else path


@contextmanager
def coming_back(path: str, fields: Mapping[str, object] | None = None, *, words: str = "") -> Iterator[None]:
    """Let who has to confirm that it is them come back to this page, with what they had entered there.

    `fields` travel in addresses, which logs keep; `words`, which may name people, in a sealed cookie.
    """
    try:
        yield
    except SecondFactorNeeded as error:
        raise SecondFactorNeeded(error.detail, back=page_with(path, fields or {}), words=words) from None


def ask_again(request: AnyRequest, error: SecondFactorNeeded) -> Response[Any]:
    """For people on pages the question, and for programs the problem.

    The route says in `back` which page to go on with, unless the error knows a better one.
    """
    user = request.scope.get("user")
    if request.url.path.startswith("/api/") or not isinstance(user, Principal) or user.is_key:
        return problems.on_known_error(request, error)
    back = own_page(error.back or str(request.route_handler.opt.get("back", FIRST_PAGE)).format(**request.path_params))
    answer: Response[Any] = Redirect(page_with(CONFIRM, {"back": back}), status_code=303)
    if error.words:
        sealed = tokens.seal(PURPOSE, json.dumps([user.actor, back, error.words]))
        if len(sealed) <= LONGEST_KEPT:
            answer.set_cookie(session_cookie(KEPT_COOKIE, sealed, KEPT_FOR))
    return answer


def kept_words(request: AnyRequest, user: Principal) -> str:
    """What this person had written on this page when they were asked to confirm that it is them."""
    try:
        sealed = request.cookies.get(settings().cookie_name(KEPT_COOKIE), "")
        actor, page, words = json.loads(tokens.unseal(PURPOSE, sealed))
    except (tokens.LinkNotValid, ValueError, TypeError):
        return ""
    return str(words) if (actor, page) == (user.actor, request.url.path) else ""


def forget_words(answer: Response[Any]) -> Response[Any]:
    """The same answer, which also clears what was kept."""
    answer.set_cookie(ended_cookie(KEPT_COOKIE))
    return answer
