"""API routes of growth, reach, message fatigue and targets."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

from litestar import get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import StringConstraints
from sqlmodel import Field, SQLModel

from notify.core.db import Input, transaction
from notify.insight.growth import charts as growth_charts
from notify.insight.growth import fatigue
from notify.insight.growth.charts import Moves
from notify.insight.growth.reach import Reach, reach
from notify.insight.indicators import targets
from notify.insight.indicators.rating import Direction, Rag
from notify.insight.indicators.targets import Standing, Wish
from notify.insight.models import TargetKind
from notify.insight.open_data.disclosure import FEWEST_SHOWN
from notify.insight.period import between
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest
from notify.subscribers.queries import topic as topic_of

Since = Annotated[date | None, QueryParameter(description="The first day; else eleven months before the last's.")]
Until = Annotated[date | None, QueryParameter(description="The last day, included; else today.")]
# as a type: SQLModel's `Field` knows no pattern
Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}$")]
FEW = "Null for fewer than five."


class MoveView(SQLModel):
    """Who came and left: at one step, by one way, or of one topic."""

    key: str
    came: int
    left: int


class TopicMoveView(MoveView):
    """The same of a topic, with who follows it on the last of the days."""

    name: str
    subscribers: int


class GrowthView(SQLModel):
    """Who came and left in these days. Someone who did both on one day is in neither."""

    since: date
    until: date
    subscribers_at_first: int = Field(description="On the evening before the first day.")
    subscribers_at_last: int
    came: int
    left: int
    by_step: list[MoveView] = Field(description="By day up to two months, else by month.")
    by_source: list[MoveView] = Field(description="By where people signed up, and by which way they left.")
    by_topic: list[TopicMoveView]

    @classmethod
    def of(cls, found: Moves, since: date, until: date) -> "GrowthView":
        """The view of what was counted."""
        return cls(
            since=since,
            until=until,
            subscribers_at_first=found.at_first,
            subscribers_at_last=found.at_last,
            came=found.came,
            left=found.went,
            by_step=[MoveView(key=key, came=came, left=went) for key, (came, went) in found.by_step.items()],
            by_source=[MoveView(key=key, came=came, left=went) for key, came, went in found.by_source],
            by_topic=[
                TopicMoveView(key=key, name=name, came=came, left=went, subscribers=subscribers)
                for key, name, came, went, subscribers in found.by_topic
            ],
        )


class WardReachView(SQLModel):
    """One ward, the weakest first."""

    code: str
    name: str
    subscribers: int | None = Field(description=FEW)
    population: int | None = Field(description="Null: nobody has loaded it.")
    per_1000: float | None


class ReachView(SQLModel):
    """Who follows now, by where they live."""

    topic: str
    subscribers: int
    median_per_1000: float | None
    gaps: list[str] = Field(description="The wards with half of the median or less, each in a sentence.")
    wards: list[WardReachView]

    @classmethod
    def of(cls, found: Reach, topic: str) -> "ReachView":
        """The view, without small numbers."""
        wards = [
            WardReachView(
                code=ward.code,
                name=ward.name,
                subscribers=None if 0 < ward.people < FEWEST_SHOWN else ward.people,
                population=ward.population,
                per_1000=ward.per_1000,
            )
            for ward in found.wards
        ]
        return cls(
            topic=topic,
            subscribers=found.people,
            median_per_1000=found.median,
            gaps=list(found.gaps()),
            wards=wards,
        )


class LoadView(SQLModel):
    """How many people got so many alerts."""

    alerts: int = Field(description="10 stands for ten or more.")
    people: int = Field(description="Somebody counts once in each week, or span of four.")
    left: int = Field(description="Left after so many in seven days.")


class FatigueView(SQLModel):
    """How much people get, of weeks that begin in these days."""

    week: list[LoadView]
    four_weeks: list[LoadView]


class StandingView(SQLModel):
    """How one indicator stands to its target."""

    indicator: str
    name: str
    unit: str
    kind: TargetKind
    lower_is_better: bool
    target: float | None
    value: float | None
    before: float | None
    status: Rag
    change: Direction
    actions: str
    source: str

    @classmethod
    def of(cls, one: Standing) -> "StandingView":
        """The view of it."""
        target, value, before = (
            None if number is None else float(number) for number in (one.target, one.value, one.before)
        )
        return cls(
            **{name: getattr(one, name) for name in ("indicator", "name", "unit", "kind", "actions", "source")},
            lower_is_better=one.lower_is_better,
            target=target,
            value=value,
            before=before,
            status=one.rag,
            change=one.direction,
        )


class NewWish(Input):
    """What to reach. `name`, `unit` and `lower_is_better` count for the council's own indicators."""

    kind: TargetKind
    target: Decimal | None = None
    actions: str = Field(default="", max_length=targets.LONGEST_ACTIONS)
    name: str = Field(default="", max_length=targets.LONGEST_NAME)
    unit: str = Field(default="", max_length=targets.LONGEST_UNIT)
    lower_is_better: bool = False

    def wish(self) -> Wish:
        """The same as an officer would type it."""
        typed = "" if self.target is None else f"{self.target:f}"
        return Wish(self.kind, typed, self.actions, self.name, self.unit, self.lower_is_better)


