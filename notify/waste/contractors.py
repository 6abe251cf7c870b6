"""Waste contractors whose signed calls a council takes, and the secrets that sign them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from notify.client.webhooks import NotOurs, verify
from notify.core import clock, tokens
from notify.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from notify.staff.service import audit
from notify.waste.models import CollectionContractor

LONGEST_NAME = 100


class NotSigned(Unauthenticated):
    """No contractor of the council signed the call, or it is old."""

    title = "The signature is missing or wrong"


class ContractorExists(Conflict):
    """The council has a contractor of this name."""

    title = "There is a contractor with this name"


class UnknownContractor(NotFound):
    """The council has no such contractor, or it was removed."""

    title = "There is no such contractor"


class ContractorNotValid(Invalid):
    """A contractor needs a name."""

    title = "The contractor cannot be added"


def contractors(session: Session, council_id: UUID) -> Sequence[CollectionContractor]:
    """Those whose calls are taken, by name."""
    statement = select(CollectionContractor).where(
        CollectionContractor.council_id == council_id, col(CollectionContractor.ended_at).is_(None)
    )
    return session.exec(statement.order_by(CollectionContractor.name)).all()


def add(session: Session, council_id: UUID, name: str, *, actor: str) -> CollectionContractor:
    """Take the calls of one more contractor. Its `secret` is shown once.

    Raises: ContractorNotValid, ContractorExists.
    """
    plain = name.strip()
    if not plain or len(plain) > LONGEST_NAME:
        raise ContractorNotValid(f"Enter the contractor's name, at most {LONGEST_NAME} characters.")
    if any(one.name.casefold() == plain.casefold() for one in contractors(session, council_id)):
        raise ContractorExists(f"{plain} has a secret already. Remove it first to give out a new one.")
    made = CollectionContractor(council_id=council_id, name=plain, secret=tokens.webhook_secret(), created_by=actor)
    session.add(made)
    session.flush()
    audit(
        session, council_id=council_id, actor=actor, action="collections.contractor", subject=str(made.id), name=plain
    )
    return made


def remove(session: Session, council_id: UUID, contractor_id: UUID, *, actor: str) -> None:
    """Take no more calls of this contractor. Raises: UnknownContractor."""
    found = session.get(CollectionContractor, contractor_id)
    if found is None or found.council_id != council_id or found.ended_at:
        raise UnknownContractor("It may have been removed, or is another council's.")
    found.ended_at = clock.now()
    session.add(found)
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="collections.contractor.remove",
        subject=str(found.id),
        name=found.name,
    )


def signer(session: Session, council_id: UUID, body: bytes, headers: Mapping[str, str]) -> CollectionContractor:
    """Who signed this call, as Standard Webhooks says, in the last five minutes. Raises: NotSigned."""
    for one in contractors(session, council_id):
        try:
            verify(body, headers, one.secret)
        except NotOurs:
            continue
        except ValueError:
            raise NotSigned("The body is not JSON.") from None
        return one
    raise NotSigned("Sign the call with the secret that the council gave you: see Standard Webhooks.")
