"""Real worker processes that are killed, asked to stop, and kept from each other's way, before a slow relay."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.processes.command_lines import scheduler_process, worker_process
from tests.alerts.calls import created, state
from tests.relay import Relay, serving
from tests.running import running, wait_until
from tests.world import NORTH, World, make_world

Client = TestClient[Litestar]
Start = Callable[..., Popen[bytes]]

RESIDENTS = 300
IN_FLIGHT = 2  # texts whose answer a connection may wait for, and one not yet written down
STOP_SECONDS = 10.0


@pytest.fixture
def world(client: Client) -> World:
    """The council with as many residents of the first ward, all from one file."""
    world = make_world()
    lines = [f"r{number}@example.org,ZZ1 1AA" for number in range(RESIDENTS)]
    reply = client.post(
        "/api/v1/subscribers/import",
        params={"wording_version": "1", "wording": "Yes.", "consent_source": "test", "topics": "road-closures"},
        content="\n".join(["email,postcode", *lines]),
        headers=world.headers | {"Content-Type": "text/csv"},
    )
    assert reply.json()["created"] == RESIDENTS, reply.text
    return world


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay that takes its time over every message."""
    with serving(Relay(seconds_a_message=0.01)) as relay:
        yield relay


@pytest.fixture
def start(relay: Relay, tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes that send through the slow relay, and the scheduler."""
    env = {
        "NOTIFY_SMTP_HOST": "127.0.0.1",
        "NOTIFY_SMTP_PORT": str(relay.port),
        "NOTIFY_LEASE_SECONDS": "60",
    }
    with ExitStack() as stack:

        def begin(lane: Lane | None, *, threads: int = 1, connections: int = 1, batch_size: int = 500) -> Popen[bytes]:
            command = worker_process(lane, threads) if lane else scheduler_process()
            chosen = env | {"NOTIFY_BATCH_SIZE": str(batch_size), "NOTIFY_SMTP_CONNECTIONS": str(connections)}
            log = tmp_path / "processes.log"
            before = log.read_bytes().count(b" ready") if log.exists() else 0
            [process] = stack.enter_context(running([command], log, chosen))
            wait_until(lambda: log.read_bytes().count(b" ready") > before, what="the process to be ready")
            return process

        yield begin


def is_sent(client: Client, world: World, alert_id: str) -> Callable[[], bool]:
    return lambda: state(client, world.headers, alert_id) == "sent"


def states(alert_id: str) -> dict[str, int]:
    with transaction() as session:
        rows = session.execute(
            text("SELECT state, count(*) AS n FROM delivery WHERE alert_id = :id GROUP BY state"), {"id": alert_id}
        )
        return {row.state: row.n for row in rows}


def test_when_a_worker_is_killed_others_finish_its_work(
    client: Client, world: World, relay: Relay, start: Start
) -> None:
    victim = start(Lane.ROUTINE)
    alert = created(client, world.headers, send=True)
    wait_until(lambda: len(relay.taken) >= RESIDENTS // 2, what="half of the messages")
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert 0 < len(relay.taken) < RESIDENTS
    assert state(client, world.headers, alert["id"]) == "sending"
    start(None)
    start(Lane.ROUTINE)
    wait_until(is_sent(client, world, alert["id"]), seconds=20, what="the end of the alert")  # no lease is waited for
    received = relay.recipients()
    assert set(received) == {f"r{number}@example.org" for number in range(RESIDENTS)}
    assert received.total() - RESIDENTS <= IN_FLIGHT
    assert states(alert["id"]) == {"sent": RESIDENTS}


def test_a_worker_that_is_asked_to_stop_loses_and_doubles_nothing(
    client: Client, world: World, relay: Relay, start: Start
) -> None:
    first = start(Lane.ROUTINE, threads=2, batch_size=50)
    alert = created(client, world.headers, send=True)
    wait_until(lambda: len(relay.taken) >= RESIDENTS // 4, what="a quarter of the messages")
    first.terminate()
    assert first.wait(timeout=STOP_SECONDS) == 0
    sent = len(relay.taken)
    assert sent < RESIDENTS
    assert states(alert["id"]) == {"sent": sent, "created": RESIDENTS - sent}
    start(None)
    start(Lane.ROUTINE, threads=2)
    wait_until(is_sent(client, world, alert["id"]), seconds=40, what="the end of the alert")
    assert relay.recipients() == {f"r{number}@example.org": 1 for number in range(RESIDENTS)}


def test_an_emergency_does_not_wait_behind_a_routine_alert(
    client: Client, world: World, relay: Relay, start: Start
) -> None:
    start(Lane.ROUTINE)
    start(Lane.EMERGENCY, threads=4, connections=4)
    routine = created(client, world.headers, title="Routine", send=True)
    wait_until(lambda: len(relay.taken) >= 20, what="the routine alert to be under way")
    ward = {"wards": [NORTH]}
    urgent = created(client, world.headers, title="Urgent", priority="emergency", audience=ward, send=True)
    wait_until(is_sent(client, world, urgent["id"]), what="the end of the emergency")
    assert state(client, world.headers, routine["id"]) == "sending"
    subjects = [b"Subject: Urgent" in message for _, message in list(relay.taken)]
    assert subjects.count(True) == RESIDENTS
    wait_until(is_sent(client, world, routine["id"]), what="the end of the routine alert")
    assert relay.recipients() == {f"r{number}@example.org": 2 for number in range(RESIDENTS)}
