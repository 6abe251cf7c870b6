"""Reads about residents, and the one question the product is built on: who follows this topic in these places?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify import clock, tokens
from notify.errors import NotFound
from notify.places.models import PlaceSet, Targets
from notify.subscribers.models import (
    Contact,
    Place,
    ResidentSession,
    Subscriber,
    Subscription,
    Topic,
)


class UnknownTopic(NotFound):
    """The council has no such topic."""

    title = "There is no such topic"


class UnknownSubscriber(NotFound):
    """No such resident, or none of this council's."""

    title = "There is no such subscriber"


@dataclass(frozen=True, slots=True)
class AudienceSql:
    """A SELECT with its parameters. Columns: contact_id, subscriber_id, channel, language, ward_code, near."""

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


def _within(places: PlaceSet, prefix: str, parameters: dict[str, object]) -> str:
    """A condition on place `p`; only the arms in use are written, so that each can use its index."""
    arms = []
    for column, codes in (
        ("ward_code", places.wards),
        ("district_code", places.districts),
        ("postcode", places.postcodes),
    ):
        if codes:
            parameters[f"{prefix}_{column}"] = list(codes)
            arms.append(f"p.{column} = ANY(:{prefix}_{column})")
    if places.sectors:
        # a sector is a key less its last two letters; `_` stands for exactly one of them
        parameters[f"{prefix}_sectors"] = [sector + "__" for sector in places.sectors]
        arms.append(f"p.postcode LIKE ANY(:{prefix}_sectors)")
    return "(" + " OR ".join(arms or ["false"]) + ")"


def _place_condition(targets: Targets, parameters: dict[str, object]) -> tuple[str, str]:
    """The condition for a place to count, and whether it counts only as a neighbour of a boundary."""
    inside, near = "true", "false"
    if not targets.everywhere:
        inside = _within(targets.included, "in", parameters)
        if targets.near_boundary and targets.included.wards:
            near = f"NOT {inside}"
            inside = f"({inside} OR (p.alt_ward_code = ANY(:in_ward_code) AND p.ward_source = 'published'))"
    if targets.excluded:
        # a resident without a place is in no excluded one
        inside += f" AND {_within(targets.excluded, 'ex', parameters)} IS NOT TRUE"
    return inside, near


def audience(topic_id: UUID, targets: Targets, channels: Sequence[str]) -> AudienceSql:
    """Everyone a send would reach now, one row per person and channel.

    The dry run and the send both build on this SELECT, so that they agree by construction. A person counts when any
    of their places for this topic is inside; unconfirmed and suppressed contacts do not.
    """
    parameters: dict[str, object] = {"topic": topic_id, "channels": list(channels)}
    inside, near = _place_condition(targets, parameters)
    join = "LEFT JOIN" if targets.everywhere else "JOIN"
    sql = f"""
        SELECT c.id AS contact_id, c.subscriber_id, c.channel, s.language,
               min(p.ward_code) AS ward_code, bool_and({near}) AS near
        FROM subscription u
        {join} place p ON p.subscriber_id = u.subscriber_id AND (u.place_id IS NULL OR u.place_id = p.id)
        JOIN subscriber s ON s.id = u.subscriber_id
        JOIN contact c ON c.subscriber_id = u.subscriber_id
        WHERE u.topic_id = :topic AND u.ended_at IS NULL
          AND c.channel = ANY(u.channels) AND c.channel = ANY(:channels)
          AND c.confirmed_at IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM suppression x
                          WHERE x.address_hash = c.address_hash AND x.lifted_at IS NULL)
          AND {inside}
        GROUP BY c.id, s.language
    """  # noqa: S608 - built from our own words; every value is a bound parameter
    return AudienceSql(sql, parameters)


