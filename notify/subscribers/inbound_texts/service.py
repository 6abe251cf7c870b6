"""What residents write back by text: STOP and START are obeyed, and what only begins like them is for staff to read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from notify.core import clock
from notify.providers import addresses
from notify.providers.base import Channel, Inbound
from notify.subscribers import queries, service_messages
from notify.subscribers.access_models import InboundText
from notify.subscribers.inbound_texts.stop_words import Wish, wish_of
from notify.subscribers.models import Contact, ServiceMessage, ServiceMessageKind
from notify.subscribers.suppression import service as suppression_service

LONGEST = 1_000
ONE_REPLY_IN = timedelta(days=1)
# which of a number's contacts with several councils got the latest alert; deliveries know
TextedLast = Callable[[Session, Sequence[UUID]], UUID | None]


@dataclass(frozen=True, slots=True)
class Message:
    """A resident's message as their council sees it."""

    id: UUID
    at: datetime
    words: str
    address: str
    subscriber_id: UUID


def take(session: Session, said: Inbound, *, source: str, texted_last: TextedLast) -> bool:
    """Do what a resident wrote, or keep it for staff and say once how to stop; whether that changed anything."""
    if said.channel == Channel.SMS and wish_of(said.text) is Wish.UNSURE:
        return _keep(session, said, texted_last)
    return suppression_service.obey(session, said, source=source)


def _keep(session: Session, said: Inbound, texted_last: TextedLast) -> bool:
    """The council that wrote last sees the words, because they answer its text, and no other. The provider may say them
    again, which adds nothing.
    """
    try:
        address = addresses.normalise(said.channel, said.address)
    except addresses.AddressNotValid:
        return False
    contacts = queries.contacts_by_fingerprint(session, addresses.fingerprint(said.channel, address))
    words = " ".join(said.text.split())[:LONGEST]
    since = clock.now() - ONE_REPLY_IN
    if not contacts:
        return False
    ids = [contact.id for contact in contacts]
    last = texted_last(session, ids) if len(ids) > 1 else None
    answering = next((contact for contact in contacts if contact.id == last), contacts[0])
    recent = select(InboundText.id).where(
        InboundText.contact_id == answering.id, InboundText.words == words, InboundText.at > since
    )
    if session.exec(recent.limit(1)).first() is not None:
        return False
    at = said.at or clock.now()
    session.add(InboundText(council_id=answering.council_id, contact_id=answering.id, words=words, at=at))
    answered = select(ServiceMessage.id).where(
        col(ServiceMessage.contact_id).in_(ids),
        ServiceMessage.kind == ServiceMessageKind.HOW_TO_STOP,
        ServiceMessage.created_at > since,
    )
    if session.exec(answered.limit(1)).first() is None:
        service_messages.send(session, [(answering.id, None)], ServiceMessageKind.HOW_TO_STOP)
    return True


def of_council(
    session: Session,
    council_id: UUID,
    *,
    after: UUID | None = None,
    only: ColumnElement[bool] | None = None,
    limit: int = 100,
) -> Sequence[Message]:
    """The messages of this council's residents, the newest first, older than `after`. `only` is a condition for the
    contacts.
    """
    statement = (
        select(InboundText, Contact.address, Contact.subscriber_id)
        .join(Contact, col(Contact.id) == col(InboundText.contact_id))
        .where(InboundText.council_id == council_id)
        .order_by(col(InboundText.id).desc())
        .limit(limit)
    )
    if only is not None:
        statement = statement.where(only)
    if after is not None:
        statement = statement.where(col(InboundText.id) < after)
    return [
        Message(row.id, row.at, row.words, address, subscriber_id)
        for row, address, subscriber_id in session.exec(statement).all()
    ]
