"""Beside its jobs a worker process keeps its leases, finds the work of the dead, and can do without a queue."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar
from uuid import UUID

from notify.core import jobs
from notify.core.db import transaction
from notify.core.jobs import Job, Lane
from notify.core.settings import settings
from notify.deliveries import leases, process_metrics, reconciliation, service_messages, worker_loop

log = logging.getLogger("workers")
T = TypeVar("T")

LOOK_SECONDS = 0.5
AWAY_SECONDS = 1.0  # so often a worker looks whether the queue answers
METERS_SECONDS = 5.0


class Housekeeper(threading.Thread):
    """Runs beside the job threads until told to stop. Whatever fails is tried again at the next round."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(name="housekeeper", daemon=True)
        self._lane = lane
        self._stop_asked = threading.Event()
        self._tasks: list[tuple[float, Callable[[], object]]] = [
            (settings().lease_seconds / 4, leases.keep_leases),
            (LOOK_SECONDS, worker_loop.recover_orphans),
            (METERS_SECONDS, partial(process_metrics.write, lane)),
        ]

    def run(self) -> None:
        """Do each chore when its time has come."""
        due = [0.0] * len(self._tasks)
        while not self._stop_asked.wait(LOOK_SECONDS):
            for at, (every, work) in enumerate(self._tasks):
                if time.monotonic() >= due[at]:
                    due[at] = time.monotonic() + every
                    attempt(work)

    def stop(self) -> None:
        """End after the round under way, and write the last counts down."""
        self._stop_asked.set()
        self.join(timeout=5)
        attempt(partial(process_metrics.leave, self._lane))


class Understudy:
    """Takes work straight from PostgreSQL while the queue is away: one thread looks, the others work."""

    def __init__(self, lane: Lane, threads: int) -> None:
        self._lane = lane
        self._is_away = threading.Event()
        self._stop_asked = threading.Event()
        self._notices: SimpleQueue[UUID] = SimpleQueue()
        self._threads = [threading.Thread(target=self._look, name="understudy looks", daemon=True)]
        self._threads += [threading.Thread(target=self._work, name="understudy", daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin to look whether the queue answers."""
        for thread in self._threads:
            thread.start()

    def _look(self) -> None:
        while not self._stop_asked.wait(AWAY_SECONDS):
            is_away = jobs.waiting(self._lane) is None
            if self._stop_asked.is_set():
                return
            if is_away != self._is_away.is_set():
                log.warning("the queue is %s", "away: working from the database" if is_away else "back")
            if not is_away:
                self._is_away.clear()
                continue
            self._is_away.set()
            if self._lane == Lane.TRANSACTIONAL and self._notices.empty():
                attempt(self._find_service_messages)

    def _find_service_messages(self) -> None:
        with transaction() as session:
            found = reconciliation.unstarted(session, self._lane)
        for item in found:
            if item.job == Job.SEND_SERVICE_MESSAGE:
                self._notices.put(UUID(item.args[0]))

    def _work(self) -> None:
        """Each thread takes the next thing by itself, so that one that is slow holds up no other."""
        while not self._stop_asked.is_set():
            self._is_away.wait()
            if not self._stop_asked.is_set() and not attempt(self._next):
                self._stop_asked.wait(LOOK_SECONDS)

    def _next(self) -> bool:
        with suppress(Empty):
            service_messages.send_service_message(self._notices.get_nowait())
            return True
        return worker_loop.send_next(self._lane)

    def stop(self) -> None:
        """End after the batches in hand."""
        self._stop_asked.set()
        self._is_away.set()  # lets those go on that wait for it


def attempt(work: Callable[[], T]) -> T | None:
    """Do it; what goes wrong is logged and does not end the thread."""
    try:
        return work()
    except Exception as error:  # the worker's edge: housekeeping goes on
        log.warning("housekeeping failed", extra={"error": type(error).__name__}, exc_info=True)
        return None
