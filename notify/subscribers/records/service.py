"""What staff do with one record beside changing it: pause it, and send its owner a link again."""

from datetime import date
from uuid import UUID

from sqlmodel import Session

from notify.core.errors import Conflict, Invalid
from notify.providers.base import Channel
from notify.staff.rights import Principal
from notify.staff.service import audit
from notify.subscribers import message_limits, service_messages
from notify.subscribers.models import Contact, ServiceMessageKind
from notify.subscribers.my import pause as pauses
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.suppression.service import NoSuchContact, is_silenced


class PauseNotValid(Invalid):
    """A pause ends on a day to come."""

    title = "The pause cannot end on this day"


class LinkNotSent(Conflict):
    """So many links went to this address today, or it may not be written to."""

    title = "The link was not sent"


def pause(session: Session, user: Principal, record: SubscriberRecord, until: date | None) -> None:
    """Send nothing but emergencies before this day; None ends the pause. Raises: PauseNotValid."""
    today = pauses.today()
    if until and not today < until <= today + pauses.LONGEST:
        raise PauseNotValid("Choose a day after today and within a year.")
    pauses.pause(session, record.subscriber, until)
    _audit(session, user, "subscriber.pause", record, until=until.isoformat() if until else None)


def send_link(session: Session, user: Principal, record: SubscriberRecord, contact_id: UUID) -> ServiceMessageKind:
    """Send the owner of a contact what they need: a confirmed one a link to manage their alerts, any other one the
    message to confirm again. At most three of a kind a day; which kind it was.

    Raises: NoSuchContact, LinkNotSent.
    """
    contact = contact_of(record, contact_id)
    kind = ServiceMessageKind.SIGN_IN if contact.confirmed_at else ServiceMessageKind.CONFIRM
    if is_silenced(session, contact):
        raise LinkNotSent("This address must not be written to: see the suppressions of this record.")
    reached = {contact.id: (Channel(contact.channel), contact.address)}
    if not message_limits.allowed(session, reached, kind, council_id=user.council_id):
        raise LinkNotSent("Three links went to this address today. Try again tomorrow.")
    service_messages.send(session, [(contact.id, None)], kind)
    _audit(session, user, "subscriber.link", record, kind=kind.value, channel=Channel(contact.channel).value)
    return kind


def contact_of(record: SubscriberRecord, contact_id: UUID) -> Contact:
    """One contact of this record. Raises: NoSuchContact."""
    for contact in record.contacts:
        if contact.id == contact_id:
            return contact
    raise NoSuchContact("This subscriber has no such contact.")


def _audit(session: Session, user: Principal, action: str, record: SubscriberRecord, **said: object) -> None:
    audit(
        session,
        council_id=user.council_id,
        actor=user.actor,
        action=action,
        subject=str(record.subscriber.id),
        **said,
    )
