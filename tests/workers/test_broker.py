"""A worker with nothing to do waits for Redis to say that there is a job, and asks nothing meanwhile."""

import threading
import time
from collections.abc import Iterator

import pytest
from dramatiq import Message

from notify.core import jobs
from notify.core.jobs import Job, Lane
from workers.broker import WAIT_S, WaitingBroker, make_broker

AT_ONCE_S = WAIT_S / 2  # on a machine with much else to do
QUEUE = Lane.EMERGENCY


@pytest.fixture
def broker(database: None) -> Iterator[WaitingBroker]:
    made = make_broker(look_ms=20)
    assert isinstance(made, WaitingBroker)
    yield made
    made.stop_waiting()
    made.close()


def waits(broker: WaitingBroker) -> tuple[threading.Thread, list[float]]:
    """Somebody who waits for the queue, and how many seconds it took."""
    took: list[float] = []

    def wait() -> None:
        began = time.monotonic()
        broker.wait_for(QUEUE)
        took.append(time.monotonic() - began)

    thread = threading.Thread(target=wait)
    thread.start()
    client = jobs.sending_broker().client
    until = time.monotonic() + WAIT_S
    while not int(client.info("clients")["blocked_clients"]) and time.monotonic() < until:
        time.sleep(0.002)
    return thread, took


def put() -> None:
    noted: Message[None] = Message(queue_name=QUEUE, actor_name=Job.EXPAND_ALERT, args=("x",), kwargs={}, options={})
    jobs.sending_broker().enqueue(noted)


def test_a_job_wakes_who_waits_and_stays_on_the_queue(broker: WaitingBroker) -> None:
    thread, took = waits(broker)
    put()
    thread.join()
    assert took[0] < AT_ONCE_S
    assert jobs.waiting(QUEUE) == 1


def test_one_job_wakes_everybody_who_waits(broker: WaitingBroker) -> None:
    (first, one), (second, two) = waits(broker), waits(broker)
    put()
    first.join()
    second.join()
    assert max(one + two) < AT_ONCE_S


def test_a_consumer_gets_the_job_that_it_waited_for(broker: WaitingBroker) -> None:
    consumer = broker.consume(QUEUE, prefetch=2)
    put()
    found = next(consumer)
    assert found is not None
    assert found.args == ("x",)
    assert consumer.outstanding_message_count == 1


def test_a_process_that_is_to_stop_waits_no_longer(broker: WaitingBroker) -> None:
    thread, took = waits(broker)
    broker.stop_waiting()
    thread.join()
    assert took[0] < AT_ONCE_S
    assert not broker.wait_for(QUEUE)


def test_waiting_asks_redis_for_nothing(broker: WaitingBroker) -> None:
    client = jobs.sending_broker().client
    thread, _ = waits(broker)
    before = int(client.info("stats")["total_commands_processed"])
    time.sleep(0.05)
    assert int(client.info("stats")["total_commands_processed"]) - before <= 1
    broker.stop_waiting()
    thread.join()


def test_while_redis_is_away_nobody_waits(broker: WaitingBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "redis_url", lambda: "redis://127.0.0.1:1/0")
    assert not broker.wait_for(f"{QUEUE}.nobody")
