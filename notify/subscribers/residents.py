"""What people do themselves before they are signed in: sign up with one council or several, and say yes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from notify import clock
from notify.db import new_id
from notify.subscribers import alike, bounces, queries
from notify.subscribers.codes import use_code
from notify.subscribers.consents import NEVER_CONFIRMED, withdraw_all
from notify.subscribers.enrolment import Entry, enrol
from notify.subscribers.links import use_link
from notify.subscribers.models import (
    ConfirmedBy,
    ConsentAction,
    ConsentEvidence,
    Contact,
    NewSubscriber,
    NoticeKind,
    Subscriber,
    Topic,
)
from notify.subscribers.notices import ask_to_confirm, write_notices
from notify.subscribers.service import NotEnrolled, note_consent, record_wording


def sign_up(
    session: Session,
    *,
    person: NewSubscriber,
    topics: Sequence[Topic],
    consent: ConsentEvidence,
    assisted_by: UUID | None = None,
) -> None:
    """A resident signs up with the councils of these topics. Each address is written to once, and to nothing else
    before they confirm; one yes to it confirms it for all of these councils. `assisted_by`: at that council's desk.

    Where a council has confirmed them before, they get a link to manage their choices instead, and nothing that it
    holds changes: the page looks the same and takes the same time, so that nobody learns who subscribes.
    Raises: NotEnrolled, AddressNotValid.
    """
    record_wording(session, consent)
    alike.one_at_a_time(session, person)
    together = new_id()
    confirmed: list[Contact] = []
    added: list[UUID] = []
    for council_id in dict.fromkeys(topic.council_id for topic in topics):
        its_own = [topic for topic in topics if topic.council_id == council_id]
        known = queries.known_contacts(session, council_id, person)
        there = [contact for contact in known if contact.confirmed_at]
        if there:
            alike.enrol_nobody(session, council_id, person, its_own, consent)
            confirmed += there
            continue
        if known:
            _start_afresh(session, known, person, together)
        [outcome] = enrol(
            session, council_id, [Entry(1, person, its_own)], consent, proof=None, asked_by=None, sign_up=together
        )
        if outcome.subscriber_id is None:
            raise NotEnrolled(outcome.reason)
        added.append(outcome.subscriber_id)
    once = {contact.address_hash: contact.id for contact in reversed(confirmed)}
    write_notices(session, list(once.values()), NoticeKind.SIGN_IN, council_id=assisted_by, asked_by_stranger=True)
    ask_to_confirm(session, added, council_id=assisted_by, asked_by_stranger=True)


def _start_afresh(session: Session, unconfirmed: Sequence[Contact], person: NewSubscriber, sign_up: UUID) -> None:
    """Take addresses of one council that nobody has confirmed out of older sign-ups, so that the newest one has them
    alone.

    Otherwise whoever signs up a neighbour's address beside their own would stay beside the neighbour later. The
    contacts themselves are kept, because they count how often the address was written to.
    """
    fresh = Subscriber(
        council_id=unconfirmed[0].council_id,
        name=person.name,
        language=person.language,
        tracking_consent=person.tracking_consent,
        mail_format=person.mail_format,
    )
    session.add(fresh)
    session.flush()
    left = {contact.subscriber_id for contact in unconfirmed}
    moved = update(Contact).where(col(Contact.id).in_([contact.id for contact in unconfirmed]))
    session.execute(moved.values(subscriber_id=fresh.id, sign_up=sign_up))
    reachable = select(Contact.id).where(col(Contact.subscriber_id) == col(Subscriber.id)).exists()
    given_up = session.exec(select(Subscriber.id).where(col(Subscriber.id).in_(left), ~reachable)).all()
    withdraw_all(session, given_up, source=NEVER_CONFIRMED)
    session.execute(delete(Subscriber).where(col(Subscriber.id).in_(left), ~reachable))


def confirm(session: Session, token: str) -> Sequence[Contact]:
    """The resident says that the address is theirs: alerts may now be sent. Returns the council's contact, and first
    of those that the same sign-up made of it for other councils.

    Raises: LinkUsedOrExpired.
    """
    return _confirm(session, use_link(session, token, NoticeKind.CONFIRM), ConfirmedBy.LINK)


def confirm_by_code(session: Session, number: str, code: str) -> Sequence[Contact]:
    """The same with the code that a text held; none where it is another, which the caller commits as a lost try.

    Raises: AddressNotValid.
    """
    contact = use_code(session, number, code)
    return _confirm(session, contact, ConfirmedBy.CODE) if contact else []


def _confirm(session: Session, asked: Contact, by: ConfirmedBy) -> Sequence[Contact]:
    bounces.prove(session, asked.address_hash)
    together = [asked, *queries.signed_up_with(session, asked)]
    for contact in together:
        contact.confirmed_at = contact.confirmed_at or clock.now()
        contact.confirmed_by = by
        subscriber = session.get_one(Subscriber, contact.subscriber_id)
        note_consent(session, subscriber, ConsentAction.CONFIRMED, topic_id=None, channel=contact.channel, source=by)
    return together
