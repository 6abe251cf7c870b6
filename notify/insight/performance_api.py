"""API routes of service levels, costs, calls and publication."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, RawBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts.models import Alert, Priority
from notify.alerts.queries import alert as one_alert
from notify.core.db import transaction
from notify.core.settings import settings
from notify.insight.calls import service as calling
from notify.insight.calls.csv_file import MOST_BYTES, read_calls
from notify.insight.costs import prices
from notify.insight.costs import service as spending
from notify.insight.open_data import publication
from notify.insight.performance_models import Assumptions, NewPrice, NewTarget, WhatToPublish
from notify.insight.performance_views import (
    AroundView,
    AttainmentView,
    BreachView,
    CallReportView,
    CallsView,
    CategoryView,
    CostsView,
    CostView,
    LevelsView,
    MonthOfCalls,
    NewCategory,
    NewMinutes,
    NewNote,
    PriceView,
    PublicationView,
    SheetView,
    assumed,
)
from notify.insight.period import Period, chosen
from notify.insight.rollups import started_at
from notify.insight.service_levels import objectives
from notify.insight.service_levels import queries as service_levels_queries
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.queries import council
from notify.staff.routes import StaffRequest
from notify.subscribers.queries import topics_by_slug

Since = Annotated[str, QueryParameter(max_length=10, description="The first day; unset: twelve months.")]
Until = Annotated[str, QueryParameter(max_length=10, description="The last day; unset: today.")]


def _asked(since: str, until: str) -> Period:
    found = chosen({"since": since, "until": until})
    if found.asked:
        found.asked.require()
    return found


def _levels(session: Session, council_id: UUID, asked: Period) -> LevelsView:
    promised = objectives.targets(session, council_id)
    months = service_levels_queries.attainment(session, council_id, since=asked.since, until=asked.until)
    missed = service_levels_queries.breaches(session, council_id, since=asked.since, until=asked.until)
    return LevelsView(
        since=asked.since,
        until=asked.until,
        targets=[promised[priority] for priority in Priority],
        months=[AttainmentView.of(one) for one in months],
        breaches=[BreachView.of(one) for one in missed],
    )


@get("/service-levels", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_service_levels(request: StaffRequest, since: Since = "", until: Until = "") -> LevelsView:
    """How many alerts met the council's targets, month by month, and each that did not, with its causes."""
    with transaction() as session:
        return _levels(session, request.user.council_id, _asked(since, until))


@put("/service-levels/targets", guards=[RequiresLive(Right.CHANGE_FIGURES)], sync_to_thread=True, tags=["figures"])
def change_service_level_target(request: StaffRequest, data: JSONBody[NewTarget]) -> LevelsView:
    """Promise this from now on. Alerts of before stay judged by what was promised then."""
    user = request.user
    with transaction() as session:
        objectives.set_target(session, council_id=user.council_id, actor=user.actor, new=data)
        session.flush()
        return _levels(session, user.council_id, _asked("", ""))


@put("/alerts/{alert_id:uuid}/breach-note", guards=[RequiresLive(Right.WRITE_ALERTS)], sync_to_thread=True,
     tags=["figures"], status_code=204)  # fmt: skip
def note_breach(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[NewNote]) -> None:
    """Say about a missed target what no program can know; an empty note takes it back."""
    with transaction() as session:
        service_levels_queries.add_note(session, alert_id, by=request.user, note=data.note)


def _alert(session: Session, user: Principal, alert_id: UUID) -> Alert:
    return one_alert(session, user, alert_id)


