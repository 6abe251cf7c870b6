"""Finds work that was forgotten: the queue was lost, a process died, or the time for another try has come."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import jobs
from notify.core.jobs import Job, Lane, Noted
from notify.deliveries.batches import IS_DUE
from notify.deliveries.holds import NOTICES_ON_HOLD
from notify.deliveries.service import ON_HOLD

# longer than a job usually waits; one too many is harmless, but a long queue of notices must not double itself
ALERT_PATIENCE_S, SERVICE_MESSAGE_PATIENCE_S = 2.0, 20.0
MOST_HINTS = 200  # a long backlog needs no more hints than keep every worker busy until the next look
DUE_BATCHES = f"""
    SELECT b.lane, count(*) AS due FROM batch b
    WHERE {IS_DUE} AND NOT {ON_HOLD}
    GROUP BY b.lane
"""
UNSTARTED = f"""
    WITH alerts AS (
        -- one that is being expanded right now is locked, and passed by
        SELECT id FROM alert
        WHERE state = 'sending' AND expanded_at IS NULL AND priority = :lane
          AND changed_at <= business_now() - make_interval(secs => :alerts)
        LIMIT 500 FOR UPDATE SKIP LOCKED
    )
    SELECT 'expand_alert' AS job, id FROM alerts
    UNION ALL (SELECT 'send_service_message', id FROM service_message
              WHERE :lane = 'transactional' AND state IN ('created', 'sending') AND expires_at > business_now()
                AND due_at <= business_now() - make_interval(secs => :notices)
                AND NOT {NOTICES_ON_HOLD}
              ORDER BY due_at LIMIT 500)
"""
TO_EXPAND = """
    SELECT id FROM alert WHERE state = 'sending' AND expanded_at IS NULL AND priority = :lane
    ORDER BY changed_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def reconcile(session: Session) -> int:
    """Note a job for everything that is due and that nobody was told of; how many. The real guarantee of delivery.

    A job that turns out to be needless costs one refused claim.
    """
    found = [*_batches(session), *_alerts_and_service_messages(session)]
    for item in found:
        jobs.note(session, item.job, *item.args, lane=item.lane)
    return len(found)


def _batches(session: Session) -> Sequence[Noted]:
    """As many hints as there are more batches due than jobs waiting. A queue that is away needs none."""
    missing: list[Noted] = []
    for row in session.execute(text(DUE_BATCHES)):
        lane = Lane(row.lane)
        waiting = jobs.waiting(lane)
        if waiting is not None:
            hints = min(row.due, MOST_HINTS) - waiting
            missing += [Noted(Job.SEND_NEXT, lane, (lane.value,))] * hints
    return missing


def _alerts_and_service_messages(session: Session) -> Sequence[Noted]:
    """Forgotten alerts, and as many notices as do not wait on the queue already."""
    found = [item for lane in Lane for item in unstarted(session, lane, patient=True)]
    notices = [item for item in found if item.job == Job.SEND_SERVICE_MESSAGE]
    waiting = jobs.waiting(Lane.TRANSACTIONAL) if notices else None
    room = 0 if waiting is None else max(0, min(len(notices), MOST_HINTS) - waiting)
    return [*(item for item in found if item.job != Job.SEND_SERVICE_MESSAGE), *notices[:room]]


def unstarted(session: Session, lane: Lane, *, patient: bool = False) -> Sequence[Noted]:
    """Alerts of this lane to be expanded and notices to be sent; `patient`: only those whose jobs should have come."""
    patience = (
        {"alerts": ALERT_PATIENCE_S, "notices": SERVICE_MESSAGE_PATIENCE_S} if patient else {"alerts": 0, "notices": 0}
    )
    rows = session.execute(text(UNSTARTED), {"lane": lane, **patience})
    return [Noted(Job(row.job), lane, (str(row.id),)) for row in rows]


def next_to_expand(session: Session, lane: Lane) -> UUID | None:
    """An alert of this lane that nobody is expanding, the oldest first."""
    return session.execute(text(TO_EXPAND), {"lane": lane}).scalar()


def alerts_to_finish(session: Session) -> Sequence[UUID]:
    """Alerts whose last batch may have been done by a worker that died before it could say so."""
    return (
        session.execute(text("SELECT id FROM alert WHERE state = 'sending' AND expanded_at IS NOT NULL LIMIT 1000"))
        .scalars()
        .all()
    )
