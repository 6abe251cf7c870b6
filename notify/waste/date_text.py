"""Days as councils and contractors write them: the day first, with or without weekday, year and time.

Nothing is guessed. A weekday alone, a sentence, a day that does not exist, or a weekday that contradicts its date is
refused with the reason. A day without a year is the next such day.
"""

import re
from datetime import date
from functools import lru_cache

from notify.core.errors import Invalid
from notify.waste.recurrence import WEEKDAYS

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAY = r"(?:(?P<weekday>[a-z]{3,9})\.?,?\s+)?"
_TIME = r"(?:[T,\s]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[ap]m)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_SHAPES = (
    r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})",
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4}|\d{2})",
    r"(?P<day>\d{1,2})[-/](?P<month>\d{1,2})",
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?[\s-]+(?P<name>[a-z]{3,9})\.?(?:,?[\s-]+(?P<year>\d{4}|\d{2}))?",
    r"(?P<name>[a-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{4}))?",
)
_PATTERNS = [re.compile(_WEEKDAY + shape + _TIME, re.IGNORECASE | re.ASCII) for shape in _SHAPES]
YEARS_AHEAD = 8  # 29 February, across a year that is no leap year


class DayNotReadable(Invalid):
    """The text is not one day."""

    title = "That is not a date"


@lru_cache(maxsize=4096)
def read_day(text: str, today: date) -> date:
    """The day that the text names; without a year the next such day, `today` included. Raises: DayNotReadable."""
    said = " ".join(text.split())
    if _number(said.lower(), WEEKDAYS) is not None:
        raise DayNotReadable("a weekday is no date")
    found = next((match for one in _PATTERNS if (match := one.fullmatch(said))), None)
    if found is None:
        raise DayNotReadable("no date")
    parts = found.groupdict()
    weekday = _number((parts["weekday"] or "").lower(), WEEKDAYS)
    month = _number(parts["name"].lower(), MONTHS) if parts.get("name") else int(parts["month"]) - 1
    if month is None or (parts["weekday"] and weekday is None):
        raise DayNotReadable("no date")
    day = _existing(int(parts["day"]), month + 1, parts.get("year"), today)
    if weekday is not None and day.weekday() != weekday:
        written = f"{day.day} {MONTHS[day.month - 1].capitalize()} {day.year}"
        raise DayNotReadable(f"{written} is a {WEEKDAYS[day.weekday()].capitalize()}")
    return day


def _number(name: str, names: tuple[str, ...]) -> int | None:
    short = "sep" if name == "sept" else name
    return next((at for at, full in enumerate(names) if len(short) >= 3 and full.startswith(short)), None)


def _existing(day: int, month: int, year: str | None, today: date) -> date:
    years = range(today.year, today.year + YEARS_AHEAD + 1) if year is None else [_century(year)]
    for one in years:
        try:
            found = date(one, month, day)
        except ValueError:
            continue
        if year is not None or found >= today:
            return found
    raise DayNotReadable("no such day")


def _century(year: str) -> int:
    return int(year) + (2000 if len(year) == 2 else 0)
