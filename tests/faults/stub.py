"""A mail relay outside the system: it writes down what it takes before it says so, and behaves as it is told.

`python -m tests.faults.stub FILE` prints its port on the loopback and then answers one line for each line it reads:
`manner NAME`, `file PATH`, `taken`. It ends when its input does.

A line of the file: the delivery's reference (from Message-ID), the address, seconds of the machine's monotonic clock,
and a letter: `a` answered with 250 at once, `u` text taken and perhaps never answered, `r` recipient refused for good.
"""

import argparse
import heapq
import os
import random
import re
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from itertools import count

GONE = b"gone"  # mailboxes that begin so do not exist
DEFERRED_SHARE = 0.3
READ_BYTES = 262_144
EXTENSIONS = b"250-stub.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n"
OK = b"250 OK\r\n"
MESSAGE_ID = re.compile(rb"\r\nMessage-ID: <([^@\s]+)@", re.IGNORECASE)
BUSY = b"421 4.7.0 too many requests\r\n"
# one byte a second: the first is over before a deadline of 15 s, the second outlasts one of 30 s
DRIPPED = (OK, b"250 2.0.0 OK: your message has been queued as 0123456789\r\n")


class Manner(StrEnum):
    """How the relay treats those who come to it."""

    OK = "ok"
    DEFERS = "defers"  # 30% of texts are answered 451
    BUSY = "busy"  # everything is answered 421, which SMTP has for "too many requests"
    HANGS = "hangs"  # takes the text and never answers
    DRIPS = "drips"  # takes the text and answers one byte a second
    HALF_CLOSES = "half-closes"  # at the end of the text ends its own side, and throws the text away
    REFUSES = "refuses"  # nobody listens


class Session:
    """One connection: what was received and not yet understood."""

    __slots__ = ("in_text", "is_deaf", "received", "recipient", "scanned", "socket")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.received = b""
        self.scanned = 0
        self.in_text = False
        self.is_deaf = False  # what comes is kept, and not answered for now
        self.recipient: bytes | None = None


class _HangUp(Exception):
    """The session ends after the replies so far."""


