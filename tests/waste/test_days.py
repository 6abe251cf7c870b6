"""Collection days by rule, table and one-off."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from notify.waste.bank_holidays import Nation, bank_holidays
from notify.waste.date_text import DayNotReadable, read_day
from notify.waste.moved_days import Changes, Holidays, Move, OneOff, Standing, collections
from notify.waste.recurrence import Pattern, usual_days
from tests.waste import model

FIRST, LAST = date(2026, 11, 1), date(2027, 12, 31)
days = st.dates(date(2026, 10, 1), date(2027, 12, 31))
spans = st.lists(st.tuples(days, st.integers(0, 90)).map(lambda s: (s[0], s[0] + timedelta(days=s[1]))), max_size=2)
seasons = st.none() | st.tuples(st.sampled_from(["03-01", "10-15", "12-31"]), st.sampled_from(["02-28", "11-30"]))
bounds = st.fixed_dictionaries(
    {"suspended": spans, "season": seasons, "starts": st.none() | days, "ends": st.none() | days}
)
weekdays = st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True)
every = st.fixed_dictionaries({"weekdays": weekdays, "every_weeks": st.integers(1, 6), "anchor": days})
monthly = st.fixed_dictionaries(
    {"weekdays": weekdays, "nth": st.lists(st.sampled_from([1, 2, 3, 4, 5, -1]), min_size=1, max_size=3)}
)
listed = st.fixed_dictionaries({"dates": st.lists(days, min_size=1, max_size=20)})
patterns = st.tuples(every | monthly | listed, bounds).map(lambda parts: Pattern.model_validate(parts[0] | parts[1]))
near = st.none() | st.integers(-6, 9)
moves = st.lists(st.tuples(days, near), max_size=30, unique_by=lambda pair: pair[0]).map(
    lambda pairs: [Move(day, None if by is None else day + timedelta(days=by)) for day, by in pairs]
)
one_offs = st.lists(st.tuples(days, near, st.booleans()), max_size=10).map(
    lambda said: [
        OneOff(
            day,
            Standing.CANCELLED if by is None else Standing.MOVED,
            None if by is None else day + timedelta(days=by),
            by_usual=by_usual,
        )
        for day, by, by_usual in said
    ]
)


def shown(pattern: Pattern, changes: Changes, first: date = FIRST, last: date = LAST) -> Sequence[date]:
    found = collections(pattern, stream="refuse", round_code="R1", changes=changes, first=first, last=last)
    return [one.day for one in found if one.day is not None]


@given(patterns)
def test_usual_days_are_those_of_a_model_that_asks_each_day(pattern: Pattern) -> None:
    every_day = (FIRST + timedelta(days=at) for at in range((LAST - FIRST).days + 1))
    assert usual_days(pattern, FIRST, LAST) == [day for day in every_day if model.is_usual(pattern, day)]


@given(patterns, st.frozensets(days, max_size=12), moves, one_offs)
def test_collected_days_are_those_of_the_model(
    pattern: Pattern, holidays: frozenset[date], table: Sequence[Move], said: Sequence[OneOff]
) -> None:
    changes = Changes(Holidays(holidays), table, said)
    expected = model.collected(pattern, FIRST, LAST, holidays=holidays, moves=table, one_offs=said)
    assert shown(pattern, changes) == expected


def test_the_53rd_week_of_a_year_does_not_shift_a_fortnight() -> None:
    # 2026 has an ISO week 53, after which odd weeks would follow odd weeks
    pattern = Pattern(weekdays=[1], every_weeks=2, anchor=date(2026, 12, 15))
    assert usual_days(pattern, date(2026, 12, 15), date(2027, 1, 31)) == [
        date(2026, 12, 15),
        date(2026, 12, 29),
        date(2027, 1, 12),
        date(2027, 1, 26),
    ]


def test_a_table_is_looked_up_once_for_each_usual_day() -> None:
    daily = Pattern(weekdays=[0, 1])
    table = [Move(date(2026, 12, 21), date(2026, 12, 19)), Move(date(2026, 12, 22), date(2026, 12, 21))]
    found = shown(daily, Changes(moves=table), date(2026, 12, 18), date(2026, 12, 27))
    assert found == [date(2026, 12, 19), date(2026, 12, 21)]


def test_the_line_of_the_table_that_says_most_precisely_what_it_means_holds() -> None:
    usual = date(2026, 12, 28)
    table = [
        Move(usual, date(2026, 12, 29)),
        Move(usual, date(2026, 12, 30), round="R1"),
        Move(usual, date(2026, 12, 31), round="R1", stream="food"),
        Move(usual, date(2027, 1, 2), round="R2"),
    ]
    pattern, changes = Pattern(weekdays=[0]), Changes(moves=table)
    assert shown(pattern, changes, usual, date(2027, 1, 3)) == [date(2026, 12, 30)]


def test_a_correction_of_a_one_off_holds_and_back_to_the_usual_day_is_usual() -> None:
    pattern = Pattern(weekdays=[1])
    day = date(2027, 1, 5)
    said = [OneOff(day, Standing.NOT_COMPLETED), OneOff(day, Standing.MOVED, day + timedelta(days=1))]
    assert shown(pattern, Changes(one_offs=said), day, day + timedelta(days=6)) == [day + timedelta(days=1)]
    said.append(OneOff(day + timedelta(days=1), Standing.MOVED, day))
    found = collections(pattern, stream="refuse", round_code="R1", changes=Changes(one_offs=said), first=day, last=day)
    assert [(one.day, one.standing, one.changes) for one in found] == [(day, Standing.USUAL, 3)]


def test_two_holidays_in_a_week_move_the_rest_of_it_by_two_days() -> None:
    christmas = Holidays(frozenset({date(2029, 12, 25), date(2029, 12, 26)}))
    week = [date(2029, 12, 24) + timedelta(days=at) for at in range(5)]
    assert [christmas.moved(day).day for day in week] == [24, 27, 28, 29, 30]


def test_bank_holidays_are_those_that_gov_uk_lists() -> None:
    of_england = {*bank_holidays(Nation.ENGLAND, 2026), *bank_holidays(Nation.ENGLAND, 2027)}
    assert {date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1), date(2027, 3, 29)} <= of_england
    assert date(2026, 12, 26) not in of_england
    assert date(2026, 11, 30) in bank_holidays(Nation.SCOTLAND, 2026)
    assert date(2027, 7, 12) in bank_holidays(Nation.NORTHERN_IRELAND, 2027)


@pytest.mark.parametrize(
    "given",
    [
        {"weekdays": []},
        {"weekdays": ["Mon"], "dates": ["2027-01-01"]},
        {"weekdays": ["Mon"], "every_weeks": 2},
        {"weekdays": ["Noday"]},
        {"weekdays": ["Mon"], "nth": [6]},
        {"weekdays": ["Mon"], "season": ["13-01", "11-30"]},
        {"weekdays": ["Mon"], "suspended": [["2027-02-01", "2027-01-01"]]},
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Pattern.model_validate(given)


TODAY = date(2026, 12, 24)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("18/07/2027", "2027-07-18"),
        ("Monday 4 January 2027", "2027-01-04"),
        ("Mon, 4th Jan, 2027", "2027-01-04"),
        ("4-1-27", "2027-01-04"),
        ("04.01.2027", "2027-01-04"),
        ("20270104", "2027-01-04"),
        ("January 4, 2027", "2027-01-04"),
        ("Tue 5 Jan", "2027-01-05"),
        ("24 December", "2026-12-24"),
        ("23/12", "2027-12-23"),
        ("29 Feb", "2028-02-29"),
        ("2027-01-06T00:00:00Z", "2027-01-06"),
        ("05/01/2027 00:00", "2027-01-05"),
        ("5 Sept 2027", "2027-09-05"),
    ],
)
def test_days_are_read_in_the_formats_that_councils_write(text: str, day: str) -> None:
    assert read_day(text, TODAY) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Thursday", "a weekday is no date"),
        ("Thurs", "a weekday is no date"),
        ("Monday 5 January 2027", "5 January 2027 is a Tuesday"),
        ("Collections start on Tuesday 2nd March 2027", "no date"),
        ("every 4 Jan 2027", "no date"),
        ("29/02/2027", "no such day"),
        ("12/31/2027", "no such day"),
        ("31/11", "no such day"),
        ("", "no date"),
    ],
)
def test_what_is_not_one_day_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(DayNotReadable) as refused:
        read_day(text, TODAY)
    assert refused.value.detail == why
