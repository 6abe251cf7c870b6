"""Changes to topics. What their alerts need by law (`purpose`) and their short names stay."""

from sqlmodel import Field, Session

from notify.core import clock
from notify.core.db import Input
from notify.core.errors import Invalid
from notify.providers.base import Channel
from notify.staff.rights import Principal, Right
from notify.staff.service import audit
from notify.subscribers import queries
from notify.subscribers.models import ApprovalRule, Topic, TopicPurpose

_APPROVERS = {ApprovalRule.NONE: 0, ApprovalRule.ONE: 1, ApprovalRule.TWO: 2}


class TopicNotTrackable(Invalid):
    """Emergencies are never tracked."""

    title = "This topic cannot be tracked"


class TopicChange(Input):
    """What changes about a topic; what is unset stays."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=500)
    frequency: str | None = Field(default=None, max_length=100)
    channels: list[Channel] | None = Field(
        default=None, min_length=1, description="Alerts that are sent from now on use these."
    )
    tracking_allowed: bool | None = None
    approval: ApprovalRule | None = Field(default=None, description="Fewer approvals need a second factor on a page.")
    late_after_minutes: int | None = Field(default=None, ge=1, le=7 * 24 * 60)


def change_topic(session: Session, *, by: Principal, slug: str, change: TopicChange) -> Topic:
    """Change a topic of `by`'s council. An alert that waits for approval needs as many as its topic says when it is
    approved.

    Raises: Forbidden, SecondFactorNeeded when fewer people than before would have to agree, UnknownTopic,
    TopicNotTrackable.
    """
    by.require(Right.CHANGE_TOPICS)
    topic = queries.topic(session, by.council_id, slug)
    session.refresh(topic, with_for_update=True)
    said = change.model_dump(exclude_none=True)
    news = {name: value for name, value in said.items() if getattr(topic, name) != value}
    if not news:
        return topic
    if "approval" in news and _APPROVERS[news["approval"]] < _APPROVERS[topic.approval]:
        by.require_fresh_mfa()
    if news.get("tracking_allowed") and topic.purpose == TopicPurpose.EMERGENCY:
        raise TopicNotTrackable("Emergency topics are never tracked: leave tracking_allowed out.")
    for name, value in news.items():
        setattr(topic, name, value)
    topic.changed_at = clock.now()
    session.flush()
    audit(session, council_id=by.council_id, actor=by.actor, action="topic.change", subject=slug, **news)
    return topic
