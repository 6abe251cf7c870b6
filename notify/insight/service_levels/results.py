"""Compares each alert with the target of its day, and writes down why it missed it while that is still known."""

import json
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.core import clock
from notify.insight.models import RollupAlert
from notify.insight.performance_models import ServiceResult
from notify.insight.service_levels.causes import causes_of
from notify.insight.service_levels.objectives import DEFAULTS

# by then the figures of the target's last second are counted
GRACE = timedelta(seconds=120)
AT_ONCE = 500


def judge(session: Session) -> int:
    """Judge every alert whose time is over and whose figures are newer than the last verdict; how many."""
    values = {
        "now": clock.now(),
        "grace": GRACE,
        "most": AT_ONCE,
        "priorities": [priority.value for priority in DEFAULTS],
        "seconds": [seconds for seconds, _ in DEFAULTS.values()],
        "percents": [percent for _, percent in DEFAULTS.values()],
    }
    judged = session.execute(text(JUDGE), values).all()
    session.expire_all()
    for row in judged:
        if row.is_met:
            session.execute(text(FORGIVE), {"alert": row.alert_id})
        else:
            _explain(session, session.get_one(ServiceResult, row.alert_id))
    return len(judged)


def _explain(session: Session, result: ServiceResult) -> None:
    """Write down the causes, unless what they would be read from is gone."""
    counted = session.get_one(RollupAlert, result.alert_id)
    causes = [] if counted.detail_removed_at else causes_of(session, session.get_one(Alert, result.alert_id), result)
    session.execute(
        text(EXPLAIN), {"alert": result.alert_id, "causes": json.dumps(causes), "now": clock.now(), "new": bool(causes)}
    )


# Those whom an emergency is sent to by another way later were reached late on purpose: the first ways are judged.
JUDGE = """
    WITH candidate AS (
        SELECT r.alert_id, r.council_id, a.priority, r.started_at, r.detail_removed_at, a.ledger_month,
               coalesce(t.seconds, d.seconds) AS seconds, CAST(coalesce(t.percent, d.percent) AS numeric) AS percent,
               CASE WHEN a.escalated_at IS NULL THEN '{}'
                    ELSE ARRAY(SELECT jsonb_array_elements_text(a.escalation -> 'channels')) END AS later
        FROM rollup_alert r
        JOIN alert a ON a.id = r.alert_id
        JOIN unnest(CAST(:priorities AS text[]), CAST(:seconds AS integer[]), CAST(:percents AS float[]))
             AS d (priority, seconds, percent) ON d.priority = a.priority
        LEFT JOIN LATERAL (
            SELECT s.seconds, s.percent FROM service_level_objective s
            WHERE s.council_id = r.council_id AND s.priority = a.priority AND s.valid_from <= r.started_at
            ORDER BY s.valid_from DESC LIMIT 1
        ) t ON true
        LEFT JOIN service_result j ON j.alert_id = r.alert_id
        WHERE NOT a.is_test AND NOT a.is_training AND a.parts IS NULL AND r.recipients > 0
          AND r.started_at + make_interval(secs => coalesce(t.seconds, d.seconds)) + :grace <= :now
          AND (j.judged_at IS NULL OR j.judged_at < r.counted_at)
        ORDER BY r.counted_at LIMIT :most
    ), owed AS (
        SELECT k.alert_id, sum(c.recipients - c.suppressed - c.cancelled) AS due
        FROM candidate k JOIN rollup_cell c ON c.alert_id = k.alert_id AND NOT c.channel = ANY(k.later) GROUP BY 1
    ), step AS (
        SELECT k.alert_id, c.second, sum(c.sent) AS sent
        FROM candidate k JOIN rollup_curve c ON c.alert_id = k.alert_id AND NOT c.channel = ANY(k.later) GROUP BY 1, 2
    ), run AS (
        SELECT alert_id, second, sum(sent) OVER (PARTITION BY alert_id ORDER BY second) AS so_far FROM step
    ), reached AS (
        SELECT k.alert_id, max(run.so_far) FILTER (WHERE run.second <= k.seconds) AS in_time,
               min(run.second) FILTER (WHERE run.so_far >= k.percent * owed.due / 100) AS took
        FROM candidate k JOIN owed ON owed.alert_id = k.alert_id JOIN run ON run.alert_id = k.alert_id GROUP BY 1
    ), fared AS (
        SELECT k.*, coalesce(owed.due, 0) AS due, coalesce(reached.in_time, 0) AS in_time, reached.took,
               CASE WHEN k.detail_removed_at IS NULL THEN nullif((
                   SELECT count(DISTINCT subscriber_id) FROM delivery
                   WHERE month = k.ledger_month AND alert_id = k.alert_id AND sent_at IS NOT NULL
               ), 0) END AS people
        FROM candidate k
        LEFT JOIN owed ON owed.alert_id = k.alert_id LEFT JOIN reached ON reached.alert_id = k.alert_id
    )
    INSERT INTO service_result (alert_id, council_id, priority, started_at, target_seconds, target_percent, due,
                                in_time, took_seconds, people, is_met, judged_at)
    SELECT alert_id, council_id, priority, started_at, seconds, percent, due, in_time, took, people,
           in_time >= percent * due / 100, :now
    FROM fared
    ON CONFLICT (alert_id) DO UPDATE
        SET due = excluded.due, in_time = excluded.in_time, took_seconds = excluded.took_seconds,
            people = coalesce(excluded.people, service_result.people), is_met = excluded.is_met,
            judged_at = excluded.judged_at
    RETURNING alert_id, is_met
"""
# a figure that came late can only fix; what someone said about it stays
FORGIVE = "DELETE FROM service_breach WHERE alert_id = :alert AND note = ''"
EXPLAIN = """
    INSERT INTO service_breach (alert_id, causes, found_at, note) VALUES (:alert, CAST(:causes AS jsonb), :now, '')
    ON CONFLICT (alert_id) DO UPDATE SET causes = CASE WHEN :new THEN excluded.causes ELSE service_breach.causes END
"""
