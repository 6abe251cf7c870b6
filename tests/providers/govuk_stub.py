"""A server on the loopback that speaks GOV.UK Notify's HTTP API, version 2, and checks its tokens by itself."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from tests.relay import CERTIFICATE

TRUSTED_FOR_S = 30
SMS_CHARACTERS = 918
EMAIL_BYTES = 2_000_000
SOME_ID = "6f1c2c4e-52a4-4c6b-9d0e-2f6a1b7c8d90"  # shaped as theirs are, known to nobody
TEAM_ONLY = "Can’t send to this recipient using a team-only API key"


@dataclass(slots=True)
class Reply:
    """What the next request gets instead of an honest answer."""

    status: int
    kind: str = "Exception"
    words: str = "Internal server error"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        errors = [{"error": self.kind, "message": self.words}]
        return json.dumps({"errors": errors, "status_code": self.status}).encode()


@dataclass(slots=True)
class Mute:
    """The next request is read, perhaps done, and not answered: "hang", "drop" the line, or "drip" a byte a time."""

    how: Literal["hang", "drop", "drip"]
    takes: bool = False


class Complaint(Exception):
    """An answer other than success."""

    def __init__(self, status: int, kind: str, words: str) -> None:
        super().__init__(words)
        self.reply = Reply(status, kind, words)


@dataclass(slots=True)
class GovukStub:
    """One service with one key and two templates. `taken` are the notifications it accepted."""

    service_id: str = field(default_factory=lambda: str(uuid4()))
    secret: str = field(default_factory=lambda: str(uuid4()))
    email_template: str = field(default_factory=lambda: str(uuid4()))
    sms_template: str = field(default_factory=lambda: str(uuid4()))
    email_words: tuple[str, str] = ("((subject))", "((body))")
    sms_words: str = "((body))"
    clock_ahead_s: float = 0
    tls: bool = False
    port: int = 0
    script: deque[Reply | Mute] = field(default_factory=deque)
    taken: list[dict[str, object]] = field(default_factory=list)
    sent: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)  # every request: method, path, body
    lines: set[int] = field(default_factory=set)  # the ports that callers called from
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def api_key(self) -> str:
        return f"alerts-test-{self.service_id}-{self.secret}"

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def environment(self, *, callback_token: str = "") -> dict[str, str]:
        """The settings of an adapter that is to use it, whatever proxy the machine has."""
        chosen = {
            "API_KEY": self.api_key,
            "EMAIL_TEMPLATE_ID": self.email_template,
            "SMS_TEMPLATE_ID": self.sms_template,
            "BASE_URL": self.address,
            "CALLBACK_TOKEN": callback_token,
            "TIMEOUT_SECONDS": "5",
        }
        return {f"NOTIFY_GOVUK_{name}": value for name, value in chosen.items()} | {"NO_PROXY": "127.0.0.1"}

    def admit(self, authorization: str) -> None:
        """Raises: Complaint unless there is a fresh token of the service, signed with the key's secret."""
        if not authorization.startswith("Bearer "):
            raise Complaint(401, "AuthError", "Unauthorized: authentication bearer scheme must be used")
        try:
            signed, _, signature = authorization.removeprefix("Bearer ").rpartition(".")
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            own = hmac.digest(self.secret.encode(), signed.encode(), hashlib.sha256)
            is_signed = hmac.compare_digest(own, _decoded(signature))
        except (ValueError, binascii.Error):
            raise Complaint(403, "AuthError", "Invalid token: signature, api token is not valid") from None
        if header != {"typ": "JWT", "alg": "HS256"}:
            raise Complaint(403, "AuthError", "Invalid token: algorithm used is not HS256")
        if claims["iss"] != self.service_id:
            raise Complaint(403, "AuthError", "Invalid token: service not found")
        if not is_signed:
            raise Complaint(403, "AuthError", "Invalid token: API key not found")
        if abs(time.time() + self.clock_ahead_s - claims["iat"]) > TRUSTED_FOR_S:
            raise Complaint(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")

    def post(self, kind: str, asked: dict[str, object]) -> dict[str, object]:
        """Take a notification. Raises: Complaint."""
        for name in ("reference", "email_reply_to_id", "sms_sender_id", "one_click_unsubscribe_url"):
            if name in asked and not isinstance(asked[name], str):
                raise Complaint(400, "ValidationError", f"{name} {asked[name]} is not of type string")
        if kind == "sms":
            _check_number(asked.get("phone_number"))
        else:
            _check_mailbox(asked.get("email_address"))
            url = str(asked.get("one_click_unsubscribe_url", "https://"))
            if not url.startswith("https://"):
                raise Complaint(400, "ValidationError", "one_click_unsubscribe_url is not a valid https url")
        content = self._filled(kind, asked)
        notification: dict[str, object] = {
            "id": str(uuid4()),
            "reference": asked.get("reference"),
            "content": content,
            "type": kind,
            "asked": asked,
        }
        self.taken.append(notification)
        return notification

    def _filled(self, kind: str, asked: Mapping[str, object]) -> dict[str, str]:
        """The template with its placeholders filled in."""
        template = self.template(str(asked["template_id"]))
        if template["type"] != kind:
            raise Complaint(400, "BadRequestError", f"{template['type']} template is not suitable for {kind}")
        values = asked.get("personalisation", {})
        assert isinstance(values, dict)
        content = {}
        for part in ("subject", "body") if kind == "email" else ("body",):
            words = str(template[part])
            for name in re.findall(r"\(\((\w+)\)\)", words):
                if name not in values:
                    raise Complaint(400, "BadRequestError", f"Missing personalisation: {name}")
                words = words.replace(f"(({name}))", values[name])
            content[part] = words
        size = len(content["body"].encode())
        if kind == "sms" and len(content["body"]) > SMS_CHARACTERS:
            words = f"Text messages cannot be longer than {SMS_CHARACTERS} characters. Yours is {len(content['body'])}."
            raise Complaint(400, "BadRequestError", words)
        if size > EMAIL_BYTES:
            words = f"Emails cannot be longer than {EMAIL_BYTES} bytes. Your message is {size} bytes."
            raise Complaint(400, "BadRequestError", words)
        return content

    def template(self, identity: str) -> dict[str, object]:
        """A template as the API shows it. Raises: Complaint."""
        try:
            UUID(identity)
        except ValueError:
            raise Complaint(400, "ValidationError", "id is not a valid UUID") from None
        subject, body = self.email_words
        known: dict[str, dict[str, object]] = {
            self.email_template: {"type": "email", "subject": subject, "body": body},
            self.sms_template: {"type": "sms", "subject": None, "body": self.sms_words},
        }
        if identity not in known:
            raise Complaint(404, "NoResultFound", "No result found")
        return {"id": identity, "version": 1, "name": "Alerts", **known[identity]}

    def found(self, query: Mapping[str, list[str]]) -> dict[str, object]:
        """A page of the notifications."""
        [reference] = query.get("reference", [""])
        rows = [one for one in self.taken if not reference or one["reference"] == reference]
        return {"notifications": rows, "links": {"current": self.address}}


def _check_number(number: object) -> None:
    digits = re.sub(r"[ ()+-]", "", str(number))
    if not re.fullmatch(r"[0-9]+", digits, re.ASCII):
        raise Complaint(400, "ValidationError", "phone_number Must not contain letters or symbols")
    digits = re.sub(r"^(?:44|0)", "", digits)
    if len(digits) != 10:
        words = "Too many digits" if len(digits) > 10 else "Not enough digits"
        raise Complaint(400, "ValidationError", f"phone_number {words}")
    if not digits.startswith("7"):
        raise Complaint(400, "ValidationError", "phone_number Not a UK mobile number")


def _check_mailbox(address: object) -> None:
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", str(address)):
        raise Complaint(400, "ValidationError", "email_address Not a valid email address")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        stub, url = self.server.stub, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = json.loads(body) if body else {}
        stub.sent.append((self.command, url.path, asked))
        stub.lines.add(self.client_address[1])
        turn = stub.script.popleft() if stub.script else None
        if isinstance(turn, Mute):
            if turn.takes:
                stub.post(url.path.rpartition("/")[2], asked)
            self._say_nothing(turn)
            return
        status, answer = 200 if self.command == "GET" else 201, b""
        headers: Mapping[str, str] = {}
        try:
            stub.admit(self.headers.get("authorization", ""))
            if turn is None:
                answer = json.dumps(self._answer(url.path, parse_qs(url.query), asked)).encode()
        except Complaint as complaint:
            turn = complaint.reply
        if turn is not None:
            status, answer, headers = turn.status, turn.body(), turn.headers
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _answer(self, path: str, query: Mapping[str, list[str]], asked: dict[str, object]) -> dict[str, object]:
        stub = self.server.stub
        match self.command, path.split("/")[1:]:
            case "POST", ["v2", "notifications", "sms" | "email" as kind]:
                return stub.post(kind, asked)
            case "GET", ["v2", "notifications"]:
                return stub.found(query)
            case "GET", ["v2", "template", identity]:
                return stub.template(identity)
        raise Complaint(404, "NotFound", "The requested URL was not found on the server")

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
        """Nothing: what was asked is in `sent`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    stub: GovukStub

    def handle_error(self, *_: object) -> None:
        """Nothing: callers that hang up are what the tests are about."""


@contextmanager
def serving(stub: GovukStub) -> Iterator[GovukStub]:
    """The stub, listening on 127.0.0.1 at `stub.port`."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.stub = stub
        if stub.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
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
