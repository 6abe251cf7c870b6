"""A real SMTP server on the loopback that behaves as badly, or as slowly, as a test tells it to."""

import socket
import socketserver
import ssl
import struct
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

OK = "250 OK"


def _make_certificate() -> Path:
    """A file with a key, its certificate for 127.0.0.1 and localhost, and the authority behind it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    _CERTIFICATE_FILE.write(issued.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes())
    _CERTIFICATE_FILE.flush()
    return Path(_CERTIFICATE_FILE.name)


_CERTIFICATE_FILE = tempfile.NamedTemporaryFile(suffix=".pem")  # noqa: SIM115 - it lives as long as the tests
# nobody but a test that says so believes it
CERTIFICATE = _make_certificate()
DRIP_SECONDS = 0.02


@dataclass(slots=True)
class Relay:
    """How the relay behaves, and what it took: `taken` holds (recipient, message) in the order of acceptance.

    `rcpt` answers each recipient. A reply of "" closes the connection instead; 421 is followed by closing it.

    `heard` holds the recipients whose text came wholly, whatever was answered. `manners` says at which step
    ("greeting", a command, "text" for its beginning or "END" for its end) it stops behaving: it may "hang" and say
    nothing more, "drip" its answer without end, "half-close" and hear but not speak, or "reset".
    Only connections number `misbehaving_from` to `misbehaving_to` meet these. More connections at once than there is
    `room` for are turned away.
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
    manners: Mapping[str, str] = field(default_factory=dict)
    misbehaving_from: int = 1
    misbehaving_to: int = 1_000_000
    room: int = 1_000_000
    seconds_before_greeting: float = 0.0
    tls: bool = False  # from the first byte
    port: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    still_open: int = 0
    most_open: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def recipients(self) -> Counter[str]:
        """How many messages were taken for each address."""
        return Counter(recipient for recipient, _ in list(self.taken))


class _HangUp(Exception):
    """The relay closes the connection."""


class _Session(socketserver.StreamRequestHandler):
    server: "_Server"
    disable_nagle_algorithm = True
    recipient: str | None = None
    manners: Mapping[str, str]

    def setup(self) -> None:
        relay = self.server.relay
        relay.connections += 1
        relay.still_open += 1
        relay.most_open = max(relay.most_open, relay.still_open)
        if relay.tls:
            self._begin_tls()
        super().setup()

    def _begin_tls(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self.request = context.wrap_socket(self.request, server_side=True)

    def handle(self) -> None:
        relay = self.server.relay
        is_met = relay.misbehaving_from <= relay.connections <= relay.misbehaving_to
        self.manners = relay.manners if is_met else {}
        try:
            self._misbehave("greeting")
            time.sleep(relay.seconds_before_greeting)  # slowness, too
            self._say(relay.greeting if relay.still_open <= relay.room else "421 4.7.0 too many connections")
            while line := self.rfile.readline():
                self._answer(relay, line.decode("utf-8", "replace").strip())
        except (_HangUp, OSError):
            return

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.close()

    def _misbehave(self, step: str) -> None:
        over = self.server.relay.over
        match self.manners.get(step):
            case "hang":
                over.wait()
            case "drip":
                while not over.wait(DRIP_SECONDS):
                    self.wfile.write(b"2")
            case "half-close":
                self.request.shutdown(socket.SHUT_WR)
                while self.rfile.readline():
                    pass
            case "reset":
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.request.close()
            case _:
                return
        raise _HangUp

    def _say(self, reply: str) -> None:
        if not reply:
            raise _HangUp
        self.wfile.write(reply.encode() + b"\r\n")
        if reply.startswith("421"):
            raise _HangUp

    def _answer(self, relay: Relay, line: str) -> None:
        relay.commands.append(line)
        verb, _, rest = line.partition(" ")
        self._misbehave(verb.upper())
        match verb.upper():
            case "EHLO":
                words = ["relay.test", *relay.extensions]
                self._say("\r\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"]))
            case "RCPT":
                self._hear_recipient(relay, rest.partition(":")[2].strip("<>"))
            case "DATA":
                self._hear_data(relay)
            case "STARTTLS" if "STARTTLS" in relay.extensions:
                self._say("220 go on")
                self._begin_tls()
                super().setup()
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
        self._misbehave("text")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _HangUp
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.recipient:
            relay.heard.append(self.recipient)
        self._misbehave("END")
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
        with suppress(OSError):
            super().shutdown_request(request)
        self.relay.still_open -= 1

    def handle_error(self, *_: object) -> None:
        """Nothing: clients that hang up or do not believe the certificate are what tests are about."""


@contextmanager
def serving(relay: Relay) -> Iterator[Relay]:
    """The relay, listening on 127.0.0.1 at `relay.port`."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.relay = relay
        relay.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            relay.over.set()
            server.shutdown()
            thread.join()
