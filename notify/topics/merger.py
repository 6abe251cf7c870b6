"""Topics that become part of another or are split, with everyone who follows them."""

from dataclasses import dataclass

from sqlmodel import Session

from notify.core import clock
from notify.core.errors import Invalid
from notify.drafting.service import rename_topic
from notify.staff.remit import add_topics
from notify.staff.rights import Principal
from notify.staff.service import audit
from notify.subscribers import queries, topic_moves
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic, Topic
from notify.subscribers.topic_moves import Moved, Why
from notify.topics.closure import held, mark_ended, require_offered
from notify.topics.models import Split
from notify.topics.service import needs_fewer
from notify.topics.use import require_unused


class MergeNotPossible(Invalid):
    """People agreed to something else."""

    title = "The topics cannot be merged"


@dataclass(frozen=True, slots=True)
class Reshaped:
    """The topics that there are now, and the people who were moved to them."""

    topics: list[Topic]
    people: Moved


def merge(session: Session, *, by: Principal, slug: str, into: str) -> Reshaped:
    """Make a topic part of another. Everyone who follows it follows the other from now on and is told once, with a
    link that stops it. People who had left the other are offered it instead.

    Raises: Forbidden, SecondFactorNeeded for emergencies and where fewer people would have to agree, UnknownTopic,
    TopicClosed, MergeNotPossible, TopicInUse.
    """
    topic = held(session, by, slug)
    if into == slug:
        raise MergeNotPossible("Choose another topic that takes over.")
    other = require_offered(queries.topic(session, by.council_id, into))
    _require_same(topic, other)
    if needs_fewer(other.approval, topic.approval):
        by.require_fresh_mfa()
    require_unused(session, topic)
    topic.instead_ids = [other.id]
    mark_ended(topic, [other])
    session.add(topic)
    people = topic_moves.move(session, topic, [other], why=Why.MERGED, keeps=False)
    other.changed_at = clock.now()
    add_topics(session, by.council_id, slug, [other.slug], keeps=False)
    rename_topic(session, by.council_id, slug, other.slug)
    detail = {"into": other.slug, "moved": people.moved, "left_out": people.left_out}
    audit(session, council_id=by.council_id, actor=by.actor, action="topic.merge", subject=slug, **detail)
    return Reshaped([other], people)


def split(session: Session, *, by: Principal, slug: str, parts: Split) -> Reshaped:
    """Make further topics of one, with its rules. Everyone who follows it follows each of them from now on and is told
    once, with a link that stops them. Without `keeps` the topic itself ends.

    Raises: Forbidden, SecondFactorNeeded for an emergency topic that ends, UnknownTopic, TopicClosed, TopicExists,
    TopicInUse.
    """
    topic = held(session, by, slug)
    if not parts.keeps:
        require_unused(session, topic)
    rules = topic.model_dump(
        include={"purpose", "legal_basis", "channels", "tracking_allowed", "approval", "late_after_minutes"}
    )
    made = []
    for part in parts.into:
        new = NewTopic.model_validate(rules | part.model_dump())
        one = subscribers.create_topic(session, council_id=by.council_id, actor=by.actor, new=new)
        one.group_id, one.position = topic.group_id, topic.position
        made.append(one)
    topic.instead_ids, topic.changed_at = [one.id for one in made], clock.now()
    if not parts.keeps:
        mark_ended(topic, made)
    session.add(topic)
    people = topic_moves.move(session, topic, made, why=Why.SPLIT, keeps=parts.keeps)
    slugs = [one.slug for one in made]
    add_topics(session, by.council_id, slug, slugs, keeps=parts.keeps)
    if not parts.keeps:
        rename_topic(session, by.council_id, slug, slugs[0])
    detail = {"into": slugs, "keeps": parts.keeps, "moved": people.moved}
    audit(session, council_id=by.council_id, actor=by.actor, action="topic.split", subject=slug, **detail)
    return Reshaped(made, people)


def _require_same(topic: Topic, other: Topic) -> None:
    """Refuse to give people alerts of another kind than they agreed to. Raises: MergeNotPossible."""
    if topic.purpose != other.purpose:
        raise MergeNotPossible(f"{topic.name} is a topic for {topic.purpose}, and {other.name} for {other.purpose}.")
    if topic.legal_basis != other.legal_basis:
        raise MergeNotPossible("The topics have different legal bases: change one of them first.")
