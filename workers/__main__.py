"""One worker process for one lane: `python -m workers --lane emergency`."""

import argparse
import logging
import os
import signal
import threading
from collections.abc import Sequence
from types import FrameType

import dramatiq
from dramatiq import Worker

from notify.core import logs
from notify.core.db import engine
from notify.core.jobs import Lane
from notify.core.private_files import keep_private
from notify.deliveries import leases, message_content, restore_hold, worker_loop
from notify.providers import registry
from workers import actors
from workers.broker import make_broker
from workers.housekeeping import Housekeeper, Understudy, attempt

log = logging.getLogger("workers")

# an idle worker picks a job up within this time; the default takes 391 ms in the middle
IDLE_LOOK_MS = {Lane.EMERGENCY: 20, Lane.TRANSACTIONAL: 100, Lane.ROUTINE: 100}
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
    broker = make_broker()
    dramatiq.set_broker(broker)
    actors.register(broker)
    worker = Worker(
        broker, queues={chosen.lane}, worker_threads=chosen.threads, worker_timeout=IDLE_LOOK_MS[chosen.lane]
    )
    housekeeper, understudy = Housekeeper(chosen.lane), Understudy(chosen.lane, chosen.threads)
    stop = threading.Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        leases.stop()  # what is under way ends, the rest is given back
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, leave)
    attempt(worker_loop.recover_orphans)
    worker.start()
    housekeeper.start()
    understudy.start()
    log.info("worker ready", extra={"lane": chosen.lane, "threads": chosen.threads})
    stop.wait()
    understudy.stop()
    worker.stop(timeout=25_000)
    housekeeper.stop()
    broker.close()
    registry.close_all()
    log.info("worker stopped", extra={"lane": chosen.lane})


if __name__ == "__main__":
    main()
