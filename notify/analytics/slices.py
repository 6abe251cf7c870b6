"""The council's figures by topic, ward, channel, language, provider, month, day or alert: read from rollups only.

Tests and exercises are left out, and so are digests: what a digest carries counts with the digest's topic alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session

LONDON = ZoneInfo("Europe/London")


class By(StrEnum):
    """What figures are broken down by."""

    TOPIC = "topic"
    WARD = "ward"
    CHANNEL = "channel"
    LANGUAGE = "language"
    PROVIDER = "provider"
    MONTH = "month"
    DAY = "day"
    ALERT = "alert"
    COUNCIL = "council"


@dataclass(frozen=True, slots=True)
class Slice:
    """One line: `key` is the topic's short name, the ward's code, a month as 2026-11, …; `name` is for people.

    `clicks_human` are estimated to be people, `opens` are those of readers who agreed and tell little. They are None
    where they cannot be told by this breakdown. `people_clicked` agreed to be counted. `cost` in thousandths of a
    penny; `unpriced` messages are not in it.
    """

    key: str
    name: str
    alerts: int
    recipients: int
    sent: int
    delivered: int
    failed: int
    unknown: int
    suppressed: int
    cancelled: int
    waiting: int
    cost: int
    unpriced: int
    unsubscribed: int | None = None
    complained: int | None = None
    clicks_human: int | None = None
    clicks_machine: int | None = None
    clicks_unknown: int | None = None
    opens: int | None = None
    people_clicked: int | None = None


_MONTH = "to_char(r.started_at AT TIME ZONE 'Europe/London', 'YYYY-MM')"
_DAY = "to_char(r.started_at AT TIME ZONE 'Europe/London', 'YYYY-MM-DD')"
# how each breakdown is called, and what it is called for people
_OF_ALERT: Mapping[By, tuple[str, str]] = {
    By.TOPIC: ("t.slug", "t.name"),
    By.MONTH: (_MONTH, _MONTH),
    By.DAY: (_DAY, _DAY),
    By.ALERT: ("a.id::text", "a.title"),
    By.COUNCIL: ("k.slug", "k.name"),
}
_OF_CELL: Mapping[By, tuple[str, str]] = {
    By.WARD: ("c.ward_code", "c.ward_code"),
    By.CHANNEL: ("c.channel", "c.channel"),
    By.LANGUAGE: ("c.language", "c.language"),
    By.PROVIDER: ("c.provider", "c.provider"),
}
_WHICH = """
    FROM rollup_alert r JOIN alert a ON a.id = r.alert_id JOIN topic t ON t.id = r.topic_id
    JOIN council k ON k.id = r.council_id
    {joined}
    WHERE r.council_id = :council AND r.started_at >= :since AND r.started_at < :until
      AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL
      AND (CAST(:topic AS uuid) IS NULL OR r.topic_id = :topic)
"""
_COUNTS = """
    coalesce(sum({of}.recipients), 0) AS recipients, coalesce(sum({of}.sent), 0) AS sent,
    coalesce(sum({of}.delivered), 0) AS delivered,
    coalesce(sum({of}.permanent_failure + {of}.temporary_failure + {of}.technical_failure), 0) AS failed,
    coalesce(sum({of}.unknown), 0) AS unknown, coalesce(sum({of}.suppressed), 0) AS suppressed,
    coalesce(sum({of}.cancelled + {of}.expired), 0) AS cancelled, coalesce(sum({of}.waiting), 0) AS waiting,
    coalesce(sum({of}.cost), 0) AS cost, coalesce(sum({of}.unpriced), 0) AS unpriced
