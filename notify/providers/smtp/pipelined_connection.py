"""ESMTP with pipelining: one connection and the messages in flight on it.

A message costs one round trip: its end leaves together with the next message's MAIL, RCPT and DATA, and the replies
come back together. Source: RFC 5321, RFC 2920, RFC 3463. `pipelines.py` drives many of these at once.
"""

import re
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto

from notify.providers.base import Accepted, Deferred, Message, Outcome, Refused, Unknown, stayed
from notify.providers.deadline import Patience
from notify.providers.smtp.connection_pool import Connection

READ_BYTES = 65_536
LONGEST_REPLY_BYTES = 16_384
FAILURES_TO_STOP = 20

UNKNOWN = "The relay went away before it said whether it took the message."
TAKES_NOTHING = "The relay takes nothing at the moment."
_USUAL_REPLIES = re.compile(rb"(?:2\d\d [^\n]*\n){3}354 [^\n]*\n")
# twice as quick as looking for it with `in`
_LINE_WITH_A_DOT = re.compile(rb"\n\.")


class Step(Enum):
    """What a reply answers."""

    RSET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    END = auto()
    NO_MESSAGE = auto()


ANNOUNCED = (Step.MAIL, Step.RCPT, Step.DATA)
# nearly every turn looks like this: one message was taken, and the text of the next is asked for
USUAL = (Step.END, *ANNOUNCED)


class RelayLost(Exception):
    """The connection is of no more use."""


class Submission:
    """The messages of sending: those that wait for a connection, and the result of others since last asked."""

    def __init__(self, messages: Sequence[Message], patience: Patience) -> None:
        self.waiting = deque(messages)
        self.outcomes: list[Outcome] = []
        self.patience, self.attempt_s = patience, patience.attempt_s
        self.now = time.monotonic()  # as of this turn
        self.failures = 0  # of the relay itself, in a row
        self.heard = self.now  # when the relay last said something of a message
        self._begun: dict[str, float] = {}  # messages that were on a connection that was lost

    def next(self) -> Message | None:
        """The next message that may still leave, if there is one."""
        while self.waiting:
            message = self.waiting.popleft()
            if self._is_hopeless:
                self.outcomes.append(Deferred(message.reference, TAKES_NOTHING, was_held_back=True))
            elif why := message.must_stay():
                self.outcomes.append(stayed(message, why))
            else:
                return message
        return None

    @property
    def _is_hopeless(self) -> bool:
        return self.failures >= FAILURES_TO_STOP or (self.failures > 0 and self.now - self.heard > self.attempt_s)

    def begun(self, message: Message) -> float | None:
        """When this message was first announced, if that was on another connection."""
        return self._begun.get(message.reference) if self._begun else None

    def come_back(self, message: Message, begun: float, reason: str) -> None:
        """The relay was never given this message: another connection may carry it, once."""
        if message.reference in self._begun:
            self.outcomes.append(Deferred(message.reference, reason))
        else:
            self._begun[message.reference] = begun
            self.waiting.append(message)

    def note(self, outcome: Outcome) -> None:
        """Keep the result of a message."""
        if isinstance(outcome, Deferred) and not outcome.is_address:
            self.failures += 1
        else:
            self.failures, self.heard = 0, self.now
        self.outcomes.append(outcome)

    def give_up(self, reason: str) -> None:
        """Nothing can carry what still waits: one failure, whatever the number."""
        self.outcomes += not_carried([message.reference for message in self.waiting], reason)
        self.waiting.clear()

    def take_outcomes(self) -> list[Outcome]:
        """What became of messages since the last call."""
        taken, self.outcomes = self.outcomes, []
        return taken


