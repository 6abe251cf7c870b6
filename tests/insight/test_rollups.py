"""Figures that are kept beside the ledger say what the ledger says, and go on saying it without the ledger."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight import rollups
from notify.insight.council.slices import By, Slice, slices
from notify.insight.models import RollupAlert
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import created
from tests.world import NORTH, SOUTH, World, add_resident, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def residents(world: World) -> None:
    add_resident(world, "a@example.org", topics=["bins"], postcodes=["ZZ1 1AA"])
    add_resident(world, "b@example.org", topics=["bins"], postcodes=["ZZ2 1AA"], language="cy")
    add_resident(world, "c@example.org", phone="07700 900001", topics=["bins"], postcodes=["ZZ2 1AB"])


def sliced(world: World, by: By, **narrowed: str) -> dict[str, Slice]:
    today = clock.now().date()
    with transaction() as session:
        found = slices(session, world.council_id, by=by, since=today, until=today + timedelta(days=1), **narrowed)  # type: ignore[arg-type]
    return {one.key: one for one in found}


def kept(alert_id: str) -> RollupAlert | None:
    with transaction() as session:
        return session.get(RollupAlert, UUID(alert_id))


def test_an_alert_with_news_is_counted_and_one_without_is_not_counted_again(
    client: Client, world: World, work: Work
) -> None:
    residents(world)
    alert = created(client, world.headers, topic="bins", send=True)
    work()
    assert rollups.keep_up() == 1
    counted = kept(alert["id"])
    assert counted is not None
    assert (counted.recipients, counted.sent, counted.waiting) == (4, 4, 0)
    assert counted.time_to_50 is not None
    with transaction() as session:
        session.execute(text("UPDATE rollup_mark SET at = at - interval '2 minutes'"))
    assert rollups.keep_up() == 0


def test_slices_say_what_the_ledger_says(client: Client, world: World, work: Work) -> None:
    residents(world)
    created(client, world.headers, topic="bins", send=True)
    created(client, world.headers, topic="bins", audience={"wards": [SOUTH]}, send=True)
    work()
    rollups.keep_up()
    assert {key: (one.alerts, one.sent) for key, one in sliced(world, By.TOPIC).items()} == {"bins": (2, 7)}
    assert {key: (one.alerts, one.sent) for key, one in sliced(world, By.WARD).items()} == {
        NORTH: (1, 1),
        SOUTH: (2, 6),
    }
    assert {key: one.sent for key, one in sliced(world, By.CHANNEL).items()} == {"email": 5, "sms": 2}
    assert {key: one.sent for key, one in sliced(world, By.LANGUAGE).items()} == {"en": 5, "cy": 2}
    assert {key: one.sent for key, one in sliced(world, By.TOPIC, ward=NORTH).items()} == {"bins": 1}
    assert sum(one.sent for one in sliced(world, By.MONTH).values()) == 7


def test_tests_and_other_councils_are_in_no_slice(client: Client, world: World, work: Work) -> None:
    residents(world)
    add_resident(world, "delivered@simulator.example.org", topics=["bins"])
    created(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST), topic="bins", send=True)
    work()
    assert rollups.keep_up() == 1
    assert sliced(world, By.TOPIC) == {}
    with transaction() as session:
        assert slices(session, UUID(int=7), by=By.TOPIC, since=date(2020, 1, 1), until=date(2100, 1, 1)) == []


def test_counting_again_changes_nothing_and_detail_that_is_gone_leaves_the_figures(
    client: Client, world: World, work: Work
) -> None:
    residents(world)
    alert = created(client, world.headers, topic="bins", send=True)
    work()
    with transaction() as session:
        rollups.count_alert(session, UUID(alert["id"]))
    before = sliced(world, By.WARD)
    with transaction() as session:
        rollups.count_alert(session, UUID(alert["id"]))
    assert sliced(world, By.WARD) == before
    with transaction() as session:
        session.execute(text("UPDATE rollup_alert SET detail_removed_at = business_now()"))
        session.execute(text("DELETE FROM delivery"))
    with transaction() as session:
        rollups.count_alert(session, UUID(alert["id"]))
    assert sliced(world, By.WARD) == before
