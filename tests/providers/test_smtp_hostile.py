"""A relay that means harm: whatever it says, every message has one outcome, in time, and no text is cut short."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from notify.providers.base import Accepted
from tests.providers.conftest import Provide
from tests.providers.messages import mail
from tests.relay import Relay, serving
from tests.timing import IN_TIME_S

HELLO = b"250-hostile.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
GOOD = b"250 fine\r\n"
EVIL = [
    b"",
    b"\r\n",
    b"250\r\n",
    b"250-",
    b"2",
    b"354 go on\r\n",
    b"250 fine\r\n" * 7,
    b"999 what\r\n",
    b"100 hm\r\n",
    b"421 go away\r\n",
    b"450 later\r\n",
    b"550 never\r\n",
    b"-1 x\r\n",
    b"\xb2\xb5\xb0 digits of another script\r\n",
    b"\x00\xff\xfe\r\n",
    b"250-more\r\n" * 3_000,
    b"x" * 40_000,
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
]


@dataclass(slots=True)
class Hostile:
    """A server that mixes right answers with wrong ones, and all the bytes it was sent."""

    dice: random.Random
    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def talk(self, connection: socket.socket) -> None:
        """One conversation: usually right at first, then whatever the dice say."""
        with connection, suppress(OSError):
            connection.settimeout(5)
            connection.sendall(b"220 hostile.test\r\n")
            while b"EHLO" not in connection.recv(4096).upper():
                pass
            connection.sendall(HELLO)
            while chunk := connection.recv(65_536):
                with self.lock:
                    self.heard += chunk
                if self.dice.random() < 0.15:
                    return
                for part in self.answer(chunk):
                    connection.sendall(part)

    def answer(self, chunk: bytes) -> Iterator[bytes]:
        """What it says to what came in one piece."""
        for line in chunk.split(b"\r\n"):
            if self.dice.random() < 0.12:
                yield self.dice.choice(EVIL)
            elif line == b"DATA":
                yield b"354 go on\r\n"
            elif line == b"." or line.startswith((b"MAIL", b"RCPT", b"RSET")):
                yield from (GOOD[at : at + 1] for at in range(len(GOOD)))


@contextmanager
def listening(hostile: Hostile) -> Iterator[Hostile]:
    """The server on the loopback, at `hostile.port`."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        hostile.port = listener.getsockname()[1]

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=hostile.talk, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield hostile
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("seed", range(16))
def test_whatever_a_relay_says_each_message_has_one_outcome(provide: Provide, seed: int) -> None:
    with listening(Hostile(random.Random(seed))) as hostile:
        provider = provide(
            Relay(port=hostile.port), timeout_seconds=0.3, attempt_seconds=0.6, connections=3, messages_per_connection=5
        )
        messages = [mail(f"r{number}@example.org") for number in range(12)]
        begun = time.monotonic()
        outcomes = list(provider.send_many(messages))
        assert time.monotonic() - begun < IN_TIME_S
        provider.close()
    assert sorted(told.reference for told in outcomes) == sorted(message.reference for message in messages)
    accepted = {told.reference for told in outcomes if isinstance(told, Accepted)}
    for message in messages:
        if message.reference in accepted:
            text = message.mime.replace(b"\r\n.", b"\r\n..") + b".\r\n"
            assert text in hostile.heard, "it was accepted before it was sent"


def test_an_answer_before_the_question_accepts_nothing(provide: Provide) -> None:
    eager = "354 go on\r\n250 taken already"
    with serving(Relay(data=eager)) as relay:
        outcomes = list(provide(relay, timeout_seconds=0.3, attempt_seconds=0.6).send_many([mail(), mail()]))
    assert not any(isinstance(told, Accepted) for told in outcomes)
    assert relay.taken == []


def test_replies_in_many_pieces_and_many_lines_are_understood(provide: Provide) -> None:
    many = "250-first\r\n250-second\r\n250 third"
    with serving(Relay(mail=many, rcpt=lambda _: many, end=lambda _: many)) as relay:
        outcomes = list(provide(relay, connections=2).send_many([mail() for _ in range(9)]))
    assert {type(told) for told in outcomes} == {Accepted}
    assert len(relay.taken) == 9
