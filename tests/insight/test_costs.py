"""Costs: what was booked, what is estimated, and what both rest on, against the ledger itself."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight import rollups
from notify.insight.costs import prices
from notify.insight.service_levels import results as service_levels_results
from notify.staff.models import KeyMode, Role
from tests import moments
from tests.alerts.calls import act, created, neighbour
from tests.insight.desk import submit
from tests.world import World, add_resident, add_residents, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
Choose = Callable[..., None]
ASSUMED = {
    "call_pence": 465.0,
    "call_source": "Contact centre, 2025/26",
    "low_percent": 1.0,
    "high_percent": 5.0,
    "share_source": "Survey of callers",
    "staff_hour_pence": 2400.0,
    "staff_source": "Pay scale",
}


@pytest.fixture
def world(client: Client, loft: Path, choose: Choose) -> World:
    choose(PROVIDER_PRICES="pigeon=2.5")
    world = make_world()
    add_residents(
        world,
        [f"a{number}@example.org" for number in range(6)],
        phones=[f"07700 90000{number}" for number in range(6)],
        topics=["bins", "road-closures"],
    )
    add_resident(world, "b@example.org", topics=["bins"])
    return world


def send(client: Client, world: World, work: Work, **fields: object) -> str:
    alert = created(client, world.headers, **({"topic": "bins", "sms": "Closed.", "send": True} | fields))
    work()
    rollups.keep_up()
    found: str = alert["id"]
    return found


def read(client: Client, world: World, path: str = "costs", **asked: str) -> Any:  # noqa: ANN401 - JSON
    answer = client.get(f"/api/v1/{path}", params=asked, headers=world.headers)
    assert answer.is_success, answer.text
    return answer.json()


def put(client: Client, world: World, path: str, body: object) -> int:
    return client.put(f"/api/v1/{path}", json=body, headers=world.headers).status_code


def direct(question: str) -> Any:  # noqa: ANN401 - whatever was asked for
    with transaction() as session:
        return session.execute(text(question)).scalar_one()


def test_costs_are_what_the_ledger_booked(client: Client, world: World, work: Work) -> None:
    send(client, world, work, sms="x" * 200)  # two parts each
    send(client, world, work, topic="road-closures", channels=["sms"])
    found = read(client, world)
    assert found["total"]["booked_pence"] == direct("SELECT sum(cost) / 1000.0 FROM delivery") == 6 * 5 + 6 * 2.5
    assert {one["key"]: one["booked_pence"] for one in found["lines"]} == {"bins": 30.0, "road-closures": 15.0}
    assert found["total"]["messages"] == direct("SELECT count(*) FROM delivery WHERE sent_at IS NOT NULL")
    [month] = read(client, world, by="month")["lines"]
    assert month["booked_pence"] == 45.0


def test_people_are_a_range_until_they_are_told_apart(client: Client, world: World, work: Work) -> None:
    send(client, world, work)
    found = read(client, world)["total"]
    assert (found["people_low"], found["people_high"]) == (7, 13)  # seven had an e-mail, six of them a text as well
    later = clock.now() + timedelta(hours=1)
    clock.use(lambda: later)
    with transaction() as session:
        service_levels_results.judge(session)
    moments.restore()
    found = read(client, world)["total"]
    people = direct("SELECT count(DISTINCT subscriber_id) FROM delivery WHERE sent_at IS NOT NULL")
    assert (found["people_low"], found["people_high"]) == (people, people) == (7, 7)
    assert found["pence_per_person"] == round(6 * 2.5 / 7, 4)


def test_what_had_no_price_is_estimated_from_the_ledger_of_prices_and_never_booked(
    client: Client, world: World, work: Work, choose: Choose
) -> None:
    choose(PROVIDER_PRICES="")
    send(client, world, work, channels=["sms"])
    assert read(client, world)["total"]["unvalued_messages"] == 6
    today = clock.now().date()
    new = {"channel": "sms", "provider": "pigeon", "pence": 3.2, "source": "Contract"}
    assert client.post("/api/v1/costs/prices", json=new | {"valid_from": str(today)}, headers=world.headers).is_success
    later = new | {"pence": 9.0, "valid_from": str(today + timedelta(days=30))}
    assert client.post("/api/v1/costs/prices", json=later, headers=world.headers).is_success
    found = read(client, world)["total"]
    assert (found["booked_pence"], found["valued_pence"], found["unvalued_messages"]) == (0.0, 19.2, 0)
    assert direct("SELECT count(cost) FROM delivery") == 0
    again = client.post("/api/v1/costs/prices", json=new | {"valid_from": str(today)}, headers=world.headers)
    assert again.status_code == 409


def test_prices_of_the_settings_are_written_down_once_and_again_when_they_change(
    client: Client, world: World, choose: Choose
) -> None:
    with transaction() as session:
        assert prices.note_settings(session) == 1
        assert prices.note_settings(session) == 0
        # a day later
        session.execute(text("UPDATE unit_price SET valid_from = valid_from - 1"))
    choose(PROVIDER_PRICES="pigeon=2.7")
    with transaction() as session:
        assert prices.note_settings(session) == 1
    assert [one["pence"] for one in read(client, world, "costs/prices")] == [2.7, 2.5]


def test_a_campaign_is_an_alert_with_everything_that_follows_it(client: Client, world: World, work: Work) -> None:
    first = send(client, world, work)
    send(client, world, work, topic="road-closures")
    update = act(client, world.headers, first, "update", {"title": "News", "body": "News.", "sms": "News."})
    assert update.status_code == 201, update.text
    work()
    rollups.keep_up()
    assert put(client, world, f"alerts/{first}/staff-time", {"minutes": 90}) == 204
    assert put(client, world, "costs/assumptions", ASSUMED) == 200
    sheet = read(client, world, f"alerts/{update.json()['id']}/costs")
    assert [one["key"] for one in sheet["alerts"]] == [first, update.json()["id"]]
    assert sheet["total"]["booked_pence"] == 2 * 6 * 2.5
    assert (sheet["total"]["staff_minutes"], sheet["total"]["staff_pence"]) == (90, 3600.0)
    campaigns = read(client, world, by="campaign")["lines"]
    assert {one["key"]: one["alerts"] for one in campaigns if one["key"] == first} == {first: 2}
    assert len(campaigns) == 2


def test_avoided_contact_is_a_range_with_its_assumptions_and_nothing_without_them(
    client: Client, world: World, work: Work
) -> None:
    send(client, world, work)
    assert read(client, world)["total"]["avoided_contact_estimate"] is None
    assert put(client, world, "costs/assumptions", ASSUMED) == 200
    found = read(client, world)
    assert found["assumptions"] | ASSUMED == found["assumptions"]
    assert found["total"]["avoided_contact_estimate"] == {
        "calls_low": 0.1,
        "calls_high": 0.7,
        "pence_low": round(7 * 0.01 * 465, 1),
        "pence_high": round(13 * 0.05 * 465, 1),
    }
    assert put(client, world, "costs/assumptions", ASSUMED | {"is_exempt": True}) == 200
    assert read(client, world)["total"]["avoided_contact_estimate"]["pence_low"] is None
    for wrong in ({"low_percent": 9.0}, {"high_percent": None}, {"call_source": " "}):
        assert put(client, world, "costs/assumptions", ASSUMED | wrong) == 422


def test_the_page_says_in_words_what_is_not_known(client: Client, world: World, work: Work) -> None:
    alert = send(client, world, work)
    desk = at_the_desk(make_key(world, Role.ADMIN))
    shown = client.get("/staff/figures/costs", headers=desk).text
    assert "Not estimated: no one has set how many of the people reached would have called." in shown
    fields = {name: str(value) for name, value in ASSUMED.items()}
    saved = submit(client, "/staff/figures/costs/assumptions", fields | {"is_exempt": "yes"}, desk)
    assert "The cost of a call is exempt from disclosure" in saved.text
    saved = submit(client, "/staff/figures/costs/assumptions", fields | {"call_pence": ""}, desk)
    assert "The cost of a call is not set" in saved.text
    saved = submit(client, "/staff/figures/costs/assumptions", fields, desk)
    assert "Answering them would have cost" in saved.text
    assert "This is an estimate. We cannot know who would have called" in saved.text
    wrong = submit(client, "/staff/figures/costs/assumptions", fields | {"call_pence": "much"}, desk)
    assert wrong.status_code == 422
    assert "Write the cost of a call in pence" in wrong.text
    sheet = f"/staff/figures/costs/{alert}"
    assert submit(client, sheet, {"minutes": "-3"}, desk).status_code == 422
    assert "£18.00" in submit(client, sheet, {"minutes": "45"}, desk).text
    price = {"channel": "sms", "provider": "pigeon", "pence": "2.4", "valid_from": "2026-01-01", "source": "Contract"}
    assert "Contract" in submit(client, "/staff/figures/costs/prices", price, desk).text
    assert submit(client, "/staff/figures/costs/prices", price, desk).status_code == 422
    assert submit(client, "/staff/figures/costs/prices", price | {"pence": ""}, desk).status_code == 422


def test_tests_and_other_councils_cost_nothing_here(client: Client, world: World, work: Work) -> None:
    add_resident(world, "delivered@simulator.example.org", topics=["bins"])
    test = World(world.council_id, make_key(world, Role.ADMIN, mode=KeyMode.TEST)["Authorization"].split()[1])
    alert = send(client, test, work)
    assert read(client, world)["total"]["messages"] == 0
    theirs = neighbour()
    assert client.get(f"/api/v1/alerts/{alert}/costs", headers=theirs).status_code == 404
    send(client, world, work)
    assert client.get("/api/v1/costs", headers=theirs).json()["total"]["messages"] == 0


def test_who_may_only_look_changes_nothing(client: Client, world: World, work: Work) -> None:
    alert = UUID(send(client, world, work))
    viewer = make_key(world, Role.VIEWER)
    assert client.get("/api/v1/costs", headers=viewer).is_success
    assert client.put("/api/v1/costs/assumptions", json=ASSUMED, headers=viewer).status_code == 403
    assert client.put(f"/api/v1/alerts/{alert}/staff-time", json={"minutes": 1}, headers=viewer).status_code == 403
    desk = at_the_desk(viewer)
    shown = client.get("/staff/figures/costs", headers=desk).text
    assert "Change the assumptions" not in shown
