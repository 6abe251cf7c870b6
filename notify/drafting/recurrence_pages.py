"""Pages to start, pause and end a recurring alert."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.types import ControllerRouterHandler

from notify.alerts import remit
from notify.alerts.models import Alert
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.core.typed_text import read_day, read_time
from notify.drafting import recurrence
from notify.drafting.calendar import WEEKDAYS
from notify.drafting.models import Rule
from notify.drafting.recurrence import CannotRecur, Plan
from notify.drafting.route_options import WRITES, people_only, see_other
from notify.staff.guards import Principal
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

CALENDAR = "/staff/calendar"
PATH = "/staff/alerts/{alert_id:uuid}/repeat"
COMES_AGAIN = "/staff/recurrences/{recurrence_id:uuid}"
AGAIN = f"{CALENDAR}#again"
Value = TypeVar("Value")


@staff_get(PATH, WRITES, people_only)
def ask_how_often(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """The form to send an alert again regularly."""
    with transaction() as session:
        return _repeat_page(request.user, remit.own(session, request.user, alert_id), EMPTY, [])


def _repeat_page(user: Principal, alert: Alert, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    return staff_page(
        user,
        "drafting/recurrence.html",
        at=CALENDAR,
        status=422 if field_errors else 200,
        alert=alert,
        form=form,
        weekdays=WEEKDAYS,
        field_errors=field_errors,
    )


@staff_post(PATH, WRITES, people_only, status_code=200)
def repeat(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Have it come again."""
    form, user = read_form(body), request.user
    with transaction() as session:
        alert = remit.own(session, user, alert_id)
        try:
            recurrence.begin(session, alert, by=user, plan=_read(form))
        except (CannotRecur, _NotValid) as error:
            field_errors = error.field_errors if isinstance(error, _NotValid) else [FieldError("first", error.detail)]
            return _repeat_page(user, alert, form, field_errors)
    return see_other(AGAIN)


class _NotValid(Exception):
    def __init__(self, field_errors: Sequence[FieldError]) -> None:
        super().__init__()
        self.field_errors = field_errors


def _read(form: Form) -> Plan:
    """The plan that the form describes. Raises: _Faulty."""
    field_errors: list[FieldError] = []
    if form.one("rule") not in set(Rule):
        field_errors.append(FieldError("rule", "Choose how often."))
    every = form.one("every") or "1"
    if not (every.isascii() and every.isdecimal()) or not 1 <= int(every) <= 52:
        field_errors.append(FieldError("every", "Enter a number from 1 to 52."))
    weekdays = [int(day) for day in form.all("weekday") if day in {str(number) for number in range(7)}]
    at = _parsed(read_time, form, "at", field_errors)
    first = _parsed(read_day, form, "first", field_errors)
    last = _parsed(read_day, form, "last", field_errors)
    if field_errors or at is None or first is None or last is None:
        raise _NotValid(field_errors)
    rule = Rule(form.one("rule"))
    return Plan(rule, int(every), at, first, last, weekdays if rule == Rule.WEEKLY else ())


def _parsed(read: Callable[[str], Value], form: Form, field: str, field_errors: list[FieldError]) -> Value | None:
    try:
        return read(form.one(field))
    except ValueError as error:
        field_errors.append(FieldError(field, str(error)))
        return None


@staff_post(f"{COMES_AGAIN}/pause", WRITES, people_only, status_code=200)
def pause(request: StaffRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Let it come no more for now."""
    with transaction() as session:
        recurrence.pause(session, recurrence_id, by=request.user)
    return see_other(AGAIN)


@staff_post(f"{COMES_AGAIN}/go-on", WRITES, people_only, status_code=200)
def go_on(request: StaffRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Let it come again."""
    with transaction() as session:
        recurrence.go_on(session, recurrence_id, by=request.user)
    return see_other(AGAIN)


@staff_post(f"{COMES_AGAIN}/end", WRITES, people_only, status_code=200)
def end(request: StaffRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Let it come no more."""
    with transaction() as session:
        recurrence.end(session, recurrence_id, by=request.user)
    return see_other(AGAIN)


HANDLERS: Sequence[ControllerRouterHandler] = (ask_how_often, repeat, pause, go_on, end)
