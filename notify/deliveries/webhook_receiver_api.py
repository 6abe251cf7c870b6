"""API routes of webhook receivers: their health, new secrets, disabling and enabling, and replay."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, model_validator
from sqlmodel import SQLModel

from notify.core.db import Input, transaction
from notify.deliveries import webhook_receivers as endpoints
from notify.deliveries.webhook_receiver_views import WebhookReceiverView, own_receiver, receivers
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest


class WebhookReceiverPage(SQLModel):
    """One page of receivers. `next` goes into `after` for the page that follows."""

    endpoints: list[WebhookReceiverView]
    next: UUID | None


class NewSecret(SQLModel):
    """A secret that is shown this once. For a day the former one signs too."""

    secret: str


class Replay(Input):
    """What to send once more: of one alert, or of those sent in a span of time."""

    alert: UUID | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _says_what(self) -> "Replay":
        if (self.alert is None) == (self.since is None):
            raise ValueError("Name an alert, or a moment `since`, and not both.")
        if self.since and self.until and self.until <= self.since:
            raise ValueError("`until` must be later than `since`.")
        return self


class ReplayedView(SQLModel):
    """How many deliveries are sent once more; a thousand at most, so call again until it is none."""

    deliveries: int


@get("/webhook-endpoints", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["webhook endpoints"])
def list_webhook_receivers(
    request: StaffRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    after: FromQuery[UUID | None] = None,
) -> WebhookReceiverPage:
    """How each receiver of your council's webhooks fares."""
    with transaction() as session:
        found = receivers(session, request.user.council_id, after=after, limit=limit, invented=request.user.is_test)
    return WebhookReceiverPage(endpoints=list(found), next=found[-1].contact if len(found) == limit else None)


@post(
    "/webhook-endpoints/{contact:uuid}/enable",
    guards=[RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["webhook endpoints"],
)
def enable_webhook_receiver(request: StaffRequest, contact: FromPath[UUID]) -> WebhookReceiverView:
    """Write again to a receiver that was disabled after 410 or five days of failure. Safe to repeat."""
    user = request.user
    with transaction() as session:
        own_receiver(session, user.council_id, contact)
        endpoints.enable(session, contact, actor=user.actor)
        return own_receiver(session, user.council_id, contact)


@post(
    "/webhook-endpoints/{contact:uuid}/disable",
    guards=[RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["webhook endpoints"],
)
def disable_webhook_receiver(request: StaffRequest, contact: FromPath[UUID]) -> WebhookReceiverView:
    """Write no more to a receiver until it is enabled. Safe to repeat."""
    user = request.user
    with transaction() as session:
        own_receiver(session, user.council_id, contact)
        endpoints.disable(session, contact, actor=user.actor)
        return own_receiver(session, user.council_id, contact)


@post(
    "/webhook-endpoints/{contact:uuid}/secret",
    guards=[RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)],
    sync_to_thread=True,
    tags=["webhook endpoints"],
)
def change_secret(request: StaffRequest, contact: FromPath[UUID]) -> NewSecret:
    """A new signing secret. For a day each call carries two signatures, so that nothing is missed in between.

    A person gives a fresh second factor first; a key that may rotates by itself, as programs do.
    """
    user = request.user
    if not user.is_key:
        user.require_fresh_mfa()
    with transaction() as session:
        own_receiver(session, user.council_id, contact)
        return NewSecret(secret=endpoints.rotate_secret(session, contact, actor=user.actor))


@post(
    "/webhook-endpoints/{contact:uuid}/replay",
    guards=[RequiresLive(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["webhook endpoints"],
)
def replay_missed(request: StaffRequest, contact: FromPath[UUID], data: JSONBody[Replay]) -> ReplayedView:
    """Send once more what a receiver did not get, of your council's alerts that are neither cancelled nor expired;
    emergencies only for those who may broadcast them.
    """
    user = request.user
    with transaction() as session:
        own_receiver(session, user.council_id, contact)
        return ReplayedView(
            deliveries=endpoints.replay(
                session,
                contact_id=contact,
                by=user,
                alert_id=data.alert,
                since=data.since,
                until=data.until,
                with_emergencies=user.may(Right.BROADCAST),
            )
        )


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_webhook_receivers,
    enable_webhook_receiver,
    disable_webhook_receiver,
    change_secret,
    replay_missed,
)
