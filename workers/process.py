"""A worker process from its start to its end, for one lane or for several."""

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from notify.core.db import engine
from notify.core.jobs import Lane
from notify.deliveries import leases, message_content, restore_hold, worker_loop
from notify.providers import registry
from workers import actors
from workers.broker import WaitingBroker, make_broker
from workers.housekeeping import attempt
from workers.lane import LOOK_MS, LaneWorker


def serve(threads: Mapping[Lane, int], meanwhile: Callable[[threading.Event], object]) -> None:
    """Work on these lanes, each with so many threads, and do `meanwhile` until SIGTERM; then finish what is in hand.

    `meanwhile` gets the event that is set when the process is to end, and returns once it is.
    """
    message_content.warm_up()
    registry.named()  # a wrong setting must show now, not with the first alert
    restore_hold.watch(engine())
    brokers = {lane: make_broker(LOOK_MS[lane]) for lane in threads}
    for broker in brokers.values():
        dramatiq.set_broker(broker)
        actors.register(broker)
    workers = [LaneWorker(brokers[lane], lane, number) for lane, number in threads.items()]
    stop = threading.Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        leases.stop()  # what is under way ends, the rest is given back
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, leave)
    attempt(worker_loop.recover_orphans)
    for worker in workers:
        worker.start()
    meanwhile(stop)
    _finish(workers, list(brokers.values()))


def _finish(workers: Sequence[LaneWorker], brokers: Sequence[RedisBroker]) -> None:
    for broker in brokers:
        if isinstance(broker, WaitingBroker):
            broker.stop_waiting()
    for worker in workers:
        worker.stop()
    for broker in brokers:
        broker.close()
    registry.close_all()
