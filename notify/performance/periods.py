"""Which months a page shows: the last twelve, unless other days are asked for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from notify import clock

LONDON = ZoneInfo("Europe/London")
MONTHS = 12
LONGEST = timedelta(days=366 * 10)


@dataclass(frozen=True, slots=True)
class Period:
    """Days on the clock of this country, both included."""

    since: date
    until: date


def today() -> date:
    """The day it is in this country."""
    return clock.now().astimezone(LONDON).date()


def midnight(day: date) -> datetime:
    """When this day begins in this country."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def month_before(day: date, months: int) -> date:
    """The first day of the month so many months before that of `day`."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def months_between(since: date, until: date) -> list[str]:
    """Every month from that of `since` to that of `until`, as 2026-11."""
    first, last = since.year * 12 + since.month - 1, until.year * 12 + until.month - 1
    return [f"{count // 12}-{count % 12 + 1:02}" for count in range(first, last + 1)]


def period(since: str = "", until: str = "") -> Period:
    """From one day to another as they were written; nonsense and what is missing: this month and the eleven before."""
    end = _day(until) or today()
    begin = _day(since) or month_before(end, MONTHS - 1)
    return Period(max(min(begin, end), end - LONGEST), end)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
