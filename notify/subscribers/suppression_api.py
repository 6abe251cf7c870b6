"""The JSON doors of suppressions: who is not written to, why, and how that ends."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel, col

from notify.db import Input, transaction
from notify.providers.base import Channel
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.subscribers import suppression
from notify.subscribers.models import Contact, SuppressionReason
from notify.subscribers.rehearsal import is_invented
from notify.subscribers.suppression import Suppressed

AnyRequest = Request[Principal, None, State]


class SuppressionView(SQLModel):
    """Why a contact is not written to. It names nobody: ids are for this installation to resolve."""

    id: UUID
    subscriber: UUID
    contact: UUID
    channel: Channel
    reason: SuppressionReason
    source: str = Field(description="Who said so: a provider's receipt, the resident, or an officer with their reason.")
    at: datetime
    lifted_at: datetime | None
    lifted_reason: str | None

    @classmethod
    def of(cls, found: Suppressed) -> "SuppressionView":
        """The public fields of this suppression."""
        return cls(
            subscriber=found.subscriber_id,
            contact=found.contact_id,
            **found.suppression.model_dump(include=set(cls.model_fields) - {"subscriber", "contact", "at"}),
            at=found.at,
        )


class SuppressionPage(SQLModel):
    """One page of suppressions, the newest first. `next` goes into `after` for the page that follows."""

    suppressions: list[SuppressionView]
    next: UUID | None


class NewSuppression(Input):
    """A decision by staff that a resident is not written to in one way."""

    subscriber: UUID
    channel: Channel
    reason: str = Field(min_length=3, max_length=500, description="For whoever asks later. Write no names.")


class Lifting(Input):
    """Why a suppression ends."""

    reason: str = Field(min_length=3, max_length=500, description="Such as `The resident has a new mailbox.`")


@get("/suppressions", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["suppressions"])
def list_suppressions(
    request: AnyRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    after: FromQuery[UUID | None] = None,
    subscriber: FromQuery[UUID | None] = None,
    lifted: Annotated[bool, QueryParameter(description="Also those that were lifted.")] = False,
) -> SuppressionPage:
    """Which of your council's residents are not written to, by channel, with the reason and who said so."""
    with transaction() as session:
        found = suppression.suppressions(
            session,
            request.user.council_id,
            subscriber_id=subscriber,
            after=after,
            also_lifted=lifted,
            only=is_invented(col(Contact.subscriber_id)) if request.user.is_test else None,
            limit=limit,
        )
        views = [SuppressionView.of(one) for one in found]
    return SuppressionPage(suppressions=views, next=views[-1].id if len(views) == limit else None)


@post("/suppressions", guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)], sync_to_thread=True, tags=["suppressions"])
def add_suppression(request: AnyRequest, data: JSONBody[NewSuppression]) -> SuppressionView:
    """Your council does not write to this resident in this way any more, from the next slice on: about a second.
    Repeatable. What other councils send is theirs to stop.
    """
    user = request.user
    with transaction() as session:
        found = suppression.suppress_contact(
            session,
            council_id=user.council_id,
            subscriber_id=data.subscriber,
            channel=data.channel,
            reason=data.reason,
            actor=user.actor,
        )
        return SuppressionView.of(found)


@post(
    "/suppressions/{suppression_id:uuid}/lift",
    guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["suppressions"],
)
def lift_suppression(request: AnyRequest, suppression_id: FromPath[UUID], data: JSONBody[Lifting]) -> SuppressionView:
    """Write to a resident again, for your council alone: a bounce that all councils share stays in force for others.
    Lifting what a resident said themselves needs their word: say so.
    """
    user = request.user
    with transaction() as session:
        found = suppression.lift(
            session,
            council_id=user.council_id,
            suppression_id=suppression_id,
            reason=data.reason,
            actor=user.actor,
        )
        return SuppressionView.of(found)


HANDLERS: Sequence[ControllerRouterHandler] = (list_suppressions, add_suppression, lift_suppression)
