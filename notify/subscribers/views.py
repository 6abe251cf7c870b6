"""What the JSON interface shows of topics and subscribers."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.places.postcodes import canonical
from notify.providers.base import Channel
from notify.subscribers.imports.enrolment import EnrolStatus
from notify.subscribers.models import WardSource
from notify.subscribers.queries import SubscriberRecord


class ContactView(SQLModel):
    """A way to reach a resident. Nothing is sent before it is confirmed."""

    channel: Channel
    address: str
    confirmed_at: datetime | None


class PlaceView(SQLModel):
    """A place a resident cares about, and the ward it lies in."""

    postcode: str
    label: str
    ward_code: str | None
    district_code: str | None
    alt_ward_code: str | None = Field(description="The neighbouring ward, if the postcode lies near its boundary.")
    ward_source: WardSource
    needs_review: bool = Field(description="The postcode is unknown, ended or without a ward.")


class FollowedTopic(SQLModel):
    """A topic a resident follows, and how."""

    topic: str
    channels: list[Channel]
    since: datetime
    only_at: list[str] | None = Field(default=None, description="For these places only; null for all of them.")


class SubscriberView(SQLModel):
    """A resident as this council may see them: other councils' topics are left out."""

    id: UUID
    name: str
    language: str
    tracking_consent: bool
    contacts: list[ContactView]
    places: list[PlaceView]
    topics: list[FollowedTopic]
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, record: SubscriberRecord) -> "SubscriberView":
        """The public fields of this resident."""
        person = record.subscriber
        return cls(
            id=person.id,
            name=person.name,
            language=person.language,
            tracking_consent=person.tracking_consent,
            contacts=[
                ContactView(channel=contact.channel, address=contact.address, confirmed_at=contact.confirmed_at)
                for contact in record.contacts
            ],
            places=[
                PlaceView(
                    postcode=canonical(place.postcode),
                    **place.model_dump(include=set(PlaceView.model_fields) - {"postcode"}),
                )
                for place in record.places
            ],
            topics=[
                FollowedTopic.model_validate(
                    {
                        "topic": topic.slug,
                        "channels": subscription.channels,
                        "since": subscription.started_at,
                        "only_at": [canonical(one) for one in subscription.only_at or ()] or None,
                    }
                )
                for subscription, topic in record.subscriptions
            ],
            created_at=person.created_at,
            changed_at=person.changed_at,
        )


class SubscriberPage(SQLModel):
    """One page of residents in the order they came. `next` goes into `after` for the page that follows."""

    subscribers: list[SubscriberView]
    next: UUID | None


class SubscriberAdded(SQLModel):
    """What became of one resident."""

    id: UUID
    status: EnrolStatus
    needs_review: bool = Field(description="A postcode is unknown, ended or without a ward.")
    webhook_secrets: list[str] = Field(description="Signing secrets of new webhooks. They are never shown again.")
    waiting: list[Channel] = Field(description="Further addresses, used once the resident says yes to them.")
    asked: list[Channel] = Field(description="By these, what is new is sent once the resident says yes to a message.")
    had_unsubscribed: bool = Field(
        description="They had left, and the consent is no newer: they are asked once and get nothing before their yes."
    )
    notes: list[str] = Field(description="What of their places was not used or is not known.")


class ProblemView(SQLModel):
    """A row, and why it added nobody or what to look at. The header is row 1."""

    row: int
    reason: str


class ImportView(SQLModel):
    """What became of a file."""

    rows: int
    created: int
    updated: int
    refused: int
    waiting: int = Field(description="Rows with a further address, used once the resident says yes to it.")
    asked: int = Field(description="Rows of known people for whom something new waits until they say yes.")
    had_unsubscribed: int = Field(
        description="Rows of people who had left, with no newer consent: asked once, and sent nothing before their yes."
    )
    erased: int = Field(description="Refused rows of people that you erased, with no newer consent.")
    needs_review: int = Field(description="Rows added whose postcode is unknown, ended or without a ward.")
    problems: list[ProblemView] = Field(description="The first 1,000 rows that were refused.")
    noted: int = Field(description="Rows added with a ward that was not used, or a postcode that is not known.")
    notes: list[ProblemView] = Field(description="The first 1,000 of these, and why.")
