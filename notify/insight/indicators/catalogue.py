"""What the platform measures itself, for targets: each with its name, unit, better direction and where it is from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.insight.council import charts as council_charts
from notify.insight.council.slices import By, Slice, slices
from notify.insight.growth import charts as growth_charts
from notify.insight.growth.reach import reach
from notify.insight.period import Period

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Facts:
    """What indicators are made of. `total` is None where nothing went out."""

    total: Slice | None
    slowest_95: float | None
    came: int
    subscribers: int
    population: int


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure: how it is made of facts, and whether less is better."""

    key: str
    name: str
    unit: str
    lower_is_better: bool
    source: str
    of: Callable[[Facts], float | None]


def _of_total(rate: Callable[[Slice], float | None], scale: float = 1) -> Callable[[Facts], float | None]:
    def of(facts: Facts) -> float | None:
        value = rate(facts.total) if facts.total else None
        return None if value is None else value * scale

    return of


def _per_1000(of: Callable[[Facts], int]) -> Callable[[Facts], float | None]:
    return lambda facts: 1000 * of(facts) / facts.population if facts.population else None


INDICATORS: Sequence[Indicator] = (
    Indicator(
        "delivery-rate",
        "Messages that did not come back",
        "%",
        False,
        "Figures: sent, and nobody said that they did not arrive",
        _of_total(council_charts.reached_share, 100),
    ),
    Indicator(
        "emergency-95",
        "Slowest emergency: time until 95% were sent",
        "seconds",
        True,
        "The alerts’ own figures, from when each could go",
        lambda facts: facts.slowest_95,
    ),
    Indicator(
        "sign-ups",
        "Sign-ups for each 1,000 residents",
        "people",
        False,
        "Growth: who came in these days",
        _per_1000(lambda facts: facts.came),
    ),
    Indicator(
        "subscribers",
        "Subscribers per 1,000 residents",
        "people",
        False,
        "Growth: who follows the council on the last of these days",
        _per_1000(lambda facts: facts.subscribers),
    ),
    Indicator(
        "unsubscribes",
        "People who left for each 1,000 messages",
        "people",
        True,
        "Figures: by the link in an alert",
        _of_total(council_charts.left_rate),
    ),
    Indicator(
        "complaints",
        "Messages reported as spam per 1,000",
        "messages",
        True,
        "Figures: told by providers of e-mail",
        _of_total(lambda one: council_charts.per(one.complained, one.sent, 1000)),
    ),
    Indicator(
        "clicks",
        "Clicks (people, estimated) for each 100 tracked emails",
        "clicks",
        False,
        "Figures: of topics that allow it, never of emergencies",
        _of_total(council_charts.clicks_rate),
    ),
    Indicator(
        "cost-each",
        "Cost of each message that did not come back",
        "pence",
        True,
        "Figures: at the prices of the day",
        _of_total(council_charts.cost_each),
    ),
)
BY_KEY: Mapping[str, Indicator] = {one.key: one for one in INDICATORS}


def values(session: Session, council_id: UUID, period: Period) -> Mapping[str, Decimal | None]:
    """Each indicator's figure in these days, to two places; None where there is none."""
    facts = _facts(session, council_id, period)
    found = {one.key: one.of(facts) for one in INDICATORS}
    return {key: None if value is None else Decimal(value).quantize(CENT) for key, value in found.items()}


def _facts(session: Session, council_id: UUID, period: Period) -> Facts:
    total = slices(session, council_id, by=By.COUNCIL, since=period.since, until=period.until)
    moves = growth_charts.moves(session, council_id, period)
    slowest = session.execute(
        text(SLOWEST), {"council": council_id, "since": period.since, "until": period.until}
    ).scalar_one()
    population = reach(session, council_id).population
    return Facts(total[0] if total else None, slowest, moves.came, moves.at_last, population)


# of what follows an alert nobody waits for the beginning
SLOWEST = """
    SELECT max(r.time_to_95) FROM rollup_alert r JOIN alert a ON a.id = r.alert_id
    WHERE r.council_id = :council AND a.priority = 'emergency' AND NOT a.is_test
      AND r.started_at >= CAST(:since AS date)::timestamp AT TIME ZONE 'Europe/London'
      AND r.started_at < (CAST(:until AS date) + 1)::timestamp AT TIME ZONE 'Europe/London'
"""
