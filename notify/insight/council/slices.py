"""The council's figures by topic, ward, channel, language, provider, month, day or alert: read from rollups only.

Tests and exercises are left out, and so are digests: what a digest carries counts with the digest's topic alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core.clock import midnight
from notify.insight.rollups import COUNTED
from notify.insight.tracked import IN_TRACKED_CHANNEL, IS_TRACKED

_MONTH = "to_char(r.started_at AT TIME ZONE 'Europe/London', 'YYYY-MM')"
_DAY = "to_char(r.started_at AT TIME ZONE 'Europe/London', 'YYYY-MM-DD')"
_WHICH = """
    FROM rollup_alert r JOIN alert a ON a.id = r.alert_id JOIN topic t ON t.id = r.topic_id
    JOIN council k ON k.id = r.council_id
    WHERE r.council_id = :council AND r.started_at >= :since AND r.started_at < :until
      AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL
      AND (CAST(:topic AS uuid) IS NULL OR r.topic_id = :topic)
"""
_COUNTS = """
    coalesce(sum(recipients), 0) AS recipients, coalesce(sum(sent), 0) AS sent,
    coalesce(sum(delivered), 0) AS delivered,
    coalesce(sum(permanent_failure + temporary_failure + technical_failure), 0) AS failed,
    coalesce(sum(unknown), 0) AS unknown, coalesce(sum(suppressed), 0) AS suppressed,
    coalesce(sum(cancelled + expired), 0) AS cancelled, coalesce(sum(waiting), 0) AS waiting,
    coalesce(sum(cost), 0) AS cost, coalesce(sum(unpriced), 0) AS unpriced
