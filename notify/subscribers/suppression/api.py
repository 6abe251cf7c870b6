"""API routes of suppressions."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlalchemy import ColumnElement
from sqlmodel import Field, SQLModel, col

from notify.core.db import Input, transaction
from notify.providers.base import Channel
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest
from notify.subscribers.models import Contact, SuppressionReason
from notify.subscribers.suppression import bounces, review
from notify.subscribers.suppression import service as suppression_service
from notify.subscribers.suppression.review import Which
from notify.subscribers.suppression.service import Suppressed
from notify.subscribers.test_people import is_invented


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
    reason: str = Field(min_length=3, max_length=500, description="For people who ask later. Write no names.")


class Lifting(Input):
    """Why a suppression ends."""

    reason: str = Field(min_length=3, max_length=500, description="Such as `The resident has a new mailbox.`")


class AddressSearch(Input):
    """An address to look for. It stands in the body, because personal data never stands in a URL."""

    address: str = Field(min_length=3, max_length=500, description="E-mail address, telephone number or receiver.")


class LiftMany(Input):
    """Which suppressions end together: named by id, or all with one reason, channel and time."""

    ids: list[UUID] = Field(default_factory=list, max_length=1000)
    which: SuppressionReason | None = Field(
        default=None, description="All with this reason: `hard-bounce`, `soft-bounces` or `staff`. Instead of ids."
    )
    channel: Channel | None = None
    since: datetime | None = None
    until: datetime | None = None
    reason: str = Field(min_length=3, max_length=500, description="Such as `Our relay refused everybody on 3 March.`")


class LiftedMany(SQLModel):
    """How many suppressions ended. Ask again where it is 10,000: so many end at once."""

    lifted: int


class BurstView(SQLModel):
    """Hard bounces of one cause, too many within an hour to be believed unseen. None of them suppresses anyone yet."""

    id: UUID
    cause: str
    addresses: int
    first_at: datetime
    last_at: datetime


class Decided(SQLModel):
    """How many addresses of a burst were decided on."""

    addresses: int


@get("/suppressions", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["suppressions"])
def list_suppressions(
    request: StaffRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    after: FromQuery[UUID | None] = None,
    subscriber: FromQuery[UUID | None] = None,
    lifted: Annotated[bool, QueryParameter(description="Also those that were lifted.")] = False,
    reason: FromQuery[SuppressionReason | None] = None,
    channel: FromQuery[Channel | None] = None,
    since: FromQuery[datetime | None] = None,
) -> SuppressionPage:
    """Which of your council's residents are not written to, by channel, with the reason and who said so."""
    with transaction() as session:
        found = suppression_service.suppressions(
            session,
            request.user.council_id,
            subscriber_id=subscriber,
            after=after,
            also_lifted=lifted,
            only=[*_seen_by(request.user), *Which(reason, channel, since).conditions()],
            limit=limit,
        )
        views = [SuppressionView.of(one) for one in found]
        note_reading(session, request.user, len(views), "suppressions", has_ids_only=True)
    return SuppressionPage(suppressions=views, next=views[-1].id if len(views) == limit else None)


def _seen_by(user: Principal) -> Sequence[ColumnElement[bool]]:
    return [is_invented(col(Contact.subscriber_id))] if user.is_test else []


@post(
    "/suppressions/search",
    guards=[Requires(Right.SEE_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["suppressions"],
)
def search_suppressions(request: StaffRequest, data: JSONBody[AddressSearch]) -> SuppressionPage:
    """Why your council does not write to the person with this address, by any channel; also what was lifted."""
    with transaction() as session:
        council_id = request.user.council_id
        person = review.subscriber_of(session, council_id, data.address)
        found = (
            suppression_service.suppressions(
                session, council_id, subscriber_id=person, also_lifted=True, only=_seen_by(request.user)
            )
            if person
            else ()
        )
        return SuppressionPage(suppressions=[SuppressionView.of(one) for one in found], next=None)


@post(
    "/suppressions/lift",
    guards=[RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["suppressions"],
)
def lift_suppressions(request: StaffRequest, data: JSONBody[LiftMany]) -> LiftedMany:
    """Write again to many addresses that bounced or that staff suppressed, for your council alone. What residents said
    themselves is lifted one by one.
    """
    with transaction() as session:
        lifted = review.lift_many(
            session,
            council_id=request.user.council_id,
            which=Which(data.which, data.channel, data.since, data.until) if data.which else None,
            ids=data.ids,
            reason=data.reason,
            actor=request.user.actor,
        )
    return LiftedMany(lifted=lifted)


@get("/bounces/bursts", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["suppressions"])
def list_bursts(request: StaffRequest) -> list[BurstView]:
    """Hard bounces that wait for a person, because more than `NOTIFY_BOUNCE_BURST` had one cause within an hour."""
    with transaction() as session:
        return [BurstView(**asdict(burst)) for burst in bounces.bursts(session, request.user.council_id)]


@post(
    "/bounces/bursts/{burst_id:uuid}/confirm",
    guards=[RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["suppressions"],
)
def confirm_burst(request: StaffRequest, burst_id: FromPath[UUID]) -> Decided:
    """These addresses are dead: suppress them."""
    return _decide(request, burst_id, is_dead=True)


@post(
    "/bounces/bursts/{burst_id:uuid}/dismiss",
    guards=[RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["suppressions"],
)
def dismiss_burst(request: StaffRequest, burst_id: FromPath[UUID]) -> Decided:
    """Something else was wrong: go on writing to these addresses."""
    return _decide(request, burst_id, is_dead=False)


def _decide(request: StaffRequest, burst_id: UUID, *, is_dead: bool) -> Decided:
    user = request.user
    with transaction() as session:
        decided = bounces.decide(
            session, council_id=user.council_id, burst_id=burst_id, is_dead=is_dead, actor=user.actor
        )
    return Decided(addresses=decided)


@post("/suppressions", guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)], sync_to_thread=True, tags=["suppressions"])
def add_suppression(request: StaffRequest, data: JSONBody[NewSuppression]) -> SuppressionView:
    """Your council does not write to this resident in this way any more, from the next slice on: about a second.
    Repeatable. What other councils send is theirs to stop.
    """
    user = request.user
    with transaction() as session:
        found = suppression_service.suppress_contact(
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
def lift_suppression(request: StaffRequest, suppression_id: FromPath[UUID], data: JSONBody[Lifting]) -> SuppressionView:
    """Write to a resident again, for your council alone: a bounce that all councils share stays in force for others.
    Lifting what a resident said themselves needs their word: say so.
    """
    user = request.user
    with transaction() as session:
        found = suppression_service.lift(
            session,
            council_id=user.council_id,
            suppression_id=suppression_id,
            reason=data.reason,
            actor=user.actor,
        )
        return SuppressionView.of(found)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_suppressions,
    search_suppressions,
    add_suppression,
    lift_suppression,
    lift_suppressions,
    list_bursts,
    confirm_burst,
    dismiss_burst,
)
