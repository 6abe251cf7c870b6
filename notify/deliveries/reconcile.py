"""Finds work that was forgotten: the queue was lost, a process died, or the time for another try has come."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify import jobs


def reconcile(session: Session) -> int:
    """Note a job for everything that is due and may have been forgotten; how many. The real guarantee of delivery.

    A job that turns out to be needless costs one refused claim. `queued_at` keeps a long queue from being noted again
    and again.
    """
    found = session.execute(text(FORGOTTEN), {"patience": RENOTE_SECONDS}).all()
    for row in found:
        jobs.note(session, jobs.Job(row.job), str(row.id), lane=jobs.Lane(row.lane))
    return len(found)


RENOTE_SECONDS = 20
FORGOTTEN = """
    WITH batches AS (
        UPDATE batch SET queued_at = now()
        WHERE id IN (
            SELECT id FROM batch
            WHERE state = 'queued' AND due_at <= now() AND queued_at < now() - make_interval(secs => :patience)
               OR state = 'leased' AND lease_until < now()
                  AND (queued_at < lease_until OR queued_at < now() - make_interval(secs => :patience))
            ORDER BY due_at LIMIT 5000 FOR UPDATE SKIP LOCKED
        ) RETURNING id, lane
    ), alerts AS (
        -- one that is being expanded right now is locked, and passed by
        SELECT id, priority AS lane FROM alert
        WHERE state = 'sending' AND expanded_at IS NULL AND changed_at < now() - make_interval(secs => :patience)
        LIMIT 500 FOR UPDATE SKIP LOCKED
    )
    SELECT 'send_batch' AS job, id, lane FROM batches
    UNION ALL SELECT 'expand_alert', id, lane FROM alerts
    UNION ALL SELECT 'send_notice', id, 'transactional' FROM notice
              WHERE state IN ('created', 'sending') AND expires_at > now()
                AND due_at < now() - make_interval(secs => :patience)
"""


def alerts_to_finish(session: Session) -> Sequence[UUID]:
    """Alerts whose last batch may have been done by a worker that died before it could say so."""
    return (
        session.execute(text("SELECT id FROM alert WHERE state = 'sending' AND expanded_at IS NOT NULL LIMIT 1000"))
        .scalars()
        .all()
    )
