"""How a page of staff is declared: `staff_get` and `staff_post`, each with the guards that say who may open it."""

from typing import Any

from litestar import Request, get, post
from litestar.datastructures import State

from notify.staff.guards import Principal
from notify.web.forms import from_our_pages
from notify.web.routes import PAGE, Handler

StaffRequest = Request[Principal, None, State]


def staff_get(path: str, *guards: Any, **options: object) -> Handler:  # noqa: ANN401  the framework's own type of guards
    """Declare a page for those whom all of `guards` let through."""
    return get(path, guards=list(guards), **PAGE | options)


def staff_post(path: str, *guards: Any, **options: object) -> Handler:  # noqa: ANN401  the framework's own type of guards
    """Declare what a form on a staff page leads to: refused from other sites; a redirect unless told else."""
    return post(path, guards=[from_our_pages, *guards], **PAGE | {"status_code": 303} | options)
