"""How alerts fared against the council's targets: month by month, and each that missed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert, Priority
from notify.alerts.remit import within
from notify.core import clock
from notify.core.clock import LONDON, midnight
from notify.core.errors import NotFound
from notify.insight.performance_models import ServiceBreach, ServiceResult
from notify.staff.rights import Actor
from notify.staff.service import audit

MOST_BREACHES = 200
LONGEST_NOTE = 2000


class NoSuchBreach(NotFound):
    """The alert met its target, is not judged yet, or is not this council's."""

    title = "There is no such breach"


@dataclass(frozen=True, slots=True)
class Attainment:
    """A month's alerts of one priority. `usual_seconds` is the median of when the promised share was sent."""

    month: str
    priority: Priority
    alerts: int
    met: int
    usual_seconds: float | None
    slowest_seconds: float | None

    @property
    def share(self) -> float:
        """The part that met its target."""
        return self.met / self.alerts


@dataclass(frozen=True, slots=True)
class Breach:
    """An alert that missed its target."""

    result: ServiceResult
    breach: ServiceBreach
    title: str

    @property
    def at(self) -> datetime:
        """When it could go, on the UK clock."""
        return self.result.started_at.astimezone(LONDON)


def attainment(session: Session, council_id: UUID, *, since: date, until: date) -> Sequence[Attainment]:
    """Month by month from `since` to `until`, both included. A month without alerts of a priority has no line."""
    values = {"council": council_id, "since": midnight(since), "until": midnight(until + timedelta(days=1))}
    return [
        Attainment(row.month, Priority(row.priority), row.alerts, row.met, row.usual, row.slowest)
        for row in session.execute(text(ATTAINMENT), values)
    ]


def breaches(session: Session, council_id: UUID, *, since: date, until: date) -> Sequence[Breach]:
    """Every alert that missed its target, the newest first; at most two hundred."""
    statement = (
        select(ServiceResult, ServiceBreach, Alert.title)
        .join(ServiceBreach, col(ServiceBreach.alert_id) == col(ServiceResult.alert_id))
        .join(Alert, col(Alert.id) == col(ServiceResult.alert_id))
        .where(
            ServiceResult.council_id == council_id,
            col(ServiceResult.is_met).is_(False),
            ServiceResult.started_at >= midnight(since),
            ServiceResult.started_at < midnight(until + timedelta(days=1)),
        )
        .order_by(col(ServiceResult.started_at).desc())
        .limit(MOST_BREACHES)
    )
    return [Breach(result, breach, title) for result, breach, title in session.exec(statement)]


def add_note(session: Session, alert_id: UUID, *, by: Actor, note: str) -> None:
    """Say about a breach what no program can know; an empty note takes it back.

    Raises: what `remit.within` raises, NoSuchBreach.
    """
    alert = within(session, by, alert_id)
    breach = session.get(ServiceBreach, alert.id)
    if breach is None:
        raise NoSuchBreach("This alert met its target or is not judged yet.")
    breach.note, breach.noted_by, breach.noted_at = note.strip()[:LONGEST_NOTE], by.actor, clock.now()
    audit(session, council_id=alert.council_id, actor=by.actor, action="breach.note", subject=str(alert.id))


ATTAINMENT = """
    SELECT to_char(started_at AT TIME ZONE 'Europe/London', 'YYYY-MM') AS month, priority, count(*) AS alerts,
           count(*) FILTER (WHERE is_met) AS met,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY took_seconds) AS usual, max(took_seconds) AS slowest
    FROM service_result
    WHERE council_id = :council AND started_at >= :since AND started_at < :until AND due > 0
    GROUP BY 1, 2 ORDER BY 1, 2
"""
