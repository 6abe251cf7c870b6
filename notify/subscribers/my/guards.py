"""What the resident who is signed in chose of the council that a page is about."""

from dataclasses import dataclass

from sqlmodel import Session

from notify.subscribers.guards import membership_of, memberships_of
from notify.subscribers.my import choices
from notify.web.routes import PublicRequest


@dataclass(frozen=True, slots=True)
class Mine:
    """What one council's pages show, and that council where the resident has several."""

    choices: choices.Choices
    council_name: str | None


def choices_here(session: Session, request: PublicRequest) -> Mine:
    """What the resident who is signed in chose of the council that the page is about.

    Raises: SignedOut, CouncilNotChosen.
    """
    held = memberships_of(session, request)
    one = membership_of(session, request)
    elsewhere = {other.record.subscriber.council_id for other in held if other != one}
    mine = choices.choices_of(session, one.record, elsewhere)
    return Mine(mine, one.council_name if elsewhere else None)
