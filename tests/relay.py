"""A real SMTP server on the loopback that behaves as badly, or as slowly, as a test tells it to."""

import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OK = "250 OK"


@dataclass(slots=True)
class Relay:
    """How the relay behaves, and what it took: `taken` holds (recipient, message) in the order of acceptance.

    `rcpt` answers each recipient. A reply of "" closes the connection instead; 421 is followed by closing it.
    """

    extensions: tuple[str, ...] = ("8BITMIME", "PIPELINING")
    greeting: str = "220 relay.test"
    mail: str = OK
    rcpt: Callable[[str], str] = lambda _: OK
    data: str = "354 go on"
    end: Callable[[str], str] = lambda _: OK
    auth: str = "535 5.7.8 no"
    asks_for_text_without_recipients: bool = False
    hangs_up_when_idle: bool = False
    seconds_a_message: float = 0.0
    port: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    still_open: int = 0

    def recipients(self) -> Counter[str]:
        """How many messages were taken for each address."""
        return Counter(recipient for recipient, _ in list(self.taken))


class _HangUp(Exception):
    """The relay closes the connection."""


class _Session(socketserver.StreamRequestHandler):
    server: "_Server"
    disable_nagle_algorithm = True
    recipient: str | None = None

    def handle(self) -> None:
        relay = self.server.relay
        relay.connections += 1
        relay.still_open += 1
        try:
            self._say(relay.greeting)
            while line := self.rfile.readline():
                self._answer(relay, line.decode("utf-8", "replace").strip())
        except (_HangUp, OSError):
            return

    def _say(self, reply: str) -> None:
        if not reply:
            raise _HangUp
        self.wfile.write(reply.encode() + b"\r\n")
        if reply.startswith("421"):
            raise _HangUp

    def _answer(self, relay: Relay, line: str) -> None:
        relay.commands.append(line)
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO":
                words = ["relay.test", *relay.extensions]
                self._say("\r\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"]))
            case "RCPT":
                self._hear_recipient(relay, rest.partition(":")[2].strip("<>"))
            case "DATA":
                self._hear_data(relay)
            case "QUIT":
                self._say("221 bye")
                raise _HangUp
            case other:
                self._say({"MAIL": relay.mail, "AUTH": relay.auth}.get(other, OK))

    def _hear_recipient(self, relay: Relay, address: str) -> None:
        answer = relay.rcpt(address) if relay.mail.startswith("2") else "503 5.5.1 no sender"
        self.recipient = address if answer.startswith("2") else None
        self._say(answer)

    def _hear_data(self, relay: Relay) -> None:
        if self.recipient is None and not relay.asks_for_text_without_recipients:
            self._say("503 5.5.1 no recipients")
            return
        self._say(relay.data)
        if relay.data.startswith("354"):
            self._take(relay)

    def _take(self, relay: Relay) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _HangUp
            lines.append(line[1:] if line.startswith(b".") else line)
        time.sleep(relay.seconds_a_message)  # the slowness that a test asked for, not a wait
        reply = relay.end(self.recipient) if self.recipient else "554 5.5.1 no recipients"
        if self.recipient and reply.startswith("2"):
            relay.taken.append((self.recipient, b"".join(lines)))
        self.recipient = None
        self._say(reply)
        if relay.hangs_up_when_idle:
            raise _HangUp


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 100
    relay: Relay

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        super().shutdown_request(request)
        self.relay.still_open -= 1


@contextmanager
def serving(relay: Relay) -> Iterator[Relay]:
    """The relay, listening on 127.0.0.1 at `relay.port`."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.relay = relay
        relay.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield relay
        server.shutdown()
        thread.join()
