"""Webhook receivers as their council sees them: how each fares, by id and never by name."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Field, Session, SQLModel

from notify.deliveries.webhook_receivers import UnknownWebhookReceiver
from notify.providers.sandbox import INVENTED

# of receivers who follow a topic of the council now; a council that they have left does not sign calls to them
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


def receivers(
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


def own_receiver(session: Session, council_id: UUID, contact: UUID) -> WebhookReceiverView:
    """This council's receiver. Raises: UnknownWebhookReceiver."""
    found = receivers(session, council_id, contact=contact)
    if not found:
        raise UnknownWebhookReceiver(f"No contact {contact} receives your council's webhooks.")
    return found[0]
