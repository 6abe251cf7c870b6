"""Who is signed in as a resident, for every door behind that sign-in."""

from litestar import Request
from litestar.datastructures import State
from sqlmodel import Session

from notify.errors import Unauthenticated
from notify.languages import _, later
from notify.settings import settings
from notify.subscribers import links, queries

AnyRequest = Request[object, object, State]


class SignedOut(Unauthenticated):
    """There is no session, or it has ended."""

    title = later("You are signed out")


def cookie_of(request: AnyRequest) -> str:
    """The secret of the resident's session; empty where there is none."""
    return request.cookies.get(settings().cookie_name(links.COOKIE), "")


def resident_of(session: Session, request: AnyRequest) -> queries.SubscriberRecord:
    """The resident whose session this is, with everything in force about them. Raises: SignedOut."""
    cookie = cookie_of(request)
    subscriber_id = queries.resident_of_cookie(session, cookie) if cookie else None
    if subscriber_id is None:
        raise SignedOut(_("Your hour is over, or you signed out. Ask for a new link to manage your alerts."))
    return queries.record(session, subscriber_id)
