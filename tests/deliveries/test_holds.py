"""Holding and letting go, by command, by API and by the engine itself, before real workers."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.cli import main
from notify.core.db import transaction
from notify.deliveries import holds
from notify.deliveries.models import Hold
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import act, created, neighbour, state
from tests.deliveries.test_worker_loop import send, state_of, states
from tests.mailbox import Mailbox
from tests.world import add_resident, make_key, make_world
from workers.scheduler import CHORES, run

Client = TestClient[Litestar]
Work = Callable[[], None]


def notify(*arguments: str) -> str:
    """What the command says; it must end well."""
    result = attempt(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def attempt(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def in_force() -> list[Hold]:
    with transaction() as session:
        return list(holds.in_force(session))


def run_chore(name: str) -> None:
    """Do one of the scheduler's chores now."""
    run(next(task for task in CHORES if task.name == name))


def test_an_alert_on_hold_waits_while_others_go_and_goes_when_released(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    kept, free = send(world, title="Kept"), send(world, title="Free")
    assert f"notify release --alert {kept.id}" in notify("hold", "--alert", str(kept.id), "wrong", "road")
    work()
    assert (state_of(world, kept), state_of(world, free)) == ("sending", "sent")
    assert states(world, kept) == {"created": 1}
    shown = notify("queue", "status")
    assert "“Kept”" in shown
    assert "by command-line: wrong road" in shown
    assert f"{kept.id}  routine    1 delivery  Kept" in shown
    said = notify("release", "--alert", str(kept.id))
    assert "1 delivery goes on now" in said
    work()
    assert states(world, kept) == {"sent": 1}
    assert inbox.recipients() == {"a@example.org": 2}


def test_a_lane_on_hold_does_not_keep_the_others(work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    notify("hold", "--lane", "routine", "the relay is being moved")
    routine, urgent = send(world), send(world, priority="emergency")
    work()
    assert (states(world, routine), states(world, urgent)) == ({"created": 1}, {"sent": 1})
    notify("hold", "everything else too")
    second = send(world, priority="emergency")
    work()
    assert states(world, second) == {"created": 1}
    assert "Still on hold:\n  lane routine" in notify("release")
    work()
    assert (states(world, routine), states(world, second)) == ({"created": 1}, {"sent": 1})
    assert "lane routine" in notify("release", "--all")
    work()
    assert states(world, routine) == {"sent": 1}


@pytest.mark.usefixtures("database")
def test_holding_and_releasing_twice_is_holding_and_releasing_once() -> None:
    notify("hold", "first")
    assert "On hold already" in notify("hold", "second").replace("It was on hold", "On hold")
    assert [hold.reason for hold in in_force()] == ["first"]
    assert "Released: everything" in notify("release")
    assert notify("release") == "Nothing is on hold.\n"
    notify("hold", "--lane", "emergency", "test")
    said = notify("release", "--lane", "routine")
    assert "There is no hold of lane routine" in said
    assert "notify release --lane emergency" in said
    with transaction() as session:
        trail = session.execute(text("SELECT actor, action, subject FROM audit_entry ORDER BY id")).all()
    assert trail == [
        ("command-line", "queue.hold", "everything"),
        ("command-line", "queue.release", "everything"),
        ("command-line", "queue.hold", "lane emergency"),
    ]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("hold",), "Missing argument"),
        (("hold", "--alert", "7", "reason"), "not a valid UUID"),
        (("hold", "--alert", "01981b2e-0000-7000-8000-000000000000", "reason"), "There is no alert 01981b2e"),
        (("hold", "--lane", "fast", "reason"), "not one of"),
        (
            ("release", "--lane", "routine", "--alert", "01981b2e-0000-7000-8000-000000000000"),
            "Name a lane or an alert, not both",
        ),
        (("release", "--all", "--lane", "routine"), "name no lane"),
    ],
)
def test_a_mistake_is_explained_and_holds_nothing(arguments: tuple[str, ...], words: str) -> None:
    result = attempt(*arguments)
    assert result.exit_code != 0
    assert words in result.output
    assert in_force() == []


