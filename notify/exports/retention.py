"""Deletes details of recipients after the retention period; totals stay, and each deletion is recorded.

An alert's detail goes when nothing happened to it, or to what follows it, for so many days and its figures are final.
First its figures are counted for the last time and closed, in one transaction; then its rows go, some thousands at a
time; a month in which nothing is left is dropped as a whole. Whatever stops in between goes on at the next round.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.db import engine, transaction
from notify.core.settings import settings
from notify.exports.models import RetentionRun
from notify.insight.rollups import count_alert
from notify.subscribers import erasure

log = logging.getLogger(__name__)

AT_ONCE = 5_000  # rows that one statement removes: nobody waits for it
MOST_PEOPLE = 500  # of closed councils that one round erases
MOST_ALERTS = 500  # that one round begins with
PATIENCE = "2s"  # so long a partition is waited for; the next round tries again
LEDGERS = ("delivery", "event", "hit", "reader")
# what is kept a row a person, and how its rows are distinguished
DETAIL: Mapping[str, str] = {
    "delivery": "month, alert_id, number",
    "event": "month, id",
    "hit": "month, id",
    "reader": "month, alert_id, number, kind",
    "reply": "alert_id, subscriber_id",
    "call_attempt": "id",
    "digest_item": "alert_id, contact_id",
    "batch": "id",
}
KEY_DAYS = 2


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a round would remove now: alerts, their rows by table, months that would be dropped, and keys.

    `held_back` are alerts old enough whose figures are not final yet.
    """

    days: int
    alerts: int = 0
    held_back: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    months: Sequence[date] = ()
    keys: int = 0


def outlook(session: Session) -> Outlook:
    """What the next round would remove, without removing anything."""
    values = _values()
    alerts = list(session.execute(text(f"{OLD} AND {IS_FINAL}"), values).scalars())
    ids = {"ids": [*alerts, *session.execute(text(DUE)).scalars()]}
    rows = {
        table: int(session.execute(text(f"SELECT count(*) FROM {table} t WHERE {_of(table)}"), ids).scalar_one())
        for table in DETAIL
    }
    return Outlook(
        days=settings().retention_days,
        alerts=len(alerts),
        held_back=_held_back(session),
        rows={table: count for table, count in rows.items() if count},
        months=_months_to_drop(session, also=alerts),
        keys=int(session.execute(text(f"SELECT count(*) FROM visitor_key WHERE {OLD_KEY}"), values).scalar_one()),
    )


def runs(session: Session, *, limit: int = 50) -> Sequence[RetentionRun]:
    """The last rounds that removed something or could not, the newest first."""
    return session.exec(select(RetentionRun).order_by(col(RetentionRun.started_at).desc()).limit(limit)).all()


