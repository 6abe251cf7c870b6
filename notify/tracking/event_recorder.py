"""Takes clicks and opens in, thousands at a time: each once, with a verdict, and added up in the same transaction.

A repeat carries the id of the first and changes nothing. What several hits tell together (one visitor follows different
links within a second, or finds the hidden one) is looked at again for every visitor who comes in, on both sides of the
moment, so that the end is the same in whatever order they came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.providers.base import Channel
from notify.tracking.bot_detection import opinion, read_agent
from notify.tracking.models import HitKind

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came in. `number` stands in links of those who agreed; `agent` is the program's own name."""

    id: UUID
    at: datetime
    alert_id: UUID
    number: int | None
    kind: HitKind
    link: int
    agent: str
    visitor: bytes | None


def take(session: Session, hits: Sequence[Seen]) -> int:
    """Write these down; how many were new.

    Of readers who do not agree any more nobody learns who they are, and their opens do not count at all. What belongs
    to no alert, or to one whose detail was removed, is left out.
    """
    rows = _judged(session, hits)
    if not rows:
        return 0
    # two that belong together must not come in at the same moment without seeing each other
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('notify.hits'))"))
    arrays = {f"c{n}": list(column) for n, column in enumerate(zip(*rows, strict=True))}
    new: int = session.execute(text(WRITE), arrays).scalar_one()
    visitors = list({hit.visitor for hit in hits if hit.visitor})
    if new and visitors:
        moments = [hit.at for hit in hits]
        values = {"visitors": visitors, "first": min(moments), "last": max(moments)}
        if moved := session.execute(text(LOOK_AGAIN), values).all():
            readers = {f"c{n}": list(column) for n, column in enumerate(zip(*moved, strict=True))}
            session.execute(text(FORGET_READERS), readers)
    return new


def _judged(session: Session, hits: Sequence[Seen]) -> list[Row]:
    """The rows to write, with what is known of their messages."""
    values = {"alerts": [hit.alert_id for hit in hits], "numbers": [hit.number for hit in hits]}
    found = {row.n: row for row in session.execute(text(KNOWN), values)}
    rows: list[Row] = []
    for n, hit in enumerate(hits, start=1):
        known = found.get(n)
        if known is None or (hit.kind == HitKind.OPENED and known.number is None):
            continue
        agent = read_agent(hit.agent)
        is_due_to = opinion(hit.kind, hit.link, agent, hit.at, known.sent_at)
        what = (hit.kind.value, hit.link, Channel.EMAIL.value, agent.device.value, hit.visitor)
        said = (is_due_to.verdict.value, is_due_to.reason)
        rows.append((known.ledger_month, hit.id, hit.at, hit.alert_id, known.number, *what, *said))
    return rows


