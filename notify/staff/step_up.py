"""Asks people for their second factor once more before what needs it, and leads back to where they were."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.response import Redirect

from notify.staff.rights import Principal, ProveYourselfAgain
from notify.web import problems

FIRST_PAGE = "/staff"
CONFIRM = "/staff/confirm"
MOST_CHARACTERS = 4000  # of an address that every browser and proxy takes
# a page of this desk and what its form held: never another site, whatever a browser makes of slashes and dots
OWN_PAGE = re.compile(r"/staff(/[A-Za-z0-9_-]+(\.csv)?)*(\?[A-Za-z0-9_.~%+&=-]*)?")


def own_page(back: str) -> str:
    """The same address if it is one of the desk's pages, else the first of them."""
    return back if OWN_PAGE.fullmatch(back) and len(back) <= MOST_CHARACTERS else FIRST_PAGE


def page_with(path: str, fields: Mapping[str, object]) -> str:
    """The address of a page whose form holds these fields, so that nobody types them again."""
    said = urlencode({name: value for name, value in fields.items() if value}, doseq=True)
    return f"{path}?{said}" if said else path


@contextmanager
def coming_back(path: str, fields: Mapping[str, object] | None = None) -> Iterator[None]:
    """Let who has to confirm that it is them come back to this page, with what they had entered there."""
    try:
        yield
    except ProveYourselfAgain as error:
        raise ProveYourselfAgain(error.detail, back=page_with(path, fields or {})) from None


def ask_again(request: Request[Any, Any, Any], error: ProveYourselfAgain) -> Response[object]:
    """For people on pages the question, and for programs the problem."""
    user = request.scope.get("user")
    if request.url.path.startswith("/api/") or not isinstance(user, Principal) or user.is_key:
        return problems.on_known_error(request, error)
    return Redirect(page_with(CONFIRM, {"back": error.back}), status_code=303)