def run() -> RetentionRun | None:
    """One round, in transactions of its own; what it removed, written down too, or None where there was nothing.

    Several at a time do no harm: one works, the others find nothing.
    """
    with engine().connect() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(hashtext('notify.retention'))")).scalar_one():
            return None
        try:
            return _round(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(hashtext('notify.retention'))"))
            connection.commit()


def _round(connection: Connection) -> RetentionRun | None:
    connection.commit()
    done = RetentionRun(days=settings().retention_days)
    try:
        done.keys = _destroy_keys()
        done.alerts = _close_alerts()
        _erase_of_closed()
        done.removed = _remove_rows()
        done.partitions = _drop_months()
    except Exception as error:
        done.problem = f"It stopped with {type(error).__name__} and goes on at the next round."
        log.exception("retention stopped")
    with transaction() as session:
        done.held_back = _held_back(session)
        done.finished_at = clock.now()
        if not (done.alerts or any(done.removed.values()) or done.partitions or done.keys or done.problem):
            return None
        session.add(done)
    return done


def _destroy_keys() -> int:
    """Without its key no pseudonym can be made again, nor can one be told to be anyone's."""
    with transaction() as session:
        found = session.execute(text(f"DELETE FROM visitor_key WHERE {OLD_KEY} RETURNING 1"), _values()).all()
        return len(found)


def _erase_of_closed() -> None:
    """Erase residents of councils that closed longer ago than the detail of alerts is kept."""
    with transaction() as session:
        found = session.execute(text(OF_CLOSED), {"now": clock.now(), "days": settings().retention_days})
        people = list(found.scalars())
    for subscriber_id in people:
        with transaction() as session:
            erasure.erase(session, subscriber_id=subscriber_id, actor="retention")


def _close_alerts() -> int:
    """Count for the last time what is old enough, and close it: from here on the figures are all there is."""
    with transaction() as session:
        alerts = list(session.execute(text(f"{OLD} ORDER BY a.id LIMIT {MOST_ALERTS}"), _values()).scalars())
    return sum(_close(alert_id) for alert_id in alerts)


def _close(alert_id: UUID) -> bool:
    """Whether it was closed: not if the last count shows that something still waits or happens."""
    with transaction() as session:
        # whoever follows it up holds this row; nothing new begins from a ledger that is about to go
        session.execute(text("SELECT 1 FROM alert WHERE id = :alert FOR UPDATE"), {"alert": alert_id})
        count_alert(session, alert_id)
        values = _values() | {"alert": alert_id}
        if not session.execute(text(f"{OLD} AND {IS_FINAL} AND a.id = :alert"), values).first():
            return False
        for statement in (KEEP_REPLIES, CLOSE_FIGURES, CLOSE_ALERT, FORGET_NEWS, NOTE_DUE):
            session.execute(text(statement), {"alert": alert_id})
    return True


def _remove_rows() -> dict[str, int]:
    with transaction() as session:
        ids = list(session.execute(text(DUE)).scalars())
    if not ids:
        return {}
    removed = {table: count for table in DETAIL if (count := _remove(table, ids))}
    with transaction() as session:
        session.execute(text("DELETE FROM retention_due WHERE alert_id = ANY(:ids)"), {"ids": ids})
    return removed


def _remove(table: str, ids: Sequence[UUID]) -> int:
    """Remove the rows of closed alerts, a short transaction at a time; how many."""
    key, removed = DETAIL[table], 0
    # of hits there is no index by alert: they are looked through once
    most = None if table == "hit" else AT_ONCE
    statement = text(f"""
        WITH old AS (SELECT {key} FROM {table} t WHERE {_of(table)} LIMIT :most),
             gone AS (DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM old) RETURNING 1)
        SELECT count(*) FROM gone
    """)
    while True:
        with transaction() as session:
            count = int(session.execute(statement, {"ids": list(ids), "most": most}).scalar_one())
        removed += count
        if most is None or count < most:
            return removed


def _of(table: str) -> str:
    """Rows `t` of the alerts `:ids`; of partitioned tables only those months are looked at that they are in."""
    in_months = " AND t.month = ANY(ARRAY(SELECT DISTINCT a.ledger_month FROM alert a WHERE a.id = ANY(:ids)))"
    return "t.alert_id = ANY(:ids)" + (in_months if table in LEDGERS else "")


def _months_to_drop(session: Session, *, also: Sequence[UUID] = ()) -> Sequence[date]:
    """The months that have a partition and no alert whose detail is still needed."""
    return list(session.execute(text(MONTHS), _values() | {"also": list(also)}).scalars())


def _drop_months() -> list[str]:
    """Drop what is left of months that are over; without a lock that anyone would wait for."""
    with transaction() as session:
        months = _months_to_drop(session)
    dropped = []
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = '{PATIENCE}'"))
        try:
            for month in months:
                dropped += [part for ledger in LEDGERS if (part := _drop(connection, ledger, month))]
        finally:
            connection.execute(text("RESET lock_timeout"))
    return dropped


def _drop(connection: Connection, ledger: str, month: date) -> str:
    """The name of the partition that was dropped; empty when someone holds it, or there is none."""
    part = f"{ledger}_{month:%Y%m}"
    try:
        state = connection.execute(text(ATTACHED), {"part": part}).first()
        if state is not None:
            # what was begun and given up after the patience is finished; otherwise writers are not held up
            way = "FINALIZE" if state.inhdetachpending else "CONCURRENTLY"
            connection.execute(text(f"ALTER TABLE {ledger} DETACH PARTITION {part} {way}"))
        elif connection.execute(text("SELECT to_regclass(:part)"), {"part": part}).scalar() is None:
            return ""
        connection.execute(text(f"DROP TABLE {part}"))
    except OperationalError:  # the lock was not to be had: the next round tries again
        log.info("partition is in use", extra={"partition": part})
        return ""
    return part


def _held_back(session: Session) -> int:
    statement = f"SELECT count(*) FROM ({OLD} AND NOT ({IS_FINAL})) x"
    return int(session.execute(text(statement), _values()).scalar_one())


def _values() -> dict[str, object]:
    now = clock.now()
    days = settings().retention_days  # of councils that have chosen nothing
    return {
        "now": now,
        "days": days,
        "before": now - timedelta(days=days),
        "today": now.date(),
        "key_days": KEY_DAYS,
    }


OF_CLOSED = f"""
    SELECT p.id FROM council c JOIN subscriber p ON p.council_id = c.id
    LEFT JOIN council_settings s ON s.council_id = c.id
    WHERE c.closed_at < CAST(:now AS timestamptz) - make_interval(days => coalesce(s.retention_days, :days))
      AND EXISTS (SELECT FROM contact k WHERE k.subscriber_id = p.id)
    ORDER BY p.id LIMIT {MOST_PEOPLE}
"""
OLD_KEY = "day <= CAST(:today AS date) - CAST(:key_days AS integer)"
# the alert it all began with, and everything that follows it, goes together or not at all: updates go to whoever got
# the first one. What waits for a digest waits for it.
OLD = """
    SELECT a.id FROM alert a LEFT JOIN rollup_alert r ON r.alert_id = a.id
    CROSS JOIN LATERAL (
        SELECT CAST(:now AS timestamptz) - make_interval(days => coalesce(
            (SELECT s.retention_days FROM council_settings s WHERE s.council_id = a.council_id), :days)) AS before
    ) k
    WHERE a.ledger_month IS NOT NULL AND a.detail_removed_at IS NULL AND a.changed_at < k.before
      AND NOT EXISTS (
          WITH RECURSIVE up AS (
              SELECT u.id, u.follows_id FROM alert u WHERE u.id = a.id
              UNION SELECT u.id, u.follows_id FROM alert u JOIN up ON u.id = up.follows_id
          ), family AS (
              SELECT id FROM up
              UNION SELECT f.id FROM alert f JOIN family ON f.follows_id = family.id
          )
          SELECT FROM family JOIN alert f USING (id)
          WHERE f.detail_removed_at IS NULL AND (
              greatest(f.changed_at, f.expanded_at, f.finished_at, f.send_at) >= k.before
              OR f.state IN ('submitted', 'approved', 'scheduled', 'sending'))
      )
      AND NOT EXISTS (
          SELECT FROM digest_item i
          WHERE i.alert_id = a.id AND i.digest_id IS NULL AND i.due_at >= k.before AND i.due_at < 'infinity')
"""
# as the last count found it: nothing waits, and nothing comes any more
IS_FINAL = "coalesce(r.waiting = 0, false) AND (a.finished_at IS NOT NULL OR a.state = 'cancelled')"
CLOSE_FIGURES = "UPDATE rollup_alert SET detail_removed_at = business_now(), is_final = true WHERE alert_id = :alert"
CLOSE_ALERT = "UPDATE alert SET detail_removed_at = business_now(), changed_at = business_now() WHERE id = :alert"
KEEP_REPLIES = """
    INSERT INTO rollup_reply (alert_id, ward_code, asked, safe, help)
    SELECT :alert, coalesce(ward_code, ''), count(*), count(*) FILTER (WHERE answer = 'safe'),
           count(*) FILTER (WHERE answer = 'help')
    FROM (
        SELECT DISTINCT ON (d.subscriber_id) d.ward_code, r.answer
        FROM alert a JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id
        LEFT JOIN reply r ON r.alert_id = d.alert_id AND r.subscriber_id = d.subscriber_id
        WHERE a.id = :alert AND a.asks_reply AND coalesce(d.update_group, 'new') = 'new'
        ORDER BY d.subscriber_id, d.number
    ) person GROUP BY 2
    ON CONFLICT DO NOTHING
"""
FORGET_NEWS = "DELETE FROM rollup_due WHERE alert_id = :alert"
NOTE_DUE = "INSERT INTO retention_due (alert_id) VALUES (:alert)"
DUE = "SELECT alert_id FROM retention_due"
MONTHS = """
    SELECT to_date(substr(c.relname, 10), 'YYYYMM') AS month
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'delivery'::regclass AND c.relname ~ '^delivery_[0-9]{6}$'
      -- whatever began in its last minute is long known
      AND to_date(substr(c.relname, 10), 'YYYYMM') + interval '1 month' <= CAST(:before AS timestamptz)
      AND NOT EXISTS (
          SELECT FROM alert a WHERE a.ledger_month = to_date(substr(c.relname, 10), 'YYYYMM')
            AND a.detail_removed_at IS NULL AND NOT a.id = ANY(:also))
    ORDER BY 1
"""
ATTACHED = "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass(:part)"
