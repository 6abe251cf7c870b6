"""An alert's figures: by the API for programs, on the officer's page for people, and the two agree."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import tokens
from notify.core.db import transaction
from notify.core.tokens import Purpose
from notify.deliveries import worker_loop
from notify.staff import service as staff
from notify.staff.models import Role
from tests.alerts.calls import act, created, neighbour
from tests.mailbox import Mailbox
from tests.tracking.reading import hidden_links, our_links, read_on
from tests.world import NORTH, SOUTH, World, add_resident, add_residents, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def figures(client: Client, world: World, alert_id: str) -> Any:  # noqa: ANN401 - JSON
    reply = client.get(f"/api/v1/alerts/{alert_id}/analytics", headers=world.headers)
    assert reply.status_code == 200, reply.text
    return reply.json()


def tally(found: Any) -> dict[str, int]:  # noqa: ANN401 - JSON
    names = ("recipients", "sent", "delivered", "failed", "suppressed", "cancelled", "waiting")
    return {name: found[name] for name in names if found[name]}


def set_states(alert_id: str, *states: str) -> None:
    """Put the alert's deliveries, by number, into these states."""
    with transaction() as session:
        for number, state in enumerate(states, start=1):
            session.execute(
                text("UPDATE delivery SET state = :state WHERE alert_id = :alert AND number = :number"),
                {"state": state, "alert": alert_id, "number": number},
            )


def sign_in(client: Client, world: World) -> None:
    """Give the client an officer's session, by the same link and button as on the page."""
    with transaction() as session:
        officer = staff.create_officer(
            session, council_id=world.council_id, email="officer@example.org", name="Olwen", role=Role.VIEWER
        )
        link = staff.create_sign_in_link(session, officer.id)
    assert client.post(f"/staff/sign-in/{link}", follow_redirects=False).status_code == 303


