"""What programs read of service levels, costs and calls: the shapes of the JSON, which stay as they are."""

from datetime import date, datetime
from uuid import UUID

from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel

from notify.alerts.models import Priority
from notify.core.db import Input
from notify.insight.calls.service import Around, CallReport
from notify.insight.costs.service import Avoided, Cost, avoided, staff_pence
from notify.insight.performance_models import Assumptions, CostAssumption, NewTarget, Publication, UnitPrice
from notify.insight.service_levels.queries import Attainment, Breach
from notify.providers.base import Channel
from notify.staff.budgets import PENNY


class AttainmentView(SQLModel):
    """A month's alerts of one priority against the target of their days."""

    month: str
    priority: Priority
    alerts: int
    met: int
    share: float
    usual_seconds: float | None = Field(description="The median until the promised share was sent.")
    slowest_seconds: float | None

    @classmethod
    def of(cls, one: Attainment) -> "AttainmentView":
        """The figures of this month."""
        return cls(
            month=one.month,
            priority=one.priority,
            alerts=one.alerts,
            met=one.met,
            share=round(one.share, 4),
            usual_seconds=one.usual_seconds,
            slowest_seconds=one.slowest_seconds,
        )


class CauseView(SQLModel):
    """Why an alert was late."""

    kind: str
    words: str


class BreachView(SQLModel):
    """An alert that missed its target."""

    alert: UUID
    title: str
    priority: Priority
    started_at: datetime
    target_seconds: int
    target_percent: float
    due: int
    in_time: int
    took_seconds: float | None = Field(description="Until the promised share was sent; null: it never was.")
    causes: list[CauseView]
    note: str
    noted_at: datetime | None

    @classmethod
    def of(cls, one: Breach) -> "BreachView":
        """What is known of this breach."""
        return cls(
            alert=one.result.alert_id,
            title=one.title,
            causes=[CauseView(**cause) for cause in one.breach.causes],
            note=one.breach.note,
            noted_at=one.breach.noted_at,
            **one.result.model_dump(
                include={"priority", "started_at", "target_seconds", "target_percent", "due", "in_time", "took_seconds"}
            ),
        )


class LevelsView(SQLModel):
    """Targets, how alerts fared against them, and each that missed its own."""

    since: date
    until: date
    targets: list[NewTarget]
    months: list[AttainmentView]
    breaches: list[BreachView]


class NewNote(Input):
    """What an officer says about a breach."""

    note: str = Field(max_length=2000)


class AvoidedView(SQLModel):
    """An estimate, never a fact: calls that people reached might have made.

    Pence are null where no cost of a call is set, or where it is not told.
    """

    calls_low: float
    calls_high: float
    pence_low: float | None
    pence_high: float | None

    @classmethod
    def of(cls, one: Avoided | None) -> "AvoidedView | None":
        """The estimate, if there is one."""
        if one is None:
            return None
        low, high = one.pence_low, one.pence_high
        return cls(
            calls_low=round(one.calls_low, 1),
            calls_high=round(one.calls_high, 1),
            pence_low=None if low is None else round(low, 1),
            pence_high=None if high is None else round(high, 1),
        )


class CostView(SQLModel):
    """What some alerts cost, in pence."""

    key: str
    name: str
    alerts: int
    messages: int
    people_low: int = Field(description="People reached: a range where nobody told apart who got several messages.")
    people_high: int
    booked_pence: float = Field(description="Charged when the messages were sent.")
    valued_pence: float = Field(description="Estimated from the ledger of prices, for what was sent without a price.")
    unvalued_messages: int = Field(description="Sent without a price, and there is none to this day.")
    pence_per_person: float | None
    staff_minutes: int
    staff_pence: float | None = Field(description="Null where no hourly rate is set.")
    avoided_contact_estimate: AvoidedView | None = Field(
        description="Null where nobody said how many would have called."
    )

    @classmethod
    def of(cls, one: Cost, rest: CostAssumption) -> "CostView":
        """The figures of this line."""
        return cls(
            key=one.key,
            name=one.name,
            alerts=one.alerts,
            messages=one.messages,
            people_low=one.people_low,
            people_high=one.people_high,
            booked_pence=round(one.booked, 3),
            valued_pence=round(one.valued, 3),
            unvalued_messages=one.unvalued,
            pence_per_person=None if one.per_person is None else round(one.per_person, 4),
            staff_minutes=one.minutes,
            staff_pence=staff_pence(one, rest),
            avoided_contact_estimate=AvoidedView.of(avoided(one, rest)),
        )


