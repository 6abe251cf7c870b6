"""What one subscriber was sent, one message of it again, and everything held about them, for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.core.db import Input, transaction
from notify.deliveries import message_resend, subject_access
from notify.deliveries.message_history import HistoryLine, history
from notify.deliveries.models import DeliveryState
from notify.providers.base import Channel
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest
from notify.staff.service import audit
from notify.subscribers.records.access import open_record


class MessageView(SQLModel):
    """One message to the subscriber, or why there was none."""

    alert: UUID
    number: int = Field(description="With the alert, the message's name.")
    title: str
    topic: str
    channel: Channel
    language: str
    state: DeliveryState
    outcome: str = Field(description="The same in words, with UK times: to be read out.")
    reason: str
    sent_at: datetime | None
    changed_at: datetime

    @classmethod
    def of(cls, line: HistoryLine) -> "MessageView":
        """The fields of this line."""
        one = line.message
        return cls(
            alert=one.alert_id,
            number=one.number,
            title=one.title,
            topic=one.topic,
            channel=one.channel,
            language=one.language,
            state=one.state,
            outcome=line.outcome,
            reason=one.reason,
            sent_at=one.sent_at,
            changed_at=one.changed_at,
        )


class MessageList(SQLModel):
    """Messages, the newest first."""

    messages: list[MessageView]


class Resend(Input):
    """Which message to send again."""

    alert: UUID
    number: int = Field(ge=1, le=2**31 - 1)


class ResendView(SQLModel):
    """What is on its way."""

    alert: UUID
    number: int


@get(
    "/subscribers/{subscriber_id:uuid}/messages",
    guards=[Requires(Right.SEE_ONE_SUBSCRIBER)],
    sync_to_thread=True,
    tags=["subscribers"],
)
def list_subscriber_messages(
    request: StaffRequest,
    subscriber_id: FromPath[UUID],
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")] = 25,
    page: Annotated[int, QueryParameter(ge=1, le=1000, description="Which page of so many.")] = 1,
) -> MessageList:
    """What your council sent a subscriber, by the contacts they have now, and whether it arrived."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        found = history(session, record, passed=(page - 1) * limit, most=limit)
    return MessageList(messages=[MessageView.of(line) for line in found])


@post(
    "/subscribers/{subscriber_id:uuid}/messages/resend",
    guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)],
    status_code=202,
    sync_to_thread=True,
    tags=["subscribers"],
)
def resend_message(request: StaffRequest, subscriber_id: FromPath[UUID], data: JSONBody[Resend]) -> ResendView:
    """Send one message again, to this subscriber alone: while its alert is in force and they follow its topic."""
    with transaction() as session:
        record = open_record(session, request.user, subscriber_id)
        message_resend.send_again(session, request.user, record, data.alert, data.number)
    return ResendView(alert=data.alert, number=data.number)


@get(
    "/subscribers/{subscriber_id:uuid}/export",
    guards=[RequiresLive(Right.SEE_ONE_SUBSCRIBER)],
    sync_to_thread=True,
    tags=["subscribers"],
)
def export_subscriber(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[dict[str, Any]]:
    """Everything your council holds about one subscriber, for their request under data protection law."""
    user = request.user
    with transaction() as session:
        record = open_record(session, user, subscriber_id)
        subject = str(subscriber_id)
        audit(session, council_id=user.council_id, actor=user.actor, action="subscriber.export", subject=subject)
        held = subject_access.everything(session, record)
    return Response(held)


HANDLERS: Sequence[ControllerRouterHandler] = (list_subscriber_messages, resend_message, export_subscriber)
