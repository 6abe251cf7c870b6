"""What those who run an installation do: try again, keep the workers running, ask what is wrong."""

import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import process_metrics, queries, worker_loop
from notify.processes.supervisor import Command
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import act, created, neighbour, state
from tests.deliveries.crowd import add_people, ledger
from tests.deliveries.test_holds import attempt, notify, run_chore
from tests.deliveries.test_metrics import give_up
from tests.mailbox import Mailbox
from tests.relay import Relay, serving
from tests.running import running, wait_until
from tests.world import World, add_resident, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
Choose = Callable[..., None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def relay(choose: Choose) -> Iterator[Relay]:
    """A relay that all processes of the test send through."""
    with serving(Relay()) as relay:
        choose(SMTP_HOST="127.0.0.1", SMTP_PORT=str(relay.port), BATCH_SIZE="10")
        yield relay


def test_what_was_given_up_on_is_listed_without_an_address_and_tried_again(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    for number in range(5):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number}@example.org")
    alert = created(client, world.headers, send=True)
    work()
    assert notify("queue", "dead") == "No delivery has failed.\n"
    reason = "451 4.7.1 <r1@example.org>: call +44 7700 900123"
    give_up(alert["id"], {"technical-failure": [1, 2], "temporary-failure": [3], "unknown": [4]}, reason=reason)
    reference = alert["id"].replace("-", "")
    listed = notify("queue", "dead", "--alert", alert["id"])
    assert f"{reference}-1  email    technical-failure  451 4.7.1 … call …" in listed
    assert "“Mill Road closed”" in listed
    assert "example.org" not in listed
    assert f"{reference}-3" not in notify("queue", "dead", "--state", "unknown")
    assert "2 technical-failure, 1 unknown" in notify("queue").replace("1 temporary-failure, ", "")

    inbox.empty()
    said = notify("queue", "retry", "--alert", alert["id"])
    assert "3 deliveries are tried again" in said
    assert "1 may have arrived and are left alone: add --unknown" in said
    assert state(client, world.headers, alert["id"]) == "sending"
    work()
    assert state(client, world.headers, alert["id"]) == "sent"
    assert ledger(alert["id"]) == {"sent": 4, "unknown": 1}
    assert inbox.recipients().total() == 3
    assert "0 deliveries are tried again" in notify("queue", "retry", "--delivery", f"{reference}-4")
    assert "1 delivery is tried again" in notify("queue", "retry", "--delivery", f"{reference}-4", "--unknown")
    work()
    assert ledger(alert["id"]) == {"sent": 5}
    with transaction() as session:
        [batch] = session.execute(text("SELECT sent, bounced FROM batch")).all()
        trail = session.execute(text("SELECT detail FROM audit_entry WHERE action = 'alert.retry' ORDER BY id"))
        assert (batch.sent, [entry["deliveries"] for entry in trail.scalars()]) == (5, [3, 1])


def test_a_retry_by_api_tries_only_the_states_it_names(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    for number in range(3):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number}@example.org")
    alert = created(client, world.headers, send=True)
    work()
    give_up(alert["id"], {"technical-failure": [1], "temporary-failure": [2], "unknown": [3]})
    dead = client.get("/api/v1/queue", headers=world.headers).json()["dead"]
    assert dead == {"temporary-failure": 1, "technical-failure": 1, "unknown": 1}
    assert sum(client.get("/api/v1/queue", headers=neighbour()).json()["dead"].values()) == 0
    reply = act(client, world.headers, alert["id"], "retry", {"states": ["temporary-failure"]})
    assert (reply.status_code, reply.json()) == (200, {"deliveries": 1, "under_way": 0})
    work()
    assert ledger(alert["id"]) == {"sent": 1, "technical-failure": 1, "unknown": 1}


@pytest.mark.parametrize("body", [{}, {"states": []}, {"states": ["sent"]}, {"states": ["permanent-failure"]}])
def test_what_was_sent_or_refused_for_good_is_never_tried_again(
    client: Client, world: World, body: dict[str, object]
) -> None:
    alert = created(client, world.headers)
    assert act(client, world.headers, alert["id"], "retry", body).status_code == 422


def test_whoever_may_not_send_an_alert_may_not_try_it_again(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    body = {"states": ["technical-failure"]}
    routine = created(client, world.headers, send=True)["id"]
    urgent = created(client, world.headers, priority="emergency", send=True)["id"]
    work()
    askers = {
        "viewer": make_key(world, Role.VIEWER),
        "author": make_key(world, Role.AUTHOR),
        "planner": make_key(world, Role.PLANNER),
        "rehearsal": make_key(world, Role.ADMIN, mode=KeyMode.TEST),
        "neighbour": neighbour(),
    }
    asked = {
        (alert, who): act(client, headers, alert, "retry", body).status_code
        for alert in (routine, urgent)
        for who, headers in askers.items()
    }
    assert asked == {
        **{(routine, "viewer"): 403, (routine, "author"): 200, (routine, "planner"): 200, (routine, "rehearsal"): 403},
        **{(urgent, "viewer"): 403, (urgent, "author"): 403, (urgent, "planner"): 200, (urgent, "rehearsal"): 403},
        **{(routine, "neighbour"): 404, (urgent, "neighbour"): 404},
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("state = 'cancelled'", "/problems/wrong-state"),
        ("expires_at = business_now()", "/problems/already-expired"),
    ],
)
def test_an_alert_that_is_over_is_not_tried_again(
    client: Client, world: World, work: Work, mail: Mailbox, change: str, problem: str
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    work()
    give_up(alert["id"], {"technical-failure": [1]})
    with transaction() as session:
        session.execute(text(f"UPDATE alert SET {change}"))
    reply = act(client, world.headers, alert["id"], "retry", {"states": ["technical-failure"]})
    assert reply.json()["type"] == problem
    assert ledger(alert["id"]) == {"technical-failure": 1}


def test_a_draft_is_not_tried_again(client: Client, world: World) -> None:
    reply = act(client, world.headers, created(client, world.headers)["id"], "retry", {"states": ["technical-failure"]})
    assert reply.json()["type"] == "/problems/wrong-state"


def test_a_batch_that_is_under_way_is_left_to_its_worker(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    work()
    give_up(alert["id"], {"technical-failure": [1]})
    with transaction() as session:
        session.execute(text("UPDATE batch SET state = 'leased', lease_until = now() + interval '1 hour'"))
    assert "1 more lie in batches that are still under way" in notify("queue", "retry", "--alert", alert["id"])
    assert ledger(alert["id"]) == {"technical-failure": 1}


def test_a_retry_a_week_later_has_a_day_of_its_own(
    client: Client, world: World, work: Work, relay: Relay, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    work()
    give_up(alert["id"], {"temporary-failure": [1]})
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = business_now() - interval '6 days'"))
    relay.rcpt = lambda _: "451 4.2.1 not now"
    notify("queue", "retry", "--alert", alert["id"])
    assert worker_loop.send_next(Lane.ROUTINE)
    assert ledger(alert["id"]) == {"created": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("retry",), "Name an alert or a delivery"),
        (("retry", "--delivery", "17"), "is no delivery"),
        (("retry", "--alert", "01981b2e-0000-7000-8000-000000000000"), "There is no alert"),
        (("dead", "--alert", "01981b2e-0000-7000-8000-000000000000"), "There is no alert"),
        (("dead", "--state", "sent"), "not one of"),
    ],
)
@pytest.mark.usefixtures("database")
def test_a_mistake_about_the_dead_is_explained(arguments: tuple[str, ...], words: str) -> None:
    result = attempt("queue", *arguments)
    assert result.exit_code != 0
    assert words in result.output


@pytest.mark.usefixtures("database")
def test_an_empty_queue_says_so() -> None:
    shown = notify("queue")
    assert "Nothing waits." in shown
    assert "No worker has reported for a minute" in shown
    process_metrics.write(Lane.ROUTINE)
    assert "No worker" not in notify("queue", "status")


def test_the_alerts_page_shows_the_hold_and_what_was_given_up_on(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    for number in range(2):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number}@example.org")
    alert = created(client, world.headers, send=True)
    path, headers = f"/staff/alerts/{alert['id']}", world.headers | {"Accept": "text/html"}
    notify("hold", "--lane", "routine", "the relay <is> being moved")
    page = client.get(path, headers=headers).text
    assert "like every alert of this urgency" in page
    assert "the relay &lt;is&gt; being moved" in page
    assert "The alert is on hold." in page
    notify("release", "--all")
    work()
    assert "Given up on" not in client.get(path, headers=headers).text
    give_up(alert["id"], {"technical-failure": [2]}, reason="<r1@example.org> killed its workers")
    page = client.get(path, headers=headers).text
    assert "1 message was not sent" in page
    assert "technical-failure" in page
    assert "example.org" not in page


def test_a_council_sees_only_its_own_dead(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    work()
    give_up(alert["id"], {"technical-failure": [1]})
    with transaction() as session:
        assert queries.count_dead(session, council_id=world.council_id)
        assert not any(queries.count_dead(session, council_id=UUID(int=0)).values())


def processes(log: Path) -> Counter[str]:
    """How many workers of each lane, and schedulers, got ready so far."""
    words = log.read_text()
    ready = Counter(re.findall(r'"worker ready", "lane": "(\w+)"', words))
    return ready + Counter(scheduler=words.count("scheduler ready"))


def test_one_command_keeps_every_lane_running_and_ends_when_asked(
    client: Client, world: World, relay: Relay, tmp_path: Path
) -> None:
    add_people(client, world, 600)
    relay.seconds_a_message = 0.1
    log = tmp_path / "workers.log"
    asked = ["--emergency", "1", "--transactional", "1", "--routine", "2", "--threads", "1"]
    command = Command("workers", [str(Path(sys.executable).parent / "notify"), "workers", *asked])
    started = Counter(emergency=1, transactional=1, routine=2, scheduler=1)
    with running([command], log, {"NOTIFY_SMTP_CONNECTIONS": "1"}) as [supervisor]:
        wait_until(lambda: processes(log) == started, what="every process")
        alert = created(client, world.headers, send=True)
        wait_until(lambda: len(relay.taken) > 10, what="some messages")
        victim = next(pid for pid in children(supervisor.pid) if "routine" in command_line(pid))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: processes(log)["routine"] == 3, what="another worker in its place")
        assert "worker routine 1 ended with status -9" in log.read_text()
        assert processes(log) - started == Counter(routine=1)
        supervisor.terminate()
        assert supervisor.wait(30) == 0
        assert children(supervisor.pid) == []
        taken = relay.recipients()
        sent = ledger(alert["id"])["sent"]
    assert 0 < sent < 600
    assert len(taken) == sent  # nothing that was handed over is forgotten
    assert taken.total() - sent <= 2  # what the killed one had in its hand


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def test_no_workers_at_all_is_a_mistake() -> None:
    nothing = ("--emergency", "0", "--transactional", "0", "--routine", "0", "--no-scheduler")
    result = attempt("workers", *nothing)
    assert result.exit_code == 2
    assert "no process at all" in result.output


def test_the_doctor_speaks_of_holds_silent_workers_and_journals(
    world: World, choose: Choose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = attempt("doctor").output
    assert "No worker has reported for a minute: start `notify workers`" in said
    assert "hold" not in said
    process_metrics.write(Lane.ROUTINE)
    notify("hold", "--lane", "routine", "the relay is being moved")
    said = attempt("doctor").output
    assert "On hold: lane routine since" in said
    assert "No worker of the lane emergency and transactional has reported" in said
    assert "No scheduler has run for a minute" in said
    for lane in Lane:
        process_metrics.write(lane)
    run_chore("say that the scheduler runs")
    notify("release", "--all")
    said = attempt("doctor").output
    assert "worker" not in said.replace("and workers are ready", "")
    assert "scheduler" not in said
    locked = tmp_path / "locked"
    locked.mkdir()
    choose(DATA_DIR=str(locked / "data"))
    monkeypatch.setattr("os.access", lambda path, _: not str(path).startswith(str(locked)))  # root may write anywhere
    assert f"{locked} cannot be written" in attempt("doctor").output
