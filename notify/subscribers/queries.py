"""Reads about residents, and the one question the product is built on: who follows this topic in these places?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, col, select

from notify.core import clock, tokens
from notify.core.errors import NotFound
from notify.places.models import PlaceSet, Targets
from notify.providers import addresses, sandbox
from notify.providers.base import Channel
from notify.staff.models import Council
from notify.subscribers.access_models import ContactRequest, ResidentSession
from notify.subscribers.models import (
    Consent,
    ConsentWording,
    Contact,
    NewSubscriber,
    Place,
    Subscriber,
    Subscription,
    Topic,
)
from notify.subscribers.suppression.bounce_models import BounceSettings
from notify.subscribers.suppression.scope import IS_SUPPRESSED, IS_SUPPRESSED_IN_EMERGENCY
from notify.subscribers.topic_places import FOR_PLACE

NOBODY = "Nobody with this id subscribes to your council's topics."
# of a subscription u: all their addresses are nobody's
# who was erased has no contacts, and was nobody's invention
INVENTED_ONLY = """(SELECT coalesce(bool_and(k.address ~* :invented), false)
     FROM contact k WHERE k.subscriber_id = u.subscriber_id)"""


class UnknownTopic(NotFound):
    """The council has no such topic."""

    title = "There is no such topic"


class UnknownSubscriber(NotFound):
    """No such resident, or none of this council's."""

    title = "There is no such subscriber"


@dataclass(frozen=True, slots=True)
class AudienceSql:
    """A SELECT with its parameters. Columns: contact_id, subscriber_id, channel, language, ward_code."""

    sql: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AudienceGroup:
    """How many people share a ward, a language and a set of channels. `near` counts those near a boundary only."""

    ward_code: str | None
    language: str
    channels: tuple[str, ...]
    people: int
    near: int


def _within(places: PlaceSet, alias: str, prefix: str, parameters: dict[str, object]) -> str:
    """A condition on a place; only the arms in use are written, so that each can use its index."""
    arms = []
    for column, codes in (
        ("ward_code", places.wards),
        ("district_code", places.districts),
        ("postcode", places.postcodes),
    ):
        if codes:
            parameters[f"{prefix}_{column}"] = list(codes)
            arms.append(f"{alias}.{column} = ANY(:{prefix}_{column})")
    if places.sectors:
        # a sector is a key less its last two letters; `_` stands for exactly one of them
        parameters[f"{prefix}_sectors"] = [sector + "__" for sector in places.sectors]
        arms.append(f"{alias}.postcode LIKE ANY(:{prefix}_sectors)")
    return "(" + " OR ".join(arms or ["false"]) + ")"


def _inside(targets: Targets, alias: str, parameters: dict[str, object]) -> str:
    """The condition for a place to count."""
    inside = "true" if targets.everywhere else _within(targets.included, alias, "in", parameters)
    if targets.near_boundary and targets.included.wards:
        near = f"{alias}.near_ward_codes && CAST(:in_ward_code AS text[]) AND {alias}.ward_source = 'published'"
        inside = f"({inside} OR ({near}))"
    if targets.excluded:
        inside += f" AND {_within(targets.excluded, alias, 'ex', parameters)} IS NOT TRUE"
    return inside


def _meant(targets: Targets, alias: str, parameters: dict[str, object]) -> str:
    """The condition for a place to count for subscription u. What goes to everyone asks for no place."""
    inside = _inside(targets, alias, parameters)
    return inside if inside == "true" else f"{inside} AND {FOR_PLACE.format(place=alias)}"


@dataclass(frozen=True, slots=True)
class _People:
    """FROM and WHERE of the people meant: subscription u, their first place inside p, subscriber s; a row each.

    `near` tells of a person whether their place only neighbours the wards meant.
    """

    sql: str
    near: str
    parameters: dict[str, object]


