"""A month as a picture: weeks from Monday to Sunday, each day with what is collected."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import get_day_names

from notify.languages import spoken
from notify.waste.moved_days import Collection
from notify.waste.words import month_words


@dataclass(frozen=True, slots=True)
class Month:
    """`weeks` are rows of days; None is a day of another month."""

    first: date
    title: str
    weeks: Sequence[Sequence[date | None]]


def month_of(day: date) -> Month:
    """The month that this day is in."""
    first = day.replace(day=1)
    weeks = calendar.Calendar().monthdatescalendar(day.year, day.month)
    rows = [[one if one.month == day.month else None for one in week] for week in weeks]
    return Month(first, month_words(first), rows)


def months_from(day: date, count: int) -> Sequence[Month]:
    """This month and those after it."""
    return [month_of(month_after(day, ahead)) for ahead in range(count)]


def month_after(day: date, ahead: int) -> date:
    """The first of the month that is so many months later."""
    number = day.year * 12 + day.month - 1 + ahead
    return date(number // 12, number % 12 + 1, 1)


def last_of_month(day: date) -> date:
    """Its last day."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def weekday_names() -> Sequence[tuple[str, str]]:
    """One letter and the whole name of each day, Monday first."""
    narrow = get_day_names("narrow", context="stand-alone", locale=spoken())
    wide = get_day_names("wide", locale=spoken())
    return [(narrow[number], wide[number]) for number in range(7)]


Days = Mapping[date, Sequence[Collection]]
