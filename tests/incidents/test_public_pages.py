"""What everyone reads of an incident: its page, the list, and the banner on every page while it goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.alerts.publishing import banner
from notify.core.db import transaction
from tests.alerts.calls import act, created
from tests.world import NORTH, World, add_resident, make_other_council, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]
WELSH = {"cy": {"title": "Llifogydd", "body": "Ewch i fyny."}}
FLOOD = {
    "topic": "emergencies",
    "priority": "emergency",
    "title": "Flood in Mill Lane",
    "body": "Go upstairs.",
    "audience": {"wards": [NORTH]},
    "translations": WELSH,
    "send": True,
}
ASIDE = '<aside class="alarm"'


@pytest.fixture(autouse=True)
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner, "FRESH_S", -1.0)


@pytest.fixture
def world(client: Client) -> World:
    found = make_world()
    add_resident(found, "ada@example.org", topics=["emergencies"])
    return found


def warn(client: Client, world: World, work: Work, **fields: Any) -> str:  # noqa: ANN401 - JSON
    alert: str = created(client, world.headers, **(FLOOD | fields))["id"]
    work()
    return alert


def page_of(client: Client, world: World, alert: str) -> str:
    incident = client.get(f"/api/v1/alerts/{alert}", headers=world.headers).json()["incident"]
    found = client.get(f"/api/v1/incidents/{incident}", headers=world.headers).json()["public_page"]
    return "/incidents/" + str(found).rpartition("/")[2]


def test_every_public_page_names_the_emergency_while_it_goes_on(client: Client, world: World, work: Work) -> None:
    assert ASIDE not in client.get("/alerts").text
    alert = warn(client, world, work)
    for path in ("/", "/alerts", "/privacy", "/sign-up", "/staff/sign-in", "/topics", f"/alerts/{alert}"):
        shown = client.get(path).text
        assert ASIDE in shown, path
        assert page_of(client, world, alert) in shown
    assert "Llifogydd" in client.get("/topics?lang=cy").text
    assert ASIDE not in client.get("/staff", headers=signed_in(world.council_id)).text
    act(client, signed_in(world.council_id), alert, "all-clear", {"title": "It is over", "body": "Come down."})
    work()
    assert ASIDE not in client.get("/topics").text


def test_the_banner_is_the_councils_whose_emergency_it_is(client: Client, world: World, work: Work) -> None:
    make_other_council()
    warn(client, world, work)
    assert ASIDE in client.get("/alerts?council=zed").text
    assert ASIDE not in client.get("/alerts?council=far").text


def test_the_page_says_what_to_do_now_and_everything_that_was_said(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work)
    page = page_of(client, world, alert)
    said = {"title": "The water rises", "body": "Stay upstairs."}
    act(client, signed_in(world.council_id), alert, "update", said)
    work()
    shown = client.get(page).text
    assert shown.index("Stay upstairs.") < shown.index("Everything that was said, newest first")
    assert shown.index("The water rises") < shown.rindex("Flood in Mill Lane")
    assert "Northside" in shown
    assert page in client.get(f"/alerts/{alert}").text
    assert f"/alerts/{alert}" in shown
    assert page in client.get("/widget").text
    feed = client.get("/alerts.json").json()["items"][0]
    assert feed["_incident"]["url"].endswith(page)
    assert page in client.get("/alerts.atom").text


def test_what_has_ended_says_so_and_leaves_the_list_a_day_later(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work)
    page = page_of(client, world, alert)
    act(client, signed_in(world.council_id), alert, "all-clear", {"title": "It is over", "body": "Come down."})
    work()
    assert 'class="status ended"' in client.get(page).text
    assert page in client.get("/incidents").text
    with transaction() as session:
        session.execute(text("UPDATE incident SET ended_at = ended_at - interval '25 hours'"))
    assert page not in client.get("/incidents").text
    assert client.get(page).status_code == 200


def test_what_ran_out_without_an_all_clear_is_no_emergency_any_more(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work)
    page = page_of(client, world, alert)
    assert "What to do now" in client.get(page).text
    with transaction() as session:
        session.execute(text("UPDATE alert SET expires_at = now() - interval '1 hour'"))
    over = client.get(page).text
    assert ('class="status ended"' in over, "What to do now" in over) == (True, False)
    assert page in client.get("/incidents").text
    with transaction() as session:
        session.execute(text("UPDATE alert SET expires_at = now() - interval '25 hours'"))
    assert page not in client.get("/incidents").text


def test_an_exercise_is_never_public(client: Client, world: World, work: Work) -> None:
    warn(client, world, work, training=True)
    with transaction() as session:
        ref = session.execute(text("SELECT ref FROM incident")).scalar_one()
    assert client.get(f"/incidents/{ref}").status_code == 404
    assert ref not in client.get("/incidents").text
    assert ASIDE not in client.get("/").text


def test_pages_are_shown_when_nobody_can_say_what_goes_on(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError("no database")

    monkeypatch.setattr(banner, "transaction", away)
    assert client.get("/poster").status_code == 200