def words(page: str) -> str:
    """What a reader sees of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_draft_has_figures_and_all_are_nought(client: Client, world: World) -> None:
    found = figures(client, world, created(client, world.headers)["id"])
    assert (found["state"], tally(found), found["time_to_50"]) == ("draft", {}, None)
    assert (found["by_channel"], found["by_language"], found["by_ward"]) == ([], [], [])


def test_figures_add_up_by_channel_language_and_ward(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_resident(world, "a@example.org", phone="07700 900001", language="cy")
    add_resident(world, "b@example.org", postcodes=["ZZ2 1AA"])
    add_resident(world, "c@example.org", postcodes=[])
    alert = created(client, world.headers, send=True)
    work()
    found = figures(client, world, alert["id"])
    assert (found["state"], tally(found)) == ("sent", {"recipients": 4, "sent": 4})
    assert {group["code"]: group["sent"] for group in found["by_channel"]} == {"email": 3, "sms": 1}
    assert {group["code"]: group["sent"] for group in found["by_language"]} == {"en": 2, "cy": 2}
    wards = {group["code"]: (group["name"], group["sent"]) for group in found["by_ward"]}
    assert wards == {NORTH: ("Northside", 2), SOUTH: ("Southside", 1), None: ("Not known", 1)}


def test_every_state_is_counted_once_and_under_its_name(client: Client, world: World) -> None:
    kinds = {
        "created": "waiting",
        "sending": "waiting",
        "delivered": "delivered",
        "permanent-failure": "failed",
        "temporary-failure": "failed",
        "technical-failure": "failed",
        "suppressed": "suppressed",
        "cancelled": "cancelled",
        "expired": "cancelled",
    }
    for number in range(len(kinds)):
        add_resident(world, f"r{number}@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    set_states(alert["id"], *kinds)
    assert tally(figures(client, world, alert["id"])) == {
        "recipients": 9, "waiting": 2, "delivered": 1, "failed": 3, "suppressed": 1, "cancelled": 2,
    }  # fmt: skip


def test_times_run_from_the_approval_to_the_hand_over(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_residents(world, [f"r{number}@example.org" for number in range(4)])
    alert = created(client, world.headers, send=True)
    work()
    with transaction() as session:
        session.execute(
            text("""
                UPDATE delivery SET sent_at = alert.approved_at + number * interval '10 seconds'
                FROM alert WHERE alert.id = delivery.alert_id
            """)
        )
    found = figures(client, world, alert["id"])
    assert [found["time_to_50"], found["time_to_95"], found["time_to_99"]] == [20.0, 40.0, 40.0]


def test_a_scheduled_alerts_times_run_from_its_moment(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    work()
    with transaction() as session:
        session.execute(
            text("""
                UPDATE alert SET send_at = d.sent_at - interval '3 seconds',
                                 approved_at = d.sent_at - interval '1 day'
                FROM delivery d WHERE d.alert_id = alert.id
            """)
        )
    assert figures(client, world, alert["id"])["time_to_99"] == 3.0


def test_leaving_and_clicking_are_counted(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    add_resident(world, "b@example.org", topics=["bins"])
    alert = created(client, world.headers, topic="bins", link="https://example.org/bins", send=True)
    work()
    for mail in inbox.messages():
        for path in our_links(mail) - hidden_links(mail):
            if path.startswith("/u/"):
                client.post(path)
            else:
                read_on(client, path)
    found = figures(client, world, alert["id"])
    counted = {name: found[name] for name in ("unsubscribed", "clicks", "clicks_people", "opens")}
    assert counted == {"unsubscribed": 2, "clicks": 1, "clicks_people": 1, "opens": 1}


def test_a_person_who_clicks_often_is_one_person(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_resident(world, "a@example.org", topics=["bins"], tracking_consent=True)
    alert = created(client, world.headers, topic="bins", link="https://example.org/bins", send=True)
    work()
    who = bytes.fromhex(alert["id"].replace("-", "")) + (1).to_bytes(4, "big")
    for _ in range(3):
        read_on(client, f"/c/{tokens.sign(Purpose.CLICK, who)}")
        read_on(client, f"/o/{tokens.sign(Purpose.OPEN, who)}.gif")
    found = figures(client, world, alert["id"])
    assert (found["clicks"], found["clicks_people"], found["opens"]) == (3, 1, 1)


def test_the_officers_page_says_what_the_api_says(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_resident(world, "a@example.org", phone="07700 900001")
    add_resident(world, "b@example.org", postcodes=["ZZ2 1AA"])
    alert = created(client, world.headers, title="Bins <late>", body="One & two", send=True)
    work()
    sign_in(client, world)
    reply = client.get(f"/staff/alerts/{alert['id']}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    said = words(reply.text)
    assert "Of 3 messages 3 are sent, 0 failed and 0 wait." in reply.text
    assert "Email 2 0 0 0 0" in said
    assert "Text message 1 0 0 0 0" in said
    assert "All 3 3 0 0 0 0" in said
    assert f"Northside {NORTH} 2 2 0 0" in said
    assert f"Southside {SOUTH} 1 1 0 0" in said
    assert "Bins &lt;late&gt;" in reply.text
    assert "One &amp; two" in reply.text
    assert not any(secret in reply.text for secret in ("a@example.org", "900001"))


def test_the_page_renews_itself_only_while_the_alert_is_on_its_way(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    sign_in(client, world)
    assert "data-under-way" in client.get(f"/staff/alerts/{alert['id']}").text
    work()
    assert "data-under-way" not in client.get(f"/staff/alerts/{alert['id']}").text


def test_the_list_of_alerts_is_the_councils_own(client: Client, world: World) -> None:
    ours = created(client, world.headers, title="Our road")
    theirs = created(client, neighbour(), title="Their road")
    sign_in(client, world)
    said = client.get("/staff/alerts").text
    assert "Our road" in said
    assert f"/staff/alerts/{ours['id']}" in said
    assert "Their road" not in said
    assert client.get(f"/staff/alerts/{theirs['id']}", headers={"accept": "text/html"}).status_code == 404


def test_nobody_reads_the_officers_pages_without_signing_in(client: Client, world: World) -> None:
    alert = created(client, world.headers)
    for path in ("/staff", f"/staff/alerts/{alert['id']}"):
        reply = client.get(path, headers={"accept": "text/html"})
        assert reply.status_code == 401
        assert alert["title"] not in reply.text


def test_a_cancelled_alert_shows_what_was_not_sent(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    act(client, world.headers, alert["id"], "cancel")
    work()
    found = figures(client, world, alert["id"])
    assert (found["state"], tally(found)) == ("cancelled", {"recipients": 1, "cancelled": 1})
