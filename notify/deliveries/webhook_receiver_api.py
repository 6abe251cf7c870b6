"""API routes of webhook receivers: their health, new secrets, enabling again, and replay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, model_validator
from sqlalchemy import text
from sqlmodel import Field, Session, SQLModel

from notify.core.db import Input, transaction
from notify.deliveries import webhook_receivers as endpoints
from notify.providers.sandbox import INVENTED
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest

# of receivers who follow a topic of the council now: whoever was left may not sign in their name
OF_COUNCIL = """
    SELECT c.id AS contact, c.subscriber_id AS subscriber, e.failing_since, e.last_failure_at, e.last_failure_reason,
           e.last_success_at, e.disabled_at, e.disabled_reason, e.previous_secret_until AS old_secret_until
    FROM contact c LEFT JOIN webhook_receiver e ON e.contact_id = c.id
    WHERE c.channel = 'webhook' AND c.council_id = :council
      AND EXISTS (SELECT 1 FROM subscription u WHERE u.subscriber_id = c.subscriber_id AND u.ended_at IS NULL)
      AND (NOT :invented OR NOT EXISTS (
          SELECT 1 FROM contact o WHERE o.subscriber_id = c.subscriber_id AND o.address !~* :addresses
      ))
      AND (CAST(:contact AS uuid) IS NULL OR c.id = :contact)
      AND (CAST(:after AS uuid) IS NULL OR c.id > :after)
    ORDER BY c.id LIMIT :limit
"""


class WebhookReceiverView(SQLModel):
    """A receiver of webhooks. It names nobody: ids are for this installation to resolve."""

    contact: UUID
    subscriber: UUID
    failing_since: datetime | None = Field(description="Null: the last call was taken, or none was made.")
    last_failure_at: datetime | None
    last_failure_reason: str | None
    last_success_at: datetime | None
    disabled_at: datetime | None = Field(description="Set: nothing is sent to it until it is enabled.")
    disabled_reason: str | None
    old_secret_until: datetime | None = Field(description="Until then calls are signed with the former secret too.")


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


def _receivers(
    session: Session,
    council_id: UUID,
    *,
    contact: UUID | None = None,
    after: UUID | None = None,
    invented: bool = False,
    limit: int = 1,
) -> Sequence[WebhookReceiverView]:
    """Receivers in the order in which they came; for a test key, `invented` ones only."""
    values = {
        **{"council": council_id, "contact": contact, "after": after, "limit": limit},
        **{"invented": invented, "addresses": INVENTED},
    }
    return [WebhookReceiverView(**row) for row in session.execute(text(OF_COUNCIL), values).mappings()]


def _own(session: Session, council_id: UUID, contact: UUID) -> WebhookReceiverView:
    """This council's receiver. Raises: UnknownWebhookReceiver."""
    found = _receivers(session, council_id, contact=contact)
    if not found:
        raise endpoints.UnknownWebhookReceiver(f"No contact {contact} receives your council's webhooks.")
    return found[0]


@get("/webhook-endpoints", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["webhook endpoints"])
def list_webhook_receivers(
    request: StaffRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    after: FromQuery[UUID | None] = None,
) -> WebhookReceiverPage:
    """How each receiver of your council's webhooks fares."""
    with transaction() as session:
        found = _receivers(session, request.user.council_id, after=after, limit=limit, invented=request.user.is_test)
    return WebhookReceiverPage(endpoints=list(found), next=found[-1].contact if len(found) == limit else None)


@post(
    "/webhook-endpoints/{contact:uuid}/enable",
    guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["webhook endpoints"],
)
def enable_webhook_receiver(request: StaffRequest, contact: FromPath[UUID]) -> WebhookReceiverView:
    """Write again to a receiver that was disabled after 410 or five days of failure. Safe to repeat."""
    user = request.user
    with transaction() as session:
        _own(session, user.council_id, contact)
        endpoints.enable(session, contact, actor=user.actor)
        return _own(session, user.council_id, contact)


@post(
    "/webhook-endpoints/{contact:uuid}/secret",
    guards=[RequiresLive(Right.CHANGE_SUBSCRIBERS)],
    sync_to_thread=True,
    tags=["webhook endpoints"],
)
def change_secret(request: StaffRequest, contact: FromPath[UUID]) -> NewSecret:
    """A new signing secret. For a day each call carries two signatures, so that nothing is missed in between."""
    user = request.user
    with transaction() as session:
        _own(session, user.council_id, contact)
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
        _own(session, user.council_id, contact)
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
    change_secret,
    replay_missed,
)
