"""Whose turn it is, and what becomes of a batch that kills."""

import time
from uuid import UUID

import pytest
from sqlalchemy import text

from notify.alerts.models import Priority
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import batches, retry_pauses, slice_results, worker_loop
from notify.deliveries.models import Hold
from notify.deliveries.service import Result
from notify.providers.base import Channel, Message
from tests.deliveries.test_hardships import Loft, ledger_states, loft, under_way
from tests.deliveries.test_worker_loop import send, state_of
from tests.world import World, add_resident, make_world

__all__ = ["loft"]


class Death(BaseException):
    """Ends a worker without a word."""


@pytest.fixture
def town(database: None, monkeypatch: pytest.MonkeyPatch, choose: object) -> World:
    """Twelve residents, and batches of two."""
    assert callable(choose)
    choose(BATCH_SIZE="2")
    world = make_world()
    for number in range(12):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number:03}@example.org")
    return world


def expanded(world: World, **words: object) -> UUID:
    alert = send(world, **words)
    worker_loop.expand_alert(alert.id)
    return alert.id


def turns(lane: Lane, count: int) -> list[UUID]:
    """Whose batches are claimed one after another, each done before the next."""
    served = []
    for _ in range(count):
        with transaction() as session:
            held = batches.claim_next(session, lane)
        assert held
        served.append(held.alert_id)
        with transaction() as session:
            session.execute(text("UPDATE batch SET state = 'done' WHERE id = :id"), {"id": held.batch_id})
    return served


def test_alerts_of_a_lane_take_turns(town: World) -> None:
    big = expanded(town, title="Big")
    assert turns(Lane.ROUTINE, 2) == [big, big]
    small = expanded(town, title="Small")
    assert turns(Lane.ROUTINE, 4) == [small, big, small, big]


def test_the_alert_that_holds_least_goes_first(town: World) -> None:
    first, second = expanded(town, title="First"), expanded(town, title="Second")
    held = []
    for _ in range(4):
        with transaction() as session:
            claim = batches.claim_next(session, Lane.ROUTINE)
        assert claim
        held.append(claim.alert_id)
    assert sorted(held[:2]) == sorted([first, second])
    assert sorted(held[2:]) == sorted([first, second])


def test_a_lane_is_served_by_its_own_workers_only(town: World) -> None:
    urgent = expanded(town, priority=Priority.EMERGENCY)
    with transaction() as session:
        assert batches.claim_next(session, Lane.ROUTINE) is None
    with transaction() as session:
        held = batches.claim_next(session, Lane.EMERGENCY)
    assert held
    assert held.alert_id == urgent


def test_what_is_on_hold_is_claimed_by_nobody(town: World) -> None:
    held_back, free = expanded(town, title="Held back"), expanded(town, title="Free")
    with transaction() as session:
        session.add(Hold(alert_id=held_back, reason="Too many bounces.", actor="test"))
    assert set(turns(Lane.ROUTINE, 6)) == {free}
    with transaction() as session:
        assert batches.claim_next(session, Lane.ROUTINE) is None
        session.execute(text("UPDATE hold SET lifted_at = business_now()"))
    assert set(turns(Lane.ROUTINE, 6)) == {held_back}


def test_a_hold_stops_a_batch_that_is_under_way(town: World, loft: Loft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_results, "RECORD_EVERY_S", 0.0)
    alert_id = expanded(town)

    def manners(_: Message) -> str:
        with transaction() as session:
            if session.execute(text("SELECT count(*) FROM hold")).scalar_one() == 0:
                session.add(Hold(lane=Lane.ROUTINE, reason="Stop.", actor="test"))
        time.sleep(0.001)
        return ""

    pigeon = loft(manners)
    assert worker_loop.send_next(Lane.ROUTINE)
    assert len(pigeon.taken) == 1
    assert not worker_loop.send_next(Lane.ROUTINE)
    assert ledger_states(alert_id) == {"sent": 1, "created": 11}


