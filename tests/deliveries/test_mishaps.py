"""Small mishaps that must stay small: odd words of a relay, an early stop, a wish, a lease that ran out too soon."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from notify.alerts.models import Alert
from notify.core import jobs
from notify.core.clock import now
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import batches, journal, leases, reconciliation, service, worker_loop
from notify.deliveries.manual_retries import retry
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Result
from notify.providers.base import Message, ProviderRejected, ProviderUnavailable
from notify.staff.rights import SystemActor
from tests.deliveries.test_hardships import Loft, claimed, ledger_states, loft, under_way
from tests.deliveries.test_journal import abandoned, journals

__all__ = ["loft"]


@pytest.fixture(autouse=True)
def _no_journals() -> None:
    for path in journals():
        path.unlink()


def test_a_relays_odd_words_are_kept_without_addresses_and_without_what_a_database_cannot_keep(
    database: None, loft: Loft
) -> None:
    def manners(message: Message) -> str:
        raise ProviderRejected(f"550 5.1.1 <{message.address}> no\x00such\ud800 user")

    loft(manners)
    _, alert_id, batch_id = under_way(2)
    assert worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"permanent-failure": 2}
    with transaction() as session:
        reasons = set(session.execute(text("SELECT reason FROM delivery")).scalars())
        details = set(session.execute(text("SELECT detail->>'reason' FROM event WHERE detail IS NOT NULL")).scalars())
    assert reasons == details == {"550 5.1.1 … no such user"}


def test_a_journal_that_cannot_be_recorded_does_not_hold_up_those_behind_it(database: None) -> None:
    _, alert_id, batch_id = under_way(2)
    held = claimed(batch_id)
    abandoned(held, Result(1, DeliveryState.SENT, "smtp"))
    [path] = journals()
    poison = path.with_name("0" * 32)
    poison.write_bytes(path.read_bytes().replace(b'"smtp"', b'"\\u0000"'))
    assert worker_loop.recover_orphans() == 1
    assert ledger_states(alert_id) == {"sent": 1, "created": 1}
    assert [one.suffix for one in journals()] == [".unreadable"]


def test_a_last_try_that_was_cut_short_fails_nothing(
    database: None, loft: Loft, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = threading.Event()
    monkeypatch.setattr(leases, "stopping", stopping)

    def manners(_: Message) -> str:
        leases.stop()
        return ""

    loft(manners)
    _, alert_id, batch_id = under_way(10)
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = business_now() - interval '25 hours'"))
    worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"sent": 1, "created": 9}


def test_a_worker_that_is_asked_to_stop_does_not_finish_a_slow_slice(
    database: None, loft: Loft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "stopping", threading.Event())

    def manners(_: Message) -> str:
        time.sleep(0.05)  # the slowness of this provider
        return ""

    pigeon = loft(manners)
    _, alert_id, batch_id = under_way(40)
    asked = threading.Timer(0.2, leases.stop)
    asked.start()
    worker_loop.send_batch(batch_id)
    assert len(pigeon.taken) < 30
    assert ledger_states(alert_id)["sent"] == len(pigeon.taken)


@pytest.mark.parametrize("wish", [86_400.0, 1e12, 1e20])
def test_one_receivers_wish_does_not_postpone_the_others_for_ever(database: None, loft: Loft, wish: float) -> None:
    def manners(_: Message) -> str:
        raise ProviderUnavailable("429", retry_after_s=wish, is_address=True)

    loft(manners)
    _, _, batch_id = under_way(3)
    worker_loop.send_batch(batch_id)
    with transaction() as session:
        due = session.execute(text("SELECT due_at - business_now() FROM batch")).scalar_one()
    assert due <= timedelta(minutes=5)


def test_a_batch_whose_worker_lives_is_left_to_it_although_its_lease_ran_out(database: None, loft: Loft) -> None:
    pigeon = loft(lambda _: "")
    _, alert_id, batch_id = under_way(3)
    held = claimed(batch_id)
    alive = journal.Journal(held)
    for number in (1, 2, 3):
        alive.note(Result(number, DeliveryState.SENT, "smtp"))
    with transaction() as session:
        session.execute(text("UPDATE batch SET lease_until = now() - interval '1 second'"))
    assert worker_loop.send_next(Lane.ROUTINE)
    assert pigeon.taken == []
    with transaction() as session:
        service.record(session, held, [Result(number, DeliveryState.SENT, "smtp") for number in (1, 2, 3)])
        session.execute(text("UPDATE batch SET due_at = business_now()"))
    alive.close()
    assert worker_loop.send_next(Lane.ROUTINE)
    assert pigeon.taken == []
    assert ledger_states(alert_id) == {"sent": 3}


def test_an_alert_whose_deliveries_are_tried_again_is_not_taken_for_done(database: None, loft: Loft) -> None:
    def manners(_: Message) -> str:
        raise ProviderUnavailable("away")

    loft(manners)
    _, alert_id, batch_id = under_way(1)
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = business_now() - interval '25 hours'"))
    worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"temporary-failure": 1}
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        by = SystemActor("test", alert.council_id)
        retry(session, by=by, alert=alert, states=[DeliveryState.TEMPORARY_FAILURE])
        waits = threading.Thread(target=_finish, args=(alert_id,))
        waits.start()
        time.sleep(0.2)  # until it waits for the alert
    waits.join()
    with transaction() as session:
        assert session.get_one(Alert, alert_id).state == "sending"


def _finish(alert_id: object) -> None:
    with transaction() as session:
        service.finish_alert(session, alert_id)  # type: ignore[arg-type]


def test_whoever_lost_the_lease_splits_nothing(database: None) -> None:
    _, _, batch_id = under_way(4)
    held = claimed(batch_id)
    with transaction() as session:
        session.execute(text("UPDATE batch SET deaths = 3, lease_until = now() - interval '1 second'"))
    newer = claimed(batch_id)
    assert newer.deaths == 4
    late = service.Claim(**{**{name: getattr(newer, name) for name in newer.__slots__}, "lease": held.lease})
    with transaction() as session:
        batches.isolate(session, late)
    with transaction() as session:
        rows = session.execute(text("SELECT number_from, number_to, state FROM batch")).all()
    assert [tuple(row) for row in rows] == [(1, 4, "leased")]


def test_notices_that_wait_on_the_queue_are_not_put_there_again(database: None) -> None:
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO service_message (id, contact_id, kind, state, attempts, due_at, created_at, expires_at)
                SELECT uuidv7(), uuidv7(), 'confirm', 'created', 0, :old, :old, :later FROM generate_series(1, 300)
            """),
            {"old": now() - timedelta(minutes=5), "later": now() + timedelta(days=1)},
        )
    for _ in range(3):
        with transaction() as session:
            reconciliation.reconcile(session)
    assert jobs.waiting(Lane.TRANSACTIONAL) == reconciliation.MOST_HINTS


def test_what_no_provider_was_asked_for_is_not_rewritten(
    database: None, loft: Loft, choose: Callable[..., None]
) -> None:
    def manners(_: Message) -> str:
        raise ProviderUnavailable("away")

    pigeon = loft(manners)
    _, _, batch_id = under_way(40)
    worker_loop.send_batch(batch_id)  # the breaker opens
    with transaction() as session:
        before = session.execute(text("SELECT max(changed_at), max(number) FROM delivery")).one()
        attempts = session.execute(text("SELECT attempts FROM batch")).scalar_one()
        session.execute(text("UPDATE batch SET due_at = business_now()"))
    worker_loop.send_batch(batch_id)
    with transaction() as session:
        assert session.execute(text("SELECT max(changed_at), max(number) FROM delivery")).one() == before
        assert session.execute(text("SELECT attempts FROM batch")).scalar_one() == attempts
    assert pigeon.taken == []
