"""What the routes of the desk have in common: who may come in, and for drafts that it is a person."""

from functools import partial
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect

from notify.core.errors import Forbidden
from notify.staff.guards import AnyConnection, Principal, Requires, Right, principal_of
from notify.web.forms import from_our_pages

OfficerRequest = Request[Principal, None, State]

AT = "/staff/compose"
WRITES = Requires(Right.WRITE_ALERTS)
APPROVES = Requires(Right.APPROVE_ALERTS)
BROADCASTS = Requires(Right.BROADCAST)
ALERT = "/staff/alerts/{alert_id:uuid}"


class PeopleOnly(Forbidden):
    """What is written at the desk is written by a person who signed in, and by no key of theirs."""

    title = "Drafts belong to people"


def people_only(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """A guard that lets through who signed in. Raises: OfficersOnly, Unauthenticated."""
    officer_of(principal_of(connection))


def officer_of(user: Principal) -> UUID:
    """Who is writing. Raises: OfficersOnly."""
    if user.officer_id is None or user.is_key:
        raise PeopleOnly("Sign in as an officer, or create the alert by API.")
    return user.officer_id


_quiet_get = partial(get, sync_to_thread=True, include_in_schema=False)
_quiet_post = partial(post, sync_to_thread=True, include_in_schema=False, status_code=200)
_act = partial(_quiet_post, status_code=303)
see_get = partial(_quiet_get, guards=[Requires(Right.SEE_ALERTS)])
write_get = partial(_quiet_get, guards=[WRITES])
write_post = partial(_act, guards=[from_our_pages, WRITES])
approve_get = partial(_quiet_get, guards=[APPROVES])
approve_post = partial(_act, guards=[from_our_pages, APPROVES])
broadcast_alone_get = partial(_quiet_get, guards=[BROADCASTS])
broadcast_alone_post = partial(_act, guards=[from_our_pages, BROADCASTS])
# the same for drafts, which belong to people
draft_get = partial(_quiet_get, guards=[WRITES, people_only])
draft_post = partial(_quiet_post, guards=[from_our_pages, WRITES, people_only])
broadcast_get = partial(_quiet_get, guards=[BROADCASTS, people_only])
broadcast_post = partial(_quiet_post, guards=[from_our_pages, BROADCASTS, people_only])


def see_other(path: str) -> Response[object]:
    """Go on with another page."""
    return Redirect(path, status_code=303)
