"""Alerts that come again: on the right days, at the right moment of this country's clock, once each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import col, select

from notify import clock
from notify.alerts.models import Alert, AlertState
from notify.composing import recurrence
from notify.composing.models import Occurrence, Recurrence, Rule
from notify.composing.reading import LONDON
from notify.db import transaction
from tests.composing.desk import Officer, draw_wards, sit_down
from tests.subscribers.html import Page
from tests.world import NORTH, World, add_resident, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    draw_wards()
    add_resident(world, "n@example.org", topics=["bins", "road-closures"])
    return world


@pytest.fixture
def kim(client: Client, world: World) -> Officer:
    return sit_down(client, world)


def written(kim: Officer, topic: str = "bins", **words: str) -> str:
    kim.begin(topic)
    kim.where(ward=[NORTH])
    kim.words(**words)
    return kim.send()


def soon() -> dict[str, str]:
    """A plan whose first moment is within the next day."""
    at = clock.now().astimezone(LONDON) + timedelta(hours=2)
    last = at.date() + timedelta(days=30)
    return {"rule": "weekly", "every": "2", "at": f"{at:%H:%M}", "first": str(at.date()), "last": str(last)}


def run() -> int:
    with transaction() as session:
        return recurrence.make_due(session)


@pytest.mark.parametrize(
    ("rule", "every", "first", "last", "expected"),
    [
        (Rule.DAILY, 2, "2027-02-27", "2027-03-04", ["2027-02-27", "2027-03-01", "2027-03-03"]),
        (Rule.WEEKLY, 1, "2027-12-25", "2028-01-08", ["2027-12-25", "2028-01-01", "2028-01-08"]),
        (Rule.MONTHLY, 1, "2028-01-31", "2028-04-30", ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        (Rule.MONTHLY, 6, "2027-08-31", "2028-08-31", ["2027-08-31", "2028-02-29", "2028-08-31"]),
        (Rule.DAILY, 1, "2027-01-02", "2027-01-01", []),
    ],
)
def test_days_follow_the_rule(rule: Rule, every: int, first: str, last: str, expected: list[str]) -> None:
    found = recurrence.days(rule, every, date.fromisoformat(first), date.fromisoformat(last))
    assert [str(day) for day in found] == expected


@pytest.mark.parametrize(
    ("day", "at", "moment"),
    [
        ("2027-01-10", "18:00", "2027-01-10T18:00"),
        ("2027-07-10", "18:00", "2027-07-10T17:00"),
        ("2027-03-28", "01:30", "2027-03-28T01:00"),  # left out: two o'clock comes next
        ("2027-10-31", "01:30", "2027-10-31T00:30"),  # twice: the first of them
    ],
)
def test_a_moment_is_on_the_clock_of_this_country(day: str, at: str, moment: str) -> None:
    found = recurrence.moment(date.fromisoformat(day), time.fromisoformat(at))
    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@given(
    first=st.dates(date(2026, 1, 1), date(2040, 1, 1)),
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    rule=st.sampled_from(Rule),
    every=st.integers(1, 52),
)
def test_moments_only_go_forward_and_show_the_time_that_was_asked_for(
    first: date, at: time, rule: Rule, every: int
) -> None:
    moments = [recurrence.moment(day, at) for day in recurrence.days(rule, every, first, first + timedelta(days=800))]
    assert moments == sorted(set(moments))
    for one in moments:
        shown = one.astimezone(LONDON)
        assert shown.time() == at or (shown.hour, shown.minute) == (2, 0)


def test_each_one_is_made_a_day_before_exactly_once_and_shown(kim: Officer) -> None:
    alert = written(kim)
    assert kim.client.post(f"/staff/alerts/{alert}/repeat", data=soon()).status_code == 303
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: run(), range(4))) == 1
    assert run() == 0
    with transaction() as session:
        made = session.exec(select(Alert).where(Alert.id != UUID(alert))).one()
        assert (made.title, made.state) == ("Mill Road closed on Sunday", AlertState.SCHEDULED)
        first = session.get_one(Alert, UUID(alert))
        assert made.targets == first.targets
        assert made.send_at is not None
        month = made.send_at.astimezone(LONDON)
    page = Page(kim.client.get(f"/staff/calendar?month={month:%Y-%m}").text)
    assert "Every 2 weeks" in page.text
    assert "Take it back : Mill Road closed on Sunday" in page.text
    assert kim.client.post(f"/staff/alerts/{made.id}/cancel").status_code == 303


@pytest.mark.parametrize("wrong", [{"topic": "gone"}, {"title": ""}, {"colour": "red"}])
def test_what_prevents_one_is_written_down_and_stops_no_other(
    kim: Officer, world: World, wrong: dict[str, str]
) -> None:
    first, second = written(kim), written(kim, topic="road-closures")
    for alert in (first, second):
        kim.client.post(f"/staff/alerts/{alert}/repeat", data=soon())
    with transaction() as session:
        broken = session.exec(select(Recurrence).order_by(col(Recurrence.id))).first()
        assert broken is not None
        broken.content = broken.content | wrong
    assert run() == 1
    with transaction() as session:
        problems = session.exec(select(Occurrence.problem)).all()
        assert sorted(one is None for one in problems) == [False, True]


def test_it_ends_when_told_to(kim: Officer) -> None:
    kim.client.post(f"/staff/alerts/{written(kim)}/repeat", data=soon())
    with transaction() as session:
        one = session.exec(select(Recurrence.id)).one()
    assert kim.client.post(f"/staff/recurrences/{one}/end").status_code == 303
    assert kim.client.post(f"/staff/recurrences/{one}/end").status_code == 404
    assert run() == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rule": ""}, "Choose how often."),
        ({"every": "0"}, "Enter a number from 1 to 52."),
        ({"at": "noon"}, "Enter a time"),
        ({"first": "tomorrow"}, "Enter a day"),
        ({"first": "2020-01-01"}, "Choose a first day from today on"),
        ({"last": "2099-01-01"}, "a last day within a year"),
    ],
)
def test_a_plan_that_is_none_is_asked_for_again(kim: Officer, change: dict[str, str], words: str) -> None:
    answer = kim.client.post(f"/staff/alerts/{written(kim)}/repeat", data=soon() | change)
    assert answer.status_code == 422
    assert words in Page(answer.text).text


def test_an_emergency_does_not_come_again(kim: Officer) -> None:
    kim.emergency("road")
    kim.where(ward=[NORTH])
    kim.words()
    answer = kim.client.post(f"/staff/alerts/{kim.send()}/repeat", data=soon())
    assert "no emergency" in Page(answer.text).text


def test_two_for_the_same_places_close_together_are_marked(kim: Officer) -> None:
    at = clock.now().astimezone(LONDON) + timedelta(days=1)
    for minutes in (0, 90):
        written(kim, send_at=f"{at + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}")
    seen = kim.client.get(f"/staff/calendar?month={at:%Y-%m}").text
    assert "Close to another one" in seen or (at + timedelta(minutes=90)).month != at.month


def test_the_calendar_takes_any_month_and_says_when_it_is_empty(kim: Officer) -> None:
    assert "Nothing went out" in kim.client.get("/staff/calendar?month=2031-02").text
    assert kim.client.get("/staff/calendar?month=nonsense").status_code == 200
