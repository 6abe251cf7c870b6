"""Signed and random tokens: links that cannot be guessed, altered or used for another purpose."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum

from cryptography.fernet import Fernet, InvalidToken

from notify.core.errors import NotFound, SetUpError
from notify.core.settings import once_a_process, settings

MAC_BYTES = 16  # 128 bits: far beyond guessing
WEBHOOK_PREFIX = "whsec_"


class Purpose(StrEnum):
    """What a token may be used for. A token signed for one purpose is worthless for every other."""

    UNSUBSCRIBE = "unsubscribe"
    MANAGE = "manage"
    CLICK = "click"
    OPEN = "open"
    REPLY = "reply"
    STOP = "stop"
    DEVICE = "device"
    INVITATION = "invitation"
    CALENDAR = "calendar"


# of those that stand in texts: each guess is a request to us, and requests are counted. What is signed has the first
# size; links of before have another
SHORT_MAC_BYTES: Mapping[Purpose, Sequence[int]] = {Purpose.REPLY: (6, 8), Purpose.STOP: (8,)}


class LinkNotValid(NotFound):
    """The token was altered, cut, or made for something else."""

    title = "This link does not work"


class SecretKeyMissing(SetUpError):
    """Links cannot be signed."""

    title = "NOTIFY_SECRET_KEY is missing"


@once_a_process
def _key(purpose: str) -> bytes:
    secret = settings().secret_key
    if not secret or len(secret) < 32:
        raise SecretKeyMissing("Set NOTIFY_SECRET_KEY to at least 32 random characters.")
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)


def _mac(purpose: Purpose, payload: bytes) -> bytes:
    return hmac.digest(_key(purpose), payload, hashlib.sha256)


def _sizes(purpose: Purpose) -> Sequence[int]:
    """How many bytes of the code a token of this purpose may have; the first is what we sign with."""
    return SHORT_MAC_BYTES.get(purpose, (MAC_BYTES,))


def sign(purpose: Purpose, payload: bytes) -> str:
    """A URL-safe token that carries `payload` openly and proves that we wrote it for `purpose`."""
    mac = _mac(purpose, payload)[: _sizes(purpose)[0]]
    return base64.urlsafe_b64encode(payload + mac).rstrip(b"=").decode()


def read(purpose: Purpose, token: str) -> bytes:
    """The payload of a token signed for `purpose`.

    Raises: LinkNotValid for anything else.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    for size in _sizes(purpose):
        payload, mac = raw[:-size], raw[-size:]
        genuine = bool(payload) and hmac.compare_digest(mac, _mac(purpose, payload)[:size])
        # base64 may spell the same bytes in two ways; only ours is the link that we sent
        if genuine and base64.urlsafe_b64encode(raw).rstrip(b"=") == token.encode():
            return payload
    raise LinkNotValid("The link is incomplete or was changed on its way. Copy the whole link, or ask for a new one.")


def keyed_hash(purpose: str, value: str) -> bytes:
    """A 32-byte digest of `value` that nobody without the secret key can compute or compare."""
    return hmac.digest(_key("hash:" + purpose), value.encode(), hashlib.sha256)


def link_of_chain(before: bytes, content: bytes) -> bytes:
    """The next link of a chain that nobody without the secret key can forge: it covers everything before it."""
    return hmac.digest(_key("chain:audit"), before + content, hashlib.sha256)


def seal(purpose: str, text: str) -> str:
    """`text` encrypted for keeping; only `unseal` with the same purpose and secret key reads it."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """What was sealed for this purpose. Raises: LinkNotValid for anything else."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise LinkNotValid("What was kept cannot be read with this installation's secret key.") from None


def seal_file(purpose: str, file: bytes) -> bytes:
    """A file encrypted for keeping; only `unseal_file` with the same purpose and secret key reads it."""
    return _box(purpose).encrypt(file)


def unseal_file(purpose: str, sealed: bytes) -> bytes:
    """The file that was sealed for this purpose. Raises: LinkNotValid for anything else."""
    try:
        return _box(purpose).decrypt(sealed)
    except InvalidToken:
        raise LinkNotValid("The file cannot be read with this installation's secret key.") from None


def seal_secrets(secrets: str) -> str:
    """Secrets that sign what we send, with spaces between them, as they are kept: each sealed by itself."""
    return " ".join(seal("webhook", one) for one in secrets.split())


def open_secrets(kept: str) -> str:
    """The secrets of `seal_secrets`. Raises: LinkNotValid where another installation sealed them."""
    return " ".join(one if one.startswith(WEBHOOK_PREFIX) else unseal("webhook", one) for one in kept.split())


def _box(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key("seal:" + purpose)))


def random_token() -> str:
    """256 random bits for a link that works once; store only its `digest`."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a random token. Its entropy makes a slow hash needless."""
    return hashlib.sha256(token.encode()).digest()


def webhook_secret() -> str:
    """A new secret for signing webhooks, as Standard Webhooks writes it: `whsec_` and base64 of 32 bytes."""
    return WEBHOOK_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
