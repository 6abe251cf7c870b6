"""Counts each alert's totals from its ledger whenever there are new events.

Counting again makes them exact whatever was repeated or came late; an alert that takes long to count is counted less
often. Events say which alerts have news. Clicks and opens are added up where they come in: see `tracking.intake`.
"""

import time
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.core import clock
from notify.core.db import transaction
from notify.insight.models import RollupAlert

# events become visible a little out of order; whatever writes one ends long before this
OVERLAP = timedelta(seconds=60)
BUSY_SECONDS = 5.0  # a round stops after about so long, so that the next reads what is new
SPARE = 10  # counting takes at most one part in so many of the time
QUIET_AFTER = timedelta(days=4)  # no provider reports later


def keep_up() -> int:
    """Count every alert that has news and is due; how many. In transactions of its own, one an alert."""
    with transaction() as session:
        note_news(session)
    until, counted = time.monotonic() + BUSY_SECONDS, 0
    while time.monotonic() < until:
        with transaction() as session:
            due = session.execute(text(TAKE_DUE), {"spare": SPARE}).scalar()
            if due is None:
                break
            count_alert(session, due)
        counted += 1
    return counted


def note_news(session: Session) -> None:
    """Remember the alerts that events were written about since the last look."""
    now = clock.now()
    session.execute(text(NOTE_NEWS), {"since": now - OVERLAP})
    session.execute(text(MARK), {"now": now})
    session.execute(text("DELETE FROM rollup_mark WHERE at < :old"), {"old": now - 10 * OVERLAP})


def count_alert(session: Session, alert_id: UUID) -> None:
    """Bring one alert's figures up to date. Nothing changes once its detail was removed."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:alert, 0))"), {"alert": f"rollup {alert_id}"})
    alert = session.get(Alert, alert_id, populate_existing=True)
    known = session.get(RollupAlert, alert_id, populate_existing=True)
    if alert is None or alert.ledger_month is None or (known and known.detail_removed_at):
        return
    started = time.monotonic()
    key = {"alert": alert_id, "month": alert.ledger_month, "start": started_at(alert)}
    for table in TABLES:
        session.execute(text(f"DELETE FROM {table} WHERE alert_id = :alert"), key)
    for statement in (COUNT_CELLS, COUNT_CURVE, COUNT_HOURS):
        session.execute(text(statement), key)
    took = timedelta(seconds=time.monotonic() - started)
    is_over = alert.finished_at is not None and clock.now() - alert.finished_at > QUIET_AFTER
    session.execute(text(COUNT_ALERT), key | {"now": clock.now(), "took": took, "is_over": is_over})
    session.expire_all()  # what was read of the figures before is old


def started_at(alert: Alert) -> datetime:
    """When it could go: nobody waits for an alert before its time."""
    if alert.approved_at is None:
        return alert.expanded_at or alert.created_at
    return max(alert.approved_at, alert.send_at or alert.approved_at)


NOTE_NEWS = """
    WITH mark AS (
        SELECT coalesce(max(event_id) FILTER (WHERE at < :since), min(event_id), 0) AS event_id FROM rollup_mark
    )
    INSERT INTO rollup_due (alert_id)
    SELECT DISTINCT news.alert_id
    FROM mark, generate_series(
            (SELECT min(ledger_month) FROM alert), (SELECT max(ledger_month) FROM alert), interval '1 month'
        ) AS m (month),
        LATERAL (SELECT e.alert_id FROM event e WHERE e.month = m.month::date AND e.id > mark.event_id) AS news
    WHERE EXISTS (SELECT FROM alert WHERE alert.id = news.alert_id)
    ORDER BY 1
    ON CONFLICT (alert_id) DO UPDATE SET noted_at = business_now()
"""
MARK = """
    INSERT INTO rollup_mark (at, event_id)
    SELECT :now, coalesce((SELECT last_value FROM event_id_seq), 0)
    ON CONFLICT DO NOTHING
"""
TAKE_DUE = """
    DELETE FROM rollup_due WHERE alert_id = (
        SELECT d.alert_id FROM rollup_due d LEFT JOIN rollup_alert r USING (alert_id)
        WHERE r.counted_at IS NULL OR r.counted_at + :spare * r.took <= business_now()
        ORDER BY r.counted_at NULLS FIRST LIMIT 1 FOR UPDATE OF d SKIP LOCKED
    ) RETURNING alert_id
"""
STATES = """
    count(*) AS recipients, count(sent_at) AS sent,
    count(*) FILTER (WHERE state = 'delivered') AS delivered,
    count(*) FILTER (WHERE state = 'permanent-failure') AS permanent_failure,
    count(*) FILTER (WHERE state = 'temporary-failure') AS temporary_failure,
    count(*) FILTER (WHERE state = 'technical-failure') AS technical_failure,
    count(*) FILTER (WHERE state = 'unknown') AS unknown,
    count(*) FILTER (WHERE state = 'suppressed') AS suppressed,
    count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE state = 'expired') AS expired,
    count(*) FILTER (WHERE state IN ('created', 'sending')) AS waiting,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (WHERE sent_at IS NOT NULL AND cost IS NULL) AS unpriced
