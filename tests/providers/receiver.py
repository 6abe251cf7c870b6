"""A real HTTP receiver of webhooks on the loopback that answers as a test tells it to, and providers to call it."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from notify.providers.webhook.provider import WebhookProvider
from tests.relay import CERTIFICATE


@dataclass(slots=True)
class Receiver:
    """How the receiver answers, and the calls it got: (path, headers in lower case, body).

    `drips` sends this slice of the answer again and again, one byte every 50 ms: "head" or "body". An answer takes
    `takes_s` seconds; `most_at_once` is how many callers waited for theirs at the same time.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    drips: str = ""
    tls: bool = False
    port: int = 0
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    takes_s: float = 0.0
    under_way: int = 0
    most_at_once: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        """Where it is called."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        receiver.calls.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        with receiver.counting:
            receiver.under_way += 1
            receiver.most_at_once = max(receiver.most_at_once, receiver.under_way)
        receiver.over.wait(receiver.takes_s)
        with receiver.counting:
            receiver.under_way -= 1
        with suppress(OSError):
            if receiver.drips == "head":
                self._drip(b"HTTP/1.1 200 OK\r\nx-slow: ", receiver)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            if receiver.drips == "body":
                self.end_headers()
                self._drip(b"", receiver)
            self.send_header("content-length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body)
        self.close_connection = True

    def _drip(self, first: bytes, receiver: Receiver) -> None:
        self.wfile.write(first)
        while not receiver.over.wait(0.05):
            self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        """Nothing: what was received is in `calls`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, *_: object) -> None:
        """Nothing: callers that hang up are what the tests are about."""


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """The receiver, listening on 127.0.0.1 at `receiver.port`."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = receiver
        if receiver.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            server.shutdown()
            thread.join()


@dataclass(slots=True)
class Canary:
    """A service inside that nobody may be led to: it hears of every connection."""

    port: int
    connections: int = 0


@contextmanager
def canary() -> Iterator[Canary]:
    """It listens on 127.0.0.1 and, where the machine has it, ::1; at the end it has counted whoever connected."""
    with ExitStack() as servers:
        here = [servers.enter_context(socket.create_server(("127.0.0.1", 0)))]
        bird = Canary(here[0].getsockname()[1])
        with suppress(OSError):
            six = socket.create_server(("::1", bird.port), family=socket.AF_INET6)
            here.append(servers.enter_context(six))
        yield bird
        bird.connections = sum(_waiting(server) for server in here)


def _waiting(server: socket.socket) -> int:
    """How many connected, which the system has noted whether or not anybody took them."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


Provide = Callable[..., WebhookProvider]


@contextmanager
def making_providers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provide]:
    """Makes providers, with their settings from the environment as always, and closes them."""
    made: list[WebhookProvider] = []

    def make(*, now: Callable[[], float] = time.monotonic, **chosen: object) -> WebhookProvider:
        with monkeypatch.context() as environment:
            for name, value in ({"allowed_hosts": "127.0.0.1", "timeout_seconds": 5} | chosen).items():
                environment.setenv(f"NOTIFY_WEBHOOK_{name.upper()}", str(value))
            made.append(WebhookProvider(now=now))
        return made[-1]

    yield make
    for provider in made:
        provider.close()
