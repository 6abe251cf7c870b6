"""Moving house by text: a postcode, the question whether it is meant, and the resident's yes."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session, col, delete, select

from notify.core import clock
from notify.core.errors import NotifyError
from notify.core.form_fields import Form
from notify.places.postcodes import canonical
from notify.subscribers import queries, service_messages
from notify.subscribers.access_models import InboundText
from notify.subscribers.models import Contact, ServiceMessage, ServiceMessageKind
from notify.subscribers.my import choices
from notify.subscribers.sign_up import coverage
from notify.subscribers.suppression import service as suppression_service

YES_WITHIN = timedelta(days=1)


def ask(session: Session, contact: Contact, postcode: str) -> None:
    """Ask whether the one place of this resident is now at `postcode`, a key; or say that texts cannot do it.

    They cannot where there are several places, where the resident must say which ward is theirs, and where the council
    that they answer does not cover the postcode.
    """
    record = queries.council_record(session, contact.council_id, contact.subscriber_id)
    forget(session, contact)
    if suppression_service.is_suppressed(session, contact):
        return  # nobody would read the question
    if len(record.places) != 1 or not _is_plain(session, contact, postcode):
        _write(session, contact, ServiceMessageKind.TEXT_NOT_MOVED)
        return
    wanted = InboundText(
        council_id=contact.council_id, contact_id=contact.id, words=canonical(postcode), move_to=postcode
    )
    session.add(wanted)
    session.flush()
    service_messages.write_notices(
        session, [contact.id], ServiceMessageKind.TEXT_MOVE, council_id=contact.council_id, about=wanted.id
    )


def asked(session: Session, contacts: Sequence[Contact]) -> Contact | None:
    """Of a number's contacts the one whose question waits for a yes or no, the latest of several."""
    waiting = [(found.at, contact) for contact in contacts if (found := _waiting(session, contact))]
    return max(waiting, key=lambda one: one[0])[1] if waiting else None


def agree(session: Session, contact: Contact) -> None:
    """Move the place, and tell every address of the resident where to, because a sender's number can be forged. Topics
    end that the new place has not.
    """
    waiting = _waiting(session, contact)
    if waiting is None or waiting.move_to is None:
        return
    record = queries.council_record(session, contact.council_id, contact.subscriber_id)
    forget(session, contact)
    if len(record.places) != 1 or not _is_plain(session, contact, waiting.move_to):  # since the question
        _write(session, contact, ServiceMessageKind.TEXT_NOT_MOVED)
        return
    offered = choices.choices_of(session, record)
    choices.move(session, offered, record.places[0], Form({"postcode": [waiting.move_to]}))
    every = [one.id for one in record.contacts if one.confirmed_at]
    service_messages.write_notices(session, every, ServiceMessageKind.TEXT_MOVED, council_id=contact.council_id)


def forget(session: Session, contact: Contact) -> None:
    """Let go of a question that was not answered with yes."""
    mine = col(InboundText.contact_id) == contact.id
    session.exec(delete(InboundText).where(mine, col(InboundText.move_to).is_not(None)))


def _waiting(session: Session, contact: Contact) -> InboundText | None:
    """The question that this number was sent within a day."""
    was_sent = select(ServiceMessage.id).where(col(ServiceMessage.about) == col(InboundText.id)).exists()
    statement = select(InboundText).where(
        was_sent,
        InboundText.contact_id == contact.id,
        col(InboundText.move_to).is_not(None),
        InboundText.at > clock.now() - YES_WITHIN,
    )
    return session.exec(statement.order_by(col(InboundText.id).desc()).limit(1)).first()


def _is_plain(session: Session, contact: Contact, postcode: str) -> bool:
    try:
        offer = coverage.offer_at(session, postcode, contact.council_id)
    except NotifyError:
        return False
    return len(offer.wards) == 1


def _write(session: Session, contact: Contact, kind: ServiceMessageKind) -> None:
    service_messages.write_notices(session, [contact.id], kind, council_id=contact.council_id)
