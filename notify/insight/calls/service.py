"""Calls to the council: imported from files and compared with alerts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.core.clock import LONDON
from notify.core.errors import NotFound
from notify.insight.calls.csv_file import Calls, Row
from notify.insight.performance_models import CallCategory
from notify.staff.service import audit
from notify.subscribers.models import Topic

MOST_REFUSALS = 1000
HOURS_BEFORE, HOURS_AFTER = 24, 48
USUAL_WEEKS = 4
_FILE = """
    unnest(CAST(:categories AS text[]), CAST(:moments AS timestamptz[]), CAST(:whole AS boolean[]),
           CAST(:days AS date[]), CAST(:calls AS integer[])) AS f (category, starts_at, is_whole_day, day, calls)
"""
# a day that was known in hours and now comes as a whole, or the other way round, must not count twice
OTHERWISE_KNOWN = f"""
    DELETE FROM call_volume v
    USING (SELECT DISTINCT f.category, f.day, f.is_whole_day FROM {_FILE}) new
    WHERE v.council_id = :council AND v.category = new.category AND v.day = new.day
      AND v.is_whole_day <> new.is_whole_day
"""
KEEP = f"""
    INSERT INTO call_volume (council_id, category, starts_at, is_whole_day, day, calls)
    SELECT :council, f.category, f.starts_at, f.is_whole_day, f.day, f.calls FROM {_FILE}
    ON CONFLICT (council_id, category, starts_at, is_whole_day) DO UPDATE SET calls = excluded.calls
    RETURNING old.calls IS NULL AS is_new
"""
NAME = """
    INSERT INTO call_category (council_id, category)
    SELECT DISTINCT :council, category FROM unnest(CAST(:categories AS text[])) AS f (category)
    ON CONFLICT DO NOTHING
"""
CATEGORIES = """
    SELECT v.category, c.topic_id, t.name AS topic, sum(v.calls) AS calls, min(v.day) AS first, max(v.day) AS last
    FROM call_volume v
    LEFT JOIN call_category c ON c.council_id = v.council_id AND c.category = v.category
    LEFT JOIN topic t ON t.id = c.topic_id
    WHERE v.council_id = :council GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1 LIMIT 200
"""
BY_MONTH = """
    SELECT to_char(day, 'YYYY-MM') AS month, category, sum(calls) AS calls FROM call_volume
    WHERE council_id = :council AND day BETWEEN :since AND :until GROUP BY 1, 2 ORDER BY 1, 2
"""


class NoSuchCategory(NotFound):
    """No file had calls of this category, or the topic is not this council's."""

    title = "There is no such category or topic"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not kept, and why."""

    row: int
    reason: str


@dataclass(slots=True)
class CallReport:
    """What became of a file. `replaced` hours were known before and now say what the file says."""

    rows: int = 0
    added: int = 0
    replaced: int = 0
    refused: int = 0
    problems: list[Refused] = field(default_factory=list)

    def refuse(self, row: Row) -> None:
        """Count a row that was not kept; only the first thousand are told."""
        self.refused += 1
        if len(self.problems) < MOST_REFUSALS:
            self.problems.append(Refused(row.number, row.reason))


@dataclass(frozen=True, slots=True)
class Category:
    """A category of calls, the topic it is about, if someone said so, and what is known of it."""

    name: str
    topic_id: UUID | None
    topic: str | None
    calls: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Hour:
    """Calls in one hour, and as many as usual at that hour of the week; None: not known."""

    at: datetime
    calls: int | None
    usual: float | None

    @property
    def said(self) -> str:
        """The hour on the UK clock, as `Tue 09h`."""
        return self.at.astimezone(LONDON).strftime("%a %Hh")


@dataclass(frozen=True, slots=True)
class Around:
    """The calls around an alert. `categories` are those about its topic; empty: nobody said which are, so all count."""

    began: datetime
    categories: Sequence[str]
    hours: Sequence[Hour]

    def after(self, hours: int = 24) -> tuple[int, int, float] | None:
        """Of the first hours from the alert's own: of how many all is known, their calls, and as many as usual."""
        known = [(one.calls, one.usual) for one in self.hours[HOURS_BEFORE : HOURS_BEFORE + hours]]
        both = [(calls, usual) for calls, usual in known if calls is not None and usual is not None]
        return (len(both), sum(calls for calls, _ in both), sum(usual for _, usual in both)) if both else None