class Pipeline:
    """A connection at work for one send.

    At most two messages are under way: one whose text has been sent, and one that is announced behind it.
    """

    def __init__(
        self, connection: Connection, sender: str, submission: Submission, sender_of: Callable[[str], str] | None = None
    ) -> None:
        """`sender` is the envelope sender of every message, unless `sender_of` gives each reference its own."""
        self.connection = connection
        self.is_waiting_to_write = False  # for the loop to remember what its selector looks for
        self.deadline = 0.0
        self._submission = submission
        self._mail, self._sender_of = _mail_from(sender), sender_of
        self._socket = connection.for_pipelining()
        self._received = b""
        self._unsent = memoryview(b"")
        self._behind_text = 0  # so many bytes leave after the end of the text
        self._expected: tuple[Step, ...] = ()
        self._texted: Message | None = None
        self._announced: Message | None = None
        self._begun = 0.0  # when the announced message was first announced
        self._text_begun = 0.0
        self._refusal: Outcome | None = None
        self._needs_reset = False

    def fileno(self) -> int:
        """The socket's number, for a selector."""
        return self._socket.fileno()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._expected

    @property
    def is_writing(self) -> bool:
        """Whether the socket could not take everything yet."""
        return len(self._unsent) > 0

    def start(self) -> None:
        """Announce the next message, if one waits. Raises: RelayLost."""
        announcement = self._announcement()
        if announcement:
            self.deadline = self._deadline(self._announced)
            self._unsent = memoryview(announcement)
            self.flush()

    def _deadline(self, message: Message | None) -> float:
        """When the relay must have answered what was just sent of this message."""
        submission = self._submission
        reply_by = submission.now + submission.patience.reply_s(message)
        return min(reply_by, self._begun + submission.attempt_s) if message else reply_by

    def _announcement(self) -> bytes:
        """The commands that begin the next message, whose text follows when the relay asks for it; empty: none is."""
        self._announced = message = self._submission.next()
        if message is None:
            return b""
        now = self._submission.now
        self._begun = self._submission.begun(message) or self.connection.opening_began or now
        self.connection.opening_began = None
        self.connection.sent += 1
        self._expected += ANNOUNCED
        mail = self._mail if self._sender_of is None else _mail_from(self._sender_of(message.reference))
        commands = b"%sRCPT TO:<%s>\r\nDATA\r\n" % (mail, message.address.encode())
        if self._needs_reset:
            self._needs_reset = False
            self._expected = (*self._expected[: -len(ANNOUNCED)], Step.RSET, *ANNOUNCED)
            commands = b"RSET\r\n" + commands
        return commands

    def flush(self) -> None:
        """Send what the socket takes now. Raises: RelayLost."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise RelayLost(type(error).__name__) from None

    def advance(self) -> None:
        """Read the replies that have come, note the result of messages, and go on with the next. Raises: RelayLost."""
        replies = self._received + self._read()
        if self._expected == USUAL and _USUAL_REPLIES.fullmatch(replies) and not self._unsent:
            assert self._texted is not None  # noqa: S101 - tells mypy what `_expected` says
            assert self._announced is not None  # noqa: S101
            self._submission.failures, self._submission.heard = 0, self._submission.now
            self._submission.outcomes.append(Accepted(self._texted.reference))
            self._texted, self._expected, self._received = None, (), b""
            self._send_text(self._announced)
        else:
            self._received = replies
            while (reply := self._next_reply()) is not None:
                self._answered(*reply)
        self.flush()

    def _read(self) -> bytes:
        received = b""
        try:
            received = self._socket.recv(READ_BYTES)
            # a selector does not tell of what TLS has decrypted already
            while received and isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                received += self._socket.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return received
        except OSError as error:
            raise RelayLost(type(error).__name__) from None
        if not received:
            raise RelayLost("The relay closed the connection.")
        return received

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
        if len(self._received) > LONGEST_REPLY_BYTES:
            raise RelayLost("The relay talks without end.")
        return None

    def _answered(self, code: int, words: str) -> None:
        if not self._expected:
            raise RelayLost(f"{code} {words}")
        if code == 421:
            self._turned_away(f"{code} {words}")
        step, self._expected = self._expected[0], self._expected[1:]
        if step is Step.END:
            self._ended(code, words)
        elif self._unsent:
            raise RelayLost("The relay answers before it is asked.")
        elif step is Step.DATA:
            self._asked_for_text(code, words)
        elif step in (Step.MAIL, Step.RCPT) and not 200 <= code < 300:
            self._refusal = self._refusal or self._refused_before_text(step, code, words)

    def _turned_away(self, reason: str) -> None:
        """The relay closes. That is an answer, too: it has not taken the text it was sent."""
        if self._texted and self._expected[0] is Step.END:
            self._submission.note(Deferred(self._texted.reference, reason))
            self._texted = None
        raise RelayLost(reason)

    def _ended(self, code: int, words: str) -> None:
        """The end of a text was answered."""
        assert self._texted  # noqa: S101 - tells mypy what `_expected` says
        is_taken, is_out = 200 <= code < 300, self._text_is_out
        if is_taken and not is_out:
            raise RelayLost("The relay answers before it is asked.")
        reference, self._texted = self._texted.reference, None
        self._submission.note(Accepted(reference) if is_taken else refused(reference, code, words))
        if not is_out:
            raise RelayLost("The relay would not hear the message out.")

    @property
    def _text_is_out(self) -> bool:
        return len(self._unsent) <= self._behind_text

    def _refused_before_text(self, step: Step, code: int, words: str) -> Outcome:
        """A refused sender is our own fault and will be fixed; it must not cost a recipient their address."""
        assert self._announced  # noqa: S101
        if step is Step.MAIL:
            reason = f"The mail relay refuses our sender address: {code} {words}"
            return Deferred(self._announced.reference, reason)
        return refused(self._announced.reference, code, words)

    def _asked_for_text(self, code: int, words: str) -> None:
        """DATA was answered: send the text, or end an empty one where nobody is to get it."""
        assert self._announced  # noqa: S101
        refusal, self._refusal = self._refusal, None
        if code == 354 and refusal is None:
            self._send_text(self._announced)
            return
        self._submission.note(refusal or refused(self._announced.reference, code, words))
        end = b""
        if code == 354:
            self._expected = (Step.NO_MESSAGE,)
            end = b".\r\n"
        else:
            self._needs_reset = True
        self._unsent = memoryview(end + self._announcement())
        self.deadline = self._deadline(self._announced)

    def _send_text(self, message: Message) -> None:
        """The text of the announced message, and the commands of the one behind it."""
        if why := message.must_stay():
            self._announced = None
            self._submission.outcomes.append(stayed(message, why))
            raise RelayLost(why)  # there is no other way to take an announced message back
        self._texted, self._text_begun = message, self._begun
        self.deadline = self._deadline(message)
        self._expected = (Step.END,)
        announcement = self._announcement()
        self._behind_text = len(announcement)
        self._unsent = memoryview(b"".join((*ended(message.mime), announcement)))

    def abandon(self, reason: str) -> None:
        """Close the connection, and note the result of the messages on it or let others carry them."""
        self.connection.close()
        self._submission.failures += 1
        if self._texted and self._text_is_out:
            self._submission.outcomes.append(Unknown(self._texted.reference, f"{UNKNOWN} {reason}"))
        elif self._texted:  # its end never left, so nobody can have taken it
            self._submission.come_back(self._texted, self._text_begun, reason)
        if self._announced and self._refusal:
            self._submission.note(self._refusal)
        elif self._announced:
            self._submission.come_back(self._announced, self._begun, reason)


def _mail_from(sender: str) -> bytes:
    return b"MAIL FROM:<%s> BODY=8BITMIME\r\n" % sender.encode()


def not_carried(references: Sequence[str], reason: str) -> list[Outcome]:
    """What becomes of messages that no connection could be had for: one failed, the others were not tried."""
    return [Deferred(reference, reason, was_held_back=at > 0) for at, reference in enumerate(references)]


def refused(reference: str, code: int, words: str) -> Outcome:
    """What a reply that is no success makes of a message, however far that had come."""
    reason = f"{code} {words}"
    if 500 <= code < 600:
        return Refused(reference, reason)
    # 4.3.x speaks of the relay itself, as 452 does where there are no such codes: its disk is full
    is_relay = words.startswith("4.3.") or (code == 452 and not words.startswith("4."))
    return Deferred(reference, reason, is_address=400 <= code < 500 and not is_relay)


def ended(mime: bytes) -> tuple[bytes, bytes]:
    """The message as it goes over the line, leading dots doubled, and the dot that ends it."""
    if _LINE_WITH_A_DOT.search(mime) or mime.startswith(b"."):
        mime = (b"\r\n" + mime).replace(b"\r\n.", b"\r\n..")[2:]
    return mime, b".\r\n" if mime.endswith(b"\r\n") else b"\r\n.\r\n"
