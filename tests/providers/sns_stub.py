"""Amazon SNS as far as we see it: it signs, shows its certificate, and has subscriptions confirmed."""

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from notify.core import clock
from notify.providers.base import CallBack

HOST = "sns.eu-west-2.amazonaws.com"
TOPIC = "arn:aws:sns:eu-west-2:111122223333:receipts"
CERTIFICATE_URL = f"https://{HOST}/SimpleNotificationService-0123456789abcdef.pem"
DAY = timedelta(days=1)


@cache
def _one_key() -> rsa.RSAPrivateKey:
    """One key for all, because making one takes a while."""
    return rsa.generate_private_key(65537, 2048)


@dataclass(slots=True)
class SnsStub:
    """A signer. `asked` are the addresses that were fetched from it; give its `fetch` to an adapter."""

    valid_from: datetime = field(default_factory=lambda: clock.now() - DAY)
    valid_until: datetime = field(default_factory=lambda: clock.now() + DAY)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False
    key: rsa.RSAPrivateKey = field(default_factory=_one_key)

    def certificate(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        made = made.serial_number(1).not_valid_before(self.valid_from).not_valid_after(self.valid_until)
        return made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def fetch(self, url: str) -> bytes:
        """What is at the address. Raises: OSError when the stub is away."""
        self.asked.append(url)
        if self.is_away:
            raise OSError("away")
        return self.certificate() if url.endswith(".pem") else b"<ConfirmSubscriptionResponse/>"

    def notification(self, told: object, *, version: str = "1", **changed: str | None) -> dict[str, str]:
        """What SNS posts when `told` was published; None in `changed` leaves a field out. Signed after the changes."""
        fields = {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": TOPIC,
            "Subject": "Amazon SES Email Event Notification",
            "Message": told if isinstance(told, str) else json.dumps(told),
            "Timestamp": _written(clock.now()),
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_URL,
            "UnsubscribeURL": f"https://{HOST}/?Action=Unsubscribe",
        }
        return self.signed(fields | changed)

    def about_subscription(self, kind: str = "SubscriptionConfirmation", **changed: str | None) -> dict[str, str]:
        """What SNS posts when somebody subscribes us to a topic, or unsubscribes us."""
        fields = {
            "Type": kind,
            "MessageId": str(uuid4()),
            "Token": "an invented token",
            "TopicArn": TOPIC,
            "Message": "You have chosen to subscribe to the topic.",
            "SubscribeURL": f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37",
            "Timestamp": _written(clock.now()),
            "SignatureVersion": "1",
            "SigningCertURL": CERTIFICATE_URL,
        }
        return self.signed(fields | changed)

    def signed(self, fields: dict[str, str] | dict[str, str | None]) -> dict[str, str]:
        """The same fields with a signature, made as Amazon's guide says and not as the adapter does."""
        there = {name: value for name, value in fields.items() if value is not None}
        words = ""
        for name in sorted(
            {"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
        ):
            if name in there:
                words += name + "\n" + there[name] + "\n"
        algorithm = hashes.SHA256() if there.get("SignatureVersion") == "2" else hashes.SHA1()  # noqa: S303
        signature = self.key.sign(words.encode(), padding.PKCS1v15(), algorithm)
        return there | {"Signature": base64.b64encode(signature).decode()}


def posted(fields: object) -> CallBack:
    """The call that SNS makes, with its own idea of a media type."""
    headers = {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"}
    return CallBack(json.dumps(fields).encode(), headers, "https://alerts.example.org/api/v1/webhooks/ses")


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


class _Proxy(socketserver.StreamRequestHandler):
    """A proxy that leads every CONNECT to the stub itself, under the name that was asked for."""

    server: "_Server"

    def handle(self) -> None:
        with suppress(OSError):
            self.server.connects.append(self._head().split()[1])
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with self.server.context.wrap_socket(self.request, server_side=True) as inside:
                self.rfile = inside.makefile("rb")
                path = self._head().split()[1]
                status, body = self.server.answer(path)
                inside.sendall(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    def _head(self) -> str:
        first: str = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        return first


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    context: ssl.SSLContext
    connects: list[str]
    stub: SnsStub

    def answer(self, path: str) -> tuple[int, bytes]:
        if path == "/moved.pem":
            return 302, b""
        if path == "/long.pem":
            return 200, b"x" * 100_000
        return 200, self.stub.fetch(f"https://{HOST}{path}")


@dataclass(frozen=True, slots=True)
class Amazons:
    """Where the proxy is, the authority to believe, and the CONNECTs it had."""

    environment: dict[str, str]
    connects: list[str]


@contextmanager
def behind_proxy(stub: SnsStub, folder: Path) -> Iterator[Amazons]:
    """The stub under Amazon's own name with a certificate for it, for whoever takes these settings."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    with _Server(("127.0.0.1", 0), _Proxy) as server:
        server.stub, server.connects = stub, []
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(server.context)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        environment = {
            "HTTPS_PROXY": f"http://127.0.0.1:{server.server_address[1]}",
            "SSL_CERT_FILE": str(folder / "authority.pem"),
        }
        yield Amazons(environment, server.connects)
        server.shutdown()
