"""Plans: an alert that is ready, made into a draft by one press, and exercised without reaching anyone."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import shapely

from notify.drafting.hazards import HAZARDS
from notify.drafting.placeholders import names_in
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import Client, act, neighbour
from tests.drafting.desk import draw_wards, sit_down
from tests.subscribers.html import Page
from tests.world import NORTH, World, add_resident, make_key, make_world, signed_in
from tests.zones.test_zones import NORTHERN, SOUTHERN, save

ALERT: Mapping[str, Any] = {
    "topic": "emergencies",
    "priority": "emergency",
    "title": "Flood at Mill Lane",
    "body": "Leave by ((time)).",
    "translations": {"cy": {"title": "Llifogydd", "body": "Gadewch erbyn ((time))."}},
    "audience": {"zones": ["mill-lane"]},
    "channels": ["email", "sms"],
    "escalate": {"after_minutes": 10, "channels": ["sms"]},
    "asks_reply": True,
}
PLAN: Mapping[str, Any] = {"name": "Mill Lane", "approver_role": "planner", "lasts_minutes": 180, "exercise_months": 6}


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    draw_wards()
    return world


def kept(client: Client, key: dict[str, str], **fields: object) -> Any:  # noqa: ANN401 - JSON
    body = {**PLAN, "alert": ALERT} | fields
    answer = client.post("/api/v1/plans", json=body, headers=key)
    assert answer.status_code == 201, answer.text
    return answer.json()


def used(client: Client, key: dict[str, str], **fields: object) -> Any:  # noqa: ANN401 - JSON
    answer = client.post("/api/v1/plans/mill-lane/alert", json={"values": {"time": "5pm"}} | fields, headers=key)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_one_press_makes_the_draft_with_the_gaps_filled_in_every_language(client: Client, world: World) -> None:
    key = make_key(world, Role.PLANNER)
    save(client, key, "Mill Lane", NORTHERN)
    kept(client, key)
    gap = client.post("/api/v1/plans/mill-lane/alert", json={}, headers=key)
    assert (gap.status_code, "((time))" in gap.json()["detail"]) == (422, True)
    alert = used(client, key)
    assert (alert["state"], alert["body"], alert["is_training"]) == ("draft", "Leave by 5pm.", False)
    assert alert["translations"]["cy"]["body"] == "Gadewch erbyn 5pm."
    assert (alert["channels"], alert["escalation"]["channels"], alert["asks_reply"]) == (["email"], ["sms"], True)
    ends = moments.present() + timedelta(hours=3)
    assert alert["expires_at"][:15] == f"{ends:%Y-%m-%dT%H:%M}"[:15] or alert["expires_at"] <= ends.isoformat()


def test_a_plan_takes_the_newest_outline_of_its_zone(client: Client, world: World) -> None:
    key = make_key(world, Role.PLANNER)
    save(client, key, "Mill Lane", NORTHERN)
    kept(client, key)
    save(client, key, "Mill Lane", SOUTHERN)
    assert used(client, key)["audience"]["polygon"]["features"][0]["properties"]["version"] == 2


def test_an_exercise_is_noted_and_overdue_ones_come_first(
    client: Client, world: World, work: Callable[[], None]
) -> None:
    key = make_key(world, Role.PLANNER)
    add_resident(world, "n@example.org", topics=["emergencies"])
    save(client, key, "Mill Lane", NORTHERN)
    save(client, key, "Reservoir", shapely.box(555_400, 344_400, 557_000, 345_000))
    kept(client, key)
    kept(client, key, name="A reservoir", alert={**ALERT, "audience": {"zones": ["reservoir"]}})
    assert all(one["is_overdue"] for one in client.get("/api/v1/plans", headers=key).json())
    alert = used(client, key, training=True)
    assert alert["is_training"]
    act(client, key, alert["id"], "submit")
    act(client, signed_in(world.council_id), alert["id"], "approve")
    work()
    listed = client.get("/api/v1/plans", headers=key).json()
    assert [(one["slug"], one["is_overdue"]) for one in listed] == [("a-reservoir", True), ("mill-lane", False)]
    assert listed[1]["last_exercised_at"] is not None
    moments.ahead(days=190)
    later = client.get("/api/v1/plans/mill-lane", headers=make_key(world, Role.PLANNER)).json()
    assert later["is_overdue"]


def test_planners_keep_plans_for_emergencies_and_another_council_sees_none(client: Client, world: World) -> None:
    key, theirs = make_key(world, Role.PLANNER), neighbour()
    save(client, key, "Mill Lane", NORTHERN)
    for role in (Role.AUTHOR, Role.APPROVER):
        body = {**PLAN, "alert": ALERT}
        assert client.post("/api/v1/plans", json=body, headers=make_key(world, role)).status_code == 403
    kept(client, key)
    assert client.get("/api/v1/plans", headers=theirs).json() == []
    for answer in (
        client.get("/api/v1/plans/mill-lane", headers=theirs),
        client.post("/api/v1/plans/mill-lane/alert", json={}, headers=theirs),
        client.delete("/api/v1/plans/mill-lane", headers=theirs),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-plan")
    refused = client.post("/api/v1/plans", json={**PLAN, "alert": ALERT, "approver_role": "author"}, headers=key)
    assert refused.status_code == 422
    assert client.delete("/api/v1/plans/mill-lane", headers=key).status_code == 204
    assert client.get("/api/v1/plans", headers=key).json() == []


def test_on_the_pages_a_draft_becomes_a_plan_and_the_plan_a_draft(client: Client, world: World) -> None:
    desk = sit_down(client, world)
    desk.emergency()
    desk.where(ward=NORTH)
    kept = desk.words(do="plan", asks_reply="yes")
    assert kept.headers["location"] == f"{desk.draft}/plan"  # with the words that were just typed
    assert "Save as a plan" in client.get(f"{desk.draft}/plan").text
    assert client.post(f"{desk.draft}/plan", data={"name": ""}).status_code == 422
    done = client.post(f"{desk.draft}/plan", data={"name": "North flood", "approver_role": "planner"})
    assert done.headers["location"] == "/staff/plans/north-flood"
    assert "Exercise overdue" in Page(client.get("/staff/plans").text).text
    page = Page(client.get("/staff/plans/north-flood").text).text
    assert "Mill Road closed on Sunday" in page
    assert "It has never been exercised" in page
    made = client.post("/staff/plans/north-flood/use", data={"exercise": "yes"}).headers["location"]
    assert "Nothing of this leaves the sandbox" in client.get(made).text
    assert "North flood" in client.get(made.replace("/words", "/plan")).text  # saving it changes the plan
    assert client.post("/staff/plans/north-flood/archive").headers["location"] == "/staff/plans"
    assert "North flood" not in client.get("/staff/plans").text


@pytest.mark.parametrize("hazard", HAZARDS)
def test_first_words_fill_the_same_gaps_in_welsh_as_in_english(hazard: str) -> None:
    kind = HAZARDS[hazard]
    english = {name.lower() for name in names_in([kind.title, kind.body, kind.sms])}
    assert {name.lower() for name in names_in([kind.welsh.title, kind.welsh.body, kind.welsh.sms])} == english


def test_an_emergency_begins_in_both_languages_where_that_is_asked_for(client: Client, world: World) -> None:
    desk = sit_down(client, world)
    begun = client.post("/staff/emergency", data={"hazard": "flood", "topic": "emergencies", "welsh": "yes"})
    desk.draft = begun.headers["location"].removesuffix("/where")
    assert HAZARDS["flood"].welsh.title in client.get(f"{desk.draft}/words").text


def test_the_page_of_an_emergency_plan_says_when_it_ends_and_that_places_are_left_out(
    client: Client, world: World
) -> None:
    key = make_key(world, Role.PLANNER)
    save(client, key, "Mill Lane", NORTHERN)
    audience = {"zones": ["mill-lane"], "except": {"wards": [NORTH]}}
    kept(client, key, lasts_minutes=None, alert={**ALERT, "audience": audience})
    sit_down(client, world, Role.PLANNER)
    page = client.get("/staff/plans/mill-lane").text
    assert ("24 hours, as every emergency" in page, "Some places are left out." in page) == (True, True)
    assert "Until someone ends it" not in page
