"""What a worker does when leases end, relays refuse, and the database goes away under it."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from notify.core.db import transaction
from notify.deliveries import batches, leases, slice_results, worker_loop
from notify.deliveries import service as ledger
from notify.deliveries.batch_size import Pace
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Advice, Claim, Result
from notify.providers import registry
from notify.providers.base import CallBack, Channel, Message, News, ProviderUnavailable
from tests.deliveries.test_worker_loop import send, state_of, states
from tests.world import World, add_resident, make_world

PEOPLE = 150


class Pigeon:
    """A provider whose manners a test chooses; it keeps what it took."""

    name = "pigeon"
    channel = Channel.EMAIL

    def __init__(self, manners: Callable[[Message], str]) -> None:
        self.manners = manners
        self.taken: list[str] = []

    def send(self, message: Message) -> str:
        reference = self.manners(message)
        self.taken.append(message.address)
        return reference

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        return []

    def check(self) -> Sequence[str]:
        return []

    def close(self) -> None:
        return


@pytest.fixture
def loft(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Message], str]], Pigeon]:
    """Puts a pigeon in the place of the mail relay."""

    def install(manners: Callable[[Message], str]) -> Pigeon:
        pigeon = Pigeon(manners)
        monkeypatch.setattr(registry, "providers_for", lambda *_, **_chosen: [pigeon])
        return pigeon

    return install


Loft = Callable[[Callable[[Message], str]], Pigeon]


def under_way(people: int) -> tuple[World, UUID, UUID]:
    """An alert to so many people, expanded into one batch: the world, the alert's id and the batch's."""
    world = make_world()
    for number in range(people):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number:03}@example.org")
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        return world, alert.id, session.execute(text("SELECT id FROM batch")).scalar_one()


def ledger_states(alert_id: UUID) -> Counter[str]:
    with transaction() as session:
        rows = session.execute(text("SELECT state FROM delivery WHERE alert_id = :a"), {"a": alert_id})
        return Counter(rows.scalars())


def claimed(batch_id: UUID) -> Claim:
    with transaction() as session:
        held = batches.claim(session, batch_id)
    assert held
    return held


def test_addresses_that_are_deferred_do_not_hold_up_those_behind_them(database: None, loft: Loft) -> None:
    def manners(message: Message) -> str:
        if message.address < "r120":
            raise ProviderUnavailable("451 mailbox busy", retry_after_s=77, is_address=True)
        return ""

    pigeon = loft(manners)
    _, alert_id, batch_id = under_way(PEOPLE)
    worker_loop.send_batch(batch_id)
    assert len(pigeon.taken) == PEOPLE - 120
    assert ledger_states(alert_id) == {"created": 120, "sent": PEOPLE - 120}
    with transaction() as session:
        due, reason = session.execute(
            text("SELECT extract(epoch FROM due_at - business_now()), reason FROM batch, delivery WHERE number = 1")
        ).one()
    assert 70 < due <= 77
    assert reason == "451 mailbox busy"


def test_what_no_provider_takes_is_tried_for_a_day_and_then_says_so(database: None, loft: Loft) -> None:
    def manners(_: Message) -> str:
        raise ProviderUnavailable("away")

    loft(manners)
    world, alert_id, batch_id = under_way(1)
    for hours, expected in ((23, {"created": 1}), (25, {"temporary-failure": 1})):
        with transaction() as session:
            session.execute(
                text("UPDATE alert SET expanded_at = business_now() - make_interval(hours => :h)"), {"h": hours}
            )
            session.execute(text("UPDATE batch SET due_at = business_now(), attempts = 40"))
        worker_loop.send_batch(batch_id)
        assert ledger_states(alert_id) == expected
    with transaction() as session:
        assert session.execute(text("SELECT state FROM alert")).scalar_one() == "sent"
    assert world


def test_whoever_lost_the_lease_fails_nothing_and_releases_nothing(database: None) -> None:
    _, alert_id, batch_id = under_way(1)
    held = claimed(batch_id)
    with transaction() as session:
        session.execute(text("UPDATE batch SET lease = :other"), {"other": uuid4()})
        session.execute(text("UPDATE alert SET expanded_at = business_now() - interval '2 days'"))
    with transaction() as session:
        batches.release(session, held, pause_s=0)
    assert ledger_states(alert_id) == {"created": 1}
    with transaction() as session:
        assert session.execute(text("SELECT state FROM batch")).scalar_one() == "leased"


def test_a_hand_over_after_the_last_word_is_still_recorded(database: None) -> None:
    _, alert_id, batch_id = under_way(1)
    held = claimed(batch_id)
    with transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'temporary-failure'"))
    with transaction() as session:
        ledger.record(session, held, [Result(1, DeliveryState.SENT, "pigeon")])
    assert ledger_states(alert_id) == {"sent": 1}


def test_the_ledger_follows_a_slow_provider(database: None, loft: Loft, monkeypatch: pytest.MonkeyPatch) -> None:
    _, alert_id, batch_id = under_way(12)
    monkeypatch.setattr(slice_results, "RECORD_EVERY_S", 0.25)
    seen: list[int] = []

    def manners(_: Message) -> str:
        seen.append(ledger_states(alert_id)["sent"])
        time.sleep(0.1)
        return ""

    loft(manners)
    worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"sent": 12}
    assert 0 < seen[-1] < 12  # recorded on the way, in pieces


def test_cancelling_stops_a_slow_provider_in_the_middle_of_its_slice(
    database: None, loft: Loft, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, alert_id, batch_id = under_way(20)
    monkeypatch.setattr(slice_results, "RECORD_EVERY_S", 0.25)

    def manners(_: Message) -> str:
        time.sleep(0.1)
        with transaction() as session:
            session.execute(text("UPDATE alert SET state = 'cancelled' WHERE id = :a"), {"a": alert_id})
        return ""

    pigeon = loft(manners)
    worker_loop.send_batch(batch_id)
    assert len(pigeon.taken) < 10
    with transaction() as session:
        session.execute(text("UPDATE batch SET due_at = business_now()"))
    worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"sent": len(pigeon.taken), "cancelled": 20 - len(pigeon.taken)}
    assert world


def test_results_wait_for_a_database_that_restarts(database: None, loft: Loft, monkeypatch: pytest.MonkeyPatch) -> None:
    pigeon = loft(lambda _: "")
    world, alert_id, batch_id = under_way(3)
    record, refusals = ledger.record, iter([True, True])

    def away_twice(session: Session, held: Claim, results: Sequence[Result]) -> Advice:
        if next(refusals, False):
            raise OperationalError("", {}, Exception("the database system is starting up"))
        return record(session, held, results)

    monkeypatch.setattr(ledger, "record", away_twice)
    worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"sent": 3}
    assert len(pigeon.taken) == 3
    assert world


def test_a_worker_that_is_told_to_leave_gives_its_batch_back_at_once(
    database: None, loft: Loft, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, alert_id, batch_id = under_way(PEOPLE)

    def manners(_: Message) -> str:
        stopping.set()
        return ""

    stopping = threading.Event()
    monkeypatch.setattr(leases, "stopping", stopping)
    pigeon = loft(manners)
    monkeypatch.setattr(worker_loop, "PACES", defaultdict(Pace))
    worker_loop.send_batch(batch_id)
    assert 0 < ledger_states(alert_id)["sent"] < PEOPLE
    stopping.clear()
    worker_loop.send_batch(batch_id)
    assert ledger_states(alert_id) == {"sent": PEOPLE}
    assert set(Counter(pigeon.taken).values()) == {1}
    assert world


def test_words_that_look_like_a_marker_stay_words(database: None, loft: Loft) -> None:
    mails: list[bytes] = []

    def manners(message: Message) -> str:
        mails.append(message.mime)
        return ""

    loft(manners)
    world = make_world()
    add_resident(world, "a@example.org", name="<img src=x>")
    alert = send(world, body="zqMARKgreetingKRAMqz and zqMARKlink_urlKRAMqz")
    worker_loop.expand_alert(alert.id)
    with transaction() as session:
        batch_id = session.execute(text("SELECT id FROM batch")).scalar_one()
    worker_loop.send_batch(batch_id)
    assert states(world, alert) == {"sent": 1}
    assert state_of(world, alert) == "sent"
    [mail] = mails
    assert b"zqMARKgreetingKRAMqz" in mail
    assert b"&lt;img src=x&gt;" in mail
