"""Staff pages of calls: upload a file, assign categories to topics, compare calls with an alert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.alerts.queries import alert as one_alert
from notify.charts.bars import stacked
from notify.charts.chart import MOST_SERIES, Chart, Mark, Series
from notify.charts.lines import lines
from notify.core.db import transaction
from notify.core.form_fields import FieldError
from notify.insight.calls import service as calling
from notify.insight.calls.csv_file import MOST_BYTES, CallsNotReadable, read_calls
from notify.insight.calls.service import HOURS_BEFORE, Around, CallReport
from notify.insight.months import month_name, months_between
from notify.insight.period import Period, chosen
from notify.insight.report_frame import report_page
from notify.insight.rollups import started_at
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import Menu, MenuItem
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.queries import topics
from notify.web.forms import read_form

PATH = "/staff/figures/calls"
OTHERS = "Others"


@dataclass(frozen=True, slots=True)
class Upload:
    """The submitted file."""

    content: bytes = b""


async def uploaded(request: StaffRequest) -> Upload:
    """What the form of this request holds."""
    file = (await request.form()).get("file")
    return Upload(await file.read(MOST_BYTES + 1) if isinstance(file, UploadFile) else b"")


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_calls(request: StaffRequest) -> Response[object]:
    """Calls by month and category."""
    return _shown(request.user, chosen({name: str(value) for name, value in request.query_params.items()}))


@staff_post(
    PATH,
    RequiresLive(Right.CHANGE_FIGURES),
    status_code=200,
    request_max_body_size=MOST_BYTES + 100_000,
    dependencies={"upload": Provide(uploaded)},
)
def import_file(request: StaffRequest, upload: NamedDependency[Upload]) -> Response[object]:
    """Take in a file and say row by row what was not kept, or why none of it was."""
    user = request.user
    try:
        if not upload.content:
            raise CallsNotReadable("Choose a file.")
        with transaction() as session:
            rows = read_calls(upload.content)
            report = calling.import_calls(session, council_id=user.council_id, actor=user.actor, rows=rows)
    except CallsNotReadable as error:
        return _shown(user, chosen({}), field_errors=[FieldError("file", error.detail)])
    return _shown(user, chosen({}), report=report)


@staff_post(f"{PATH}/topics", RequiresLive(Right.CHANGE_FIGURES))
def save_topics(request: StaffRequest, body: RawBody) -> Response[object]:
    """Say which topic each category is about."""
    form, user = read_form(body), request.user
    with transaction() as session:
        own = {topic.slug: topic.id for topic in topics(session, [user.council_id])}
        for name, slug in zip(form.all("category"), form.all("topic"), strict=False):
            if slug and slug not in own:
                raise calling.NoSuchCategory("Choose one of your topics.")
            calling.say_topic(
                session, council_id=user.council_id, actor=user.actor, category=name, topic_id=own.get(slug)
            )
    return Redirect(f"{PATH}#topics", status_code=303)


def _shown(
    user: Principal, days: Period, *, report: CallReport | None = None, field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    with transaction() as session:
        known = calling.categories(session, user.council_id)
        found = calling.by_month(session, user.council_id, since=days.since, until=days.until)
        own = topics(session, [user.council_id])
    return report_page(
        user,
        "reports/calls.html",
        section=PATH,
        period=days,
        status=422 if field_errors else 200,
        by_month=_by_month(found, days),
        categories=known,
        topics=own,
        report=report,
        field_errors=field_errors,
        may_change=user.may(Right.CHANGE_FIGURES),
    )


def _by_month(found: Mapping[str, Mapping[str, int]], days: Period) -> Chart:
    """Calls by month, the largest categories apart from the others."""
    sums: dict[str, int] = {}
    for counted in found.values():
        for name, many in counted.items():
            sums[name] = sums.get(name, 0) + many
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    large = ranked if len(ranked) <= MOST_SERIES else ranked[: MOST_SERIES - 1]
    months = months_between(days.since, days.until) if found else []
    series = [Series(name, [found.get(month, {}).get(name, 0) for month in months]) for name in large]
    if len(large) < len(ranked):
        rest = [sum(found.get(month, {}).get(name, 0) for name in ranked[len(large) :]) for month in months]
        series.append(Series(OTHERS, rest))
    empty = "No calls of these days are known. Upload a file below."
    return stacked("Calls by month", [month_name(month) for month in months], series, head="Month", empty=empty)


@staff_get(f"{PATH}/{{alert_id:uuid}}", Requires(Right.SEE_FIGURES))
def show_calls_around(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Calls by the hour, from a day before an alert to two days after it."""
    user = request.user
    with transaction() as session:
        alert = one_alert(session, user, alert_id)
        found = calling.around(session, alert, started_at(alert))
    return report_page(
        user,
        "reports/calls-around-alert.html",
        section=PATH,
        alert=alert,
        found=found,
        by_hour=_by_hour(found),
        after=found.after(),
    )


def _by_hour(found: Around) -> Chart:
    is_known = any(one.calls is not None for one in found.hours)
    hours = found.hours if is_known else []
    past = found.began.minute / 60
    return lines(
        "Calls by the hour",
        [one.said for one in hours],
        [Series("Calls", [one.calls for one in hours]), Series("As usual", [one.usual for one in hours])],
        head="Hour",
        write=lambda value: f"{value:,.1f}".removesuffix(".0"),
        marks=[Mark("Alert", HOURS_BEFORE + past, "sent")],
        empty="No calls by the hour are known of these days.",
    )


MENU_ITEMS = (MenuItem("Calls", "/staff/figures/calls", Right.SEE_FIGURES, 130, Menu.REPORTS),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_calls, import_file, save_topics, show_calls_around)
