"""What the API shows of topics and their groups."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Session, SQLModel, col, select

from notify.providers.base import Channel
from notify.subscribers.models import ApprovalRule, Topic, TopicPurpose
from notify.subscribers.topic_models import LegalBasis, TopicGroup, TopicWords
from notify.topics.merger import Reshaped


class TopicView(SQLModel):
    """A topic as its council sees it."""

    slug: str
    name: str
    description: str
    frequency: str = Field(description="How often it writes, in the council's words; may be empty.")
    translations: dict[str, TopicWords] = Field(description="Name, description and frequency by language.")
    purpose: TopicPurpose
    legal_basis: LegalBasis = Field(description="UK GDPR Article 6.")
    channels: list[Channel]
    tracking_allowed: bool
    approval: ApprovalRule
    late_after_minutes: int = Field(description="An alert that is later than this is held for a person to send.")
    is_suggested: bool = Field(description="Sign-up says that most people choose it.")
    group: UUID | None = Field(description="The id of its group.")
    position: int = Field(description="Topics are offered in this order, lowest first.")
    closes_at: datetime | None = Field(description="When it ends. Nobody new may follow it once this is set.")
    merged_into: str | None = Field(description="The short name of the topic that took over.")
    instead: list[str] = Field(description="Short names of topics that its subscribers follow or are offered for it.")
    changed_at: datetime


class TopicPage(SQLModel):
    """One page of topics by short name. `next` goes into `after` for the page that follows."""

    topics: list[TopicView]
    next: str | None


class ReshapedView(SQLModel):
    """The topics that there are now, and how many people were moved to them."""

    topics: list[TopicView]
    moved: int = Field(description="People who follow them from now on. Each was told once.")
    left_out: int = Field(description="People who had left what took over. They were offered it instead.")

    @classmethod
    def of(cls, session: Session, outcome: Reshaped) -> "ReshapedView":
        """The outcome of a merge or split."""
        views = topic_views(session, outcome.topics)
        return cls(topics=views, moved=outcome.people.moved, left_out=outcome.people.left_out)


class GroupView(SQLModel):
    """A group of topics."""

    id: UUID
    name: str
    translations: dict[str, str]
    position: int

    @classmethod
    def of(cls, group: TopicGroup) -> "GroupView":
        """The public fields of this group."""
        return cls.model_validate(group.model_dump(exclude={"council_id"}))


def topic_views(session: Session, topics: Sequence[Topic]) -> list[TopicView]:
    """These topics as their council sees them."""
    named = {one for topic in topics for one in (*topic.instead_ids, topic.merged_into_id) if one}
    found = session.exec(select(Topic.id, Topic.slug).where(col(Topic.id).in_(named))).all() if named else ()
    slugs = dict(found)
    hidden = {"id", "council_id", "created_at", "closed_at", "group_id", "merged_into_id", "instead_ids"}
    return [
        TopicView.model_validate(
            topic.model_dump(exclude=hidden)
            | {
                "group": topic.group_id,
                "merged_into": slugs.get(topic.merged_into_id) if topic.merged_into_id else None,
                "instead": [slugs[one] for one in topic.instead_ids],
            }
        )
        for topic in topics
    ]
