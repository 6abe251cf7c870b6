"""Alerts, who approved them, and replies kept for repeated requests."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, StringConstraints, model_validator
from sqlalchemy import ARRAY, Column, FetchedValue, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from notify.alerts.hazard import Category, Certainty, Hazard, Severity, Urgency, Words, can_be_wrapped
from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column
from notify.core.typed_text import Typed, with_scheme
from notify.places.models import AudienceSpec
from notify.providers.base import Channel
from notify.staff.models import Role
from notify.subscribers.models import Language


class Priority(StrEnum):
    """How urgent an alert is; names the lane that carries it."""

    EMERGENCY = "emergency"
    ROUTINE = "routine"


class AlertState(StrEnum):
    """Where an alert is in its life."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class FollowUp(StrEnum):
    """What an alert is to the one it follows: it goes to exactly those who got the first."""

    UPDATE = "update"
    ALL_CLEAR = "all-clear"


class Alert(SQLModel, table=True):
    """A message to everyone who follows a topic in some places.

    `audience` is what the officer asked for, `targets` what it was resolved to when it was stored (ward,
    district and postcode sets), and `content_hash` binds approval to words, audience and expiry together.
    `submission` counts how often it was submitted: a yes from before
    a no does not count again. `ledger_month` is the partition that holds every delivery of this alert.
    `reply_code` is its short name in links, given by the database. `escalation` is an `Escalation`. One that
    `is_training` is a test as well, so that no message of it leaves; the database refuses anything else.
    `parts` are the words of the alerts that a digest is made of, by language. From `detail_removed_at` on the ledger
    does not know any more who got it. One that is submitted or scheduled is held since `late_since`, because its time
    had passed too long ago; `late_reminded_at` is when people were reminded of it. `ended_areas` are codes of its
    audience that are not in force any more: a routine alert is held, and an emergency went to their successors.
    `webhook_event` is what webhooks call an automated message, such as `collection.moved`, with its `webhook_detail`.
    `plan_id` is the plan that it was made from, and `approver_role` who is asked first for approval.
    `changed_by` gave what someone else wrote its newest version: they do not approve it either.
    `incident_id` is the incident that it is part of, if any. An update with another area has an audience of its own,
    and in `group_words` the words for those who are new in it and for those who have left it.
    """

    __tablename__ = "alert"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    topic_id: UUID = Field(foreign_key="topic.id")
    priority: Priority = Field(sa_column=state_column(Priority))
    title: str
    body: str
    link: str | None = None
    sms: str | None = None
    translations: dict[str, dict[str, str]] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    audience: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    targets: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    channels: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    reference: str | None = None
    state: AlertState = Field(sa_column=state_column(AlertState))
    is_test: bool = False
    content_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    follows_id: UUID | None = Field(default=None, foreign_key="alert.id")
    follow_up: FollowUp | None = Field(default=None, sa_column=state_column(FollowUp, nullable=True))
    event: str | None = None
    category: Category | None = Field(default=None, sa_column=state_column(Category, nullable=True))
    severity: Severity | None = Field(default=None, sa_column=state_column(Severity, nullable=True))
    urgency: Urgency | None = Field(default=None, sa_column=state_column(Urgency, nullable=True))
    certainty: Certainty | None = Field(default=None, sa_column=state_column(Certainty, nullable=True))
    effective: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    onset: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    instruction: str | None = None
    submission: int = 0
    created_by: str
    is_councillors: bool = False
    changed_by: str | None = None
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    send_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    expires_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    approved_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    expanded_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    detail_removed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    parts: list[dict[str, object]] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    late_since: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    late_reminded_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    ended_areas: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    ledger_month: date | None = None
    recipients: int | None = None
    asks_reply: bool = False
    reply_code: int | None = Field(
        default=None, sa_column=Column(Integer, server_default=FetchedValue(), nullable=False)
    )
    escalation: dict[str, object] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    escalated_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))
    is_training: bool = False
    plan_id: UUID | None = None  # no foreign key: workers know nothing of plans, which are never deleted
    approver_role: Role | None = Field(default=None, sa_column=state_column(Role, nullable=True))
    webhook_event: str | None = None
    webhook_detail: dict[str, object] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    incident_id: UUID | None = Field(default=None, foreign_key="incident.id")
    group_words: dict[str, dict[str, Any]] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )


class Approval(SQLModel, table=True):
    """One person's yes or no to exactly the content whose hash it holds, in one round of asking.

    A no that `is_return` asks the author for changes; any other no sends the alert back for good.
    """

    __tablename__ = "approval"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    alert_id: UUID = Field(foreign_key="alert.id")
    content_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    actor: str
    approved: bool
    reason: str = ""
    is_return: bool = False
    submission: int
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class IdempotentReply(SQLModel, table=True):
    """The reply to a request that may be repeated: same key and body get it again."""

    __tablename__ = "idempotent_reply"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reply: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


def _one_line(title: str) -> str:
    return " ".join(title.split())


def _plain_letters(link: str) -> str:
    """The link as it goes over the wire: `ŵ` in a path is %C5%B5."""
    host, slash, rest = link.partition("://")[2].partition("/")
    if not host.isascii():
        raise ValueError("Write the link's host in plain letters, as xn--….")
    return link.partition("://")[0] + "://" + host + slash + quote(rest, safe="%/?#[]@!$&'()*+,;=:-._~")


# constraints as types: SQLModel's `Field(regex=…)` is accepted and then checks nothing
Title = Annotated[str, AfterValidator(can_be_wrapped), AfterValidator(_one_line), StringConstraints(min_length=1)]
Link = Annotated[
    str,
    AfterValidator(with_scheme),
    StringConstraints(pattern=r"^https?://[^\s<>\"]+$"),
    AfterValidator(_plain_letters),
]


