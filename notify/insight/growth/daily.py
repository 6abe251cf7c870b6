"""Subscribers who joined and left each day, counted from the consent ledger.

Someone follows a topic on a day if they do at its end. Whoever has not confirmed yet counts from the day on which they
signed up once they have, and whoever never did is in no figure.
"""

import time
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.core.db import transaction
from notify.insight.models import RollupRound
from notify.subscribers.consent.ledger import NEVER_CONFIRMED

ROUND = "growth"
SPARE = 10  # counting takes at most one part in so many of the time
AT_LEAST_EVERY = timedelta(hours=1)  # people move house without a word of consent
# a line without a channel ends them all. `after` is by how many channels someone follows something after a line.
COUNT_GROWTH = """
    WITH line AS (
        SELECT c.id, c.at, c.subscriber_id, t.council_id, t.slug AS topic, c.channel, c.action = 'given' AS given,
               c.source
        FROM consent c JOIN topic t ON t.id = c.topic_id
        WHERE c.action IN ('given', 'withdrawn')
          AND NOT EXISTS (SELECT FROM consent n WHERE n.subscriber_id = c.subscriber_id AND n.source = :never)
          AND NOT EXISTS (SELECT FROM subscriber s WHERE s.id = c.subscriber_id AND NOT EXISTS (
              SELECT FROM contact k WHERE k.subscriber_id = s.id AND k.confirmed_at IS NOT NULL))
    ), way AS (
        SELECT DISTINCT subscriber_id, topic, council_id, channel FROM line WHERE channel IS NOT NULL
    ), step AS (
        SELECT l.id, l.at, l.subscriber_id, l.council_id, l.topic, l.source, w.channel,
               l.given::integer - coalesce(lag(l.given::integer) OVER (
                   PARTITION BY l.subscriber_id, l.council_id, l.topic, w.channel ORDER BY l.at, l.id), 0) AS change
        FROM line l JOIN way w USING (subscriber_id, council_id, topic)
        WHERE l.channel = w.channel OR l.channel IS NULL
    ), running AS (
        SELECT subscriber_id, council_id, topic, at, id, channel, source, change,
               sum(change) OVER (PARTITION BY subscriber_id, council_id, topic ORDER BY at, id, channel) AS after
        FROM step WHERE change <> 0
        UNION ALL
        SELECT subscriber_id, council_id, '', at, id, channel, source, change,
               sum(change) OVER (PARTITION BY subscriber_id, council_id ORDER BY at, id, channel)
        FROM step WHERE change <> 0
    ), at_night AS (
        SELECT subscriber_id, council_id, topic, (at AT TIME ZONE 'Europe/London')::date AS day,
               (array_agg(after ORDER BY at DESC, id DESC, channel DESC))[1] > 0 AS follows,
               (array_agg(source ORDER BY at, id) FILTER (WHERE change > 0))[1] AS came_by,
               (array_agg(source ORDER BY at DESC, id DESC) FILTER (WHERE change < 0))[1] AS went_by
        FROM running GROUP BY 1, 2, 3, 4
    ), move AS (
        SELECT council_id, topic, day, follows, coalesce(CASE WHEN follows THEN came_by ELSE went_by END, '') AS source,
               follows IS DISTINCT FROM coalesce(lag(follows) OVER (
                   PARTITION BY subscriber_id, council_id, topic ORDER BY day), false) AS is_change
        FROM at_night
    )
    INSERT INTO rollup_growth (council_id, topic, day, source, came, went)
    SELECT council_id, topic, day, source, count(*) FILTER (WHERE follows), count(*) FILTER (WHERE NOT follows)
    FROM move WHERE is_change GROUP BY 1, 2, 3, 4
"""
COUNT_REACH = """
    WITH following AS (
        SELECT u.council_id, t.slug AS topic, u.subscriber_id
        FROM subscription u JOIN topic t ON t.id = u.topic_id
        WHERE u.ended_at IS NULL
          AND EXISTS (SELECT FROM contact k WHERE k.subscriber_id = u.subscriber_id AND k.confirmed_at IS NOT NULL)
    ), each AS (
        SELECT council_id, topic, subscriber_id FROM following
        UNION ALL
        SELECT DISTINCT council_id, '', subscriber_id FROM following
    )
    INSERT INTO rollup_reach (council_id, topic, ward_code, language, people)
    SELECT e.council_id, e.topic, coalesce(p.ward_code, ''), s.language, count(*)
    FROM each e JOIN subscriber s ON s.id = e.subscriber_id
    LEFT JOIN place p ON p.subscriber_id = e.subscriber_id AND p.position = 0
    GROUP BY 1, 2, 3, 4
"""


def keep_up() -> bool:
    """Count where there is news and it is time; whether anything was counted. In a transaction of its own."""
    with transaction() as session:
        newest = session.execute(text("SELECT coalesce(max(id), 0) FROM consent")).scalar_one()
        last = session.get(RollupRound, ROUND)
        if last is not None:
            passed = clock.now() - last.counted_at
            if passed < AT_LEAST_EVERY and (newest == last.consent_id or passed < SPARE * last.took):
                return False
        count(session)
    return True


def count(session: Session) -> None:
    """Bring the figures of all councils up to date now."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('notify.growth'))"))
    newest = session.execute(text("SELECT coalesce(max(id), 0) FROM consent")).scalar_one()
    started = time.monotonic()
    session.execute(text("SET LOCAL work_mem = '64MB'"))
    for statement in ("DELETE FROM rollup_growth", COUNT_GROWTH, "DELETE FROM rollup_reach", COUNT_REACH):
        session.execute(text(statement), {"never": NEVER_CONFIRMED} if statement == COUNT_GROWTH else {})
    took = timedelta(seconds=time.monotonic() - started)
    session.merge(RollupRound(name=ROUND, consent_id=newest, counted_at=clock.now(), took=took))
    session.flush()


def subscribers(session: Session, council_id: UUID, *, topic: str = "", at: date | None = None) -> int:
    """How many people follow this topic, or anything of the council, at the end of a day; None: now."""
    found = session.execute(
        text("""
            SELECT coalesce(sum(came - went), 0) FROM rollup_growth
            WHERE council_id = :council AND topic = :topic AND (CAST(:at AS date) IS NULL OR day <= :at)
        """),
        {"council": council_id, "topic": topic, "at": at},
    ).scalar_one()
    return int(found)
