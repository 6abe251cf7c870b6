"""Pages of scheduled exports and their results."""

from collections.abc import Callable, Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.exports import schedules
from notify.exports.file_formats import Format
from notify.exports.models import ExportSchedule, Rhythm
from notify.exports.schedules import Plan, ScheduleNotValid
from notify.insight.report_frame import report_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH = "/staff/exports/schedules"
ONE = f"{PATH}/{{schedule_id:uuid}}"
Change = Callable[[Session, ExportSchedule, str], None]


@staff_get(PATH, Requires(Right.SEE_FIGURES))
def show_schedules(request: StaffRequest) -> Response[object]:
    """What is sent regularly to whom, its result, and a form for more."""
    return _page(request.user, EMPTY)


def _page(user: Principal, form: Form, field_errors: Sequence[FieldError] = (), secret: str = "") -> Response[object]:
    with transaction() as session:
        found = schedules.schedules(session, user.council_id)
        names = schedules.names_of(session, [officer for one in found for officer in one.officers])
        runs = schedules.runs(session, user.council_id)
    return report_page(
        user,
        "exports/schedules.html",
        section="/staff/exports",
        status=422 if field_errors else 200,
        schedules=found,
        names=names,
        runs=runs,
        whats=schedules.CHOICES,
        formats=list(Format),
        form=form,
        field_errors=field_errors,
        secret=secret,
        may_call=user.may(Right.CHANGE_FIGURES),
    )


@staff_post(PATH, Requires(Right.SEE_FIGURES), status_code=200)
def begin(request: StaffRequest, body: RawBody) -> Response[object]:
    """Send something from now on."""
    form, user = read_form(body), request.user
    field_errors = [
        FieldError(name, message)
        for name, known, message in (
            ("what", schedules.CHOICES, "Choose what"),
            ("rhythm", set(Rhythm), "Choose how often"),
        )
        if form.one(name) not in known
    ]
    if field_errors:
        return _page(user, form, field_errors)
    plan = Plan(
        what=form.one("what"),
        kind=Format(form.one("format")) if form.one("format") in set(Format) else Format.CSV,
        rhythm=Rhythm(form.one("rhythm")),
        emails=form.one("emails").replace(",", " ").split(),
        webhook=form.one("webhook"),
    )
    if plan.webhook:
        user.require(Right.CHANGE_FIGURES)
    try:
        with transaction() as session:
            made = schedules.begin(session, council_id=user.council_id, actor=user.actor, plan=plan)
            secret = made.secret
    except ScheduleNotValid as error:
        return _page(user, form, [FieldError(str(error.fields.get("field", "what")), error.detail)])
    return _page(user, EMPTY, secret=secret) if secret else Redirect(PATH, status_code=303)


def _change(request: StaffRequest, schedule_id: UUID, change: Change) -> Response[object]:
    user = request.user
    with transaction() as session:
        one = schedules.schedule(session, user.council_id, schedule_id)
        if one.created_by != user.actor:
            user.require(Right.CHANGE_FIGURES)  # one's own, or as an administrator
        change(session, one, user.actor)
    return Redirect(PATH, status_code=303)


def _door(verb: str) -> Callable[..., ControllerRouterHandler]:
    return staff_post(f"{ONE}/{verb}", Requires(Right.SEE_FIGURES), status_code=200)


@_door("pause")
def pause(request: StaffRequest, schedule_id: FromPath[UUID]) -> Response[object]:
    """Send it no more for now."""
    return _change(request, schedule_id, lambda session, one, actor: schedules.pause(session, one, actor=actor))


@_door("go-on")
def go_on(request: StaffRequest, schedule_id: FromPath[UUID]) -> Response[object]:
    """Send it again."""
    return _change(request, schedule_id, lambda session, one, actor: schedules.go_on(session, one, actor=actor))


@_door("remove")
def remove(request: StaffRequest, schedule_id: FromPath[UUID]) -> Response[object]:
    """Never send it again."""
    return _change(request, schedule_id, lambda session, one, actor: schedules.remove(session, one, actor=actor))


@_door("send")
def send(request: StaffRequest, schedule_id: FromPath[UUID]) -> Response[object]:
    """Send it once beside its turns."""
    return _change(request, schedule_id, lambda session, one, actor: schedules.send_now(session, one, actor=actor))


HANDLERS: Sequence[ControllerRouterHandler] = (show_schedules, begin, pause, go_on, remove, send)
