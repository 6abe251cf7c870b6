"""DKIM signatures (RFC 6376) for councils whose relay does not sign: relaxed/relaxed, RSA with SHA-256.

dkimpy, the library for this, takes 12 ms for a signature, because it computes in Python. The arithmetic is
`cryptography`'s, which takes half a millisecond; the tests check every signature with dkimpy.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from notify.core import clock
from notify.core.errors import SetUpError

# what is signed where it is there. RFC 8058 asks for both of List-Unsubscribe
SIGNED = (
    *("from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type", "content-language"),
    *("content-transfer-encoding", "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"),
    "auto-submitted",
)
AS_IT_IS = SMTP.clone(refold_source="none")
LEAST_BITS = 1024  # RFC 8301; 2048 is usual
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


class DkimKeyNotUsable(SetUpError):
    """A key for signing cannot be used."""

    title = "NOTIFY_SMTP_DKIM_KEYS cannot be used"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """The key that mail from a domain is signed with; `selector` names its record."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey

    @property
    def record(self) -> str:
        """Where the world looks for the public part."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def published(self) -> str:
        """The public part, as the tag `p` of the record holds it."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(public).decode()


def read_keys(setting: str) -> Mapping[str, DkimKey]:
    """The keys by domain, of `example.org:2027:/run/secrets/dkim.pem, …`. Raises: DkimKeyNotUsable."""
    found: dict[str, DkimKey] = {}
    for item in filter(None, (one.strip() for one in setting.split(","))):
        domain, _, rest = item.partition(":")
        selector, _, file = rest.partition(":")
        if not (_NAME.fullmatch(domain) and _NAME.fullmatch(selector) and file):
            raise DkimKeyNotUsable(
                f"Write domain:selector:file instead of {item!r}, such as example.org:2027:/a/key.pem."
            )
        found[domain.lower()] = DkimKey(domain.lower(), selector, _read(Path(file)))
    return found


def _read(file: Path) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise DkimKeyNotUsable(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise DkimKeyNotUsable(f"{file} holds no PEM private key without a password.") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise DkimKeyNotUsable(f"{file} is no RSA key of {LEAST_BITS} bits or more; make one of 2048.")
    return key


def signed(mime: bytes, keys: Mapping[str, DkimKey]) -> bytes:
    """The message with a signature before it, if there is a key for the domain of From or for one above it.

    What is not in seven bits is encoded first: a relay on the way that did so would break the signature.
    """
    key = _key_for(mime, keys)
    if key is None:
        return mime
    mime = mime if mime.isascii() else _seven_bits(mime)
    head, _, body = mime.partition(b"\r\n\r\n")
    headers = _headers(head + b"\r\n")
    there = [name for name in SIGNED if name in headers]
    names = ":".join(["from", *there])  # From twice: none can be added
    digest = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
    own = (
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={key.domain}; s={key.selector};\r\n"
        f" t={int(clock.now().timestamp())}; h={_folded(names)};\r\n bh={digest};\r\n b="
    )
    lines = [_relaxed(name, headers[name]) for name in there] + [_relaxed("dkim-signature", own.encode())]
    covered = b"\r\n".join(lines)
    mark = base64.b64encode(key.key.sign(covered, padding.PKCS1v15(), hashes.SHA256())).decode()
    value = own + "\r\n ".join(mark[at : at + 70] for at in range(0, len(mark), 70))
    return b"DKIM-Signature: " + value.encode() + b"\r\n" + mime


def _seven_bits(mime: bytes) -> bytes:
    """The same with its text as quoted-printable, which filters like better than base64."""
    message = message_from_bytes(mime, policy=AS_IT_IS)
    for part in message.walk():
        words = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
        if isinstance(words, bytes) and not words.isascii():
            part.set_payload(binascii.b2a_qp(words, istext=True).decode())
            part.replace_header("Content-Transfer-Encoding", "quoted-printable")
    return message.as_bytes(policy=AS_IT_IS)


def _key_for(mime: bytes, keys: Mapping[str, DkimKey]) -> DkimKey | None:
    head, _, _body = mime.partition(b"\r\n\r\n")
    author = _headers(head + b"\r\n").get("from", b"").decode("ascii", "replace")
    domain = parseaddr(author)[1].rpartition("@")[2].lower()
    while domain:
        if domain in keys:
            return keys[domain]
        domain = domain.partition(".")[2]
    return None


def _headers(head: bytes) -> Mapping[str, bytes]:
    """The values by name in lower case, folded as they are; of a name that stands twice the last, as RFC 6376 says."""
    found: dict[str, bytes] = {}
    for line in re.split(rb"\r\n(?![ \t])", head):
        name, colon, value = line.partition(b":")
        if colon:
            found[name.strip().lower().decode("ascii", "replace")] = value
    return found


def _relaxed(name: str, value: bytes) -> bytes:
    unfolded = re.sub(rb"\r\n", b"", value)
    return name.encode() + b":" + re.sub(rb"[ \t]+", b" ", unfolded).strip()


def _relaxed_body(body: bytes) -> bytes:
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _folded(names: str, width: int = 60) -> str:
    lines: Sequence[str] = [""]
    for name in names.split(":"):
        last = lines[-1]
        joined = f"{last}:{name}" if last else name
        lines = [*lines[:-1], joined] if len(joined) <= width else [*lines[:-1], last + ":", name]
    return "\r\n ".join(lines)
