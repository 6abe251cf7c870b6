"""What providers report later about messages they took."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from notify.channels import CHANNELS, Channel
from notify.deliveries.failure_reasons import cleaned
from notify.deliveries.models import DeliveryState
from notify.deliveries.queries import texted_last
from notify.deliveries.safety_answers import answer_by_text
from notify.deliveries.service import Claim, Result
from notify.providers import sandbox
from notify.providers.base import Inbound, News, Receipt, ReceiptState
from notify.providers.bounces.verdicts import Verdict, judge
from notify.staff import notification_channels
from notify.subscribers.inbound_texts.service import take
from notify.subscribers.models import SuppressionReason
from notify.subscribers.suppression import bounces
from notify.subscribers.suppression.bounce_models import Bounced
from notify.subscribers.suppression.service import suppress

log = logging.getLogger(__name__)

# each state may only follow those below it, so that receipts in any order end in the same state;
# a bounce may come after "delivered", because the first server that took a message is not always the last
RECEIPT_MAY_FOLLOW = {
    "permanent-failure": ["created", "sent", "unknown", "temporary-failure", "delivered"],
    "delivered": ["created", "sent", "unknown", "temporary-failure"],
    "temporary-failure": ["created", "sent", "unknown"],
    "sent": ["created", "unknown"],
}

REFERENCE = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,8})", re.ASCII)

FIND = """
    SELECT d.*, c.channel, c.address_hash, c.council_id
    FROM (
        SELECT a.ledger_month, a.id, g.number
        FROM unnest(CAST(:alerts AS uuid[]), CAST(:numbers AS integer[])) AS g (alert_id, number)
        JOIN alert a ON a.id = g.alert_id
        ORDER BY a.id, g.number  -- so that two call-backs cannot wait in a ring
    ) g
    -- looked up one by one: as a join, the planner takes any index of the month for as good as the right one
    CROSS JOIN LATERAL (
        SELECT month, alert_id, number, state, provider, contact_id, sent_at IS NOT NULL AS was_sent,
               ctid::text AS place
        FROM delivery WHERE month = g.ledger_month AND alert_id = g.id AND number = g.number
        LIMIT 1 FOR NO KEY UPDATE
    ) d
    LEFT JOIN contact c ON c.id = d.contact_id
    WHERE d.provider IS NULL OR CAST(:speakers AS text[]) IS NULL OR d.provider = ANY(:speakers)
"""
MOVE = """
    WITH step AS (
        SELECT * FROM unnest(
            CAST(:months AS date[]), CAST(:alerts AS uuid[]), CAST(:numbers AS integer[]),
            CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:places AS tid[])
        ) WITH ORDINALITY AS s (month, alert_id, number, state, reason, place, n)
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, kind, detail)
        SELECT month, business_now(), alert_id, number, state, jsonb_build_object('reason', reason) FROM step ORDER BY n
    )
    UPDATE delivery d SET state = s.state, reason = nullif(s.reason, ''), changed_at = business_now(),
        sent_at = coalesce(d.sent_at, business_now())  -- it outran our own note
    FROM (SELECT DISTINCT ON (alert_id, number) * FROM step ORDER BY alert_id, number, n DESC) s
    WHERE d.month = s.month AND d.ctid = s.place  -- it is locked, and so stays where it was found
"""
COUNT = """
    WITH change AS (
        SELECT * FROM unnest(CAST(:alerts AS uuid[]), CAST(:numbers AS integer[]),
                             CAST(:sent AS integer[]), CAST(:bounced AS integer[]))
            AS c (alert_id, number, sent, bounced)
    ), total AS (
        SELECT b.id, sum(c.sent) AS sent, sum(c.bounced) AS bounced
        FROM change c JOIN batch b ON b.alert_id = c.alert_id AND c.number BETWEEN b.number_from AND b.number_to
        GROUP BY b.id
    ), locked AS (
        SELECT b.id FROM batch b JOIN total USING (id) ORDER BY b.id FOR NO KEY UPDATE OF b
    )
    UPDATE batch b SET sent = b.sent + t.sent, bounced = b.bounced + t.bounced
    FROM total t JOIN locked USING (id) WHERE b.id = t.id
"""
SENT = """
    SELECT d.number, c.address
    FROM delivery d JOIN contact c ON c.id = d.contact_id
    WHERE d.month = :month AND d.alert_id = :alert AND d.number BETWEEN :first AND :last AND d.state = 'sent'
