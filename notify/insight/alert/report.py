"""Everything that the page of an alert's figures shows, read from its rollups: never from the ledger."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.insight.models import RollupAlert
from notify.insight.tracked import TRACKED_OF_ALERT
from notify.places.queries import names_by_code
from notify.staff.budgets import PENNY

FEWEST_COMPARED = 3
HOURS_SHOWN = 48
PARTS = """
    SELECT {column} AS key, sum(recipients) AS recipients, sum(sent) AS sent, sum(delivered) AS delivered,
           sum(permanent_failure + temporary_failure + technical_failure) AS failed,
           sum(suppressed + cancelled + expired) AS held_back, sum(waiting) AS waiting, sum(cost) AS cost
    FROM rollup_cell WHERE alert_id = :alert GROUP BY 1 ORDER BY 2 DESC, 1
"""
Key = TypeVar("Key", int, str)
RATES = """
    WITH rate AS (
        SELECT r.alert_id = :alert AS is_ours, got.reached::float8 / nullif(r.recipients, 0) AS reached, r.time_to_95,
               100 * coalesce(h.human, 0)::float8 / nullif({tracked}, 0) AS clicks,
               1000 * r.unsubscribed::float8 / nullif(r.sent, 0) AS unsubscribed,
               CASE WHEN r.sent > r.unpriced THEN r.cost::float8 / :penny / nullif(got.reached, 0) END AS cost
        FROM rollup_alert r JOIN alert a ON a.id = r.alert_id JOIN topic t ON t.id = r.topic_id,
             LATERAL (SELECT r.recipients - r.permanent_failure - r.temporary_failure - r.technical_failure - r.unknown
                          - r.suppressed - r.cancelled - r.expired - r.waiting AS reached) got,
             LATERAL (SELECT sum(times) AS human FROM rollup_hit_total
                      WHERE alert_id = r.alert_id AND kind = 'clicked' AND verdict = 'human') h
        WHERE r.council_id = :council AND r.topic_id = :topic AND r.recipients > 0
          AND r.started_at BETWEEN CAST(:start AS timestamptz) - interval '1 year' AND :start
          AND (r.alert_id = :alert OR NOT (a.is_test OR a.is_training OR a.parts IS NOT NULL))
    )
    SELECT is_ours, count(*) AS alerts, {medians} FROM rate GROUP BY is_ours
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The alert's messages of one channel, language, provider or ward."""

    key: str
    name: str
    recipients: int
    sent: int
    delivered: int
    failed: int
    held_back: int
    waiting: int
    cost: int
    clicked: int  # people who agreed to be counted

    COUNTED: ClassVar[tuple[str, ...]] = ("recipients", "sent", "delivered", "failed", "held_back", "waiting", "cost")

    @property
    def unreported(self) -> int:
        """Sent, or perhaps, without a receipt."""
        return max(0, self.recipients - self.delivered - self.failed - self.held_back - self.waiting)


@dataclass(frozen=True, slots=True)
class Step:
    """How many had been sent, and delivered, so many seconds after the start."""

    second: int
    sent: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Hits:
    """Clicks and opens by who did them, as far as can be told."""

    human: int = 0
    machine: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """Whoever it was."""
        return self.human + self.machine + self.unknown


@dataclass(frozen=True, slots=True)
class Rates:
    """What alerts are compared by. None where it cannot be told: nothing sent, no link, no price.

    `reached` is the share of all messages that were sent and did not come back, `clicks` those estimated to be
    people for each 100 e-mails with a counted link, `unsubscribed` for each 1,000, `cost` pence for each that
    reached someone.
    """

    reached: float | None = None
    time_to_95: float | None = None
    clicks: float | None = None
    unsubscribed: float | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class OneAlert:
    """The figures of one alert; `median` is that of `others` alerts of its topic in the twelve months before it."""

    total: RollupAlert
    by_channel: Sequence[Part]
    by_language: Sequence[Part]
    by_provider: Sequence[Part]
    by_ward: Sequence[Part]
    curve: Sequence[Step]
    clicks: Hits
    opens: Hits
    by_link: Mapping[int, Hits]
    by_device: Mapping[str, Hits]
    by_hour: Mapping[int, Hits]
    people_clicked: int
    people_opened: int
    ours: Rates
    median: Rates
    others: int

    @property
    def failed(self) -> int:
        """Refused for good or for a while, or gone wrong with us."""
        return self.total.permanent_failure + self.total.temporary_failure + self.total.technical_failure

    @property
    def reached(self) -> int:
        """Sent, and nobody said that it did not arrive."""
        held_back = self.total.suppressed + self.total.cancelled + self.total.expired
        return self.total.recipients - self.failed - self.total.unknown - held_back - self.total.waiting


