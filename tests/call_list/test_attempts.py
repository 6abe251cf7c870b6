"""Colleagues call and visit at once: each attempt is kept, and nobody overwrites what they have not seen."""

from typing import Any
from uuid import UUID

import pytest

from notify.staff.models import Role
from tests.alerts.calls import Client, neighbour
from tests.insight.test_not_reached import emergency, listed, person, set_state
from tests.staff.test_policy import sign_in
from tests.subscribers.html import Page
from tests.world import World, make_key, make_world


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


def record(client: Client, key: dict[str, str], alert: str, who: object, outcome: str, seen: int) -> Any:  # noqa: ANN401 - a response
    path = f"/api/v1/alerts/{alert}/call-list/{who}/attempts"
    return client.post(path, json={"outcome": outcome, "note": "By the back door", "seen": seen}, headers=key)


def names(client: Client, key: dict[str, str], alert: str, sort: str) -> list[str]:
    answer = client.get(f"/api/v1/alerts/{alert}/call-list", params={"sort": sort}, headers=key)
    return [one["name"] for one in answer.json()["list"]]


def missed_by(client: Client, world: World, *people: tuple[str, str]) -> tuple[str, list[UUID]]:
    ids = [person(world, name, postcode, phone=f"07700 90010{n}") for n, (name, postcode) in enumerate(people)]
    alert = emergency(client, world)
    for one in ids:
        for way in ("email", "sms"):
            set_state(one, "permanent-failure", channel=way)
    return alert, ids


def test_who_has_not_seen_the_last_attempt_is_told_what_it_was(client: Client, world: World) -> None:
    alert, (ann,) = missed_by(client, world, ("Ann Ash", "ZZ1 1AA"))
    sam, kim = make_key(world, Role.PLANNER), make_key(world, Role.AUTHOR)
    assert record(client, sam, alert, ann, "no-answer", 0).json()["number"] == 1
    late = record(client, kim, alert, ann, "safe", 0)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/attempted-meanwhile")
    assert "recorded ‘no answer’ at" in late.json()["detail"]
    assert record(client, kim, alert, ann, "safe", late.json()["latest"]).json()["number"] == 2
    one = client.get(f"/api/v1/alerts/{alert}/call-list", headers=sam).json()["list"][0]
    assert (one["last"]["number"], one["last"]["outcome"], one["last"]["note"]) == (2, "safe", "By the back door")


def test_on_a_phone_the_page_says_what_a_colleague_recorded_meanwhile(client: Client, world: World) -> None:
    alert, (ann,) = missed_by(client, world, ("Ann Ash", "ZZ1 1AA"))
    sign_in(client, world, Role.AUTHOR, is_here=True)
    path = f"/staff/alerts/{alert}/missed/{ann}"
    shown = client.get(path)
    assert 'href="tel:+447700900100"' in shown.text
    seen = Page(shown.text).fields["seen"][0]
    assert client.post(path, data={"seen": seen}).status_code == 422
    assert client.post(path, data={"seen": seen, "outcome": "safe"}).status_code == 303
    late = client.post(path, data={"seen": seen, "outcome": "moved"})
    assert (late.status_code, "recorded ‘safe’ at" in late.text) == (409, True)
    assert client.post(path, data={"seen": Page(late.text).fields["seen"][0], "outcome": "moved"}).status_code == 303
    found = listed(client, alert)[0]
    assert (found["language"], "recorded ‘moved’ at" in found["last attempt"]) == ("en", True)


def test_the_list_is_sorted_for_a_walk_or_by_need(client: Client, world: World) -> None:
    alert, (ann, _bo, cy) = missed_by(
        client, world, ("Ann Ash", "ZZ2 1AB"), ("Bo Birch", "ZZ1 1AA"), ("Cy Cedar", "ZZ2 1AA")
    )
    key = make_key(world, Role.PLANNER)
    record(client, key, alert, ann, "safe", 0)
    record(client, key, alert, cy, "needs-help", 0)
    assert names(client, key, alert, "walk") == ["Bo Birch", "Cy Cedar", "Ann Ash"]
    assert names(client, key, alert, "need") == ["Cy Cedar", "Bo Birch", "Ann Ash"]
    sign_in(client, world, Role.AUTHOR, is_here=True)
    page = client.get(f"/staff/alerts/{alert}/missed", params={"sort": "walk", "whole": "yes"})
    assert page.text.index("Bo Birch") < page.text.index("Cy Cedar") < page.text.index("Ann Ash")


def test_attempts_are_recorded_about_ones_own_alert_and_who_it_went_to(client: Client, world: World) -> None:
    alert, (ann,) = missed_by(client, world, ("Ann Ash", "ZZ1 1AA"))
    stranger = person(world, "Di Elder")
    assert record(client, neighbour(), alert, ann, "safe", 0).status_code == 404
    assert record(client, world.headers, alert, stranger, "safe", 0).status_code == 404
    assert record(client, make_key(world, Role.MONITORING), alert, ann, "safe", 0).status_code == 403
    assert record(client, world.headers, alert, ann, "lost", 0).status_code == 422
