"""Reads of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.core import clock
from notify.core.errors import Gone
from notify.core.jobs import Lane
from notify.deliveries.failure_reasons import cleaned
from notify.deliveries.models import Delivery, DeliveryState
from notify.providers.base import Channel

# alert by alert, by the index that keeps a contact from getting one twice: the ledger has none by person, which would
# cost every fan-out. OFFSET 0 keeps the planner from reading whole months instead.
_SENT_TO = """
    SELECT d.month, d.alert_id, d.number, coalesce(a.translations -> d.language ->> 'title', a.title) AS title,
           t.name AS topic, c.name AS council, d.channel, d.language, d.state, d.reason,
           a.expanded_at AS created_at, d.sent_at, d.changed_at
    FROM alert a JOIN topic t ON t.id = a.topic_id JOIN council c ON c.id = a.council_id
    CROSS JOIN LATERAL (
        SELECT * FROM delivery d
        WHERE d.month = a.ledger_month AND d.alert_id = a.id AND d.contact_id = ANY(:contacts)
          AND d.subscriber_id = ANY(:subscribers)
        OFFSET 0) d
    WHERE a.ledger_month IS NOT NULL AND NOT a.is_test AND a.council_id IN (
        SELECT s.council_id FROM subscriber s WHERE s.id = ANY(:subscribers))
    ORDER BY a.expanded_at DESC, a.id DESC, d.number LIMIT :most OFFSET :passed
"""
# failed deliveries for which another try may help; no address was refused for good
DEAD = (DeliveryState.TEMPORARY_FAILURE, DeliveryState.TECHNICAL_FAILURE, DeliveryState.UNKNOWN)
DEAD_DAYS = 7
_DEAD = ", ".join(f"'{state}'" for state in DEAD)
# the ledger has no index on states, which would cost every send; events say which alerts are worth reading
_LATELY = f"""
    a.expanded_at > business_now() - make_interval(days => {DEAD_DAYS})
    AND EXISTS (SELECT 1 FROM event e WHERE e.month = a.ledger_month AND e.alert_id = a.id AND e.kind IN ({_DEAD}))
"""
_OF_ALERTS = "alert a JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id"
# alert by alert, as above
_TEXTED_LAST = """
    SELECT d.contact_id
    FROM alert a CROSS JOIN LATERAL (
        SELECT d.contact_id, d.sent_at FROM delivery d
        WHERE d.month = a.ledger_month AND d.alert_id = a.id AND d.contact_id = ANY(:contacts)
          AND d.sent_at IS NOT NULL
        OFFSET 0) d
    WHERE a.ledger_month >= :since AND NOT a.is_test AND a.council_id IN (
        SELECT c.council_id FROM contact c WHERE c.id = ANY(:contacts))
    ORDER BY d.sent_at DESC LIMIT 1
"""
ANSWERS_WITHIN = timedelta(days=62)


class DetailRemoved(Gone):
    """Who got the alert is not known any more: recipients are kept for `NOTIFY_RETENTION_DAYS`, figures for good."""

    title = "Who got it is not kept any more"


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery as an officer may see it: no address, no name."""

    number: int
    contact_id: UUID
    channel: str
    language: str
    ward_code: str | None
    state: DeliveryState
    provider: str | None
    reason: str | None
    sent_at: datetime | None
    changed_at: datetime


def deliveries(
    session: Session,
    alert: Alert,
    *,
    after: int = 0,
    state: DeliveryState | None = None,
    changed_since: datetime | None = None,
    limit: int = 500,
) -> Sequence[DeliveryRow]:
    """The alert's deliveries by number. Those of a batch that a worker holds now show as `sending`.

    Raises: DetailRemoved.
    """
    if alert.ledger_month is None:
        return []
    if alert.detail_removed_at:
        raise DetailRemoved(
            f"It was removed on {alert.detail_removed_at:%Y-%m-%d}. "
            f"The figures stay at /api/v1/alerts/{alert.id}/analytics."
        )
    rows = session.execute(
        text("""
            SELECT * FROM (
                SELECT d.number, d.contact_id, d.channel, d.language, d.ward_code, d.provider, d.reason,
                       d.sent_at, d.changed_at,
                       CASE WHEN d.state = 'created' AND b.state = 'leased' THEN 'sending' ELSE d.state END AS state
                FROM delivery d
                JOIN batch b ON b.alert_id = d.alert_id AND d.number BETWEEN b.number_from AND b.number_to
                WHERE d.month = :month AND d.alert_id = :alert AND d.number > :after
                  AND (CAST(:since AS timestamptz) IS NULL OR d.changed_at >= :since)
            ) ledger
            WHERE CAST(:state AS text) IS NULL OR state = :state
            ORDER BY number LIMIT :limit
        """),
        {
            "month": alert.ledger_month,
            "alert": alert.id,
            "after": after,
            "since": changed_since,
            "state": state,
            "limit": limit,
        },
    )
    return [DeliveryRow(**{**row._mapping, "state": DeliveryState(row.state)}) for row in rows]


