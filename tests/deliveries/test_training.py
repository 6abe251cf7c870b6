"""Exercises: whatever happens to one, no live provider is ever asked."""

import json
from collections.abc import Callable
from threading import Event
from typing import NoReturn
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from notify.alerts.models import Alert
from notify.core.db import transaction
from notify.deliveries import escalation
from notify.deliveries.message_content import AlertContent, Recipient
from notify.providers import registry
from notify.providers.base import Channel
from notify.staff.council_settings.effective import installation_settings
from notify.staff.models import Role
from notify.subscribers.models import Topic
from tests.alerts.calls import act, created
from tests.mailbox import Mailbox
from tests.staff.test_policy import sign_in
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def exercise(client: Client, world: World, **fields: object) -> str:
    """An exercise that was let go."""
    body = {"topic": "emergencies", "priority": "emergency", "title": "Flood", "training": True, "send": True}
    identity: str = created(client, world.headers, **(body | fields))["id"]
    return identity


@pytest.fixture
def live_line(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was handed to the edge where providers begin; whoever gets there fails the test as well."""
    handed: list[str] = []

    def recording(*_: object, **__: object) -> NoReturn:
        handed.append("sent")
        raise AssertionError("a live provider was asked")

    monkeypatch.setattr(registry, "send_with_failover", recording)
    monkeypatch.setattr(registry, "providers_for", recording)
    return handed


def states(alert: str) -> set[str]:
    with transaction() as session:
        rows = session.execute(text("SELECT state FROM delivery WHERE alert_id = :alert"), {"alert": alert})
        return set(rows.scalars())


def test_no_live_provider_is_asked_whatever_happens(
    client: Client, world: World, work: Work, inbox: Mailbox, live_line: list[str]
) -> None:
    simulated = ("delivered", "refused", "unavailable", "unknown", "temporary-failure")
    for number, scene in enumerate(simulated):
        email = f"{scene}@simulator.example.org"
        add_resident(world, email, phone=f"07700 9001{number:02}", topics=["emergencies"])
    add_resident(world, "ann@example.org", webhook="https://ann.example.org/hook", topics=["emergencies"])
    alert = exercise(client, world, asks_reply=True, escalate={"after_minutes": 1, "channels": ["sms"]})
    work()
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = expanded_at - interval '1 minute'"))
        assert escalation.escalate_due(session) == len(simulated)
    with transaction() as session:
        session.execute(text("UPDATE batch SET due_at = business_now() WHERE state = 'queued'"))
    work()
    with transaction() as session:
        session.execute(
            text("UPDATE delivery SET state = 'temporary-failure' WHERE state IN ('created', 'unknown', 'delivered')")
        )
        session.execute(text("UPDATE batch SET state = 'done'"))
        session.execute(text("UPDATE alert SET state = 'sent'"))
    again = client.post(f"/api/v1/alerts/{alert}/retry", json={"states": ["temporary-failure"]}, headers=world.headers)
    assert again.status_code in (200, 201), again.text
    work()
    for verb in ("update", "all-clear"):
        followed = act(client, world.headers, alert, verb, {"title": "News", "body": "Of the exercise."})
        assert (followed.json()["is_training"], followed.json()["is_test"]) == (True, True)
        work()
    assert live_line == []
    assert not inbox.recipients()
    assert not inbox.texts()
    assert states(alert)


def test_the_recording_line_would_hear_of_a_real_alert(
    client: Client, world: World, work: Work, inbox: Mailbox, live_line: list[str]
) -> None:
    add_resident(world, "ann@example.org", topics=["emergencies"])
    alert = exercise(client, world, training=False)
    work()
    assert live_line
    assert states(alert) == {"created"}
    with transaction() as session:
        session.execute(text("UPDATE alert SET state = 'cancelled'"))
        session.execute(text("UPDATE batch SET state = 'done'"))


def test_the_database_keeps_an_exercise_a_test(client: Client, world: World) -> None:
    alert = exercise(client, world, send=False)
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(text("UPDATE alert SET is_test = false WHERE id = :alert"), {"alert": alert})


def test_every_message_says_that_it_is_an_exercise(client: Client, world: World) -> None:
    alert_id = exercise(
        client, world, send=False, sms="Leave now.", translations={"cy": {"title": "Llif", "body": "Ewch."}}
    )
    with transaction() as session:
        alert = session.get_one(Alert, UUID(alert_id))
        words = AlertContent(alert, session.get_one(Topic, alert.topic_id), installation_settings("Zed Council"))

    def said(channel: Channel, language: str = "en") -> str:
        who = Recipient(
            *(1, "x-1", uuid4(), channel, "a@example.org", "", "", language, ""), may_be_tracked=False, is_unsure=False
        )
        message = words.message(who, Event())
        return message.mime.decode() if channel == Channel.EMAIL else message.text

    assert said(Channel.SMS).startswith("TRAINING: Zed Council: Leave now.")
    assert said(Channel.SMS, "cy").startswith("YMARFER: ")
    assert said(Channel.VOICE).startswith("This is an exercise only.")
    assert said(Channel.VOICE, "cy").startswith("Ymarfer yn unig yw hwn.")
    assert json.loads(said(Channel.WEBHOOK))["data"]["training"] is True
    assert said(Channel.EMAIL).count("TRAINING. Nothing has happened") == 2
    assert said(Channel.EMAIL, "cy").count("YMARFER. Nid oes dim wedi digwydd") == 2


def test_nobody_else_reads_of_an_exercise(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "ann@example.org", topics=["emergencies"])
    alert = exercise(client, world, title="A flood that is none")
    work()
    for path in ("/", "/alerts", "/alerts.atom", "/alerts.json", "/widget"):
        assert "A flood that is none" not in client.get(path).text
    assert client.get(f"/alerts/{alert}").status_code == 404


def test_the_officers_pages_say_it_first(client: Client, world: World) -> None:
    alert = exercise(client, world, send=False)
    sign_in(client, world, Role.AUTHOR)
    for path in ("", "/missed"):
        page = client.get(f"/staff/alerts/{alert}{path}").text
        assert page.index("Training.") < page.index("<h1>")
    assert "Training" in client.get("/staff").text
