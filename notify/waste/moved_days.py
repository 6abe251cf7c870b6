"""When a stream is really collected: usual days, moved by the council's holidays, its printed table and one-offs.

One-off beats table, table beats the rule about holidays. Each usual day is looked up once: that another collection
moved to or away from a day says nothing about this one. Pure, like `recurrence.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from notify.waste.recurrence import Pattern, usual_days

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
# no table or one-off moves a collection further than this
FURTHEST = timedelta(days=60)


def in_our_time(day: date) -> date:
    """The day, if it is one that anybody plans for. Raises: ValueError."""
    if not EARLIEST <= day <= LATEST:
        raise ValueError(f"Give a day from {EARLIEST:%Y} to {LATEST:%Y}.")
    return day


PlannedDay = Annotated[date, AfterValidator(in_our_time)]


class Standing(StrEnum):
    """What is known of one collection."""

    USUAL = "usual"
    MOVED = "moved"
    CANCELLED = "cancelled"
    NOT_COMPLETED = "not-completed"  # and no new day is known yet


@dataclass(frozen=True, slots=True)
class Move:
    """One line of the table: what is usually collected on `usual` is collected on `revised`, or not at all.

    For one round or stream where these are given. `revision` counts its changes.
    """

    usual: date
    revised: date | None
    round: str = ""
    stream: str = ""
    reason: str = ""
    revision: int = 1
    is_withdrawn: bool = False

    def is_about(self, round_code: str, stream: str) -> bool:
        """Whether it says something about this stream of this round."""
        return self.round in ("", round_code) and self.stream in ("", stream)


@dataclass(frozen=True, slots=True)
class OneOff:
    """Something that happened: collections of `day` are collected on `revised`, or are cancelled or left.

    `day` is the planned day, after table and holidays, or with `by_usual` the usual one.
    """

    day: date
    standing: Standing
    revised: date | None = None
    round: str = ""
    stream: str = ""
    reason: str = ""
    by_usual: bool = False


@dataclass(frozen=True, slots=True)
class Holidays:
    """The council's own rule. With `slides` a holiday moves itself and the rest of its week by a day."""

    slides: frozenset[date] = frozenset()

    def moved(self, usual: date) -> date:
        """The day on which this usual day is collected by the rule alone."""
        week = usual - timedelta(days=usual.weekday())
        day = usual
        for holiday in sorted(one for one in self.slides if week <= one < week + timedelta(days=7)):
            day += timedelta(days=1) if day >= holiday else timedelta()
        return day


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection of one stream. `day` is None where it is cancelled or nobody knows when.

    `changes` counts what was said about it after the rule: it never falls, so that calendars know the newest.
    """

    stream: str
    round: str
    usual: date
    day: date | None
    standing: Standing
    reason: str = ""
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that moves collections of one home, one-offs in the order in which they were said."""

    holidays: Holidays = field(default_factory=Holidays)
    moves: Sequence[Move] = ()
    one_offs: Sequence[OneOff] = ()


def collections(
    pattern: Pattern, *, stream: str, round_code: str, changes: Changes, first: date, last: date
) -> Sequence[Collection]:
    """What the rule collects from `first` to `last`, by the day it is really collected; cancelled ones by their usual
    day. Sorted by day.
    """
    usual = usual_days(pattern, first - FURTHEST, last + FURTHEST)
    moves = [one for one in changes.moves if one.is_about(round_code, stream)]
    table = {(one.usual, one.round, one.stream): one for one in moves}
    one_offs = [one for one in changes.one_offs if one.round in ("", round_code) and one.stream in ("", stream)]
    found = (_settled(day, stream, round_code, changes.holidays, table, one_offs) for day in usual)
    return sorted(
        (one for one in found if first <= (one.day or one.usual) <= last), key=lambda one: one.day or one.usual
    )


_Table = dict[tuple[date, str, str], Move]


def _settled(
    usual: date, stream: str, round_code: str, holidays: Holidays, table: _Table, one_offs: Sequence[OneOff]
) -> Collection:
    lines = list(_lines(table, usual, round_code, stream))
    line = next((one for one in lines if not one.is_withdrawn), None)
    planned = line.revised if line else holidays.moved(usual)
    standing = Standing.CANCELLED if planned is None else Standing.USUAL if planned == usual else Standing.MOVED
    reason = line.reason if line else ""
    day, changes, known = planned, sum(one.revision for one in lines), {planned}
    for one in one_offs:
        if one.day != usual if one.by_usual else one.day not in known:
            continue
        day, standing, reason, changes = one.revised, one.standing, one.reason, changes + 1
        known.add(day)
    if standing is Standing.MOVED and day == usual:
        standing = Standing.USUAL  # it was moved, and then moved back
    return Collection(stream, round_code, usual, day, standing, reason, changes)


def _lines(table: _Table, usual: date, round_code: str, stream: str) -> Iterator[Move]:
    """The lines about this usual day, the one that says most precisely which collections it means first."""
    for key in ((usual, round_code, stream), (usual, round_code, ""), (usual, "", stream), (usual, "", "")):
        if key in table:
            yield table[key]
