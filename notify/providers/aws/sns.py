"""Amazon SNS notifications: verified by signature and topic."""

import base64
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from notify.core import clock
from notify.core.errors import Unavailable
from notify.providers.base import CallBack, ReceiptNotAuthentic
from notify.providers.deadline import until

log = logging.getLogger(__name__)

T = TypeVar("T")
Fetch = Callable[[str], bytes]

FETCH_S = 5.0
MAX_FETCHED_BYTES = 64 * 1024
FUTURE = timedelta(minutes=5)
# Not five minutes into the past as well: SNS tries again for up to an hour with the time and signature of the first
# try, and what was reported while we were away must not be lost. A repetition changes nothing.
PAST = timedelta(hours=1) + FUTURE
NOT_AGAIN_S = 10.0  # SNS comes again after 20
REMEMBERED = 100

_ARN = re.compile(r"arn:(aws[a-z-]*):sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]+(?:\.fifo)?", re.ASCII)
_CERTIFICATE_PATH = re.compile(r"/[A-Za-z0-9_-]+\.pem", re.ASCII)
_HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "1": hashes.SHA1,  # what SNS signs with unless a topic is set to version 2
    "2": hashes.SHA256,
}
_ABOUT_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Mapping[str, Sequence[str]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _ABOUT_SUBSCRIPTION,
    "UnsubscribeConfirmation": _ABOUT_SUBSCRIPTION,
}


def as_object(words: str | bytes) -> Mapping[str, object]:
    """The JSON object in these words; an empty one when there is none."""
    try:
        found = json.loads(words)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def fetch_from_amazon(url: str) -> bytes:
    """What is at this address: 64 KB at most, within five seconds, no redirects. Raises: httpx.HTTPError."""
    size, parts = 0, []
    with until(FETCH_S) as deadline:

        def trace(event: str, info: Mapping[str, object]) -> None:
            if event.endswith("connect_tcp.complete"):
                deadline.watch(info["return_value"].get_extra_info("socket"))  # type: ignore[attr-defined]

        with (
            httpx.Client(timeout=FETCH_S, follow_redirects=False) as client,
            client.stream("GET", url, extensions={"trace": trace}) as reply,
        ):
            if reply.status_code != httpx.codes.OK:
                raise httpx.HTTPError(f"answered {reply.status_code}")
            for part in reply.iter_bytes():
                size += len(part)
                if size > MAX_FETCHED_BYTES:
                    raise httpx.HTTPError("too long")
                parts.append(part)
    return b"".join(parts)


