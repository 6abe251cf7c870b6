"""Who follows a topic that ends, becomes part of another or is split: their subscriptions, the consent ledger, and one
service message to each.

What someone agreed to goes on under the new topic with the wording they agreed to. The lines of it say why they are
there and are not dated, so that no word of the person's own is older than them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.subscribers import service_messages
from notify.subscribers.consent.order import SAID_AT
from notify.subscribers.models import ServiceMessageKind, Topic
from notify.subscribers.suppression.scope import IS_SUPPRESSED
from notify.subscribers.topic_places import WIDER


class Why(StrEnum):
    """Why subscriptions move or end, as the consent ledger says it."""

    CLOSED = "topic-closed"
    MERGED = "topic-merged"
    SPLIT = "topic-split"


@dataclass(frozen=True, slots=True)
class Moved:
    """How many people follow the new topics by it, and how many do not because they had left one of these."""

    moved: int
    left_out: int


def count(session: Session, topic: Topic) -> int:
    """How many people follow the topic now."""
    following = "SELECT count(*) FROM subscription WHERE topic_id = :topic AND ended_at IS NULL"
    return int(session.execute(text(following), {"topic": topic.id}).scalar_one())


def announce_end(session: Session, topic: Topic) -> int:
    """Tell everyone who follows the topic that it ends; how many."""
    return _tell(session, _following(session, topic), topic, ServiceMessageKind.TOPIC_CLOSED)


def move(session: Session, topic: Topic, into: Sequence[Topic], *, why: Why, keeps: bool) -> Moved:
    """Have everyone who follows `topic` follow `into` as well, or (not `keeps`) instead, and tell them once.

    Who said no to one of these since they said yes to the topic does not get it by that channel.
    """
    session.flush()
    session.execute(text("LOCK TABLE subscription, consent IN SHARE ROW EXCLUSIVE MODE"))
    everyone = _following(session, topic)
    values = {"old": topic.id, "new": [one.id for one in into], "moment": clock.now(), "why": why.value}
    for step in (AGREED, NOTED, FOLLOW):
        session.execute(text(step), values)
    moved = session.execute(text("SELECT DISTINCT subscriber_id FROM topic_agreed")).scalars().all()
    session.execute(text("DROP TABLE topic_agreed"))
    kind = ServiceMessageKind.TOPIC_MERGED if why is Why.MERGED else ServiceMessageKind.TOPIC_SPLIT
    _tell(session, moved, topic, kind)
    left_out = sorted(set(everyone) - set(moved))
    if not keeps:
        _tell(session, left_out, topic, ServiceMessageKind.TOPIC_CLOSED)
        _end(session, topic, why)
    for table in ("contact_request", "consent_request"):
        session.execute(text(WAITING.format(table=table)), values | {"keeps": keeps})
    return Moved(len(moved), len(left_out))


def end(session: Session, topic: Topic) -> None:
    """End every subscription to the topic, with a line in the ledger."""
    _end(session, topic, Why.CLOSED)


def _following(session: Session, topic: Topic) -> Sequence[UUID]:
    following = "SELECT subscriber_id FROM subscription WHERE topic_id = :topic AND ended_at IS NULL"
    return session.execute(text(following), {"topic": topic.id}).scalars().all()


def _end(session: Session, topic: Topic, why: Why) -> None:
    values = {"old": topic.id, "moment": clock.now(), "why": why.value}
    session.execute(text(END), values)


def _tell(session: Session, subscriber_ids: Sequence[UUID], topic: Topic, kind: ServiceMessageKind) -> int:
    told = session.execute(text(REACHED), {"ids": list(subscriber_ids), "old": topic.id}).scalars().all()
    service_messages.send(session, [(contact_id, topic.id) for contact_id in told], kind)
    return len(told)


# Each channel by which someone gets the topic and would get a new one, with the words they agreed to. A no to the new
# topic counts where it is newer than the yes to the old.
AGREED = f"""
    CREATE TEMP TABLE topic_agreed ON COMMIT DROP AS
    SELECT u.council_id, u.subscriber_id, n.id AS topic_id, way.channel, u.cadence, u.only_at,
           yes.wording_version, yes.language,
           EXISTS (SELECT FROM subscription f WHERE f.subscriber_id = u.subscriber_id AND f.topic_id = n.id
                   AND f.ended_at IS NULL AND way.channel = ANY(f.channels)) AS has_it
    FROM subscription u
    CROSS JOIN unnest(u.channels) AS way (channel)
    JOIN topic n ON n.id = ANY(CAST(:new AS uuid[])) AND way.channel = ANY(n.channels)
    LEFT JOIN LATERAL (
        SELECT l.wording_version, l.language, {SAID_AT} AS said_at FROM consent l
        WHERE l.subscriber_id = u.subscriber_id AND l.topic_id = u.topic_id AND l.action = 'given'
          AND (l.channel = way.channel OR l.channel IS NULL)
        ORDER BY l.id DESC LIMIT 1
    ) yes ON true
    WHERE u.topic_id = :old AND u.ended_at IS NULL
      AND NOT EXISTS (
          SELECT FROM consent no
          WHERE no.subscriber_id = u.subscriber_id AND no.topic_id = n.id AND no.action = 'withdrawn'
            AND (no.channel = way.channel OR no.channel IS NULL) AND no.at > coalesce(yes.said_at, '-infinity')
            AND NOT EXISTS (SELECT FROM subscription f WHERE f.subscriber_id = u.subscriber_id AND f.topic_id = n.id
                            AND f.ended_at IS NULL AND way.channel = ANY(f.channels)))
