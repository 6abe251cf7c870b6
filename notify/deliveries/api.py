"""API routes of deliveries, providers' webhooks and the queue."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, RawBody
from litestar.types import ControllerRouterHandler
from pydantic import field_validator, model_validator
from sqlmodel import Field, SQLModel

from notify.alerts import queries as alerts
from notify.channels import Channel
from notify.core.db import Input, transaction
from notify.core.errors import Invalid, NotFound, Unauthenticated, Unavailable
from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.core.zoned_time import aware
from notify.deliveries import holds, queries
from notify.deliveries.manual_retries import retry
from notify.deliveries.metrics_exposition import exposition, workers_seen
from notify.deliveries.models import DeliveryState, Hold
from notify.deliveries.provider_health import provider_health
from notify.deliveries.receipts import take_news
from notify.providers import registry
from notify.providers.base import Answers, CallBack, Provider, Receipt, ReceiptNotAuthentic, SpeaksFor
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest
from notify.web.api_document import also, answers
from notify.web.client_network import is_this_machine
from notify.web.conditional import POLLED

log = logging.getLogger(__name__)


class ProviderNotInUse(NotFound):
    """No provider of this name is named in the settings."""

    title = "There is no such provider"


class ReceiptNotReadable(Invalid):
    """An authentic call-back that its adapter makes no sense of."""

    title = "The receipt cannot be read"


class ReceiptRefused(Unauthenticated):
    """The call-back is not signed by the provider."""

    title = "The receipt is not authentic"


class DeliveryView(SQLModel):
    """One delivery. It names nobody: `contact` is an id that only this installation can resolve."""

    id: str
    number: int
    contact: UUID
    channel: str
    language: str
    ward: str | None
    state: DeliveryState
    provider: str | None
    reason: str | None
    sent_at: datetime | None
    changed_at: datetime


class DeliveryPage(SQLModel):
    """One page of the ledger. `next` goes into `after` for the page that follows."""

    deliveries: list[DeliveryView]
    next: int | None


@get(
    "/alerts/{alert_id:uuid}/deliveries",
    guards=[Requires(Right.SEE_WORK)],
    sync_to_thread=True,
    tags=["ledger"],
    responses=also(410, queries.DetailRemoved.title),
)
def list_deliveries(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    limit: Annotated[int, QueryParameter(ge=1, le=5000)] = 500,
    after: Annotated[int, QueryParameter(ge=0)] = 0,
    in_state: Annotated[DeliveryState | None, QueryParameter(name="state")] = None,
    changed_since: FromQuery[datetime | None] = None,
) -> DeliveryPage:
    """The ledger of an alert: one row per person and channel, with its state."""
    since = aware(changed_since)
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        alerts.require_kind(request.user, alert)
        rows = queries.deliveries(session, alert, after=after, state=in_state, changed_since=since, limit=limit)
        note_reading(session, request.user, len(rows), f"deliveries of {alert_id}", has_ids_only=True)
    views = [
        DeliveryView(
            id=f"{alert_id.hex}-{row.number}",
            number=row.number,
            contact=row.contact_id,
            channel=row.channel,
            language=row.language,
            ward=row.ward_code,
            state=row.state,
            provider=row.provider,
            reason=row.reason,
            sent_at=row.sent_at,
            changed_at=row.changed_at,
        )
        for row in rows
    ]
    return DeliveryPage(deliveries=views, next=rows[-1].number if len(rows) == limit else None)


class ReceiptsTaken(SQLModel):
    """What a call of a provider held. Some providers get an answer of their own instead."""

    receipts: int
    inbound: int = Field(description="Messages that residents wrote back.")
    changed: int = Field(description="Deliveries and subscribers that changed because of it.")


@dataclass
class ReceiptOperation(Operation):
    """The documentation of the route for providers' calls: what stands in them is the provider's."""

    def __post_init__(self) -> None:
        form = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))
        said = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))
        self.request_body = RequestBody({"application/json": said, "application/x-www-form-urlencoded": form})
        answer = (self.responses or {})["200"]
        if isinstance(answer, OpenAPIResponse) and answer.content:
            answer.content["text/xml"] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


@post(
    "/webhooks/{provider:str}",
    status_code=200,
    sync_to_thread=True,
    tags=["receipts"],
    operation_class=ReceiptOperation,
    responses=answers(200, ReceiptsTaken, "What was taken."),
)
def receive_receipts(request: StaffRequest, provider: FromPath[str], body: RawBody) -> Response[object]:
    """Take a provider's delivery receipts, and what residents wrote back to it: STOP and START take effect at once.

    Public: the adapter verifies the signature; unsigned is 401. Repeats and latecomers are taken and change nothing.
    """
    adapter = _provider_in_use(provider)
    query = f"?{request.url.query}" if request.url.query else ""
    call = CallBack(body, dict(request.headers), f"{settings().base_url}{request.url.path}{query}")
    try:
        news = adapter.read_receipt(call)
    except ReceiptNotAuthentic as error:
        raise ReceiptRefused(str(error) or "The signature is missing or wrong.") from None
    except Unavailable:
        raise  # the provider is to come again
    except Exception as error:  # a third party's adapter may stumble over what it did not expect
        log.error("adapter cannot read a call-back", extra={"provider": provider, "error": type(error).__name__})
        raise ReceiptNotReadable("The adapter cannot read this call-back; nothing was changed.") from None
    others = adapter.speaks_for if isinstance(adapter, SpeaksFor) else ()
    with transaction() as session:
        changed = take_news(session, news, provider=provider, speaks_for=others)
    if isinstance(adapter, Answers):
        content, media_type = adapter.answer(call, news)
        return Response(content, media_type=media_type)
    receipts = sum(isinstance(one, Receipt) for one in news)
    return Response(ReceiptsTaken(receipts=receipts, inbound=len(news) - receipts, changed=changed))


def _provider_in_use(name: str) -> Provider:
    for provider in registry.named():
        if provider.name == name:
            return provider
    raise ProviderNotInUse("Name it in NOTIFY_EMAIL_PROVIDERS, NOTIFY_SMS_PROVIDERS or NOTIFY_VOICE_PROVIDERS.")


class LaneView(SQLModel):
    """What waits on a lane. `held` counts batches that a worker has in hand."""

    lane: Lane
    batches: int
    deliveries: int
    held: int
    oldest_due_s: float = Field(description="How long the longest overdue batch has waited, in seconds.")
    workers: int = Field(description="Worker processes that reported within a minute.")


class HoldView(SQLModel):
    """A hold: of an alert, of a lane, or, when both are null, of everything."""

    id: UUID
    lane: Lane | None
    alert: UUID | None
    reason: str
    actor: str
    at: datetime
    lifted_at: datetime | None

    @classmethod
    def of(cls, hold: Hold) -> "HoldView":
        """The public fields of this hold."""
        return cls(alert=hold.alert_id, **hold.model_dump(exclude={"alert_id", "lifted_by"}))


class QueueView(SQLModel):
    """What waits, what is on hold, and how many of the council's deliveries of the last week failed."""

    lanes: list[LaneView]
    holds: list[HoldView]
    dead: dict[DeliveryState, int]


