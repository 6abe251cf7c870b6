"""Figures of one alert: those kept beside the ledger, or counted from it, and its replies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session, select

from notify.alerts.models import Alert
from notify.core import clock
from notify.insight.models import RollupAlert, RollupDue, RollupReply
from notify.insight.rollups import started_at
from notify.places.queries import names_by_code

FRESH = timedelta(seconds=5)  # the scheduler counts what has news every second
COUNTS = """
    count(*) AS recipients,
    count(sent_at) AS sent,
    count(*) FILTER (WHERE state = 'delivered') AS delivered,
    count(*) FILTER (WHERE state LIKE '%-failure') AS failed,
    count(*) FILTER (WHERE state = 'suppressed') AS suppressed,
    count(*) FILTER (WHERE state IN ('cancelled', 'expired')) AS cancelled,
    count(*) FILTER (WHERE state IN ('created', 'sending')) AS waiting
"""
# the same from the figures that are kept beside the ledger
KEPT_COUNTS = """
    sum(recipients) AS recipients, sum(sent) AS sent, sum(delivered) AS delivered,
    sum(permanent_failure + temporary_failure + technical_failure) AS failed, sum(suppressed) AS suppressed,
    sum(cancelled + expired) AS cancelled, sum(waiting) AS waiting
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries by result. `sent` counts every send, delivered or not."""

    recipients: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    suppressed: int = 0
    cancelled: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class NamedTally:
    """A tally of one channel, language or ward."""

    code: str | None
    name: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the alert's page and its analytics show. Times are seconds from approval to send."""

    total: Tally
    by_channel: list[NamedTally]
    by_language: list[NamedTally]
    by_ward: list[NamedTally]
    unsubscribed: int
    clicks: int
    clicks_by_people_who_agreed: int
    opens: int
    time_to_50: float | None
    time_to_95: float | None
    time_to_99: float | None
    last_sent: float | None


def _is_kept(session: Session, alert: Alert) -> bool:
    """Whether the kept figures say all: the ledger is gone, or was counted a moment ago or since its last news."""
    if alert.detail_removed_at:
        return True
    kept = session.get(RollupAlert, alert.id)
    if kept is None:
        return False
    if clock.now() - kept.counted_at < FRESH:
        return True
    is_settled = alert.finished_at is not None and kept.counted_at > alert.finished_at
    return is_settled and session.get(RollupDue, alert.id) is None


def _sources(*, is_kept: bool) -> tuple[str, str]:
    """The counts, and what they are counted from."""
    if is_kept:
        cells = "SELECT *, nullif(c.ward_code, '') AS ward FROM rollup_cell c WHERE alert_id = :alert"
        return KEPT_COUNTS, f"({cells}) d"
    return COUNTS, "(SELECT *, ward_code AS ward FROM delivery WHERE month = :month AND alert_id = :alert) d"


def figures(session: Session, alert: Alert) -> Figures:
    """What has become of this alert so far; the same before and after its detail is removed.

    The ledger is read only where nobody counted it yet: while no scheduler runs.
    """
    key = {"month": alert.ledger_month, "alert": alert.id}
    is_kept = _is_kept(session, alert)
    counts, source = _sources(is_kept=is_kept)
    rows = session.execute(
        text(f"""
            SELECT grouping(channel) AS no_channel, grouping(language) AS no_language, grouping(ward) AS no_ward,
                   channel, language, ward AS ward_code, {counts}
            FROM {source} GROUP BY GROUPING SETS ((), (channel), (language), (ward))
        """),
        key,
    ).all()
    total, groups = Tally(), {"channel": [], "language": [], "ward_code": []}  # type: ignore[var-annotated]
    for row in rows:
        tally = Tally(**{name: int(row._mapping[name] or 0) for name in Tally.__slots__})
        if row.no_channel and row.no_language and row.no_ward:
            total = tally
        else:
            column = "channel" if not row.no_channel else "language" if not row.no_language else "ward_code"
            groups[column].append((row._mapping[column], tally))
    names = names_by_code(session, [code for code, _ in groups["ward_code"]])
    events = _events(session, alert, is_kept=is_kept)
    times = _times(session, alert, is_kept=is_kept)
    return Figures(
        total=total,
        by_channel=[NamedTally(code, code, tally) for code, tally in groups["channel"]],
        by_language=[NamedTally(code, code, tally) for code, tally in groups["language"]],
        by_ward=[
            NamedTally(code, names.get(code, "Not known"), tally)
            for code, tally in sorted(groups["ward_code"], key=lambda pair: -pair[1].recipients)
        ],
        unsubscribed=events.get("unsubscribed", (0, 0))[0],
        clicks=events.get("clicked", (0, 0))[0],
        clicks_by_people_who_agreed=events.get("clicked", (0, 0))[1],
        opens=events.get("opened", (0, 0))[1],
        time_to_50=times[0],
        time_to_95=times[1],
        time_to_99=times[2],
        last_sent=times[3],
    )