def import_calls(session: Session, *, council_id: UUID, actor: str, rows: Iterable[Row]) -> CallReport:
    """Keep every row of a file that can be read; what was known of the same hours or days is replaced."""
    report, kept = CallReport(), []
    for row in rows:
        report.rows += 1
        if row.calls is None:
            report.refuse(row)
        else:
            kept.append(row.calls)
    if kept:
        _keep(session, council_id, kept, report)
    counts = {"rows": report.rows, "added": report.added, "replaced": report.replaced, "refused": report.refused}
    audit(session, council_id=council_id, actor=actor, action="calls.import", subject="calls", **counts)
    return report


def _keep(session: Session, council_id: UUID, kept: Sequence[Calls], report: CallReport) -> None:
    values = {
        "council": council_id,
        "categories": [one.category for one in kept],
        "moments": [one.starts_at for one in kept],
        "whole": [one.is_whole_day for one in kept],
        "days": [one.day for one in kept],
        "calls": [one.calls for one in kept],
    }
    session.execute(text(OTHERWISE_KNOWN), values)
    for row in session.execute(text(KEEP), values):
        report.added += row.is_new
        report.replaced += not row.is_new
    session.execute(text(NAME), values)


def categories(session: Session, council_id: UUID) -> Sequence[Category]:
    """Every category that calls were counted by, the largest first."""
    rows = session.execute(text(CATEGORIES), {"council": council_id})
    return [Category(row.category, row.topic_id, row.topic, int(row.calls), row.first, row.last) for row in rows]


def say_topic(session: Session, *, council_id: UUID, actor: str, category: str, topic_id: UUID | None) -> None:
    """Say which topic a category of calls is about; None: no topic. Raises: NoSuchCategory."""
    known = session.get(CallCategory, (council_id, category))
    topic = session.get(Topic, topic_id) if topic_id else None
    if known is None or (topic_id and (topic is None or topic.council_id != council_id)):
        raise NoSuchCategory("Import a file with calls of this category first, and choose one of your topics.")
    if known.topic_id == topic_id:
        return
    known.topic_id = topic_id
    slug = topic.slug if topic else None
    audit(session, council_id=council_id, actor=actor, action="calls.topic", subject=category, topic=slug)


def by_month(session: Session, council_id: UUID, *, since: date, until: date) -> Mapping[str, Mapping[str, int]]:
    """Calls by month and, within it, by category."""
    found: dict[str, dict[str, int]] = {}
    for row in session.execute(text(BY_MONTH), {"council": council_id, "since": since, "until": until}):
        found.setdefault(row.month, {})[row.category] = int(row.calls)
    return found


def around(session: Session, alert: Alert, began: datetime) -> Around:
    """The calls from a day before the alert began to two days after, beside those of the four weeks before."""
    about = select(CallCategory.category).where(
        CallCategory.council_id == alert.council_id, CallCategory.topic_id == alert.topic_id
    )
    names = session.exec(about.order_by(col(CallCategory.category))).all()
    values = {
        "council": alert.council_id,
        "names": list(names),
        "first": began - timedelta(hours=HOURS_BEFORE),
        "last": began + timedelta(hours=HOURS_AFTER - 1),
        "weeks": USUAL_WEEKS,
    }
    rows = session.execute(text(AROUND), values)
    usual_of = [Hour(row.at, row.calls, float(row.usual) if row.usual is not None else None) for row in rows]
    return Around(began, names, usual_of)


AROUND = """
    WITH counted AS (
        SELECT starts_at, sum(calls) AS calls FROM call_volume
        WHERE council_id = :council AND NOT is_whole_day
          AND (cardinality(CAST(:names AS text[])) = 0 OR category = ANY(:names))
          AND starts_at BETWEEN date_trunc('hour', CAST(:first AS timestamptz)) - make_interval(weeks => :weeks)
                            AND :last
        GROUP BY 1
    )
    SELECT hour AS at, (SELECT calls FROM counted WHERE starts_at = hour) AS calls,
           (SELECT avg(calls) FROM counted JOIN generate_series(1, :weeks) AS week
                ON starts_at = hour - make_interval(weeks => week)) AS usual
    FROM generate_series(date_trunc('hour', CAST(:first AS timestamptz)),
                         date_trunc('hour', CAST(:last AS timestamptz)), interval '1 hour') AS hour
    ORDER BY 1
"""
