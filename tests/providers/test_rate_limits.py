"""Rates that all processes keep together, on the real Redis server and its own clock."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from notify.core import jobs
from notify.core.jobs import Lane
from notify.core.settings import Settings
from notify.providers.rate_limits import Bucket, Shared

ROUTINE, TRANSACTIONAL, EMERGENCY = Lane.ROUTINE, Lane.TRANSACTIONAL, Lane.EMERGENCY


@pytest.fixture(autouse=True)
def _empty_redis(database: None) -> None:
    """No bucket is there yet."""


def drained(lane: Lane, *, rate: float, seconds: float) -> int:
    """How many messages one process gets by asking without a pause."""
    shared, granted = Shared("smtp"), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        granted += shared.take(rate, 7, lane)[0]
    return granted


def test_all_processes_together_get_the_rate_and_no_more() -> None:
    begun = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        all_of_them = threads.map(lambda _: drained(ROUTINE, rate=400, seconds=0.5), range(4))
        granted = sum(all_of_them)
    took = time.monotonic() - begun
    assert 180 <= granted <= 400 * took + 81  # of which it held the reserve at first


def test_a_second_unused_may_be_caught_up_and_no_more() -> None:
    shared = Shared("smtp")
    shared.take(50, 0, ROUTINE)
    time.sleep(1.2)  # the time that is to pass
    assert shared.take(50, 500, EMERGENCY)[0] == 50
    assert shared.take(50, 500, EMERGENCY)[0] <= 2


def test_the_last_fifth_is_for_emergencies_only() -> None:
    shared = Shared("smtp")
    shared.take(10, 0, ROUTINE)
    time.sleep(1.1)  # until the bucket is full
    assert shared.take(10, 100, ROUTINE)[0] == 8
    assert shared.take(10, 100, TRANSACTIONAL)[0] == 0
    assert shared.take(10, 100, EMERGENCY)[0] == 2


def test_who_gets_nothing_is_told_when_it_is_worth_asking() -> None:
    shared = Shared("smtp")
    for lane in (EMERGENCY, ROUTINE):
        while (answer := shared.take(100, 30, lane))[0]:
            pass
        _, wait_s, is_paused = answer
        assert not is_paused
        assert 0 < wait_s <= 0.4
        time.sleep(wait_s)
        assert 9 <= shared.take(100, 30, lane)[0] <= 12


def test_a_queue_that_lost_its_memory_grants_no_second_worth_at_once() -> None:
    shared = Shared("smtp")
    shared.take(1000, 0, ROUTINE)
    jobs.sending_broker().client.flushall()
    assert shared.take(1000, 5000, ROUTINE)[0] == 0
    jobs.sending_broker().client.flushall()
    assert shared.take(1000, 5000, EMERGENCY)[0] == 200


@pytest.mark.parametrize("rate", [1, 3])
def test_small_rates_serve_everybody_too(rate: float) -> None:
    shared = Shared("smtp")
    granted, wait_s, _ = shared.take(rate, 1, ROUTINE)
    assert granted == 0
    assert wait_s <= 1 / rate + 0.01
    time.sleep(wait_s)
    assert shared.take(rate, 1, ROUTINE)[0] == 1


def test_without_redis_each_process_keeps_to_its_part(choose: Callable[..., None]) -> None:
    choose(REDIS_URL="redis://127.0.0.1:1/0", PROVIDER_RATE_SHARE="4")
    with ThreadPoolExecutor(2) as threads:
        routine = threads.submit(drained, ROUTINE, rate=400, seconds=0.5)
        emergency = threads.submit(drained, EMERGENCY, rate=400, seconds=0.5)
    assert 40 <= routine.result() <= 60
    assert 85 <= emergency.result() <= 115


def test_a_bucket_of_one_process_fills_at_its_rate() -> None:
    bucket = Bucket(10, now=0)
    granted, wait_s = bucket.take(5, now=0)
    assert granted == 0
    assert wait_s == pytest.approx(0.1)
    assert bucket.take(5, now=0.35)[0] == 3
    assert bucket.take(50, now=100)[0] == 10


@pytest.mark.parametrize("wrong", ["smtp", "smtp=", "smtp=fast", "smtp=0", "smtp=-1", "smtp=inf", "smtp=nan"])
def test_a_rate_that_cannot_be_read_is_said_at_once(wrong: str) -> None:
    with pytest.raises(ValidationError, match="rate"):
        Settings(provider_rates=f"twilio=20,{wrong}")


def test_rates_are_read_by_provider() -> None:
    chosen = Settings(provider_rates=" smtp=500, twilio = 0.5 ,")
    assert [chosen.provider_rate(name) for name in ("smtp", "twilio", "file")] == [500, 0.5, None]
