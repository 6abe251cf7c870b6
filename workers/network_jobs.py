"""Chores that wait for the network: each in a thread of its own, so that they hold up nothing."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("workers.network_jobs")


class NetworkJob:
    """Something to do in the background, never twice at the same time. What goes wrong is logged."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self._name = name
        self._work = work
        self._thread: threading.Thread | None = None

    def go(self) -> bool:
        """Begin, unless the last time is not over yet; whether it began."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=self._run, name=f"errand {self._name}", daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # the worker's edge: it is tried again at its next turn
            log.warning("errand failed", extra={"errand": self._name, "error": str(error)[:300]})
