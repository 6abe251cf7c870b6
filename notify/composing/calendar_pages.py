"""What went out and what goes out when, month by month, and alerts that come again."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Session, col, func, select

from notify import clock
from notify.alerts import deciding
from notify.alerts.models import Alert, AlertState, Priority
from notify.alerts.visibility import visible
from notify.composing import recurrence
from notify.composing.doors import OfficerRequest, desk_get, desk_post, see_get, see_other
from notify.composing.models import Rule
from notify.composing.reading import LONDON
from notify.composing.recurrence import CannotRecur, Plan
from notify.db import transaction
from notify.places.models import Targets
from notify.staff.desk import Fault, staff_page
from notify.staff.guards import Principal, Right
from notify.subscribers.models import Topic
from notify.web.forms import EMPTY, Form, read_form

PATH = "/staff/calendar"
CLOSE = timedelta(hours=2)
MOST = 1000


@dataclass(slots=True)
class Entry:
    """One alert on the calendar, at its moment on the clock of this country."""

    id: UUID
    at: datetime
    title: str
    topic: str
    state: str
    is_emergency: bool
    targets: Targets | None
    clashes: str = ""


@see_get(PATH)
def show_month(request: OfficerRequest, month: FromQuery[str] = "") -> Response[object]:
    """One month: what was sent and what is scheduled, day by day."""
    user = request.user
    first = _month(month)
    following = (first + timedelta(days=32)).replace(day=1)
    with transaction() as session:
        entries = _entries(session, user, first, following)
        coming = recurrence.running(session, user.council_id) if user.may(Right.WRITE_ALERTS) else []
        again = [(one, str(one.content["title"])) for one in coming]
    by_day: defaultdict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_day[entry.at.date()].append(entry)
    return staff_page(
        user,
        "staff-calendar.html",
        at=PATH,
        first=first,
        before=(first - timedelta(days=1)).strftime("%Y-%m"),
        after=following.strftime("%Y-%m"),
        by_day=sorted(by_day.items()),
        today=clock.now().astimezone(LONDON).date(),
        again=again,
        may_write=user.may(Right.WRITE_ALERTS),
    )


def _month(written: str) -> date:
    try:
        return date.fromisoformat(f"{written}-01")
    except ValueError:
        return clock.now().astimezone(LONDON).date().replace(day=1)


def _entries(session: Session, user: Principal, first: date, following: date) -> Sequence[Entry]:
    begins, ends = (datetime.combine(day, time(), LONDON) for day in (first, following))
    at = func.coalesce(col(Alert.expanded_at), col(Alert.send_at))
    statement = (
        select(Alert, Topic)
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .where(
            Alert.council_id == user.council_id,
            at >= begins,
            at < ends,
            col(Alert.is_test).is_(False),
            col(Alert.parts).is_(None),
            col(Alert.state).in_([AlertState.SUBMITTED, AlertState.SCHEDULED, AlertState.SENDING, AlertState.SENT]),
            *visible(user.remit),
        )
        .order_by(at)
        .limit(MOST)
    )
    found = [_entry(alert, topic) for alert, topic in session.exec(statement)]
    _mark_clashes(found)
    return found


def _entry(alert: Alert, topic: Topic) -> Entry:
    at = alert.expanded_at or alert.send_at or alert.created_at
    return Entry(
        alert.id,
        at.astimezone(LONDON),
        alert.title,
        topic.name,
        alert.state.value,
        alert.priority == Priority.EMERGENCY,
        Targets.from_json(alert.targets) if alert.targets else None,
    )


def _mark_clashes(entries: Sequence[Entry]) -> None:
    """Say of routine alerts that come soon after another for the same places that they do."""
    for number, entry in enumerate(entries):
        for earlier in entries[:number]:
            is_close = entry.at - earlier.at < CLOSE and not (entry.is_emergency or earlier.is_emergency)
            if is_close and overlap(entry.targets, earlier.targets):
                entry.clashes = earlier.title


def overlap(one: Targets | None, other: Targets | None) -> bool:
    """Whether two audiences share a ward, a district or a postcode, as far as their codes say."""
    if one is None or other is None:
        return False
    if one.everywhere or other.everywhere:
        return True
    return any(
        set(getattr(one.included, kind)) & set(getattr(other.included, kind))
        for kind in ("wards", "districts", "postcodes", "sectors")
    )


@desk_get("/staff/alerts/{alert_id:uuid}/repeat")
def ask_how_often(request: OfficerRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """How often shall it come again?"""
    with transaction() as session:
        return _repeat_page(request.user, deciding.own(session, request.user, alert_id), EMPTY, [])


def _repeat_page(user: Principal, alert: Alert, form: Form, faults: Sequence[Fault]) -> Response[object]:
    return staff_page(
        user, "staff-repeat.html", at=PATH, status=422 if faults else 200, alert=alert, form=form, faults=faults
    )


@desk_post("/staff/alerts/{alert_id:uuid}/repeat")
def repeat(request: OfficerRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Have it come again."""
    form, user = read_form(body), request.user
    with transaction() as session:
        alert = deciding.own(session, user, alert_id)
        try:
            recurrence.begin(session, alert, actor=user.actor, plan=_read(form))
        except (CannotRecur, _Faulty) as error:
            faults = error.faults if isinstance(error, _Faulty) else [Fault("first", error.detail)]
            return _repeat_page(user, alert, form, faults)
    return see_other(PATH)


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
    if not every.isdecimal() or not 1 <= int(every) <= 52:
        faults.append(Fault("every", "Enter a number from 1 to 52."))
    at = _parsed(time.fromisoformat, form, "at", "Enter a time, such as 18:00.", faults)
    first = _parsed(date.fromisoformat, form, "first", "Enter a day, such as 2027-03-27.", faults)
    last = _parsed(date.fromisoformat, form, "last", "Enter a day, such as 2027-06-27.", faults)
    if faults or at is None or first is None or last is None:
        raise _Faulty(faults)
    return Plan(Rule(form.one("rule")), int(every), at, first, last)


Value = TypeVar("Value")


def _parsed(read: Callable[[str], Value], form: Form, field: str, advice: str, faults: list[Fault]) -> Value | None:
    try:
        return read(form.one(field))
    except ValueError:
        faults.append(Fault(field, advice))
        return None


@desk_post("/staff/recurrences/{recurrence_id:uuid}/end")
def end(request: OfficerRequest, recurrence_id: FromPath[UUID]) -> Response[object]:
    """Let it come no more."""
    user = request.user
    with transaction() as session:
        recurrence.end(session, council_id=user.council_id, recurrence_id=recurrence_id, actor=user.actor)
    return see_other(PATH)


HANDLERS: Sequence[ControllerRouterHandler] = (show_month, ask_how_often, repeat, end)
