"""The JSON doors of the ledger and of providers' call-backs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody
from litestar.types import ControllerRouterHandler
from sqlmodel import SQLModel

from notify.alerts import queries as alerts
from notify.db import transaction
from notify.deliveries import queries
from notify.deliveries.models import DeliveryState
from notify.deliveries.receipts import take_receipt
from notify.errors import NotFound, Unauthenticated
from notify.providers import registry
from notify.providers.base import Channel, Provider, ReceiptNotAuthentic
from notify.staff.guards import Principal, Requires, Right
from notify.web.moments import aware

AnyRequest = Request[Principal, None, State]


class ProviderNotInUse(NotFound):
    """No provider of this name is named in the settings."""

    title = "There is no such provider"


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
    handed_over_at: datetime | None
    changed_at: datetime


class DeliveryPage(SQLModel):
    """One page of the ledger. `next` goes into `after` for the page that follows."""

    deliveries: list[DeliveryView]
    next: int | None


@get("/alerts/{alert_id:uuid}/deliveries", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["ledger"])
def list_deliveries(
    request: AnyRequest,
    alert_id: FromPath[UUID],
    limit: Annotated[int, QueryParameter(ge=1, le=5000)] = 500,
    after: Annotated[int, QueryParameter(ge=0)] = 0,
    in_state: Annotated[DeliveryState | None, QueryParameter(name="state")] = None,
    changed_since: FromQuery[datetime | None] = None,
) -> DeliveryPage:
    """The ledger of an alert: one row per person and channel, with its state."""
    since = aware(changed_since)
    with transaction() as session:
        alert = alerts.alert(session, request.user.council_id, alert_id)
        rows = queries.deliveries(session, alert, after=after, state=in_state, changed_since=since, limit=limit)
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
            handed_over_at=row.handed_over_at,
            changed_at=row.changed_at,
        )
        for row in rows
    ]
    return DeliveryPage(deliveries=views, next=rows[-1].number if len(rows) == limit else None)


@post("/webhooks/{provider:str}", status_code=200, sync_to_thread=True, tags=["receipts"])
def receive_receipts(request: AnyRequest, provider: FromPath[str], body: RawBody) -> dict[str, int]:
    """Take a provider's delivery receipts. Public: the adapter verifies the signature; unsigned is 401."""
    adapter = _provider_in_use(provider)
    try:
        receipts = adapter.read_receipt(body, dict(request.headers))
    except ReceiptNotAuthentic as error:
        raise ReceiptRefused(str(error) or "The signature is missing or wrong.") from None
    with transaction() as session:
        news = sum(take_receipt(session, receipt) for receipt in receipts)
    return {"receipts": len(receipts), "changed": news}


def _provider_in_use(name: str) -> Provider:
    for channel in Channel:
        for provider in registry.providers_for(channel):
            if provider.name == name:
                return provider
    raise ProviderNotInUse("Name it in NOTIFY_EMAIL_PROVIDERS, NOTIFY_SMS_PROVIDERS or NOTIFY_WEBHOOK_PROVIDERS.")


@get("/metrics", sync_to_thread=True, media_type="text/plain; version=0.0.4", tags=["health"])
def read_metrics() -> str:
    """Depth of each lane in Prometheus' text format. Public within the installation's network; names nobody."""
    with transaction() as session:
        depths = queries.lane_depths(session)
    lines = []
    for name, meaning in METRICS.items():
        lines += [f"# HELP notify_lane_{name} {meaning}", f"# TYPE notify_lane_{name} gauge"]
        lines += [f'notify_lane_{name}{{lane="{depth.lane}"}} {getattr(depth, name)}' for depth in depths]
    return "\n".join(lines) + "\n"


METRICS = {
    "batches": "Batches not done yet.",
    "deliveries": "Deliveries in batches not done yet.",
    "held": "Batches that a worker holds now.",
}

HANDLERS: Sequence[ControllerRouterHandler] = (list_deliveries, receive_receipts)
ROOT_HANDLERS: Sequence[ControllerRouterHandler] = (read_metrics,)
