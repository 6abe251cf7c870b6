"""Texts of residents that a person has to read, for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel, col

from notify.core.db import transaction
from notify.staff.guards import Requires, Right
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest
from notify.subscribers.inbound_texts import service as inbound_texts_service
from notify.subscribers.models import Contact
from notify.subscribers.test_people import is_invented

After = Annotated[UUID | None, QueryParameter(description="`next` of the page before.")]


class InboundTextView(SQLModel):
    """What a resident wrote in answer to a text. It began with STOP and went on about something else."""

    id: UUID
    subscriber: UUID
    at: datetime
    words: str


class InboundTextPage(SQLModel):
    """One page of messages, the newest first. `next` goes into `after` for the page that follows."""

    messages: list[InboundTextView]
    next: UUID | None = Field(description="Empty on the last page.")


@get("/resident-messages", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["subscribers"])
def list_messages(
    request: StaffRequest, limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100, after: After = None
) -> InboundTextPage:
    """Texts that residents answered with and that are not STOP. They were told once how to stop."""
    user = request.user
    only = is_invented(col(Contact.subscriber_id)) if user.is_test else None
    with transaction() as session:
        found = inbound_texts_service.of_council(session, user.council_id, after=after, only=only, limit=limit)
        note_reading(session, user, len(found), "messages of residents")
    views = [InboundTextView(id=one.id, subscriber=one.subscriber_id, at=one.at, words=one.words) for one in found]
    return InboundTextPage(messages=views, next=views[-1].id if len(views) == limit else None)


HANDLERS: Sequence[ControllerRouterHandler] = (list_messages,)