class Translation(Input):
    """The same words in another language."""

    title: Title = Field(min_length=1, max_length=120)
    body: Words = Field(min_length=1, max_length=10_000)
    sms: Words | None = Field(default=None, min_length=1, max_length=918)


Translations = dict[Language, Translation]


class Escalation(Input):
    """Another way to those who were not reached: `channels`, so many minutes after the first ones."""

    after_minutes: int = Field(ge=1, le=120)
    channels: list[Channel] = Field(min_length=1)


class AlertContent(Input):
    """What an alert says, to whom, until when. Unknown fields are refused."""

    topic: Typed = Field(description="Slug of one of the council's topics.")
    priority: Priority = Priority.ROUTINE
    title: Title = Field(min_length=1, max_length=120)
    body: Words = Field(min_length=1, max_length=10_000, description="Plain text; an empty line starts a paragraph.")
    link: Link | None = Field(default=None, max_length=500)
    translations: Translations = Field(default_factory=dict, description="By language, such as `cy`.")
    sms: Words | None = Field(
        default=None,
        min_length=1,
        max_length=918,
        description="The text message; unset: title and link, and of an emergency what to do.",
    )
    audience: AudienceSpec | None = Field(default=None, description="Unset: everyone who follows the topic.")
    channels: list[Channel] = Field(default_factory=lambda: list(Channel), min_length=1)
    send_at: AwareDatetime | None = Field(default=None, description="Unset: as soon as it may be sent.")
    expires_at: AwareDatetime | None = Field(
        default=None, description="Nothing is sent after this moment. An emergency's: 24 hours later, unless set."
    )
    reference: str | None = Field(default=None, max_length=100, description="Your own name for this alert.")
    cap: Hazard | None = Field(default=None, description="What other systems are told in CAP.")
    asks_reply: bool = Field(
        default=False, description="Emergencies only: every message asks whether its reader is safe or needs help."
    )
    escalate: Escalation | None = Field(
        default=None, description="Emergencies only: these channels later, and only where the others reached no one."
    )
    training: bool = Field(
        default=False, description="Emergencies only: an exercise, of which nothing leaves the sandbox."
    )
    incident: UUID | None = Field(
        default=None, description="An incident that goes on and that it is part of. Unset: an emergency opens one."
    )

    @model_validator(mode="after")
    def _only_emergencies_ask(self) -> "AlertContent":
        if self.priority != Priority.EMERGENCY and (self.asks_reply or self.escalate or self.training):
            raise ValueError("asks_reply, escalate and training are for alerts of priority emergency.")
        return self

    @model_validator(mode="after")
    def _life_is_long_enough(self) -> "AlertContent":
        if self.send_at and self.expires_at and self.expires_at <= self.send_at:
            raise ValueError("expires_at must be later than send_at.")
        return self


class NewAlert(AlertContent):
    """An alert to create. `send` sends it at once, or at `send_at`, where the topic's approval rule allows."""

    send: bool = False


class GroupWords(Input):
    """What one group of readers of an update with another area gets."""

    title: Title = Field(min_length=1, max_length=120)
    body: Words = Field(min_length=1, max_length=10_000)
    sms: Words | None = Field(default=None, min_length=1, max_length=918)
    translations: Translations = Field(default_factory=dict)


class FollowUpContent(Input):
    """What is new, for exactly those who got the first alert; of an emergency's update also for another area."""

    title: Title = Field(min_length=1, max_length=120)
    body: Words = Field(min_length=1, max_length=10_000)
    link: Link | None = Field(default=None, max_length=500)
    sms: Words | None = Field(default=None, min_length=1, max_length=918)
    translations: Translations = Field(default_factory=dict)
    expires_at: AwareDatetime | None = None
    cap: Hazard | None = Field(default=None, description="Where it differs from the first alert's.")
    audience: AudienceSpec | None = Field(
        default=None, description="Updates of emergencies: the area from now on. Unset: as before."
    )
    new: GroupWords | None = Field(
        default=None,
        description="With `audience`: for people new in it. Unset: the first alert and the update.",
    )
    left: GroupWords | None = Field(
        default=None, description="With `audience`: for people who are no longer in it. Unset: that they are not."
    )


class NewTime(Input):
    """Another time for an alert that waits."""

    send_at: AwareDatetime


class DigestPart(Input):
    """One alert within a digest; `words` are its title and body by language."""

    alert: UUID
    link: str | None
    words: dict[str, dict[str, str]]


class DryRun(Input):
    """An audience to count without sending anything."""

    topic: Typed
    audience: AudienceSpec | None = None
    channels: list[Channel] = Field(default_factory=lambda: list(Channel), min_length=1)
    priority: Priority = Priority.ROUTINE
    sms: str | None = Field(default=None, max_length=918, description="Counts the parts of this text.")
    asks_reply: bool = Field(default=False, description="Counts the link for replies as part of the text.")
    training: bool = Field(default=False, description="Counts the words that mark an exercise.")
    escalate: Escalation | None = Field(
        default=None, description="Counts apart those who would get it by these channels later."
    )


class AskedCount(SQLModel, table=True):
    """That someone asked how many people an audience has, and what they were told, for an hour.

    `is_first`: the answer is of this audience and not of an earlier one with all but the same people, whose places then
    are in `targets`.
    """

    __tablename__ = "asked_count"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    person: str
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    question: str
    targets: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    targets_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    is_first: bool
    exact: int
    answer: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
