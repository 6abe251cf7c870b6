"""Alerts that come again: on the right days, at the right moment of this country's clock, once each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from notify.alerts.models import Alert, AlertState
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.drafting import recurrence
from notify.drafting.models import Occurrence, Recurrence, Rule
from notify.drafting.overlaps import places_of
from notify.drafting.recurrence import Plan
from notify.staff.models import Role
from notify.staff.rights import SystemActor
from tests import moments
from tests.alerts.calls import created
from tests.drafting.desk import Officer, draw_wards, sit_down
from tests.subscribers.html import Page
from tests.world import DISTRICT, NORTH, SOUTH, World, add_resident, at_the_desk, make_key, make_world

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
    plan = Plan(rule, every, time(9), date.fromisoformat(first), date.fromisoformat(last))
    assert [str(day) for day in plan.days()] == expected


@given(
    first=st.dates(date(2026, 1, 1), date(2040, 1, 1)),
    every=st.integers(1, 52),
    weekdays=st.sets(st.integers(0, 6), min_size=1),
)
def test_weekdays_come_in_every_so_many_weeks_and_in_no_other(first: date, every: int, weekdays: set[int]) -> None:
    last = first + timedelta(days=800)
    monday = first - timedelta(days=first.weekday())
    expected = [
        day
        for day in (first + timedelta(days=number) for number in range(801))
        if day.weekday() in weekdays and (day - monday).days // 7 % every == 0
    ]
    assert list(Plan(Rule.WEEKLY, every, time(9), first, last, sorted(weekdays)).days()) == expected


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
    moments = [one for _, one in Plan(rule, every, at, first, first + timedelta(days=800)).moments()]
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
    assert "Every 2 weeks on" in page.text
    assert "Cancel alert : Mill Road closed on Sunday" in page.text
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
        ({"at": "late"}, "Enter a time"),
        ({"first": "soon"}, "Enter a date like 3 December 2027"),
        ({"first": "31/2"}, "is not a date"),
        ({"first": "2020-01-01"}, "Choose a first day from today on"),
        ({"last": "2099-01-01"}, "a last day within a year"),
        ({"at": "18:00+05:00"}, "Enter a time"),
        ({"every": "²"}, "Enter a number from 1 to 52."),
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


def again(kim: Officer, alert: str, **plan: object) -> None:
    answer = kim.client.post(f"/staff/alerts/{alert}/repeat", data=soon() | plan)
    assert answer.status_code == 303, Page(answer.text).text


def only() -> Recurrence:
    with transaction() as session:
        return session.exec(select(Recurrence)).one()


def press(kim: Officer, verb: str, status: int = 303) -> None:
    assert kim.client.post(f"/staff/recurrences/{only().id}/{verb}").status_code == status


def calendar(kim: Officer, month: str) -> str:
    answer = kim.client.get(f"/staff/calendar?month={month}")
    assert answer.status_code == 200
    return Page(answer.text).text


def test_what_was_not_committed_is_made_once_the_next_time(kim: Officer) -> None:
    again(kim, written(kim))

    def die() -> None:
        with transaction() as session:
            assert recurrence.make_due(session) == 1
            raise InterruptedError

    with pytest.raises(InterruptedError):
        die()
    assert (run(), run()) == (1, 0)


def test_what_comes_again_is_on_the_calendar_before_it_is_made(kim: Officer) -> None:
    first = clock.now().astimezone(LONDON).date() + timedelta(days=40)
    again(kim, written(kim), rule="daily", every="1", at="07:15", first=str(first), last=str(first + timedelta(2)))
    assert run() == 0
    seen = calendar(kim, f"{first:%Y-%m}")
    assert "07:15: Mill Road closed on Sunday (Bin collections) comes again" in seen
    press(kim, "pause")
    assert "07:15: Mill" not in calendar(kim, f"{first:%Y-%m}")
    assert "paused" in calendar(kim, f"{first:%Y-%m}")


def test_nothing_is_made_while_it_is_paused_nor_made_up_for(kim: Officer) -> None:
    alert = written(kim)
    now = clock.now().astimezone(LONDON).replace(hour=12, minute=0)
    day = [now.date() + timedelta(days=number) for number in range(6)]
    again(kim, alert, rule="daily", every="1", at="09:00", first=str(day[1]), last=str(day[5]))
    press(kim, "pause")
    assert run() == 0
    clock.use(lambda: now + timedelta(days=2))
    one = only()
    with transaction() as session:
        recurrence.go_on(session, one.id, by=SystemActor("test", one.council_id))
    assert run() == 1  # tomorrow's; today's and yesterday's are over
    with transaction() as session:
        assert session.exec(select(col(Occurrence.day))).all() == [day[3]]


def test_what_nobody_was_there_to_send_is_said_on_the_calendar(kim: Officer) -> None:
    now = clock.now().astimezone(LONDON).replace(hour=12, minute=0)
    day = [now.date() + timedelta(days=number) for number in range(4)]
    again(kim, written(kim), rule="daily", every="1", at="09:00", first=str(day[1]), last=str(day[3]))
    clock.use(lambda: now + timedelta(days=2))
    try:
        assert run() == 1
    finally:
        moments.restore()
    assert "It was not sent in time." in calendar(kim, f"{day[1]:%Y-%m}")


@pytest.mark.parametrize(
    "change",
    ["active = false", "role = 'viewer'", "topics = '{road-closures}'", f"areas = '{{{SOUTH}}}'"],
)
def test_nothing_goes_out_in_the_name_of_who_may_not_write_it_any_more(
    client: Client, kim: Officer, world: World, change: str
) -> None:
    again(kim, written(kim))
    with transaction() as session:
        session.execute(text(f"UPDATE officer SET {change} WHERE email = 'kim@example.org'"))
    assert run() == 0
    with transaction() as session:
        assert len(session.exec(select(Alert)).all()) == 1
        assert session.exec(select(Occurrence.problem)).one()
    client.headers.update(at_the_desk(make_key(world, Role.VIEWER)))
    at = clock.now().astimezone(LONDON) + timedelta(hours=2)
    assert "Not sent." in calendar(kim, f"{at:%Y-%m}")


def test_words_that_are_not_accepted_any_more_stop_no_other(kim: Officer) -> None:
    for topic in ("bins", "road-closures"):
        again(kim, written(kim, topic))
    with transaction() as session:
        session.execute(
            text("UPDATE recurrence SET content = content || '{\"title\": \"\"}' WHERE content->>'topic' = 'bins'")
        )
    assert run() == 1


def test_who_writes_about_other_things_neither_sees_nor_ends_it(client: Client, kim: Officer, world: World) -> None:
    again(kim, written(kim))
    key = make_key(world, Role.AUTHOR)
    with transaction() as session:
        session.execute(text("UPDATE officer SET topics = '{road-closures}' WHERE role = 'author'"))
    client.headers.update(at_the_desk(key))
    assert "Every 2 weeks" not in calendar(kim, "")
    for verb in ("pause", "go-on", "end"):
        press(kim, verb, status=404)
    assert only().ended_at is None


def test_a_day_that_is_over_is_not_the_only_one(kim: Officer) -> None:
    alert = written(kim)
    today = str(clock.now().astimezone(LONDON).date())
    answer = kim.client.post(
        f"/staff/alerts/{alert}/repeat", data=soon() | {"first": today, "last": today, "at": "00:00"}
    )
    assert "None of its days is still to come" in Page(answer.text).text


def test_each_one_needs_the_approval_that_the_topic_asks_for(kim: Officer) -> None:
    alert = written(kim)
    again(kim, alert)
    with transaction() as session:
        session.execute(text("UPDATE topic SET approval = 'one' WHERE slug = 'bins'"))
    assert run() == 1
    with transaction() as session:
        made = session.exec(select(Alert).where(Alert.id != UUID(alert))).one()
        assert made.state == AlertState.SUBMITTED
        assert made.send_at is not None
        month = f"{made.send_at.astimezone(LONDON):%Y-%m}"
    assert "waits for approval" in calendar(kim, month)


def at_moment(alert: str, moment: str, state: str = "scheduled") -> None:
    with transaction() as session:
        session.execute(
            text("UPDATE alert SET send_at = :at, state = :state WHERE id = :id"),
            {"at": moment, "state": state, "id": alert},
        )


@pytest.mark.parametrize(
    ("moment", "month", "shown"),
    [
        ("2031-03-30 00:30+00", "2031-03", "Sunday 30 March 00:30:"),
        ("2031-03-30 01:00+00", "2031-03", "Sunday 30 March 02:00:"),  # there is no one o'clock
        ("2031-10-26 00:30+00", "2031-10", "Sunday 26 October 01:30:"),
        ("2031-10-26 01:30+00", "2031-10", "Sunday 26 October 01:30:"),  # the second time round
        ("2031-03-31 23:30+00", "2031-04", "Tuesday 1 April 00:30:"),
        ("2031-12-31 23:59+00", "2031-12", "Wednesday 31 December 23:59:"),
    ],
)
def test_the_calendar_is_on_the_clock_of_this_country(kim: Officer, moment: str, month: str, shown: str) -> None:
    at_moment(written(kim), moment)
    assert shown in calendar(kim, month)


def test_what_was_stopped_on_its_way_stays_on_the_calendar(kim: Officer) -> None:
    first, second = written(kim), written(kim)
    at_moment(first, "2031-05-05 09:00+00", "cancelled")
    at_moment(second, "2031-05-06 09:00+00", "cancelled")
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = send_at WHERE id = :id"), {"id": second})
    seen = calendar(kim, "2031-05")
    assert "Monday 5 May" not in seen
    assert "Tuesday 6 May 10:00: Mill Road closed on Sunday (Bin collections) stopped" in seen


@pytest.mark.parametrize(
    ("one", "other", "minutes", "close"),
    [
        ({"wards": [NORTH]}, {"wards": [NORTH]}, 119, True),
        ({"wards": [NORTH]}, {"wards": [NORTH]}, 120, False),
        ({"wards": [NORTH]}, {"wards": [SOUTH]}, 10, False),
        ({"wards": [NORTH]}, None, 10, True),
        ({"wards": [NORTH]}, {"districts": [DISTRICT]}, 10, True),
        ({"wards": [NORTH]}, {"postcodes": ["ZZ1 1AA"]}, 10, True),
        ({"wards": [SOUTH]}, {"postcodes": ["ZZ1 1AA"]}, 10, False),
        ({"wards": [NORTH]}, {"postcodes": ["ZZ1 1"]}, 10, True),  # a sector
        ({"wards": [NORTH]}, {"except": {"wards": [NORTH]}}, 10, False),
        ({"wards": [SOUTH]}, {"except": {"wards": [NORTH]}}, 10, True),
    ],
)
def test_two_for_the_same_places_close_together_are_marked(
    client: Client,
    kim: Officer,
    world: World,
    one: dict[str, object],
    other: dict[str, object] | None,
    minutes: int,
    close: bool,
) -> None:
    begins = datetime(2031, 6, 10, 11, tzinfo=LONDON)
    for title, audience, at in (("One", one, begins), ("Other", other, begins + timedelta(minutes=minutes))):
        created(client, world.headers, title=title, audience=audience, send_at=at.isoformat(), send=True)
    seen = calendar(kim, "2031-06")
    assert ("Close to another one for the same places: Other" in seen) == close
    assert ("Close to another one for the same places: One, 11:00" in seen) == close
    assert ("alerts, close together" in seen) == close


@pytest.mark.parametrize("month", ["9999-12", "0001-01", "2031-13", "nonsense", ""])
def test_a_month_that_is_none_is_this_one(kim: Officer, month: str) -> None:
    assert f"{clock.now().astimezone(LONDON):%B %Y}" in calendar(kim, month)


def test_places_are_asked_for_together(world: World) -> None:
    with transaction() as session:
        assert places_of(session, {}) == {}


def test_the_calendar_says_when_a_month_is_empty(kim: Officer) -> None:
    assert "Nothing went out" in calendar(kim, "2031-02")
