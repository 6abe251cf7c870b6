"""A second, plain way to work out collection days, day by day and without any library, to hold the first against."""

import calendar
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from notify.waste.moved_days import Move, OneOff
from notify.waste.recurrence import Pattern

DAY = timedelta(days=1)


def is_usual(pattern: Pattern, day: date) -> bool:
    """Whether the rule collects on this day, asked of the day alone."""
    return not is_left_out(pattern, day) and is_by_rule(pattern, day)


def is_left_out(pattern: Pattern, day: date) -> bool:
    """Whether the day is before or after the rule, suspended, or out of season."""
    if (pattern.starts and day < pattern.starts) or (pattern.ends and day > pattern.ends):
        return True
    if any(span.first <= day <= span.last for span in pattern.suspended):
        return True
    if pattern.season is None:
        return False
    here, first, last = day.strftime("%m-%d"), pattern.season.first, pattern.season.last
    return not (first <= here <= last if first <= last else (here >= first or here <= last))


def is_by_rule(pattern: Pattern, day: date) -> bool:
    """Whether the list, the month or the count of weeks names the day."""
    if pattern.dates:
        return day in pattern.dates
    if day.weekday() not in pattern.weekdays:
        return False
    if pattern.nth:
        in_month = (day.day - 1) // 7 + 1
        is_last = day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        return in_month in pattern.nth or (is_last and -1 in pattern.nth)
    if pattern.anchor is None:
        return True
    monday, anchored = day.toordinal() - day.weekday(), pattern.anchor.toordinal() - pattern.anchor.weekday()
    return (monday - anchored) // 7 % pattern.every_weeks == 0


def slid(usual: date, holidays: frozenset[date]) -> date:
    """A holiday and all that follows in its week: one day later for each."""
    day = usual
    for at in range(7):
        looked = usual - usual.weekday() * DAY + at * DAY
        if looked in holidays and day >= looked:
            day += DAY
    return day


def collected(
    pattern: Pattern,
    first: date,
    last: date,
    *,
    holidays: frozenset[date] = frozenset(),
    moves: Sequence[Move] = (),
    one_offs: Sequence[OneOff] = (),
) -> Sequence[date]:
    """The days on which something is really collected, for one round and stream that all moves are about."""
    table: Mapping[date, date | None] = {one.usual: one.revised for one in moves if not one.is_withdrawn}
    found = []
    for ordinal in range(first.toordinal() - 60, last.toordinal() + 61):
        usual = date.fromordinal(ordinal)
        if not is_usual(pattern, usual):
            continue
        day = table[usual] if usual in table else slid(usual, holidays)
        been = [day]
        for one in one_offs:
            if (one.by_usual and one.day == usual) or (not one.by_usual and one.day in been):
                day = one.revised
                been.append(day)
        if day is not None and first <= day <= last:
            found.append(day)
    return sorted(found)
