"""Retries of failed deliveries that staff ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts import remit
from notify.alerts.models import Alert, AlertState
from notify.alerts.service import AlreadyExpired, WrongState
from notify.core import clock, jobs
from notify.core.jobs import Lane
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import FIRST_HINTS
from notify.staff.rights import Actor
from notify.staff.service import audit


@dataclass(frozen=True, slots=True)
class Retried:
    """How many deliveries are tried again, and how many lie in batches that are still under way and must wait."""

    deliveries: int
    under_way: int


def retry(
    session: Session, *, by: Actor, alert: Alert, states: Sequence[DeliveryState], number: int | None = None
) -> Retried:
    """Put dead deliveries of an alert in these states back to be sent, all of them or one by its number.

    Their batches are opened again and have a day from now, as they had at first. A batch that is still under way is
    left alone, since its worker would not see them. What was decided once needs no second decision: no proof of who is
    there is asked for. Raises: what `remit.own` raises, WrongState, AlreadyExpired.
    """
    remit.require_own(session, by, alert)
    alert = session.get_one(Alert, alert.id, with_for_update=True, populate_existing=True)
    if alert.state not in (AlertState.SENT, AlertState.SENDING):
        raise WrongState(f"The alert is {alert.state}: only an alert that was sent can be tried again.")
    if alert.expires_at and alert.expires_at <= clock.now():
        raise AlreadyExpired("Nothing of it may be sent any more. Send a new alert instead.")
    which = {"month": alert.ledger_month, "alert": alert.id, "states": list(states), "number": number}
    opened = session.execute(text(RETRY), which).all()
    retried = sum(batch.deliveries for batch in opened)
    if retried:
        alert.state, alert.finished_at = AlertState.SENDING, None
        alert.expanded_at = alert.changed_at = clock.now()
        session.flush()
        audit(
            session,
            council_id=alert.council_id,
            actor=by.actor,
            action="alert.retry",
            subject=str(alert.id),
            deliveries=retried,
            states=[state.value for state in states],
        )
    for batch in opened[:FIRST_HINTS]:
        jobs.note(session, jobs.Job.SEND_NEXT, batch.lane, lane=Lane(batch.lane))
    return Retried(retried, session.execute(text(UNDER_WAY), which).scalar_one())


# A batch that is closed or queued has no worker that could miss what is put back into it. One that was taken by a
# receipt's word for sent, or that had bounced, is not counted as such any more.
RETRY = """
    WITH closed AS (
        SELECT id, number_from, number_to FROM batch
        WHERE alert_id = :alert AND state IN ('done', 'quarantined', 'queued')
        ORDER BY id FOR NO KEY UPDATE
    ), moved AS (
        UPDATE delivery d
        SET state = 'created', provider = NULL, provider_reference = NULL, reason = NULL, sent_at = NULL,
            changed_at = business_now()
        FROM closed c
        WHERE d.month = :month AND d.alert_id = :alert AND d.number BETWEEN c.number_from AND c.number_to
          AND d.state = ANY(:states) AND (CAST(:number AS integer) IS NULL OR d.number = :number)
        RETURNING c.id AS batch_id, d.number, old.state AS before, old.state = 'permanent-failure' AS had_bounced,
                  old.sent_at IS NOT NULL AS was_sent
    ), island AS (
        SELECT number, before, number - row_number() OVER (PARTITION BY before ORDER BY number) AS id FROM moved
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, number_to, kind, detail)
        SELECT :month, business_now(), :alert, min(number), nullif(max(number), min(number)), 'created',
               jsonb_build_object('again_after', before)
        FROM island GROUP BY before, id
    )
    UPDATE batch b
    SET state = 'queued', due_at = business_now(), reopened_at = business_now(),
        lease = NULL, lease_until = NULL, attempts = 0, deaths = 0,
        sent = b.sent - m.sent, bounced = b.bounced - m.bounced
    FROM (SELECT batch_id, count(*) AS deliveries, count(*) FILTER (WHERE had_bounced) AS bounced,
                 count(*) FILTER (WHERE was_sent AND NOT had_bounced) AS sent
          FROM moved GROUP BY batch_id) m
    WHERE b.id = m.batch_id
    RETURNING b.lane, m.deliveries
"""
UNDER_WAY = """
    SELECT count(*) FROM batch b JOIN delivery d ON d.number BETWEEN b.number_from AND b.number_to
    WHERE b.alert_id = :alert AND b.state IN ('queued', 'leased') AND d.month = :month AND d.alert_id = :alert
      AND d.state = ANY(:states) AND (CAST(:number AS integer) IS NULL OR d.number = :number)
"""
