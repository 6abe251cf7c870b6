"""How a page is declared: `page_get` and `page_post`, for everyone. Pages of staff: `notify.staff.routes`."""

from collections.abc import Callable
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import State

from notify.web.forms import from_our_pages

PublicRequest = Request[object, object, State]

Handler = Callable[[Callable[..., Any]], Any]
PAGE: dict[str, Any] = {"sync_to_thread": True, "include_in_schema": False}


def page_get(path: str, **options: object) -> Handler:
    """Declare a page that everyone may read. It runs in a thread and stays out of the API's document."""
    return get(path, **PAGE | options)


def page_post(path: str, **options: object) -> Handler:
    """Declare what a form on a public page leads to: refused from other sites; answers with a page unless told else."""
    return post(path, **PAGE | {"status_code": 200, "guards": [from_our_pages]} | options)