def test_an_administrator_holds_and_releases_by_api(client: Client, work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    held = client.post("/api/v1/queue/hold", json={"reason": "wrong road"}, headers=world.headers)
    assert held.status_code == 200
    again = client.post("/api/v1/queue/hold", json={"reason": "another"}, headers=world.headers)
    assert again.json() == held.json()
    work()
    shown = client.get("/api/v1/queue", headers=make_key(world, Role.VIEWER)).json()
    assert [(one["reason"], one["lane"], one["alert"]) for one in shown["holds"]] == [("wrong road", None, None)]
    assert [(lane["lane"], lane["deliveries"]) for lane in shown["lanes"]] == [
        ("emergency", 0),
        ("transactional", 0),
        ("routine", 1),
    ]
    assert state(client, world.headers, alert["id"]) == "sending"
    released = client.post("/api/v1/queue/release", json={}, headers=world.headers).json()
    assert (len(released["released"]), released["deliveries"]) == (1, 1)
    assert client.post("/api/v1/queue/release", json={}, headers=world.headers).json()["released"] == []
    work()
    assert state(client, world.headers, alert["id"]) == "sent"


def test_only_a_live_key_of_an_administrator_steers_the_queue(client: Client) -> None:
    world = make_world()
    others = [make_key(world, role) for role in Role if role != Role.ADMIN]
    for headers in [*others, make_key(world, Role.ADMIN, mode=KeyMode.TEST)]:
        for door, body in (("hold", {"reason": "let me"}), ("release", {})):
            assert client.post(f"/api/v1/queue/{door}", json=body, headers=headers).status_code == 403
    assert in_force() == []


def test_a_council_that_shares_the_queue_holds_only_its_own_alerts(client: Client) -> None:
    world = make_world()
    theirs = neighbour()
    alert = created(client, world.headers, send=True)
    for scope in ({}, {"lane": "routine"}):
        for door, body in (("hold", {"reason": "let me"}), ("release", {})):
            reply = client.post(f"/api/v1/queue/{door}", json=scope | body, headers=theirs)
            assert (reply.status_code, reply.json()["type"]) == (403, "/problems/queue-is-shared")
    asked = {"reason": "let me", "alert": alert["id"]}
    assert client.post("/api/v1/queue/hold", json=asked, headers=theirs).status_code == 404
    assert client.post("/api/v1/queue/hold", json=asked, headers=world.headers).status_code == 200
    assert len(client.get("/api/v1/queue", headers=world.headers).json()["holds"]) == 1
    assert client.get("/api/v1/queue", headers=theirs).json()["holds"] == []
    release = {"alert": alert["id"]}
    assert client.post("/api/v1/queue/release", json=release, headers=theirs).status_code == 404
    assert len(in_force()) == 1


@pytest.mark.parametrize("body", [{}, {"reason": "x"}, {"reason": "both", "lane": "routine", "alert": "0" * 32}])
def test_a_hold_that_makes_no_sense_is_refused(client: Client, body: dict[str, str]) -> None:
    reply = client.post("/api/v1/queue/hold", json=body, headers=make_world().headers)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/not-valid")
    assert in_force() == []


def test_cancelling_an_alert_on_hold_settles_its_ledger(client: Client, work: Work, inbox: Mailbox) -> None:
    world = make_world()
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    notify("hold", "--alert", alert["id"], "wrong road")
    work()
    act(client, world.headers, alert["id"], "cancel")
    run_chore("lift needless holds")
    work()
    ledger = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=world.headers).json()
    assert [row["state"] for row in ledger["deliveries"]] == ["cancelled"]
    assert (in_force(), inbox.recipients()) == ([], {})


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "waits"), [((), True), (("--lane", "transactional"), True), (("--lane", "routine"), False)]
)
def test_confirmations_and_sign_in_links_wait_where_their_lane_does(arguments: tuple[str, ...], waits: bool) -> None:
    notify("hold", *arguments, "reason")
    with transaction() as session:
        assert session.execute(text(f"SELECT {holds.NOTICES_ON_HOLD}")).scalar_one() is waits