def _people(topic_id: UUID, targets: Targets, *, invented: bool) -> _People:
    """Who follows the topic with a place inside. Nobody comes twice, so that nothing need be grouped or sorted."""
    parameters: dict[str, object] = {"topic": topic_id} | ({"invented": sandbox.INVENTED} if invented else {})
    inside, inside_too = (_meant(targets, alias, parameters) for alias in ("p", "q"))
    first = f"""(p.position = 0 OR NOT EXISTS (
        SELECT 1 FROM place q WHERE q.subscriber_id = p.subscriber_id AND q.position < p.position AND {inside_too}))"""
    if inside == "true":
        first = "p.position = 0"  # whoever has a place has this one, and PostgreSQL can share the work out
    near = "false"
    if targets.near_boundary and targets.included.wards:
        near = f"NOT {_within(targets.included, 'p', 'in', parameters)}"
    # who has no place at all is in no excluded one
    join, placeless = "JOIN", "true"
    if targets.everywhere:
        join = "LEFT JOIN"
        placeless = "(p.id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM place o WHERE o.subscriber_id = u.subscriber_id))"
    sql = f"""
        FROM subscription u
        {join} place p ON p.subscriber_id = u.subscriber_id AND {inside} AND {first}
        JOIN subscriber s ON s.id = u.subscriber_id
        %s
        WHERE u.topic_id = :topic AND u.ended_at IS NULL AND {placeless if targets.excluded else "true"}
              AND {INVENTED_ONLY if invented else "true"}
    """
    return _People(sql, near, parameters)


def _writable(parameters: dict[str, object], *, is_emergency: bool) -> str:
    """A contact that may be written to: confirmed and not suppressed."""
    if not is_emergency:
        return f"c.confirmed_at IS NOT NULL AND NOT {IS_SUPPRESSED}"
    parameters["bounce_retry_days"] = BounceSettings().retry_days
    return f"c.confirmed_at IS NOT NULL AND NOT {IS_SUPPRESSED_IN_EMERGENCY}"


def audience(
    topic_id: UUID, targets: Targets, channels: Sequence[str], *, is_emergency: bool, invented: bool = False
) -> AudienceSql:
    """Everyone that a send would reach now, one row per person and channel; a test key reaches `invented` people only.

    An emergency also tries old bounces again. The dry run counts the same people and contacts, so that the two agree by
    construction.
    """
    people = _people(topic_id, targets, invented=invented)
    writable = _writable(people.parameters, is_emergency=is_emergency)
    contacts = f"""
        JOIN contact c ON c.subscriber_id = u.subscriber_id AND {writable}
             AND c.channel = ANY(u.channels) AND c.channel = ANY(:channels)
    """
    sql = f"""
        SELECT c.id AS contact_id, c.subscriber_id, c.channel, s.language, p.ward_code
        {people.sql % contacts}
    """
    return AudienceSql(sql, people.parameters | {"channels": list(channels)})


def audience_groups(
    session: Session,
    topic_id: UUID,
    targets: Targets,
    channels: Sequence[Channel],
    *,
    is_emergency: bool,
    invented: bool = False,
) -> Sequence[AudienceGroup]:
    """The same audience, counted: no row names anyone."""
    people = _people(topic_id, targets, invented=invented)
    writable = _writable(people.parameters, is_emergency=is_emergency)
    # a column a channel: at most one contact of each belongs to a person
    contacts = "".join(
        f"""
        LEFT JOIN (SELECT c.subscriber_id FROM contact c WHERE c.channel = '{channel.value}' AND {writable}) {channel}
             ON {channel}.subscriber_id = u.subscriber_id AND '{channel.value}' = ANY(u.channels)"""
        for channel in channels
    )
    has = [f"({channel}.subscriber_id IS NOT NULL)" for channel in channels]
    columns = ", ".join(f"{condition} AS {channel}" for condition, channel in zip(has, channels, strict=True))
    numbers = ", ".join(str(number) for number in range(1, len(channels) + 3))
    sql = f"""
        SELECT p.ward_code, s.language, {columns}, count(*) AS people, count(*) FILTER (WHERE {people.near}) AS near
        {people.sql % contacts} AND ({" OR ".join(has)})
        GROUP BY {numbers}
    """
    # a whole council's people: hashed in memory, which beats looking each of them up in four indexes
    session.execute(text("SET LOCAL work_mem = '64MB'; SET LOCAL enable_nestloop = off"))
    return [
        AudienceGroup(
            ward_code=row.ward_code,
            language=row.language,
            channels=tuple(channel for channel in channels if row._mapping[channel]),
            people=row.people,
            near=row.near,
        )
        for row in session.execute(text(sql), people.parameters)
    ]


