"""Which topics people may follow and alerts may be written about, in the order that their council chose."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Conflict
from notify.subscribers.models import Topic
from notify.subscribers.queries import topics
from notify.subscribers.topic_models import TopicGroup


class TopicClosed(Conflict):
    """The topic has ended, or is about to."""

    title = "The topic has ended"


@dataclass(frozen=True, slots=True)
class TopicSection:
    """Topics that stand together, in their order; `title` is empty where they are in no group."""

    title: str
    topics: Sequence[Topic]


def sections(session: Session, topics: Iterable[Topic]) -> Sequence[TopicSection]:
    """These topics in their order, group by group; those in no group come first."""
    there = list(topics)
    wanted = {topic.group_id for topic in there if topic.group_id}
    found = session.exec(select(TopicGroup).where(col(TopicGroup.id).in_(wanted))).all() if wanted else ()
    groups = {one.id: one for one in found}
    grouped: dict[tuple[int, str], list[Topic]] = defaultdict(list)
    for topic in sorted(there, key=lambda topic: (topic.position, topic.slug)):
        group = groups.get(topic.group_id) if topic.group_id else None
        grouped[(group.position, group.title) if group else (-1, "")].append(topic)
    return [TopicSection(title, grouped[position, title]) for position, title in sorted(grouped)]


def topics_offered(session: Session, council_ids: Sequence[UUID]) -> Sequence[Topic]:
    """The topics of these councils that people may begin to follow, in the order that the councils chose."""
    found = [topic for topic in topics(session, council_ids) if topic.is_offered]
    return [topic for section in sections(session, found) for topic in section.topics]


def topics_open(session: Session, council_ids: Sequence[UUID]) -> Sequence[Topic]:
    """The topics of these councils that alerts can be written about, in the order that the councils chose."""
    found = [topic for topic in topics(session, council_ids) if not is_closed(topic)]
    return [topic for section in sections(session, found) for topic in section.topics]


def is_closed(topic: Topic, at: datetime | None = None) -> bool:
    """Whether the topic has ended at this moment; None: now."""
    return topic.merged_into_id is not None or (topic.closes_at is not None and topic.closes_at <= (at or clock.now()))


def require_open(session: Session, topic: Topic, at: datetime | None = None) -> None:
    """Refuse to write about a topic that has ended at this moment; None: now. Raises: TopicClosed."""
    if topic.merged_into_id is not None:
        after = session.get_one(Topic, topic.merged_into_id)
        raise TopicClosed(f"{topic.name} has become part of {after.name}: use the topic {after.slug!r}.")
    if topic.closes_at is not None and is_closed(topic, at):
        raise TopicClosed(f"{topic.name} ends: its last day is {topic.last_day}. Choose another topic or time.")


def topics_now(session: Session, topics: Iterable[Topic]) -> Sequence[Topic]:
    """What subscribers of these topics follow today, where they or their councils were merged or split since."""
    found: dict[UUID, Topic] = {}
    waiting = list(topics)
    while waiting:
        topic = waiting.pop()
        if topic.merged_into_id is None:
            found[topic.id] = topic
            continue
        after = topic.instead_ids if topic.merged_into_id in topic.instead_ids else [topic.merged_into_id]
        waiting += session.exec(select(Topic).where(col(Topic.id).in_(after))).all()
    return sorted(found.values(), key=lambda topic: (topic.position, topic.slug))