def audience_groups(
    session: Session, topic_id: UUID, targets: Targets, channels: Sequence[str]
) -> Sequence[AudienceGroup]:
    """The same audience, counted: no row names anybody."""
    who = audience(topic_id, targets, channels)
    sql = f"""
        WITH person AS (
            SELECT subscriber_id, language, min(ward_code) AS ward_code, bool_and(near) AS near,
                   bool_or(channel = 'email') AS email, bool_or(channel = 'sms') AS sms,
                   bool_or(channel = 'webhook') AS webhook
            FROM ({who.sql}) reached
            GROUP BY subscriber_id, language
        )
        SELECT ward_code, language, email, sms, webhook, count(*) AS people, count(*) FILTER (WHERE near) AS near
        FROM person
        GROUP BY ward_code, language, email, sms, webhook
    """  # noqa: S608 - as above
    rows = session.execute(text(sql), dict(who.parameters))
    return [
        AudienceGroup(
            ward_code=row.ward_code,
            language=row.language,
            channels=tuple(name for name in ("email", "sms", "webhook") if row._mapping[name]),
            people=row.people,
            near=row.near,
        )
        for row in rows
    ]


def topic(session: Session, council_id: UUID, slug: str) -> Topic:
    """The council's topic of this short name. Raises: UnknownTopic."""
    found = session.exec(select(Topic).where(Topic.council_id == council_id, Topic.slug == slug)).first()
    if found is None:
        raise UnknownTopic(f"Your council has no topic {slug!r}. `GET /api/v1/topics` lists them.")
    return found


def topics(session: Session, council_ids: Sequence[UUID], *, after: str = "", limit: int = 1000) -> Sequence[Topic]:
    """The topics of these councils by short name, those after `after`."""
    statement = select(Topic).where(col(Topic.council_id).in_(council_ids), Topic.slug > after)
    return session.exec(statement.order_by(Topic.slug, col(Topic.id)).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class SubscriberRecord:
    """A resident with everything held about them."""

    subscriber: Subscriber
    contacts: Sequence[Contact]
    places: Sequence[Place]
    subscriptions: Sequence[tuple[Subscription, Topic]]


def record(session: Session, subscriber_id: UUID) -> SubscriberRecord:
    """The resident with this id and everything in force about them. Raises: UnknownSubscriber."""
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None:
        raise UnknownSubscriber("Nobody with this id subscribes to your council's topics.")
    contacts = session.exec(select(Contact).where(Contact.subscriber_id == subscriber_id).order_by(Contact.channel))
    places = session.exec(select(Place).where(Place.subscriber_id == subscriber_id).order_by(col(Place.id)))
    following = session.exec(
        select(Subscription, Topic)
        .join(Topic, col(Topic.id) == col(Subscription.topic_id))
        .where(Subscription.subscriber_id == subscriber_id, col(Subscription.ended_at).is_(None))
        .order_by(Topic.name)
    )
    return SubscriberRecord(subscriber, contacts.all(), places.all(), following.all())


def council_record(session: Session, council_id: UUID, subscriber_id: UUID) -> SubscriberRecord:
    """The same, for residents who follow or followed a topic of this council; others look absent.

    Topics of other councils are left out. Raises: UnknownSubscriber.
    """
    known = session.exec(
        select(Subscription.id)
        .join(Topic, col(Topic.id) == col(Subscription.topic_id))
        .where(Subscription.subscriber_id == subscriber_id, Topic.council_id == council_id)
        .limit(1)
    ).first()
    if known is None:
        raise UnknownSubscriber("Nobody with this id subscribes to your council's topics.")
    whole = record(session, subscriber_id)
    own = [pair for pair in whole.subscriptions if pair[1].council_id == council_id]
    return SubscriberRecord(whole.subscriber, whole.contacts, whole.places, own)


def contact_by_fingerprint(session: Session, fingerprint: bytes) -> Contact | None:
    """The contact whose address has this keyed hash."""
    return session.exec(select(Contact).where(Contact.address_hash == fingerprint)).first()


def resident_of_cookie(session: Session, cookie: str) -> UUID | None:
    """The resident whose session this cookie is, while it is valid."""
    statement = select(ResidentSession.subscriber_id).where(
        ResidentSession.digest == tokens.digest(cookie), ResidentSession.expires_at > clock.now()
    )
    return session.exec(statement).first()
