"""The end of a topic: announced once to everyone who follows it, with what they can follow instead."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.clock import LONDON, midnight
from notify.core.errors import Invalid
from notify.staff.rights import Principal, Right
from notify.staff.service import audit
from notify.subscribers import queries, topic_moves
from notify.subscribers.models import Topic, TopicPurpose
from notify.subscribers.topic_queries import TopicClosed
from notify.topics.models import Closing
from notify.topics.use import require_unused

AT_ONCE = 20


class DayNotPossible(Invalid):
    """The last day has passed."""

    title = "The topic cannot end on this day"


def close_topic(session: Session, *, by: Principal, slug: str, closing: Closing) -> Topic:
    """End a topic, now or after its last day. Nobody new may follow it from now on. Everyone who follows it gets one
    message, and is offered the topics named `instead`.

    Raises: Forbidden, SecondFactorNeeded for an emergency topic, UnknownTopic, TopicClosed, TopicInUse, DayNotPossible.
    """
    topic = held(session, by, slug)
    instead = [require_offered(queries.topic(session, by.council_id, one)) for one in closing.instead if one != slug]
    if closing.last_day is not None and closing.last_day < clock.now().astimezone(LONDON).date():
        raise DayNotPossible("Choose today or a later day.")
    closes_at = _end_of(closing.last_day)
    require_unused(session, topic, after=closes_at)
    topic.closes_at = closes_at or clock.now()
    topic.instead_ids = [one.id for one in instead]
    topic.changed_at = clock.now()
    session.add(topic)
    session.flush()
    told = topic_moves.announce_end(session, topic)
    if closes_at is None:
        _end(session, topic)
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="topic.close",
        subject=slug,
        last_day=closing.last_day.isoformat() if closing.last_day else "",
        instead=[one.slug for one in instead],
        told=told,
    )
    return topic


def end_due(session: Session) -> int:
    """End the subscriptions of topics whose last day has passed; how many topics."""
    due = select(Topic).where(
        col(Topic.closes_at) <= clock.now(), col(Topic.closed_at).is_(None), col(Topic.merged_into_id).is_(None)
    )
    found = session.exec(due.order_by(col(Topic.closes_at)).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for topic in found:
        _end(session, topic)
        audit(session, council_id=topic.council_id, actor="scheduler", action="topic.end", subject=topic.slug)
    return len(found)


def held(session: Session, by: Principal, slug: str) -> Topic:
    """A topic that `by` may end, locked. Ending one for emergencies needs a person who is there.

    Raises: Forbidden, SecondFactorNeeded, UnknownTopic, TopicClosed.
    """
    by.require(Right.CHANGE_TOPICS)
    topic = queries.topic(session, by.council_id, slug)
    session.refresh(topic, with_for_update=True)
    require_offered(topic)
    if topic.purpose == TopicPurpose.EMERGENCY:
        by.require_fresh_mfa()
    return topic


def require_offered(topic: Topic) -> Topic:
    """Refuse a topic that ends or has ended. Raises: TopicClosed."""
    if not topic.is_offered:
        raise TopicClosed(f"{topic.name} ends or has ended already.")
    return topic


def mark_ended(topic: Topic, into: Sequence[Topic]) -> None:
    """Note that a topic has ended now and what took over."""
    topic.closes_at = topic.closed_at = topic.changed_at = clock.now()
    topic.merged_into_id = into[0].id


def _end(session: Session, topic: Topic) -> None:
    topic_moves.end(session, topic)
    topic.closed_at = topic.changed_at = clock.now()
    session.add(topic)
    session.flush()


def _end_of(last_day: date | None) -> datetime | None:
    return midnight(last_day + timedelta(days=1)) if last_day else None
