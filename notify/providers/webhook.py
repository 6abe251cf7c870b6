"""Alerts to other systems over HTTPS, signed as Standard Webhooks describes."""

import base64
import hashlib
import hmac
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

import httpx
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from notify import clock
from notify.providers.base import (
    CallBack,
    Channel,
    Message,
    News,
    Outcome,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
)
from notify.providers.deadline import Deadline, until
from notify.providers.parallel import send_parallel

MAX_REPLY_BYTES = 64 * 1024


class WebhookSettings(BaseSettings):
    """How webhooks are called."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_WEBHOOK_", frozen=True)

    timeout_seconds: float = Field(15.0, description="How long one call may take in all.")
    parallel: int = Field(32, ge=1, le=500, description="Receivers that one batch calls at the same time.")
    allowed_hosts: str = Field(
        "",
        description="Hosts, separated by commas, that may have private addresses and plain http.",
    )


class WebhookProvider:
    """Posts each alert to the receiver's address. Any 2xx is success; redirects are never followed."""

    name: ClassVar[str] = "webhook"
    channel: ClassVar[Channel] = Channel.WEBHOOK

    def __init__(self) -> None:
        self.settings = WebhookSettings()
        self._allowed = {host.strip().lower() for host in self.settings.allowed_hosts.split(",") if host.strip()}
        self._client = self._open()

    def _open(self) -> httpx.Client:
        """A client that keeps no connection: one address may serve several names, each with its own certificate."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(
            timeout=self.settings.timeout_seconds, follow_redirects=False, trust_env=False, limits=limits
        )

    def send(self, message: Message) -> str:
        """Post one alert; the receiver finds our reference in `webhook-id`, the same at every attempt.

        Raises: ProviderRejected for an address that may not be called and for 410; ProviderUnsure when the receiver
        has heard everything and does not answer; else ProviderUnavailable, which concerns this receiver only.
        """
        parts = _parts(message.address)
        body = message.text.encode()
        headers = signed_headers(message.secret, message.reference, body) | {
            "content-type": "application/json",
            "host": parts.netloc,
            "user-agent": "notify-webhook/1",
        }
        with until(self.settings.timeout_seconds) as deadline:
            address = self._checked_address(parts, deadline)
            target = parts._replace(netloc=_authority(address, parts)).geturl()
            call = _Call(deadline)
            # the connection goes to the checked address; the name still decides the certificate
            extensions = {"sni_hostname": parts.hostname, "trace": call.trace}
            try:
                with self._client.stream("POST", target, content=body, headers=headers, extensions=extensions) as reply:
                    _read_some(reply)
                    return _raise_for(reply)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                is_slow = deadline.is_over or isinstance(error, httpx.TimeoutException)
                why = "too slow" if is_slow else f"away: {type(error).__name__}"
                if call.is_heard:
                    raise ProviderUnsure(f"The receiver heard everything and is {why}") from None
                raise ProviderUnavailable(f"The receiver is {why}", is_address=True) from None

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Call many receivers at once: one that is slow holds up no other."""
        return send_parallel(self, messages, at_once=self.settings.parallel)

    def _checked_address(self, parts: SplitResult, deadline: Deadline) -> str:
        """An address of the receiver that may be called; resolved once, so that it cannot change in between."""
        host = (parts.hostname or "").lower()
        is_allowed = host in self._allowed
        if parts.scheme != "https" and not is_allowed:
            raise ProviderRejected("Webhooks are called by https only.")
        addresses = _addresses(host, parts.port or 443, deadline)
        if not is_allowed and not all(is_public(address) for address in addresses):
            raise ProviderRejected("The receiver's address is not a public one.")
        return addresses[0]

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """Receivers answer at once and never call back."""
        return []

    def check(self) -> Sequence[str]:
        """Nothing can be wrong before a receiver is known."""
        return []

    def close(self) -> None:
        """End every connection; the next call opens a new client."""
        self._client.close()
        self._client = self._open()


def signed_headers(secret: str, reference: str, body: bytes, *, at: float | None = None) -> dict[str, str]:
    """The three Standard Webhooks headers for `body`, signed with `secret` (`whsec_…`) at `at` seconds since 1970."""
    timestamp = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((reference.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"webhook-id": reference, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def is_public(address: str) -> bool:
    """Whether an address is reachable on the internet at large, whatever form it hides another one in."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.sixtofour or ip.teredo or ip.is_site_local or ip in _NAT64 or ip in _NAT64_LOCAL:
            return False
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")


def _authority(address: str, parts: SplitResult) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{parts.port}" if parts.port else host


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ProviderRejected("The receiver's address cannot be read.") from None
    return parts


def _addresses(host: str, port: int, deadline: Deadline) -> Sequence[str]:
    """Where this name leads. Raises: ProviderUnavailable, also when the name service keeps us waiting."""
    found: Future[Sequence[str]] = Future()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            found.set_exception(error)
        else:
            found.set_result([str(entry[4][0]) for entry in entries])

    threading.Thread(target=ask, daemon=True).start()  # nothing else can leave a name service that does not answer
    try:
        return found.result(deadline.left_s())
    except (OSError, UnicodeError):
        raise ProviderUnavailable("The receiver's name cannot be resolved.", is_address=True) from None


class _Call:
    """How far one call has come. Learns it as an `httpcore` trace extension."""

    def __init__(self, deadline: Deadline) -> None:
        self.is_heard = False
        self._deadline = deadline

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Have the connection watched as soon as there is one, and note when everything has been said."""
        if event.endswith("connect_tcp.complete"):
            self._deadline.watch(info["return_value"].get_extra_info("socket"))
        elif event.endswith("send_request_body.complete"):
            self.is_heard = True


def _read_some(reply: httpx.Response) -> None:
    """Hear the receiver out, within bounds. The status alone decides, so what breaks here changes nothing."""
    size = 0
    with suppress(httpx.HTTPError):
        for chunk in reply.iter_raw():
            size += len(chunk)
            if size > MAX_REPLY_BYTES:
                return


def _raise_for(reply: httpx.Response) -> str:
    if reply.is_success:
        return ""
    if reply.status_code == httpx.codes.GONE:
        raise ProviderRejected("The receiver answered 410: it wants no more calls.")
    wait_s = _seconds(reply.headers.get("retry-after", ""))
    raise ProviderUnavailable(f"The receiver answered {reply.status_code}.", wait_s, is_address=True)


def _seconds(wish: str) -> float | None:
    """A Retry-After in seconds from now, which RFC 9110 lets be a number or a date."""
    if wish.isascii() and wish.isdecimal():
        return float(wish)
    try:
        until = datetime.strptime(wish, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(0.0, (until - clock.now()).total_seconds())
