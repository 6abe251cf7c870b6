"""A person's own yes to what was asked for their address, and what it then changes."""

from uuid import UUID

from sqlmodel import Session, col, delete, select

from notify.core import clock
from notify.places.postcodes import normalise
from notify.subscribers import topic_places
from notify.subscribers.access_models import ConsentRequest, ErasedAddress
from notify.subscribers.imports.enrolment import enrol
from notify.subscribers.imports.entries import Entry
from notify.subscribers.models import (
    ConfirmedBy,
    ConsentAction,
    ConsentEvidence,
    Contact,
    MailFormat,
    NewContact,
    NewSubscriber,
    Subscriber,
    Topic,
)
from notify.subscribers.service import note_consent


def accept(session: Session, request: ConsentRequest, contact: Contact, by: ConfirmedBy) -> None:
    """Do what was asked for: this is the person's newest word, whatever they said before."""
    topics = session.exec(
        select(Topic).where(col(Topic.id).in_(request.topics), Topic.council_id == request.council_id)
    ).all()
    person = person_of(request, contact)
    evidence = ConsentEvidence(
        wording_version=request.wording_version, language=request.language, source=request.source
    )
    sent_there = [topic for topic in topics if topic.is_offered and contact.channel in topic.channels]
    session.delete(request)
    session.flush()
    enrol(session, contact.council_id, [Entry(1, person, sent_there)], evidence, proof=by, asked_by=None)
    if request.is_own:
        postcodes = [normalise(place.postcode) for place in person.places]
        topic_places.widen(session, contact.subscriber_id, [topic.id for topic in sent_there], postcodes)
        _take_answers(session, contact.subscriber_id, person, source=request.source)


def person_of(request: ConsentRequest, contact: Contact) -> NewSubscriber:
    """What was answered for this contact."""
    there = NewContact(channel=contact.channel, address=contact.address).model_dump(mode="json")
    return NewSubscriber.model_validate(request.answers | {"contacts": [there]})


def _take_answers(session: Session, subscriber_id: UUID, person: NewSubscriber, *, source: str) -> None:
    """How they want to be written to; a box that was not ticked leaves an older yes to being counted."""
    subscriber = session.get_one(Subscriber, subscriber_id)
    subscriber.name = subscriber.name or person.name
    subscriber.language = person.language
    subscriber.mail_format = MailFormat(person.mail_format)
    subscriber.changed_at = clock.now()
    if person.tracking_consent and not subscriber.tracking_consent:
        subscriber.tracking_consent = True
        note_consent(session, subscriber, ConsentAction.GIVEN, topic_id=None, channel="tracking", source=source)


def forget_erasure(session: Session, contact: Contact) -> None:
    """Someone who was erased is back by their own word: nothing of then is kept."""
    session.execute(
        delete(ErasedAddress).where(
            col(ErasedAddress.address_hash) == contact.address_hash,
            col(ErasedAddress.council_id) == contact.council_id,
        )
    )
