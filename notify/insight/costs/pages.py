"""The staff pages of costs: what was spent, what it rests on, and the cost sheet of an incident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.alerts.queries import alert as one_alert
from notify.charts.bars import bars
from notify.charts.chart import Chart, Item, Mark, Series
from notify.charts.lines import lines
from notify.charts.words import pounds, whole
from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.insight.costs import prices
from notify.insight.costs import service as spending
from notify.insight.costs.service import Cost
from notify.insight.months import month_name, months_between
from notify.insight.performance_models import Assumptions, NewPrice
from notify.insight.period import Period, chosen
from notify.insight.report_frame import report_page
from notify.providers.base import Channel
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.models import Budget
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH = "/staff/figures/costs"
NUMBERS = ("call_pence", "low_percent", "high_percent", "staff_hour_pence")
MOST_CAMPAIGNS = 20
# what an officer reads of a field that cannot be read
WORDS: Mapping[str, str] = {
    "call_pence": "Write the cost of a call in pence, such as 465.",
    "low_percent": "Write per cent from 0 to 100.",
    "high_percent": "Write per cent from 0 to 100.",
    "staff_hour_pence": "Write the cost of an hour in pence, such as 2400.",
    "channel": "Choose a channel.",
    "provider": "Write the provider’s short name, as in NOTIFY_SMS_PROVIDERS.",
    "pence": "Write the price in pence, such as 2.4.",
    "valid_from": "Enter the day from which it holds, like 3 December 2027.",
    "source": "Say where the price is written: a contract, an invoice.",
}


@dataclass(frozen=True, slots=True)
class Again:
    """A form that is shown once more: which one, what was filled in, and what is wrong with it."""

    form: Form = EMPTY
    field_errors: Sequence[FieldError] = ()


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_costs(request: StaffRequest) -> Response[object]:
    """What was spent on what, for how many people, and what calls that were not made might have cost."""
    return _shown(request.user, chosen({name: str(value) for name, value in request.query_params.items()}))


@staff_post(f"{PATH}/assumptions", RequiresLive(Right.CHANGE_FIGURES))
def save_assumptions(request: StaffRequest, body: RawBody) -> Response[object]:
    """Estimate with these from now on, or say what is wrong with them."""
    form, user = read_form(body), request.user
    said: dict[str, object] = {name: form.one(name) or None for name in NUMBERS}
    said |= {name: form.one(name) for name in ("call_source", "share_source", "staff_source")}
    try:
        new = Assumptions.model_validate(said | {"is_exempt": form.has("is_exempt")})
        with transaction() as session:
            spending.set_assumptions(session, council_id=user.council_id, actor=user.actor, new=new)
    except ValidationError as error:
        return _shown(user, chosen({}), Again(form, field_errors_of(error)))
    except NotifyError as error:
        field = "call_source" if "cost of a call" in error.detail else "low_percent"
        return _shown(user, chosen({}), Again(form, [FieldError(field, error.detail)]))
    return Redirect(f"{PATH}#assumptions", status_code=303)


@staff_post(f"{PATH}/prices", RequiresLive(Right.CHANGE_FIGURES))
def save_price(request: StaffRequest, body: RawBody) -> Response[object]:
    """Write down a price, or say what is wrong with it."""
    form, user = read_form(body), request.user
    names = ("channel", "provider", "pence", "valid_from", "source")
    try:
        new = NewPrice.model_validate({name: form.one(name) for name in names})
        with transaction() as session:
            prices.add_price(session, council_id=user.council_id, actor=user.actor, new=new)
    except ValidationError as error:
        return _shown(user, chosen({}), Again(form, field_errors_of(error)))
    except prices.PriceKnown as error:
        return _shown(user, chosen({}), Again(form, [FieldError("valid_from", error.detail)]))
    return Redirect(f"{PATH}#prices", status_code=303)


def field_errors_of(error: ValidationError) -> Sequence[FieldError]:
    """What is wrong with each field of a form, in our words."""
    fields = dict.fromkeys(
        str(field_error["loc"][0]) for field_error in error.errors(include_url=False) if field_error["loc"]
    )
    return [FieldError(name, WORDS.get(name, "This is too long.")) for name in fields]


def _shown(user: Principal, days: Period, again: Again | None = None) -> Response[object]:
    again = again or Again()
    with transaction() as session:
        values = _figures(session, user.council_id, days)
    return report_page(
        user,
        "reports/costs.html",
        section=PATH,
        period=days,
        status=422 if again.field_errors else 200,
        may_change=user.may(Right.CHANGE_FIGURES),
        may_budget=user.may(Right.CHANGE_BUDGET),
        form=again.form,
        field_errors=again.field_errors,
        channels=[channel.value for channel in Channel],
        avoided=spending.avoided,
        pounds=lambda pence: pounds(pence / 100),
        **values,
    )


def _figures(session: Session, council_id: UUID, days: Period) -> dict[str, Any]:
    def broken_down(by: spending.By) -> Sequence[Cost]:
        return spending.costs(session, council_id, by=by, since=days.since, until=days.until)

    topics, campaigns = broken_down(spending.By.TOPIC), broken_down(spending.By.CAMPAIGN)
    budget = session.get(Budget, council_id)
    months = months_between(days.since, days.until)
    spent = spending.spent_by_month(session, council_id, days.since.replace(day=1))
    return {
        "total": spending.together(topics, "In all"),
        "rest": spending.assumptions(session, council_id),
        "by_topic": _by_topic(topics),
        "by_month": _by_month(months, spent, budget),
        "topics": topics,
        "campaigns": campaigns[:MOST_CAMPAIGNS],
        "budget": budget,
        "prices": prices.prices(session, council_id),
    }


def _by_topic(topics: Sequence[Cost]) -> Chart:
    items = [
        Item(one.name, one.pence / 100, more=(whole(one.messages), per_person(one)), href="") for one in topics[:20]
    ]
    heads = ("Topic", "Cost", "Messages", "For each person reached")
    return bars("Cost by topic", items, heads=heads, write=pounds, empty="Nothing was sent in these days.")


def per_person(one: Cost) -> str:
    """Pence for each person reached, as it is written."""
    return "nobody reached" if one.per_person is None else f"{one.per_person:,.2f}p"


def _by_month(months: Sequence[str], spent: Mapping[str, float], budget: Budget | None) -> Chart:
    """What was booked in each month beside what may be spent."""
    values = [spent.get(month, 0.0) / 100 for month in months] if spent else []
    target = Mark("Budget", budget.monthly_pence / 100, pounds(budget.monthly_pence / 100)) if budget else None
    return lines(
        "Spending by month",
        [month_name(month) for month in months] if values else [],
        [Series("Spent", values)],
        head="Month",
        write=pounds,
        target=target,
        empty="Nothing that costs anything was sent in these months.",
    )


@staff_get(f"{PATH}/{{alert_id:uuid}}", Requires(Right.SEE_FIGURES))
def show_cost_sheet(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """What an alert cost with everything that followed it."""
    return _sheet(request.user, alert_id)


@staff_post(f"{PATH}/{{alert_id:uuid}}", RequiresLive(Right.WRITE_ALERTS))
def save_minutes(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Write down how long staff worked on it."""
    form, user = read_form(body), request.user
    try:
        with transaction() as session:
            written = form.one("minutes")
            minutes = int(written) if written.isascii() and written.isdigit() and len(written) < 8 else -1
            spending.set_minutes(session, alert_id, by=user, minutes=minutes)
    except spending.MinutesNotPossible as error:
        return _sheet(user, alert_id, Again(form, [FieldError("minutes", error.detail)]))
    return Redirect(f"{PATH}/{alert_id}", status_code=303)


def _sheet(user: Principal, alert_id: UUID, again: Again | None = None) -> Response[object]:
    again = again or Again()
    with transaction() as session:
        alert = one_alert(session, user, alert_id)
        lines_of = spending.campaign(session, alert)
        rest = spending.assumptions(session, user.council_id)
    total = spending.together(lines_of, "In all")
    return report_page(
        user,
        "reports/cost-sheet.html",
        section=PATH,
        status=422 if again.field_errors else 200,
        alert=alert,
        lines=lines_of,
        minutes=next((one.minutes for one in lines_of if one.key == str(alert.id)), 0),
        total=total,
        rest=rest,
        avoided=spending.avoided(total, rest),
        staff=spending.staff_pence(total, rest),
        per_person=per_person,
        pounds=lambda pence: pounds(pence / 100),
        form=again.form,
        field_errors=again.field_errors,
    )


MENU_ITEMS = (MenuItem("Costs", "/staff/figures/costs", Right.SEE_FIGURES, 120, Menu.REPORTS),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_costs, save_assumptions, save_price, show_cost_sheet, save_minutes)