def delivery(session: Session, alert: Alert, number: int) -> Delivery | None:
    """One delivery of this alert."""
    return session.get(Delivery, (alert.ledger_month, alert.id, number)) if alert.ledger_month else None


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """What waits on a lane: batches, and how many deliveries those hold at most.

    `held` are batches that a worker has in hand; `oldest_due_s` is how long the longest overdue one has waited.
    """

    lane: Lane
    batches: int = 0
    deliveries: int = 0
    held: int = 0
    oldest_due_s: float = 0.0


def lane_depths(session: Session) -> Sequence[LaneDepth]:
    """How much work is open on each lane."""
    rows = session.execute(
        text("""
            SELECT lane, count(*) AS batches, sum(number_to - number_from + 1) AS deliveries,
                   count(*) FILTER (WHERE state = 'leased') AS held,
                   extract(epoch FROM business_now() - min(
                       CASE state WHEN 'leased' THEN lease_until + clock_offset() ELSE due_at END)) AS due_s
            FROM batch WHERE state IN ('queued', 'leased') GROUP BY lane
        """)
    )
    found = {
        row.lane: LaneDepth(
            Lane(row.lane), row.batches, int(row.deliveries), row.held, round(max(0.0, float(row.due_s)), 3)
        )
        for row in rows
    }
    return [found.get(lane, LaneDepth(lane)) for lane in Lane]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message to one resident, as they may see it. `title` is what they read, in the language it was sent in."""

    month: date
    alert_id: UUID
    number: int
    title: str
    topic: str
    council: str
    channel: Channel
    language: str
    state: DeliveryState
    reason: str
    created_at: datetime
    sent_at: datetime | None
    changed_at: datetime


def sent_to(
    session: Session, subscriber_ids: Sequence[UUID], contact_ids: Sequence[UUID], *, passed: int = 0, most: int
) -> Sequence[Sent]:
    """What councils sent to these contacts of a resident, the newest first, also what was held back and why."""
    values = {"subscribers": list(subscriber_ids), "contacts": list(contact_ids), "passed": passed, "most": most}
    return [
        Sent(
            **{
                **row._mapping,
                "channel": Channel(row.channel),
                "state": DeliveryState(row.state),
                "reason": cleaned(row.reason) or "",
            }
        )
        for row in session.execute(text(_SENT_TO), values)
    ]


def done_with(session: Session, messages: Sequence[Sent]) -> dict[tuple[UUID, int], list[tuple[str, datetime]]]:
    """What the reader did with each of these messages, and when, by alert and number; nothing of most of them."""
    rows = session.execute(
        text("""
            WITH m AS (
                SELECT * FROM unnest(CAST(:months AS date[]), CAST(:alerts AS uuid[]), CAST(:numbers AS integer[]))
                    AS m (month, alert_id, number)
            )
            SELECT e.alert_id, e.number, e.kind || coalesce(' ' || (e.detail ->> 'answer'), '') AS kind, e.at
            FROM m JOIN event e ON e.month = m.month AND e.alert_id = m.alert_id AND e.number = m.number
            WHERE e.kind IN ('unsubscribed', 'complained', 'replied')
            UNION ALL
            SELECT h.alert_id, h.number, h.kind, h.at
            FROM m JOIN hit h ON h.month = m.month AND h.alert_id = m.alert_id AND h.number = m.number
            ORDER BY at
        """),
        {
            "months": [message.month for message in messages],
            "alerts": [message.alert_id for message in messages],
            "numbers": [message.number for message in messages],
        },
    )
    found: dict[tuple[UUID, int], list[tuple[str, datetime]]] = {}
    for row in rows:
        found.setdefault((row.alert_id, row.number), []).append((row.kind, row.at))
    return found


@dataclass(frozen=True, slots=True)
class DeadDelivery:
    """A failed delivery. It names nobody: what a provider said has lost the address in it."""

    alert_id: UUID
    title: str
    number: int
    channel: str
    state: DeliveryState
    reason: str


def dead_deliveries(
    session: Session,
    *,
    alert_id: UUID | None = None,
    states: Sequence[DeliveryState] = DEAD,
    limit: int = 100,
) -> Sequence[DeadDelivery]:
    """Dead deliveries of this alert, or of every alert of the last week, the newest alert first."""
    rows = session.execute(
        text(f"""
            SELECT a.id AS alert_id, a.title, d.number, d.channel, d.state, d.reason FROM {_OF_ALERTS}
            WHERE {"a.id = :alert" if alert_id else _LATELY} AND d.state = ANY(:states)
            ORDER BY a.id DESC, d.number LIMIT :limit
        """),
        {"alert": alert_id, "states": list(states), "limit": limit},
    )
    return [
        DeadDelivery(**{**row._mapping, "state": DeliveryState(row.state), "reason": cleaned(row.reason) or ""})
        for row in rows
    ]


def count_dead(
    session: Session, *, council_id: UUID | None = None, alert_id: UUID | None = None
) -> dict[DeliveryState, int]:
    """How many deliveries are dead, by state: of an alert, or of a council's alerts of the last week, or of all."""
    rows = session.execute(
        text(f"""
            SELECT d.state, count(*) AS deliveries FROM {_OF_ALERTS}
            WHERE {"a.id = :alert" if alert_id else _LATELY} AND d.state IN ({_DEAD})
              AND (CAST(:council AS uuid) IS NULL OR a.council_id = :council)
            GROUP BY d.state
        """),
        {"alert": alert_id, "council": council_id},
    )
    found = {row.state: int(row.deliveries) for row in rows}
    return {state: found.get(state.value, 0) for state in DEAD}


