"""Topics: what a council writes about, how residents read it, and the groups that topics stand in."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from babel.dates import format_date
from pydantic import StringConstraints, model_validator
from sqlalchemy import Column, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column
from notify.core.typed_text import Typed
from notify.languages import spoken
from notify.providers.base import Channel


class TopicPurpose(StrEnum):
    """Why a topic writes to people; decides the legal basis and whether it may ever be tracked."""

    SERVICE = "service"
    EMERGENCY = "emergency"
    MARKETING = "marketing"


class ApprovalRule(StrEnum):
    """How many people beside the author must agree before an alert of this topic is sent."""

    NONE = "none"
    ONE = "one"
    TWO = "two"


class LegalBasis(StrEnum):
    """Why a council may hold who follows a topic: the basis of UK GDPR Article 6 that its privacy notice names."""

    CONSENT = "consent"
    PUBLIC_TASK = "public-task"
    LEGAL_OBLIGATION = "legal-obligation"
    VITAL_INTERESTS = "vital-interests"


class TopicWords(Input):
    """What residents read of a topic in one language; what is left out is read in English."""

    name: str = Field(default="", max_length=100)
    description: str = Field(default="", max_length=500)
    frequency: str = Field(default="", max_length=100)


class TopicGroup(SQLModel, table=True):
    """A group of topics, whose name is a heading at sign-up where a council has many. `translations`: the name by
    language.
    """

    __tablename__ = "topic_group"
    __table_args__ = (UniqueConstraint("council_id", "name"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    name: str
    translations: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    position: int = 0

    @property
    def title(self) -> str:
        """Its name in the language that is spoken."""
        return self.translations.get(spoken()) or self.name


class Topic(SQLModel, table=True):
    """Something a council writes about and residents choose. `merged_into_id` took over when it was merged.

    `translations` hold `TopicWords` by language. Nobody new may follow it once `closes_at` is set; from then on it
    ends at that moment, and `closed_at` is when its subscriptions were ended. `instead_ids` are topics that its
    subscribers are offered for it.
    """

    __tablename__ = "topic"
    __table_args__ = (UniqueConstraint("council_id", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    slug: str
    name: str
    description: str = ""
    frequency: str = ""
    translations: dict[str, dict[str, str]] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    purpose: TopicPurpose = Field(sa_column=state_column(TopicPurpose))
    legal_basis: LegalBasis = Field(
        default=LegalBasis.CONSENT, sa_column=state_column(LegalBasis, default=LegalBasis.CONSENT)
    )
    channels: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    tracking_allowed: bool = False
    approval: ApprovalRule = Field(sa_column=state_column(ApprovalRule))
    late_after_minutes: int = 60
    is_suggested: bool = False
    group_id: UUID | None = Field(default=None, foreign_key="topic_group.id")
    position: int = 0
    closes_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    instead_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False, server_default=text("'{}'"))
    )
    merged_into_id: UUID | None = Field(default=None, foreign_key="topic.id")
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())

    def words_in(self, language: str) -> TopicWords:
        """What residents read of it in this language, in English where nobody has translated it."""
        said = self.translations.get(language, {})
        own = {"name": self.name, "description": self.description, "frequency": self.frequency}
        # what is stored was checked when it came in, and is read as it is
        return TopicWords.model_construct(None, **{field: said.get(field) or words for field, words in own.items()})

    @property
    def words(self) -> TopicWords:
        """The same in the language that is spoken."""
        return self.words_in(spoken())

    @property
    def last_day(self) -> str:
        """The last day on which there is this topic, in the language that is spoken; empty where no end is set."""
        if self.closes_at is None:
            return ""
        last = (self.closes_at - timedelta(seconds=1)).astimezone(clock.LONDON)
        return format_date(last, "d MMMM y", locale=spoken())

    @property
    def is_offered(self) -> bool:
        """Whether people may begin to follow it."""
        return self.closes_at is None and self.merged_into_id is None


# constraints as types: SQLModel's `Field(regex=…)` is accepted and then checks nothing
Slug = Annotated[Typed, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
# English stands in the topic itself
Translations = dict[Literal["cy"], TopicWords]


class NewTopic(Input):
    """What a council says to start a topic."""

    slug: Slug = Field(max_length=60)
    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=500)
    frequency: str = Field(default="", max_length=100, description="How often it writes, as in: About twice a week.")
    translations: Translations = Field(default_factory=dict, description="Name, description and frequency by language.")
    purpose: TopicPurpose = TopicPurpose.SERVICE
    legal_basis: LegalBasis | None = Field(
        default=None, description="UK GDPR Article 6; unset: public task for emergencies, else consent."
    )
    channels: list[Channel] = Field(default_factory=lambda: list(Channel), min_length=1)
    tracking_allowed: bool = False
    approval: ApprovalRule = ApprovalRule.NONE
    late_after_minutes: int = Field(
        default=60, ge=1, le=7 * 24 * 60, description="An alert that is later than this is held for a person to send."
    )
    is_suggested: bool = Field(
        default=False, description="Sign-up says that most people choose it. It is never chosen for anyone."
    )

    @model_validator(mode="after")
    def _emergencies_are_never_tracked(self) -> "NewTopic":
        if self.tracking_allowed and self.purpose == TopicPurpose.EMERGENCY:
            raise ValueError("Emergency topics are never tracked: leave tracking_allowed out.")
        return self
