"""The work on one lane within a process: its jobs, its leases, and what it does while the queue is away."""

import logging

from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker

from notify.core.jobs import Lane
from workers.housekeeping import Housekeeper, Understudy

log = logging.getLogger("workers")

# a worker with jobs under way looks for more so often; one without is told by Redis
LOOK_MS = {Lane.EMERGENCY: 20, Lane.TRANSACTIONAL: 100, Lane.ROUTINE: 100}
# a thread takes up what its consumer has fetched at once; so often it looks whether it is to stop
THREAD_LOOK_MS = 1_000
LONGEST_STOP_MS = 25_000


class LaneWorker:
    """Everything that runs for one lane."""

    def __init__(self, broker: RedisBroker, lane: Lane, threads: int) -> None:
        self._lane, self._threads = lane, threads
        self._worker = Worker(broker, queues={lane}, worker_threads=threads, worker_timeout=THREAD_LOOK_MS)
        self._housekeeper, self._understudy = Housekeeper(lane), Understudy(lane, threads)

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()
        self._housekeeper.start()
        self._understudy.start()
        log.info("worker ready", extra={"lane": self._lane, "threads": self._threads})

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        self._understudy.stop()
        self._worker.stop(timeout=LONGEST_STOP_MS)
        self._housekeeper.stop()
        log.info("worker stopped", extra={"lane": self._lane})
