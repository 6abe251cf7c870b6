"""Writes of the ledger: slice, record, finish. All set-based; leases on the database's clock."""

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock, tokens
from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.deliveries.message_content import Recipient, reference_of
from notify.deliveries.models import DeliveryState
from notify.places.queries import names_by_code
from notify.providers.base import Channel
from notify.subscribers.suppression.bounce_models import BounceSettings
from notify.subscribers.suppression.scope import IS_SUPPRESSED_FOR_ALERT

FIRST_HINTS = 200  # the reconciler adds hints as these are used up

# whether batch b must wait for someone's word: its alert, its lane, or everything
ON_HOLD = """
    EXISTS (SELECT 1 FROM hold h WHERE h.lifted_at IS NULL
              AND (h.lane IS NULL OR h.lane = b.lane) AND (h.alert_id IS NULL OR h.alert_id = b.alert_id))
"""
_SLICE = """
    SELECT d.number, d.contact_id, c.address, c.secret, s.name, d.language, d.ward_code, s.tracking_consent, d.unsure,
           s.mail_format, d.update_group,
           CASE
             WHEN a.state = 'cancelled' AND d.unsure
               THEN 'unknown:It may have been sent before the alert was cancelled.'
             WHEN a.state = 'cancelled' THEN 'cancelled:The alert was cancelled.'
             WHEN a.expires_at <= business_now() AND d.unsure
                 THEN 'unknown:It may have been sent before the alert expired.'
             WHEN a.expires_at <= business_now() THEN 'expired:The alert expired before this could be sent.'
             {first_refuses}
             WHEN c.id IS NULL THEN 'suppressed:The subscriber was erased.'
             WHEN {suppressed}
               THEN 'suppressed:The address is suppressed.'
             WHEN u.id IS NULL
               THEN 'suppressed:The subscriber has unsubscribed.'
             WHEN s.paused_until > business_now() AND a.priority <> 'emergency'
               THEN 'suppressed:The subscriber has paused alerts.'
           END AS refusal
    FROM delivery d
    JOIN alert a ON a.id = d.alert_id
    {first}
    LEFT JOIN contact c ON c.id = d.contact_id AND c.confirmed_at IS NOT NULL
    LEFT JOIN subscriber s ON s.id = d.subscriber_id
    LEFT JOIN subscription u ON u.topic_id = a.topic_id AND u.subscriber_id = d.subscriber_id
         AND u.ended_at IS NULL AND d.channel = ANY(u.channels)
    WHERE d.month = :month AND d.alert_id = :alert AND d.number BETWEEN :first AND :last
      AND d.state = 'created'
    ORDER BY d.number LIMIT :size
"""
NEXT_SLICE = _SLICE.format(first_refuses="", first="", suppressed=IS_SUPPRESSED_FOR_ALERT)
# a follow-up never comes before what it follows
NEXT_SLICE_OF_FOLLOW_UP = _SLICE.format(
    suppressed=IS_SUPPRESSED_FOR_ALERT,
    first_refuses="""
             WHEN f.state = 'created' THEN 'wait'
             WHEN f.state NOT IN ('sent', 'delivered', 'unknown')
               THEN 'suppressed:The first alert did not reach this subscriber.'
    """,
    first="""
    JOIN alert first ON first.id = a.follows_id
    LEFT JOIN delivery f ON f.month = first.ledger_month AND f.alert_id = first.id
         AND f.contact_id = d.contact_id
    """,
)
# the same where updates have had other areas: what reached them last counts, and who is new again hears it last
NEXT_SLICE_OF_AREAS = _SLICE.format(
    suppressed=IS_SUPPRESSED_FOR_ALERT,
    first_refuses="""
             WHEN f.waits THEN 'wait'
             WHEN d.update_group IS DISTINCT FROM 'new' AND NOT f.was_reached
               THEN 'suppressed:The first alert did not reach this subscriber.'
    """,
    first="""
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(e.state = 'created'), false) AS waits,
               coalesce(bool_or(e.state IN ('sent', 'delivered', 'unknown')), false) AS was_reached
        FROM alert l JOIN delivery e ON e.month = l.ledger_month AND e.alert_id = l.id AND e.contact_id = d.contact_id
        WHERE (l.id = a.follows_id OR l.follows_id = a.follows_id AND l.group_words IS NOT NULL) AND l.id <> a.id
          AND l.expanded_at <= a.expanded_at
    ) f
    """,
)
# A delivery and what a worker's result makes of it; a receipt may have come first. Any other pair stays as it is.
#
# | state now                | sent_at | provider | result             | state after      | sent_at after |
# |--------------------------|---------|----------|--------------------|------------------|---------------|
# | created                  | none    | any      | a state            | that state       | now if sent   |
# | created                  | none    | any      | none (deferred)    | created          | none          |
# | temporary-failure        | none    | any      | sent               | sent             | now           |
# | any, set by a receipt    | set     | none     | sent               | as the receipt's | as before     |
#
# Provider, reference and cost are the worker's in every row; the reason is, unless a receipt gave one first.
RECORD = f"""
    -- as a table of its own: joined in place, the planner compares each result with each delivery
    WITH result AS MATERIALIZED (
        SELECT g.state, g.provider, g.reference, g.reason, g.unsure, g.cost, u.number, u.ago
        FROM json_to_recordset(CAST(:groups AS json)) AS g
                 (state text, provider text, reference text, reason text, unsure boolean, cost integer,
                  numbers integer[], ago float[]),
             unnest(g.numbers, g.ago) AS u (number, ago)
    ), moved AS (
        UPDATE delivery d
        -- where a receipt was quicker, the state is its, the provider and the cost are ours
        SET state = CASE WHEN d.sent_at IS NULL THEN coalesce(r.state, d.state) ELSE d.state END,
            provider = r.provider, provider_reference = r.reference,
            reason = CASE WHEN d.sent_at IS NULL THEN r.reason ELSE d.reason END,
            unsure = d.unsure OR r.unsure, changed_at = business_clock(),
            cost = CASE WHEN r.cost IS NULL THEN d.cost ELSE coalesce(d.cost, 0) + r.cost END,
            sent_at = CASE WHEN d.sent_at IS NOT NULL THEN d.sent_at
                                  WHEN r.state = 'sent' THEN business_clock() - make_interval(secs => r.ago) END
        FROM result r
        -- without bounds a fresh partition, which nobody has analysed, would be read from end to end
        WHERE d.month = :month AND d.alert_id = :alert AND d.number BETWEEN :first AND :last AND d.number = r.number
          AND (d.state = 'created' AND d.sent_at IS NULL
               OR d.state = 'temporary-failure' AND d.sent_at IS NULL AND r.state = 'sent'
               OR d.sent_at IS NOT NULL AND d.provider IS NULL AND r.state = 'sent')
        RETURNING d.number, d.state, d.reason, d.channel, d.provider, r.cost, old.sent_at IS NULL AS is_news
    ), spent AS (
        INSERT INTO spend (council_id, month, channel, provider, messages, cost)
        SELECT a.council_id, CAST(date_trunc('month', business_now() AT TIME ZONE 'UTC') AS date),
            m.channel, m.provider,
               count(*), sum(m.cost)
        FROM moved m JOIN alert a ON a.id = :alert
        WHERE m.cost IS NOT NULL
        GROUP BY a.council_id, m.channel, m.provider
        ORDER BY m.channel, m.provider  -- so that two workers cannot wait in a ring
        ON CONFLICT (council_id, month, channel, provider) DO UPDATE
            SET messages = spend.messages + excluded.messages, cost = spend.cost + excluded.cost
    ), island AS (
        SELECT number, state, reason, number - row_number() OVER (PARTITION BY state, reason ORDER BY number) AS id
        FROM moved WHERE state <> 'created' AND is_news
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, number_to, kind, detail)
        SELECT :month, business_clock(), :alert, min(number), nullif(max(number), min(number)), state,
               CASE WHEN reason IS NOT NULL THEN jsonb_build_object('reason', reason) END
        FROM island GROUP BY state, reason, id
    )
    UPDATE batch b
    SET sent = b.sent + (SELECT count(*) FROM moved WHERE state = 'sent' AND is_news),
        bounced = b.bounced + (SELECT count(*) FROM moved WHERE state = 'permanent-failure' AND is_news),
        lease_until = CASE WHEN b.lease = :lease THEN now() + make_interval(secs => :seconds) ELSE b.lease_until END
    FROM alert a
    WHERE b.id = :batch AND a.id = b.alert_id
    RETURNING b.state = 'leased' AND b.lease = :lease AND a.state <> 'cancelled' AND NOT {ON_HOLD} AS may_go_on,
              EXISTS (SELECT 1 FROM batch u WHERE u.lane = 'emergency' AND u.state IN ('queued', 'leased')
                      AND u.due_at <= business_now() AND NOT {ON_HOLD.replace("b.", "u.")}) AS should_yield
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that this worker may send until its lease ends."""

    batch_id: UUID
    lease: UUID
    alert_id: UUID
    month: date
    channel: Channel
    number_from: int
    number_to: int
    attempts: int
    deaths: int
    lane: Lane
    age_s: float  # since approval, on the database's clock
    is_last_try: bool = False
    is_follow_up: bool = False
    has_areas: bool = False  # an update of the same line has had another area
    former_lease: UUID | None = None  # of a worker that did not give the batch back
    claimed: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one delivery. `state` None: not now, try again. `at`: when, in seconds of `time.monotonic`."""

    number: int
    state: DeliveryState | None
    provider: str | None = None
    provider_reference: str | None = None
    reason: str | None = None
    retry_after_s: float | None = None
    unsure: bool = False
    parts: int = 1  # that a price is paid for
    was_held_back: bool = False  # no provider was asked
    is_own_wish: bool = False  # of a receiver of webhooks, who speaks for nobody else
    at: float = 0.0


def analyze(session: Session) -> None:
    """Tell the planner when this month's ledger has grown a lot: what it knows nothing of, it reads as a whole."""
    session.execute(text("SELECT analyze_when_grown(:month)"), {"month": clock.first_of_month(clock.now())})


