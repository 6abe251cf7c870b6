"""What every door of the desk has in common: who may come in, and that it is a person."""

from functools import partial
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.response import Redirect

from notify.errors import Forbidden
from notify.staff.guards import Principal, Requires, Right
from notify.web.forms import from_our_pages

OfficerRequest = Request[Principal, None, State]

AT = "/staff/compose"
WRITES = Requires(Right.WRITE_ALERTS)
BROADCASTS = Requires(Right.BROADCAST)
_quiet_get = partial(get, sync_to_thread=True, include_in_schema=False)
_quiet_post = partial(post, sync_to_thread=True, include_in_schema=False, status_code=200)
see_get = partial(_quiet_get, guards=[Requires(Right.SEE_ALERTS)])
desk_get = partial(_quiet_get, guards=[WRITES])
desk_post = partial(_quiet_post, guards=[from_our_pages, WRITES])
broadcast_get = partial(_quiet_get, guards=[BROADCASTS])
broadcast_post = partial(_quiet_post, guards=[from_our_pages, BROADCASTS])


class OfficersOnly(Forbidden):
    """A council's own key has no drafts."""

    title = "Drafts belong to people"


def officer_of(user: Principal) -> UUID:
    """Who is writing. Raises: OfficersOnly."""
    if user.officer_id is None:
        raise OfficersOnly("Sign in as an officer, or create the alert by API.")
    return user.officer_id


def see_other(path: str) -> Response[object]:
    """Go on with another page."""
    return Redirect(path, status_code=303)
