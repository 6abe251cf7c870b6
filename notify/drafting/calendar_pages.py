"""What went out and what goes out when, month by month."""

from calendar import Calendar
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from litestar import Response
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler

from notify.core import clock
from notify.core.clock import LONDON, midnight
from notify.core.db import transaction
from notify.drafting import calendar as months
from notify.drafting import recurrence, recurring_ended_areas
from notify.drafting.calendar import WEEKDAYS, Entry, day_of, rule_in_words
from notify.drafting.route_options import SEES
from notify.staff.guards import Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get

PATH = "/staff/calendar"
EARLIEST, LATEST = 2000, 2100


@dataclass(frozen=True, slots=True)
class Cell:
    """One day in the table of a month: how many alerts, and whether two of them are close together."""

    day: date
    alerts: int
    is_close: bool


@staff_get(PATH, SEES)
def show_month(request: StaffRequest, month: FromQuery[str] = "") -> Response[object]:
    """One month: what was sent, what is scheduled and what comes again, day by day."""
    user = request.user
    first = _month(month)
    following = (first + timedelta(days=32)).replace(day=1)
    begins, ends = (midnight(day) for day in (first, following))
    with transaction() as session:
        entries = months.entries(session, user.council_id, user.remit, begins, ends)
        coming = recurrence.running(session, user.council_id, user.remit)
        ended = recurring_ended_areas.ended_of(session, [one for one, _ in coming])
    by_day: defaultdict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_day[day_of(entry)].append(entry)
    return staff_page(
        user,
        "drafting/calendar.html",
        at=PATH,
        first=first,
        before=(first - timedelta(days=1)).strftime("%Y-%m"),
        after=following.strftime("%Y-%m"),
        weeks=_weeks(first, by_day),
        weekdays=WEEKDAYS,
        by_day=sorted(by_day.items()),
        is_full=len(entries) >= months.MOST,
        today=clock.now().astimezone(LONDON).date(),
        again=[(one, str(one.content["title"]), rule_in_words(one)) for one, _ in coming],
        ended=ended,
        may_write=user.may(Right.WRITE_ALERTS),
    )


def _month(written: str) -> date:
    try:
        found = date.fromisoformat(f"{written}-01")
    except ValueError:
        found = date.min
    if not EARLIEST <= found.year <= LATEST:
        return clock.now().astimezone(LONDON).date().replace(day=1)
    return found


def _weeks(first: date, by_day: Mapping[date, Sequence[Entry]]) -> Sequence[Sequence[Cell | None]]:
    """The month as weeks that begin on Monday; None stands for days of other months."""
    return [
        [
            Cell(day, len(by_day.get(day, ())), any(entry.clashes for entry in by_day.get(day, ())))
            if day.month == first.month
            else None
            for day in week
        ]
        for week in Calendar().monthdatescalendar(first.year, first.month)
    ]


MENU_ITEMS = (MenuItem("Calendar", "/staff/calendar", Right.SEE_ALERTS, 40),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_month,)
