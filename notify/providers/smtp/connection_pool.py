"""Connections to one mail relay, kept open and shared by all threads of a process."""

import select
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from notify.providers.deadline import Deadline, until

IDLE_S = 60.0  # relays close after minutes; a connection is cheaper to open than to lose a message on
OPENING_AT_ONCE = 64
PAUSE_AFTER_REFUSAL_S = 5.0  # a relay that takes no more connections is left alone with that for so long


@dataclass(frozen=True, slots=True)
class Door:
    """Where the relay is and how to get in. `tls` checks its certificate, from the first byte unless it is asked to."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    asks_for_tls: bool
    username: str
    password: str
    reply_s: float
    attempt_s: float


class Connection:
    """One open session with the relay, from which smtplib has learnt what it offers."""

    def __init__(self, smtp: smtplib.SMTP, began: float) -> None:
        self.smtp = smtp
        self.opening_began: float | None = began  # opening is part of the attempt of its first message
        self.idle_since = 0.0
        self.sent = 0
        self.takes_eight_bits = smtp.has_extn("8bitmime")
        self.can_pipeline = self.takes_eight_bits and smtp.has_extn("pipelining")
        # smtplib keeps a socket after the greeting; TLS, if any, is already inside it
        self.socket: socket.socket = smtp.sock  # type: ignore[assignment]

    def is_fresh(self) -> bool:
        """Whether the relay has kept silent since the last message, as it does while a connection is good."""
        readable = select.poll()
        readable.register(self.socket, select.POLLIN)
        return not readable.poll(0)

    def for_pipelining(self) -> socket.socket:
        """The socket, which never makes anyone wait."""
        self.socket.setblocking(False)
        return self.socket

    def for_smtplib(self, reply_s: float) -> smtplib.SMTP:
        """The session, which waits so long for each reply."""
        self.socket.settimeout(reply_s)
        return self.smtp

    @property
    def is_open(self) -> bool:
        """Whether nobody on our side has hung up."""
        return self.smtp.sock is not None and self.socket.fileno() >= 0

    def leave(self) -> None:
        """Say goodbye to a relay that waits for us, and do not wait for its own."""
        with suppress(OSError, ValueError):
            self.socket.settimeout(0.1)
            self.socket.sendall(b"QUIT\r\n")
        self.close()

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self.smtp.close()


class _Session(smtplib.SMTP):
    """smtplib's client, on a socket that a deadline watches from before the greeting."""

    def __init__(self, door: Door, deadline: Deadline) -> None:
        self._door, self._deadline = door, deadline
        super().__init__(door.host, door.port, local_hostname=_our_name(), timeout=door.reply_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = socket.create_connection((host, port), min(timeout, self._deadline.left_s()))
        try:
            self._deadline.watch(opened)
            opened.settimeout(timeout)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._door.tls and not self._door.asks_for_tls:
                return self._door.tls.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise
        return opened


@cache
def _our_name() -> str:
    """How we greet; asked of the name service once, which may be slow."""
    return socket.getfqdn()


def connect(door: Door) -> Connection:
    """A new connection. Raises: OSError, of which smtplib's errors are kinds."""
    began = time.monotonic()
    with until(door.attempt_s) as deadline:
        try:
            smtp = _Session(door, deadline)
            try:
                if door.asks_for_tls:
                    smtp.starttls(context=door.tls)
                if door.username:
                    smtp.login(door.username, door.password)
                smtp.ehlo_or_helo_if_needed()
            except BaseException:
                smtp.close()
                raise
        except OSError:
            if deadline.is_over:
                raise TimeoutError("It took too long.") from None
            raise
    return Connection(smtp, began)


class Pool:
    """At most `limit` connections, each used by one send at a time. Opens more in the background."""

    def __init__(self, open_one: Callable[[], Connection], *, limit: int, messages_each: int) -> None:
        self._open_one, self._limit, self._messages_each = open_one, limit, messages_each
        self._changed = threading.Condition()
        self._idle: list[Connection] = []  # the last one used is taken first
        self._in_use = 0
        self._opening = 0
        self._users = 0
        self._waiting = 0
        self._refusals = 0
        self._refusal: OSError | None = None
        self._no_more_until = 0.0
        self._generation = 0

    @contextmanager
    def user(self) -> Iterator[None]:
        """Count as one of those who share the connections."""
        with self._changed:
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1

    @property
    def share(self) -> int:
        """How many connections each user may have."""
        return max(1, self._limit // max(1, self._users))

    def take(self) -> Connection | None:
        """A connection that is idle and still good; None if there is none."""
        while True:
            with self._changed:
                if not self._idle:
                    return None
                connection = self._idle.pop()
                self._in_use += 1
            is_old = connection.idle_since and time.monotonic() - connection.idle_since > IDLE_S
            if not is_old and connection.is_fresh():
                if connection.idle_since and time.monotonic() - connection.idle_since > 1:
                    connection.opening_began = None
                return connection
            if is_old:
                connection.leave()
            else:
                connection.close()
            with self._changed:
                self._in_use -= 1

    def wait(self, seconds: float) -> Connection:
        """A connection, opened if need be. Raises: OSError with why there is none."""
        deadline = time.monotonic() + seconds
        with self._changed:
            refusals = self._refusals
            self._waiting += 1
        try:
            while (connection := self.take()) is None:
                with self._changed:
                    self._wait_for_change(refusals, deadline - time.monotonic())
            return connection
        finally:
            with self._changed:
                self._waiting -= 1

    def _wait_for_change(self, refusals: int, seconds: float) -> None:
        if self._refusals > refusals and self._refusal and not self._in_use:
            raise self._refusal.with_traceback(None)
        if seconds <= 0:
            raise TimeoutError("No connection became free.")
        if not self._in_use or time.monotonic() >= self._no_more_until:
            self._open(self._waiting - self._opening)
        seen = self._refusals
        self._changed.wait_for(lambda: self._idle or self._refusals > seen, min(seconds, PAUSE_AFTER_REFUSAL_S))

    def ask_for(self, number: int) -> None:
        """Open so many more in the background, unless enough are being opened or the relay takes no more."""
        with self._changed:
            if time.monotonic() >= self._no_more_until:
                self._open(number - self._opening)

    def _open(self, number: int) -> None:
        free = self._limit - self._in_use - len(self._idle) - self._opening
        for _ in range(min(number, free, OPENING_AT_ONCE - self._opening)):
            threading.Thread(target=self._bring_one, args=(self._generation,), daemon=True).start()
            self._opening += 1

    @property
    def is_opening(self) -> bool:
        """Whether connections are on their way."""
        return self._opening > 0

    def _bring_one(self, generation: int) -> None:
        opened: Connection | None = None
        try:
            opened = self._open_one()
        except OSError as error:
            refusal: OSError = error
        except Exception as error:  # whoever waits must hear of it
            refusal = ConnectionError(type(error).__name__)
        with self._changed:
            self._opening -= 1
            if opened and generation == self._generation:
                opened.idle_since = time.monotonic()
                self._idle.append(opened)
            elif opened:
                opened.close()
            else:
                self._refusals += 1
                self._refusal = refusal
                self._no_more_until = time.monotonic() + PAUSE_AFTER_REFUSAL_S
            self._changed.notify_all()

    def give_back(self, connection: Connection, *, is_good: bool) -> None:
        """Let others use it unless something is under way on it, or it is worn out."""
        now = time.monotonic()
        connection.opening_began, connection.idle_since = None, now
        is_worn = connection.sent >= self._messages_each
        leaving = [connection] if is_good and is_worn else []
        with self._changed:
            self._in_use -= 1
            if is_good and not is_worn:
                self._idle.append(connection)
            while self._idle and now - self._idle[0].idle_since > IDLE_S:  # the first was last used longest ago
                leaving.append(self._idle.pop(0))
            self._changed.notify_all()
        if not is_good:
            connection.close()
        for one in leaving:
            one.leave()

    def close(self) -> None:
        """End every idle connection, and those that are being opened as soon as they are."""
        with self._changed:
            self._generation += 1
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.leave()


def why(error: OSError) -> str:
    """What is wrong between us and the relay, for the operator."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"The mail relay refuses our user name or password: {answer(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPResponseException():
            return f"The mail relay turns us away: {answer(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPNotSupportedError():
            return f"The mail relay lacks what the settings ask for: {error}"
        case ssl.SSLCertVerificationError():
            return f"The mail relay's certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return f"The mail relay does not speak TLS: {error.reason}"
        case TimeoutError():
            return f"The mail relay is away: {error}"
        case _:
            return f"The mail relay is away: {type(error).__name__}"


def answer(code: int, words: bytes | str) -> str:
    """A reply in one line."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())[:200]}"
