"""A server on the loopback that speaks Twilio's REST API 2010-04-01, and signs call-backs as Twilio does."""

import base64
import json
import re
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4
from xml.etree import ElementTree

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notify.providers.base import CallBack

MAX_BODY, MAX_TWIML, MAX_VALIDITY_S = 1600, 4000, 36_000


@dataclass(slots=True)
class Reply:
    """What the next request gets instead of an honest answer."""

    status: int
    code: int = 0
    message: str = "Internal server error"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        told = {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
        return json.dumps(told if self.code else {"status": self.status, "message": self.message}).encode()


@dataclass(slots=True)
class Mute:
    """The next request is read, perhaps done, and not answered: "hang", "drop" the line, or "drip" a byte a time."""

    how: Literal["hang", "drop", "drip"]


class Complaint(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.reply = Reply(status, code, message)


@dataclass(slots=True)
class TwilioStub:
    """One account with one API key of the standard kind. `taken` are the messages and calls it accepted."""

    account_sid: str = field(default_factory=lambda: f"AC{uuid4().hex}")
    auth_token: str = field(default_factory=lambda: uuid4().hex)
    api_key_sid: str = field(default_factory=lambda: f"SK{uuid4().hex}")
    api_key_secret: str = field(default_factory=lambda: uuid4().hex)
    number: str = "+447700900999"
    status: str = "active"
    kind: str = "Full"
    certificate: Path | None = None
    port: int = 0
    script: deque[Reply | Mute] = field(default_factory=deque)
    taken: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Where the API is."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def environment(self, **chosen: object) -> dict[str, str]:
        """The variables of a provider that uses this account by its auth token."""
        everything = {
            "base_url": self.address,
            "account_sid": self.account_sid,
            "auth_token": self.auth_token,
            "from_number": self.number,
            "voice_from_number": self.number,
            "timeout_seconds": 5,
        } | chosen
        return {f"NOTIFY_TWILIO_{name.upper()}": str(value) for name, value in everything.items()}

    def call_back(self, url: str, **told: str) -> CallBack:
        """A form that Twilio posts to this address, signed by Twilio's own library."""
        signature = RequestValidator(self.auth_token).compute_signature(url, told)
        return CallBack(urlencode(told).encode(), {"x-twilio-signature": signature}, url)

    def admit(self, authorization: str, *, is_about_account: bool) -> None:
        """Take the credentials. Raises: Complaint."""
        scheme, _, given = authorization.partition(" ")
        known = {self.account_sid: self.auth_token}
        if not is_about_account:  # a standard key may not look at the account
            known[self.api_key_sid] = self.api_key_secret
        name, _, secret = base64.b64decode(given).decode().partition(":")
        if scheme != "Basic" or known.get(name) != secret:
            raise Complaint(401, 20003, "Authenticate")

    def send(self, asked: dict[str, str]) -> dict[str, object]:
        """Take a message. Raises: Complaint."""
        if not asked.get("Body"):
            raise Complaint(400, 21602, "Message body is required.")
        if len(asked["Body"]) > MAX_BODY:
            raise Complaint(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if ("From" in asked) == ("MessagingServiceSid" in asked):
            raise Complaint(400, 21603, "A 'From' phone number is required.")
        if asked.get("From", self.number) != self.number:
            raise Complaint(400, 21606, "The 'From' phone number provided is not a valid message-capable number.")
        if not 1 <= int(asked["ValidityPeriod"]) <= MAX_VALIDITY_S:
            raise Complaint(400, 21624, "Invalid validity period value")
        if re.fullmatch(r"\+44[12][0-9]+", asked["To"], re.ASCII):
            raise Complaint(400, 21614, f"To number: {asked['To']}, is not a mobile number")
        return self._take("SM", asked, "queued")

    def call(self, asked: dict[str, str]) -> dict[str, object]:
        """Take a call. Raises: Complaint."""
        if asked.get("From") != self.number:
            raise Complaint(400, 21210, "The source phone number provided is not yet verified for your account.")
        if len(asked["Twiml"]) > MAX_TWIML:
            raise Complaint(400, 21700, "The TwiML is too long.")
        ElementTree.fromstring(asked["Twiml"])
        return self._take("CA", asked, "queued")

    def _take(self, kind: str, asked: dict[str, str], status: str) -> dict[str, object]:
        if not re.fullmatch(r"\+44[127][0-9]{8,9}", asked["To"], re.ASCII):
            raise Complaint(400, 21211, f"The 'To' number {asked['To']} is not a valid phone number.")
        if not urlsplit(asked["StatusCallback"]).hostname:
            raise Complaint(400, 21609, "The StatusCallback URL is not a valid URL.")
        sid = f"{kind}{uuid4().hex}"
        self.taken.append(asked | {"sid": sid})
        return {"sid": sid, "status": status, "to": asked["To"], "error_code": None}


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        stub, path = self.server.stub, urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        stub.asked.append(f"{self.command} {path}")
        stub.lines.add(self.client_address[1])
        turn = stub.script.popleft() if stub.script else None
        if isinstance(turn, Mute):
            self._say_nothing(turn)
            return
        status, answer = (201 if self.command == "POST" else 200), b""
        if turn is None:
            try:
                answer = json.dumps(self._answer(path, dict(parse_qsl(body, keep_blank_values=True)))).encode()
            except Complaint as complaint:
                turn = complaint.reply
        headers: Mapping[str, str] = {}
        if turn is not None:
            status, answer, headers = turn.status, turn.body(), turn.headers
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def _answer(self, path: str, asked: dict[str, str]) -> dict[str, object]:
        stub = self.server.stub
        account = f"/2010-04-01/Accounts/{stub.account_sid}"
        stub.admit(self.headers.get("authorization", ""), is_about_account=path == f"{account}.json")
        match self.command, path.removeprefix(account):
            case "GET", ".json":
                return {"sid": stub.account_sid, "status": stub.status, "type": stub.kind}
            case "GET", "/Messages.json" | "/Calls.json":
                return {"page": 0, "page_size": 1}
            case "POST", "/Messages.json":
                return stub.send(asked)
            case "POST", "/Calls.json":
                return stub.call(asked)
        raise Complaint(404, 20404, f"The requested resource {path} was not found")

    def _say_nothing(self, turn: Mute) -> None:
        self.close_connection = True
        over = self.server.stub.over
        with suppress(OSError):
            if turn.how == "hang":
                over.wait(10)
            elif turn.how == "drip":
                self.wfile.write(b"HTTP/1.1 201 Created\r\nx-slow: ")
                while not over.wait(0.05):
                    self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        """Nothing: what was asked is in `asked`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    stub: TwilioStub

    def handle_error(self, *_: object) -> None:
        """Nothing: callers that hang up are what the tests are about."""


@contextmanager
def serving(stub: TwilioStub) -> Iterator[TwilioStub]:
    """The stub, listening on 127.0.0.1 at `stub.port`."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.stub = stub
        if stub.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(stub.certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        stub.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield stub
        finally:
            stub.over.set()
            server.shutdown()
            thread.join()