"""
COUNTED = (
    *("recipients", "sent", "delivered", "permanent_failure", "temporary_failure", "technical_failure", "unknown"),
    *("suppressed", "cancelled", "expired", "waiting", "cost", "unpriced"),
)
NAMES = ", ".join(COUNTED)
COUNT_CELLS = f"""
    INSERT INTO rollup_cell (alert_id, channel, language, ward_code, provider, {NAMES}, agreed)
    SELECT :alert, d.*
    FROM (
        SELECT channel, language, coalesce(ward_code, '') AS ward_code, coalesce(provider, '') AS provider, {STATES},
               count(*) FILTER (WHERE sent_at IS NOT NULL AND who_agreed IS NOT NULL)
        FROM delivery LEFT JOIN (SELECT id AS who_agreed FROM subscriber WHERE tracking_consent) s
             ON who_agreed = subscriber_id
        WHERE month = :month AND alert_id = :alert GROUP BY 1, 2, 3, 4
    ) d
"""
# steps grow with the distance, so that a picture of an hour has as many as one of a minute
_STEP = "CASE WHEN s <= 60 THEN 1 WHEN s <= 600 THEN 10 WHEN s <= 7200 THEN 60 WHEN s <= 86400 THEN 600 ELSE 3600 END"
COUNT_CURVE = f"""
    INSERT INTO rollup_curve (alert_id, channel, second, sent, delivered)
    SELECT :alert, channel, least(ceil(s / step) * step, 2000000000)::integer, sum(sent), sum(delivered)
    FROM (
        SELECT channel, s, sent, delivered, {_STEP} AS step
        FROM (
            SELECT channel, 1 AS sent, 0 AS delivered,
                   greatest(extract(epoch FROM sent_at - CAST(:start AS timestamptz)), 0) AS s
            FROM delivery WHERE month = :month AND alert_id = :alert AND sent_at IS NOT NULL
            UNION ALL
            SELECT channel, 0, 1, greatest(extract(epoch FROM changed_at - CAST(:start AS timestamptz)), 0)
            FROM delivery WHERE month = :month AND alert_id = :alert AND state = 'delivered'
        ) moment
    ) stepped GROUP BY 2, 3
"""
COUNT_HOURS = """
    INSERT INTO rollup_hour (alert_id, channel, provider, hour, sent, delivered, failed)
    SELECT :alert, channel, provider, hour, sum(sent), sum(delivered), sum(failed)
    FROM (
        SELECT channel, coalesce(provider, '') AS provider, date_trunc('hour', sent_at) AS hour,
               1 AS sent, 0 AS delivered, 0 AS failed
        FROM delivery WHERE month = :month AND alert_id = :alert AND sent_at IS NOT NULL
        UNION ALL
        SELECT channel, coalesce(provider, ''), date_trunc('hour', changed_at), 0,
               (state = 'delivered')::integer, (state LIKE '%-failure')::integer
        FROM delivery WHERE month = :month AND alert_id = :alert AND (state = 'delivered' OR state LIKE '%-failure')
    ) moment GROUP BY 2, 3, 4
"""
_TIMES = "(SELECT times FROM waited)"
COUNT_ALERT = f"""
    WITH waited AS (
        SELECT percentile_disc(ARRAY[0.5, 0.95, 0.99, 1.0]) WITHIN GROUP (
            ORDER BY extract(epoch FROM sent_at - CAST(:start AS timestamptz))) AS times
        FROM delivery WHERE month = :month AND alert_id = :alert AND sent_at IS NOT NULL
    ), left_by AS (
        SELECT count(*) FILTER (WHERE kind = 'unsubscribed') AS unsubscribed,
               count(*) FILTER (WHERE kind = 'complained') AS complained
        FROM event WHERE month = :month AND alert_id = :alert AND kind IN ('unsubscribed', 'complained')
    ), total AS (
        SELECT {", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in COUNTED)}
        FROM rollup_cell WHERE alert_id = :alert
    )
    INSERT INTO rollup_alert (alert_id, council_id, topic_id, started_at, {NAMES}, unsubscribed, complained,
                              time_to_50, time_to_95, time_to_99, time_to_100, counted_at, took, is_final)
    SELECT a.id, a.council_id, a.topic_id, :start, total.*, unsubscribed, complained,
           {_TIMES}[1], {_TIMES}[2], {_TIMES}[3], {_TIMES}[4], :now, :took, :is_over AND total.waiting = 0
    FROM alert a, left_by, total WHERE a.id = :alert
"""
TABLES = ("rollup_cell", "rollup_curve", "rollup_hour", "rollup_alert")
