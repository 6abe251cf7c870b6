"""What people type into short fields: days and times as they say them, links without a scheme, and nothing unseen."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.core import clock
from notify.core.typed_text import read_day, read_moment, read_time, with_scheme, without_invisible
from notify.languages import speaking

TODAY = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_source", lambda: TODAY)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("3 dec", date(2026, 12, 3)),
        ("3 December", date(2026, 12, 3)),
        ("3rd of December 2027", date(2027, 12, 3)),
        ("Friday, 3 December 2027", date(2027, 12, 3)),
        ("December 3, 2027", date(2027, 12, 3)),
        ("3-Dec-2027", date(2027, 12, 3)),
        ("3/12", date(2026, 12, 3)),
        ("3/12/27", date(2027, 12, 3)),
        ("3 12 2027", date(2027, 12, 3)),
        ("03.12.2027", date(2027, 12, 3)),
        ("2027-12-03", date(2027, 12, 3)),
        ("3\u00a0dec\u200b", date(2026, 12, 3)),
        ("1 nov", date(2027, 11, 1)),
        ("29 feb", date(2028, 2, 29)),
        ("3 Rhagfyr", date(2026, 12, 3)),
        ("tomorrow", date(2026, 12, 1)),
    ],
)
def test_a_day_is_read_however_it_is_said(typed: str, day: date) -> None:
    assert read_day(typed) == day


def test_without_a_year_a_day_of_the_past_is_the_last_one() -> None:
    assert read_day("3 dec", is_ahead=False) == date(2025, 12, 3)
    assert read_day("29 feb", is_ahead=False) == date(2024, 2, 29)


@pytest.mark.parametrize("typed", ["31/2", "31 February", "31 feb 2027", "2027-02-31", "32/1/2027", "0 May"])
def test_a_day_that_no_calendar_has_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        read_day(typed)
    with speaking("cy"), pytest.raises(ValueError, match="ddyddiad"):
        read_day(typed)


@pytest.mark.parametrize("typed", ["", "3", "dec", "3 ma", "3/13", "soon", "3 dec 2027 x", "x" * 10_000])
def test_anything_else_gets_an_example(typed: str) -> None:
    with pytest.raises(ValueError, match="3 December 2027"):
        read_day(typed)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-12-03T18:30", "2026-12-03T18:30:00"),
        ("3 dec 6pm", "2026-12-03T18:00:00"),
        ("3 December 2026 at 6.30pm", "2026-12-03T18:30:00"),
        ("3/12/2026, 18:30", "2026-12-03T18:30:00"),
        ("tomorrow noon", "2026-12-01T12:00:00"),
        ("3 dec 12am", "2026-12-03T00:00:00"),
    ],
)
def test_a_moment_is_a_day_and_a_time(typed: str, moment: str) -> None:
    assert read_moment(typed).isoformat() == moment


@pytest.mark.parametrize("typed", ["3 dec", "3 dec 25:00", "31/2 10:00", "3 dec 13pm", "18:30", "2026-12-03"])
def test_half_a_moment_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"time|is not a date"):
        read_moment(typed)


def test_times_of_day() -> None:
    assert [read_time(typed) for typed in ("18:30", "6.30 pm", "noon", "7am")] == [
        time(18, 30),
        time(18, 30),
        time(12),
        time(7),
    ]


@pytest.mark.parametrize(
    ("typed", "link"),
    [
        ("example.org/roads", "https://example.org/roads"),
        (" www.example.org ", "https://www.example.org"),
        ("//example.org/a", "https://example.org/a"),
        ("example.org:8080/x?y#z", "https://example.org:8080/x?y#z"),
        ("\u200bexample.org\u00ad", "https://example.org"),
        ("http://example.org", "http://example.org"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("see the website", "see the website"),
    ],
)
def test_a_link_gets_what_was_left_out_and_nothing_else(typed: str, link: str) -> None:
    assert with_scheme(typed) == link


@given(st.text())
def test_what_is_seen_stays(text: str) -> None:
    kept = without_invisible(text)
    assert without_invisible(kept) == kept
    assert [one for one in kept if one.isalnum()] == [one for one in text if one.isalnum()]
