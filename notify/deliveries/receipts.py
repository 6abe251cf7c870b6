"""What providers report later about messages they took."""

import re

from sqlalchemy import text
from sqlmodel import Session

from notify.providers.base import Channel, Receipt
from notify.subscribers.models import SuppressionReason
from notify.subscribers.service import suppress

# each state may only follow those below it, so that receipts in any order end in the same state;
# a bounce may come after "delivered", because the first server that took a message is not always the last
RECEIPT_MAY_FOLLOW = {
    "permanent-failure": ["created", "sent", "unknown", "temporary-failure", "delivered"],
    "delivered": ["created", "sent", "unknown", "temporary-failure"],
    "temporary-failure": ["created", "sent", "unknown"],
}

REFERENCE = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,8})", re.ASCII)

# The batch counts what was handed over and what was refused for good, for the brake: a message is one or the other.
TAKE = """
    WITH moved AS (
        UPDATE delivery d SET state = :state, reason = nullif(:reason, ''), changed_at = now(),
            handed_over_at = coalesce(d.handed_over_at, now())  -- it outran our own note
        FROM alert a
        WHERE a.id = CAST(:alert AS uuid) AND d.month = a.ledger_month AND d.alert_id = a.id
          AND d.number = :number AND d.state = ANY(:before)
        RETURNING d.month, d.alert_id, d.number, d.contact_id, old.handed_over_at IS NOT NULL AS was_counted
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, kind, detail)
        SELECT month, now(), alert_id, number, :state, jsonb_build_object('reason', CAST(:reason AS text))
        FROM moved
    ), counted AS (
        UPDATE batch b
        SET bounced = b.bounced + CASE WHEN :is_bounce THEN 1 ELSE 0 END,
            handed_over = b.handed_over + CASE WHEN :is_bounce THEN 0 ELSE 1 END - CASE WHEN m.was_counted THEN 1 ELSE 0 END
        FROM moved m
        WHERE b.alert_id = m.alert_id AND m.number BETWEEN b.number_from AND b.number_to
          AND (:is_bounce OR NOT m.was_counted)
    )
    SELECT c.channel, c.address_hash FROM moved m LEFT JOIN contact c ON c.id = m.contact_id
"""


def take_receipt(session: Session, receipt: Receipt) -> bool:
    """Write what a provider says about one delivery; whether it was news. Repeats and latecomers change nothing."""
    ours = REFERENCE.fullmatch(receipt.reference)
    if ours is None:
        return False
    moved = session.execute(
        text(TAKE),
        {
            "alert": ours[1],
            "number": int(ours[2]),
            "state": receipt.state,
            "reason": receipt.reason,
            "before": RECEIPT_MAY_FOLLOW[receipt.state],
            "is_bounce": receipt.state == "permanent-failure",
        },
    ).first()
    if moved and moved.address_hash and receipt.state == "permanent-failure":
        suppress(
            session,
            channel=Channel(moved.channel),
            address_hash=bytes(moved.address_hash),
            reason=SuppressionReason.HARD_BOUNCE,
            source="receipt",
        )
    return moved is not None
