"""What providers report later about messages they took."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.deliveries.reasons import cleaned
from notify.providers.base import Channel, Receipt, ReceiptState
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

TAKE = """
    WITH moved AS (
        UPDATE delivery d SET state = :state, reason = nullif(:reason, ''), changed_at = now(),
            handed_over_at = coalesce(d.handed_over_at, now())  -- it outran our own note
        FROM alert a
        WHERE a.id = CAST(:alert AS uuid) AND d.month = a.ledger_month AND d.alert_id = a.id
          AND d.number = :number AND d.state = ANY(:before)
        RETURNING d.month, d.alert_id, d.number, d.contact_id, old.handed_over_at IS NOT NULL AS was_handed_over
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, kind, detail)
        SELECT month, now(), alert_id, number, :state, jsonb_build_object('reason', CAST(:reason AS text))
        FROM moved
    )
    SELECT m.alert_id, m.number, m.was_handed_over, c.channel, c.address_hash
    FROM moved m LEFT JOIN contact c ON c.id = m.contact_id
"""
COUNT = """
    WITH change AS (
        SELECT * FROM unnest(CAST(:alerts AS uuid[]), CAST(:numbers AS integer[]),
                             CAST(:handed_over AS integer[]), CAST(:bounced AS integer[]))
            AS c (alert_id, number, handed_over, bounced)
    ), total AS (
        SELECT b.id, sum(c.handed_over) AS handed_over, sum(c.bounced) AS bounced
        FROM change c JOIN batch b ON b.alert_id = c.alert_id AND c.number BETWEEN b.number_from AND b.number_to
        GROUP BY b.id
    ), locked AS (
        SELECT b.id FROM batch b JOIN total USING (id) ORDER BY b.id FOR NO KEY UPDATE OF b
    )
    UPDATE batch b SET handed_over = b.handed_over + t.handed_over, bounced = b.bounced + t.bounced
    FROM total t JOIN locked USING (id) WHERE b.id = t.id
"""


@dataclass(frozen=True, slots=True)
class _Change:
    """What one receipt changes in the counts of the batch that holds the number."""

    alert_id: UUID
    number: int
    handed_over: int
    bounced: int


def take_receipts(session: Session, receipts: Sequence[Receipt]) -> int:
    """Write what a provider says about deliveries; how many were news. Repeats and latecomers change nothing."""
    in_order = sorted(receipts, key=lambda receipt: receipt.reference)  # so that two call-backs cannot wait in a ring
    changes = [change for receipt in in_order if (change := _take(session, receipt))]
    counting = [change for change in changes if change.handed_over or change.bounced]
    if counting:
        # last, as a worker does that records: whoever locks deliveries and batches locks them in this order
        session.execute(
            text(COUNT),
            {
                "alerts": [change.alert_id for change in counting],
                "numbers": [change.number for change in counting],
                "handed_over": [change.handed_over for change in counting],
                "bounced": [change.bounced for change in counting],
            },
        )
    return len(changes)


def _take(session: Session, receipt: Receipt) -> _Change | None:
    ours = REFERENCE.fullmatch(receipt.reference)
    if ours is None:
        return None
    moved = session.execute(
        text(TAKE),
        {
            "alert": ours[1],
            "number": int(ours[2]),
            "state": receipt.state,
            "reason": cleaned(receipt.reason) or "",
            "before": RECEIPT_MAY_FOLLOW[receipt.state],
        },
    ).first()
    if moved is None:
        return None
    is_bounce = receipt.state == ReceiptState.PERMANENT_FAILURE
    if is_bounce and moved.address_hash:
        suppress(
            session,
            channel=Channel(moved.channel),
            address_hash=bytes(moved.address_hash),
            reason=SuppressionReason.HARD_BOUNCE,
            source="receipt",
        )
    # a message counts as handed over or as bounced, never as both
    handed_over = (0 if is_bounce else 1) - (1 if moved.was_handed_over else 0)
    return _Change(moved.alert_id, moved.number, handed_over, 1 if is_bounce else 0)