def one_alert(session: Session, alert: Alert) -> OneAlert | None:
    """What became of this alert, as far as it was counted; None before the first count."""
    total = session.get(RollupAlert, alert.id)
    if total is None:
        return None
    hits, people = _hits(session, total), _people(session, alert.id)
    ours, median, others = _compared(session, total)
    by_ward = _parts(session, alert.id, "ward_code", people)
    names = names_by_code(session, [part.key for part in by_ward])
    return OneAlert(
        total=total,
        by_channel=_parts(session, alert.id, "channel", people),
        by_language=_parts(session, alert.id, "language", people),
        by_provider=_parts(session, alert.id, "provider", people),
        by_ward=[replace(part, name=names.get(part.key, "Not known")) for part in by_ward],
        curve=_curve(session, alert.id),
        clicks=_sum(hit for hit in hits if hit.kind == "clicked"),
        opens=_sum(hit for hit in hits if hit.kind == "opened"),
        by_link=_clicks_by(hits, lambda hit: hit.link if hit.link >= 0 else None),
        by_device=_clicks_by(hits, lambda hit: hit.device),
        by_hour=_clicks_by(hits, lambda hit: hit.hour if 0 <= hit.hour < HOURS_SHOWN else None),
        people_clicked=sum(one.people for one in people if one.kind == "clicked"),
        people_opened=sum(one.people for one in people if one.kind == "opened"),
        ours=ours,
        median=median,
        others=others,
    )


class _People(NamedTuple):
    kind: str
    channel: str
    language: str
    ward_code: str
    people: int


class _Hit(NamedTuple):
    kind: str
    verdict: str
    link: int
    device: str
    hour: int
    times: int


def _parts(session: Session, alert_id: UUID, column: str, people: Sequence[_People]) -> Sequence[Part]:
    clicked = Counter[str]()
    for one in people:
        if one.kind == "clicked" and column in _People._fields:
            clicked[getattr(one, column)] += one.people
    rows = session.execute(text(PARTS.format(column=column)), {"alert": alert_id}).mappings()
    return [
        Part(
            **{name: int(row[name]) for name in Part.COUNTED},
            key=row["key"],
            name=row["key"],
            clicked=clicked[row["key"]],
        )
        for row in rows
    ]


def _people(session: Session, alert_id: UUID) -> Sequence[_People]:
    rows = session.execute(
        text("SELECT kind, channel, language, ward_code, people FROM rollup_people WHERE alert_id = :alert"),
        {"alert": alert_id},
    )
    return [_People(*row) for row in rows]


def _hits(session: Session, total: RollupAlert) -> Sequence[_Hit]:
    """Clicks and opens; `hour` is how many hours after the alert could go, 0 the first."""
    rows = session.execute(
        text("""
            SELECT kind, verdict, link, device,
                   floor(extract(epoch FROM hour - date_trunc('hour', CAST(:start AS timestamptz))) / 3600)::integer,
                   sum(times)::bigint
            FROM rollup_hit WHERE alert_id = :alert GROUP BY 1, 2, 3, 4, 5
        """),
        {"alert": total.alert_id, "start": total.started_at},
    )
    return [_Hit(*row) for row in rows]


def _sum(hits: Iterable[_Hit]) -> Hits:
    times = Counter[str]()
    for hit in hits:
        times[hit.verdict] += hit.times
    return Hits(times["human"], times["machine"], times["unknown"])


def _clicks_by(hits: Sequence[_Hit], key: Callable[[_Hit], Key | None]) -> Mapping[Key, Hits]:
    """Clicks by what `key` says of them; None leaves one out."""
    groups: dict[Key, list[_Hit]] = {}
    for hit in hits:
        found = key(hit) if hit.kind == "clicked" else None
        if found is not None:
            groups.setdefault(found, []).append(hit)
    return {found: _sum(groups[found]) for found in sorted(groups)}


def _curve(session: Session, alert_id: UUID) -> Sequence[Step]:
    rows = session.execute(
        text("""
            SELECT second, (sum(sum(sent)) OVER step)::bigint, (sum(sum(delivered)) OVER step)::bigint
            FROM rollup_curve WHERE alert_id = :alert GROUP BY second WINDOW step AS (ORDER BY second) ORDER BY second
        """),
        {"alert": alert_id},
    )
    return [Step(*row) for row in rows]


MEDIANS = ", ".join(
    f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {name}) AS {name}" for name in Rates.__dataclass_fields__
)


def _compared(session: Session, total: RollupAlert) -> tuple[Rates, Rates, int]:
    """This alert's rates, the median of others of its topic (of too few there is none), and how many those are."""
    rows = session.execute(
        text(RATES.format(medians=MEDIANS, tracked=TRACKED_OF_ALERT)),
        {
            "alert": total.alert_id,
            "council": total.council_id,
            "topic": total.topic_id,
            "start": total.started_at,
            "penny": PENNY,
        },
    ).mappings()
    found = {bool(row["is_ours"]): row for row in rows}
    ours, others = (_rates(found.get(whose)) for whose in (True, False))
    count = int(found[False]["alerts"]) if False in found else 0
    return ours, others if count >= FEWEST_COMPARED else Rates(), count


def _rates(row: RowMapping | None) -> Rates:
    return Rates(**{name: row[name] for name in Rates.__dataclass_fields__}) if row else Rates()
