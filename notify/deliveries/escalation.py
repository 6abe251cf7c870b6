"""Sends an emergency on another channel to people it did not reach, exactly once."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert, AlertState, Escalation
from notify.core import clock
from notify.deliveries.fan_out import extend_ledger
from notify.deliveries.service import ON_HOLD
from notify.places.models import Targets
from notify.staff.service import audit
from notify.subscribers.queries import AudienceSql, audience

log = logging.getLogger(__name__)

ACTOR = "engine:escalation"
# these never report a delivery, so that what they took without a word back counts as delivered
SILENT = ("file", "smtp", "webhook")


def escalate_due(session: Session) -> int:
    """Extend the ledger of every emergency whose time to wait is over; how many deliveries were made.

    An alert's deliveries, its batches and the note that it was done commit together, or nothing does.
    """
    return sum(_escalate(session, alert_id) for alert_id in _due(session))


def is_over(session: Session, alert: Alert) -> bool:
    """Whether an all-clear has ended it, so that it takes no other channels any more."""
    return bool(session.execute(text(f"SELECT {IS_OVER} FROM alert a WHERE a.id = :id"), {"id": alert.id}).scalar())


def escalates_at(session: Session, alert: Alert) -> datetime | None:
    """When those who were not reached are written to another way; None: never, it was done, or an all-clear came."""
    is_alive = alert.state in (AlertState.SENDING, AlertState.SENT)
    if alert.escalation is None or alert.escalated_at or alert.expanded_at is None or not is_alive:
        return None
    at = alert.expanded_at + timedelta(minutes=int(str(alert.escalation["after_minutes"])))
    ends_first = alert.expires_at is not None and alert.expires_at <= at
    return None if ends_first or is_over(session, alert) else at


def _due(session: Session) -> Sequence[UUID]:
    return session.execute(text(DUE)).scalars().all()


def _escalate(session: Session, alert_id: UUID) -> int:
    alert = session.get_one(Alert, alert_id, populate_existing=True)  # its row is locked by `DUE`
    alert.escalated_at = alert.changed_at = clock.now()
    after = session.execute(text(LAST), {"month": alert.ledger_month, "alert": alert.id}).scalar_one()
    more = extend_ledger(session, alert, _not_reached(alert), after=after)
    if more:
        alert.recipients = (alert.recipients or 0) + more
        alert.state, alert.finished_at = AlertState.SENDING, None
    session.flush()
    audit(
        session,
        council_id=alert.council_id,
        actor=ACTOR,
        action="alert.escalate",
        subject=str(alert.id),
        deliveries=more,
    )
    log.info("alert escalated", extra={"alert": alert.id, "deliveries": more})
    return more


def _not_reached(alert: Alert) -> AudienceSql:
    """Who of this ledger's people may be written to on the channels kept for later, and was not reached so far."""
    later = Escalation.model_validate(alert.escalation)
    every = audience(alert.topic_id, Targets.from_json(alert.targets or {}), later.channels, is_emergency=True)
    sql = f"""
        SELECT f.* FROM ({every.sql}) f
        JOIN ({UNANSWERED if alert.asks_reply else UNDELIVERED}) missed ON missed.subscriber_id = f.subscriber_id
        WHERE NOT EXISTS (SELECT FROM delivery d
                          WHERE d.month = :month AND d.alert_id = :alert AND d.contact_id = f.contact_id)
          AND NOT EXISTS ({HAS_LEFT})
    """
    return AudienceSql(sql, {**every.parameters, "silent": list(SILENT)})


# an all-clear of the alert `a`, or of an update of it, that someone let go
IS_OVER = """EXISTS (
          WITH RECURSIVE line AS (
              SELECT f.id, f.follow_up, f.state, f.is_test FROM alert f
              WHERE f.follows_id = coalesce(a.follows_id, a.id)
                AND coalesce(f.expanded_at, 'infinity') >= a.expanded_at
              UNION ALL
              SELECT f.id, f.follow_up, f.state, f.is_test FROM alert f JOIN line ON f.follows_id = line.id
          )
          SELECT FROM line
          WHERE line.follow_up = 'all-clear' AND line.state NOT IN ('draft', 'submitted', 'rejected', 'cancelled')
            AND (a.is_test OR NOT line.is_test))"""
# was told by an update that they are no longer in the area
HAS_LEFT = """
    SELECT FROM alert o JOIN alert u ON u.follows_id = coalesce(o.follows_id, o.id) AND u.expanded_at > o.expanded_at
    JOIN delivery d ON d.month = u.ledger_month AND d.alert_id = u.id
    WHERE o.id = :alert AND u.group_words IS NOT NULL AND d.subscriber_id = f.subscriber_id
      AND d.update_group = 'left' AND d.state IN ('created', 'sent', 'delivered', 'unknown')
"""
# of an update with another area those who are new are escalated: the others had their first alert before
# whoever retries an alert, or lets it go on after a hold, gives its first channels their time once more
DUE = f"""
    SELECT a.id FROM alert a
    WHERE a.escalation IS NOT NULL AND a.escalated_at IS NULL AND a.state IN ('sending', 'sent')
      AND (a.expires_at IS NULL OR a.expires_at > business_now())
      AND greatest(a.expanded_at, (SELECT max(h.lifted_at) FROM hold h
                                   WHERE (h.alert_id IS NULL OR h.alert_id = a.id)
                                     AND (h.lane IS NULL OR h.lane = 'emergency')))
          + make_interval(mins => CAST(a.escalation ->> 'after_minutes' AS integer)) <= business_now()
      AND a.expanded_at IS NOT NULL
      AND NOT {ON_HOLD.replace("b.alert_id", "a.id").replace("b.lane", "a.priority")}
      AND NOT {IS_OVER}
    ORDER BY a.id LIMIT 100 FOR UPDATE OF a SKIP LOCKED
"""
LAST = "SELECT coalesce(max(number), 0) FROM delivery WHERE month = :month AND alert_id = :alert"
UNDELIVERED = """
    SELECT subscriber_id FROM delivery
    WHERE month = :month AND alert_id = :alert AND coalesce(update_group, 'new') = 'new'
    GROUP BY subscriber_id
    HAVING NOT bool_or(state = 'delivered' OR state = 'sent' AND provider = ANY(:silent))
"""
UNANSWERED = """
    SELECT d.subscriber_id FROM delivery d
    LEFT JOIN reply r ON r.alert_id = d.alert_id AND r.subscriber_id = d.subscriber_id
    WHERE d.month = :month AND d.alert_id = :alert AND r.alert_id IS NULL
      AND coalesce(d.update_group, 'new') = 'new'
    GROUP BY d.subscriber_id
"""
