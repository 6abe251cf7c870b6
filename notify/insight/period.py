"""The days that a page of figures is about, as they are chosen in its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Invalid
from notify.core.form_fields import FieldError
from notify.core.typed_text import read_day
from notify.staff.typed_days import DaysNotValid, TypedDays

LONGEST_DAYS = 3660
MONTHS_OF_DAYS = 62  # a longer time is drawn month by month
CHOICES: Mapping[str, str] = {
    "month": "This month",
    "last-month": "Last month",
    "quarter": "This quarter",
    "last-quarter": "Last quarter",
    "year": "The last 12 months",
}


# no figures lie outside, and what is compared with them stays within what a date can be
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


class DaysOutOfRange(Invalid):
    """They lie where there can be no figures."""

    title = "These days are out of range"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to `until`, both included. `choice` is one of CHOICES, or empty for days of one's own. `asked`: what
    was typed, where it cannot be read and these are other days.
    """

    since: date
    until: date
    choice: str = ""
    asked: TypedDays | None = field(default=None, compare=False)

    @property
    def field_errors(self) -> Sequence[FieldError]:
        """What is wrong with the days that were asked for."""
        return self.asked.field_errors if self.asked else ()

    def shown(self, name: str) -> str:
        """What the field `since` or `until` of the form holds."""
        return self.asked.shown(name) if self.asked else (self.since if name == "since" else self.until).isoformat()

    def kind(self, name: str) -> str:
        """The type of that field."""
        return self.asked.kind(name) if self.asked else "date"

    @property
    def words(self) -> str:
        """As people say it."""
        return f"{self.since:%-d %B %Y} to {self.until:%-d %B %Y}"

    @property
    def query(self) -> str:
        """What stands behind the `?` of a page of these days."""
        days = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return urlencode({"period": self.choice} if self.choice else days)

    @property
    def is_by_day(self) -> bool:
        """Whether it is short enough to be drawn day by day."""
        return (self.until - self.since).days < MONTHS_OF_DAYS

    def before(self) -> "Period":
        """The time before it, as long: months before months, else as many days."""
        if self.choice:
            months = (self.until.year - self.since.year) * 12 + self.until.month - self.since.month + 1
            since = month_before(self.since, months)
            passed = (self.until - self.since).days
            return Period(since, min(since + timedelta(days=passed), self.since - timedelta(days=1)))
        days = (self.until - self.since).days + 1
        return Period(self.since - timedelta(days=days), self.since - timedelta(days=1))

    def steps(self) -> Sequence[tuple[str, str]]:
        """Each of its days or months: as `slices` calls it, and as people do."""
        if self.is_by_day:
            days = [self.since + timedelta(days=passed) for passed in range((self.until - self.since).days + 1)]
            return [(day.isoformat(), f"{day:%-d %b}") for day in days]
        months, month = [], self.since.replace(day=1)
        while month <= self.until:
            months.append((f"{month:%Y-%m}", f"{month:%b %Y}"))
            month = month_before(month, -1)
        return months

    def place_of(self, day: date) -> float:
        """Where a day lies among the steps, counted from 0."""
        if self.is_by_day:
            return float((day - self.since).days)
        months = (day.year - self.since.year) * 12 + day.month - self.since.month
        return months + (day.day - 1) / 31


def month_before(day: date, months: int) -> date:
    """The first of the month so many months before this day's."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def today() -> date:
    """Today, on the UK clock."""
    return clock.now().astimezone(LONDON).date()


def between(since: date | None, until: date | None) -> Period:
    """These days; without the last, until today, and without the first, twelve months.

    Raises: DaysNotValid, DaysOutOfRange.
    """
    last = until or today()
    first = since or month_before(last, 11)
    if first > last:
        raise DaysNotValid("`since` must not be later than `until`.")
    if first < FIRST_DAY or last > LAST_DAY:
        raise DaysOutOfRange(f"Ask for days from {FIRST_DAY} to {LAST_DAY}.")
    return Period(first, last)


def chosen(asked: Mapping[str, str]) -> Period:
    """The days that a form asked for; the last twelve months where it says nothing, and with `field_errors` where that
    cannot be read.
    """
    choice, now = asked.get("period", ""), today()
    if choice not in CHOICES:
        typed = TypedDays.read(asked)
        own = _own_days(typed)
        if own:
            return own
        if typed.field_errors:
            return replace(chosen({}), asked=typed, choice="")
    first = now.replace(day=1)
    quarter = month_before(first, (now.month - 1) % 3)
    made = {
        "month": Period(first, now, "month"),
        "last-month": Period(month_before(first, 1), first - timedelta(days=1), "last-month"),
        "quarter": Period(quarter, now, "quarter"),
        "last-quarter": Period(month_before(quarter, 3), quarter - timedelta(days=1), "last-quarter"),
        "year": Period(month_before(first, 11), now, "year"),
    }
    return made.get(choice, made["year"])


def _own_days(typed: TypedDays) -> Period | None:
    if typed.field_errors or not (typed.since or typed.until):
        return None
    if typed.since and not typed.until and typed.since > today():
        field_error = FieldError("since", "Enter a first day that is not in the future.")
        return replace(chosen({}), asked=replace(typed, field_errors=[field_error]), choice="")
    found = between(typed.since, typed.until)
    if (found.until - found.since).days > LONGEST_DAYS:
        field_error = FieldError("since", "Choose ten years at most.")
        return replace(chosen({}), asked=replace(typed, field_errors=[field_error]), choice="")
    return found


def day_of(written: str) -> date | None:
    """The day that a form's field holds; None where it holds none."""
    try:
        return read_day(written, is_ahead=False)
    except ValueError:
        return None