"""
_IN_WARD = "AND (CAST(:ward AS text) IS NULL OR c.ward_code = :ward)"


def slices(
    session: Session,
    council_id: UUID,
    *,
    by: By,
    since: date,
    until: date,
    topic_id: UUID | None = None,
    ward: str | None = None,
) -> Sequence[Slice]:
    """Figures of what this council sent from `since` to `until`, both included, on the clock of this country.

    With `ward`, only what went to that ward: clicks then are those of people who agreed. Sorted by time where the
    breakdown is one, otherwise the largest first. What has no alert has no line.
    """
    values = {
        "council": council_id,
        "topic": topic_id,
        "since": _midnight(since),
        "until": _midnight(until + timedelta(days=1)),
        "ward": ward,
    }
    cells = by in _OF_CELL or ward is not None
    key, name = _OF_CELL[by] if by in _OF_CELL else _OF_ALERT[by]
    joined = f"JOIN rollup_cell c ON c.alert_id = r.alert_id {_IN_WARD}" if cells else ""
    order = "1" if by in (By.MONTH, By.DAY) else "recipients DESC, 1"
    extra = "" if cells else ", sum(r.unsubscribed) AS unsubscribed, sum(r.complained) AS complained"
    rows = session.execute(
        text(
            f"SELECT {key} AS key, {name} AS name, count(DISTINCT a.id) AS alerts, "
            f"{_COUNTS.format(of='c' if cells else 'r')}{extra} {_WHICH.format(joined=joined)} "
            f"GROUP BY 1, 2 ORDER BY {order}"
        ),
        values,
    ).mappings()
    hits = _hits(session, by, values) if by in (*_OF_ALERT, By.CHANNEL) and ward is None else None
    people = _people(session, by, values) if by != By.PROVIDER else None
    return [_slice(dict(row), hits, people) for row in rows]


def _slice(
    row: dict[str, Any], hits: Mapping[str, Mapping[str, int]] | None, people: Mapping[str, int] | None
) -> Slice:
    key = str(row["key"])
    found: dict[str, Any] = {} if hits is None else {name: hits.get(key, {}).get(name, 0) for name in HIT_NAMES}
    counts: dict[str, Any] = {name: value if isinstance(value, str) else int(value) for name, value in row.items()}
    return Slice(**counts, **found, people_clicked=None if people is None else people.get(key, 0))


HIT_NAMES = ("clicks_human", "clicks_machine", "clicks_unknown", "opens")


def _hits(session: Session, by: By, values: Mapping[str, object]) -> Mapping[str, Mapping[str, int]]:
    """Clicks by verdict, and opens that no machine made."""
    key = "h.channel" if by == By.CHANNEL else _OF_ALERT[by][0]
    rows = session.execute(
        text(f"""
            SELECT {key} AS key,
                   coalesce(sum(h.times) FILTER (WHERE h.kind = 'clicked' AND h.verdict = 'human'), 0) AS clicks_human,
                   coalesce(sum(h.times) FILTER (WHERE h.kind = 'clicked' AND h.verdict = 'machine'), 0)
                       AS clicks_machine,
                   coalesce(sum(h.times) FILTER (WHERE h.kind = 'clicked' AND h.verdict = 'unknown'), 0)
                       AS clicks_unknown,
                   coalesce(sum(h.times) FILTER (WHERE h.kind = 'opened' AND h.verdict <> 'machine'), 0) AS opens
            {_WHICH.format(joined="JOIN rollup_hit h ON h.alert_id = r.alert_id")} GROUP BY 1
        """),
        values,
    ).mappings()
    return {str(row["key"]): {name: int(row[name]) for name in HIT_NAMES} for row in rows}


def _people(session: Session, by: By, values: Mapping[str, object]) -> Mapping[str, int]:
    of_people = {By.WARD: "p.ward_code", By.LANGUAGE: "p.language", By.CHANNEL: "p.channel"}
    key = of_people[by] if by in of_people else _OF_ALERT[by][0]
    joined = """
        JOIN rollup_people p ON p.alert_id = r.alert_id AND p.kind = 'clicked'
            AND (CAST(:ward AS text) IS NULL OR p.ward_code = :ward)
    """
    rows = session.execute(
        text(f"SELECT {key} AS key, sum(p.people) AS people {_WHICH.format(joined=joined)} GROUP BY 1"), values
    )
    return {str(row.key): int(row.people) for row in rows}


def _midnight(day: date) -> datetime:
    """When this day begins in this country."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)