class HoldScope(Input):
    """What to hold or release: an alert, a lane, or everything when neither is named."""

    lane: Lane | None = None
    alert: UUID | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "HoldScope":
        if self.lane and self.alert:
            raise ValueError("Name an alert or a lane, not both.")
        return self


class NewHold(HoldScope):
    """A hold to put in force."""

    reason: str = Field(min_length=3, max_length=500, description="For people who find it in force.")


class ReleasedView(SQLModel):
    """What was released, and how many deliveries go on now."""

    released: list[HoldView]
    deliveries: int


class Retry(Input):
    """Which deliveries to try again."""

    states: list[DeliveryState] = Field(min_length=1, description="temporary-failure, technical-failure or unknown.")

    @field_validator("states")
    @classmethod
    def _dead(cls, states: list[DeliveryState]) -> list[DeliveryState]:
        if set(states) - set(queries.DEAD):
            raise ValueError(f"Only {', '.join(queries.DEAD)} can be tried again.")
        return states


class RetriedView(SQLModel):
    """How many deliveries are tried again. Those `under_way` lie in batches that a worker still tries by itself."""

    deliveries: int
    under_way: int


@get("/queue", guards=[Requires(Right.SEE_WORK)], sync_to_thread=True, tags=["queue"], opt=POLLED)
def read_queue(request: StaffRequest) -> QueueView:
    """What waits on each lane of the installation, what is on hold, and the council's failed deliveries."""
    with transaction() as session:
        workers = workers_seen(session)
        return QueueView(
            lanes=[LaneView(**asdict(depth), workers=workers[depth.lane]) for depth in queries.lane_depths(session)],
            holds=[HoldView.of(hold) for hold in holds.in_force(session, council_id=request.user.council_id)],
            dead=queries.count_dead(session, council_id=request.user.council_id),
        )


