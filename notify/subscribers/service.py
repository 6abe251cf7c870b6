"""Writes about topics and residents: one function, one use case. Each leaves its line in the consent ledger."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from notify import clock
from notify.errors import Conflict, Invalid
from notify.staff.queries import council
from notify.staff.service import audit
from notify.subscribers import addresses, alike, queries
from notify.subscribers.codes import use_code
from notify.subscribers.consents import NEVER_CONFIRMED, withdraw_all
from notify.subscribers.enrolment import Enrolled, EnrolStatus, Entry, enrol
from notify.subscribers.links import use_link
from notify.subscribers.models import (
    Consent,
    ConsentAction,
    ConsentEvidence,
    ConsentWording,
    Contact,
    LinkToken,
    NewContact,
    NewSubscriber,
    NewTopic,
    Notice,
    NoticeKind,
    Place,
    Subscriber,
    SubscriberChange,
    SubscriberRequest,
    Subscription,
    Topic,
)
from notify.subscribers.notices import ask_to_confirm, write_notices


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


class AlreadySubscribed(Conflict):
    """The address is confirmed already: asking again would change nothing and say too much."""

    title = "This address is confirmed already"


class SharedSubscriber(Conflict):
    """A resident of several councils decides about themselves."""

    title = "Only the subscriber can change this"


def create_topic(session: Session, *, council_id: UUID, actor: str, new: NewTopic) -> Topic:
    """A new topic of this council. Raises: TopicExists."""
    if session.exec(select(Topic.id).where(Topic.council_id == council_id, Topic.slug == new.slug)).first():
        raise TopicExists(f"Your council already has a topic {new.slug!r}.")
    topic = Topic(council_id=council_id, **new.model_dump())
    session.add(topic)
    session.flush()
    audit(session, council_id=council_id, actor=actor, action="topic.create", subject=new.slug)
    return topic


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

    Raises: UnknownTopic, NotEnrolled, WordingMissing, WordingDiffers.
    """
    evidence = evidence_of(session, council_id, request.consent)
    record_wording(session, evidence)
    topics = [queries.topic(session, council_id, slug) for slug in request.topics]
    person = NewSubscriber.model_validate(request.model_dump(exclude={"consent", "confirm"}))
    if request.confirm and any(contact.confirmed_at for contact in _known_contacts(session, person)):
        raise AlreadySubscribed("Send the evidence of their consent without `confirm`, or ask them to add the topic.")
    [outcome] = enrol(session, [Entry(1, person, topics)], evidence, confirmed=not request.confirm)
    if outcome.status == EnrolStatus.REFUSED or outcome.subscriber_id is None:
        raise NotEnrolled(outcome.reason)
    if request.confirm:
        ask_to_confirm(session, [outcome.subscriber_id], asked_by_stranger=False)
    audit(session, council_id=council_id, actor=actor, action="subscriber.add", subject=str(outcome.subscriber_id))
    return outcome


def sign_up(session: Session, *, person: NewSubscriber, topics: Sequence[Topic], consent: ConsentEvidence) -> None:
    """A resident signs up by themselves. They are written to once, and to nothing else before they confirm.

    Whoever has confirmed before gets a link to manage their choices instead, and nothing of theirs changes: the page
    looks the same and takes the same time, so that nobody learns who subscribes. Raises: NotEnrolled, AddressNotValid.
    """
    record_wording(session, consent)
    alike.one_at_a_time(session, person)
    known = _known_contacts(session, person)
    confirmed = [contact.id for contact in known if contact.confirmed_at]
    if confirmed:
        alike.enrol_nobody(session, person, topics, consent)
        write_notices(session, confirmed, NoticeKind.SIGN_IN, asked_by_stranger=True)
        return
    if known:
        _start_afresh(session, known, person)
    [outcome] = enrol(session, [Entry(1, person, topics)], consent, confirmed=False)
    if outcome.subscriber_id is None:
        raise NotEnrolled(outcome.reason)
    ask_to_confirm(session, [outcome.subscriber_id], asked_by_stranger=True)


def _known_contacts(session: Session, person: NewSubscriber) -> Sequence[Contact]:
    found = []
    for contact in person.contacts:
        address = addresses.normalise(contact.channel, contact.address)
        known = queries.contact_by_fingerprint(session, addresses.fingerprint(contact.channel, address))
        found += [known] if known else []
    return found


