"""Writes about topics and residents: one function, one use case. Each leaves its line in the consent ledger."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Conflict, Invalid
from notify.places import succession
from notify.places.postcodes import normalise as normalise_postcode
from notify.staff.queries import council
from notify.staff.service import audit
from notify.subscribers import queries, topic_places
from notify.subscribers.consent.contact_requests import ask_to_add
from notify.subscribers.consent.ledger import record_unsubscribe
from notify.subscribers.consent.order import AddressErased, is_older_than_no_to_counting
from notify.subscribers.imports.enrolment import Enrolled, EnrolStatus, enrol
from notify.subscribers.imports.entries import Entry
from notify.subscribers.models import (
    ConfirmedBy,
    Consent,
    ConsentAction,
    ConsentEvidence,
    ConsentWording,
    Contact,
    NewContact,
    NewSubscriber,
    NewTopic,
    Place,
    Subscriber,
    SubscriberChange,
    SubscriberRequest,
    Subscription,
    Topic,
    TopicPurpose,
)
from notify.subscribers.service_messages import ask_to_confirm
from notify.subscribers.topic_models import LegalBasis


class TopicExists(Conflict):
    """The short name is taken."""

    title = "There is already such a topic"


class WordingMissing(Invalid):
    """Consent to words that nobody has recorded is no evidence."""

    title = "The consent wording is not known"


class WordingDiffers(Conflict):
    """A version never changes: new words are a new version."""

    title = "This version has other words"


class NotEnrolled(Invalid):
    """The resident could not be added; the message says why."""

    title = "The subscriber could not be added"


class ConsentIsOlder(Conflict):
    """The person said no, and nobody knows of a later yes."""

    title = "The person has withdrawn this consent"


def create_topic(session: Session, *, council_id: UUID, actor: str, new: NewTopic) -> Topic:
    """A new topic of this council. Raises: TopicExists."""
    if session.exec(select(Topic.id).where(Topic.council_id == council_id, Topic.slug == new.slug)).first():
        raise TopicExists(f"Your council already has a topic {new.slug!r}.")
    said = new.model_dump()
    basis = LegalBasis.PUBLIC_TASK if new.purpose == TopicPurpose.EMERGENCY else LegalBasis.CONSENT
    said["legal_basis"] = new.legal_basis or basis
    said["position"] = _last_position(session, council_id)
    topic = Topic(council_id=council_id, **said)
    session.add(topic)
    session.flush()
    audit(session, council_id=council_id, actor=actor, action="topic.create", subject=new.slug)
    return topic


def _last_position(session: Session, council_id: UUID) -> int:
    """Where the last topic stands: 0 until someone has put them in an order, and then they stand by short name."""
    last = select(func.coalesce(func.max(Topic.position), 0)).where(Topic.council_id == council_id)
    return int(session.exec(last).one())


def record_wording(session: Session, evidence: ConsentEvidence) -> None:
    """Keep the words of this version, or check that they are the ones we have.

    Raises: WordingMissing for a version without words, WordingDiffers for other words than before.
    """
    known = session.get(ConsentWording, (evidence.wording_version, evidence.language))
    if known is None and not evidence.wording:
        raise WordingMissing(
            f"Send `wording` with the exact words of version {evidence.wording_version!r} the first time it is used."
        )
    if known and evidence.wording and known.wording != evidence.wording:
        raise WordingDiffers(f"Version {evidence.wording_version!r} was recorded with other words. Use a new version.")
    if known is None:
        statement = insert(ConsentWording).values(
            version=evidence.wording_version, language=evidence.language, wording=evidence.wording
        )
        session.execute(statement.on_conflict_do_nothing())


def evidence_of(session: Session, council_id: UUID, evidence: ConsentEvidence) -> ConsentEvidence:
    """The evidence with this council's name before the version, so that two councils' `v1` are two wordings."""
    slug = council(session, council_id).slug
    return evidence.model_copy(update={"wording_version": f"{slug}/{evidence.wording_version}"})


def add_subscriber(session: Session, *, council_id: UUID, actor: str, request: SubscriberRequest) -> Enrolled:
    """Add a resident to topics of this council, with the evidence of their consent.

    Raises: UnknownTopic, NotEnrolled, AddressErased, WordingMissing, WordingDiffers, AreaEnded for a place's ward.
    """
    succession.require_wards_of_places(session, [place.ward for place in request.places])
    evidence = evidence_of(session, council_id, request.consent)
    record_wording(session, evidence)
    topics = [queries.topic(session, council_id, slug) for slug in request.topics]
    person = NewSubscriber.model_validate(request.model_dump(exclude={"consent", "confirm"}))
    proof = None if request.confirm else ConfirmedBy.COUNCIL
    [outcome] = enrol(
        session,
        council_id,
        [Entry(1, person, topics)],
        evidence,
        proof=proof,
        asked_by=actor,
        must_ask=request.confirm,
    )
    if outcome.is_erased:
        raise AddressErased(outcome.reason)
    if outcome.status == EnrolStatus.REFUSED or outcome.subscriber_id is None:
        raise NotEnrolled(outcome.reason)
    if request.confirm:
        ask_to_confirm(session, [outcome.subscriber_id], council_id=council_id)
    if outcome.waiting:
        ask_to_add(session, council_id, [outcome.subscriber_id])
    audit(session, council_id=council_id, actor=actor, action="subscriber.add", subject=str(outcome.subscriber_id))
    return outcome


def change_for_council(
    session: Session, *, council_id: UUID, subscriber_id: UUID, change: SubscriberChange, actor: str
) -> None:
    """The same by a council, of its own residents.

    A topic that they had left, where the consent is no newer, waits until they say yes to a message.
    Raises: UnknownSubscriber, UnknownTopic, ConsentIsOlder, AreaEnded for a place, and what `change_subscriber` raises.
    """
    record = queries.council_record(session, council_id, subscriber_id)
    succession.require_wards_of_places(session, [place.ward for place in change.places or ()])
    if change.tracking_consent and change.consent is None:
        raise WordingMissing("Send `consent` with the words that were agreed to when somebody is to be counted.")
    if change.consent:
        change.consent = evidence_of(session, council_id, change.consent)
    topics = None if change.topics is None else [queries.topic(session, council_id, slug) for slug in change.topics]
    given_at = change.consent.given_at if change.consent else None
    if change.tracking_consent and is_older_than_no_to_counting(session, subscriber_id, given_at):
        raise ConsentIsOlder("They said no to being counted. Send `consent.given_at` with the moment of a later yes.")
    change_subscriber(session, record=record, topics=topics, change=change, source=actor, asked_by=actor)
    _limit_to_places(session, council_id, subscriber_id, change)
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="subscriber.change",
        subject=str(subscriber_id),
        fields=sorted(change.model_fields_set),
    )


def _limit_to_places(session: Session, council_id: UUID, subscriber_id: UUID, change: SubscriberChange) -> None:
    """Follow the topics that the change names for some places only. Raises: UnknownTopic, NotEnrolled."""
    session.flush()
    statement = select(Place.postcode).where(Place.subscriber_id == subscriber_id)
    places = set(session.exec(statement)) if change.only_at else set()
    for slug, postcodes in (change.only_at or {}).items():
        only = [normalise_postcode(postcode) for postcode in postcodes]
        if not places.issuperset(only):
            raise NotEnrolled(f"`only_at` of {slug!r} names a postcode that is none of their places.")
        topic_places.limit(session, subscriber_id, queries.topic(session, council_id, slug).id, only or None)


def change_subscriber(
    session: Session,
    *,
    record: queries.SubscriberRecord,
    topics: Sequence[Topic] | None,
    change: SubscriberChange,
    source: str,
    asked_by: str | None = None,
) -> None:
    """Change what is named and leave the rest. `topics` replaces the topics of `record`, None leaves them. `asked_by`:
    a council's actor, None where the person changes it.

    Raises: NotEnrolled when a place or topic cannot be taken, WordingMissing when topics are added without evidence.
    """
    subscriber = record.subscriber
    if change.tracking_consent not in (None, subscriber.tracking_consent):
        _note_counting(session, subscriber, change, source=source, is_own=asked_by is None)
    kept = change.model_dump(include={"name", "language", "tracking_consent", "mail_format"}, exclude_none=True)
    session.execute(
        update(Subscriber).where(col(Subscriber.id) == subscriber.id).values(**kept, changed_at=clock.now())
    )
    following = {topic.id for _, topic in record.subscriptions}
    wanted = following if topics is None else {topic.id for topic in topics}
    for subscription, topic in record.subscriptions:
        if topic.id not in wanted:
            _end(session, subscriber, subscription, topic.id, reason="changed", source=source)
    if following and not wanted:
        note_consent(session, subscriber, ConsentAction.WITHDRAWN, topic_id=None, channel=None, source=source)
    added = [topic for topic in topics or () if topic.id not in following]
    if added and change.consent is None:
        raise WordingMissing("Send `consent` with the words that were agreed to when topics are added.")
    if added or change.places is not None:
        _add_to(session, record, added, change, asked_by)


def _note_counting(
    session: Session, subscriber: Subscriber, change: SubscriberChange, *, source: str, is_own: bool
) -> None:
    """A yes or no to being counted; a yes that a council brings is as old as it says."""
    action = ConsentAction.GIVEN if change.tracking_consent else ConsentAction.WITHDRAWN
    at = change.consent.given_at if change.consent and change.tracking_consent else None
    is_dated = is_own or at is not None or not change.tracking_consent
    way = "tracking"
    note_consent(session, subscriber, action, topic_id=None, channel=way, source=source, at=at, is_dated=is_dated)


def resume(session: Session, *, record: queries.SubscriberRecord, contact: Contact, consent: ConsentEvidence) -> None:
    """Send to this contact again, for every topic that the resident follows and that is sent that way."""
    record_wording(session, consent)
    topics = [topic for _, topic in record.subscriptions if topic.is_offered and contact.channel in topic.channels]
    person = NewSubscriber(contacts=[NewContact(channel=contact.channel, address=contact.address)])
    enrol(session, contact.council_id, [Entry(1, person, topics)], consent, proof=None, asked_by=None)


def _add_to(
    session: Session,
    record: queries.SubscriberRecord,
    added: Sequence[Topic],
    change: SubscriberChange,
    asked_by: str | None,
) -> None:
    """Add topics and put new places where the old ones were."""
    evidence = change.consent or ConsentEvidence(wording_version="none", source="change")
    if added:
        record_wording(session, evidence)
    if change.places is not None:
        session.execute(delete(Place).where(col(Place.subscriber_id) == record.subscriber.id))
    if not record.contacts:
        raise NotEnrolled("There is no address left to write to: add the subscriber anew.")
    person = NewSubscriber(
        contacts=[NewContact(channel=contact.channel, address=contact.address) for contact in record.contacts]
    )
    # apart from the topics, because the places do not wait where a topic does
    at_places = person.model_copy(update={"places": change.places or []})
    entries = [Entry(1, at_places, []), Entry(2, person, added)]
    whose = record.subscriber
    outcomes = enrol(session, whose.council_id, entries, evidence, proof=None, asked_by=asked_by, membership=whose.id)
    for outcome in outcomes:
        if outcome.status == EnrolStatus.REFUSED:
            raise NotEnrolled(outcome.reason)
    if change.places is not None:
        _forget_removed_places(session, record, source=asked_by or evidence.source)


def _forget_removed_places(session: Session, record: queries.SubscriberRecord, *, source: str) -> None:
    """End the topics that were followed for places alone that are gone."""
    ended = topic_places.forget_removed(session, record.subscriber.id)
    for subscription, topic in record.subscriptions:
        if topic.id in ended:
            _end(session, record.subscriber, subscription, topic.id, reason="changed", source=source)


def _end(
    session: Session, subscriber: Subscriber, subscription: Subscription, topic_id: UUID, *, reason: str, source: str
) -> None:
    session.execute(
        update(Subscription)
        .where(col(Subscription.id) == subscription.id, col(Subscription.ended_at).is_(None))
        .values(ended_at=clock.now(), ended_reason=reason)
    )
    note_consent(session, subscriber, ConsentAction.WITHDRAWN, topic_id=topic_id, channel=None, source=source)


def note_consent(
    session: Session,
    subscriber: Subscriber,
    action: ConsentAction,
    *,
    topic_id: UUID | None,
    channel: str | None,
    source: str,
    at: datetime | None = None,
    is_dated: bool = True,
) -> None:
    """A line in the consent ledger that no wording of a council stands behind: `source` says where it was said, `at`
    when, if not now. Not `is_dated`: nobody knows when.
    """
    session.add(
        Consent(
            at=at or clock.now(),
            is_dated=is_dated,
            council_id=subscriber.council_id,
            subscriber_id=subscriber.id,
            topic_id=topic_id,
            channel=channel,
            action=action,
            wording_version=source,
            language=subscriber.language,
            source=source,
        )
    )


def unsubscribe(session: Session, *, contact_id: UUID, topic_id: UUID | None, source: str) -> bool:
    """Stop this channel for one topic, or (None) for all that the resident follows of this contact's council; whether
    anything was left to stop.

    Takes effect before the next send, also for messages already queued. Safe to repeat.
    """
    contact = session.get(Contact, contact_id)
    if contact is None:
        return False
    # first, as enrolment does, which otherwise would not see someone who is leaving at this moment
    subscriber = session.get_one(Subscriber, contact.subscriber_id, with_for_update=True)
    stopped = session.execute(
        text("""
            UPDATE subscription
            SET channels = array_remove(channels, :channel),
                ended_at = CASE WHEN channels = ARRAY[:channel] THEN :now END,
                ended_reason = CASE WHEN channels = ARRAY[:channel] THEN 'unsubscribed' END
            WHERE subscriber_id = :subscriber AND ended_at IS NULL AND CAST(:channel AS text) = ANY(channels)
              AND (CAST(:topic AS uuid) IS NULL OR topic_id = :topic)
            RETURNING topic_id
        """),
        {"channel": contact.channel, "subscriber": contact.subscriber_id, "topic": topic_id, "now": clock.now()},
    ).scalars()
    ended = list(stopped)
    if ended:
        subscriber.changed_at = clock.now()
    for ended_topic in ended:
        note_consent(
            session, subscriber, ConsentAction.WITHDRAWN, topic_id=ended_topic, channel=contact.channel, source=source
        )
    if topic_id is None or ended:
        record_unsubscribe(session, contact, source=source)
    return bool(ended)