class Stub:
    """All sessions in one loop. `rate` limits how many texts a second are taken; 0 does not."""

    def __init__(self, path: str, *, rate: float, seed: int) -> None:
        self.manner = Manner.OK
        self.taken = 0
        self._chance = random.Random(seed)
        self._pause_s = 1 / rate if rate else 0.0
        self._next_at = 0.0
        self._file = _open(path)
        self._lines: list[bytes] = []
        self._drips: list[tuple[float, int, Session, bytes]] = []
        self._order = count()
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self.port = 0
        self._listen()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(512)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> None:
        """Answer mail and commands until standard input ends."""
        print(self.port, flush=True)
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            wait = self._drips[0][0] - time.monotonic() if self._drips else None
            for key, _ in self._selector.select(None if wait is None else max(0.0, wait)):
                if key.data is None:
                    line = os.read(sys.stdin.fileno(), 4096).decode()
                    if not line:
                        return
                    print(self._obey(line.split()), flush=True)
                elif isinstance(key.data, Session):
                    self._hear(key.data)
                else:
                    key.data()
            self._drip()

    def _obey(self, words: Sequence[str]) -> str:
        match words:
            case ["manner", name]:
                self._behave(Manner(name))
            case ["file", path]:
                os.close(self._file)
                self._file, self.taken = _open(path), 0
            case ["taken"]:
                return str(self.taken)
            case _:
                return "what?"
        return "done"

    def _behave(self, manner: Manner) -> None:
        self.manner = manner
        if manner == Manner.REFUSES and self._listener:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        elif manner != Manner.REFUSES and self._listener is None:
            self._listen()

    def _accept(self) -> None:
        assert self._listener
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(connection)
        self._selector.register(connection, selectors.EVENT_READ, session)
        if self.manner == Manner.BUSY:
            self._say(session, BUSY)
            self._close(session)
        else:
            self._say(session, b"220 stub.test ESMTP\r\n")

    def _hear(self, session: Session) -> None:
        try:
            chunk = session.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._close(session)
            return
        session.received += chunk
        self._go_on(session)

    def _go_on(self, session: Session) -> None:
        """Understand what was received; write down what was taken, and only then answer."""
        replies: list[bytes] = []
        hangs_up = False
        try:
            while not session.is_deaf and (reply := self._next_reply(session)) is not None:
                replies.append(reply)
        except _HangUp as last:
            replies += last.args
            hangs_up = True
        if self._lines:
            os.write(self._file, b"".join(self._lines))
            self._lines.clear()
        if replies:
            self._say(session, b"".join(replies))
        if hangs_up:
            self._close(session)

    def _next_reply(self, session: Session) -> bytes | None:
        """The answer to the next whole command or text; None while neither is complete."""
        if not session.in_text:
            line, found, rest = session.received.partition(b"\r\n")
            if not found:
                return None
            session.received = rest
            return self._answer(session, line)
        end = session.received.find(b"\r\n.\r\n", max(0, session.scanned - 4))
        if end < 0:
            session.scanned = len(session.received)
            return None
        text, session.received = session.received[:end], session.received[end + 5 :]
        session.in_text, session.scanned = False, 0
        return self._end_of_text(session, text)

    def _answer(self, session: Session, line: bytes) -> bytes:
        if self.manner in (Manner.BUSY, Manner.REFUSES):
            raise _HangUp(BUSY)
        verb = line[:4].upper()
        if verb == b"RCPT":
            return self._recipient(session, line[line.find(b"<") + 1 : line.rfind(b">")])
        if verb == b"DATA":
            if session.recipient is None:
                return b"503 5.5.1 no recipient\r\n"
            session.in_text = True
            session.received = b"\r\n" + session.received  # so that an empty text ends like any other
            return b"354 go on\r\n"
        if verb in (b"MAIL", b"RSET"):
            session.recipient = None
        elif verb == b"EHLO":
            return EXTENSIONS
        elif verb == b"QUIT":
            raise _HangUp(b"221 bye\r\n")
        return OK

    def _recipient(self, session: Session, address: bytes) -> bytes:
        if address.startswith(GONE):
            self._note(b"-", address, b"r")
            return b"550 5.1.1 no such mailbox\r\n"
        session.recipient = address
        return OK

    def _end_of_text(self, session: Session, text: bytes) -> bytes:
        """What the relay's manner makes of a text that has come whole."""
        address, session.recipient = session.recipient or b"-", None
        match self.manner:
            case Manner.BUSY | Manner.REFUSES:
                raise _HangUp(BUSY)
            case Manner.HALF_CLOSES:
                session.is_deaf = True
                session.socket.shutdown(socket.SHUT_WR)
                return b""
            case Manner.DEFERS if self._chance.random() < DEFERRED_SHARE:
                return b"451 4.3.0 try again later\r\n"
        self._take(text, address, b"u" if self.manner in (Manner.HANGS, Manner.DRIPS) else b"a")
        if self.manner == Manner.HANGS:
            session.is_deaf = True
            return b""
        if self.manner == Manner.DRIPS:
            session.is_deaf = True
            self._drip_later(session, self._chance.choice(DRIPPED))
            return b""
        return OK

    def _take(self, text: bytes, address: bytes, how: bytes) -> None:
        named = MESSAGE_ID.search(text)
        self._note(named[1] if named else b"unnamed", address, how)
        self.taken += 1
        if self._pause_s:
            now = time.monotonic()
            self._next_at = max(self._next_at + self._pause_s, now)
            time.sleep(self._next_at - now)

    def _note(self, reference: bytes, address: bytes, how: bytes) -> None:
        self._lines.append(b"%s %s %.6f %s\n" % (reference, address, time.monotonic(), how))

    def _say(self, session: Session, words: bytes) -> None:
        try:
            if session.socket.send(words) < len(words):  # a client that does not read what it asked for
                self._close(session)
        except OSError:
            self._close(session)

    def _drip_later(self, session: Session, words: bytes) -> None:
        heapq.heappush(self._drips, (time.monotonic() + 1, next(self._order), session, words))

    def _drip(self) -> None:
        """Let every byte fall that is due."""
        while self._drips and self._drips[0][0] <= time.monotonic():
            _, _, session, words = heapq.heappop(self._drips)
            if session.socket.fileno() < 0:
                continue
            self._say(session, words[:1])
            if words[1:]:
                self._drip_later(session, words[1:])
            else:
                session.is_deaf = False
                self._go_on(session)

    def _close(self, session: Session) -> None:
        if session.socket.fileno() >= 0:
            self._selector.unregister(session.socket)
            session.socket.close()


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.stub", description=__doc__)
    parser.add_argument("file", help="where to write what was taken")
    parser.add_argument("--rate", type=float, default=0, help="texts taken a second at most (default: no limit)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    Stub(chosen.file, rate=chosen.rate, seed=chosen.seed).serve()


if __name__ == "__main__":
    main()
