"""All lanes and the scheduler in one process, for one machine of one's own: `python -m workers.everything`.

Seven processes that sleep hold seven copies of the same code. In production each lane has processes of its own, so that
the urgent never waits behind the bulky and one that dies takes no other with it: `notify workers`.
"""

import signal
import threading
from collections.abc import Sequence
from types import FrameType

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from notify.core import logs
from notify.core.db import engine
from notify.core.jobs import Lane
from notify.core.private_files import keep_private
from notify.deliveries import leases, message_content, restore_hold, worker_loop
from notify.providers import registry
from workers import actors, scheduler
from workers.broker import WaitingBroker, make_broker
from workers.housekeeping import attempt
from workers.lane import LOOK_MS, LaneWorker

THREADS = {Lane.EMERGENCY: 4, Lane.TRANSACTIONAL: 2, Lane.ROUTINE: 4}


def main() -> None:
    """Work on every lane and do the scheduler's chores until SIGTERM; then finish what is in hand."""
    logs.configure()
    keep_private()
    message_content.warm_up()
    registry.named()  # a wrong setting must show now, not with the first alert
    restore_hold.watch(engine())
    brokers = {lane: make_broker(LOOK_MS[lane]) for lane in Lane}
    dramatiq.set_broker(brokers[Lane.ROUTINE])
    for broker in brokers.values():
        actors.register(broker)
    workers = [LaneWorker(brokers[lane], lane, threads) for lane, threads in THREADS.items()]
    stop = threading.Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        leases.stop()  # what is under way ends, the rest is given back
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, leave)
    attempt(worker_loop.recover_orphans)
    for worker in workers:
        worker.start()
    scheduler.serve(stop)
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


if __name__ == "__main__":
    main()
