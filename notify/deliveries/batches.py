"""Which worker sends which batch: fair between alerts, leased on the database clock, split when it kills workers."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import Channel
from notify.core import jobs
from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.deliveries.service import ON_HOLD, Claim

DEATHS_TO_SPLIT = 3
DEATHS_ALONE = 5  # a row alone gets two more chances: its workers may have died of something else
LONGEST_TRY_HOURS = 24

IS_DUE = "(b.state = 'queued' AND b.due_at <= business_now() OR b.state = 'leased' AND b.lease_until < now())"
# the batch of the alert that has the fewest under way, and among those the one that was served longest ago
FAIR = f"""
    WITH served AS (
        SELECT alert_id, max(claimed_at) AS last,
               count(*) FILTER (WHERE state = 'leased' AND lease_until >= now()) AS held
        FROM batch
        WHERE alert_id IN (SELECT alert_id FROM batch WHERE lane = :lane AND state IN ('queued', 'leased'))
        GROUP BY alert_id
    )
    SELECT b.id FROM batch b JOIN served USING (alert_id)
    WHERE b.lane = :lane AND b.state IN ('queued', 'leased') AND {IS_DUE} AND NOT {ON_HOLD}
    ORDER BY served.held, served.last NULLS FIRST, b.alert_id, b.number_from
    LIMIT 1 FOR UPDATE OF b SKIP LOCKED
"""
TAKE = f"""
    WITH taken AS (
        UPDATE batch b
        SET state = 'leased', lease = :lease, attempts = attempts + 1, claimed_at = business_now(),
            deaths = deaths + CASE WHEN state = 'leased' THEN 1 ELSE 0 END,
            lease_until = now() + make_interval(secs => :seconds)
        WHERE id = (%s) AND {IS_DUE} AND NOT {ON_HOLD}
        RETURNING b.*, old.lease AS former_lease
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, number_to, kind)
        SELECT month, business_now(), alert_id, number_from, number_to, 'sending' FROM taken
    )
    SELECT t.id AS batch_id, t.alert_id, t.month, t.channel, t.lane, t.number_from, t.number_to, t.attempts, t.deaths,
           t.former_lease,
           extract(epoch FROM business_now()
               - coalesce(greatest(a.approved_at, a.send_at), business_now()))::float AS age_s,
           -- a day of trying, not of waiting for somebody's word
           greatest(a.expanded_at, t.reopened_at, (SELECT max(h.lifted_at) FROM hold h
                                    WHERE (h.alert_id IS NULL OR h.alert_id = a.id)
                                      AND (h.lane IS NULL OR h.lane = t.lane)))
               < business_now() - make_interval(hours => :hours) AS is_last_try,
           a.follows_id IS NOT NULL AS is_follow_up,
           a.follows_id IS NOT NULL AND EXISTS (
               SELECT FROM alert l WHERE l.follows_id = a.follows_id AND l.group_words IS NOT NULL
                                     AND l.expanded_at IS NOT NULL) AS has_areas
    FROM taken t JOIN alert a ON a.id = t.alert_id
"""
FIRST = "SELECT id FROM batch WHERE alert_id = :alert ORDER BY number_from LIMIT 1 FOR UPDATE SKIP LOCKED"
WAITING = """
    SELECT number FROM delivery
    WHERE month = :month AND alert_id = :alert AND number BETWEEN :first AND :last AND state = 'created'
    ORDER BY number
"""
QUARANTINE = """
    WITH moved AS (
        UPDATE delivery SET state = 'technical-failure', changed_at = business_now(),
            reason = 'The workers that tried to send this one died of it.'
        WHERE month = :month AND alert_id = :alert AND number = :number AND state = 'created'
          AND EXISTS (SELECT 1 FROM batch WHERE id = :id AND lease = :lease AND state = 'leased')
        RETURNING number, reason
    ), noted AS (
        INSERT INTO event (month, at, alert_id, number, kind, detail)
        SELECT :month, business_now(), :alert, number, 'technical-failure', jsonb_build_object('reason', reason)
            FROM moved
    )
    UPDATE batch SET state = 'quarantined', lease = NULL, lease_until = NULL
    WHERE id = :id AND lease = :lease AND state = 'leased'
"""
SPLIT = """
    WITH first AS (
        UPDATE batch SET number_to = :middle - 1, state = 'queued', lease = NULL, lease_until = NULL,
            due_at = business_now(),
            deaths = :deaths
        WHERE id = :id AND lease = :lease AND state = 'leased'
        RETURNING alert_id, month, channel, lane, old.number_to, attempts
    )
    INSERT INTO batch (alert_id, month, channel, lane, number_from, number_to, state, due_at, attempts, deaths)
    SELECT alert_id, month, channel, lane, :middle, number_to, 'queued', business_now(), attempts, :deaths FROM first