"""  # noqa: S608 - our own words
NOTED = """
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT :moment, false, a.council_id, a.subscriber_id, a.topic_id, a.channel, 'given',
           coalesce(a.wording_version, :why), coalesce(a.language, s.language), :why
    FROM topic_agreed a JOIN subscriber s ON s.id = a.subscriber_id
    WHERE NOT a.has_it ORDER BY a.subscriber_id, a.topic_id, a.channel
"""
FOLLOW = f"""
    WITH followed AS (
    INSERT INTO subscription AS u (id, council_id, subscriber_id, topic_id, channels, cadence, only_at, started_at)
    SELECT uuidv7(), a.council_id, a.subscriber_id, a.topic_id, array_agg(DISTINCT a.channel ORDER BY a.channel),
           min(a.cadence), min(a.only_at), :moment
    FROM topic_agreed a GROUP BY a.council_id, a.subscriber_id, a.topic_id
    ON CONFLICT (topic_id, subscriber_id) WHERE ended_at IS NULL
    DO UPDATE SET channels = ARRAY(SELECT DISTINCT unnest(u.channels || excluded.channels) ORDER BY 1),
        only_at = {WIDER}
    RETURNING u.subscriber_id
    )
    UPDATE subscriber SET changed_at = :moment WHERE id IN (SELECT subscriber_id FROM followed)
"""  # noqa: S608 - our own words
END = """
    WITH ended AS (
        UPDATE subscription SET ended_at = :moment, ended_reason = :why
        WHERE topic_id = :old AND ended_at IS NULL RETURNING subscriber_id, council_id, topic_id
    ), changed AS (
        UPDATE subscriber s SET changed_at = :moment FROM ended e WHERE s.id = e.subscriber_id
    )
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT :moment, true, e.council_id, e.subscriber_id, e.topic_id, NULL, 'withdrawn', :why, s.language, :why
    FROM ended e JOIN subscriber s ON s.id = e.subscriber_id ORDER BY e.subscriber_id
"""
# what waits for someone's yes asks for what there is now
WAITING = """
    UPDATE {table} SET topics = ARRAY(
        SELECT DISTINCT one FROM unnest(topics || CAST(:new AS uuid[])) AS one WHERE :keeps OR one <> :old)
    WHERE :old = ANY(topics)
"""
# one message to each: by a channel that the topic was sent by, email first
REACHED = f"""
    SELECT k.id FROM unnest(CAST(:ids AS uuid[])) AS w (subscriber_id)
    JOIN LATERAL (
        SELECT c.id FROM contact c
        JOIN subscription u ON u.subscriber_id = c.subscriber_id AND u.topic_id = :old AND c.channel = ANY(u.channels)
        WHERE c.subscriber_id = w.subscriber_id AND c.confirmed_at IS NOT NULL AND c.channel IN ('email', 'sms')
          AND NOT {IS_SUPPRESSED}
        ORDER BY c.channel, c.id LIMIT 1
    ) k ON true
"""  # noqa: S608 - our own words