def _events(session: Session, alert: Alert, *, is_kept: bool) -> dict[str, tuple[int, int]]:
    """What people did: how often in all, and how many of those who agreed did it at least once."""
    rows = session.execute(
        text("""
            SELECT kind, sum(times) AS times, sum(people) AS people FROM (
                SELECT kind, times, 0 AS people FROM rollup_hit_total WHERE alert_id = :alert AND verdict <> 'machine'
                UNION ALL
                SELECT kind, 0, people FROM rollup_people WHERE alert_id = :alert
                UNION ALL
                SELECT kind, 1, 1 FROM event
                WHERE month = :month AND alert_id = :alert AND kind = 'unsubscribed' AND NOT :is_kept
                UNION ALL
                SELECT 'unsubscribed', unsubscribed, unsubscribed FROM rollup_alert
                WHERE alert_id = :alert AND :is_kept
            ) done GROUP BY kind
        """),
        {"month": alert.ledger_month, "alert": alert.id, "is_kept": is_kept},
    )
    return {row.kind: (int(row.times), int(row.people)) for row in rows}


def _times(
    session: Session, alert: Alert, *, is_kept: bool
) -> tuple[float | None, float | None, float | None, float | None]:
    """Seconds from the moment it could go until 50, 95, 99 and 100% of the sends were made."""
    if is_kept:
        kept = session.get_one(RollupAlert, alert.id)
        times = (kept.time_to_50, kept.time_to_95, kept.time_to_99, kept.time_to_100)
        return tuple(None if one is None else round(one, 3) for one in times)  # type: ignore[return-value]
    row = session.execute(
        text("""
            SELECT percentile_disc(ARRAY[0.5, 0.95, 0.99, 1.0]) WITHIN GROUP (
                ORDER BY extract(epoch FROM sent_at - CAST(:start AS timestamptz))) AS times
            FROM delivery WHERE month = :month AND alert_id = :alert AND sent_at IS NOT NULL
        """),
        {"month": alert.ledger_month, "alert": alert.id, "start": started_at(alert)},
    ).scalar()
    if row is None:
        return None, None, None, None
    p50, p95, p99, last = (round(float(value), 3) for value in row)
    return p50, p95, p99, last


@dataclass(frozen=True, slots=True)
class RepliesCount:
    """How many of some people said that they are safe, how many that they need help, and how many were asked."""

    asked: int = 0
    safe: int = 0
    help: int = 0


def replies(session: Session, alert: Alert) -> Mapping[str | None, RepliesCount]:
    """The last answers of an alert's people, by ward. People and not messages: each counts once."""
    if alert.detail_removed_at:
        kept = session.exec(select(RollupReply).where(RollupReply.alert_id == alert.id))
        return {row.ward_code or None: RepliesCount(row.asked, row.safe, row.help) for row in kept}
    rows = session.execute(
        text("""
            SELECT ward_code, count(*) AS asked, count(*) FILTER (WHERE answer = 'safe') AS safe,
                   count(*) FILTER (WHERE answer = 'help') AS help
            FROM (
                SELECT DISTINCT ON (d.subscriber_id) d.ward_code, r.answer
                FROM delivery d LEFT JOIN reply r ON r.alert_id = d.alert_id AND r.subscriber_id = d.subscriber_id
                WHERE d.month = :month AND d.alert_id = :alert AND coalesce(d.update_group, 'new') = 'new'
                ORDER BY d.subscriber_id, d.number
            ) person GROUP BY ward_code
        """),
        {"month": alert.ledger_month, "alert": alert.id},
    )
    return {row.ward_code: RepliesCount(row.asked, row.safe, row.help) for row in rows}
