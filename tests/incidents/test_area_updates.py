"""An update with another area: who stays gets the update, who is new the whole story, who left is told, nobody two."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import escalation
from tests.alerts.calls import act, created
from tests.drafting.desk import sit_down
from tests.mailbox import Mailbox
from tests.world import NORTH, SOUTH, World, add_resident, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]
FLOOD = {
    "topic": "emergencies",
    "priority": "emergency",
    "title": "Flood in Mill Lane",
    "body": "Go upstairs.",
    "audience": {"wards": [NORTH]},
    "send": True,
}
UPDATE = {"title": "The water rises", "body": "Stay upstairs."}


@pytest.fixture
def world(client: Client) -> World:
    found = make_world()
    add_resident(found, "north@example.org", postcodes=["ZZ1 1AA"], topics=["emergencies"])
    add_resident(found, "south@example.org", postcodes=["ZZ2 1AB"], topics=["emergencies"])
    both = ["ZZ1 1AB", "ZZ2 1AB"]
    add_resident(found, "both@example.org", postcodes=both, topics=["emergencies"], language="cy")
    return found


def warn(client: Client, world: World, work: Work, **fields: Any) -> str:  # noqa: ANN401 - JSON
    found: str = created(client, world.headers, **(FLOOD | fields))["id"]
    work()
    return found


def update(client: Client, world: World, work: Work, alert: str, verb: str = "update", **fields: Any) -> Any:  # noqa: ANN401 - JSON
    reply = act(client, signed_in(world.council_id), alert, verb, UPDATE | fields)
    assert reply.status_code == 201, reply.text
    work()
    return reply.json()


def groups(alert: str) -> dict[str, str | None]:
    """Who got the update, and as what."""
    with transaction() as session:
        rows = session.execute(
            text("""
                SELECT c.address, d.update_group FROM delivery d JOIN contact c ON c.id = d.contact_id
                WHERE d.alert_id = :alert AND d.state IN ('sent', 'delivered')
            """),
            {"alert": alert},
        ).all()
    assert len({row.address for row in rows}) == len(rows)
    return {row.address: row.update_group for row in rows}


def test_each_group_gets_its_own_words_and_nobody_two(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    alert = warn(client, world, work)
    inbox.empty()
    moved = update(client, world, work, alert, audience={"wards": [SOUTH]})
    assert groups(moved["id"]) == {
        "north@example.org": "left",
        "both@example.org": "still-in",
        "south@example.org": "new",
    }
    said = {str(mail["To"]): mail for mail in inbox.messages()}
    assert "You are no longer in the area" in said["north@example.org"]["Subject"]
    assert "The water rises" in said["both@example.org"]["Subject"]
    assert "Flood in Mill Lane" in said["south@example.org"]["Subject"]
    whole = said["south@example.org"].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Go upstairs." in whole
    assert "Stay upstairs." in whole
    assert moved["groups"]["new"]["title"] == "Flood in Mill Lane"


def test_what_follows_goes_to_those_who_are_in_the_area_by_then(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    alert = warn(client, world, work)
    update(client, world, work, alert, audience={"wards": [SOUTH]})
    inbox.empty()
    update(client, world, work, alert)
    assert set(inbox.recipients()) == {"both@example.org", "south@example.org"}
    back = update(client, world, work, alert, audience={"wards": [NORTH, SOUTH]})
    assert groups(back["id"]) == {
        "north@example.org": "new",
        "both@example.org": "still-in",
        "south@example.org": "still-in",
    }
    inbox.empty()
    update(client, world, work, back["id"], "all-clear")
    assert set(inbox.recipients()) == {"north@example.org", "both@example.org", "south@example.org"}


def test_one_approval_binds_the_words_and_the_area_of_all_three(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work)
    kim, area = signed_in(world.council_id), {"audience": {"wards": [SOUTH]}}
    one = act(client, world.headers, alert, "update", UPDATE | area).json()
    left = {"left": {"title": "Gone", "body": "You are out of it."}}
    other = act(client, world.headers, alert, "update", UPDATE | area | left).json()
    elsewhere = act(client, world.headers, alert, "update", UPDATE | {"audience": {"wards": [NORTH, SOUTH]}}).json()
    assert len({one["content_hash"], other["content_hash"], elsewhere["content_hash"]}) == 3
    path = f"/api/v1/alerts/{one['id']}/approve"
    assert client.post(path, params={"content_hash": other["content_hash"]}, headers=kim).status_code == 409
    assert client.post(path, params={"content_hash": one["content_hash"]}, headers=kim).status_code == 200


def test_who_is_new_is_asked_and_escalated_and_who_left_is_not(client: Client, world: World, work: Work) -> None:
    add_resident(world, "far@example.org", phone="07700 900777", postcodes=["ZZ2 1AA"], topics=["emergencies"])
    add_resident(world, "near@example.org", phone="07700 900778", postcodes=["ZZ1 1AA"], topics=["emergencies"])
    later = {"after_minutes": 5, "channels": ["sms"]}
    alert = warn(client, world, work, asks_reply=True, channels=["email"], escalate=later)
    moved = update(client, world, work, alert, audience={"wards": [SOUTH]})
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = expanded_at - interval '6 minutes'"))
    with transaction() as session:
        escalation.escalate_due(session)
    with transaction() as session:
        texts = session.execute(
            text(
                "SELECT c.address, d.alert_id FROM delivery d JOIN contact c ON c.id = d.contact_id "
                "WHERE d.channel = 'sms'"
            )
        ).all()
    assert [(row.address, str(row.alert_id)) for row in texts] == [("+447700900777", moved["id"])]


@pytest.mark.parametrize(
    ("verb", "fields", "status"),
    [
        ("all-clear", {"audience": {"wards": [SOUTH]}}, 422),
        ("update", {"left": {"title": "Gone", "body": "Out."}}, 422),
        ("update", {"audience": {"wards": ["E05999999"]}}, 422),
    ],
)
def test_what_cannot_be_is_refused(
    client: Client, world: World, work: Work, verb: str, fields: dict[str, Any], status: int
) -> None:
    alert = warn(client, world, work)
    assert act(client, world.headers, alert, verb, UPDATE | fields).status_code == status


def test_a_routine_alert_has_one_area(client: Client, world: World, work: Work) -> None:
    alert = created(client, world.headers, send=True)["id"]
    work()
    fields = UPDATE | {"audience": {"wards": [SOUTH]}}
    assert act(client, world.headers, alert, "update", fields).status_code in (409, 422)


def test_the_cap_thread_has_the_area_of_its_newest_update(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work)
    moved = update(client, world, work, alert, audience={"wards": [SOUTH]})
    clear = update(client, world, work, alert, "all-clear")
    told = [client.get(f"/api/v1/alerts/{one}/cap", headers=world.headers).text for one in (alert, moved["id"])]
    assert ("Northside" in told[0], "Southside" in told[0]) == (True, False)
    assert ("Northside" in told[1], "Southside" in told[1]) == (False, True)
    last = client.get(f"/api/v1/alerts/{clear['id']}/cap", headers=world.headers).text
    assert "Southside" in last


def test_the_planner_changes_the_area_and_reads_each_groups_words_before_asking(
    client: Client, world: World, work: Work
) -> None:
    alert = warn(client, world, work)
    kim = sit_down(client, world)
    begun = kim.client.post(f"/staff/alerts/{alert}/change-area")
    assert begun.status_code == 303, begun.text
    kim.draft = begun.headers["location"].removesuffix("/where")
    asked = kim.where(ward=[SOUTH])
    assert asked.headers["location"].startswith(f"/staff/alerts/{alert}/follow-up?kind=update&area=")
    page = kim.client.get(asked.headers["location"]).text
    assert "Southside" in page
    form = {"kind": "update", "has_area": "yes", "area": kim.draft.rpartition("/")[2], **UPDATE}
    mine = {"left_title": "You are out of it", "left_body": "The water is elsewhere."}
    kept = kim.client.post(f"/staff/alerts/{alert}/follow-up", data=form | mine)
    assert kept.status_code == 303, kept.text
    check = kim.client.get(kept.headers["location"]).text
    for words in (
        "People who are still in the area get the update",
        "People who are new in the area get the whole story",
        "People who are no longer in the area are told so",
        "fewer than 10",
        "Flood in Mill Lane",
        "You are out of it",
    ):
        assert words in check
    update_id = kept.headers["location"].split("/")[3]
    framed = kim.client.get(f"/staff/alerts/{update_id}/preview/en?group=left").text
    assert "The water is elsewhere." in framed
    again = kim.client.get(f"/staff/alerts/{alert}/follow-up?kind=update&draft={update_id}").text
    assert "The water is elsewhere." in again
    kim.client.post(f"/staff/alerts/{alert}/follow-up", data=form | {"area": "", "draft": update_id})
    stored = client.get(f"/api/v1/alerts/{update_id}", headers=world.headers).json()
    assert stored["audience"]["wards"] == [SOUTH]
    assert stored["groups"]["left"]["title"] == "You are no longer in the area of this alert"


def test_the_area_may_become_everywhere(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work)
    moved = update(client, world, work, alert, audience={})
    assert set(groups(moved["id"]).values()) == {"still-in", "new"}
