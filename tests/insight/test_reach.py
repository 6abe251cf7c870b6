"""Whom the council reaches, ward by ward, and how much people get: pages against tables counted by hand."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight.growth import daily, fatigue
from notify.insight.growth.reach import reach
from notify.insight.period import today
from notify.staff.models import Role
from tests.alerts.calls import created
from tests.world import NORTH, SOUTH, World, add_residents, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def viewer(world: World) -> dict[str, str]:
    return at_the_desk(make_key(world, Role.VIEWER))


def people(world: World, north: int, south: int) -> None:
    add_residents(world, [f"n{number}@example.org" for number in range(north)], topics=["bins"], postcodes=["ZZ1 1AA"])
    add_residents(world, [f"s{number}@example.org" for number in range(south)], topics=["bins"], postcodes=["ZZ2 1AA"])
    with transaction() as session:
        daily.count(session)


def test_a_ward_that_is_missed_is_named_with_its_rate(client: Client, world: World, viewer: dict[str, str]) -> None:
    people(world, 20, 10)  # of 1,000 and of 2,000
    with transaction() as session:
        found = reach(session, world.council_id)
    assert {ward.code: ward.per_1000 for ward in found.wards} == {NORTH: 20.0, SOUTH: 5.0}
    assert found.median == 12.5
    assert list(found.gaps()) == [
        "Southside has 5 for each 1,000 residents, 40% of the council’s median of 12.",
    ]
    assert "Southside has 5 for each 1,000 residents" in client.get("/staff/figures/reach", headers=viewer).text


def test_fewer_than_five_are_not_told_apart(client: Client, world: World, viewer: dict[str, str]) -> None:
    people(world, 20, 3)
    with transaction() as session:
        ward = next(one for one in reach(session, world.council_id).wards if one.code == SOUTH)
    assert (ward.per_1000, ward.said) == (None, "fewer than 5")
    page = client.get("/staff/figures/reach", headers=viewer).text
    assert "fewer than 5" in page
    assert "1.5" not in page


def test_a_ward_without_population_says_so(client: Client, world: World, viewer: dict[str, str]) -> None:
    people(world, 6, 6)
    with transaction() as session:
        session.execute(text("UPDATE area SET population = NULL WHERE code = :code"), {"code": SOUTH})
    page = client.get("/staff/figures/reach", headers=viewer).text
    assert "The population is not known of Southside" in page


def test_how_much_people_got_in_a_week_and_after_how_much_they_left(
    client: Client, world: World, viewer: dict[str, str], work: Work
) -> None:
    people(world, 2, 1)
    alert = created(client, world.headers, topic="bins", send=True)
    created(client, world.headers, topic="bins", audience={"wards": [NORTH]}, send=True)
    work()
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO event (month, at, alert_id, number, kind)
                SELECT month, business_now(), alert_id, number, 'unsubscribed' FROM delivery
                WHERE alert_id = :alert AND ward_code = :south
            """),
            {"alert": alert["id"], "south": SOUTH},
        )
        fatigue.count(session)
        monday = fatigue.monday_of(today())
        week = fatigue.loads(session, world.council_id, days=7, since=monday, until=today())
        four = fatigue.loads(session, world.council_id, days=28, since=monday - timedelta(weeks=3), until=today())
    assert [(one.alerts, one.people, one.went) for one in week] == [(1, 1, 1), (2, 2, 0)]
    assert [(one.alerts, one.people) for one in four] == [(1, 1), (2, 2)]
    page = client.get("/staff/figures/fatigue?more_than=1&period=month", headers=viewer).text
    assert "66.7%" in page


def test_a_week_whose_detail_was_removed_keeps_its_figures(client: Client, world: World, work: Work) -> None:
    people(world, 1, 0)
    created(client, world.headers, topic="bins", send=True)
    work()
    with transaction() as session:
        fatigue.count(session)
        session.execute(
            text("""
                INSERT INTO rollup_alert
                SELECT id, council_id, topic_id, approved_at, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                    0, 0, 0, NULL, NULL, NULL, NULL, business_now(), interval '0', true, business_now() FROM alert
            """)
        )
        session.execute(text("DELETE FROM delivery"))
        session.execute(text("DELETE FROM rollup_round"))
        fatigue.count(session)
        kept = fatigue.loads(session, world.council_id, days=7, since=today() - timedelta(days=8), until=today())
    assert [(one.alerts, one.people) for one in kept] == [(1, 1)]


@pytest.mark.parametrize("name", ["growth", "reach", "fatigue", "targets"])
@pytest.mark.parametrize("asked", ["", "?period=month", "?since=x&until=y&more_than=99&topic=nothing"])
def test_pages_of_a_council_without_a_past_teach(
    client: Client, world: World, viewer: dict[str, str], name: str, asked: str
) -> None:
    reply = client.get(f"/staff/figures/{name}{asked}", headers=viewer)
    assert reply.status_code == (422 if "since=x" in asked and name != "reach" else 200)
    assert "Reports" in reply.text
    assert clock.now()
