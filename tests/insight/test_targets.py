"""Targets at the desk: set by an administrator, measured by the platform or entered, with what is done about red."""

from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight.growth import daily
from notify.insight.indicators.rating import Direction, Rag
from notify.insight.indicators.targets import Standing, standings
from notify.insight.period import chosen
from notify.staff.models import Role
from tests.world import World, add_resident, add_residents, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
PATH = "/staff/figures/targets"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def admin(world: World) -> dict[str, str]:
    return at_the_desk(make_key(world, Role.ADMIN))


def standing(world: World, indicator: str) -> Standing:
    with transaction() as session:
        found = standings(session, world.council_id, chosen({"period": "month"}))
    return next(one for one in found if one.indicator == indicator)


def save(client: Client, headers: dict[str, str], indicator: str, **fields: str) -> tuple[int, str]:
    reply = client.post(f"{PATH}/{indicator}", data=fields, headers=headers, follow_redirects=False)
    return reply.status_code, reply.text if reply.status_code == 422 else reply.headers.get("location", "")


def enter(client: Client, headers: dict[str, str], indicator: str, rows: str) -> tuple[int, str]:
    reply = client.post(f"{PATH}/{indicator}/values", data={"rows": rows}, headers=headers, follow_redirects=False)
    return reply.status_code, reply.text


def test_an_indicator_of_the_platform_gets_a_target_and_stands_to_it(
    client: Client, world: World, admin: dict[str, str]
) -> None:
    add_resident(world, "a@example.org", topics=["bins"])
    with transaction() as session:
        daily.count(session)
    assert standing(world, "subscribers").rag == Rag.BASELINE
    assert save(client, admin, "subscribers", kind="target", target="0.3", actions="")[0] == 303
    now = standing(world, "subscribers")  # one of 3,000
    assert (str(now.value), now.rag) == ("0.33", Rag.BLUE)
    assert save(client, admin, "subscribers", kind="target", target="1", actions="Posters in both wards.")[0] == 303
    assert standing(world, "subscribers").rag == Rag.RED
    page = client.get(PATH, headers=admin).text
    assert "Red" in page
    assert "Posters in both wards." in page
    with transaction() as session:
        said = session.execute(text("SELECT detail FROM audit_entry WHERE action = 'target.set' ORDER BY id")).scalars()
        assert [one["target"] for one in said] == ["0.3", "1"]


def test_an_indicator_of_its_own_takes_values_as_a_spreadsheet_has_them(
    client: Client, world: World, admin: dict[str, str]
) -> None:
    fields = {"kind": "target", "target": "15", "name": "Avoidable contact", "unit": "%", "better": "lower"}
    status, location = save(client, admin, "new", **fields)
    assert (status, location) == (303, f"{PATH}/own-avoidable-contact#values")
    month, before = (clock.now() - timedelta(days=days) for days in (0, 40))
    rows = f"month,value\r\n{before:%Y-%m},8.2\r\n{month:%Y-%m}\t10.4%\r\n"
    assert enter(client, admin, "own-avoidable-contact", rows)[0] == 303
    now = standing(world, "own-avoidable-contact")
    assert (str(now.value), str(now.before)) == ("10.4", "8.2")
    assert (now.rag, now.direction) == (Rag.BLUE, Direction.DECLINING)
    assert enter(client, admin, "own-avoidable-contact", f"{month:%Y-%m},17")[0] == 303
    assert standing(world, "own-avoidable-contact").rag == Rag.RED
    assert "none is written yet" in client.get(PATH, headers=admin).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "target", "target": "lots"}, "is not a number"),
        ({"kind": "target", "target": ""}, "Enter a number"),
        ({"kind": "target", "target": "1e9999"}, "is not a number"),
        ({"kind": "wish", "target": "9"}, "measured against"),
    ],
)
def test_what_is_no_target_is_refused_and_changes_nothing(
    client: Client, world: World, admin: dict[str, str], fields: dict[str, str], words: str
) -> None:
    assert save(client, admin, "subscribers", kind="target", target="5")[0] == 303
    status, page = save(client, admin, "subscribers", **fields)
    assert status == 422
    assert words in page
    assert str(standing(world, "subscribers").target) == "5"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("October, 7", "is no month"),
        ("2026-10", "no comma"),
        ("2026-10, many", "is not a number"),
        ("2999-01, 7", "not in the past"),
        ("", "Write from 1"),
        ("month,value", "only a line of headings"),
    ],
)
def test_a_line_that_makes_no_sense_is_named_and_no_line_is_kept(
    client: Client, world: World, admin: dict[str, str], rows: str, words: str
) -> None:
    save(client, admin, "new", kind="contextual", name="Calls", unit="calls", better="higher")
    given = f"2026-01, 5\n{rows}" if rows not in ("", "month,value") else rows
    status, page = enter(client, admin, "own-calls", given)
    assert status == 422
    assert words in page
    assert standing(world, "own-calls").value is None


