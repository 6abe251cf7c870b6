"""Threads of their own for what strangers can make slow, so that pages and receipts keep theirs.

A route that runs here takes none of the threads, and so few of the database's connections, that everything else uses.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from notify.core.errors import TooMany

T = TypeVar("T")

NICENESS = 10  # threads of such a pool give way to those that answer pages


class TooManyAtOnce(TooMany):
    """All places for such requests are taken; nothing was done."""

    title = "Too many people sign in at this moment"


class BoundedPool:
    """At most `threads` pieces of work at once and `waiting` behind them; more is refused at once."""

    def __init__(self, name: str, *, threads: int, waiting: int, retry_after: int = 2) -> None:
        self._most = threads + waiting
        self._retry_after = retry_after
        self._taken = 0
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=_give_way)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, done by a thread of this pool in the caller's context. Raises: TooManyAtOnce."""
        with self._lock:
            if self._taken >= self._most:
                raise TooManyAtOnce("Try again in a few seconds.", retry_after=self._retry_after)
            self._taken += 1
        future = self._executor.submit(copy_context().run, work)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: "Future[T]") -> None:
        with self._lock:
            self._taken -= 1


def _give_way() -> None:
    """Lower this thread's priority, where the system has one for each thread; it keeps it for what it starts."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
