"""A real HTTP receiver of webhooks on the loopback that answers as a test tells it to."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.relay import CERTIFICATE


@dataclass(slots=True)
class Receiver:
    """How the receiver answers, and the calls it got: (path, headers in lower case, body).

    `drips` sends this slice of the answer again and again, one byte every 50 ms: "head" or "body".
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    drips: str = ""
    tls: bool = False
    port: int = 0
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

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
