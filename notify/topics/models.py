"""What a council says to change its topics and their groups."""

from datetime import date
from typing import Literal
from uuid import UUID

from sqlmodel import Field

from notify.core.db import Input
from notify.core.typed_text import Typed
from notify.providers.base import Channel
from notify.subscribers.topic_models import ApprovalRule, LegalBasis, Slug, Translations

MOST_PARTS = 10
Names = dict[Literal["cy"], str]


class TopicChange(Input):
    """What changes about a topic; what is unset stays."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=500)
    frequency: str | None = Field(default=None, max_length=100)
    translations: Translations | None = Field(default=None, description="Replaces the translations that there are.")
    legal_basis: LegalBasis | None = None
    channels: list[Channel] | None = Field(
        default=None, min_length=1, description="Alerts that are sent from now on use these."
    )
    tracking_allowed: bool | None = None
    approval: ApprovalRule | None = Field(default=None, description="Fewer approvals need a second factor on a page.")
    late_after_minutes: int | None = Field(default=None, ge=1, le=7 * 24 * 60)
    is_suggested: bool | None = None
    group: UUID | Literal[""] | None = Field(default=None, description="The id of a group; empty: in none.")


class TopicOrder(Input):
    """The order in which topics are offered."""

    topics: list[Typed] = Field(min_length=1, max_length=200, description="Short names; topics left out come last.")


class Closing(Input):
    """When a topic ends, and which topics its subscribers are offered for it."""

    last_day: date | None = Field(default=None, description="The last day with alerts; unset: it ends now.")
    instead: list[Typed] = Field(default_factory=list, max_length=MOST_PARTS, description="Short names.")


class Merge(Input):
    """Which topic takes over."""

    into: Typed = Field(description="The short name of the topic that takes over.")


class Part(Input):
    """A topic that is split off; what is not said is as with the topic it comes from."""

    slug: Slug = Field(max_length=60)
    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=500)
    frequency: str = Field(default="", max_length=100)
    translations: Translations = Field(default_factory=dict)


class Split(Input):
    """The topics that are made of one. Without `keeps` the topic itself ends."""

    into: list[Part] = Field(min_length=1, max_length=MOST_PARTS)
    keeps: bool = Field(default=True, description="Whether the topic goes on beside the new ones.")


class NewGroup(Input):
    """A group of topics."""

    name: str = Field(min_length=1, max_length=100)
    translations: Names = Field(default_factory=dict, description="The name by language.")


class GroupChange(Input):
    """What changes about a group; what is unset stays."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    translations: Names | None = None
    position: int | None = Field(default=None, ge=0, le=1000, description="Groups stand in this order, lowest first.")
