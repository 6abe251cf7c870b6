"""Reads of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.deliveries.models import Batch, BatchState, Delivery, DeliveryState
from notify.jobs import Lane


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
    handed_over_at: datetime | None
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
    """The alert's deliveries by number. Those of a batch that a worker holds now show as `sending`."""
    if alert.ledger_month is None:
        return []
    rows = session.execute(
        text("""
            SELECT * FROM (
                SELECT d.number, d.contact_id, d.channel, d.language, d.ward_code, d.provider, d.reason,
                       d.handed_over_at, d.changed_at,
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
    """What waits on a lane: batches, and how many deliveries those hold at most."""

    lane: Lane
    batches: int
    deliveries: int
    held: int


def lane_depths(session: Session) -> Sequence[LaneDepth]:
    """How much work is open on each lane."""
    rows = session.execute(
        text("""
            SELECT lane, count(*) AS batches, sum(number_to - number_from + 1) AS deliveries,
                   count(*) FILTER (WHERE state = 'leased') AS held
            FROM batch WHERE state IN ('queued', 'leased') GROUP BY lane
        """)
    )
    found = {row.lane: row for row in rows}
    return [
        LaneDepth(lane, found[lane].batches, int(found[lane].deliveries), found[lane].held)
        if lane in found
        else LaneDepth(lane, 0, 0, 0)
        for lane in Lane
    ]


def open_batches(session: Session, alert_id: UUID) -> int:
    """How many batches of this alert are not done."""
    statement = select(Batch.id).where(Batch.alert_id == alert_id, col(Batch.state) != BatchState.DONE)
    return len(session.exec(statement).all())
