"""Changes to topics and their order. What their alerts need by law (`purpose`) and their short names stay."""

from collections.abc import Sequence

from sqlalchemy import update
from sqlmodel import Session, col

from notify.core import clock
from notify.core.errors import Invalid
from notify.staff.rights import Principal, Right
from notify.staff.service import audit
from notify.subscribers import queries
from notify.subscribers import service as subscribers
from notify.subscribers.models import ApprovalRule, NewTopic, Topic, TopicPurpose
from notify.topics import groups
from notify.topics.models import TopicChange

_APPROVERS = {ApprovalRule.NONE: 0, ApprovalRule.ONE: 1, ApprovalRule.TWO: 2}


class TopicNotTrackable(Invalid):
    """Emergencies are never tracked."""

    title = "This topic cannot be tracked"


def create_topic(session: Session, *, by: Principal, new: NewTopic) -> Topic:
    """A new topic of `by`'s council that residents can follow. Raises: Forbidden, TopicExists."""
    by.require(Right.CHANGE_TOPICS)
    return subscribers.create_topic(session, council_id=by.council_id, actor=by.actor, new=new)


def needs_fewer(rule: ApprovalRule, than: ApprovalRule) -> bool:
    """Whether fewer people have to agree under this rule than under the other."""
    return _APPROVERS[rule] < _APPROVERS[than]


def change_topic(session: Session, *, by: Principal, slug: str, change: TopicChange) -> Topic:
    """Change a topic of `by`'s council. An alert that waits for approval needs as many as its topic says when it is
    approved.

    Raises: Forbidden, SecondFactorNeeded when fewer people than before would have to agree, UnknownTopic,
    UnknownGroup, TopicNotTrackable.
    """
    by.require(Right.CHANGE_TOPICS)
    topic = queries.topic(session, by.council_id, slug)
    session.refresh(topic, with_for_update=True)
    said = change.model_dump(mode="json", exclude_none=True)
    if "group" in said:
        said["group_id"] = groups.group(session, by.council_id, change.group).id if change.group else None
        del said["group"]
    news = {name: value for name, value in said.items() if getattr(topic, name) != value}
    if not news:
        return topic
    if change.approval and needs_fewer(change.approval, topic.approval):
        by.require_fresh_mfa()
    if news.get("tracking_allowed") and topic.purpose == TopicPurpose.EMERGENCY:
        raise TopicNotTrackable("Emergency topics are never tracked: leave tracking_allowed out.")
    for name in news.keys() - {"group_id"}:
        setattr(topic, name, news[name] if name in ("translations", "channels") else getattr(change, name))
    if "group_id" in news:
        topic.group_id = news["group_id"]
    topic.changed_at = clock.now()
    session.flush()
    audit(session, council_id=by.council_id, actor=by.actor, action="topic.change", subject=slug, **_told(news))
    return topic


def _told(news: dict[str, object]) -> dict[str, object]:
    return {name: str(value) if name == "group_id" and value else value for name, value in news.items()}


def reorder(session: Session, *, by: Principal, slugs: Sequence[str]) -> None:
    """Have the council's topics offered in this order; topics left out come last. Raises: Forbidden, UnknownTopic."""
    by.require(Right.CHANGE_TOPICS)
    first = [queries.topic(session, by.council_id, slug) for slug in dict.fromkeys(slugs)]
    rest = sorted(queries.topics(session, [by.council_id]), key=lambda topic: (topic.position, topic.slug))
    ordered = [*first, *(topic for topic in rest if topic not in first)]
    for position, topic in enumerate(ordered, 1):
        session.execute(
            update(Topic)
            .where(col(Topic.id) == topic.id, col(Topic.position) != position)
            .values(position=position, changed_at=clock.now())
        )
    session.expire_all()
    audit(session, council_id=by.council_id, actor=by.actor, action="topic.reorder", subject=", ".join(slugs)[:500])
