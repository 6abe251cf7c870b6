"""A rest from alerts: nothing but emergencies until a day."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.subscribers.my import pause
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.html import Page, broken_anchors
from tests.subscribers.journey import BROWSER, sign_in
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    world = make_world()
    add_resident(world, "sam@example.org", topics=["bins", "emergencies"])
    sign_in(client, "sam@example.org")
    return world


def day_in(days: int) -> dict[str, str]:
    day = pause.today() + timedelta(days=days)
    return {"day": str(day.day), "month": str(day.month), "year": str(day.year)}


def send(client: Client, world: World, work: Work, **fields: str) -> None:
    client.cookies.clear()
    created(client, world.headers, send=True, **{"topic": "bins"} | fields)
    work()


def test_who_pauses_gets_nothing_and_the_ledger_says_why(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    assert client.post("/my/pause", data=day_in(7)).status_code == 303
    assert "Your alerts are paused." in client.get("/my").text
    send(client, world, work)
    assert inbox.messages() == []
    with transaction() as session:
        [line] = session.execute(text("SELECT state, reason FROM delivery")).all()
    assert tuple(line) == ("suppressed", "The subscriber has paused alerts.")


def test_an_emergency_comes_all_the_same(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    client.post("/my/pause", data=day_in(7))
    send(client, world, work, topic="emergencies", priority="emergency")
    assert len(inbox.messages()) == 1


def test_alerts_begin_again_on_the_day_or_at_once(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    client.post("/my/pause", data=day_in(7))
    assert client.post("/my/pause", data={"go_on": "yes"}).status_code == 303
    assert "Your alerts are paused." not in client.get("/my").text
    send(client, world, work)
    assert len(inbox.messages()) == 1
    with transaction() as session:  # a pause that is over
        session.execute(
            text("UPDATE subscriber SET paused_until = :past"), {"past": clock.now() - timedelta(seconds=1)}
        )
    inbox.empty()
    send(client, world, work)
    assert len(inbox.messages()) == 1


@pytest.mark.parametrize(
    ("days", "words"), [(0, "not in the future"), (-1, "not in the future"), (400, "too far ahead")]
)
def test_a_day_that_is_over_or_too_far_is_refused(client: Client, world: World, days: int, words: str) -> None:
    reply = client.post("/my/pause", data=day_in(days))
    assert reply.status_code == 422
    assert words in reply.text
    assert pause.in_words(pause.today() + timedelta(days=days)) in reply.text
    assert not broken_anchors(Page(reply.text))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Enter the day when your alerts should start again"),
        ({"day": "soon"}, "Enter a date"),
        ({"day": "31 feb 2027"}, "31 February 2027 is not a date: February has 28 days."),
        ({"day": "31", "month": "2", "year": "2027"}, "31 February 2027 is not a date"),
        ({"day": "31", "month": "feb", "year": "2027"}, "31 February 2027 is not a date"),
    ],
)
def test_what_is_no_day_is_said_so(client: Client, world: World, fields: dict[str, str], words: str) -> None:
    reply = client.post("/my/pause", data=fields)
    assert reply.status_code == 422
    assert words in reply.text


@pytest.mark.parametrize("written", ["3 dec", "3rd December", "3/12", "3 Rhagfyr"])
def test_a_day_is_taken_as_people_write_it(client: Client, world: World, written: str) -> None:
    noon = clock.now().replace(year=2027, month=3, day=20, hour=12)
    clock.use(lambda: noon)
    sign_in(client, "sam@example.org")
    assert client.post("/my/pause", data={"day": written}).status_code == 303
    assert "They start again on 3 December 2027." in client.get("/my").text


def test_a_pause_ends_at_midnight_in_this_country(client: Client, world: World) -> None:
    noon = clock.now().replace(year=2027, month=3, day=20, hour=12)
    clock.use(lambda: noon)
    sign_in(client, "sam@example.org")
    client.post("/my/pause", data={"day": "29", "month": "3", "year": "2027"})  # a day after the clocks go forward
    with transaction() as session:
        until = session.execute(text("SELECT paused_until FROM subscriber")).scalar_one()
    assert until.isoformat().startswith("2027-03-28T23:00") or until.utcoffset() == timedelta(hours=1)