"""
COMPLAINED = """
    SELECT d.month, d.alert_id, d.number, c.channel, c.address_hash, a.council_id
    FROM alert a
    JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id AND d.number = :number
         AND (d.provider IS NULL OR CAST(:speakers AS text[]) IS NULL OR d.provider = ANY(:speakers))
    JOIN contact c ON c.id = d.contact_id
    WHERE a.id = CAST(:alert AS uuid)
"""
NOTE_COMPLAINT = """
    INSERT INTO event (month, at, alert_id, number, kind) VALUES (:month, business_now(), :alert, :number, 'complained')
"""
REPLIED = re.compile(r"5\d\d[ -]")
REFUSED = """
    SELECT d.number, c.address_hash, c.council_id
    FROM delivery d JOIN contact c ON c.id = d.contact_id
    WHERE d.month = :month AND d.alert_id = :alert AND d.number BETWEEN :first AND :last AND d.number = ANY(:numbers)
"""


@dataclass(frozen=True, slots=True)
class _Change:
    """What one receipt changes, also in the counts of the batch that holds the number."""

    month: date
    alert_id: UUID
    number: int
    place: str
    state: ReceiptState
    reason: str
    sent: int
    bounced: int
    is_soft: bool
    address: tuple[Channel, bytes, UUID] | None  # with the council whose it is; None: the contact was erased


def take_news(session: Session, news: Sequence[News], *, provider: str, speaks_for: Sequence[str] = ()) -> int:
    """Write what a call-back of this provider says; how much of it was new.

    Its receipts change only what it carried itself, or those that it `speaks_for` did.
    """
    receipts = [one for one in news if isinstance(one, Receipt)]
    inbound = sorted((one for one in news if isinstance(one, Inbound)), key=lambda one: one.address)
    changed = take_receipts(session, receipts, speakers=[provider, *speaks_for])
    return changed + sum(
        take(session, one, source=provider, texted_last=texted_last, answer=answer_by_text) for one in inbound
    )


def learn_refused(session: Session, held: Claim, results: Sequence[Result]) -> None:
    """Take what a mail server just refused for bounces: the same words mean the same, said now or by mail later."""
    if held.channel != Channel.EMAIL:
        return
    refused = {
        one.number: verdict
        for one in results
        if one.state == DeliveryState.PERMANENT_FAILURE
        and one.provider != sandbox.NAME
        and REPLIED.match(one.reason or "")
        if (verdict := judge(one.reason or "")) is Verdict.HARD or verdict.is_address
    }
    if not refused:
        return
    values = {"month": held.month, "alert": held.alert_id, "numbers": list(refused)}
    rows = session.execute(text(REFUSED), values | {"first": min(refused), "last": max(refused)}).all()
    reasons = {one.number: one.reason or "" for one in results}
    _take_bounces(
        session,
        [
            Bounced(
                row.council_id,
                Channel.EMAIL,
                bytes(row.address_hash),
                reasons[row.number],
                is_hard=refused[row.number] is Verdict.HARD,
            )
            for row in rows
        ],
        source=bounces.REFUSED,
    )


def _take_bounces(session: Session, came_back: Sequence[Bounced], *, source: str = bounces.RECEIPT) -> None:
    for burst in bounces.take(session, came_back, source=source):
        notification_channels.note(session, "bounces", burst)
        log.warning("hard bounces of one cause wait for a person", extra={"bounce": burst})


def simulate_receipts(session: Session, held: Claim) -> int:
    """Write what the sandbox would report of a test alert's batch. Addresses keep their good name."""
    rows = session.execute(
        text(SENT), {"month": held.month, "alert": held.alert_id, "first": held.number_from, "last": held.number_to}
    )
    box = sandbox.of(held.channel)
    receipts = [box.receipt(row.address, f"{held.alert_id.hex}-{row.number}") for row in rows]
    return take_receipts(session, receipts, is_simulated=True)


