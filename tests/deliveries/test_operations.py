"""The page of operations: holds, failed messages, providers, and receivers of webhooks, for those who may."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.drafting import service as drafting
from notify.staff import service as staff
from notify.staff.models import Role
from tests.alerts.calls import Client, created
from tests.world import (
    NORTH,
    World,
    add_resident,
    administrator,
    make_key,
    make_other_council,
    make_world,
    session_of,
    signed_in,
    somebody_here,
)

Work = Callable[[], None]
PATH = "/staff/operations"


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


def test_an_alert_is_held_and_released(client: Client, world: World) -> None:
    add_resident(world, "ann@example.org")
    alert = created(client, world.headers, send=True)
    admin = administrator(world)
    missing = client.post(f"{PATH}/hold", data={"scope": "", "reason": ""}, headers=admin)
    assert (missing.status_code, "Choose what to put on hold" in missing.text) == (422, True)
    held = client.post(f"{PATH}/hold", data={"scope": alert["id"], "reason": "Wrong road."}, headers=admin)
    assert held.headers["location"] == PATH
    page = client.get(PATH, headers=signed_in(world.council_id, Role.VIEWER)).text
    assert "“Mill Road closed”" in page
    assert "Wrong road." in page
    assert "Put something on hold" not in page
    assert client.post(f"{PATH}/release", data={"scope": alert["id"]}, headers=admin).status_code == 303
    assert "Nothing is on hold." in client.get(PATH, headers=admin).text


def test_a_council_that_shares_the_queue_holds_its_own_alerts_only(client: Client, world: World) -> None:
    make_other_council()
    refused = client.post(f"{PATH}/hold", data={"scope": "routine", "reason": "Storm."}, headers=administrator(world))
    assert (refused.status_code, "Other councils send through it too" in refused.text) == (422, True)


def test_failed_messages_are_tried_again(client: Client, world: World, work: Work) -> None:
    add_resident(world, "ann@example.org")
    alert = created(client, world.headers, send=True)
    work()
    with transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'technical-failure'"))
        session.execute(
            text("""
                INSERT INTO event (month, at, alert_id, number, kind)
                SELECT month, business_now(), alert_id, number, 'technical-failure' FROM delivery
            """)
        )
    planner = signed_in(world.council_id)
    assert "Technical failure: 1" in client.get(PATH, headers=planner).text
    done = client.post(f"{PATH}/alerts/{alert['id']}/retry", data={}, headers=planner)
    assert "Messages that are tried again: 1." in done.text
    assert client.get(f"/api/v1/alerts/{alert['id']}", headers=world.headers).json()["state"] == "sending"


def test_providers_are_named_with_whether_they_work(client: Client, world: World) -> None:
    with transaction() as session:
        seen = 'process="host:1",provider="smtp",state="open"'
        session.execute(
            text(
                "INSERT INTO meter (name, labels, value) VALUES ('notify_breaker_seen', :l, extract(epoch FROM now()))"
            ),
            {"l": seen},
        )
    found = client.get("/api/v1/providers", headers=world.headers).json()
    states = {one["name"]: one["state"] for one in found if one["channel"] == "email"}
    assert states == {"smtp": "open"}
    assert "Left alone, because it fails" in client.get(PATH, headers=administrator(world)).text


def test_a_receiver_is_disabled_enabled_and_given_a_new_secret(client: Client, world: World) -> None:
    add_resident(world, "ann@example.org", webhook="https://hooks.example.org/zed")
    admin = administrator(world)
    [receiver] = client.get("/api/v1/webhook-endpoints", headers=world.headers).json()["endpoints"]
    hook = f"/staff/webhooks/{receiver['contact']}"
    assert client.post(f"{hook}/disable", headers=admin).status_code == 303
    page = client.get("/staff/webhooks", headers=admin).text
    assert "Disabled: disabled by the council" in page
    assert "hooks.example.org" not in page
    again = client.post(f"/api/v1/webhook-endpoints/{receiver['contact']}/disable", headers=world.headers).json()
    assert again["disabled_at"]
    assert client.get("/api/v1/suppressions", headers=world.headers).json()["suppressions"]
    assert client.post(f"{hook}/enable", headers=admin).status_code == 303
    assert client.get("/api/v1/suppressions", headers=world.headers).json()["suppressions"] == []
    shown = client.post(f"{hook}/secret", headers=admin).text
    assert re.search(r"whsec_[\w+/=]+", shown)
    assert "whsec_" not in client.get("/staff/webhooks", headers=admin).text


def test_a_new_secret_is_for_who_keeps_receivers_and_is_there(client: Client, world: World) -> None:
    add_resident(world, "ann@example.org", webhook="https://hooks.example.org/zed")
    [receiver] = client.get("/api/v1/webhook-endpoints", headers=world.headers).json()["endpoints"]
    calls = signed_in(world.council_id, Role.CONTACT_CENTRE)
    for root in ("/staff/webhooks", "/api/v1/webhook-endpoints"):
        for verb in ("disable", "enable", "secret"):
            assert client.post(f"{root}/{receiver['contact']}/{verb}", headers=calls).status_code == 403
    with transaction() as session:
        one = staff.create_officer(
            session, council_id=world.council_id, email="al@example.org", name="Al", role=Role.ADMIN
        )
        long_ago = session_of(session, one, mfa_at=clock.now() - timedelta(hours=1))
    asked = client.post(f"/staff/webhooks/{receiver['contact']}/secret", headers=long_ago, follow_redirects=False)
    assert asked.headers["location"] == "/staff/confirm?back=%2Fstaff%2Fwebhooks"
    by_api = f"/api/v1/webhook-endpoints/{receiver['contact']}/secret"
    assert client.post(by_api, headers=long_ago).json()["type"] == "/problems/second-factor-needed"
    assert client.post(by_api, headers=world.headers).status_code == 201


def test_who_may_not_see_the_page_is_led_back_to_the_alert(client: Client, world: World, work: Work) -> None:
    with transaction() as session:
        fields = {"title": ["Surgery"], "body": ["At the hall."]}
        drafting.save_template(session, by=somebody_here(world.council_id), name="Surgery", fields=fields)
        one = staff.create_officer(
            session, council_id=world.council_id, email="al@example.org", name="Al", role=Role.COUNCILLOR_SENDER
        )
        one.areas = [NORTH]
        headers = session_of(session, one, mfa_at=None)
    said = {"title": "Surgery", "body": "At the hall.", "audience": {"wards": [NORTH]}, "send": True}
    alert = created(client, headers, **said)["id"]
    client.post(f"/api/v1/alerts/{alert}/approve", headers=make_key(world, Role.APPROVER))
    work()
    done = client.post(f"{PATH}/alerts/{alert}/retry", data={}, headers=headers, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, f"/staff/alerts/{alert}/report")


def test_the_budget_is_set_in_pounds(client: Client, world: World) -> None:
    admin = administrator(world)
    wrong = client.post(f"{PATH}/budget", data={"budget": "much"}, headers=admin)
    assert (wrong.status_code, "Enter an amount in pounds" in wrong.text) == (422, True)
    assert client.post(f"{PATH}/budget", data={"budget": "£1,500.50"}, headers=admin).status_code == 303
    assert client.get("/api/v1/budget", headers=world.headers).json()["budget_pence"] == 150050
    assert "of £1,500.50" in client.get(PATH, headers=admin).text
    client.post(f"{PATH}/budget", data={"budget": ""}, headers=admin)
    assert client.get("/api/v1/budget", headers=world.headers).json()["budget_pence"] is None
