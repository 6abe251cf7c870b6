"""A request that is repeated, by a nervous program or a broken network, sends once."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from notify.processes.command_lines import web_process
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import Client, neighbour, new_alert, post_alert, queued, stored_alerts
from tests.mailbox import Mailbox
from tests.running import answers, free_port, running, wait_until
from tests.world import World, add_resident, make_key, make_world

Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_without_a_key_nothing_is_created(client: Client, world: World) -> None:
    for headers in (world.headers, world.headers | {"Idempotency-Key": ""}):
        reply = client.post("/api/v1/alerts", json=new_alert(send=True), headers=headers)
        assert (reply.status_code, reply.json()["type"]) == (400, "/problems/idempotency-key-missing")
    assert stored_alerts() == 0


def test_a_key_longer_than_allowed_is_refused(client: Client, world: World) -> None:
    assert post_alert(client, world.headers, key="k" * 256).status_code in (400, 422)
    assert post_alert(client, world.headers, key="k" * 255).status_code == 201


def test_the_same_request_gets_the_same_reply_and_sends_once(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    first, second = (post_alert(client, world.headers, key="once", send=True) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotent-replay" not in first.headers
    assert second.headers["idempotent-replay"] == "true"
    work()
    third = post_alert(client, world.headers, key="once", send=True)
    work()
    assert third.json() == first.json()
    assert (stored_alerts(), inbox.recipients()) == (1, {"a@example.org": 1})


def test_what_the_body_leaves_unsaid_does_not_make_it_another(client: Client, world: World) -> None:
    first = post_alert(client, world.headers, key="once")
    spelled_out = post_alert(client, world.headers, key="once", priority="routine", send=False, audience=None)
    assert spelled_out.json() == first.json()


def test_the_same_key_with_another_body_is_refused(client: Client, world: World) -> None:
    post_alert(client, world.headers, key="once")
    reply = post_alert(client, world.headers, key="once", title="Other Road closed")
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/key-reused")
    assert stored_alerts() == 1


def test_a_refused_request_leaves_its_key_free(client: Client, world: World) -> None:
    assert post_alert(client, world.headers, key="once", topic="dragons").status_code == 404
    assert post_alert(client, world.headers, key="once").status_code == 201


def test_councils_do_not_share_keys(client: Client, world: World) -> None:
    ours = post_alert(client, world.headers, key="once").json()
    theirs = post_alert(client, neighbour(), key="once").json()
    assert ours["id"] != theirs["id"]


def test_a_rehearsal_does_not_stand_for_the_real_thing(client: Client, world: World) -> None:
    trial = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    assert post_alert(client, trial, key="once", send=True).status_code == 201
    live = post_alert(client, world.headers, key="once", send=True)
    assert (live.status_code, live.json()["is_test"]) == (201, False)


@pytest.fixture
def server(client: Client, tmp_path: Path) -> Iterator[str]:
    """The address of a web server with two processes of its own."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running([web_process("127.0.0.1", port, workers=2)], tmp_path / "web.log"):
        wait_until(lambda: answers(address), what="the web server")
        yield address


def test_fifty_of_the_same_at_the_same_moment_make_one_alert(world: World, server: str) -> None:
    many = 50
    start = Barrier(many)
    headers = world.headers | {"Idempotency-Key": "once"}

    with httpx.Client(base_url=server, headers=headers, timeout=30) as client:

        def ask(_: int) -> httpx.Response:
            start.wait()
            return client.post("/api/v1/alerts", json=new_alert(send=True))

        with ThreadPoolExecutor(many) as threads:
            replies = list(threads.map(ask, range(many)))
    statuses = Counter(reply.status_code for reply in replies)
    assert set(statuses) <= {201, 409}, statuses
    made = [reply for reply in replies if reply.status_code == 201]
    assert len({reply.json()["id"] for reply in made}) == 1
    assert sum("idempotent-replay" not in reply.headers for reply in made) == 1
    running_still = [reply for reply in replies if reply.status_code == 409]
    assert {reply.json()["type"] for reply in running_still} <= {"/problems/still-running"}
    assert (stored_alerts(), queued()) == (1, 1)
    after = httpx.post(f"{server}/api/v1/alerts", json=new_alert(send=True), headers=headers)
    assert after.json() == made[0].json()
