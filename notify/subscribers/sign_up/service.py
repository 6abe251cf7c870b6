"""What people do themselves before they are signed in: sign up with one council or several, and say yes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from notify.core import clock
from notify.core.db import new_id
from notify.languages import _
from notify.providers.addresses import normalise
from notify.providers.base import Channel
from notify.subscribers import equal_timing, queries
from notify.subscribers.confirmation_codes import use_code
from notify.subscribers.consent import answers as consent_answers
from notify.subscribers.consent import requests as consent_requests
from notify.subscribers.consent.confirmation import answered_by
from notify.subscribers.consent.ledger import give_up
from notify.subscribers.consent.requests import Request
from notify.subscribers.imports.enrolment import enrol
from notify.subscribers.imports.entries import Entry
from notify.subscribers.imports.insert_statements import Enrolment
from notify.subscribers.links import LinkUsedOrExpired, use_link_about
from notify.subscribers.models import (
    ConfirmedBy,
    ConsentAction,
    ConsentEvidence,
    Contact,
    NewSubscriber,
    ServiceMessageKind,
    Subscriber,
    Topic,
)
from notify.subscribers.service import NotEnrolled, note_consent, record_wording
from notify.subscribers.service_messages import ask_to_confirm, write_notices
from notify.subscribers.suppression import bounces


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

    An address that a council has confirmed before gets a message too, and what is asked for waits behind its link:
    nothing that the council holds changes before. The page looks the same and takes the same time, so that nobody
    learns who subscribes. Addresses that are new to the council become a membership of their own.
    Raises: NotEnrolled, AddressNotValid.
    """
    record_wording(session, consent)
    equal_timing.one_at_a_time(session, person)
    together = new_id()
    waiting: list[tuple[Contact, Request]] = []
    nothing_new: list[Contact] = []
    added: list[UUID] = []
    for council_id in dict.fromkeys(topic.council_id for topic in topics):
        its_own = [topic for topic in topics if topic.council_id == council_id]
        by = Enrolment(council_id, consent, clock.now(), proof=None, asked_by=None, sign_up=together)
        known = queries.known_contacts(session, council_id, person)
        there = [contact for contact in known if contact.confirmed_at]
        requests = [consent_requests.own(session, contact, person, its_own, by) for contact in there]
        waiting += [(contact, one) for contact, one in zip(there, requests, strict=True) if one]
        nothing_new += [contact for contact, one in zip(there, requests, strict=True) if one is None]
        others = _without(person, there)
        if others is None:
            equal_timing.enrol_nobody(session, council_id, person, its_own, consent)
            continue
        reachable = {contact.channel for contact in others.contacts}
        sent_there = [topic for topic in its_own if reachable & set(topic.channels)]
        if len(there) < len(known):
            _start_afresh(session, [one for one in known if not one.confirmed_at], others, together)
        [outcome] = enrol(
            session, council_id, [Entry(1, others, sent_there)], consent, proof=None, asked_by=None, sign_up=together
        )
        if outcome.subscriber_id is None:
            raise NotEnrolled(outcome.reason)
        added.append(outcome.subscriber_id)
    _write_to_each(session, waiting, nothing_new, added, council_id=assisted_by)


def _without(person: NewSubscriber, confirmed: Sequence[Contact]) -> NewSubscriber | None:
    """The person with those addresses only that the council has not confirmed; None where there is none."""
    there = {(Channel(contact.channel), contact.address) for contact in confirmed}
    left = [one for one in person.contacts if (one.channel, normalise(one.channel, one.address)) not in there]
    return person.model_copy(update={"contacts": left}) if left else None


def _write_to_each(
    session: Session,
    waiting: Sequence[tuple[Contact, Request]],
    nothing_new: Sequence[Contact],
    added: Sequence[UUID],
    *,
    council_id: UUID | None,
) -> None:
    """One message to each address: to confirm, which answers for all councils of this sign-up, or, where there is
    nothing to say yes to, to manage what it gets already.
    """
    asked = set(ask_to_confirm(session, added, council_id=council_id, asked_by_stranger=True))
    consent_requests.ask_once(session, waiting, written=asked, council_id=council_id)
    asked |= {contact.address_hash for contact, _request in waiting}
    once = {contact.address_hash: contact.id for contact in reversed(nothing_new)}
    manage = [contact_id for address_hash, contact_id in once.items() if address_hash not in asked]
    write_notices(session, manage, ServiceMessageKind.SIGN_IN, council_id=council_id, asked_by_stranger=True)


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
    give_up(session, left)


def confirm(session: Session, token: str) -> Sequence[Contact]:
    """The resident says that the address is theirs: alerts may now be sent. Returns the council's contact, and first
    of those that the same sign-up made of it for other councils.

    Raises: LinkUsedOrExpired.
    """
    contact, about = use_link_about(session, token, ServiceMessageKind.CONFIRM)
    return _confirm(session, contact, about, ConfirmedBy.LINK)


def confirm_by_code(session: Session, number: str, code: str) -> Sequence[Contact]:
    """The same with the code that a text held; none where it is another, which the caller commits as a lost try.

    Raises: AddressNotValid.
    """
    found = use_code(session, number, code)
    return _confirm(session, *found, ConfirmedBy.CODE) if found else []


def _confirm(session: Session, asked: Contact, about: UUID | None, by: ConfirmedBy) -> Sequence[Contact]:
    """Take the yes, for what was asked for this address, and for all that the same sign-up asks for at it."""
    bounces.prove(session, asked.address_hash)
    together = answered_by(session, asked, about, for_update=True)
    if together is None:
        raise LinkUsedOrExpired(_("This has already been answered, or has expired. You can sign up again."))
    for contact in together.contacts.values():
        contact.confirmed_at = contact.confirmed_at or clock.now()
        contact.confirmed_by = by
        subscriber = session.get_one(Subscriber, contact.subscriber_id)
        note_consent(session, subscriber, ConsentAction.CONFIRMED, topic_id=None, channel=contact.channel, source=by)
        consent_answers.forget_erasure(session, contact)
    session.flush()
    for one in together.requests.values():
        consent_answers.accept(session, one, together.contacts[one.contact_id], by)
    return list(together.contacts.values())
