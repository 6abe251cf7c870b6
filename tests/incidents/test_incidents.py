"""What belongs together: an emergency opens an incident, what follows it joins, and the all-clear ends it."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.staff.models import KeyMode, Role
from tests.alerts.calls import act, created, post_alert
from tests.drafting.desk import sit_down
from tests.subscribers.html import Page
from tests.world import NORTH, World, add_resident, make_key, make_other_council, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]
FLOOD = {"topic": "emergencies", "priority": "emergency", "title": "Flood in Mill Lane", "body": "Go upstairs."}


@pytest.fixture
def world(client: Client) -> World:
    found = make_world()
    add_resident(found, "ada@example.org", topics=["emergencies"])
    return found


def warn(client: Client, world: World, **fields: Any) -> Any:  # noqa: ANN401 - JSON
    return created(client, world.headers, **(FLOOD | {"send": True} | fields))


def incidents(client: Client, world: World, **query: str) -> Any:  # noqa: ANN401 - JSON
    return client.get("/api/v1/incidents", headers=world.headers, params=query).json()["incidents"]


def incident_of(client: Client, world: World, alert: Any) -> Any:  # noqa: ANN401 - JSON
    found = client.get(f"/api/v1/alerts/{alert['id']}", headers=world.headers).json()["incident"]
    return client.get(f"/api/v1/incidents/{found}", headers=world.headers).json()


def follow(client: Client, world: World, alert: Any, verb: str) -> Any:  # noqa: ANN401 - JSON
    reply = act(client, signed_in(world.council_id), alert["id"], verb, {"title": "News", "body": "It goes on."})
    assert reply.status_code == 201, reply.text
    return reply.json()


def test_an_emergency_opens_an_incident_when_it_is_sent_and_not_before(client: Client, world: World) -> None:
    post_alert(client, world.headers, **FLOOD)
    assert incidents(client, world) == []
    warn(client, world)
    assert [(one["name"], one["state"]) for one in incidents(client, world)] == [("Flood in Mill Lane", "open")]


def test_updates_join_by_themselves_and_the_all_clear_ends_it(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world)
    work()
    update = follow(client, world, alert, "update")
    found = incident_of(client, world, alert)
    assert found["alerts"] == [alert["id"], update["id"]]
    work()
    follow(client, world, alert, "all-clear")
    assert incident_of(client, world, alert)["state"] == "ended"


def test_a_second_emergency_joins_the_incident_that_it_names(client: Client, world: World, work: Work) -> None:
    first = warn(client, world)
    work()
    found = incident_of(client, world, first)
    second = warn(client, world, title="Power cut", incident=found["id"])
    work()
    assert [one["id"] for one in incidents(client, world)] == [found["id"]]
    follow(client, world, first, "all-clear")
    assert incident_of(client, world, second)["state"] == "open"  # the power is still out
    follow(client, world, second, "all-clear")
    refused = post_alert(client, world.headers, **(FLOOD | {"incident": found["id"]}))
    assert refused.status_code == 409


def test_an_exercise_is_an_incident_of_its_own_kind(client: Client, world: World, work: Work) -> None:
    warn(client, world, training=True)
    [found] = incidents(client, world)
    assert found["is_training"]
    assert found["public_page"] is None
    assert post_alert(client, world.headers, **(FLOOD | {"incident": found["id"]})).status_code == 409
    tester = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    created(client, tester, **(FLOOD | {"send": True, "title": "A test"}))
    assert len(incidents(client, world)) == 1


def test_a_routine_alert_is_linked_by_an_officer(client: Client, world: World) -> None:
    found = incident_of(client, world, warn(client, world))
    closure = created(client, world.headers)
    path = f"/api/v1/incidents/{found['id']}/alerts"
    linked = client.post(path, json={"alert": closure["id"]}, headers=world.headers)
    assert linked.status_code == 200, linked.text
    assert closure["id"] in linked.json()["alerts"]
    assert client.post(path, json={"alert": closure["id"]}, headers=world.headers).status_code == 409


def test_each_number_has_one_meaning(client: Client, world: World, work: Work) -> None:
    add_resident(world, "bob@example.org", phone="07700 900123", topics=["emergencies"])
    alert = warn(client, world, asks_reply=True)
    work()
    found = incident_of(client, world, alert)
    people = found["people"]
    assert people["people"] == people["known"] + people["no_receipt"] + people["not_reached"] + people["waiting"] == 2
    assert (people["asked"], people["not_answered"]) == (2, 2)
    total = found["messages"]
    parts = ("delivered", "no_receipt", "failed", "not_sent", "waiting")
    assert (
        total["messages"] == sum(total[name] for name in parts) == sum(one["messages"] for one in found["by_channel"])
    )


def test_who_was_found_by_a_call_is_not_among_those_nobody_has_heard_from(
    client: Client, world: World, work: Work
) -> None:
    add_resident(world, "bob@example.org", phone="07700 900123", topics=["emergencies"])
    alert = warn(client, world, asks_reply=True)
    work()
    path = f"/api/v1/alerts/{alert['id']}/call-list"
    people = client.get(f"{path}?show=not-answered", headers=world.headers).json()["list"]
    for one, outcome in zip(people, ("safe", "no-answer"), strict=True):
        attempt = {"outcome": outcome, "seen": 0}
        assert (
            client.post(f"{path}/{one['subscriber_id']}/attempts", json=attempt, headers=world.headers).status_code
            == 201
        )
    found = incident_of(client, world, alert)
    assert (found["people"]["not_answered"], found["people"]["unknown"]) == (2, 1)
    page = client.get(f"/staff/incidents/{found['id']}", headers=signed_in(world.council_id)).text
    assert "of 2 people asked: no reply, and not among the 1 found by calls and visits" in page


def test_what_is_over_is_not_said_to_be_over_again(client: Client, world: World, work: Work) -> None:
    first = warn(client, world)
    work()
    officer = signed_in(world.council_id)
    assert "Send all-clear" in client.get(f"/staff/alerts/{first['id']}", headers=officer).text
    last = follow(client, world, first, "all-clear")
    work()
    for one in (first, last):
        page = client.get(f"/staff/alerts/{one['id']}", headers=officer).text
        assert "Write an update" in page
        assert "Send all-clear" not in page
        assert "Change the area" not in page


def test_notes_and_handovers_are_in_the_log_with_who_read_them(client: Client, world: World) -> None:
    found = incident_of(client, world, warn(client, world))
    path, kim = f"/api/v1/incidents/{found['id']}", signed_in(world.council_id)
    client.post(f"{path}/notes", json={"words": "Sandbags are out."}, headers=kim)
    kept = client.post(
        f"{path}/notes",
        json={"words": "Quiet.", "kind": "handover", "still_open": "Call Mill Lane 3."},
        headers=world.headers,
    ).json()
    read = client.post(f"{path}/handovers/{kept['id']}/read", headers=kim)
    assert read.status_code == 204, read.text
    log = client.get(f"{path}/log", headers=world.headers).json()["log"]
    told = {one["kind"]: one for one in log}
    assert told["note"]["words"] == "Sandbags are out."
    assert (told["handover"]["still_open"], told["handover"]["read_by"]) == ("Call Mill Lane 3.", ["Kim"])
    assert any("approved" in one["words"] for one in log)
    assert client.post(f"{path}/handovers/{found['id']}/read", headers=kim).status_code == 404


def test_an_incident_is_renamed_by_who_may_write(client: Client, world: World) -> None:
    found = incident_of(client, world, warn(client, world))
    path = f"/api/v1/incidents/{found['id']}"
    viewer = make_key(world, Role.VIEWER)
    assert client.patch(path, json={"name": "Flood"}, headers=viewer).status_code == 403
    assert client.patch(path, json={"name": ""}, headers=world.headers).status_code == 422
    renamed = client.patch(path, json={"name": "Flood along the Zed"}, headers=world.headers)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Flood along the Zed")
    officer = signed_in(world.council_id, Role.PLANNER)
    desk = f"/staff/incidents/{found['id']}"
    assert "at most 120 characters" in client.post(f"{desk}/name", data={"name": ""}, headers=officer).text
    client.post(f"{desk}/name", data={"name": "Flood in two streets"}, headers=officer)
    page = client.get(desk, headers=officer).text
    assert "Flood in two streets" in page
    assert "gave the incident" in page


def test_an_incident_ends_by_hand_once_nothing_is_in_force(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world)
    work()
    found, kim = incident_of(client, world, alert), signed_in(world.council_id)
    path = f"/api/v1/incidents/{found['id']}/end"
    assert client.post(path, headers=kim).status_code == 409
    act(client, kim, alert["id"], "cancel")


def test_two_councils_know_nothing_of_each_other(client: Client, world: World) -> None:
    far = make_other_council(topics=["potholes"])
    found = incident_of(client, world, warn(client, world))
    assert incidents(client, far) == []
    for path in ("", "/log", "/debrief"):
        assert client.get(f"/api/v1/incidents/{found['id']}{path}", headers=far.headers).status_code == 404
    assert client.get(f"/staff/incidents/{found['id']}", headers=signed_in(far.council_id)).status_code == 404


def test_the_page_says_what_happens_whom_it_reached_and_what_is_next(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, asks_reply=True, channels=["email"], escalate={"after_minutes": 5, "channels": ["sms"]})
    work()
    found = incident_of(client, world, alert)
    desk = sit_down(client, world)
    shown = desk.client.get(f"/staff/incidents/{found['id']}").text
    page = Page(shown)
    for words in (
        "Flood in Mill Lane",
        "In force until",
        "Not answered",
        "have not answered also get it by: Text message",
    ):
        assert words in page.text
    assert "Everybody was reached" not in page.text
    written = desk.client.post(f"/staff/incidents/{found['id']}/notes", data={"words": "Water at the bridge."})
    assert written.status_code == 303
    assert "Water at the bridge." in desk.client.get(f"/staff/incidents/{found['id']}").text
    assert "Flood in Mill Lane" in desk.client.get("/staff/incidents").text
    report = desk.client.get(f"/staff/incidents/{found['id']}/debrief").text
    assert "Water at the bridge." in report
    assert desk.client.get(f"/staff/incidents/{found['id']}/debrief?format=pdf").content.startswith(b"%PDF")


def test_the_planner_is_asked_whether_it_is_part_of_what_goes_on(client: Client, world: World) -> None:
    found = incident_of(client, world, warn(client, world))
    desk = sit_down(client, world)
    assert "Is this part of an incident that is going on?" in desk.client.get("/staff/emergency").text
    asked = {"hazard": "flood", "topic": "emergencies", "incident": found["id"]}
    begun = desk.client.post("/staff/emergency", data=asked)
    assert begun.status_code == 303
    desk.draft = begun.headers["location"].removesuffix("/where")
    desk.where(ward=[NORTH])
    desk.words()
    alert = client.get(f"/api/v1/alerts/{_sent(desk)}", headers=world.headers).json()
    assert alert["incident"] == found["id"]
    strange = desk.client.post("/staff/emergency", data=asked | {"training": "yes"})
    assert strange.status_code == 422


def _sent(desk: Any) -> str:  # noqa: ANN401 - an officer
    return str(desk.send())
