"""Test keys: every outcome can be rehearsed, and nothing leaves."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.providers import sandbox
from notify.providers.base import Channel, Message, Provider
from notify.providers.contract import ProviderContract
from notify.providers.sandbox import SCENES, scene_of
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import act, created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]

OUTCOMES = {
    "delivered": "delivered",
    "permanent-failure": "permanent-failure",
    "temporary-failure": "temporary-failure",
    "refused": "permanent-failure",
    "unavailable": "created",  # it is tried again
    "unknown": "created",
    "complained": "sent",
}


class TestSandbox(ProviderContract):
    """It keeps the contract that every adapter keeps."""

    def make_provider(self) -> Provider:
        return sandbox.of(Channel.EMAIL)

    def a_good_message(self) -> Message:
        return Message(self.new_reference(), "anybody@example.org", "Road closed", "On Sunday.")


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def rehearse(client: Client, world: World, **fields: object) -> str:
    headers = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    identity: str = created(client, headers, send=True, **fields)["id"]
    return identity


def states(alert: str) -> dict[str, str]:
    """How each address fared."""
    with transaction() as session:
        rows = session.execute(
            text("""
                SELECT c.address, d.state FROM delivery d JOIN contact c ON c.id = d.contact_id
                WHERE d.alert_id = :alert
            """),
            {"alert": alert},
        )
        return {row.address: row.state for row in rows}


def test_every_outcome_has_a_documented_address_on_every_channel(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    expected: dict[str, str] = {}
    for number, scene in enumerate(SCENES):
        email = f"{scene}@simulator.example.org"
        phone = f"077009000{number}0"
        hook = f"https://simulator.example.org/{scene}"
        add_resident(world, email, phone=phone, webhook=hook)
        expected |= dict.fromkeys((email, "+44" + phone[1:], hook), OUTCOMES[scene])
    alert = rehearse(client, world, channels=["email", "sms", "webhook"])
    work()
    found = states(alert)
    assert {address: found[address] for address in expected} == expected
    assert not inbox.recipients()
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM suppression")).scalar_one() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"topic": "emergencies", "priority": "emergency", "training": True},
        {"channels": ["sms"], "escalate": {"after_minutes": 5, "channels": ["email"]}, "topic": "emergencies"}
        | {"priority": "emergency"},
    ],
    ids=["routine", "exercise", "escalation"],
)
def test_a_test_keys_alert_reaches_no_resident_even_in_the_ledger(
    client: Client, world: World, work: Work, inbox: Mailbox, fields: dict[str, object]
) -> None:
    both = ["road-closures", "emergencies"]
    add_resident(world, "ann@example.org", topics=both)
    add_resident(world, "bo@example.org", phone="07700 900001", topics=both)  # one invented address beside a real one
    add_resident(world, "delivered+1@simulator.example.org", topics=both)
    alert = rehearse(client, world, **fields)
    work()
    assert states(alert) == {"delivered+1@simulator.example.org": "delivered"}
    assert not inbox.recipients()


def test_a_test_key_counts_no_resident(client: Client, world: World) -> None:
    add_resident(world, "ann@example.org")
    for number in range(10):
        add_resident(world, f"delivered+{number}@simulator.example.org")
    for number in range(4):
        add_resident(world, f"real{number}@example.org")
    counted = [
        client.post("/api/v1/audiences", json={"topic": "road-closures"}, headers=headers).json()["people"]
        for headers in (make_key(world, Role.ADMIN, mode=KeyMode.TEST), world.headers)
    ]
    assert counted == [10, 20]  # rounded to ten


def test_what_a_test_key_writes_after_a_live_alert_reaches_no_resident(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    ann = add_resident(world, "ann@example.org", topics=["bins"])
    add_resident(world, "delivered+1@simulator.example.org", topics=["bins"])
    with transaction() as session:
        session.execute(text("UPDATE subscription SET cadence = 'daily' WHERE subscriber_id = :ann"), {"ann": ann})
    add_resident(world, "bea@example.org", topics=["bins"])
    first = created(client, world.headers, topic="bins", send=True)["id"]
    work()
    assert inbox.recipients() == {"bea@example.org": 1}
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    over = act(client, trial, first, "all-clear", {"title": "Over", "body": "It is over."}).json()["id"]
    work()
    assert states(over) == {"delivered+1@simulator.example.org": "delivered"}
    with transaction() as session:
        assert session.execute(text("SELECT alert_id::text FROM digest_item")).scalars().all() == [first]


@pytest.mark.parametrize(
    ("address", "scene"),
    [
        ("Refused+1@Simulator.example.org", "refused"),
        ("refused@example.org", "delivered"),
        ("dancing@simulator.example.org", "delivered"),
        ("+447700900039", "refused"),
        ("+447700900090", "delivered"),
        ("https://simulator.example.org/refused?x=1", "refused"),
        ("https://simulator.example.org.evil.example/refused", "delivered"),
    ],
)
def test_an_address_says_what_becomes_of_its_message(address: str, scene: str) -> None:
    assert scene_of(address) == scene
