"""Staff hear of what is sent, what is held and what runs out, through a real queue and a real receiver."""

import json
from collections.abc import Callable, Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.db import transaction
from notify.deliveries import holds
from notify.staff import notification_channels
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import created
from tests.deliveries.test_holds import run_chore
from tests.providers.receiver import Receiver, receiving
from tests.world import World, add_resident, make_key, make_world

# one of Apprise's hundred plug-ins asks for a module that Python is about to lose
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def on_call(choose: Callable[..., None]) -> Iterator[Receiver]:
    """Where staff are told."""
    with receiving(Receiver()) as receiver:
        choose(STAFF_URLS=f"json://127.0.0.1:{receiver.port}/")
        yield receiver


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Titles and how urgent they were."""
    calls = [json.loads(body) for _, _, body in receiver.calls]
    return [(call["title"], call["type"]) for call in calls]


def test_an_alert_that_is_let_go_is_told_and_a_rehearsal_is_not(
    client: Client, world: World, work: Work, on_call: Receiver
) -> None:
    add_resident(world, "ann@example.org", topics=["road-closures", "emergencies"])
    created(client, world.headers, send=True)
    created(client, world.headers, topic="emergencies", priority="emergency", title="Flood", send=True)
    created(client, world.headers, title="A draft")
    created(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST), title="A rehearsal", send=True)
    work()
    assert sorted(told(on_call)) == [
        ("Alert sent by Zed Council: Mill Road closed", "info"),
        ("EMERGENCY ALERT sent by Zed Council: Flood", "warning"),
    ]
    assert "/staff/alerts/" in on_call.calls[0][2].decode()


def test_a_hold_is_told_while_it_is_in_force(client: Client, world: World, work: Work, on_call: Receiver) -> None:
    with transaction() as session:
        held = holds.hold(session, actor="engine:brake", reason="9 of 20 messages were refused for good.")
        notification_channels.note(session, "hold", held.id)
    work()
    assert told(on_call) == [("Sending is on hold", "warning")]
    with transaction() as session:
        notification_channels.note(session, "hold", held.id)
        holds.release(session, actor="test")
    work()
    assert len(on_call.calls) == 1


def test_a_budget_that_runs_out_is_told(client: Client, world: World, work: Work, on_call: Receiver) -> None:
    client.put("/api/v1/budget", json={"monthly_pence": 0}, headers=world.headers)
    run_chore("mind the budgets")
    work()
    assert told(on_call) == [("The budget of Zed Council is nearly or wholly spent", "info")] * 2


def test_without_channels_nothing_is_queued(client: Client, world: World, work: Work) -> None:
    with transaction() as session:
        notification_channels.note(session, "hold", "anything")
    work()