def assumed(rest: CostAssumption) -> Assumptions:
    """The assumptions as a program reads and writes them."""
    return Assumptions.model_validate(rest.model_dump(include=set(Assumptions.model_fields)))


class CostsView(SQLModel):
    """What was spent, by topic, month or campaign, with every assumption that an estimate in it rests on."""

    since: date
    until: date
    total: CostView
    lines: list[CostView]
    assumptions: Assumptions


class SheetView(SQLModel):
    """The cost sheet of an alert and everything that belongs to it."""

    total: CostView
    alerts: list[CostView]
    assumptions: Assumptions


class NewMinutes(Input):
    """How long staff worked on an alert, in all."""

    minutes: int = Field(ge=0, le=100_000)


class PriceView(SQLModel):
    """What a message by a provider costs from a day on."""

    channel: Channel
    provider: str
    valid_from: date
    pence: float
    source: str
    added_at: datetime

    @classmethod
    def of(cls, one: UnitPrice) -> "PriceView":
        """The public fields of this price."""
        return cls(pence=one.price / PENNY, **one.model_dump(include=set(cls.model_fields) - {"pence"}))


class RefusedView(SQLModel):
    """A row that was not kept, and why."""

    row: int
    reason: str


class CallReportView(SQLModel):
    """What became of a file of calls."""

    rows: int
    added: int
    replaced: int
    refused: int
    problems: list[RefusedView] = Field(description="The first thousand.")

    @classmethod
    def of(cls, report: CallReport) -> "CallReportView":
        """The report of this import."""
        problems = [RefusedView(row=one.row, reason=one.reason) for one in report.problems]
        return cls(
            rows=report.rows,
            added=report.added,
            replaced=report.replaced,
            refused=report.refused,
            problems=problems,
        )


class CategoryView(SQLModel):
    """A category that calls are counted by, and the topic it is about."""

    category: str
    topic: str | None
    calls: int
    first: date
    last: date


class MonthOfCalls(SQLModel):
    """Calls of one category in one month."""

    month: str
    category: str
    calls: int


class CallsView(SQLModel):
    """Calls to the council by month, and what is known of their categories."""

    since: date
    until: date
    categories: list[CategoryView]
    months: list[MonthOfCalls]


class NewCategory(Input):
    """Which topic a category of calls is about."""

    category: str = Field(min_length=1, max_length=80)
    topic: str | None = Field(description="Short name of one of the council's topics; null: none.")


class HourView(SQLModel):
    """Calls in one hour, and the mean of the same hour in the four weeks before; null: not known."""

    at: datetime
    calls: int | None
    usual: float | None


class AroundView(SQLModel):
    """Calls from a day before an alert to two days after it. No cause is claimed."""

    began_at: AwareDatetime
    categories: list[str] = Field(description="Those about the alert's topic; empty: nobody said which, so all count.")
    hours: list[HourView]

    @classmethod
    def of(cls, found: Around) -> "AroundView":
        """The hours of this alert."""
        return cls(
            began_at=found.began,
            categories=list(found.categories),
            hours=[HourView(at=one.at, calls=one.calls, usual=one.usual) for one in found.hours],
        )


class PublicationView(SQLModel):
    """What the council shows to everyone."""

    is_on: bool
    shows_cost: bool
    contact: str
    made_at: datetime | None
    address: str

    @classmethod
    def of(cls, kept: Publication, address: str) -> "PublicationView":
        """What is said of this publication."""
        return cls(address=address, **kept.model_dump(include={"is_on", "shows_cost", "contact", "made_at"}))