"""
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in COUNTED)
# each alert is called by its key once, and its cells are added up before they are: both are much less than there are
# cells, clicks and people
_CALLED = "WITH which AS MATERIALIZED (SELECT r.alert_id, {key} AS key, {name} AS name {which})"
_IN_WARD = "(CAST(:ward AS text) IS NULL OR ward_code = :ward)"
HIT_NAMES = ("clicks_human", "clicks_machine", "clicks_unknown", "opens")


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
    where they cannot be told by this breakdown. `people_clicked` agreed to be counted, and both are of the `tracked`
    messages that were sent. `cost` in thousandths of a
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
    tracked: int | None = None


# how each breakdown is called, and what it is called for people
_OF_ALERT: Mapping[By, tuple[str, str]] = {
    By.TOPIC: ("t.slug", "t.name"),
    By.MONTH: (_MONTH, _MONTH),
    By.DAY: (_DAY, _DAY),
    By.ALERT: ("a.id::text", "a.title"),
    By.COUNCIL: ("k.slug", "k.name"),
}
_OF_CELL: Mapping[By, str] = {
    By.WARD: "ward_code",
    By.CHANNEL: "channel",
    By.LANGUAGE: "language",
    By.PROVIDER: "provider",
}


def slices(
    session: Session,
    council_id: UUID,
    *,
    by: By,
    since: date,
    until: date,
    topic_id: UUID | None = None,
    ward: str | None = None,
    with_hits: bool = True,
) -> Sequence[Slice]:
    """Figures of what this council sent from `since` to `until`, both included, on the UK clock.

    With `ward`, only what went to that ward: clicks then are those of people who agreed. Without `with_hits` nobody
    looks for clicks and opens, which is faster. Sorted by time where the breakdown is one, otherwise the largest
    first. What has no alert has no line.
    """
    values = {
        "council": council_id,
        "topic": topic_id,
        "since": midnight(since),
        "until": midnight(until + timedelta(days=1)),
        "ward": ward,
    }
    order = "1" if by in (By.MONTH, By.DAY) else "recipients DESC, 1"
    rows = session.execute(text(f"{_statement(by, is_of_cells=ward is not None)} ORDER BY {order}"), values).mappings()
    tells_hits = with_hits and by in (*_OF_ALERT, By.CHANNEL) and ward is None
    hits = _hits(session, by, values) if tells_hits else None
    people = _people(session, by, values) if with_hits and by != By.PROVIDER else None
    tracked = _tracked(session, by, values) if with_hits else None
    return [_slice(dict(row), hits, people, tracked) for row in rows]


def total_of(found: Sequence[Slice]) -> Slice | None:
    """Slices of different alerts added up: months, days, topics. None where there are none."""
    if not found:
        return None
    names = [field.name for field in fields(Slice) if field.name not in ("key", "name")]
    columns = {name: [getattr(one, name) for one in found] for name in names}
    sums: dict[str, Any] = {name: None if None in column else sum(column) for name, column in columns.items()}
    return Slice(key="", name="", **sums)


def _statement(by: By, *, is_of_cells: bool) -> str:
    """The sums of this breakdown: of whole alerts, or of those cells of theirs that are asked for."""
    if by in _OF_CELL:
        key, which = _OF_CELL[by], _CALLED.format(key="NULL", name="NULL", which=_WHICH)
        return f"""
            {which}, part AS (
                SELECT {key} AS key, alert_id, {_SUMS} FROM rollup_cell
                WHERE alert_id IN (SELECT alert_id FROM which) AND {_IN_WARD} GROUP BY 1, 2
            )
            SELECT key, key AS name, count(*) AS alerts, {_COUNTS} FROM part GROUP BY 1
        """
    key, name = _OF_ALERT[by]
    which = _CALLED.format(key=key, name=name, which=_WHICH)
    if is_of_cells:
        return f"""
            {which}, part AS (
                SELECT alert_id, {_SUMS} FROM rollup_cell
                WHERE alert_id IN (SELECT alert_id FROM which) AND {_IN_WARD} GROUP BY 1
            )
            SELECT key, name, count(*) AS alerts, {_COUNTS} FROM which JOIN part USING (alert_id) GROUP BY 1, 2
        """
    return f"""
        {which}
        SELECT key, name, count(*) AS alerts, {_COUNTS},
               sum(unsubscribed) AS unsubscribed, sum(complained) AS complained
        FROM which JOIN rollup_alert USING (alert_id) GROUP BY 1, 2
    """


def _slice(
    row: dict[str, Any],
    hits: Mapping[str, Mapping[str, int]] | None,
    people: Mapping[str, int] | None,
    tracked: Mapping[str, int] | None,
) -> Slice:
    key = str(row["key"])
    found: dict[str, Any] = {} if hits is None else {name: hits.get(key, {}).get(name, 0) for name in HIT_NAMES}
    counts: dict[str, Any] = {name: value if isinstance(value, str) else int(value) for name, value in row.items()}
    found["people_clicked"] = None if people is None else people.get(key, 0)
    found["tracked"] = None if tracked is None else tracked.get(key, 0)
    return Slice(**counts, **found)


def _hits(session: Session, by: By, values: Mapping[str, object]) -> Mapping[str, Mapping[str, int]]:
    """Clicks by verdict, and opens that no machine made."""
    key, name = ("NULL", "NULL") if by == By.CHANNEL else _OF_ALERT[by]
    rows = session.execute(
        text(f"""
            {_CALLED.format(key=key, name=name, which=_WHICH)}, part AS (
                SELECT alert_id, {"channel" if by == By.CHANNEL else "NULL"} AS part,
                       sum(times) FILTER (WHERE kind = 'clicked' AND verdict = 'human') AS human,
                       sum(times) FILTER (WHERE kind = 'clicked' AND verdict = 'machine') AS machine,
                       sum(times) FILTER (WHERE kind = 'clicked' AND verdict = 'unknown') AS unknown,
                       sum(times) FILTER (WHERE kind = 'opened' AND verdict <> 'machine') AS opens
                FROM rollup_hit_total WHERE alert_id IN (SELECT alert_id FROM which) GROUP BY 1, 2
            )
            SELECT {"part" if by == By.CHANNEL else "key"} AS key,
                   coalesce(sum(human), 0) AS clicks_human, coalesce(sum(machine), 0) AS clicks_machine,
                   coalesce(sum(unknown), 0) AS clicks_unknown, coalesce(sum(opens), 0) AS opens
            FROM which JOIN part USING (alert_id) GROUP BY 1
        """),
        values,
    ).mappings()
    return {str(row["key"]): {name: int(row[name]) for name in HIT_NAMES} for row in rows}


def _tracked(session: Session, by: By, values: Mapping[str, object]) -> Mapping[str, int]:
    """How many messages were sent with a link whose clicks are counted: to people who agreed to it."""
    key, name = ("NULL", "NULL") if by in _OF_CELL else _OF_ALERT[by]
    part = _OF_CELL.get(by, "NULL")
    rows = session.execute(
        text(f"""
            {_CALLED.format(key=key, name=name, which=f"{_WHICH} AND {IS_TRACKED}")}, part AS (
                SELECT alert_id, {part} AS part, sum(agreed) AS sent FROM rollup_cell
                WHERE alert_id IN (SELECT alert_id FROM which) AND {IN_TRACKED_CHANNEL} AND {_IN_WARD} GROUP BY 1, 2
            )
            SELECT {"part" if by in _OF_CELL else "key"} AS key, sum(sent) AS sent
            FROM which JOIN part USING (alert_id) GROUP BY 1
        """),
        values,
    )
    return {str(row.key): int(row.sent) for row in rows}


def _people(session: Session, by: By, values: Mapping[str, object]) -> Mapping[str, int]:
    """People who agreed to be counted and clicked."""
    of_people = {By.WARD: "ward_code", By.LANGUAGE: "language", By.CHANNEL: "channel"}
    key, name = ("NULL", "NULL") if by in of_people else _OF_ALERT[by]
    part = of_people.get(by, "NULL")
    rows = session.execute(
        text(f"""
            {_CALLED.format(key=key, name=name, which=_WHICH)}, part AS (
                SELECT alert_id, {part} AS part, sum(people) AS people FROM rollup_people
                WHERE alert_id IN (SELECT alert_id FROM which) AND kind = 'clicked' AND {_IN_WARD} GROUP BY 1, 2
            )
            SELECT {"part" if by in of_people else "key"} AS key, sum(people) AS people
            FROM which JOIN part USING (alert_id) GROUP BY 1
        """),
        values,
    )
    return {str(row.key): int(row.people) for row in rows}
