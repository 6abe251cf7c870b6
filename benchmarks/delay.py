"""A line with distance: what the server says reaches the client so many milliseconds later than it was said.

    python -m benchmarks.delay --to PORT [--milliseconds 20]      prints the port it listens on

Nothing waits for anything else: every chunk has its own moment, so replies that travel together are late together,
once. The delay is the same for all, hence the chunks leave in the order they came and one queue without timers does.
The kernel's clock tick adds up to a millisecond when the line is idle.
"""

import argparse
import select
import signal
import socket
import sys
import time
from collections import deque

CHUNK_BYTES = 65_536
BACKLOG = 1_000


class End:
    """One end of a connection: its socket, what that could not take yet, and the end at the other side."""

    __slots__ = ("events", "is_client", "other", "socket", "waiting")

    def __init__(self, connection: socket.socket, *, is_client: bool) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.is_client = is_client
        self.waiting = b""
        self.events = 0  # what the poll watches it for
        self.other = self


class Line:
    """Every connection that is open, and the replies on their way."""

    def __init__(self, listener: socket.socket, *, to: int, seconds: float) -> None:
        self._listener = listener
        self._to = to
        self._seconds = seconds
        self._poll = select.epoll()
        self._poll.register(listener, select.EPOLLIN)
        self._ends: dict[int, End] = {}
        self._late: deque[tuple[float, End, bytes]] = deque()

    def carry(self) -> None:
        """Pass on what there is, for ever."""
        while True:
            pause = max(0.0, self._late[0][0] - time.monotonic()) if self._late else None
            for number, events in self._poll.poll(pause):
                end = self._ends.get(number)
                if end:
                    self._serve(end, events)
                elif number == self._listener.fileno():
                    self._accept()
            now = time.monotonic()
            while self._late and self._late[0][0] <= now:
                _, end, chunk = self._late.popleft()
                self._give(end, chunk)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        near = End(client, is_client=True)
        far = End(socket.create_connection(("127.0.0.1", self._to)), is_client=False)
        near.other, far.other = far, near
        for end in (near, far):
            self._ends[end.socket.fileno()] = end
            end.events = select.EPOLLIN
            self._poll.register(end.socket, end.events)

    def _serve(self, end: End, events: int) -> None:
        if events & select.EPOLLOUT:
            self._flush(end)
        if not events & ~select.EPOLLOUT or end.socket.fileno() < 0:
            return
        try:
            chunk = end.socket.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if end.is_client:
            self._give(end.other, chunk)
        else:
            self._late.append((time.monotonic() + self._seconds, end.other, chunk))
            if not chunk:
                self._forget(end)  # it has said its last, and the client hears so in its time

    def _give(self, end: End, chunk: bytes) -> None:
        """Send on; an empty chunk ends the connection."""
        if not chunk:
            for one in (end, end.other):
                self._forget(one)
                one.socket.close()
        elif end.socket.fileno() >= 0:
            end.waiting = end.waiting + chunk if end.waiting else chunk
            self._flush(end)

    def _flush(self, end: End) -> None:
        try:
            end.waiting = end.waiting[end.socket.send(end.waiting) :]
        except BlockingIOError:
            pass
        except OSError:
            self._give(end, b"")
            return
        self._watch(end, select.EPOLLIN | (select.EPOLLOUT if end.waiting else 0))
        if end.other.is_client:  # hear no more of a client than the server takes
            self._watch(end.other, (0 if end.waiting else select.EPOLLIN) | end.other.events & select.EPOLLOUT)

    def _watch(self, end: End, events: int) -> None:
        if events != end.events and end.socket.fileno() in self._ends:
            end.events = events
            self._poll.modify(end.socket, events)

    def _forget(self, end: End) -> None:
        if self._ends.pop(end.socket.fileno(), None):
            self._poll.unregister(end.socket)


def main() -> None:
    """Print the port and carry until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delay", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--to", type=int, required=True, help="the port of the loopback that is to seem far away")
    parser.add_argument("--milliseconds", type=float, default=20.0)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        print(listener.getsockname()[1], flush=True)
        Line(listener, to=chosen.to, seconds=chosen.milliseconds / 1000).carry()


if __name__ == "__main__":
    main()
