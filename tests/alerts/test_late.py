"""An alert whose time has passed is held for a person, who is told; an emergency goes out until it expires."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from notify.alerts import late_alerts
from notify.alerts.service import start_due
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from tests import moments
from tests.alerts.calls import ONE, Client, Headers, act, created, queued, state, world_with_approvals
from tests.mailbox import Mailbox
from tests.world import World, at_the_desk

Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return world_with_approvals()


def later(**by: float) -> str:
    return (moments.present() + timedelta(**by)).isoformat()


def passed(**by: float) -> None:
    """The time of every alert was so long ago."""
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now() - :by"), {"by": timedelta(**by)})


def start() -> int:
    with transaction() as session:
        return start_due(session)


def look() -> None:
    with transaction() as session:
        late_alerts.look(session)


def read(client: Client, headers: Headers, alert: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    return client.get(f"/api/v1/alerts/{alert['id']}", headers=headers).json()


def officer(world: World, name: str, role: Role) -> Headers:
    """The key of an officer with an address that a test knows."""
    with transaction() as session:
        one = staff.create_officer(
            session, council_id=world.council_id, email=f"{name}@example.org", name=name, role=role
        )
        key = staff.create_key(
            session, council_id=world.council_id, name=name, role=role, mode=KeyMode.LIVE, officer_id=one.id
        )
    return {"Authorization": f"Bearer {key}"}


def test_an_hour_late_is_sent_and_later_is_held(client: Client, world: World) -> None:
    alert = created(client, world.headers, send_at=later(hours=1), send=True)
    passed(minutes=61)
    assert (start(), queued()) == (0, 0)
    held = read(client, world.headers, alert)
    assert (held["state"], bool(held["late_since"])) == ("scheduled", True)
    soon = created(client, world.headers, send_at=later(hours=1), send=True)
    with transaction() as session:
        session.execute(
            text("UPDATE alert SET send_at = business_now() - interval '59 minutes' WHERE id = :id"), {"id": soon["id"]}
        )
    assert (start(), state(client, world.headers, soon["id"])) == (1, "sending")
    assert state(client, world.headers, alert["id"]) == "scheduled"


def test_a_topic_says_how_late_is_late(client: Client, world: World) -> None:
    new = {"slug": "leisure", "name": "Leisure", "late_after_minutes": 240}
    assert client.post("/api/v1/topics", json=new, headers=world.headers).json()["late_after_minutes"] == 240
    created(client, world.headers, topic="leisure", send_at=later(hours=1), send=True)
    passed(minutes=239)
    assert start() == 1
    wrong = client.post("/api/v1/topics", json=new | {"slug": "x", "late_after_minutes": 0}, headers=world.headers)
    assert wrong.status_code == 422


def test_an_emergency_lasts_a_day_and_is_sent_until_then(client: Client, world: World) -> None:
    at = moments.present() + timedelta(hours=1)
    words = {"topic": "emergencies", "priority": "emergency", "send": True}
    alert = created(client, world.headers, send_at=at.isoformat(), **words)
    assert datetime.fromisoformat(alert["expires_at"]) == at + timedelta(hours=24)
    passed(hours=20)
    assert (start(), state(client, world.headers, alert["id"])) == (1, "sending")
    named = created(client, world.headers, expires_at=at.isoformat(), **words)
    assert datetime.fromisoformat(named["expires_at"]) == at
    assert created(client, world.headers)["expires_at"] is None


def test_a_late_approval_holds_the_alert_and_one_press_sends_it(client: Client, world: World) -> None:
    author, approver = officer(world, "ann", Role.AUTHOR), officer(world, "pat", Role.APPROVER)
    alert = created(client, author, topic=ONE, send_at=later(hours=1), send=True)
    passed(hours=2)
    look()
    waiting = read(client, author, alert)
    assert (waiting["state"], bool(waiting["late_since"])) == ("submitted", True)
    assert act(client, author, alert["id"], "send-late").status_code == 409
    approved = act(client, approver, alert["id"], "approve").json()
    assert (approved["state"], bool(approved["late_since"]), queued()) == ("scheduled", True, 0)
    sent = act(client, author, alert["id"], "send-late").json()
    assert (sent["state"], sent["late_since"], queued()) == ("sending", None, 1)
    assert sent["content_hash"] == approved["content_hash"]
    assert act(client, author, alert["id"], "send-late").status_code == 409


def test_another_time_is_approved_again(client: Client, world: World) -> None:
    author, approver = officer(world, "ann", Role.AUTHOR), officer(world, "pat", Role.APPROVER)
    alert = created(client, author, topic=ONE, send_at=later(hours=1), send=True)
    first = act(client, approver, alert["id"], "approve").json()
    moved = act(client, author, alert["id"], "reschedule", {"send_at": later(hours=3)}).json()
    assert (moved["state"], moved["approved_at"]) == ("submitted", None)
    assert moved["content_hash"] != first["content_hash"]
    assert act(client, approver, alert["id"], "approve").json()["state"] == "scheduled"


def test_without_approval_another_time_is_scheduled_at_once(client: Client, world: World) -> None:
    alert = created(client, world.headers, send_at=later(hours=1), expires_at=later(hours=9), send=True)
    passed(hours=2)
    start()
    for when in (later(hours=-1), later(hours=10)):
        refused = act(client, world.headers, alert["id"], "reschedule", {"send_at": when})
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/time-not-possible")
    moved = act(client, world.headers, alert["id"], "reschedule", {"send_at": later(hours=3)}).json()
    assert (moved["state"], moved["late_since"]) == ("scheduled", None)
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now()"))
    assert start() == 1


def test_no_key_puts_off_an_emergency_that_was_decided(client: Client, world: World) -> None:
    words = {"topic": "emergencies", "priority": "emergency", "send": True, "send_at": later(hours=1)}
    alert = created(client, world.headers, **words)
    refused = act(client, world.headers, alert["id"], "reschedule", {"send_at": later(hours=3)})
    assert (refused.status_code, state(client, world.headers, alert["id"])) == (403, "scheduled")


def test_author_and_approvers_are_told_at_once_and_once_more(
    client: Client, world: World, inbox: Mailbox, work: Work
) -> None:
    author, approver = officer(world, "ann", Role.AUTHOR), officer(world, "pat", Role.APPROVER)
    officer(world, "vic", Role.VIEWER)
    with transaction() as session:
        session.execute(text("UPDATE officer SET phone = '+447700900321' WHERE name IN ('pat', 'vic')"))
    alert = created(client, author, topic=ONE, send_at=later(hours=1), send=True)
    act(client, approver, alert["id"], "approve")
    officer(world, "new", Role.APPROVER)  # who did not approve it
    passed(hours=2)
    start()
    work()
    assert inbox.recipients() == {"ann@example.org": 1, "pat@example.org": 1}
    [mail, _] = inbox.messages()
    assert mail["Subject"] == "Late and not sent: Mill Road closed"
    assert f"/staff/alerts/{alert['id']}" in mail.get_content()
    [texted] = inbox.lines("sms.jsonl")
    assert texted["to"] == "+447700900321"
    assert "Late and not sent: Mill Road closed." in texted["text"]
    assert f"/staff/alerts/{alert['id']}" in texted["text"]
    look()
    with transaction() as session:
        session.execute(text("UPDATE alert SET late_since = business_now() - interval '30 minutes'"))
    look()
    look()
    work()
    assert inbox.recipients() == {"ann@example.org": 2, "pat@example.org": 2}


def test_the_page_sends_it_or_gives_it_another_time(client: Client, world: World) -> None:
    desk = at_the_desk(officer(world, "ann", Role.AUTHOR)) | {"Accept": "text/html"}
    assert client.get("/health/ready").json() == {"status": "ready", "late_alerts": 0}
    alerts = [created(client, world.headers, send_at=later(hours=1), send=True)["id"] for _ in range(2)]
    passed(hours=2)
    start()
    assert client.get("/health/ready").json() == {"status": "ready", "late_alerts": 2}
    assert client.get("/staff", headers=desk).text.count("Late, not sent") == 2
    page = f"/staff/alerts/{alerts[0]}"
    assert "Late and not sent." in client.get(page, headers=desk).text
    assert client.post(f"{page}/send-late", headers=desk).status_code == 303
    assert state(client, world.headers, alerts[0]) == "sending"
    page = f"/staff/alerts/{alerts[1]}"
    assert "Send at" in client.get(f"{page}/reschedule", headers=desk).text
    for wrong in ("", "soon", "2020-01-01T10:00"):
        assert client.post(f"{page}/reschedule", data={"send_at": wrong}, headers=desk).status_code == 422
    at = (moments.present() + timedelta(days=2)).astimezone(LONDON)
    said = {"send_at": f"{at:%Y-%m-%dT12:00}"}
    assert client.post(f"{page}/reschedule", data=said, headers=desk).status_code == 303
    assert read(client, world.headers, {"id": alerts[1]})["late_since"] is None
    assert client.get("/health/ready").json()["late_alerts"] == 0
