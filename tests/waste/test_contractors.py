"""What a waste contractor says of collections: signed, taken once, and told to the people concerned."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from notify.core import clock
from notify.providers.webhook.provider import signed_headers
from notify.staff.models import Role
from tests.waste.council import DECEMBER, HOME, Client, it_is, put_into_force, read, read_as, schedule, weekly
from tests.waste.test_reminders import STREAMS, look, remind
from tests.world import World, make_key, make_other_council, make_world, signed_in

MISSED = {"reference": "w-1", "outcome": "missed", "day": "2026-12-01", "round": "R1", "cause": "breakdown"}
STATUSES = "/api/v1/collections/statuses"


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council with refuse and food on Tuesdays; it is a Tuesday."""
    made = make_world()
    it_is(DECEMBER)
    put_into_force(client, made, schedule(weekly("refuse", "Tue"), weekly("food", "Tue"), streams=STREAMS))
    yield made
    clock.use(None)


def say(client: Client, world: World, *statuses: Mapping[str, object]) -> dict[str, Any]:
    """Send these by the council's key; what came of it."""
    answer = client.post(STATUSES, json={"statuses": list(statuses)}, headers=world.headers)
    assert answer.status_code == 200, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


def contractor(client: Client, world: World, name: str = "Zed Waste") -> dict[str, str]:
    """Add a contractor; its id and secret."""
    made: dict[str, str] = client.post(
        "/api/v1/collections/contractors", json={"name": name}, headers=world.headers
    ).json()
    return made


def call(client: Client, secret: str, *statuses: Mapping[str, object], council: str = "zed") -> Response:
    """A signed call of a contractor."""
    body = json.dumps({"statuses": statuses}).encode()
    headers = signed_headers(secret, str(uuid4()), body, at=clock.now().timestamp())
    return client.post(f"/api/v1/webhooks/collections/{council}", content=body, headers=headers)


def test_a_missed_round_shows_on_the_homes_page_and_is_told_once(client: Client, world: World) -> None:
    remind(world, "sam@example.org")
    assert say(client, world, MISSED) == {"accepted": 1, "repeated": 0, "refused": []}
    assert say(client, world, MISSED) == {"accepted": 0, "repeated": 1, "refused": []}
    said = {one["stream"]: one["status"] for one in read(client, to="2026-12-01")["collections"]}
    assert said == {"refuse": "not-completed", "food": "not-completed"}
    assert look(date(2026, 12, 1), 12) == ["Change to your bin collection on Tuesday 1 December"]
    assert say(client, world, MISSED | {"reference": "w-2"})["accepted"] == 1, "the same miss by another name"
    assert look(date(2026, 12, 1), 12, 5) == []


def test_a_miss_at_one_home_is_for_that_home_alone(client: Client, world: World) -> None:
    own = {"reference": "h-1", "outcome": "missed", "day": "2026-12-01", "uprn": HOME, "stream": "refuse"}
    assert say(client, world, own)["accepted"] == 1
    assert {one["status"] for one in read(client, to="2026-12-01")["collections"]} == {"usual"}
    shown = read_as(world.headers, client, to="2026-12-01")
    assert {one["stream"]: one["status"] for one in shown["collections"]}["refuse"] == "not-completed"


def test_what_was_completed_is_kept_and_tells_nobody(client: Client, world: World) -> None:
    remind(world, "sam@example.org")
    done = {"reference": "d-1", "outcome": "completed", "day": "2026-12-01", "round": "R1"}
    assert say(client, world, done)["accepted"] == 1
    assert look(date(2026, 12, 1), 12) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"day": "2026-12-02"}, "The day must be today"),
        ({"day": "2026-10-01"}, "The day must be today"),
        ({"round": ""}, "Give `round` or `uprn`"),
        ({"round": "", "uprn": "99"}, "do not name this home"),
        ({"round": "R9"}, "No home of your active release"),
    ],
)
def test_a_word_that_cannot_be_right_is_refused_by_itself(
    client: Client, world: World, change: dict[str, str], reason: str
) -> None:
    fine = {"reference": "d-1", "outcome": "completed", "day": "2026-12-01", "round": "R1"}
    taken = say(client, world, MISSED | change, fine)
    assert taken["accepted"] == 1
    [refused] = taken["refused"]
    assert refused["reference"] == "w-1"
    assert reason in refused["reason"]
    assert say(client, world, MISSED)["accepted"] == 1, "nothing of the refused word was kept"


def test_a_signed_call_is_taken_and_a_forged_old_or_foreign_one_is_not(client: Client, world: World) -> None:
    secret = contractor(client, world)["secret"]
    assert call(client, secret, MISSED).json()["accepted"] == 1
    assert call(client, secret, MISSED).json()["repeated"] == 1
    other = make_other_council()
    foreign = contractor(client, other)["secret"]
    assert call(client, foreign, MISSED).status_code == 401
    body = b'{"statuses": []}'
    assert client.post("/api/v1/webhooks/collections/zed", content=body).status_code == 401
    old = signed_headers(secret, "a", body, at=clock.now().timestamp() - 600)
    assert client.post("/api/v1/webhooks/collections/zed", content=body, headers=old).status_code == 401


def test_a_signed_call_that_is_no_list_of_statuses_says_where(client: Client, world: World) -> None:
    secret = contractor(client, world)["secret"]
    answer = call(client, secret, MISSED | {"outcome": "perhaps"})
    assert answer.status_code == 422
    assert "statuses.0.outcome" in answer.json()["detail"]


def test_a_removed_contractor_is_not_heard_any_more(client: Client, world: World) -> None:
    made = contractor(client, world)
    path = f"/api/v1/collections/contractors/{made['id']}"
    assert client.delete(path, headers=world.headers).status_code == 204
    assert call(client, made["secret"], MISSED).status_code == 401
    assert client.delete(path, headers=world.headers).status_code == 404


def test_the_secret_is_shown_once_on_the_page(client: Client, world: World) -> None:
    desk = signed_in(world.council_id)
    made = client.post("/staff/bins/contractors", data={"name": "Zed Waste"}, headers=desk).text
    assert "whsec_" in made
    again = client.get("/staff/bins/contractors", headers=desk).text
    assert "Zed Waste" in again
    assert "whsec_" not in again
    twice = client.post("/staff/bins/contractors", data={"name": "zed waste"}, headers=desk)
    assert twice.status_code == 422
    assert "has a secret already" in twice.text


def test_who_may_not_change_collections_says_nothing(client: Client, world: World) -> None:
    viewer = make_key(world, Role.VIEWER)
    assert client.post(STATUSES, json={"statuses": [MISSED]}, headers=viewer).status_code == 403
