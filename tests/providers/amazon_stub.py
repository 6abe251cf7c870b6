"""A server on the loopback that speaks as much of Amazon's APIs as the adapters use, and checks each signature."""

import hashlib
import json
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs
from uuid import uuid4

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from tests.relay import CERTIFICATE

ID, SECRET, REGION = "AKIDEXAMPLE", "an invented secret", "eu-west-2"
TOPIC = "arn:aws:sns:eu-west-2:111122223333:receipts"
SMS = "PinpointSMSVoiceV2."
PUBLISHING = {
    "Enabled": True,
    "MatchingEventTypes": ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "TEXT_ALL"],
    "SnsDestination": {"TopicArn": TOPIC},
}


@dataclass(slots=True)
class Reply:
    """What the next request gets instead of an honest answer."""

    status: int
    kind: str = ""
    words: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(slots=True)
class Mute:
    """The next request is heard and not answered: "hang", "drop" the line, or "drip" a byte a time."""

    how: Literal["hang", "drop", "drip"]


@dataclass(slots=True)
class AmazonStub:
    """An account in good order. `taken` are the messages it accepted; `known` answers questions about the account."""

    tls: bool = False
    port: int = 0
    takes_s: float = 0.0
    script: deque[Reply | Mute] = field(default_factory=deque)
    taken: list[dict[str, object]] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)  # the ports that callers called from
    over: threading.Event = field(default_factory=threading.Event)
    known: dict[str, object] = field(
        default_factory=lambda: {
            "GET /v2/email/account": {
                "SendingEnabled": True,
                "ProductionAccessEnabled": True,
                "EnforcementStatus": "HEALTHY",
                "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 100.0},
            },
            "GET /v2/email/identities/example.org": {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS"},
            },
            "GET /v2/email/configuration-sets/alerts/event-destinations": {"EventDestinations": [PUBLISHING]},
            SMS + "DescribeAccountAttributes": {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}]},
            SMS + "DescribeSpendLimits": {
                "SpendLimits": [{"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 5000}]
            },
            SMS + "DescribePhoneNumbers": {
                "PhoneNumbers": [{"PhoneNumber": "+447700900999", "Status": "ACTIVE", "TwoWayEnabled": True}]
            },
            SMS + "DescribePools": {"Pools": [{"PoolId": "pool-1", "Status": "ACTIVE", "TwoWayEnabled": True}]},
            SMS + "DescribeSenderIds": {"SenderIds": [{"SenderId": "Carreg", "IsoCountryCode": "GB"}]},
            SMS + "DescribeConfigurationSets": {"ConfigurationSets": [{"EventDestinations": [PUBLISHING]}]},
            "GetSMSSandboxAccountStatus": "<IsInSandbox>false</IsInSandbox>",
            "GetSMSAttributes": "<attributes><entry><key>MonthlySpendLimit</key><value>99</value></entry></attributes>",
        }
    )

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def environment(self, prefix: str, **chosen: str) -> dict[str, str]:
        """The settings of an adapter that is to use it, whatever the machine has set for Amazon."""
        settings = {
            "REGION": REGION,
            "ACCESS_KEY_ID": ID,
            "SECRET_ACCESS_KEY": SECRET,
            "CONFIGURATION_SET": "alerts",
            "TOPIC_ARNS": TOPIC,
            "ENDPOINT_URL": self.address,
            "TIMEOUT_SECONDS": "5",
        } | chosen
        own = {"NO_PROXY": "127.0.0.1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nowhere"}
        return {f"{prefix}{name}": value for name, value in settings.items()} | own

    def answer(self, handler: "_Handler", body: bytes) -> Reply:
        if wrong := _wrong_signature(handler, body):
            return Reply(403, "InvalidSignatureException", wrong)
        what = handler.headers.get("x-amz-target") or f"{handler.command} {handler.path}"
        if what == "POST /":
            asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            return self._by_query(asked)
        if what in ("POST /v2/email/outbound-emails", SMS + "SendTextMessage"):
            self.taken.append(json.loads(body))
            return Reply(200, raw=json.dumps({"MessageId": str(uuid4())}).encode())
        if what in self.known:
            return Reply(200, raw=json.dumps(self.known[what]).encode())
        is_mail = what.startswith("GET /v2/")
        return Reply(404 if is_mail else 400, "NotFoundException" if is_mail else "ResourceNotFoundException")

    def _by_query(self, asked: dict[str, str]) -> Reply:
        action = asked["Action"]
        if action == "Publish":
            self.taken.append(dict(asked))
            inner = f"<MessageId>{uuid4()}</MessageId>"
        else:
            inner = str(self.known[action])
        whole = f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"
        return Reply(200, raw=whole.encode())


def _wrong_signature(handler: "_Handler", body: bytes) -> str:
    """What is wrong with the request's signature, worked out anew with the secret; empty when nothing is."""
    given = handler.headers.get("authorization", "")
    if not given.startswith("AWS4-HMAC-SHA256 "):
        return "there is no signature"
    parts = dict(part.split("=", 1) for part in given.partition(" ")[2].replace(" ", "").split(","))
    identity, _, region, service, _ = parts["Credential"].split("/")
    named = parts["SignedHeaders"].split(";")
    if identity != ID or region != REGION or not {"host", "x-amz-date"} <= set(named):
        return "the key is not known"
    request = AWSRequest(
        handler.command, f"http://{handler.headers['host']}{handler.path}", {n: handler.headers[n] for n in named}, body
    )
    request.context["timestamp"] = handler.headers["x-amz-date"]
    request.context["payload"] = hashlib.sha256(body).hexdigest()
    signer = SigV4Auth(Credentials(ID, SECRET), service, region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return "" if expected == parts["Signature"] else "the signature does not match"


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        stub = self.server.stub
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        stub.lines.add(self.client_address[1])
        stub.over.wait(stub.takes_s)
        planned = stub.script.popleft() if stub.script else None
        with suppress(OSError):
            if isinstance(planned, Mute):
                self._stay_mute(planned.how)
            else:
                self._say(planned or stub.answer(self, body))

    def do_GET(self) -> None:
        self.do_POST()

    def _stay_mute(self, how: str) -> None:
        self.close_connection = True
        if how == "hang":
            self.server.stub.over.wait(10)
        elif how == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not self.server.stub.over.wait(0.05):
                self.wfile.write(b"x")

    def _say(self, reply: Reply) -> None:
        told = {"message": reply.words, "__type": reply.kind, **reply.more}
        body = json.dumps(told).encode() if reply.raw is None else reply.raw
        self.send_response(reply.status)
        for name, value in {"x-amzn-errortype": reply.kind, **reply.headers}.items():
            if value:
                self.send_header(name, value)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what was received is in `taken`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: AmazonStub

    def handle_error(self, *_: object) -> None:
        """Nothing: callers that hang up are what the tests are about."""


@contextmanager
def serving(stub: AmazonStub) -> Iterator[AmazonStub]:
    """The stub, listening on 127.0.0.1 at `stub.port`."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.stub = stub
        stub.port = server.server_address[1]
        if stub.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield stub
        finally:
            stub.over.set()
            server.shutdown()
            thread.join()