@dataclass(frozen=True, slots=True)
class FailedAlert:
    """An alert of the last week with failed deliveries, and how many are in each state."""

    alert_id: UUID
    title: str
    failed: dict[DeliveryState, int]


def failed_alerts(session: Session, council_id: UUID, *, limit: int = 50) -> Sequence[FailedAlert]:
    """A council's alerts of the last week with deliveries that can be tried again, the newest first."""
    rows = session.execute(
        text(f"""
            SELECT a.id, a.title, d.state, count(*) AS deliveries FROM {_OF_ALERTS}
            WHERE {_LATELY} AND d.state IN ({_DEAD}) AND a.council_id = :council
            GROUP BY a.id, a.title, d.state ORDER BY a.id DESC LIMIT :limit
        """),
        {"council": council_id, "limit": limit},
    )
    found: dict[UUID, FailedAlert] = {}
    for row in rows:
        one = found.setdefault(row.id, FailedAlert(row.id, row.title, {}))
        one.failed[DeliveryState(row.state)] = row.deliveries
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Metered:
    """One row of what processes wrote down. `age_s` makes sense where the value is a moment."""

    name: str
    labels: str
    value: float
    age_s: float


def metered(session: Session) -> Sequence[Metered]:
    """Everything that processes wrote down, by name and labels."""
    rows = session.execute(
        text("""
            SELECT name, labels, value, extract(epoch FROM now())::float - value AS age_s
            FROM meter ORDER BY name, labels
        """)
    )
    return [Metered(*row) for row in rows]


def texted_last(session: Session, contact_ids: Sequence[UUID]) -> UUID | None:
    """Which of these contacts of one number got the latest alert, within two months; None where none did."""
    values = {"contacts": list(contact_ids), "since": (clock.now() - ANSWERS_WITHIN).date().replace(day=1)}
    found: UUID | None = session.execute(text(_TEXTED_LAST), values).scalar()
    return found
