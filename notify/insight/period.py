"""The days that a page of figures is about, as they are chosen in its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Invalid
from notify.core.typed_text import read_day

MONTHS_OF_DAYS = 62  # a longer time is drawn month by month
CHOICES: Mapping[str, str] = {
    "month": "This month",
    "last-month": "Last month",
    "quarter": "This quarter",
    "last-quarter": "Last quarter",
    "year": "The last 12 months",
}


class DaysNotValid(Invalid):
    """They end before they begin."""

    title = "These days are the wrong way round"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to `until`, both included. `choice` is one of CHOICES, or empty for days of one's own."""

    since: date
    until: date
    choice: str = ""

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
    """Today, on the clock of this country."""
    return clock.now().astimezone(LONDON).date()


def between(since: date | None, until: date | None) -> Period:
    """These days; without the last, until today, and without the first, twelve months. Raises: DaysNotValid."""
    last = until or today()
    first = since or month_before(last, 11)
    if first > last:
        raise DaysNotValid("`since` must not be later than `until`.")
    return Period(first, last)


def chosen(asked: Mapping[str, str]) -> Period:
    """The days that a form asked for; the last twelve months where it says nothing, or nonsense."""
    since, until = day_of(asked.get("since", "")), day_of(asked.get("until", ""))
    if since and until and since <= until and (until - since).days <= 3660 and asked.get("period", "") not in CHOICES:
        return Period(since, until)
    choice, now = asked.get("period", ""), today()
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


def day_of(written: str) -> date | None:
    """The day that a form's field holds; None where it holds none."""
    try:
        return read_day(written, is_ahead=False)
    except ValueError:
        return None
