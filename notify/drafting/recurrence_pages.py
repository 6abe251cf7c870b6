"""Having an alert come again, and pausing or ending that."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.types import ControllerRouterHandler

from notify.alerts import remit
from notify.alerts.models import Alert
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, Form
from notify.core.typed_text import read_day, read_time
from notify.drafting import recurrence
from notify.drafting.calendar import WEEKDAYS
from notify.drafting.models import Rule
from notify.drafting.recurrence import CannotRecur, Plan
from notify.drafting.route_options import OfficerRequest, desk_get, desk_post, see_other
from notify.staff.guards import Principal
from notify.staff.page_frame import Fault, staff_page
from notify.web.forms import read_form

CALENDAR = "/staff/calendar"
PATH = "/staff/alerts/{alert_id:uuid}/repeat"
COMES_AGAIN = "/staff/recurrences/{recurrence_id:uuid}"
AGAIN = f"{CALENDAR}#again"


@desk_get(PATH)
def ask_how_often(request: OfficerRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """How often shall it come again?"""
    with transaction() as session:
        return _repeat_page(request.user, remit.own(session, request.user, alert_id), EMPTY, [])


def _repeat_page(user: Principal, alert: Alert, form: Form, faults: Sequence[Fault]) -> Response[object]:
    return staff_page(
        user,
        "drafting/recurrence.html",
        at=CALENDAR,
        status=422 if faults else 200,
        alert=alert,
        form=form,
        weekdays=WEEKDAYS,
        faults=faults,
    )


@desk_post(PATH)
def repeat(request: OfficerRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Have it come again."""
    form, user = read_form(body), request.user
    with transaction() as session:
        alert = remit.own(session, user, alert_id)
        try:
            recurrence.begin(session, alert, by=user, plan=_read(form))
        except (CannotRecur, _Faulty) as error:
            faults = error.faults if isinstance(error, _Faulty) else [Fault("first", error.detail)]
            return _repeat_page(user, alert, form, faults)
    return see_other(AGAIN)


class _Faulty(Exception):
    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__()
        self.faults = faults


def _read(form: Form) -> Plan:
    """The plan that the form describes. Raises: _Faulty."""
    faults: list[Fault] = []
    if form.one("rule") not in set(Rule):
        faults.append(Fault("rule", "Choose how often."))
    every = form.one("every") or "1"
    if not (every.isascii() and every.isdecimal()) or not 1 <= int(every) <= 52:
        faults.append(Fault("every", "Enter a number from 1 to 52."))
    weekdays = [int(day) for day in form.all("weekday") if day in {str(number) for number in range(7)}]
    at = _parsed(read_time, form, "at", faults)
    first = _parsed(read_day, form, "first", faults)
    last = _parsed(read_day, form, "last", faults)
    if faults or at is None or first is None or last is None:
        raise _Faulty(faults)
    rule = Rule(form.one("rule"))
    return Plan(rule, int(every), at, first, last, weekdays if rule == Rule.WEEKLY else ())


Value = TypeVar("Value")


def _parsed(read: Callable[[str], Value], form: Form, field: str, faults: list[Fault]) -> Value | None:
    try:
        return read(form.one(field))
    except ValueError as error:
        faults.append(Fault(field, str(error)))
        return None


@desk_post(f"{COMES_AGAIN}/pause")
def pause(request: OfficerRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Let it come no more for now."""
    with transaction() as session:
        recurrence.pause(session, recurrence_id, by=request.user)
    return see_other(AGAIN)


@desk_post(f"{COMES_AGAIN}/go-on")
def go_on(request: OfficerRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Let it come again."""
    with transaction() as session:
        recurrence.go_on(session, recurrence_id, by=request.user)
    return see_other(AGAIN)


@desk_post(f"{COMES_AGAIN}/end")
def end(request: OfficerRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Let it come no more."""
    with transaction() as session:
        recurrence.end(session, recurrence_id, by=request.user)
    return see_other(AGAIN)


HANDLERS: Sequence[ControllerRouterHandler] = (ask_how_often, repeat, pause, go_on, end)