class NewValue(Input):
    """A figure of a month."""

    month: Month = Field(description="As 2026-10.")
    value: Decimal


class IndicatorView(SQLModel):
    """The short name of an indicator."""

    indicator: str


class NewValues(Input):
    """Values to add; a month that is there gets the new one."""

    values: list[NewValue] = Field(min_length=1, max_length=targets.MOST_ROWS)


@get("/growth", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_growth(request: StaffRequest, since: Since = None, until: Until = None) -> GrowthView:
    """Who came and left, by day or month, by way, and by topic."""
    days = between(since, until)
    with transaction() as session:
        found = growth_charts.moves(session, request.user.council_id, days)
    return GrowthView.of(found, days.since, days.until)


@get("/reach", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_reach(
    request: StaffRequest, topic: Annotated[str, QueryParameter(description="Only who follows this one.")] = ""
) -> ReachView:
    """Followers for each 1,000 residents, ward by ward."""
    with transaction() as session:
        slug = topic_of(session, request.user.council_id, topic).slug if topic else ""
        return ReachView.of(reach(session, request.user.council_id, slug), slug)


@get("/fatigue", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_fatigue(request: StaffRequest, since: Since = None, until: Until = None) -> FatigueView:
    """How many people got how many alerts in a week and in four."""
    days = between(since, until)
    with transaction() as session:
        week, four = (
            fatigue.loads(session, request.user.council_id, days=span, since=days.since, until=days.until)
            for span in (fatigue.WEEK, fatigue.FOUR_WEEKS)
        )
    views = [[LoadView(alerts=one.alerts, people=one.people, left=one.went) for one in found] for found in (week, four)]
    return FatigueView(week=views[0], four_weeks=views[1])


@get("/targets", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_targets(request: StaffRequest, since: Since = None, until: Until = None) -> list[StandingView]:
    """How each indicator stands in these days, and stood in those before."""
    with transaction() as session:
        found = targets.standings(session, request.user.council_id, between(since, until))
    return [StandingView.of(one) for one in found]


@post("/targets", guards=[RequiresLive(Right.CHANGE_FIGURES)], sync_to_thread=True, tags=["figures"])
def add_target(request: StaffRequest, data: JSONBody[NewWish]) -> IndicatorView:
    """A new indicator of the council's own."""
    return _set(request.user, None, data)


@put("/targets/{indicator:str}", guards=[RequiresLive(Right.CHANGE_FIGURES)], sync_to_thread=True, tags=["figures"])
def change_target(request: StaffRequest, indicator: FromPath[str], data: JSONBody[NewWish]) -> IndicatorView:
    """What the council means to reach with one indicator."""
    return _set(request.user, indicator, data)


def _set(user: Principal, indicator: str | None, data: NewWish) -> IndicatorView:
    with transaction() as session:
        kept = targets.set_target(
            session, council_id=user.council_id, actor=user.actor, indicator=indicator, wish=data.wish()
        )
        return IndicatorView(indicator=kept.indicator)


@post(
    "/targets/{indicator:str}/values",
    guards=[RequiresLive(Right.CHANGE_FIGURES)],
    sync_to_thread=True,
    tags=["figures"],
    status_code=204,
)
def add_values(request: StaffRequest, indicator: FromPath[str], data: JSONBody[NewValues]) -> None:
    """What the council measured itself, month by month."""
    rows = "\n".join(f"{one.month},{one.value:f}" for one in data.values)
    with transaction() as session:
        kept = targets.own_target(session, request.user.council_id, indicator)
        targets.enter_values(session, target=kept, actor=request.user.actor, rows=rows)


HANDLERS: Sequence[ControllerRouterHandler] = (
    read_growth,
    read_reach,
    read_fatigue,
    read_targets,
    add_target,
    change_target,
    add_values,
)