class ProviderView(SQLModel):
    """How one provider of a channel fares."""

    channel: Channel
    name: str
    state: str = Field(
        description="open (left alone for failing), paused, probing, closed (works), or empty: not used."
    )
    processes: int = Field(description="Worker processes that say so.")
    outcomes: dict[str, int] = Field(description="What it said of messages since counting began.")
    is_for_emergencies: bool = Field(description="Used for emergencies only.")


@get("/providers", guards=[Requires(Right.SEE_WORK)], sync_to_thread=True, tags=["queue"])
def list_providers(request: StaffRequest) -> list[ProviderView]:
    """The installation's providers, channel by channel in their order of preference, and whether they work."""
    with transaction() as session:
        return [ProviderView.model_validate(one, from_attributes=True) for one in provider_health(session)]


@post("/queue/hold", guards=[RequiresLive(Right.STEER_QUEUE)], status_code=200, sync_to_thread=True, tags=["queue"])
def hold_queue(request: StaffRequest, data: JSONBody[NewHold]) -> HoldView:
    """Send nothing of an alert, a lane or everything from about a second from now. Safe to repeat."""
    with transaction() as session:
        held = holds.hold_for(session, by=request.user, reason=data.reason, lane=data.lane, alert_id=data.alert)
        return HoldView.of(held)


@post("/queue/release", guards=[RequiresLive(Right.STEER_QUEUE)], status_code=200, sync_to_thread=True, tags=["queue"])
def release_queue(request: StaffRequest, data: JSONBody[HoldScope]) -> ReleasedView:
    """Let an alert, a lane or everything go on. Holds of another scope stay in force. Safe to repeat."""
    with transaction() as session:
        lifted = holds.release_for(session, by=request.user, lane=data.lane, alert_id=data.alert)
        return ReleasedView(released=[HoldView.of(hold) for hold in lifted.holds], deliveries=lifted.deliveries)


@post(
    "/alerts/{alert_id:uuid}/retry",
    guards=[Requires(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["queue"],
)
def retry_alert(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[Retry]) -> RetriedView:
    """Try failed deliveries again. Nobody who got the alert gets it twice, except where the state is unknown."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        return RetriedView(**asdict(retry(session, by=request.user, alert=alert, states=data.states)))


@get("/metrics", sync_to_thread=True, media_type="text/plain; version=0.0.4", tags=["health"])
def read_metrics(request: Request[Any, None, State]) -> str:
    """Everything counted, in Prometheus' text format, for who sends NOTIFY_METRICS_TOKEN; unset, for this machine.

    Names nobody.
    """
    _refuse_strangers(request)
    with transaction() as session:
        return exposition(session)


def _refuse_strangers(request: Request[Any, None, State]) -> None:
    """Raises: Unauthenticated."""
    expected = settings().metrics_token
    if expected:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        may_read = compare_digest(given.encode(), expected.encode())
    else:
        # a proxy on this machine asks for others, and says so
        is_passed_on = "x-forwarded-for" in request.headers or "forwarded" in request.headers
        may_read = not is_passed_on and is_this_machine(request.client.host if request.client else "")
    if not may_read:
        raise Unauthenticated("Send NOTIFY_METRICS_TOKEN as `Authorization: Bearer …`, or ask from this machine.")


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_deliveries,
    receive_receipts,
    read_queue,
    list_providers,
    hold_queue,
    release_queue,
    retry_alert,
)
ROOT_HANDLERS: Sequence[ControllerRouterHandler] = (read_metrics,)
