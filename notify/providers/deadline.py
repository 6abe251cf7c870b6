"""Total deadlines for network calls: a socket's own timeout starts again with every byte."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from notify.providers.base import Message

LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for one reply, for one to an emergency's first attempt, for a message in all."""

    usual_reply_s: float
    hasty_reply_s: float
    attempt_s: float

    def reply_s(self, message: Message | None) -> float:
        """How long the answer to this message may take; what belongs to no message gets the usual."""
        return self.hasty_reply_s if message is not None and message.is_hasty else self.usual_reply_s


class Deadline:
    """The end of one attempt. Connections that it watches are shut then, and whoever waits for one gets an error."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self.is_over = False
        self._lock = threading.Lock()
        self._watched: list[int] = []

    def left_s(self) -> float:
        """Seconds that remain, never fewer than a hundredth: some calls take 0 for no limit at all."""
        return max(self.at - time.monotonic(), 0.01)

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection when the time is over, whatever is wrapped around it meanwhile."""
        with self._lock:
            # a number of our own: wrapping a socket in TLS takes its number away
            self._watched.append(os.dup(connection.fileno()))
        if self.is_over:
            self.cut()

    def cut(self) -> None:
        """Shut what is watched, now and later."""
        self.is_over = True
        with self._lock:
            while self._watched:
                with suppress(OSError), socket.socket(fileno=self._watched.pop()) as connection:
                    connection.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """The attempt has ended in time."""
        with self._lock:
            while self._watched:
                os.close(self._watched.pop())


class _Watchdog:
    """One thread that looks after every deadline of this process while there are any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deadlines: set[Deadline] = set()
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            self._deadlines.add(deadline)
            if self._thread is None or not self._thread.is_alive():  # a process that forked has none
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif len(self._deadlines) == 1:
                self._changed.notify()

    def discard(self, deadline: Deadline) -> None:
        with self._changed:
            self._deadlines.discard(deadline)

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._deadlines)
                now = time.monotonic()
                over = {deadline for deadline in self._deadlines if deadline.at <= now}
                self._deadlines -= over
            for deadline in over:
                deadline.cut()
            time.sleep(LOOK_S)


_watchdog = _Watchdog()


@contextmanager
def until(seconds: float) -> Iterator[Deadline]:
    """A deadline so many seconds from now, for as long as the block runs."""
    deadline = Deadline(seconds)
    _watchdog.add(deadline)
    try:
        yield deadline
    finally:
        _watchdog.discard(deadline)
        deadline.forget()
