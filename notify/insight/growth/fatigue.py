"""How much people get: how many got how many alerts in a week, and in four; and after how many they leave.

A week begins on Monday. What is over is counted once more and then stays, because the ledger it was counted from goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.core.db import transaction
from notify.insight.models import RollupRound
from notify.insight.period import today

ROUND = "fatigue"
EVERY = timedelta(hours=1)
MOST = 10  # stands for so many or more
WEEK, FOUR_WEEKS = 7, 28
WEEKS_BACK = 53
IS_GONE = """
    SELECT EXISTS (SELECT FROM rollup_alert WHERE detail_removed_at IS NOT NULL
                   AND started_at >= CAST(:first AS date) AND started_at < CAST(:end AS date))
"""
COUNT = """
    WITH span AS (
        SELECT CAST(:first AS date)::timestamp AT TIME ZONE 'Europe/London' AS since,
               CAST(:end AS date)::timestamp AT TIME ZONE 'Europe/London' AS until
    ), sent AS (
        SELECT a.council_id, d.subscriber_id, d.alert_id, d.sent_at
        FROM span, delivery d JOIN alert a ON a.id = d.alert_id AND NOT a.is_test
        WHERE d.month >= :month AND d.month < :end AND d.sent_at >= span.since - interval '7 days'
          AND d.sent_at < span.until
    ), had AS (
        SELECT s.council_id, s.subscriber_id, least(count(DISTINCT s.alert_id), :most) AS alerts
        FROM sent s, span WHERE s.sent_at >= span.since GROUP BY 1, 2
    ), leaving AS (
        SELECT DISTINCT ON (a.council_id, d.subscriber_id) a.council_id, d.subscriber_id, e.at
        FROM span, event e JOIN alert a ON a.id = e.alert_id AND NOT a.is_test
        JOIN delivery d ON d.month = e.month AND d.alert_id = e.alert_id AND d.number = e.number
        WHERE e.month >= :month AND e.month < :end AND e.kind IN ('unsubscribed', 'complained') AND e.at >= span.since
          AND e.at < span.until
        ORDER BY a.council_id, d.subscriber_id, e.at
    ), left_after AS (
        SELECT l.council_id, l.subscriber_id, least(count(DISTINCT s.alert_id), :most) AS alerts
        FROM leaving l LEFT JOIN sent s ON s.council_id = l.council_id AND s.subscriber_id = l.subscriber_id
             AND s.sent_at <= l.at AND s.sent_at > l.at - interval '7 days'
        GROUP BY 1, 2
    ), each AS (
        SELECT council_id, alerts, 1 AS people, 0 AS went FROM had
        UNION ALL
        SELECT council_id, alerts, 0, 1 FROM left_after
    )
    INSERT INTO rollup_fatigue (council_id, days, first, alerts, people, went)
    SELECT council_id, :days, :first, alerts, sum(people), sum(went) FROM each GROUP BY council_id, alerts
"""


def keep_up() -> bool:
    """Count once an hour; whether it was time. In a transaction of its own."""
    with transaction() as session:
        last = session.get(RollupRound, ROUND)
        if last is not None and clock.now() - last.counted_at < EVERY:
            return False
        count(session)
    return True


def count(session: Session) -> None:
    """Count the week that runs and those before it that are not counted to their end."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('notify.fatigue'))"))
    monday = monday_of(today())
    for weeks_ago in range(WEEKS_BACK):
        first = monday - timedelta(weeks=weeks_ago)
        if session.get(RollupRound, f"{ROUND} {first}"):
            break
        for days in (WEEK, FOUR_WEEKS):
            _count_span(session, first + timedelta(days=WEEK - days), days)
        if weeks_ago:
            _note(session, f"{ROUND} {first}")
    _note(session, ROUND)


def _count_span(session: Session, first: date, days: int) -> None:
    """What was removed from the ledger cannot be counted any more: the figures stay as they are."""
    values = {"days": days, "first": first, "end": first + timedelta(days=days)}
    if session.execute(text(IS_GONE), values).scalar_one():
        return
    session.execute(text("DELETE FROM rollup_fatigue WHERE days = :days AND first = :first"), values)
    session.execute(text(COUNT), values | {"most": MOST, "month": first - timedelta(days=62)})


def _note(session: Session, name: str) -> None:
    session.merge(RollupRound(name=name, consent_id=0, counted_at=clock.now(), took=timedelta()))
    session.flush()


def monday_of(day: date) -> date:
    """The Monday of its week."""
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True, slots=True)
class Load:
    """How many people got so many alerts, summed over `weeks`; `went` left after so many in seven days."""

    alerts: int
    people: int
    went: int

    @property
    def name(self) -> str:
        """In words."""
        if self.alerts == MOST:
            return f"{MOST} or more"
        return "1 alert" if self.alerts == 1 else f"{self.alerts} alerts"


def loads(session: Session, council_id: UUID, *, days: int, since: date, until: date) -> Sequence[Load]:
    """The weeks, or spans of four, that begin within these days, added up; the lightest first."""
    rows = session.execute(
        text("""
            SELECT alerts, sum(people) AS people, sum(went) AS went FROM rollup_fatigue
            WHERE council_id = :council AND days = :days AND first BETWEEN :since AND :until
            GROUP BY alerts ORDER BY alerts
        """),
        {"council": council_id, "days": days, "since": since, "until": until},
    )
    return [Load(int(row.alerts), int(row.people), int(row.went)) for row in rows]


@dataclass(frozen=True, slots=True)
class Week:
    """A week: how many people got anything, and how many of them more than the line."""

    first: date
    people: int
    over: int


def weeks(session: Session, council_id: UUID, *, more_than: int, since: date, until: date) -> Sequence[Week]:
    """Week by week, who got more than so many alerts."""
    rows = session.execute(
        text("""
            SELECT first, sum(people) AS people, coalesce(sum(people) FILTER (WHERE alerts > :line), 0) AS over
            FROM rollup_fatigue
            WHERE council_id = :council AND days = 7 AND first BETWEEN :since AND :until AND alerts > 0
            GROUP BY first ORDER BY first
        """),
        {"council": council_id, "line": more_than, "since": since, "until": until},
    )
    return [Week(row.first, int(row.people), int(row.over)) for row in rows]
