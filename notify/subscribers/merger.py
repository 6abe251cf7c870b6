"""Residents of a council that becomes part of another: their memberships change hands, and what both councils held of
one address becomes one membership.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, select

from notify.core import clock
from notify.staff.models import Council
from notify.subscribers import membership_union
from notify.subscribers.consent.ledger import give_up
from notify.subscribers.consent.order import SAID_AT
from notify.subscribers.models import Subscriber, Topic


@dataclass(frozen=True, slots=True)
class TopicMove:
    """A topic of the old council and the one that has taken over; `is_joined` where that had followers of its own."""

    old: Topic
    new: Topic
    is_joined: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """The memberships that changed hands or took some in, how many there were, and how many became one with another."""

    ids: frozenset[UUID]
    subscribers: int
    united: int


def move_topics(session: Session, old: Council, new: Council) -> Sequence[TopicMove]:
    """Have each topic of the old council taken over: by the new one's of the same short name and purpose, else by a
    copy. The old topics stay for what was sent about them. One that had become part of another follows that.
    """
    there = {topic.slug: topic for topic in session.exec(select(Topic).where(Topic.council_id == new.id)).all()}
    topics = session.exec(select(Topic).where(Topic.council_id == old.id).order_by(Topic.slug)).all()
    before = {topic.id: topic.merged_into_id for topic in topics if topic.merged_into_id}
    moves: list[TopicMove] = []
    for topic in topics:
        if topic.id in before:
            continue
        same = there.get(topic.slug)
        is_joined = same is not None and same.purpose == topic.purpose and same.is_offered
        target = same if same is not None and is_joined else _copy(topic, new.id, there, old.slug)
        there[target.slug] = target
        session.add(target)
        session.flush()
        topic.merged_into_id = target.id
        topic.changed_at = clock.now()
        session.add(topic)
        moves.append(TopicMove(topic, target, is_joined))
    moved = {move.old.id: move for move in moves}
    for topic in topics:
        if topic.id in before:
            moves.append(_follow(topic, before, moved))
            session.add(topic)
    session.flush()
    return moves


def _follow(topic: Topic, before: Mapping[UUID, UUID], moved: Mapping[UUID, TopicMove]) -> TopicMove:
    """The move of a topic that was merged or split before: to where what took over goes."""
    last = topic.id
    while last in before:
        last = before[last]
    after = [moved[one].new.id for one in topic.instead_ids if one in moved]
    topic.merged_into_id, topic.instead_ids, topic.changed_at = moved[last].new.id, after, clock.now()
    return TopicMove(topic, moved[last].new, moved[last].is_joined)


def _copy(topic: Topic, council_id: UUID, there: dict[str, Topic], old_slug: str) -> Topic:
    slug = topic.slug if topic.slug not in there else f"{topic.slug}-{old_slug}"
    own = {"id", "council_id", "slug", "created_at", "changed_at", "merged_into_id", "group_id", "instead_ids"}
    kept = topic.model_dump(exclude=own)
    return Topic(council_id=council_id, slug=slug, **kept)


def move_subscribers(session: Session, old: Council, new: Council, moves: Sequence[TopicMove]) -> Moved:
    """Hand every membership of the old council over, with contacts, places, topics, consents and suppressions.

    Ids stay, so that links in messages of before work. Nobody may sign up with either meanwhile: the tables are locked.
    """
    values = {"old": old.id, "new": new.id, "moment": clock.now()}
    session.execute(text("LOCK TABLE subscriber, contact, subscription, consent IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    session.execute(text("SET LOCAL notify.council_merger = 'on'"))
    left = session.execute(text(DROP_UNCONFIRMED), values).scalars().all()
    give_up(session, set(left))
    session.execute(text(NEWER_YES), values)
    joined = [move for move in moves if move.is_joined]
    pairs = {"olds": [move.old.id for move in joined], "news": [move.new.id for move in joined]}
    session.execute(text(ERASED_SINCE), values | pairs)
    before = set(session.exec(select(Subscriber.id).where(Subscriber.council_id == old.id)).all())
    copied = [move.new.id for move in moves if not move.is_joined]
    united = membership_union.unite(session, old_id=old.id, new_id=new.id, copied=copied)
    for step in HAND_OVER:
        session.execute(text(step), values)
    session.execute(text("SET LOCAL notify.council_merger = 'off'"))
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.expire_all()
    return Moved(frozenset(united.get(one, one) for one in before), len(before), len(united))


# An address that nobody confirmed is nobody's yet: it joins no membership, and where both councils have it, the one
# that is confirmed stays.
DROP_UNCONFIRMED = """
    WITH pair AS (
        SELECT a.id AS a, b.id AS b, a.confirmed_at IS NOT NULL AS is_proved,
               b.confirmed_at IS NOT NULL AS is_proved_there
        FROM contact a JOIN contact b USING (address_hash)
        WHERE a.council_id = :old AND b.council_id = :new
    )
    DELETE FROM contact c USING pair p
    WHERE c.id = p.a AND NOT p.is_proved OR c.id = p.b AND p.is_proved AND NOT p.is_proved_there
    RETURNING c.subscriber_id