def take_receipts(
    session: Session,
    receipts: Sequence[Receipt],
    *,
    speakers: Sequence[str] | None = None,
    is_simulated: bool = False,
) -> int:
    """Write what a provider says about deliveries; how many were news. Repeats and latecomers change nothing.

    With `speakers`, only of what these providers carried. What is simulated suppresses nobody.
    """
    complaints = [receipt for receipt in receipts if receipt.state == ReceiptState.COMPLAINED]
    changes = _move(session, [one for one in receipts if one.state != ReceiptState.COMPLAINED], speakers)
    complained = 0
    if not is_simulated:
        complained = _suppress_complainers(session, complaints, speakers)
    counting = [change for change in changes if change.sent or change.bounced]
    if counting:
        # as a worker does that records: whoever locks deliveries and batches locks them in this order
        session.execute(
            text(COUNT),
            {
                "alerts": [change.alert_id for change in counting],
                "numbers": [change.number for change in counting],
                "sent": [change.sent for change in counting],
                "bounced": [change.bounced for change in counting],
            },
        )
    if not is_simulated:
        _learn(session, changes)  # last, as a worker does, too
    return len(changes) + complained


def _suppress_complainers(session: Session, complaints: Sequence[Receipt], speakers: Sequence[str] | None) -> int:
    """These people called a council's message spam: that council writes there no more. How many were new."""
    found: list[Row[Any]] = []
    for receipt in complaints:
        if ours := REFERENCE.fullmatch(receipt.reference):
            values = {"alert": ours[1], "number": int(ours[2]), "speakers": speakers}
            found += session.execute(text(COMPLAINED), values).all()
    news = 0
    for row in sorted(found, key=lambda row: bytes(row.address_hash)):  # so that two call-backs cannot wait in a ring
        is_new = suppress(
            session,
            council_id=row.council_id,
            channel=Channel(row.channel),
            address_hash=bytes(row.address_hash),
            reason=SuppressionReason.COMPLAINT,
            source="receipt",
        )
        if is_new:
            session.execute(text(NOTE_COMPLAINT), {"month": row.month, "alert": row.alert_id, "number": row.number})
        news += is_new
    return news


def _learn(session: Session, changes: Sequence[_Change]) -> None:
    """What these receipts say of addresses: dead, full for now, or well."""
    bounces.forget_soft(
        session, [one.address[1] for one in changes if one.address and one.state == ReceiptState.DELIVERED]
    )
    _take_bounces(
        session,
        [
            Bounced(change.address[2], *change.address[:2], change.reason, is_hard=bool(change.bounced))
            for change in changes
            if change.address
            and (change.bounced or (change.is_soft and not CHANNELS[change.address[0]].is_own_service))
        ],
    )


def _move(session: Session, receipts: Sequence[Receipt], speakers: Sequence[str] | None) -> list[_Change]:
    """Take every delivery where its receipts lead, one after the other; each step that was one."""
    told: dict[tuple[UUID, int], list[Receipt]] = {}
    for receipt in receipts:
        if ours := REFERENCE.fullmatch(receipt.reference):
            told.setdefault((UUID(ours[1]), int(ours[2])), []).append(receipt)
    if not told:
        return []
    asked = {"alerts": [alert for alert, _ in told], "numbers": [number for _, number in told], "speakers": speakers}
    rows = session.execute(text(FIND), asked).all()
    changes = [change for row in rows for change in _steps(row, told[row.alert_id, row.number])]
    if changes:
        values = {
            "months": [change.month for change in changes],
            "alerts": [change.alert_id for change in changes],
            "numbers": [change.number for change in changes],
            "states": [change.state.value for change in changes],
            "reasons": [change.reason for change in changes],
            "places": [change.place for change in changes],
        }
        session.execute(text(MOVE), values)
    return changes


def _steps(row: Row[Any], receipts: Sequence[Receipt]) -> Iterator[_Change]:
    """What each of these receipts about one delivery changes, in their order."""
    state, was_sent = str(row.state), bool(row.was_sent)
    address = (Channel(row.channel), bytes(row.address_hash), row.council_id) if row.address_hash else None
    for receipt in receipts:
        if state not in RECEIPT_MAY_FOLLOW[receipt.state]:
            continue
        is_bounce = receipt.state == ReceiptState.PERMANENT_FAILURE
        # a message counts as sent or as bounced, never as both
        sent = (0 if is_bounce else 1) - (1 if was_sent else 0)
        reason = cleaned(receipt.reason) or ""
        key = (row.month, row.alert_id, row.number, row.place)
        is_soft = receipt.is_address and receipt.state == ReceiptState.TEMPORARY_FAILURE
        yield _Change(*key, receipt.state, reason, sent, 1 if is_bounce else 0, is_soft, address)
        state, was_sent = receipt.state.value, True
