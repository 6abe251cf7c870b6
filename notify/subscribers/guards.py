"""The guard of pages for signed-in residents."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from notify.core.errors import NotFound, Unauthenticated
from notify.core.settings import settings
from notify.languages import _, later
from notify.staff.council_settings import look
from notify.staff.councils import speaking_for
from notify.staff.queries import council
from notify.subscribers import links, queries
from notify.subscribers.queries import SubscriberRecord
from notify.web.routes import PublicRequest
from notify.web.visitor_language import council_of_visit


class SignedOut(Unauthenticated):
    """There is no session, or it has ended."""

    title = later("You are signed out")


class CouncilNotChosen(NotFound):
    """The page is about one council's alerts, and which is not said, or the resident has none of its."""

    title = later("Choose a council first")


@dataclass(frozen=True, slots=True)
class Membership:
    """What one council holds about the resident who is signed in, and how pages name that council."""

    record: SubscriberRecord
    slug: str
    council_name: str


def cookie_of(request: PublicRequest) -> str:
    """The secret of the resident's session; empty where there is none."""
    return request.cookies.get(settings().cookie_name(links.COOKIE), "")


def memberships_of(session: Session, request: PublicRequest) -> Sequence[Membership]:
    """All that councils hold by the address whose session this is, at least one. Raises: SignedOut.

    The page looks like the council's where there is but one.
    """
    cookie = cookie_of(request)
    address_hash = queries.address_of_cookie(session, cookie) if cookie else None
    records = queries.records_of_address(session, address_hash) if address_hash else []
    if not records:
        raise SignedOut(_("Your hour has ended, or you signed out. Ask for a new link to manage your alerts."))
    whose = [council(session, record.subscriber.council_id) for record in records]
    if len(whose) == 1:
        look.wear(session, whose[0].id)
    return [Membership(record, one.slug, one.name) for record, one in zip(records, whose, strict=True)]


def membership_of(session: Session, request: PublicRequest) -> Membership:
    """The one that the address of the page names, or the only one, whose look the page has.

    Raises: SignedOut, CouncilNotChosen.
    """
    held = memberships_of(session, request)
    asked = council_of_visit()
    meant = speaking_for(session, asked) if asked else []
    found = [one for one in held if one.record.subscriber.council_id in meant] if asked else held
    if len(found) != 1:
        raise CouncilNotChosen(_("Go back to your alerts and choose which council you mean."))
    look.wear(session, found[0].record.subscriber.council_id)
    return found[0]


def resident_of(session: Session, request: PublicRequest) -> SubscriberRecord:
    """The same without its council's names. Raises: SignedOut, CouncilNotChosen."""
    return membership_of(session, request).record
