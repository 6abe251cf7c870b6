"""Beside its jobs a worker process keeps its leases, finds the work of the dead, and can do without a queue."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from notify import jobs
from notify.db import transaction
from notify.deliveries import metering, reconcile, sending
from notify.jobs import Job, Lane
from notify.settings import settings

log = logging.getLogger("workers")

LOOK_SECONDS = 0.5
METERS_SECONDS = 5.0


START = {Job.EXPAND_ALERT: sending.start_alert, Job.SEND_NOTICE: sending.send_notice}


class Housekeeper(threading.Thread):
    """Runs beside the job threads until told to stop. Whatever fails is tried again at the next round."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(name="housekeeper", daemon=True)
        self._lane = lane
        self._stop_asked = threading.Event()
        self._chores: list[tuple[float, Callable[[], object]]] = [
            (settings().lease_seconds / 4, sending.keep_leases),
            (LOOK_SECONDS, sending.recover_orphans),
            (METERS_SECONDS, partial(metering.write, lane)),
        ]

    def run(self) -> None:
        """Do each chore when its time has come."""
        due = [0.0] * len(self._chores)
        while not self._stop_asked.wait(LOOK_SECONDS / 2):
            for at, (every, work) in enumerate(self._chores):
                if time.monotonic() >= due[at]:
                    due[at] = time.monotonic() + every
                    attempt(work)

    def stop(self) -> None:
        """End after the round under way, and write the last counts down."""
        self._stop_asked.set()
        self.join(timeout=5)
        attempt(partial(metering.leave, self._lane))


class Understudy(threading.Thread):
    """Takes work straight from PostgreSQL while the queue is away."""

    def __init__(self, lane: Lane, threads: int) -> None:
        super().__init__(name="understudy", daemon=True)
        self._lane = lane
        self._threads = threads
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Look every half second; step in when Redis does not answer."""
        was_away = False
        with ThreadPoolExecutor(self._threads, thread_name_prefix="understudy") as pool:
            while not self._stop_asked.wait(LOOK_SECONDS):
                is_away = jobs.waiting(self._lane) is None
                if is_away != was_away:
                    log.warning("the queue is %s", "away: working from the database" if is_away else "back")
                was_away = is_away
                if is_away:
                    attempt(self._prepare)
                    for done in [pool.submit(attempt, self._drain) for _ in range(self._threads)]:
                        done.result()

    def _prepare(self) -> None:
        with transaction() as session:
            found = reconcile.unstarted(session, self._lane)
        for item in found:
            attempt(partial(START[item.job], UUID(item.args[0])))

    def _drain(self) -> None:
        while not self._stop_asked.is_set() and sending.send_next(self._lane):
            pass

    def stop(self) -> None:
        """End after the batches in hand."""
        self._stop_asked.set()


def attempt(work: Callable[[], object]) -> None:
    """Do it; what goes wrong is logged and does not end the thread."""
    try:
        work()
    except Exception as error:  # the worker's edge: housekeeping goes on
        log.warning("housekeeping failed", extra={"error": type(error).__name__}, exc_info=True)
