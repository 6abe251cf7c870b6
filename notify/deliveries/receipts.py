"""What providers report later about messages they took."""

from sqlalchemy import text
from sqlmodel import Session

from notify.providers.base import Channel, Receipt
from notify.subscribers.models import SuppressionReason
from notify.subscribers.service import suppress

# a late "sent" never undoes "delivered": each state may only follow those below it
RECEIPT_MAY_FOLLOW = {
    "delivered": ["created", "sent", "temporary-failure", "unknown"],
    "permanent-failure": ["created", "sent", "temporary-failure", "unknown"],
    "temporary-failure": ["created", "sent", "unknown"],
}


def take_receipt(session: Session, receipt: Receipt) -> bool:
    """Write what a provider says about one delivery; whether it was news. Repeats and latecomers change nothing."""
    alert_hex, _, number = receipt.reference.partition("-")
    if len(alert_hex) != 32 or not number.isdigit():
        return False
    moved = session.execute(
        text("""
            WITH moved AS (
                UPDATE delivery d SET state = :state, reason = nullif(:reason, ''), changed_at = now()
                FROM alert a
                WHERE a.id = CAST(:alert AS uuid) AND d.month = a.ledger_month AND d.alert_id = a.id
                  AND d.number = :number AND d.state = ANY(:before)
                RETURNING d.month, d.alert_id, d.number, d.contact_id
            ), noted AS (
                INSERT INTO event (month, at, alert_id, number, kind, detail)
                SELECT month, now(), alert_id, number, :state, jsonb_build_object('reason', CAST(:reason AS text))
                FROM moved
            )
            SELECT c.channel, c.address_hash FROM moved m LEFT JOIN contact c ON c.id = m.contact_id
        """),
        {
            "alert": alert_hex,
            "number": int(number),
            "state": receipt.state,
            "reason": receipt.reason,
            "before": RECEIPT_MAY_FOLLOW[receipt.state],
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
