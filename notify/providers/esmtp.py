"""ESMTP with pipelining over many open connections at once, driven by one thread.

A message costs one round trip: its end leaves together with the next message's MAIL, RCPT and DATA, and the replies
come back together. Source: RFC 5321, RFC 2920. Everything before the first MAIL (TLS, EHLO, AUTH) is smtplib's.
"""

import selectors
import smtplib
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum, auto

from notify.providers.base import Accepted, Deferred, Message, Outcome, Refused

READ_BYTES = 65_536
LONGEST_REPLY_BYTES = 16_384

UNKNOWN = "The relay went away before it said whether it took the message."


class Step(Enum):
    """What a reply answers."""

    RSET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    END = auto()
    NO_MESSAGE = auto()


class RelayLost(Exception):
    """The connection is of no more use."""


class Pipeline:
    """One open connection and the messages on their way through it. For one thread at a time.

    At most two messages are under way: one whose text has been sent, and one that is announced behind it.
    """

    def __init__(self, smtp: smtplib.SMTP, sender: str) -> None:
        smtp.ehlo_or_helo_if_needed()
        self._smtp = smtp
        self._mail = f"MAIL FROM:<{sender}> BODY=8BITMIME\r\n".encode()
        # smtplib leaves a socket after the greeting; TLS, if any, is already inside it
        self._socket: socket.socket | ssl.SSLSocket = smtp.sock  # type: ignore[assignment]
        self._socket.setblocking(False)
        self._received = b""
        self._waiting_to_leave = b""
        self._expected: deque[tuple[Step, Message | None]] = deque()
        self._refusal: dict[str, Outcome] = {}
        self._needs_reset = False
        self.handed_in = 0
        self.deadline = 0.0

    def fileno(self) -> int:
        """The socket's number, for a selector."""
        return self._socket.fileno()

    @property
    def is_open(self) -> bool:
        """Whether the connection has not been closed."""
        return self._socket.fileno() >= 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._expected and not self._waiting_to_leave

    def is_fresh(self) -> bool:
        """Whether the relay has kept silent since the last message, as it does while a connection is good."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(timeout=0)

    @property
    def wants_to_write(self) -> bool:
        """Whether the socket could not take everything yet."""
        return bool(self._waiting_to_leave)

    def announce(self, message: Message, seconds: float) -> None:
        """Begin a message: its text follows when the relay asks for it."""
        self._extend(seconds)
        reset = b"RSET\r\n" if self._needs_reset else b""
        if reset:
            self._expected.append((Step.RSET, None))
            self._needs_reset = False
        self._expected.extend(((Step.MAIL, message), (Step.RCPT, message), (Step.DATA, message)))
        self._waiting_to_leave += b"%s%sRCPT TO:<%s>\r\nDATA\r\n" % (reset, self._mail, message.address.encode())
        self.handed_in += 1

    def _extend(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def flush(self) -> None:
        """Send what the socket takes now. Raises: RelayLost."""
        try:
            while self._waiting_to_leave:
                sent = self._socket.send(self._waiting_to_leave)
                self._waiting_to_leave = self._waiting_to_leave[sent:]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise RelayLost(type(error).__name__) from None

    def advance(self, following: deque[Message], seconds: float) -> Iterator[Outcome]:
        """Read the replies that have come, say what became of messages, and go on with `following`.

        Raises: RelayLost.
        """
        self._read()
        while (reply := self._next_reply()) is not None:
            code, words = reply
            if not self._expected or code == 421:
                raise RelayLost(f"{code} {words}")
            step, message = self._expected.popleft()
            outcome = self._answered(step, message, code, words, following, seconds)
            if outcome:
                yield outcome
        self.flush()

    def _answered(
        self,
        step: Step,
        message: Message | None,
        code: int,
        words: str,
        following: deque[Message],
        seconds: float,
    ) -> Outcome | None:
        if message is None or step in (Step.RSET, Step.NO_MESSAGE):
            return None
        if step in (Step.MAIL, Step.RCPT):
            if code >= 300:
                self._refusal.setdefault(message.reference, _refused_before_text(step, message, code, words))
            return None
        if step == Step.DATA:
            return self._asked_for_text(message, code, words, following, seconds)
        return Accepted(message.reference) if code < 300 else _refused(message.reference, code, words)

    def _asked_for_text(
        self, message: Message, code: int, words: str, following: deque[Message], seconds: float
    ) -> Outcome | None:
        """DATA was answered: send the text, or end an empty one where nobody is to get it."""
        refusal = self._refusal.pop(message.reference, None)
        if code == 354 and refusal is None:
            self._waiting_to_leave += stuffed(message.mime)
            self._expected.append((Step.END, message))
            self._extend(seconds)
        elif code == 354:
            self._waiting_to_leave += b".\r\n"
            self._expected.append((Step.NO_MESSAGE, message))
        else:
            self._needs_reset = True
        if following:
            self.announce(following.popleft(), seconds)
        if refusal is None and code == 354:
            return None
        return refusal or _refused(message.reference, code, words)

    def _read(self) -> None:
        try:
            while True:
                chunk = self._socket.recv(READ_BYTES)
                if not chunk:
                    raise RelayLost("The relay closed the connection.")
                self._received += chunk
                if len(self._received) > LONGEST_REPLY_BYTES:
                    raise RelayLost("The relay talks without end.")
                if len(chunk) < READ_BYTES and not _has_more(self._socket):
                    return
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            raise RelayLost(type(error).__name__) from None

    def _next_reply(self) -> tuple[int, str] | None:
        """The next whole reply, several lines of which make one; None if it has not come yet."""
        start = 0
        while (end := self._received.find(b"\n", start)) >= 0:
            line = self._received[start:end]
            start = end + 1
            if line[3:4] == b"-":
                continue
            self._received = self._received[start:]
            if not line[:3].isdigit():
                raise RelayLost("The relay does not speak SMTP.")
            return int(line[:3]), line[4:].decode("utf-8", "replace").strip()[:200]
        return None

    def abandon(self, reason: str) -> tuple[Sequence[Outcome], Sequence[Message]]:
        """Close the connection; what became of messages whose text was sent, and those that may go elsewhere."""
        self.close()
        ended = [message for step, message in self._expected if step == Step.END and message]
        announced = [message for step, message in self._expected if step == Step.DATA and message]
        return [Deferred(message.reference, f"{UNKNOWN} {reason}") for message in ended], announced

    def close(self) -> None:
        """Leave politely if nothing is under way, else at once."""
        with suppress(OSError, smtplib.SMTPException):
            if self.is_idle:
                self._socket.setblocking(True)
                self._socket.settimeout(1)
                self._smtp.quit()
            else:
                self._smtp.close()


def _has_more(connection: socket.socket | ssl.SSLSocket) -> bool:
    """Whether TLS has decrypted bytes that a selector would not tell of."""
    return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0


def _refused_before_text(step: Step, message: Message, code: int, words: str) -> Outcome:
    """A refused sender is our own fault and will be mended; it must not cost a recipient their address."""
    if step == Step.MAIL:
        return Deferred(message.reference, f"The mail relay refuses our sender address: {code} {words}")
    return _refused(message.reference, code, words)


def _refused(reference: str, code: int, words: str) -> Outcome:
    reason = f"{code} {words}"
    return Refused(reference, reason) if 500 <= code < 600 else Deferred(reference, reason)


def stuffed(mime: bytes) -> bytes:
    """The message as it goes over the line: leading dots doubled, ended by a dot alone."""
    if b"\n." in mime or mime.startswith(b"."):
        mime = (b"\r\n" + mime).replace(b"\r\n.", b"\r\n..")[2:]
    return mime + (b".\r\n" if mime.endswith(b"\r\n") else b"\r\n.\r\n")


def send_all(pipelines: Sequence[Pipeline], messages: Sequence[Message], *, seconds: float) -> Iterator[Outcome]:
    """Exactly one outcome a message. A message the relay was never given goes to another connection, once.

    `seconds` is how long the relay may take over one message before its connection is given up.
    """
    following = deque(messages)
    moved: set[str] = set()
    with selectors.DefaultSelector() as selector:
        for pipeline in pipelines:
            if following:
                pipeline.announce(following.popleft(), seconds)
            selector.register(pipeline, selectors.EVENT_READ)
            yield from _step(selector, pipeline, following, moved, seconds, is_readable=False)
        while selector.get_map():
            yield from _feed_idle(selector, following, moved, seconds)
            if not following and all(pipeline.is_idle for pipeline in _registered(selector)):
                break
            for key, events in selector.select(timeout=0.25):
                if not isinstance(key.fileobj, Pipeline):
                    continue
                is_readable = bool(events & selectors.EVENT_READ)
                yield from _step(selector, key.fileobj, following, moved, seconds, is_readable=is_readable)
            yield from _give_up_late(selector, following, moved)
    for message in following:
        yield Deferred(message.reference, "No connection to the relay was left.")


def _registered(selector: selectors.BaseSelector) -> list[Pipeline]:
    return [key.fileobj for key in selector.get_map().values() if isinstance(key.fileobj, Pipeline)]


def _feed_idle(
    selector: selectors.BaseSelector, following: deque[Message], moved: set[str], seconds: float
) -> Iterator[Outcome]:
    """Give connections that have nothing to do the messages of one that was lost."""
    for pipeline in _registered(selector):
        if pipeline.is_idle and following:
            pipeline.announce(following.popleft(), seconds)
            yield from _step(selector, pipeline, following, moved, seconds, is_readable=False)


def _step(
    selector: selectors.BaseSelector,
    pipeline: Pipeline,
    following: deque[Message],
    moved: set[str],
    seconds: float,
    *,
    is_readable: bool,
) -> Iterator[Outcome]:
    """Let one connection go on as far as it can without waiting."""
    try:
        if is_readable:
            yield from pipeline.advance(following, seconds)
            if pipeline.is_idle and following:
                pipeline.announce(following.popleft(), seconds)
        pipeline.flush()
    except RelayLost as lost:
        yield from _abandon(selector, pipeline, following, moved, str(lost))
        return
    events = selectors.EVENT_READ | (selectors.EVENT_WRITE if pipeline.wants_to_write else 0)
    if selector.get_key(pipeline).events != events:
        selector.modify(pipeline, events)


def _give_up_late(selector: selectors.BaseSelector, following: deque[Message], moved: set[str]) -> Iterator[Outcome]:
    now = time.monotonic()
    for pipeline in _registered(selector):
        if not pipeline.is_idle and now > pipeline.deadline:
            yield from _abandon(selector, pipeline, following, moved, "It took too long.")


def _abandon(
    selector: selectors.BaseSelector, pipeline: Pipeline, following: deque[Message], moved: set[str], reason: str
) -> Iterator[Outcome]:
    selector.unregister(pipeline)
    outcomes, announced = pipeline.abandon(reason)
    yield from outcomes
    for message in announced:
        if message.reference in moved:
            yield Deferred(message.reference, reason)
        else:
            moved.add(message.reference)
            following.append(message)