def test_a_row_that_kills_its_workers_ends_alone_and_the_others_arrive(database: None, loft: Loft) -> None:
    def manners(message: Message) -> str:
        if message.address == "r005@example.org":
            raise Death
        return ""

    pigeon = loft(manners)
    world, alert_id, _ = under_way(16)
    deaths = 0
    for _ in range(100):
        worker_loop.recover_orphans()
        try:
            if not worker_loop.send_next(Lane.ROUTINE):
                break
        except Death:
            deaths += 1
    assert ledger_states(alert_id) == {"sent": 15, "technical-failure": 1}
    assert len(set(pigeon.taken)) == len(pigeon.taken) == 15  # the journal knew what the dead had handed over
    assert deaths <= 3 + 4 + 2  # three, one for each halving of sixteen, and two more chances
    with transaction() as session:
        reason, state = session.execute(
            text("""
                SELECT d.reason, b.state FROM delivery d JOIN batch b ON d.number BETWEEN b.number_from AND b.number_to
                WHERE d.state = 'technical-failure'
            """)
        ).one()
        assert session.execute(text("SELECT state FROM alert")).scalar_one() == "sent"
    assert "died" in reason
    assert state == "quarantined"
    assert world


def test_three_deaths_that_were_nobodys_fault_cost_nobody_a_message(database: None, loft: Loft) -> None:
    loft(lambda _: "")
    world, alert_id, batch_id = under_way(10)
    with transaction() as session:
        session.execute(text("UPDATE batch SET deaths = 5"))
    while worker_loop.send_next(Lane.ROUTINE):
        pass
    assert ledger_states(alert_id) == {"sent": 10}
    assert batch_id
    assert world


def test_an_alert_ends_with_its_last_batch_even_if_that_is_quarantined(database: None, loft: Loft) -> None:
    def manners(_: Message) -> str:
        raise Death

    loft(manners)
    world = make_world()
    add_resident(world, "only@example.org")
    alert = send(world)
    worker_loop.expand_alert(alert.id)
    for _ in range(10):
        worker_loop.recover_orphans()
        try:
            if not worker_loop.send_next(Lane.ROUTINE):
                break
        except Death:
            continue
    assert ledger_states(alert.id) == {"technical-failure": 1}
    assert state_of(world, alert) == "sent"


@pytest.mark.parametrize(
    ("lane", "attempts", "longest"),
    [
        (Lane.ROUTINE, 1, 5),
        (Lane.ROUTINE, 2, 10),
        (Lane.ROUTINE, 4, 40),
        (Lane.ROUTINE, 30, 300),
        (Lane.EMERGENCY, 2, 2),
        (Lane.EMERGENCY, 30, 10),
    ],
)
def test_pauses_are_random_and_grow_up_to_five_minutes_or_ten_urgent_seconds(
    lane: Lane, attempts: int, longest: float
) -> None:
    pauses = [retry_pauses.pause_after(attempts, lane, Channel.EMAIL) for _ in range(500)]
    assert 0.5 <= min(pauses) < longest * 0.2 + 0.5
    assert longest * 0.8 < max(pauses) <= longest


@pytest.mark.parametrize(("attempts", "usual_s"), [*enumerate(retry_pauses.WEBHOOK_PAUSES_S, 1), (30, 36_000)])
def test_receivers_of_webhooks_are_called_again_by_svix_s_schedule(attempts: int, usual_s: int) -> None:
    for lane, hurried in ((Lane.ROUTINE, 0), (Lane.EMERGENCY, 8)):
        pauses = [retry_pauses.pause_after(attempts + hurried, lane, Channel.WEBHOOK) for _ in range(200)]
        assert 0.9 * usual_s <= min(pauses) <= max(pauses) <= 1.1 * usual_s
    assert retry_pauses.pause_after(8, Lane.EMERGENCY, Channel.WEBHOOK) <= 10


def test_the_eighth_call_of_a_webhook_is_the_last_try() -> None:
    """The first attempt more than a day after the alert was expanded is the last."""
    hours = [pause_s / 3600 for pause_s in retry_pauses.WEBHOOK_PAUSES_S]
    assert 1.1 * sum(hours[:-1]) < batches.LONGEST_TRY_HOURS < 0.9 * sum(hours)


def test_one_receiver_s_wish_keeps_no_other_waiting() -> None:
    wishes = retry_pauses.Wishes()
    for seconds in (900.0, 300.0):
        wishes.hear(Result(1, None, retry_after_s=seconds, is_own_wish=True))
    assert wishes.seconds == 300
    wishes.hear(Result(2, None, is_own_wish=True))
    assert wishes.seconds == 0
    wishes.hear(Result(3, None, retry_after_s=60.0))
    assert wishes.seconds == 60
