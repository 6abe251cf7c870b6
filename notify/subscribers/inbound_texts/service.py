"""What residents write back by text: what it asks for is done and answered, and what only begins like STOP is kept."""

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
from notify.subscribers.inbound_texts import house_moves
from notify.subscribers.inbound_texts.keywords import Keyword, SafetyAnswer, asked_for, is_plainly_safe, safety_answer
from notify.subscribers.inbound_texts.stop_words import POLITE, Wish, plain_words, wish_of
from notify.subscribers.models import Contact, ServiceMessage, ServiceMessageKind
from notify.subscribers.suppression import service as suppression_service

LONGEST = 1_000
ONE_REPLY_IN = timedelta(days=1)
# which of a number's contacts with several councils got the latest alert; deliveries know
TextedLast = Callable[[Session, Sequence[UUID]], UUID | None]
# takes words for the answer to an emergency that asked one of a number's contacts, plain or not: that contact;
# deliveries know
AnswerByText = Callable[[Session, Sequence[UUID], str, bool], UUID | None]


@dataclass(frozen=True, slots=True)
class Message:
    """A resident's message as their council sees it."""

    id: UUID
    at: datetime
    words: str
    address: str
    subscriber_id: UUID


def take(session: Session, said: Inbound, *, source: str, texted_last: TextedLast, answer: AnswerByText) -> bool:
    """Do what a resident wrote, and answer it by text; whether that changed anything.

    What only begins like a STOP is kept for staff. Numbers that nobody has confirmed are told nothing.
    """
    wish = wish_of(said.text)
    if said.channel != Channel.SMS or wish is Wish.STOP:
        for one in _contacts(session, said):
            house_moves.forget(session, one)  # a yes that comes later means no move
        return suppression_service.obey(session, said, source=source)
    if wish is Wish.UNSURE:
        return _keep(session, said, texted_last)
    if POLITE.issuperset(plain_words(said.text)):
        return False  # thanks, or nothing at all
    contacts = [one for one in _contacts(session, said) if one.confirmed_at]
    if contacts and _talk(session, contacts, said.text, texted_last, answer):
        return True
    if wish is Wish.START:
        return suppression_service.obey(session, said, source=source)
    return bool(contacts) and _not_understood(session, contacts, texted_last)


def _talk(
    session: Session, contacts: Sequence[Contact], words: str, texted_last: TextedLast, answer: AnswerByText
) -> bool:
    """Whether the words are an answer to a question, or a keyword; that is then done."""
    asked = asked_for(words)
    if asked.keyword in (Keyword.YES, Keyword.NO) and (moving := house_moves.asked(session, contacts)):
        (house_moves.agree if asked.keyword is Keyword.YES else house_moves.forget)(session, moving)
        return True
    if (safety := safety_answer(words)) and (
        contact_id := answer(
            session,
            [one.id for one in contacts],
            safety.value,
            safety is SafetyAnswer.HELP or is_plainly_safe(words),
        )
    ):
        kind = ServiceMessageKind.TEXT_SAFE if safety is SafetyAnswer.SAFE else ServiceMessageKind.TEXT_NEEDS_HELP
        _write(session, next(one for one in contacts if one.id == contact_id), kind)
        return True
    contact = _answering(session, contacts, texted_last)
    match asked.keyword:
        case Keyword.POSTCODE:
            house_moves.ask(session, contact, asked.postcode)
        case Keyword.HELP:
            _write(session, contact, ServiceMessageKind.TEXT_HELP)
        case Keyword.INFO:
            _write(session, contact, ServiceMessageKind.TEXT_INFO)
        case _:
            return False
    return True


def _not_understood(session: Session, contacts: Sequence[Contact], texted_last: TextedLast) -> bool:
    """Say so, once a day and number."""
    if _was_told(session, [one.id for one in contacts], ServiceMessageKind.TEXT_UNKNOWN):
        return False
    _write(session, _answering(session, contacts, texted_last), ServiceMessageKind.TEXT_UNKNOWN)
    return True


def _write(session: Session, contact: Contact, kind: ServiceMessageKind) -> None:
    service_messages.write_notices(session, [contact.id], kind, council_id=contact.council_id)


def _contacts(session: Session, said: Inbound) -> Sequence[Contact]:
    """The councils' contacts with this number; none for a short code, or a number that nobody here has."""
    try:
        address = addresses.normalise(said.channel, said.address)
    except addresses.AddressNotValid:
        return []
    return queries.contacts_by_fingerprint(session, addresses.fingerprint(said.channel, address))


def _answering(session: Session, contacts: Sequence[Contact], texted_last: TextedLast) -> Contact:
    """The contact of the council that wrote last: it is its text that is answered."""
    last = texted_last(session, [one.id for one in contacts]) if len(contacts) > 1 else None
    return next((contact for contact in contacts if contact.id == last), contacts[0])


def _was_told(session: Session, contact_ids: Sequence[UUID], kind: ServiceMessageKind) -> bool:
    """Whether this was said to the number within a day."""
    told = select(ServiceMessage.id).where(
        col(ServiceMessage.contact_id).in_(contact_ids),
        ServiceMessage.kind == kind,
        ServiceMessage.created_at > clock.now() - ONE_REPLY_IN,
    )
    return session.exec(told.limit(1)).first() is not None


def _keep(session: Session, said: Inbound, texted_last: TextedLast) -> bool:
    """The council that wrote last sees the words, because they answer its text, and no other. The provider may say them
    again, which adds nothing.
    """
    contacts = _contacts(session, said)
    if not contacts:
        return False
    words = " ".join(said.text.split())[:LONGEST]
    since = clock.now() - ONE_REPLY_IN
    answering = _answering(session, contacts, texted_last)
    recent = select(InboundText.id).where(
        InboundText.contact_id == answering.id, InboundText.words == words, InboundText.at > since
    )
    if session.exec(recent.limit(1)).first() is not None:
        return False
    at = said.at or clock.now()
    session.add(InboundText(council_id=answering.council_id, contact_id=answering.id, words=words, at=at))
    if not _was_told(session, [contact.id for contact in contacts], ServiceMessageKind.HOW_TO_STOP):
        service_messages.send(session, [(answering.id, None)], ServiceMessageKind.HOW_TO_STOP)
    return True


def of_council(
    session: Session,
    council_id: UUID,
    *,
    after: UUID | None = None,
    only: ColumnElement[bool] | None = None,
    also_moves: bool = False,
    limit: int = 100,
) -> Sequence[Message]:
    """The messages of this council's residents, the newest first, older than `after`. `only` is a condition for the
    contacts. Postcodes to move to, which nobody has to read, are left out unless `also_moves`.
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
    if not also_moves:
        statement = statement.where(col(InboundText.move_to).is_(None))
    if after is not None:
        statement = statement.where(col(InboundText.id) < after)
    return [
        Message(row.id, row.at, row.words, address, subscriber_id)
        for row, address, subscriber_id in session.exec(statement).all()
    ]