KNOWN = """
    SELECT g.n, a.ledger_month, CASE WHEN s.id IS NOT NULL THEN sent.number END AS number,
           coalesce(CASE WHEN s.id IS NOT NULL THEN sent.sent_at END, a.expanded_at) AS sent_at
    FROM unnest(CAST(:alerts AS uuid[]), CAST(:numbers AS integer[])) WITH ORDINALITY AS g (alert_id, number, n)
    JOIN alert a ON a.id = g.alert_id AND a.ledger_month IN (
        SELECT to_date(right(relname, 6), 'YYYYMM') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'hit'::regclass)
    -- looked up one by one: as a join, the planner takes any index of the month for as good as the right one
    LEFT JOIN LATERAL (
        SELECT number, sent_at, subscriber_id FROM delivery
        WHERE month = a.ledger_month AND alert_id = a.id AND number = g.number LIMIT 1
    ) sent ON g.number IS NOT NULL
    LEFT JOIN subscriber s ON s.id = sent.subscriber_id AND s.tracking_consent
"""
WRITE = """
    WITH fresh AS (
        INSERT INTO hit (month, id, at, alert_id, number, kind, link, channel, device, visitor, verdict, reason)
        SELECT * FROM unnest(
            CAST(:c0 AS date[]), CAST(:c1 AS uuid[]), CAST(:c2 AS timestamptz[]), CAST(:c3 AS uuid[]),
            CAST(:c4 AS integer[]), CAST(:c5 AS text[]), CAST(:c6 AS smallint[]), CAST(:c7 AS text[]),
            CAST(:c8 AS text[]), CAST(:c9 AS bytea[]), CAST(:c10 AS text[]), CAST(:c11 AS text[]))
        ON CONFLICT (month, id) DO NOTHING
        RETURNING month, at, alert_id, number, kind, link, channel, device, verdict
    ), added AS (
        INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
        SELECT alert_id, kind, verdict, channel, link, device, date_trunc('hour', at), count(*)
        FROM fresh GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (alert_id, kind, verdict, channel, link, device, hour)
        DO UPDATE SET times = rollup_hit.times + excluded.times
    ), reading AS (
        INSERT INTO reader (month, alert_id, number, kind)
        SELECT DISTINCT month, alert_id, number, kind FROM fresh
        WHERE number IS NOT NULL AND verdict <> 'machine' ORDER BY 1, 2, 3, 4
        ON CONFLICT DO NOTHING
        RETURNING month, alert_id, number, kind
    ), counted AS (
        INSERT INTO rollup_people (alert_id, kind, channel, language, ward_code, people)
        SELECT r.alert_id, r.kind, d.channel, d.language, coalesce(d.ward_code, ''), count(*)
        FROM reading r CROSS JOIN LATERAL (
            SELECT channel, language, ward_code FROM delivery
            WHERE month = r.month AND alert_id = r.alert_id AND number = r.number LIMIT 1
        ) d
        GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (alert_id, kind, channel, language, ward_code)
        DO UPDATE SET people = rollup_people.people + excluded.people
    )
    SELECT count(*) FROM fresh
"""
# The hidden link is sought once for all; another link within a second is found at the first look where there is one:
# each of a visitor's thousand clicks a second must not be compared with twenty thousand.
LOOK_AGAIN = """
    WITH hidden AS MATERIALIZED (
        SELECT DISTINCT visitor, at FROM hit
        WHERE visitor = ANY(:visitors) AND kind = 'clicked' AND link = -1
          AND at BETWEEN CAST(:first AS timestamptz) - interval '20 s'
                     AND CAST(:last AS timestamptz) + interval '20 s'
    ), moved AS (
        UPDATE hit h SET verdict = 'machine', reason = 'several links'
        WHERE h.visitor = ANY(:visitors) AND h.verdict <> 'machine'
          AND h.at BETWEEN CAST(:first AS timestamptz) - interval '10 s'
                       AND CAST(:last AS timestamptz) + interval '10 s'
          AND (EXISTS (
                   SELECT FROM hidden o
                   WHERE o.visitor = h.visitor AND o.at BETWEEN h.at - interval '10 s' AND h.at + interval '10 s')
               OR h.kind = 'clicked' AND EXISTS (
                   SELECT FROM hit o
                   WHERE o.visitor = h.visitor AND o.kind = 'clicked'
                     AND o.at BETWEEN h.at - interval '1 s' AND h.at + interval '1 s'
                     AND (o.alert_id, o.link) <> (h.alert_id, h.link)))
        RETURNING h.month, h.alert_id, h.number, h.kind, old.verdict AS was, h.channel, h.link, h.device,
                  date_trunc('hour', h.at) AS hour
    ), change AS (
        SELECT alert_id, kind, was AS verdict, channel, link, device, hour, -1 AS times FROM moved
        UNION ALL
        SELECT alert_id, kind, 'machine', channel, link, device, hour, 1 FROM moved
    ), counted AS (
        INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
        SELECT alert_id, kind, verdict, channel, link, device, hour, sum(times)
        FROM change GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (alert_id, kind, verdict, channel, link, device, hour)
        DO UPDATE SET times = rollup_hit.times + excluded.times
    )
    SELECT DISTINCT month, alert_id, number, kind FROM moved WHERE number IS NOT NULL
"""
# those of the moved who have nothing left that a person may have done
FORGET_READERS = """
    WITH gone AS (
        DELETE FROM reader r USING unnest(
            CAST(:c0 AS date[]), CAST(:c1 AS uuid[]), CAST(:c2 AS integer[]), CAST(:c3 AS text[])
        ) AS m (month, alert_id, number, kind)
        WHERE (r.month, r.alert_id, r.number, r.kind) = (m.month, m.alert_id, m.number, m.kind)
          AND NOT EXISTS (SELECT FROM hit h WHERE h.month = r.month AND h.alert_id = r.alert_id
                              AND h.number = r.number AND h.kind = r.kind AND h.verdict <> 'machine')
        RETURNING r.month, r.alert_id, r.number, r.kind
    ), change AS (
        SELECT g.alert_id, g.kind, d.channel, d.language, coalesce(d.ward_code, '') AS ward_code, count(*) AS people
        FROM gone g CROSS JOIN LATERAL (
            SELECT channel, language, ward_code FROM delivery
            WHERE month = g.month AND alert_id = g.alert_id AND number = g.number LIMIT 1
        ) d
        GROUP BY 1, 2, 3, 4, 5
    )
    UPDATE rollup_people p SET people = p.people - c.people FROM change c
    WHERE (p.alert_id, p.kind, p.channel, p.language, p.ward_code)
        = (c.alert_id, c.kind, c.channel, c.language, c.ward_code)
"""
