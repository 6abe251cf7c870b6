"""Invented people, whose addresses are the sandbox's or drama numbers. Test keys see nobody else."""

from uuid import UUID

from sqlalchemy import ColumnElement, String, literal
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import Session, col, select

from notify.core.errors import Forbidden
from notify.providers import addresses, sandbox
from notify.staff.rights import Principal
from notify.subscribers.models import ConsentEvidence, Contact, Subscriber, SubscriberChange, SubscriberRequest
from notify.subscribers.queries import SubscriberRecord, council_record

HOW = "Use an address of the sandbox, such as delivered+1@simulator.example.org, or a live key."


class TestKeyNeedsInventedPeople(Forbidden):
    """A test key adds and changes people whom nobody could mistake for residents."""

    title = "A test key does not change residents"


def is_invented(subscriber_id: Mapped[UUID]) -> ColumnElement[bool]:
    """The condition for the person of this column: they have contacts, and every one is invented."""
    theirs = aliased(Contact)  # the column may be a contact's own
    held = select(theirs.id).where(theirs.subscriber_id == subscriber_id)
    invented = col(theirs.address).regexp_match(literal(sandbox.INVENTED, String), flags="i")
    return held.exists() & ~held.where(~invented).exists()


def _apart(evidence: ConsentEvidence) -> ConsentEvidence:
    """The same evidence under a name that no live key uses, so that a rehearsal takes up no version of a wording."""
    return evidence.model_copy(update={"wording_version": f"test/{evidence.wording_version}"})


def whom(user: Principal) -> ColumnElement[bool] | None:
    """The condition for the subscribers whom this principal knows of; None for everyone, as a live key does."""
    return is_invented(col(Subscriber.id)) if user.is_test else None


def seen(session: Session, user: Principal, subscriber_id: UUID) -> SubscriberRecord:
    """The resident of the principal's council; a real one looks absent to a test key. Raises: UnknownSubscriber."""
    return council_record(session, user.council_id, subscriber_id, only=whom(user))


def asked_by(session: Session, user: Principal, request: SubscriberRequest) -> SubscriberRequest:
    """What this principal asks to add; a test key, only people who are invented, and under a wording of its own.

    Raises: TestKeyNeedsInventedPeople, AddressNotValid.
    """
    if not user.is_test:
        return request
    if request.confirm:
        raise TestKeyNeedsInventedPeople("A test key writes to nobody: leave `confirm` out.")
    hashes = []
    for contact in request.contacts:
        address = addresses.normalise(contact.channel, contact.address)
        hashes.append(addresses.fingerprint(contact.channel, address))
        if not sandbox.is_invented(address):
            raise TestKeyNeedsInventedPeople(HOW)
    known = select(Contact.id).where(
        Contact.council_id == user.council_id,
        col(Contact.address_hash).in_(hashes),
        ~is_invented(col(Contact.subscriber_id)),
    )
    if session.exec(known.limit(1)).first() is not None:
        raise TestKeyNeedsInventedPeople(HOW)
    return request.model_copy(update={"consent": _apart(request.consent)})


def change_by(user: Principal, change: SubscriberChange) -> SubscriberChange:
    """What this principal asks to change; a test key, under a wording of its own."""
    if not user.is_test or change.consent is None:
        return change
    return change.model_copy(update={"consent": _apart(change.consent)})
