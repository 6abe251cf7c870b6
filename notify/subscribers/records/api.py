"""Finding one subscriber, pausing their alerts and sending them a link, for programs such as a contact centre's."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.core.db import Input, transaction
from notify.providers.base import Channel
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest
from notify.subscribers.models import ServiceMessageKind
from notify.subscribers.records import search, service
from notify.subscribers.records.access import open_record
from notify.subscribers.records.search import SubscriberSearch
from notify.subscribers.suppression.service import NoSuchContact
from notify.subscribers.views import SubscriberView


class SubscribersFound(SQLModel):
    """Those who fit, the newest first."""

    subscribers: list[SubscriberView]


class Pause(Input):
    """Until when a subscriber gets nothing but emergencies."""

    until: date | None = Field(description="The day on which alerts begin again, within a year. Null ends the pause.")


class PauseView(SQLModel):
    """The pause that is in force."""

    until: date | None


class LinkRequest(Input):
    """By which channel a link is sent to its owner."""

    channel: Channel


class LinkView(SQLModel):
    """What is on its way."""

    kind: ServiceMessageKind = Field(
        description="`sign-in`: a link to manage their alerts. `confirm`: the contact was not confirmed, so that again."
    )


@post(
    "/subscribers/search",
    guards=[Requires(Right.SEE_ONE_SUBSCRIBER)],
    status_code=200,
    sync_to_thread=True,
    tags=["subscribers"],
)
def search_subscribers(request: StaffRequest, data: JSONBody[SubscriberSearch]) -> SubscribersFound:
    """At most 20 subscribers with this address, of this reference, or with this name at this postcode.

    What is personal stands in the body, never in an address. Each search, and each record it shows, leaves a line in
    the audit trail, with the reason.
    """
    with transaction() as session:
        found = search.find(session, request.user, data)
        return SubscribersFound(subscribers=[SubscriberView.of(record) for record in found])


@post(
    "/subscribers/{subscriber_id:uuid}/pause",
    guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["subscribers"],
)
def pause_subscriber(request: StaffRequest, subscriber_id: FromPath[UUID], data: JSONBody[Pause]) -> PauseView:
    """Send a subscriber nothing but emergencies until a day, or end that now. Safe to repeat."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        service.pause(session, request.user, record, data.until)
    return PauseView(until=data.until)


@post(
    "/subscribers/{subscriber_id:uuid}/link",
    guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["subscribers"],
)
def send_subscriber_link(request: StaffRequest, subscriber_id: FromPath[UUID], data: JSONBody[LinkRequest]) -> LinkView:
    """Send the owner of a contact a link to manage their alerts, or the message to confirm again. Three a day."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        contact = next((one for one in record.contacts if one.channel == data.channel), None)
        if contact is None:
            raise NoSuchContact(f"This subscriber has no {data.channel} contact.")
        return LinkView(kind=service.send_link(session, request.user, record, contact.id))


HANDLERS: Sequence[ControllerRouterHandler] = (search_subscribers, pause_subscriber, send_subscriber_link)
