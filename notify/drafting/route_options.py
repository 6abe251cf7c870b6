"""The guards that routes of drafts and alerts share."""

from uuid import UUID

from litestar import Response
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect

from notify.core.errors import Forbidden
from notify.staff.guards import AnyConnection, Principal, Requires, Right, principal_of

AT = "/staff/compose"
SEES = Requires(Right.SEE_ALERTS)
WRITES = Requires(Right.WRITE_ALERTS)
APPROVES = Requires(Right.APPROVE_ALERTS)
BROADCASTS = Requires(Right.BROADCAST)
ALERT = "/staff/alerts/{alert_id:uuid}"


class PeopleOnly(Forbidden):
    """What is written at the staff pages is written by a person who signed in, and by no key of theirs."""

    title = "Drafts belong to people"


def people_only(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """A guard that lets through who signed in. Raises: PeopleOnly, Unauthenticated."""
    officer_of(principal_of(connection))


def officer_of(user: Principal) -> UUID:
    """Who is writing. Raises: PeopleOnly."""
    if user.officer_id is None or user.is_key:
        raise PeopleOnly("Sign in as an officer, or create the alert by API.")
    return user.officer_id


def see_other(path: str) -> Response[object]:
    """Go on with another page."""
    return Redirect(path, status_code=303)
