"""What the JSON interface shows of alerts and audiences."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.alerts.hazard import Hazard
from notify.alerts.models import Alert, AlertState, Priority
from notify.subscribers.models import Topic

_INTERNAL = {
    *("ledger_month", "submission", "reply_code", "late_reminded_at"),
    *("incident_id", "group_words", "plan_id", "approver_role"),
}


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class AlertView(SQLModel):
    """An alert as its council sees it."""

    id: UUID
    topic: str
    priority: Priority
    state: AlertState
    title: str
    body: str
    link: str | None
    sms: str | None
    translations: dict[str, dict[str, str]]
    audience: dict[str, object] | None
    channels: list[str]
    reference: str | None
    is_test: bool
    is_training: bool = Field(description="An exercise: nothing of it leaves the sandbox.")
    asks_reply: bool
    escalation: dict[str, object] | None
    escalated_at: datetime | None
    content_hash: str
    follows: UUID | None
    follow_up: str | None
    recipients: int | None = Field(description="Deliveries in the ledger; unset until the audience is expanded.")
    created_at: datetime
    changed_at: datetime
    send_at: datetime | None
    expires_at: datetime | None
    late_since: datetime | None = Field(
        description="Held since then, because `send_at` had passed too long before: send it late, or reschedule it."
    )
    ended_areas: list[str] | None = Field(
        description="Codes of its audience that have ended. A routine alert is held until its areas are replaced; an "
        "emergency also goes to the areas that have taken over."
    )
    approved_at: datetime | None
    finished_at: datetime | None
    groups: dict[str, dict[str, object]] | None = Field(
        description="Of an update with another area: the words for people `new` in it and for those who have `left` it."
    )
    incident: UUID | None = Field(description="The incident that it is part of.")
    cap: dict[str, str] = Field(description="What other systems are told in CAP, as far as it was said.")

    @classmethod
    def of(cls, alert: Alert, topic: Topic) -> "AlertView":
        """The public fields of this alert."""
        hidden = {"council_id", "topic_id", "targets", "content_hash", "follows_id", "created_by", "expanded_at"}
        return cls(
            **alert.model_dump(exclude=hidden | {*_INTERNAL, *Hazard.model_fields}),
            topic=topic.slug,
            content_hash=alert.content_hash.hex(),
            follows=alert.follows_id,
            incident=alert.incident_id,
            groups=alert.group_words,
            cap={name: _said(said) for name in Hazard.model_fields if (said := getattr(alert, name))},
        )


class AlertPage(SQLModel):
    """One page of alerts, newest first. `next` goes into `after` for the page that follows."""

    alerts: list[AlertView]
    next: UUID | None


class WardView(SQLModel):
    """How many people would be reached in a ward."""

    code: str | None
    name: str
    people: int


class SuccessorView(SQLModel):
    """An area in force that has taken over `share` of the postcodes of one that ended."""

    code: str
    name: str
    share: float


class EndedAreaView(SQLModel):
    """An area of the audience that has ended, and what is there now, the largest part first."""

    code: str
    name: str
    successors: list[SuccessorView]


class AudienceView(SQLModel):
    """How many people a send would reach now. Numbers are rounded to ten; 0 stands for fewer than ten.

    Audiences that differ by fewer than ten people get the same answer for an hour.
    """

    people: int = Field(description="Rounded to ten; 0 for fewer than ten.")
    fewer_than_ten: bool = Field(description="True when fewer than ten people, or nobody, would be reached.")
    by_channel: dict[str, int] = Field(description="What is sent at once.")
    later_by_channel: dict[str, int] = Field(description="What `escalate` sends later at most, to people not reached.")
    by_language: dict[str, int] = Field(description="Languages of ten people or more.")
    by_ward: list[WardView] = Field(description="Wards of ten people or more.")
    near_boundary: int = Field(description="People included only because their postcode lies near a boundary.")
    postcodes: int = Field(description="Postcodes selected by shapes, circles and lists.")
    sms_parts: int = Field(description="Parts of one text message.")
    sms_parts_total: int = Field(
        description="Parts of all text messages together, at most: what is paid for. Fewer than ten count as ten."
    )
    sms_advice: str = Field(description="What makes a text cost more parts than it need, in a sentence.")
    cost_pence: float | None = Field(
        description="What sending would cost at most; null where no price is set. Without `sms`, a text counts as one "
        "part. Fewer than ten messages count as ten."
    )
    budget_left_pence: float | None = Field(description="What is left of the month's budget; null: no limit.")
    over_budget: bool = Field(description="True when a routine alert would wait on hold for a larger budget.")
    population: int | None = Field(description="Residents of the wards reached, where the release knows.")
    share_of_population: float | None
    ended_areas: list[EndedAreaView] = Field(description="Of an emergency: it also goes to their successors.")
