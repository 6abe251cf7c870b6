"""The officers' page of service levels: targets, how alerts fared month by month, and each that missed its target."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from notify.alerts.models import Priority
from notify.charts.chart import Chart, Series
from notify.charts.lines import lines
from notify.charts.words import Write, percent, seconds
from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.insight.months import month_name, months_between
from notify.insight.performance_models import NewTarget
from notify.insight.period import Period, chosen
from notify.insight.report_frame import report_page
from notify.insight.service_levels import objectives
from notify.insight.service_levels import queries as service_levels_queries
from notify.insight.service_levels.queries import Attainment
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH = "/staff/figures/service-levels"
NAMES = {Priority.EMERGENCY: "Emergencies", Priority.ROUTINE: "Routine alerts"}


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_service_levels(request: StaffRequest) -> Response[object]:
    """What is promised, and how it was kept."""
    return _shown(request, chosen({name: str(value) for name, value in request.query_params.items()}))


@staff_post(PATH, RequiresLive(Right.CHANGE_FIGURES))
def save_target(request: StaffRequest, body: RawBody) -> Response[object]:
    """Promise something else from now on, or say why that cannot be."""
    form, user = read_form(body), request.user
    try:
        new = NewTarget.model_validate({name: form.one(name) for name in ("priority", "seconds", "percent")})
        with transaction() as session:
            objectives.set_target(session, council_id=user.council_id, actor=user.actor, new=new)
    except ValidationError as error:
        fields = {str(field_error["loc"][0]) for field_error in error.errors(include_url=False)}
        said = {"seconds": "Write whole seconds from 1 to 7200.", "percent": "Write a number from 50 to 100."}
        which = form.one("priority") or "emergency"
        field_errors = [FieldError(f"{name}-{which}", words) for name, words in said.items() if name in fields]
        return _shown(
            request, chosen({}), form, field_errors or [FieldError(f"seconds-{which}", "Choose one of the two.")]
        )
    except Invalid as error:
        return _shown(request, chosen({}), form, [FieldError(f"seconds-{form.one('priority')}", error.detail)])
    return Redirect(f"{PATH}#targets", status_code=303)


@staff_post(f"{PATH}/{{alert_id:uuid}}", RequiresLive(Right.WRITE_ALERTS))
def note_breach(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Say about a missed target what no program can know."""
    form, user = read_form(body), request.user
    with transaction() as session:
        service_levels_queries.add_note(session, alert_id, by=user, note=form.one("note"))
    return Redirect(f"{PATH}#breach-{alert_id}", status_code=303)


def _shown(
    request: StaffRequest, days: Period, form: Form = EMPTY, field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    user = request.user
    with transaction() as session:
        promised = objectives.targets(session, user.council_id)
        found = service_levels_queries.attainment(session, user.council_id, since=days.since, until=days.until)
        missed = service_levels_queries.breaches(session, user.council_id, since=days.since, until=days.until)
        before = objectives.history(session, user.council_id)
    return report_page(
        user,
        "reports/service-levels.html",
        section=PATH,
        period=days,
        status=422 if field_errors else 200,
        promised={NAMES[priority]: target for priority, target in promised.items()},
        history=before,
        totals={NAMES[priority]: _total(found, priority) for priority in NAMES},
        shares=attained(found, days),
        times=_times(found, days),
        breaches=missed,
        may_change=user.may(Right.CHANGE_FIGURES),
        seconds=seconds,
        names=NAMES,
        form=form,
        field_errors=field_errors,
    )


def _total(found: Sequence[Attainment], priority: Priority) -> tuple[int, int]:
    """How many alerts there were, and how many of them met their target."""
    own = [one for one in found if one.priority == priority]
    return sum(one.alerts for one in own), sum(one.met for one in own)


def attained(found: Sequence[Attainment], days: Period) -> Chart:
    """The share that met its target, month by month."""
    return _by_month(
        "Alerts that met their target",
        {(one.month, one.priority): one.share for one in found},
        days,
        write=percent,
    )


def _times(found: Sequence[Attainment], days: Period) -> Chart:
    return _by_month(
        "Usual time until the promised share was sent",
        {(one.month, one.priority): one.usual_seconds for one in found},
        days,
        write=seconds,
    )


def _by_month(title: str, values: Mapping[tuple[str, Priority], float | None], days: Period, *, write: Write) -> Chart:
    has_any = any(value is not None for value in values.values())
    months = months_between(days.since, days.until) if has_any else []
    own = [(name, [values.get((month, priority)) for month in months]) for priority, name in NAMES.items()]
    series = [Series(name, line) for name, line in own if any(value is not None for value in line)]
    empty = "No alert was judged in these months. Each is judged once its time is over."
    return lines(title, [month_name(month) for month in months], series, head="Month", write=write, empty=empty)


MENU_ITEMS = (MenuItem("Service levels", "/staff/figures/service-levels", Right.SEE_FIGURES, 110, Menu.REPORTS),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_service_levels, save_target, note_breach)
