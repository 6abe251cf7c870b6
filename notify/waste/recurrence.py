"""When a stream is usually collected: every so many weeks, on a weekday of the month, or on a list of days.

Pure: nothing here knows the database. Holidays and one-offs come afterwards, in `calendar.py`.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Self

from dateutil.rrule import MONTHLY, WEEKLY, rrule
from dateutil.rrule import weekday as weekday_of
from pydantic import BeforeValidator, StringConstraints, model_validator
from sqlmodel import Field

from notify.core.db import Input

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_DATES = 800
MOST_WEEKS = 26
DayOfYear = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


def weekday_number(said: object) -> object:
    """0 for Monday to 6 for Sunday, of a name such as `Mon` or `Monday`; anything else comes back as it is."""
    if isinstance(said, str):
        name = said.strip().rstrip(".").lower()
        return next((at for at, full in enumerate(WEEKDAYS) if len(name) >= 3 and full.startswith(name)), said)
    return said


Weekday = Annotated[int, BeforeValidator(weekday_number), Field(ge=0, le=6)]


class Span(Input):
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, given: object) -> object:
        if isinstance(given, list | tuple) and len(given) == 2:
            return {"first": given[0], "last": given[1]}
        return given

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("The last day is before the first.")
        return self

    def holds(self, day: date) -> bool:
        """Whether the day is one of these."""
        return self.first <= day <= self.last


class Season(Input):
    """The part of every year in which a stream is collected, as `MM-DD`, both days included. It may span New Year."""

    first: DayOfYear
    last: DayOfYear

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, given: object) -> object:
        if isinstance(given, list | tuple) and len(given) == 2:
            return {"first": given[0], "last": given[1]}
        return given

    def holds(self, day: date) -> bool:
        """Whether the day is in season."""
        here = f"{day:%m-%d}"
        if self.first <= self.last:
            return self.first <= here <= self.last
        return here >= self.first or here <= self.last


class Pattern(Input):
    """One rule: `weekdays` every `every_weeks` counted from `anchor`, the `nth` of a month (-1: the last), or `dates`.

    The anchor says which weeks count, never when it begins: that is `starts`. A suspended span or the season leaves
    days out, and the weeks go on being counted meanwhile.
    """

    weekdays: list[Weekday] = Field(default_factory=list, max_length=7)
    every_weeks: int = Field(default=1, ge=1, le=MOST_WEEKS)
    anchor: date | None = None
    nth: list[int] = Field(default_factory=list, max_length=5)
    dates: list[date] = Field(default_factory=list, max_length=MOST_DATES)
    suspended: list[Span] = Field(default_factory=list, max_length=50)
    season: Season | None = None
    starts: date | None = None
    ends: date | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.weekdays) == bool(self.dates):
            raise ValueError("Give either weekdays or a list of dates.")
        if any(nth not in (1, 2, 3, 4, 5, -1) for nth in self.nth):
            raise ValueError("`nth` is 1 to 5, or -1 for the last.")
        if self.nth and not self.weekdays:
            raise ValueError("`nth` needs a weekday.")
        if self.weekdays and not self.nth and self.every_weeks > 1 and self.anchor is None:
            raise ValueError("Every second week or less often needs an anchor: the day of one collection.")
        return self


def usual_days(pattern: Pattern, first: date, last: date) -> Sequence[date]:
    """The days from `first` to `last` on which the rule collects, in order, each once, before any holiday."""
    begin = max(first, pattern.starts or first)
    end = min(last, pattern.ends or last)
    if end < begin:
        return []
    return [day for day in _by_rule(pattern, begin, end) if _is_open(pattern, day)]


def _is_open(pattern: Pattern, day: date) -> bool:
    return not any(span.holds(day) for span in pattern.suspended) and (
        pattern.season is None or pattern.season.holds(day)
    )


def _by_rule(pattern: Pattern, begin: date, end: date) -> Iterator[date]:
    if pattern.dates:
        yield from (day for day in sorted(set(pattern.dates)) if begin <= day <= end)
        return
    until = datetime.combine(end, time())
    if pattern.nth:
        wanted = [weekday_of(day, nth) for day in pattern.weekdays for nth in pattern.nth]
        found = rrule(MONTHLY, dtstart=datetime.combine(begin, time()), until=until, byweekday=wanted)
    else:
        start = datetime.combine(_week_that_counts(pattern, begin), time())
        found = rrule(WEEKLY, dtstart=start, until=until, interval=pattern.every_weeks, byweekday=pattern.weekdays)
    yield from sorted({at.date() for at in found if at.date() >= begin})


def _week_that_counts(pattern: Pattern, begin: date) -> date:
    """The Monday of the latest counting week that is not after `begin`'s week."""
    monday = begin - timedelta(days=begin.weekday())
    anchor = pattern.anchor or begin
    weeks = (monday - (anchor - timedelta(days=anchor.weekday()))).days // 7
    return monday - timedelta(weeks=weeks % pattern.every_weeks)