def _start_afresh(session: Session, unconfirmed: Sequence[Contact], person: NewSubscriber) -> None:
    """Take addresses that nobody has confirmed out of older sign-ups, so that the newest one has them alone.

    Otherwise whoever signs up a neighbour's address beside their own would stay beside the neighbour later. The
    contacts themselves are kept, because they count how often the address was written to.
    """
    fresh = Subscriber(
        name=person.name,
        language=person.language,
        tracking_consent=person.tracking_consent,
        mail_format=person.mail_format,
    )
    session.add(fresh)
    session.flush()
    left = {contact.subscriber_id for contact in unconfirmed}
    moved = update(Contact).where(col(Contact.id).in_([contact.id for contact in unconfirmed]))
    session.execute(moved.values(subscriber_id=fresh.id))
    reachable = select(Contact.id).where(col(Contact.subscriber_id) == col(Subscriber.id)).exists()
    given_up = session.exec(select(Subscriber.id).where(col(Subscriber.id).in_(left), ~reachable)).all()
    withdraw_all(session, given_up, council_id=None, source=NEVER_CONFIRMED)
    session.execute(delete(Subscriber).where(col(Subscriber.id).in_(left), ~reachable))


def confirm(session: Session, token: str) -> Contact:
    """The resident says that the address is theirs: alerts may now be sent. Returns the address.

    Raises: LinkUsedOrExpired.
    """
    return _confirm(session, use_link(session, token, NoticeKind.CONFIRM), source="link")


def confirm_by_code(session: Session, number: str, code: str) -> Contact | None:
    """The same with the code that a text held; None where it is another, which the caller commits as a lost try.

    Raises: AddressNotValid.
    """
    contact = use_code(session, number, code)
    return _confirm(session, contact, source="code") if contact else None


def _confirm(session: Session, contact: Contact, *, source: str) -> Contact:
    contact.confirmed_at = contact.confirmed_at or clock.now()
    subscriber = session.get_one(Subscriber, contact.subscriber_id)
    _note_consent(session, subscriber, ConsentAction.CONFIRMED, topic_id=None, channel=contact.channel, source=source)
    return contact


def change_for_council(
    session: Session, *, council_id: UUID, subscriber_id: UUID, change: SubscriberChange, actor: str
) -> None:
    """The same by a council: its own topics always, the person and their places only where nobody shares them.

    Raises: UnknownSubscriber, UnknownTopic, SharedSubscriber, and what `change_subscriber` raises.
    """
    record = queries.council_record(session, council_id, subscriber_id)
    personal = change.model_dump(include={"name", "language", "tracking_consent", "places"}, exclude_none=True)
    if personal and queries.is_shared(session, council_id, subscriber_id):
        raise SharedSubscriber(f"They also follow another council's topics and change their {' and '.join(personal)}.")
    if change.tracking_consent and change.consent is None:
        raise WordingMissing("Send `consent` with the words that were agreed to when somebody is to be counted.")
    if change.consent:
        change.consent = evidence_of(session, council_id, change.consent)
    topics = None if change.topics is None else [queries.topic(session, council_id, slug) for slug in change.topics]
    change_subscriber(session, record=record, topics=topics, change=change, source=actor)


def change_subscriber(
    session: Session,
    *,
    record: queries.SubscriberRecord,
    topics: Sequence[Topic] | None,
    change: SubscriberChange,
    source: str,
) -> None:
    """Change what is named and leave the rest. `topics` replaces the topics of `record`, None leaves them.

    Raises: NotEnrolled when a place or topic cannot be taken, WordingMissing when topics are added without evidence.
    """
    subscriber = record.subscriber
    if change.tracking_consent not in (None, subscriber.tracking_consent):
        action = ConsentAction.GIVEN if change.tracking_consent else ConsentAction.WITHDRAWN
        _note_consent(session, subscriber, action, topic_id=None, channel="tracking", source=source)
    kept = change.model_dump(include={"name", "language", "tracking_consent"}, exclude_none=True)
    session.execute(
        update(Subscriber).where(col(Subscriber.id) == subscriber.id).values(**kept, changed_at=clock.now())
    )
    following = {topic.id for _, topic in record.subscriptions}
    wanted = following if topics is None else {topic.id for topic in topics}
    for subscription, topic in record.subscriptions:
        if topic.id not in wanted:
            _end(session, subscriber, subscription, topic.id, reason="changed", source=source)
    added = [topic for topic in topics or () if topic.id not in following]
    if added and change.consent is None:
        raise WordingMissing("Send `consent` with the words that were agreed to when topics are added.")
    if added or change.places is not None:
        _add_to(session, record, added, change)


