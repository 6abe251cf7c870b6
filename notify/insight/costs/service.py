"""What alerts cost, for how many people, and an estimate of calls avoided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.alerts.remit import within
from notify.core import clock
from notify.core.clock import midnight
from notify.core.errors import Invalid
from notify.insight.performance_models import Assumptions, CostAssumption, StaffTime
from notify.staff.budgets import PENNY
from notify.staff.rights import Actor
from notify.staff.service import audit

MOST_CAMPAIGNS = 50
MOST_MINUTES = 100_000


class AssumptionsNotPossible(Invalid):
    """They contradict each other."""

    title = "These assumptions cannot all be true"


class MinutesNotPossible(Invalid):
    """Nobody works less than nothing."""

    title = "This is no length of time"


class By(StrEnum):
    """What costs are broken down by. A campaign is an alert with every update and its all-clear."""

    TOPIC = "topic"
    MONTH = "month"
    CAMPAIGN = "campaign"
    COUNCIL = "council"


@dataclass(frozen=True, slots=True)
class Cost:
    """What some alerts cost, in pence. `booked` was charged at the time; `valued` is an estimate for what had no price.

    `unvalued` messages have none to this day. People are a range where nobody distinguished who got several messages.
    `minutes` of staff were written down by hand.
    """

    key: str
    name: str
    alerts: int
    messages: int
    people_low: int
    people_high: int
    booked: float
    valued: float
    unvalued: int
    minutes: int

    @property
    def pence(self) -> float:
        """What was booked and what is estimated, together."""
        return self.booked + self.valued

    @property
    def per_person(self) -> float | None:
        """Pence for each person reached, as if the fewest had been; None: nobody was."""
        return self.pence / self.people_low if self.people_low else None


@dataclass(frozen=True, slots=True)
class Avoided:
    """An estimate, never a fact: calls that people reached might have made, and what answering them costs in pence.

    Pence are None where no cost of a call is set or it is not told.
    """

    calls_low: float
    calls_high: float
    pence_low: float | None
    pence_high: float | None


def costs(session: Session, council_id: UUID, *, by: By, since: date, until: date) -> Sequence[Cost]:
    """What alerts cost that went out from `since` to `until`, both included, without tests, exercises and digests."""
    order = "1" if by == By.MONTH else "sum(one.booked + one.valued) DESC, 1"
    statement = f"{_EACH} SELECT {_KEYS[by]}, {_SUMS} GROUP BY 1, 2 ORDER BY {order} LIMIT 500"
    values = {"council": council_id, "since": midnight(since), "until": midnight(until + timedelta(days=1))}
    return _read(session, statement, values | {"alert": None})


def campaign(session: Session, alert: Alert) -> Sequence[Cost]:
    """Each alert of the campaign that this one belongs to, in the order they went out."""
    values = {
        "council": alert.council_id,
        "since": midnight(date(1970, 1, 1)),
        "until": midnight(date(9000, 1, 1)),
        "alert": alert.id,
    }
    keys = "CAST(a.id AS text), a.title"
    return _read(session, f"{_EACH} SELECT {keys}, {_SUMS} GROUP BY 1, 2 ORDER BY min(a.started_at)", values)


def _read(session: Session, statement: str, values: Mapping[str, object]) -> Sequence[Cost]:
    return [
        Cost(
            key=row[0],
            name=row[1],
            alerts=row.alerts,
            messages=int(row.messages),
            people_low=int(row.people_low),
            people_high=int(row.people_high),
            booked=float(row.booked) / PENNY,
            valued=float(row.valued) / PENNY,
            unvalued=int(row.unvalued),
            minutes=int(row.minutes),
        )
        for row in session.execute(text(statement), values)
    ]


def together(lines: Sequence[Cost], name: str) -> Cost:
    """The sum of several lines."""
    return Cost(
        key="",
        name=name,
        alerts=sum(one.alerts for one in lines),
        messages=sum(one.messages for one in lines),
        people_low=sum(one.people_low for one in lines),
        people_high=sum(one.people_high for one in lines),
        booked=sum(one.booked for one in lines),
        valued=sum(one.valued for one in lines),
        unvalued=sum(one.unvalued for one in lines),
        minutes=sum(one.minutes for one in lines),
    )


def assumptions(session: Session, council_id: UUID) -> CostAssumption:
    """What estimates rest on; nothing as long as nobody has said anything."""
    return session.get(CostAssumption, council_id) or CostAssumption(council_id=council_id)


def set_assumptions(session: Session, *, council_id: UUID, actor: str, new: Assumptions) -> CostAssumption:
    """Estimate with these from now on, the past as well. Raises: AssumptionsNotPossible."""
    if (new.low_percent is None) != (new.high_percent is None):
        raise AssumptionsNotPossible("Say both how many would have called at least and at most, or neither.")
    if new.low_percent is not None and new.high_percent is not None and new.low_percent > new.high_percent:
        raise AssumptionsNotPossible("The least share is larger than the greatest.")
    if new.call_pence is not None and not new.call_source.strip():
        raise AssumptionsNotPossible(
            "Say where the cost of a call comes from: an estimate without a source is a guess."
        )
    values = new.model_dump() | {"changed_at": clock.now(), "changed_by": actor}
    kept = session.merge(CostAssumption(council_id=council_id, **values))
    session.flush()
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="assumptions.change",
        subject=str(council_id),
        **new.model_dump(),
    )
    return kept


def avoided(cost: Cost, rest: CostAssumption) -> Avoided | None:
    """What might not have been asked because of these alerts; None where nobody said how many would have called."""
    if rest.low_percent is None or rest.high_percent is None:
        return None
    low, high = cost.people_low * rest.low_percent / 100, cost.people_high * rest.high_percent / 100
    if rest.call_pence is None or rest.is_exempt:
        return Avoided(low, high, None, None)
    return Avoided(low, high, low * rest.call_pence, high * rest.call_pence)


def staff_pence(cost: Cost, rest: CostAssumption) -> float | None:
    """What the staff's time is worth; None where no rate is set."""
    return None if rest.staff_hour_pence is None else cost.minutes * rest.staff_hour_pence / 60


