"""Updates with another area that cross each other: the last word that was sent holds, for people and for maps."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import escalation
from tests.alerts.calls import act
from tests.incidents.test_area_updates import UPDATE, groups, update, warn
from tests.world import NORTH, SOUTH, World, add_resident, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]
LATER = {"after_minutes": 5, "channels": ["sms"]}
CLEAR = {"title": "It is over", "body": "Come down."}


@pytest.fixture
def world(client: Client) -> World:
    found = make_world()
    add_resident(found, "north@example.org", phone="07700 900778", postcodes=["ZZ1 1AA"], topics=["emergencies"])
    add_resident(found, "south@example.org", phone="07700 900777", postcodes=["ZZ2 1AB"], topics=["emergencies"])
    return found


def asked(client: Client, world: World, alert: str, verb: str = "update", **fields: Any) -> str:  # noqa: ANN401 - JSON
    """What follows the alert, as it waits for a person."""
    reply = act(client, world.headers, alert, verb, UPDATE | fields)
    assert (reply.status_code, reply.json()["state"]) == (201, "submitted"), reply.text
    return str(reply.json()["id"])


def let_go(client: Client, world: World, work: Work, alert: str) -> None:
    assert act(client, signed_in(world.council_id), alert, "approve").status_code == 200
    work()


def texts_after_six_minutes() -> list[str]:
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = expanded_at - interval '6 minutes'"))
    with transaction() as session:
        escalation.escalate_due(session)
        session.flush()
        rows = session.execute(
            text("SELECT c.address FROM delivery d JOIN contact c ON c.id = d.contact_id WHERE d.channel = 'sms'")
        )
        return sorted(rows.scalars())


def test_who_was_new_and_has_left_again_is_not_written_to_on_other_channels(
    client: Client, world: World, work: Work
) -> None:
    alert = warn(client, world, work, asks_reply=True, channels=["email"], escalate=LATER)
    update(client, world, work, alert, audience={"wards": [NORTH, SOUTH]})
    left = update(client, world, work, alert, audience={"wards": [NORTH]})
    assert groups(left["id"])["south@example.org"] == "left"
    assert texts_after_six_minutes() == ["+447700900778"]


def test_an_all_clear_that_was_written_before_an_update_ends_its_other_channels(
    client: Client, world: World, work: Work
) -> None:
    alert = warn(client, world, work, asks_reply=True, channels=["email"], escalate=LATER)
    clear = asked(client, world, alert, "all-clear", **CLEAR)
    update(client, world, work, alert, audience={"wards": [NORTH, SOUTH]})
    let_go(client, world, work, clear)
    assert texts_after_six_minutes() == []


def test_the_update_that_was_sent_last_says_where_people_stand(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work, channels=["email"])
    narrow = asked(client, world, alert, audience={"wards": [NORTH]})
    update(client, world, work, alert, audience={"wards": [NORTH, SOUTH]})
    let_go(client, world, work, narrow)
    assert groups(narrow)["south@example.org"] == "left"
    desk = signed_in(world.council_id)
    shown = client.get(f"/api/v1/alerts/{alert}", headers=desk).json()["incident"]
    page = client.get(client.get(f"/api/v1/incidents/{shown}", headers=desk).json()["public_page"]).text
    assert "Southside" not in page
    back = update(client, world, work, alert, audience={"wards": [NORTH, SOUTH]})
    assert groups(back["id"]) == {"north@example.org": "still-in", "south@example.org": "new"}


def test_who_was_told_by_one_address_that_they_left_comes_back_with_all_of_them(
    client: Client, world: World, work: Work
) -> None:
    alert = warn(client, world, work, audience={"wards": [NORTH, SOUTH]}, channels=["email", "sms"])
    left = update(client, world, work, alert, audience={"wards": [NORTH]})
    with transaction() as session:  # the telephone is off, and only the email arrived
        failed = "UPDATE delivery SET state = 'permanent-failure' WHERE alert_id = :alert AND channel = 'sms'"
        session.execute(text(failed), {"alert": left["id"]})
    plain = update(client, world, work, alert)
    assert "south@example.org" not in groups(plain["id"])
    assert "+447700900777" not in groups(plain["id"])
    back = groups(update(client, world, work, alert, audience={"wards": [NORTH, SOUTH]})["id"])
    assert (back["south@example.org"], back["+447700900777"]) == ("new", "new")


def test_who_is_taken_in_again_hears_that_after_they_heard_that_they_left(
    client: Client, world: World, work: Work
) -> None:
    alert = warn(client, world, work, audience={"wards": [NORTH, SOUTH]}, channels=["email"])
    left = update(client, world, work, alert, audience={"wards": [NORTH]})
    with transaction() as session:  # as if that had not been sent yet
        on_its_way = "UPDATE delivery SET state = 'created', sent_at = NULL WHERE alert_id = :alert"
        session.execute(text(on_its_way), {"alert": left["id"]})
    back = update(client, world, work, alert, audience={"wards": [NORTH, SOUTH]})
    assert groups(back["id"]) == {}  # it waits for what went before


def test_a_withdrawn_update_is_not_what_to_do_now(client: Client, world: World, work: Work) -> None:
    alert = warn(client, world, work, channels=["email"])
    wrong = update(client, world, work, alert, title="Drink the water", body="It is safe.")
    with transaction() as session:  # cancelled while it was being sent
        session.execute(text("UPDATE alert SET state = 'cancelled' WHERE id = :id"), {"id": wrong["id"]})
        ref = session.execute(text("SELECT ref FROM incident")).scalar_one()
    page = client.get(f"/incidents/{ref}").text
    assert "<h1>Flood in Mill Lane</h1>" in page