@get("/costs", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_costs(
    request: StaffRequest, by: FromQuery[spending.By] = spending.By.TOPIC, since: Since = "", until: Until = ""
) -> CostsView:
    """What was spent, for how many people, and an estimate of calls that were not made, with its assumptions."""
    asked, council_id = _asked(since, until), request.user.council_id
    with transaction() as session:
        rest = spending.assumptions(session, council_id)
        lines = spending.costs(session, council_id, by=by, since=asked.since, until=asked.until)
        return CostsView(
            since=asked.since,
            until=asked.until,
            total=CostView.of(spending.together(lines, "all"), rest),
            lines=[CostView.of(one, rest) for one in lines],
            assumptions=assumed(rest),
        )


@put("/costs/assumptions", guards=[RequiresLive(Right.CHANGE_FIGURES)], sync_to_thread=True, tags=["figures"])
def change_assumptions(request: StaffRequest, data: JSONBody[Assumptions]) -> Assumptions:
    """Estimate with these from now on. What is unset is not estimated."""
    user = request.user
    with transaction() as session:
        kept = spending.set_assumptions(session, council_id=user.council_id, actor=user.actor, new=data)
        return assumed(kept)


@get("/costs/prices", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def list_prices(request: StaffRequest) -> list[PriceView]:
    """Every price there ever was."""
    with transaction() as session:
        return [PriceView.of(one) for one in prices.prices(session, request.user.council_id)]


@post("/costs/prices", guards=[RequiresLive(Right.CHANGE_FIGURES)], sync_to_thread=True, tags=["figures"])
def add_price(request: StaffRequest, data: JSONBody[NewPrice]) -> PriceView:
    """Write down what a provider's message costs from a day on. What was booked stays as it was."""
    user = request.user
    with transaction() as session:
        return PriceView.of(prices.add_price(session, council_id=user.council_id, actor=user.actor, new=data))


@get("/alerts/{alert_id:uuid}/costs", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_cost_sheet(request: StaffRequest, alert_id: FromPath[UUID]) -> SheetView:
    """What an alert cost with every update and its all-clear: messages, and the staff's time that was written down."""
    with transaction() as session:
        lines = spending.campaign(session, _alert(session, request.user, alert_id))
        rest = spending.assumptions(session, request.user.council_id)
        return SheetView(
            total=CostView.of(spending.together(lines, "all"), rest),
            alerts=[CostView.of(one, rest) for one in lines],
            assumptions=assumed(rest),
        )


@put("/alerts/{alert_id:uuid}/staff-time", guards=[RequiresLive(Right.WRITE_ALERTS)], sync_to_thread=True,
     tags=["figures"], status_code=204)  # fmt: skip
def note_staff_time(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[NewMinutes]) -> None:
    """Write down how long staff worked on this alert in all."""
    with transaction() as session:
        spending.set_minutes(session, alert_id, by=request.user, minutes=data.minutes)


@get("/calls", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_calls_by_month(request: StaffRequest, since: Since = "", until: Until = "") -> CallsView:
    """Calls to the council by month and category, as they were imported."""
    asked, council_id = _asked(since, until), request.user.council_id
    with transaction() as session:
        known = calling.categories(session, council_id)
        months = calling.by_month(session, council_id, since=asked.since, until=asked.until)
    return CallsView(
        since=asked.since,
        until=asked.until,
        categories=[
            CategoryView(category=one.name, topic=one.topic, calls=one.calls, first=one.first, last=one.last)
            for one in known
        ],
        months=[
            MonthOfCalls(month=month, category=category, calls=count)
            for month, found in months.items()
            for category, count in found.items()
        ],
    )


@dataclass
class CallsOperation(Operation):
    """The import's documentation: its body is a file, which no type of ours describes."""

    def __post_init__(self) -> None:
        csv_text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, description="A CSV file with a header."))
        self.request_body = RequestBody({"text/csv": csv_text}, required=True)


@post(
    "/calls/import",
    guards=[RequiresLive(Right.CHANGE_FIGURES)],
    status_code=200,
    sync_to_thread=True,
    tags=["figures"],
    request_max_body_size=MOST_BYTES + 1,
    operation_class=CallsOperation,
)
def import_calls(request: StaffRequest, body: RawBody) -> CallReportView:
    """Take in calls from a CSV file, with a report row by row. The same hours again replace what was known of them.

    Columns in any order: date (2026-11-24 or 24/11/2026, or with the hour in the same cell), hour (9 or 09:00; without
    it the row is of the whole day), category (or queue), calls. Hours are those of this country.
    """
    user = request.user
    with transaction() as session:
        report = calling.import_calls(session, council_id=user.council_id, actor=user.actor, rows=read_calls(body))
    return CallReportView.of(report)


@put("/calls/categories", guards=[RequiresLive(Right.CHANGE_FIGURES)], sync_to_thread=True, tags=["figures"],
     status_code=204)  # fmt: skip
def change_category(request: StaffRequest, data: JSONBody[NewCategory]) -> None:
    """Say which topic a category of calls is about, so that its calls are laid beside that topic's alerts."""
    user = request.user
    with transaction() as session:
        topic = topics_by_slug(session, user.council_id).get(data.topic) if data.topic else None
        if data.topic and topic is None:
            raise calling.NoSuchCategory("Your council has no such topic.")
        topic_id = topic.id if topic else None
        calling.say_topic(
            session, council_id=user.council_id, actor=user.actor, category=data.category, topic_id=topic_id
        )


@get("/alerts/{alert_id:uuid}/calls", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_calls_around(request: StaffRequest, alert_id: FromPath[UUID]) -> AroundView:
    """Calls by the hour around an alert, beside those of the same hours in the four weeks before."""
    with transaction() as session:
        alert = _alert(session, request.user, alert_id)
        return AroundView.of(calling.around(session, alert, started_at(alert)))


@get("/publication", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["figures"])
def read_publication(request: StaffRequest) -> PublicationView:
    """Whether the council shows its figures to everyone, and where."""
    with transaction() as session:
        return _publication(session, request.user.council_id)


@put("/publication", guards=[RequiresLive(Right.CHANGE_FIGURES)], sync_to_thread=True, tags=["figures"])
def change_publication(request: StaffRequest, data: JSONBody[WhatToPublish]) -> PublicationView:
    """Show the figures to everyone, or stop."""
    user = request.user
    with transaction() as session:
        publication.set_publication(session, council_id=user.council_id, actor=user.actor, new=data)
        return _publication(session, user.council_id)


def _publication(session: Session, council_id: UUID) -> PublicationView:
    address = f"{settings().base_url}/performance?council={council(session, council_id).slug}"
    return PublicationView.of(publication.publication(session, council_id), address)


HANDLERS: Sequence[ControllerRouterHandler] = (
    read_service_levels,
    change_service_level_target,
    note_breach,
    read_costs,
    change_assumptions,
    list_prices,
    add_price,
    read_cost_sheet,
    note_staff_time,
    read_calls_by_month,
    import_calls,
    change_category,
    read_calls_around,
    read_publication,
    change_publication,
)