def set_minutes(session: Session, alert_id: UUID, *, by: Actor, minutes: int) -> None:
    """Write down how long staff worked on this alert in all.

    Raises: what `remit.within` raises, MinutesNotPossible.
    """
    alert = within(session, by, alert_id)
    if not 0 <= minutes <= MOST_MINUTES:
        raise MinutesNotPossible(f"Write whole minutes from 0 to {MOST_MINUTES:,}.")
    session.merge(StaffTime(alert_id=alert.id, minutes=minutes, noted_by=by.actor))
    audit(
        session,
        council_id=alert.council_id,
        actor=by.actor,
        action="staff-time.note",
        subject=str(alert.id),
        minutes=minutes,
    )


def spent_by_month(session: Session, council_id: UUID, since: date) -> Mapping[str, float]:
    """Pence booked in each calendar month, as budgets count them: notices and tests of providers included."""
    rows = session.execute(text(SPENT), {"council": council_id, "since": since})
    return {row.month: float(row.cost) / PENNY for row in rows}


SPENT = """
    SELECT to_char(month, 'YYYY-MM') AS month, sum(cost) AS cost FROM spend
    WHERE council_id = :council AND month >= :since GROUP BY 1 ORDER BY 1
"""
_KEYS: Mapping[By, str] = {
    By.TOPIC: "a.slug, a.topic",
    By.MONTH: "a.month, a.month AS name",
    By.CAMPAIGN: "CAST(a.root AS text), (SELECT title FROM alert WHERE alert.id = a.root)",
    By.COUNCIL: "'all', 'all'",
}
_EACH = """
    WITH RECURSIVE line AS (
        SELECT id, id AS root FROM alert WHERE council_id = :council AND follows_id IS NULL
        UNION ALL
        SELECT f.id, line.root FROM alert f JOIN line ON f.follows_id = line.id
    ), a AS (
        SELECT a.id, a.title, line.root, t.slug, t.name AS topic, r.started_at,
               CAST(r.started_at AT TIME ZONE 'Europe/London' AS date) AS day,
               to_char(r.started_at AT TIME ZONE 'Europe/London', 'YYYY-MM') AS month
        FROM rollup_alert r JOIN alert a ON a.id = r.alert_id JOIN topic t ON t.id = r.topic_id
        JOIN line ON line.id = a.id
        WHERE r.council_id = :council AND r.started_at >= :since AND r.started_at < :until
          AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL
          AND (CAST(:alert AS uuid) IS NULL OR line.root = (SELECT root FROM line WHERE id = :alert))
    ), cell AS (
        SELECT a.id, a.day, c.channel, c.provider, sum(c.sent) AS sent, sum(c.cost) AS cost, sum(c.unpriced) AS unpriced
        FROM a JOIN rollup_cell c ON c.alert_id = a.id GROUP BY 1, 2, 3, 4
    ), one AS (
        SELECT cell.id, sum(cell.sent) AS sent, sum(cell.cost) AS booked,
               coalesce(sum(cell.unpriced * p.price), 0) AS valued,
               coalesce(sum(cell.unpriced) FILTER (WHERE p.price IS NULL), 0) AS unvalued
        FROM cell LEFT JOIN LATERAL (
            SELECT u.price FROM unit_price u
            WHERE u.council_id = :council AND u.channel = cell.channel AND u.provider = cell.provider
              AND u.valid_from <= cell.day
            ORDER BY u.valid_from DESC LIMIT 1
        ) p ON cell.unpriced > 0
        GROUP BY 1
    ), reach AS (
        SELECT id, max(sent) AS widest
        FROM (SELECT id, channel, sum(sent) AS sent FROM cell GROUP BY 1, 2) way GROUP BY 1
    )
"""
_SUMS = """
    count(*) AS alerts, sum(one.sent) AS messages, sum(coalesce(s.people, reach.widest)) AS people_low,
    sum(coalesce(s.people, one.sent)) AS people_high, sum(one.booked) AS booked, sum(one.valued) AS valued,
    sum(one.unvalued) AS unvalued, coalesce(sum(time.minutes), 0) AS minutes
    FROM a JOIN one ON one.id = a.id JOIN reach ON reach.id = a.id
    LEFT JOIN service_result s ON s.alert_id = a.id LEFT JOIN staff_time time ON time.alert_id = a.id
"""