"""


def claim(session: Session, batch_id: UUID) -> Claim | None:
    """Take this batch if it is due and nobody holds it, and count the attempt. None: not now, or not any more."""
    return _take(session, ":id", {"id": batch_id})


def claim_next(session: Session, lane: Lane) -> Claim | None:
    """Take the batch of this lane whose turn it is, so that a small alert is not stuck behind a big one."""
    return _take(session, FAIR, {"lane": lane.value})


def claim_first(session: Session, alert_id: UUID) -> Claim | None:
    """Take the first batch of an alert that has just been expanded."""
    return _take(session, FIRST, {"alert": alert_id})


def _take(session: Session, which: str, values: dict[str, object]) -> Claim | None:
    lease = uuid4()
    row = session.execute(
        text(TAKE % which), values | {"lease": lease, "seconds": settings().lease_seconds, "hours": LONGEST_TRY_HOURS}
    ).first()
    if row is None:
        return None
    typed = {"channel": Channel(row.channel), "lane": Lane(row.lane)}
    return Claim(lease=lease, **{**row._mapping, **typed})


def prolong(session: Session, leases: Sequence[UUID]) -> None:
    """Keep what living workers hold: a provider may take longer over a message than a lease lasts."""
    session.execute(
        text("""
            UPDATE batch SET lease_until = now() + make_interval(secs => :seconds)
            WHERE state = 'leased' AND lease = ANY(:leases)
        """),
        {"leases": list(leases), "seconds": settings().lease_seconds},
    )


def give_up_for_dead(session: Session, held: Claim) -> None:
    """Free at once what a dead worker held, and count its death."""
    row = session.execute(
        text("""
            UPDATE batch SET state = 'queued', lease = NULL, lease_until = NULL,
                due_at = business_now(), deaths = deaths + 1
            WHERE id = :id AND lease = :lease AND state = 'leased' RETURNING lane
        """),
        {"id": held.batch_id, "lease": held.lease},
    ).first()
    if row:
        jobs.note(session, jobs.Job.SEND_NEXT, row.lane, lane=Lane(row.lane))


def leave(session: Session, held: Claim) -> None:
    """Give a batch back for a second as if it had not been claimed: the worker it was taken from lives."""
    session.execute(
        text("""
            UPDATE batch SET state = 'queued', lease = NULL, lease_until = NULL,
                due_at = business_now() + interval '1 second',
                attempts = attempts - 1, deaths = deaths - 1
            WHERE id = :id AND lease = :lease AND state = 'leased'
        """),
        {"id": held.batch_id, "lease": held.lease},
    )


def isolate(session: Session, held: Claim) -> bool:
    """Cut a batch that keeps killing its workers in two; a row alone fails for good. Whether the batch was given up.

    Only what still waits counts: what the dead sent is known from their journals.
    """
    if held.deaths < DEATHS_TO_SPLIT:
        return False
    span = _span(held) | {"id": held.batch_id, "lease": held.lease}
    waiting = session.execute(text(WAITING), span).scalars().all()
    if not waiting:
        return False
    if len(waiting) == 1:
        if held.deaths >= DEATHS_ALONE:
            session.execute(text(QUARANTINE), span | {"number": waiting[0]})
        return held.deaths >= DEATHS_ALONE
    session.execute(text(SPLIT), span | {"middle": waiting[len(waiting) // 2], "deaths": DEATHS_TO_SPLIT - 1})
    for _ in range(2):
        jobs.note(session, jobs.Job.SEND_NEXT, held.lane.value, lane=held.lane)
    return True


def release(session: Session, held: Claim, *, pause_s: float, was_tried: bool = True, is_complete: bool = True) -> None:
    """Give the batch back: done when nothing of it waits, else due again after `pause_s` seconds.

    An attempt in which no provider was asked is not counted.

    A lost lease releases nothing. A day after the alert was expanded comes the last try: what providers were asked for
    then (`is_complete`: for all of it) and did not take has failed and says so.
    """
    values = _span(held) | {"id": held.batch_id, "lease": held.lease, "pause": pause_s, "tried": was_tried}
    if held.is_last_try and is_complete:
        session.execute(text(GIVE_UP), values)
    session.execute(text(GIVE_BACK), values)


def _span(held: Claim) -> dict[str, object]:
    return {"month": held.month, "alert": held.alert_id, "first": held.number_from, "last": held.number_to}


GIVE_UP = """
    WITH moved AS (
        UPDATE delivery d
        SET state = CASE WHEN d.unsure THEN 'unknown' ELSE 'temporary-failure' END, changed_at = business_now(),
            reason = coalesce(d.reason, 'No provider took it within a day.')
        FROM batch b
        WHERE b.id = :id AND b.lease = :lease
          AND d.month = :month AND d.alert_id = :alert AND d.number BETWEEN :first AND :last AND d.state = 'created'
        RETURNING d.number, d.state, d.reason
    )
    INSERT INTO event (month, at, alert_id, number, kind, detail)
    SELECT :month, business_now(), :alert, number, state, jsonb_build_object('reason', reason) FROM moved
"""
GIVE_BACK = """
    UPDATE batch
    SET state = CASE WHEN waiting.some THEN 'queued' ELSE 'done' END, lease = NULL, lease_until = NULL, deaths = 0,
        attempts = attempts - CASE WHEN :tried THEN 0 ELSE 1 END,
        due_at = business_now() + make_interval(secs => :pause)
    FROM (SELECT EXISTS (SELECT 1 FROM delivery
                         WHERE month = :month AND alert_id = :alert AND state = 'created'
                           AND number BETWEEN :first AND :last) AS some) waiting
    WHERE id = :id AND lease = :lease
"""