def _slice_of(held: Claim) -> str:
    if held.has_areas:
        return NEXT_SLICE_OF_AREAS
    return NEXT_SLICE_OF_FOLLOW_UP if held.is_follow_up else NEXT_SLICE


def next_slice(session: Session, held: Claim, *, after: int, size: int) -> tuple[Sequence[Recipient], Sequence[Result]]:
    """The next deliveries of a claimed batch that are still to be sent, and those that must not be any more.

    Suppression, consent, cancellation and expiry are looked at here, moments before sending.
    """
    rows = session.execute(
        text(_slice_of(held)),
        {
            "month": held.month,
            "alert": held.alert_id,
            "first": max(after + 1, held.number_from),
            "last": held.number_to,
            "size": size,
            "bounce_retry_days": BounceSettings().retry_days,
        },
    ).all()
    wards = names_by_code(session, {row.ward_code for row in rows})
    recipients, refused, alert = [], [], held.alert_id.hex
    for (
        number,
        contact_id,
        address,
        secret,
        name,
        language,
        ward_code,
        consent,
        is_unsure,
        mail_format,
        update_group,
        refusal,
    ) in rows:
        if refusal is None:
            reference, ward = reference_of(alert, number), wards.get(ward_code, "")
            secret = tokens.open_secrets(secret)
            recipients.append(
                Recipient(
                    *(number, reference, contact_id, held.channel, address, secret, name, language, ward),
                    may_be_tracked=consent,
                    is_unsure=is_unsure,
                    mail_format=mail_format,
                    update_group=update_group,
                )
            )
        elif refusal == "wait":
            refused.append(Result(number, None, reason="Waits for the first alert to be sent."))
        else:
            state, _, reason = refusal.partition(":")
            refused.append(Result(number, DeliveryState(state), reason=reason))
    return recipients, refused


