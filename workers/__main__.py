"""One worker process for one lane: `python -m workers --lane emergency`."""

import argparse
import os
import signal
import threading
from collections.abc import Sequence
from types import FrameType

import dramatiq

from notify.core import logs
from notify.core.db import engine
from notify.core.jobs import Lane
from notify.core.private_files import keep_private
from notify.deliveries import leases, message_content, restore_hold, worker_loop
from notify.providers import registry
from workers import actors
from workers.broker import WaitingBroker, make_broker
from workers.housekeeping import attempt
from workers.lane import LOOK_MS, LaneWorker

# under load the operating system serves the urgent first
NICENESS = {Lane.EMERGENCY: 0, Lane.TRANSACTIONAL: 0, Lane.ROUTINE: 15}


def main(arguments: Sequence[str] | None = None) -> None:
    """Work on one lane until SIGTERM; then finish what is in hand."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--lane", type=Lane, choices=list(Lane), required=True, help="the queue to work on")
    parser.add_argument("--threads", type=int, default=4, help="batches handed over at the same time (default 4)")
    chosen = parser.parse_args(arguments)
    logs.configure()
    keep_private()
    os.nice(NICENESS[chosen.lane])
    message_content.warm_up()
    registry.named()  # a wrong setting must show now, not with the first alert
    restore_hold.watch(engine())
    broker = make_broker(LOOK_MS[chosen.lane])
    dramatiq.set_broker(broker)
    actors.register(broker)
    worker = LaneWorker(broker, chosen.lane, chosen.threads)
    stop = threading.Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        leases.stop()  # what is under way ends, the rest is given back
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, leave)
    attempt(worker_loop.recover_orphans)
    worker.start()
    stop.wait()
    if isinstance(broker, WaitingBroker):
        broker.stop_waiting()
    worker.stop()
    broker.close()
    registry.close_all()


if __name__ == "__main__":
    main()