def topic(session: Session, council_id: UUID, slug: str) -> Topic:
    """The council's topic of this short name. Raises: UnknownTopic."""
    found = session.exec(select(Topic).where(Topic.council_id == council_id, Topic.slug == slug)).first()
    if found is None:
        raise UnknownTopic(f"Your council has no topic {slug!r}. `GET /api/v1/topics` lists them.")
    return found


def topics(
    session: Session,
    council_ids: Sequence[UUID],
    *,
    after: str = "",
    changed_since: datetime | None = None,
    limit: int = 1000,
) -> Sequence[Topic]:
    """The topics of these councils by short name, those after `after`."""
    statement = select(Topic).where(col(Topic.council_id).in_(council_ids), Topic.slug > after)
    if changed_since is not None:
        statement = statement.where(Topic.changed_at >= changed_since)
    return session.exec(statement.order_by(Topic.slug, col(Topic.id)).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class SubscriberRecord:
    """A resident with everything held about them."""

    subscriber: Subscriber
    contacts: Sequence[Contact]
    places: Sequence[Place]
    subscriptions: Sequence[tuple[Subscription, Topic]]


def records_of_address(session: Session, fingerprint: bytes) -> Sequence[SubscriberRecord]:
    """The memberships in which someone confirmed the address with this keyed hash, by the council's name.

    Whoever has the address sees these and no more: other contacts of a membership lead nowhere.
    """
    statement = (
        select(Subscriber)
        .join(Contact, col(Contact.subscriber_id) == col(Subscriber.id))
        .join(Council, col(Council.id) == col(Subscriber.council_id))
        .where(Contact.address_hash == fingerprint, col(Contact.confirmed_at).is_not(None))
        .order_by(Council.name, col(Council.id))
    )
    return records_of(session, session.exec(statement).all())


def record(session: Session, subscriber_id: UUID) -> SubscriberRecord:
    """The resident with this id and everything in force about them. Raises: UnknownSubscriber."""
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None:
        raise UnknownSubscriber(NOBODY)
    return records_of(session, [subscriber])[0]


def council_record(
    session: Session, council_id: UUID, subscriber_id: UUID, *, only: ColumnElement[bool] | None = None
) -> SubscriberRecord:
    """The same, for this council's residents, and of whom `only` holds; others look absent.

    Raises: UnknownSubscriber.
    """
    statement = select(Subscriber).where(Subscriber.council_id == council_id, Subscriber.id == subscriber_id)
    subscriber = session.exec(statement if only is None else statement.where(only)).first()
    if subscriber is None:
        raise UnknownSubscriber(NOBODY)
    return records_of(session, [subscriber])[0]


def council_records(
    session: Session,
    council_id: UUID,
    *,
    after: UUID | None,
    changed_since: datetime | None,
    limit: int,
    only: ColumnElement[bool] | None = None,
) -> Sequence[SubscriberRecord]:
    """The residents of this council in the order they came, those after `after`, in five statements."""
    statement = select(Subscriber).where(Subscriber.council_id == council_id)
    if only is not None:
        statement = statement.where(only)
    if after is not None:
        statement = statement.where(Subscriber.id > after)
    if changed_since is not None:
        statement = statement.where(Subscriber.changed_at >= changed_since)
    found = session.exec(statement.order_by(col(Subscriber.id)).limit(limit)).all()
    return records_of(session, found)


def records_of(session: Session, subscribers: Sequence[Subscriber]) -> Sequence[SubscriberRecord]:
    """These residents with what is held about them."""
    ids = [subscriber.id for subscriber in subscribers]
    contacts, places, following = defaultdict(list), defaultdict(list), defaultdict(list)
    for contact in session.exec(
        select(Contact).where(col(Contact.subscriber_id).in_(ids)).order_by(col(Contact.channel), col(Contact.id))
    ):
        contacts[contact.subscriber_id].append(contact)
    for place in session.exec(
        select(Place).where(col(Place.subscriber_id).in_(ids)).order_by(col(Place.position), col(Place.id))
    ):
        places[place.subscriber_id].append(place)
    statement = (
        select(Subscription, Topic)
        .join(Topic, col(Topic.id) == col(Subscription.topic_id))
        .where(col(Subscription.subscriber_id).in_(ids), col(Subscription.ended_at).is_(None))
        .order_by(Topic.name, col(Topic.id))
    )
    for subscription, topic in session.exec(statement):
        following[subscription.subscriber_id].append((subscription, topic))
    return [
        SubscriberRecord(subscriber, contacts[subscriber.id], places[subscriber.id], following[subscriber.id])
        for subscriber in subscribers
    ]


def topics_by_slug(session: Session, council_id: UUID) -> Mapping[str, Topic]:
    """All topics of this council by short name."""
    return {topic.slug: topic for topic in topics(session, [council_id])}


def consents(session: Session, subscriber_id: UUID) -> Sequence[tuple[Consent, str | None, str | None]]:
    """The resident's lines of the consent ledger, oldest first, each with its topic's name and the words agreed to."""
    statement = (
        select(Consent, Topic.name, ConsentWording.wording)
        .join(Topic, col(Topic.id) == col(Consent.topic_id), isouter=True)
        .join(
            ConsentWording,
            (col(ConsentWording.version) == col(Consent.wording_version))
            & (col(ConsentWording.language) == col(Consent.language)),
            isouter=True,
        )
        .where(Consent.subscriber_id == subscriber_id)
        .order_by(col(Consent.at), col(Consent.id))
        .limit(5000)
    )
    return session.exec(statement).all()


def contacts_by_fingerprint(session: Session, fingerprint: bytes) -> Sequence[Contact]:
    """Every council's contact whose address has this keyed hash, the oldest first."""
    statement = select(Contact).where(Contact.address_hash == fingerprint)
    return session.exec(statement.order_by(col(Contact.created_at), col(Contact.id))).all()


def known_contacts(session: Session, council_id: UUID, person: NewSubscriber) -> Sequence[Contact]:
    """The contacts that this council has of the person's addresses. Raises: AddressNotValid."""
    hashes = [
        addresses.fingerprint(contact.channel, addresses.normalise(contact.channel, contact.address))
        for contact in person.contacts
    ]
    return session.exec(
        select(Contact).where(Contact.council_id == council_id, col(Contact.address_hash).in_(hashes))
    ).all()


def contact_requests(session: Session, subscriber_id: UUID) -> Sequence[ContactRequest]:
    """The addresses that wait for this resident's yes."""
    return session.exec(select(ContactRequest).where(ContactRequest.subscriber_id == subscriber_id)).all()


def signed_up_with(session: Session, contact: Contact, sign_up: UUID | None) -> Sequence[Contact]:
    """What this sign-up made of the contact's address for other councils, and nobody confirmed yet."""
    if sign_up is None:
        return []
    return session.exec(
        select(Contact).where(
            Contact.address_hash == contact.address_hash,
            Contact.sign_up == sign_up,
            col(Contact.confirmed_at).is_(None),
            Contact.id != contact.id,
        )
    ).all()


def address_of_cookie(session: Session, cookie: str) -> bytes | None:
    """The keyed hash of the address that whoever has this cookie proved to have, while it is valid."""
    statement = select(ResidentSession.address_hash).where(
        ResidentSession.digest == tokens.digest(cookie), ResidentSession.expires_at > clock.now()
    )
    return session.exec(statement).first()