class Topics:
    """The topics whose notifications are believed."""

    def __init__(self, arns: str, *, setting: str, fetch: Fetch = fetch_from_amazon) -> None:
        self._arns = [arn.strip() for arn in arns.split(",") if arn.strip()]
        self._setting = setting
        self._fetch = fetch
        self._keys = _Keys(fetch)

    def read(self, call: CallBack) -> Mapping[str, object]:
        """The JSON object that a service of Amazon's published; an empty one when there is none.

        A subscription to one of our topics is confirmed on the way. Raises: ReceiptNotAuthentic; Unavailable when
        Amazon cannot be asked for its certificate or for the subscription now, so that SNS comes again.
        """
        told = as_object(call.body)
        kind = _text(told, "Type")
        if kind not in _SIGNED:
            raise ReceiptNotAuthentic("This is no notification of Amazon SNS. Is raw message delivery switched on?")
        topic = _text(told, "TopicArn")
        arn = _ARN.fullmatch(topic)
        if arn is None or topic not in self._arns:
            raise ReceiptNotAuthentic(f"The topic is not named in {self._setting}.")
        host = f"sns.{arn[2]}.amazonaws.com" + (".cn" if arn[1] == "aws-cn" else "")
        _must_be_timely(_text(told, "Timestamp"))
        self._must_be_signed(told, kind, host)
        if kind == "SubscriptionConfirmation":
            self._confirm(_text(told, "SubscribeURL"), host, topic)
            return {}
        if kind == "UnsubscribeConfirmation":
            log.warning("a topic was unsubscribed: no receipts come any more", extra={"topic": topic})
            return {}
        return as_object(_text(told, "Message"))

    def _must_be_signed(self, told: Mapping[str, object], kind: str, host: str) -> None:
        algorithm = _HASHES.get(_text(told, "SignatureVersion"))
        if algorithm is None:
            raise ReceiptNotAuthentic("The version of the signature is not known.")
        try:
            signature = base64.b64decode(_text(told, "Signature"), validate=True)
            where = urlsplit(_text(told, "SigningCertURL"))
        except ValueError:
            raise ReceiptNotAuthentic("The signature cannot be read.") from None
        # the topic's own region and nothing beside the path: other addresses there say what others like
        is_amazons = where.scheme == "https" and where.netloc == host and not where.query and not where.fragment
        if not is_amazons or not _CERTIFICATE_PATH.fullmatch(where.path):
            raise ReceiptNotAuthentic("The certificate is not at Amazon's.")
        key = self._keys.at(f"https://{host}{where.path}")
        try:
            key.verify(signature, _signed_words(told, kind), padding.PKCS1v15(), algorithm())
        except InvalidSignature:
            raise ReceiptNotAuthentic("The signature is wrong.") from None

    def _confirm(self, url: str, host: str, topic: str) -> None:
        try:
            where = urlsplit(url)
        except ValueError:
            where = urlsplit("")
        asks = parse_qs(where.query)
        is_amazons = where.scheme == "https" and where.netloc == host and where.path in ("", "/")
        if not is_amazons or asks.get("Action") != ["ConfirmSubscription"] or asks.get("TopicArn") != [topic]:
            raise ReceiptNotAuthentic("The address of the confirmation is not Amazon's.")
        try:
            self._fetch(url)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise Unavailable("The subscription could not be confirmed at Amazon's.") from None
        log.info("subscription confirmed", extra={"topic": topic})

    def check(self) -> Sequence[str]:
        """What the list of topics says that means nothing, or that it is empty."""
        if not self._arns:
            return [f"{self._setting} is empty, so nothing that Amazon reports is believed: name the topic's ARN."]
        return [
            f"{self._setting} has {arn!r}, which is no topic: write it like arn:aws:sns:eu-west-2:111122223333:name."
            for arn in self._arns
            if not _ARN.fullmatch(arn)
        ]


class _Keys:
    """Amazon's public keys, each fetched once."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._known: dict[str, x509.Certificate] = {}
        self._missed: dict[str, float] = {}

    def at(self, url: str) -> RSAPublicKey:
        """The key of the certificate at this address. Raises: ReceiptNotAuthentic, Unavailable."""
        certificate = self._known.get(url) or self._fetched(url)
        key = certificate.public_key()
        if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
            raise ReceiptNotAuthentic("The certificate is not valid now.")
        if not isinstance(key, RSAPublicKey):
            raise ReceiptNotAuthentic("The certificate is of another kind than Amazon's.")
        return key

    def _fetched(self, url: str) -> x509.Certificate:
        if self._missed.get(url, 0.0) > time.monotonic():  # nobody may have us call Amazon again and again
            raise Unavailable("Amazon's certificate could not be fetched a moment ago.")
        try:
            certificate = x509.load_pem_x509_certificate(self._fetch(url))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            _remember(self._missed, url, time.monotonic() + NOT_AGAIN_S, self._lock)
            raise Unavailable("Amazon's certificate cannot be fetched now.") from None
        _remember(self._known, url, certificate, self._lock)
        return certificate


def _remember(kept: dict[str, T], name: str, value: T, lock: threading.Lock) -> None:
    with lock:
        kept[name] = value
        if len(kept) > REMEMBERED:
            kept.pop(next(iter(kept)))


def _text(told: Mapping[str, object], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def _signed_words(told: Mapping[str, object], kind: str) -> bytes:
    """The words that Amazon signed: names and values, a line each, without a subject where there is none."""
    lines = [
        line for name in _SIGNED[kind] if name != "Subject" or told.get(name) for line in (name, _text(told, name))
    ]
    return "".join(f"{line}\n" for line in lines).encode(errors="surrogatepass")


def _must_be_timely(timestamp: str) -> None:
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError:
        raise ReceiptNotAuthentic("The time of the notification cannot be read.") from None
    if at.tzinfo is None or not clock.now() - PAST <= at <= clock.now() + FUTURE:
        raise ReceiptNotAuthentic("The notification is too old, or from the future.")
