"""The brake: an alert that too many addresses refuse for good is held, or warned of when it is an emergency."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import worker_loop
from tests.alerts.calls import created, state
from tests.deliveries.crowd import add_people, ledger
from tests.deliveries.test_holds import in_force, notify, run_chore
from tests.mailbox import Mailbox
from tests.pigeon import report
from tests.relay import OK, Relay, serving
from tests.world import SCRAPER, World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
Choose = Callable[..., None]

NOBODY = "550 5.1.1 <{}>: no such user"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def relay(choose: Choose) -> Iterator[Relay]:
    """A relay that takes everything until a test tells it otherwise."""
    with serving(Relay()) as relay:
        choose(SMTP_HOST="127.0.0.1", SMTP_PORT=str(relay.port), BRAKE_AFTER="20", BATCH_SIZE="10")
        yield relay


def refuse_first(number: int) -> Callable[[str], str]:
    """Says of the first addresses that nobody lives there."""
    refused: set[str] = set()

    def answer(address: str) -> str:
        if len(refused) < number:
            refused.add(address)
        return NOBODY.format(address) if address in refused else OK

    return answer


def send_some(batches: int) -> None:
    """Hand over so many batches, as a worker does."""
    for _ in range(batches):
        assert worker_loop.send_next(Lane.ROUTINE) or worker_loop.send_next(Lane.EMERGENCY)


def counter(client: Client, name: str) -> float:
    [line] = [line for line in client.get("/metrics", headers=SCRAPER).text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


@pytest.mark.parametrize(("refused", "is_braked"), [(2, True), (1, False)])
def test_a_routine_alert_that_bounces_too_much_is_put_on_hold(
    client: Client,
    world: World,
    relay: Relay,
    choose: Choose,
    refused: int,
    is_braked: bool,
) -> None:
    add_people(client, world, 50)
    relay.rcpt = refuse_first(refused)
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(UUID(alert["id"]))
    send_some(1)
    run_chore("brake on bounces")
    assert in_force() == []  # too few for a judgement
    send_some(3)
    choose(BRAKE_PERCENT="5", BRAKE_AFTER="40")
    run_chore("brake on bounces")
    run_chore("brake on bounces")
    if not is_braked:
        assert in_force() == []
        return
    [hold] = in_force()
    assert str(hold.alert_id) == alert["id"]
    assert "2 of 40 messages were refused for good (5.0%)" in hold.reason
    assert f"notify release --alert {alert['id']}" in hold.reason
    assert counter(client, "notify_bounce_brakes_total") == 1


def test_a_brake_that_was_released_does_not_come_again(client: Client, world: World, relay: Relay) -> None:
    add_people(client, world, 60)
    relay.rcpt = refuse_first(30)
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(UUID(alert["id"]))
    send_some(3)
    run_chore("brake on bounces")
    assert not worker_loop.send_next(Lane.ROUTINE)
    assert "30 deliveries go on now" in notify("release", "--alert", alert["id"])
    send_some(1)
    run_chore("brake on bounces")
    assert in_force() == []
    send_some(2)
    assert state(client, world.headers, alert["id"]) == "sent"
    assert ledger(alert["id"]) == {"permanent-failure": 30, "sent": 30}


def test_an_emergency_alert_that_bounces_is_warned_of_once_and_goes_on(
    client: Client, world: World, relay: Relay
) -> None:
    add_people(client, world, 60)
    relay.rcpt = refuse_first(30)
    alert = created(client, world.headers, priority="emergency", send=True)
    worker_loop.expand_alert(UUID(alert["id"]))
    send_some(4)
    for _ in range(3):
        run_chore("brake on bounces")
    assert in_force() == []
    assert counter(client, "notify_bounce_warnings_total") == 1
    assert counter(client, "notify_bounce_brakes_total") == 0
    send_some(2)
    assert state(client, world.headers, alert["id"]) == "sent"
    page = client.get(f"/staff/alerts/{alert['id']}", headers=world.headers | {"Accept": "text/html"}).text
    assert "30 of 60 messages were refused for good (50.0%)" in page


def test_a_bounce_that_is_reported_later_counts_as_much_as_one_at_once(
    client: Client, world: World, work: Work, mail: Mailbox, loft: Path
) -> None:
    for number in range(3):
        add_resident(world, phone=f"07700 90000{number}")
    alert = created(client, world.headers, channels=["sms"], send=True)
    work()

    def told(number: int, state: str) -> None:
        report(client, {"reference": f"{alert['id'].replace('-', '')}-{number}", "state": state})

    def counted() -> tuple[int, int]:
        with transaction() as session:
            batch = session.execute(text("SELECT sent, bounced FROM batch")).one()
            return batch.sent, batch.bounced

    assert counted() == (3, 0)
    told(1, "delivered")
    told(2, "temporary-failure")
    assert counted() == (3, 0)
    for state_told in ("permanent-failure", "permanent-failure", "delivered"):
        told(1, state_told)
        told(2, state_told)
    assert counted() == (1, 2)
    with transaction() as session:  # a receipt that outruns our own note
        session.execute(text("UPDATE delivery SET state = 'created', sent_at = NULL WHERE number = 3"))
        session.execute(text("UPDATE batch SET sent = 0"))
    told(3, "delivered")
    assert counted() == (1, 2)
    told(3, "permanent-failure")
    assert counted() == (0, 3)


def test_an_address_where_nobody_lives_is_not_written_to_again_and_other_refusals_suppress_nobody(
    client: Client, world: World, relay: Relay, work: Work
) -> None:
    said = {"gone@example.org": "550 5.1.1 No such user", "full@example.org": "552 5.2.2 Mailbox full",
            "wary@example.org": "550 5.7.1 We do not like your words", "odd@example.org": "550 no"}  # fmt: skip
    for address in said:
        add_resident(world, address)
    relay.rcpt = lambda address: said[address]
    created(client, world.headers, send=True)
    work()
    found = client.get("/api/v1/suppressions", headers=world.headers).json()["suppressions"]
    assert [(one["reason"], one["source"]) for one in found] == [("hard-bounce", "refused")]
