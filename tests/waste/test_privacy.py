"""What a home pays for is nobody else's to know, whichever way one asks."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import Settings
from notify.reorganisation import service
from notify.staff.models import KeyMode, Role
from notify.staff.queries import council_by_slug
from notify.subscribers.models import ServiceMessageKind
from notify.waste import calendar_feed
from notify.web import rate_limits
from tests.subscribers.journey import BROWSER, link_for
from tests.waste.council import DECEMBER, HOME, Client, it_is, put_into_force, read_as, schedule, weekly
from tests.waste.test_campaign import WHO
from tests.waste.test_reminders import remind
from tests.world import World, add_resident, make_key, make_other_council, make_world, signed_in

STREAMS = [{"code": "garden", "name": "Garden waste", "container": "brown bin", "availability": "subscribers"}]


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council whose one home pays for garden waste."""
    made = make_world()
    it_is(DECEMBER)
    put_into_force(client, made, paying("Wed"))
    yield made
    clock.use(None)


def paying(weekday: str, *, streams: object = STREAMS) -> dict[str, object]:
    """The file: refuse for all, and garden waste on this day for the home, which pays."""
    file = schedule(weekly("refuse", "Tue"), weekly("garden", weekday), streams=streams)
    file["properties"][0]["services"] = {"garden": ["2026-01-01", "2027-12-31"]}
    return file


def garden(client: Client, headers: dict[str, str]) -> bool:
    shown = read_as(headers, client)
    return "garden" in {one["stream"] for one in shown["collections"]}


def test_a_test_key_does_not_see_what_a_home_pays_for(client: Client, world: World) -> None:
    assert garden(client, world.headers)
    assert not garden(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST))


def test_a_change_of_rounds_tells_followers_of_a_postcode_nothing_of_what_its_home_pays_for(
    client: Client, world: World
) -> None:
    add_resident(world, "kim@example.org", topics=["bins"])
    remind(world, "sam@example.org")
    put_into_force(client, world, paying("Thu"))
    release = client.get("/api/v1/collections/releases", headers=world.headers).json()["releases"][0]["id"]
    client.post(f"/staff/bins/releases/{release}/tell", headers=signed_in(world.council_id), follow_redirects=False)
    with transaction() as session:
        told = {row.address: row.body for row in session.execute(text(WHO))}
    assert set(told) == {"sam@example.org"}


def test_a_stream_that_was_first_loaded_for_all_is_hidden_once_a_release_says_who_pays(client: Client) -> None:
    world = make_world()
    it_is(DECEMBER)
    put_into_force(client, world, schedule(weekly("refuse", "Tue"), weekly("garden", "Wed")))
    assert garden(client, {})
    put_into_force(client, world, paying("Wed", streams=[]))
    assert not garden(client, {})
    clock.use(None)


def test_a_resident_is_shown_nothing_of_a_home_elsewhere(client: Client, world: World) -> None:
    add_resident(world, "kim@example.org", postcodes=["ZZ1 1AB"])
    client.post(f"/manage/{link_for('kim@example.org', ServiceMessageKind.SIGN_IN)}", headers=BROWSER)
    answer = client.post("/my/bins", data={"home": HOME, "evening": "yes"}, headers=BROWSER)
    assert answer.status_code == 404
    assert "webcal://" not in client.get("/my/bins").text


def test_the_calendar_with_what_a_home_pays_for_ends_with_the_reminder_and_the_place(
    client: Client, world: World
) -> None:
    own = urlsplit(calendar_feed.own_address_of(remind(world, "sam@example.org"))).path
    assert "Garden waste" in client.get(own).text
    with transaction() as session:
        session.execute(text("UPDATE place SET postcode = 'ZZ11AB'"))
    assert "Garden waste" not in client.get(own).text
    with transaction() as session:
        session.execute(text("DELETE FROM collection_reminder"))
    assert client.get(own).status_code == 404


def test_what_was_missed_at_one_home_alone_is_not_public(client: Client, world: World) -> None:
    missed = {"kind": "not-completed", "day": "2026-12-01", "home": HOME}
    assert client.post("/api/v1/waste-events", json=missed, headers=world.headers).status_code == 201
    assert {one["status"] for one in read_as(world.headers, client)["collections"]} == {"usual", "not-completed"}
    assert {one["status"] for one in read_as({}, client)["collections"]} == {"usual"}


def test_days_at_the_end_of_the_calendar_are_refused(client: Client, world: World) -> None:
    for first, last in (("0001-01-01", "0001-02-01"), ("9999-12-01", "9999-12-31"), ("9999-12-01", "")):
        asked = {"postcode": "ZZ1 1AA", "from": first} | ({"to": last} if last else {})
        assert client.get("/api/v1/collections", params=asked).status_code == 422
    event = {"kind": "cancelled", "day": "0001-01-01"}
    assert client.post("/api/v1/waste-events", json=event, headers=world.headers).status_code == 422
    line = {"usual": "9999-12-31"}
    assert client.put("/api/v1/collections/moves", json=[line], headers=world.headers).status_code == 422


def test_after_a_merger_a_home_is_found_once(client: Client, world: World) -> None:
    far = make_other_council(topics=["bins"])
    put_into_force(client, far, paying("Wed"))
    assert len(read_as({}, client)["choices"]) == 2
    with transaction() as session:
        service.merge(session, council_by_slug(session, "far"), council_by_slug(session, "zed"), actor="test")
    assert read_as({}, client)["property"]["council"] == "zed"


def test_a_key_looks_up_pages_no_more_often_than_anybody(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "settings", lambda: Settings(network_limits=1.0))
    monkeypatch.setattr(rate_limits, "LIMITS", {**rate_limits.LIMITS, "look-up": rate_limits.Limit(2, 1)})
    path = f"/bins/zed/{HOME}"
    assert 429 in [client.get(path, headers=world.headers).status_code for _ in range(4)]


def test_everything_held_about_a_resident_names_their_reminders(client: Client, world: World) -> None:
    remind(world, "sam@example.org")
    client.post(f"/manage/{link_for('sam@example.org', ServiceMessageKind.SIGN_IN)}", headers=BROWSER)
    for path in ("/my/data", "/my/data.json", "/my/data.csv"):
        assert HOME in client.get(path).text
