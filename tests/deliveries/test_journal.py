"""What a worker handed over outlives the worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import batches, journal, worker_loop
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Claim, Result
from notify.providers.base import Message
from tests.deliveries.test_hardships import Loft, claimed, ledger_states, loft, under_way
from tests.running import wait_until

__all__ = ["loft"]


def journals() -> list[Path]:
    return sorted(journal.folder().iterdir()) if journal.folder().exists() else []


@pytest.fixture(autouse=True)
def _no_journals() -> None:
    for path in journals():
        path.unlink()


def batch_state(batch_id: UUID) -> tuple[str, int]:
    with transaction() as session:
        row = session.execute(text("SELECT state, deaths FROM batch WHERE id = :id"), {"id": batch_id}).one()
        return row.state, row.deaths


def abandoned(held: Claim, *results: Result) -> None:
    """A journal as a dead worker leaves it."""
    kept = journal.Journal(held)
    for result in results:
        kept.note(result)
    kept.abandon()


def test_hand_overs_of_a_dead_worker_are_recorded_and_its_batch_is_free_at_once(database: None) -> None:
    _, alert_id, batch_id = under_way(3)
    held = claimed(batch_id)
    abandoned(
        held,
        Result(1, DeliveryState.SENT, "smtp", "their-id"),
        Result(2, DeliveryState.PERMANENT_FAILURE, "smtp", reason="550 no such user"),
        Result(3, None, "smtp", reason="451 later"),
    )
    assert worker_loop.recover_orphans() == 1
    assert ledger_states(alert_id) == {"sent": 1, "permanent-failure": 1, "created": 1}
    assert batch_state(batch_id) == ("queued", 1)
    assert journals() == []
    with transaction() as session:
        facts = session.execute(text("SELECT provider, provider_reference FROM delivery WHERE number = 1")).one()
    assert tuple(facts) == ("smtp", "their-id")


def test_a_living_workers_journal_is_left_alone(database: None) -> None:
    _, alert_id, batch_id = under_way(1)
    kept = journal.Journal(claimed(batch_id))
    kept.note(Result(1, DeliveryState.SENT, "smtp"))
    looker = "from notify.deliveries import worker_loop; print(worker_loop.recover_orphans())"
    found = subprocess.run([sys.executable, "-c", looker], capture_output=True, text=True, check=True)
    assert found.stdout == "0\n"
    assert ledger_states(alert_id) == {"created": 1}
    kept.close()
    assert journals() == []


def test_a_line_that_death_cut_short_counts_for_nothing(database: None) -> None:
    _, alert_id, batch_id = under_way(2)
    held = claimed(batch_id)
    abandoned(held, Result(1, DeliveryState.SENT, "smtp"), Result(2, DeliveryState.SENT, "smtp"))
    [path] = journals()
    path.write_bytes(path.read_bytes()[:-9])
    assert worker_loop.recover_orphans() == 1
    assert ledger_states(alert_id) == {"sent": 1, "created": 1}


def test_a_journal_of_nothing_we_know_stops_nobody(database: None) -> None:
    _, alert_id, batch_id = under_way(1)
    journal.folder().mkdir(parents=True, exist_ok=True)
    (journal.folder() / ("0" * 32)).write_text("what is this?\n")
    abandoned(claimed(batch_id), Result(1, DeliveryState.SENT, "smtp"))
    assert worker_loop.recover_orphans() == 1
    assert ledger_states(alert_id) == {"sent": 1}
    assert [path.suffix for path in journals()] == [".unreadable"]


def test_a_batch_that_others_took_over_is_recorded_but_not_freed(database: None) -> None:
    _, alert_id, batch_id = under_way(2)
    held = claimed(batch_id)
    with transaction() as session:
        session.execute(text("UPDATE batch SET lease_until = now() - interval '1 second'"))
    assert claimed(batch_id).deaths == 1
    abandoned(held, Result(1, DeliveryState.SENT, "smtp"))
    worker_loop.recover_orphans()
    assert ledger_states(alert_id) == {"sent": 1, "created": 1}
    assert batch_state(batch_id) == ("leased", 1)


def test_sending_goes_on_where_no_journal_can_be_kept(
    database: None, loft: Loft, choose: Callable[..., None], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    choose(DATA_DIR=str(in_the_way))
    pigeon = loft(lambda _: "")
    _, alert_id, batch_id = under_way(3)
    assert worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"sent": 3}
    assert len(pigeon.taken) == 3


def test_nothing_is_left_behind_when_all_went_well(database: None, loft: Loft) -> None:
    loft(lambda _: "")
    _, _, batch_id = under_way(5)
    worker_loop.send_batch(batch_id)
    assert journals() == []


def test_what_could_not_be_recorded_stays_in_the_journal(
    database: None, loft: Loft, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Death(BaseException):
        pass

    def manners(message: Message) -> str:
        if message.address.startswith("r002"):
            raise Death
        return ""

    pigeon = loft(manners)
    _, alert_id, batch_id = under_way(4)
    with pytest.raises(Death):
        worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"created": 4}
    assert worker_loop.recover_orphans() == 1
    assert ledger_states(alert_id) == {"sent": 2, "created": 2}
    assert len(pigeon.taken) == 2


def test_a_lock_is_free_as_soon_as_its_owner_is_killed(database: None) -> None:
    _, alert_id, batch_id = under_way(1)
    owner = (
        "import sys, time; from uuid import UUID; from notify.core.db import transaction\n"
        "from notify.deliveries import batches, journal\n"
        "from notify.deliveries.models import DeliveryState\n"
        "from notify.deliveries.service import Result\n"
        "with transaction() as session: held = batches.claim(session, UUID(sys.argv[1]))\n"
        "kept = journal.Journal(held); kept.note(Result(1, DeliveryState.SENT, 'smtp'))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", owner, str(batch_id)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        assert worker_loop.recover_orphans() == 0
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: worker_loop.recover_orphans() == 1, what="the journal to be found")
    assert ledger_states(alert_id) == {"sent": 1}
    assert batches.DEATHS_TO_SPLIT > 1