"""
_TOPICS = """ARRAY(SELECT coalesce(o.merged_into_id, one.id) FROM unnest(r.topics) WITH ORDINALITY AS one (id, n)
             LEFT JOIN topic o ON o.id = one.id ORDER BY one.n)"""
# A person who said STOP to one council, and yes to the other since, is written to. A STOP that is newer holds for both,
# and no consent that the same council brought lifts it. Complaints and what staff said stay as they are.
NEWER_YES = f"""
    UPDATE suppression x SET lifted_at = :moment, lifted_reason = 'newer consent'
    WHERE x.council_id IN (:old, :new) AND x.lifted_at IS NULL AND x.reason IN ('stop', 'unsubscribed')
      AND EXISTS (SELECT FROM contact c JOIN consent l ON l.subscriber_id = c.subscriber_id
                  WHERE c.address_hash = x.address_hash AND c.council_id IN (:old, :new)
                    AND c.council_id <> x.council_id AND c.confirmed_at IS NOT NULL
                    AND l.action IN ('given', 'confirmed') AND {SAID_AT} > x.at
                    AND (l.channel IS NULL OR l.channel = x.channel))
"""  # noqa: S608 - our own words
# Who had one council erase them said no to all that it had, whatever the other was told before.
ERASED_SINCE = f"""
    WITH gone AS (
        SELECT u.id, c.channel, u.council_id, u.subscriber_id, u.topic_id, e.erased_at
        FROM erased_address e
        JOIN contact c ON c.address_hash = e.address_hash AND c.council_id IN (:old, :new)
        JOIN subscription u ON u.subscriber_id = c.subscriber_id AND u.ended_at IS NULL AND c.channel = ANY(u.channels)
        JOIN unnest(CAST(:olds AS uuid[]), CAST(:news AS uuid[])) AS j (old, new)
             ON u.topic_id = CASE WHEN c.council_id = :old THEN j.old ELSE j.new END
        WHERE e.council_id IN (:old, :new) AND e.council_id <> c.council_id
          AND NOT EXISTS (SELECT FROM consent l
                          WHERE l.subscriber_id = u.subscriber_id AND l.topic_id = u.topic_id AND l.action = 'given'
                            AND (l.channel IS NULL OR l.channel = c.channel) AND {SAID_AT} > e.erased_at)
    ), noted AS (
        INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version,
                             language, source)
        SELECT g.erased_at, true, g.council_id, g.subscriber_id, g.topic_id, g.channel, 'withdrawn', 'erased',
               s.language, 'erased'
        FROM gone g JOIN subscriber s ON s.id = g.subscriber_id
    )
    UPDATE subscription u
    SET channels = ARRAY(SELECT unnest(u.channels) EXCEPT SELECT unnest(g.channels) ORDER BY 1),
        ended_at = CASE WHEN u.channels <@ g.channels THEN CAST(:moment AS timestamptz) END,
        ended_reason = CASE WHEN u.channels <@ g.channels THEN 'erased' END
    FROM (SELECT id, array_agg(DISTINCT CAST(channel AS text)) AS channels FROM gone GROUP BY id) g
    WHERE u.id = g.id
"""  # noqa: S608 - our own words
HAND_OVER = (
    # links in messages of the old council find the contact that stands for theirs now
    """INSERT INTO contact_before (old_id, council_id, contact_id)
       SELECT id, council_id, id FROM contact WHERE council_id = :old ON CONFLICT DO NOTHING""",
    "UPDATE subscriber SET council_id = :new, changed_at = :moment WHERE council_id = :old",
    "UPDATE contact SET council_id = :new WHERE council_id = :old",
    """UPDATE subscription u SET council_id = :new, topic_id = coalesce(o.merged_into_id, u.topic_id)
       FROM topic o WHERE u.council_id = :old AND o.id = u.topic_id""",
    f"UPDATE contact_request r SET council_id = :new, topics = {_TOPICS} WHERE r.council_id = :old",  # noqa: S608
    f"UPDATE consent_request r SET council_id = :new, topics = {_TOPICS} WHERE r.council_id = :old",  # noqa: S608
    """UPDATE consent l SET council_id = :new, topic_id = coalesce(o.merged_into_id, l.topic_id)
       FROM consent r LEFT JOIN topic o ON o.id = r.topic_id WHERE l.council_id = :old AND r.id = l.id""",
    "UPDATE inbound_text SET council_id = :new WHERE council_id = :old",
    "UPDATE bounce SET council_id = :new WHERE council_id = :old",
    """INSERT INTO erased_address (address_hash, council_id, erased_at)
       SELECT address_hash, :new, erased_at FROM erased_address WHERE council_id = :old
       ON CONFLICT (address_hash, council_id)
       DO UPDATE SET erased_at = greatest(erased_address.erased_at, excluded.erased_at)""",
    "DELETE FROM erased_address WHERE council_id = :old",
    """UPDATE suppression x SET lifted_at = :moment, lifted_reason = 'merged'
       WHERE x.council_id = :old AND x.lifted_at IS NULL
         AND EXISTS (SELECT FROM suppression y WHERE y.council_id = :new AND y.lifted_at IS NULL
                     AND y.address_hash = x.address_hash AND y.reason = x.reason)""",
    "UPDATE suppression SET council_id = :new WHERE council_id = :old",
    """UPDATE suppression SET lifted_for = ARRAY(
           SELECT DISTINCT CASE WHEN one = :old THEN :new ELSE one END FROM unnest(lifted_for) AS one)
       WHERE :old = ANY(lifted_for)""",
)