def resume(session: Session, *, record: queries.SubscriberRecord, contact: Contact, consent: ConsentEvidence) -> None:
    """Send to this contact again, for every topic that the resident follows and that is sent that way."""
    record_wording(session, consent)
    topics = [topic for _, topic in record.subscriptions if contact.channel in topic.channels]
    person = NewSubscriber(contacts=[NewContact(channel=contact.channel, address=contact.address)])
    enrol(session, [Entry(1, person, topics)], consent, confirmed=False)


def _add_to(
    session: Session, record: queries.SubscriberRecord, added: Sequence[Topic], change: SubscriberChange
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
        contacts=[NewContact(channel=contact.channel, address=contact.address) for contact in record.contacts],
        places=change.places or [],
    )
    [outcome] = enrol(session, [Entry(1, person, added)], evidence, confirmed=False)
    if outcome.status == EnrolStatus.REFUSED:
        raise NotEnrolled(outcome.reason)


def _end(
    session: Session, subscriber: Subscriber, subscription: Subscription, topic_id: UUID, *, reason: str, source: str
) -> None:
    session.execute(
        update(Subscription)
        .where(col(Subscription.id) == subscription.id, col(Subscription.ended_at).is_(None))
        .values(ended_at=clock.now(), ended_reason=reason)
    )
    _note_consent(session, subscriber, ConsentAction.WITHDRAWN, topic_id=topic_id, channel=None, source=source)


def _note_consent(
    session: Session,
    subscriber: Subscriber,
    action: ConsentAction,
    *,
    topic_id: UUID | None,
    channel: str | None,
    source: str,
) -> None:
    session.add(
        Consent(
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
    """Stop this channel for one topic, or (None) for all of the resident's topics; whether anything was left to stop.

    Takes effect before the next hand-over, also for messages already queued. Safe to repeat.
    """
    contact = session.get(Contact, contact_id)
    if contact is None:
        return False
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
    subscriber = session.get_one(Subscriber, contact.subscriber_id)
    if ended:
        subscriber.changed_at = clock.now()
    for ended_topic in ended:
        _note_consent(
            session, subscriber, ConsentAction.WITHDRAWN, topic_id=ended_topic, channel=contact.channel, source=source
        )
    return bool(ended)


def erase(session: Session, *, subscriber_id: UUID, council_id: UUID | None, actor: str) -> None:
    """Erase a resident: addresses, places, name and choices are gone; the consent ledger keeps its nameless lines.

    With `council_id`, only what they follow of this council is erased, and the person when nothing else is left.
    """
    withdraw_all(session, [subscriber_id], council_id=council_id, source="erased")
    if council_id is not None:
        session.execute(
            text("""
                DELETE FROM subscription u USING topic t
                WHERE u.subscriber_id = :subscriber AND t.id = u.topic_id AND t.council_id = :council
            """),
            {"subscriber": subscriber_id, "council": council_id},
        )
        session.execute(
            text("""
                DELETE FROM reply r USING alert a
                WHERE r.subscriber_id = :subscriber AND a.id = r.alert_id AND a.council_id = :council
            """),
            {"subscriber": subscriber_id, "council": council_id},
        )
    elsewhere = select(Subscription.id).where(
        Subscription.subscriber_id == subscriber_id, col(Subscription.ended_at).is_(None)
    )
    if council_id is None or session.exec(elsewhere.limit(1)).first() is None:
        ids = select(Contact.id).where(Contact.subscriber_id == subscriber_id)
        session.execute(delete(LinkToken).where(col(LinkToken.contact_id).in_(ids)))
        session.execute(delete(Notice).where(col(Notice.contact_id).in_(ids)))
        session.execute(delete(Subscriber).where(col(Subscriber.id) == subscriber_id))
    audit(session, council_id=council_id, actor=actor, action="subscriber.erase", subject=str(subscriber_id))