def test_another_councils_indicator_is_not_there(client: Client, world: World, admin: dict[str, str]) -> None:
    with transaction() as session:
        session.execute(text("INSERT INTO council VALUES (gen_random_uuid(), 'other', 'Other', '{}', business_now())"))
        session.execute(
            text("""
                INSERT INTO target SELECT gen_random_uuid(), id, 'own-calls', 'Calls', '', 'baseline', false, NULL, '',
                                          business_now(), 'test' FROM council WHERE slug = 'other'
            """)
        )
    assert client.get(f"{PATH}/own-calls", headers=admin).status_code == 404
    assert enter(client, admin, "own-calls", "2026-01, 5")[0] == 404
    assert enter(client, admin, "subscribers", "2026-01, 5")[0] == 404


def test_programs_set_targets_and_read_how_things_stand(client: Client, world: World) -> None:
    own = {"kind": "target", "target": 85, "name": "Calls answered", "unit": "%"}
    key = client.post("/api/v1/targets", json=own, headers=world.headers).json()["indicator"]
    assert key == "own-calls-answered"
    values = {"values": [{"month": "2026-01", "value": 87.5}, {"month": "2026-02", "value": 87}]}
    assert client.post(f"/api/v1/targets/{key}/values", json=values, headers=world.headers).status_code == 204
    assert client.put("/api/v1/targets/clicks", json={"kind": "contextual"}, headers=world.headers).status_code == 200
    found = {one["indicator"]: one for one in client.get("/api/v1/targets", headers=world.headers).json()}
    assert (found[key]["value"], found[key]["status"], found[key]["change"]) == (87.0, "Green", "Declining")
    assert found["clicks"]["status"] == "Contextual"
    bad = client.put("/api/v1/targets/clicks", json={"kind": "target"}, headers=world.headers)
    assert (bad.status_code, bad.json()["type"]) == (422, "/problems/target-not-valid")


def test_programs_read_growth_reach_and_fatigue(client: Client, world: World) -> None:
    add_residents(world, [f"r{number}@example.org" for number in range(6)], topics=["bins"])
    with transaction() as session:
        daily.count(session)
    grown = client.get("/api/v1/growth", headers=world.headers).json()
    assert (grown["came"], grown["subscribers_at_last"], grown["by_source"]) == (
        6,
        6,
        [{"key": "test", "came": 6, "left": 0}],
    )
    reached = client.get("/api/v1/reach?topic=bins", headers=world.headers).json()
    assert {ward["name"]: (ward["subscribers"], ward["per_1000"]) for ward in reached["wards"]} == {
        "Northside": (6, 6.0),
        "Southside": (0, 0.0),
    }
    assert client.get("/api/v1/fatigue", headers=world.headers).json() == {"week": [], "four_weeks": []}
    assert client.get("/api/v1/growth?since=2026-02-01&until=2026-01-01", headers=world.headers).status_code == 422