@dataclass(frozen=True, slots=True)
class Advice:
    """How to go on with a batch: not at all when its lease was lost, its alert cancelled, or it was put on hold.

    `should_yield`: an emergency is under way, so bulk keeps out of its way.
    """

    may_go_on: bool
    should_yield: bool = False


def record(session: Session, held: Claim, results: Sequence[Result]) -> Advice:
    """Write the result of some deliveries, with their events, and prolong the lease; how to go on.

    A send is a fact and is recorded even when the lease was lost meanwhile; a delivery that someone else has
    recorded already stays as it is. Neighbours that fared alike share one event.
    """
    numbers = [result.number for result in results]
    row = session.execute(
        text(RECORD),
        {
            "month": held.month,
            "alert": held.alert_id,
            "batch": held.batch_id,
            "lease": held.lease,
            "seconds": settings().lease_seconds,
            "first": min(numbers),
            "last": max(numbers),
            "groups": json.dumps(_grouped(results)),
        },
    ).first()
    return Advice(row.may_go_on, row.should_yield and held.lane == Lane.ROUTINE) if row else Advice(False)


def _grouped(results: Sequence[Result]) -> list[dict[str, object]]:
    """The results, grouped by how they fared: most of a slice fares the same, and is then quickly sent and read."""
    now = time.monotonic()
    groups: defaultdict[tuple[object, ...], tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    prices = settings().prices
    for result in results:
        price = prices.get(result.provider or "") if result.state == DeliveryState.SENT else None
        cost = None if price is None else price * result.parts
        numbers, ago = groups[
            result.state, result.provider, result.provider_reference, result.reason, result.unsure, cost
        ]
        numbers.append(result.number)
        ago.append(round(now - result.at, 3) if result.at else 0.0)
    return [
        dict(zip(("state", "provider", "reference", "reason", "unsure", "cost"), how, strict=True))
        | {"numbers": numbers, "ago": ago}
        for how, (numbers, ago) in groups.items()
    ]


def finish_alert(session: Session, alert_id: UUID) -> None:
    """Mark the alert as sent when its last batch is done. Safe to call at any time."""
    if session.execute(text(IS_UNDER_WAY), {"id": alert_id}).scalar_one():
        return
    # held first and asked again: while this waited for the row, a retry may have opened batches
    session.execute(text("SELECT 1 FROM alert WHERE id = :id FOR NO KEY UPDATE"), {"id": alert_id})
    session.execute(
        text(f"""
            UPDATE alert SET state = 'sent', finished_at = business_now(), changed_at = business_now()
            WHERE id = :id AND state = 'sending' AND expanded_at IS NOT NULL AND NOT ({IS_UNDER_WAY})
        """),
        {"id": alert_id},
    )


IS_UNDER_WAY = "SELECT EXISTS (SELECT 1 FROM batch WHERE alert_id = :id AND state IN ('queued', 'leased'))"
