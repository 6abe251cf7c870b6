"""Alerts to other systems over HTTPS, signed as Standard Webhooks describes."""

import base64
import hashlib
import hmac
import queue
import ssl
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

import certifi
import httpx
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core import clock
from notify.core.setting_sources import SettingsOfOurs
from notify.providers.base import (
    CallBack,
    Channel,
    Message,
    News,
    Outcome,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    send_one,
)
from notify.providers.deadline import Deadline, until
from notify.providers.webhook import ssrf

GONE = "The receiver answered 410: it wants no more calls."
BUSY = "The receiver is busy with our other calls."
MAX_REPLY_BYTES = 64 * 1024
TURN_PATIENCE_S = 4.0  # so long a call waits for its turn at a host
FAILURES_TO_LEAVE_ALONE = 5
FIRST_REST_S, LONGEST_REST_S, LONGEST_WISH_S = 30.0, 600.0, 3600.0
ENDPOINTS_KEPT = 10_000
WIDEST = {4: 8, 6: 7}  # the shortest prefixes of networks that can be private as a whole


class WebhookSettings(SettingsOfOurs):
    """How webhooks are called."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_WEBHOOK_", frozen=True)

    timeout_seconds: float = Field(15.0, gt=0, le=25, description="How long one call may take in all.")
    parallel: int = Field(32, ge=1, le=500, description="Receivers that one batch calls at the same time.")
    per_host: int = Field(4, ge=1, le=100, description="Calls to one host at the same time, in each worker process.")
    allowed_hosts: str = Field(
        "",
        description="Hosts and networks (`crm.example.org, 10.20.0.0/16`), separated by commas, that may have private "
        "addresses and plain http.",
    )


@cache
def _trusting(authorities: str) -> ssl.SSLContext:
    """A context that trusts the authorities in this file, which is read once: that takes as long as forty calls."""
    return ssl.create_default_context(cafile=authorities)


class WebhookProvider:
    """Posts each alert to the receiver's address. Any 2xx is success; redirects are never followed."""

    name: ClassVar[str] = "webhook"
    channel: ClassVar[Channel] = Channel.WEBHOOK

    def __init__(
        self, *, resolve: ssrf.Resolver = ssrf.ask_the_system, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = WebhookSettings()
        self._allowed = ssrf.Allowed.from_text(self.settings.allowed_hosts)
        self._guard = ssrf.Guard(self._allowed, resolve=resolve)
        self._turns = _Turns(self.settings.per_host)
        self._breaker = _Breaker(now)
        self._client = self._open()

    def _open(self) -> httpx.Client:
        """A client that keeps no connection: one address may serve several names, each with its own certificate."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        return httpx.Client(verify=_trusting(certifi.where()), follow_redirects=False, trust_env=False, limits=limits)

    def send(self, message: Message) -> str:
        """Post one alert; the receiver finds our reference in `webhook-id`, the same at every attempt.

        Raises: ProviderRejected for an address that may not be called and for 410; ProviderUnsure when the receiver
        has heard everything and does not answer; else ProviderUnavailable, which concerns this receiver only.
        """
        wanted = ssrf.read(message.address)
        with self._turns.at(wanted.authority):
            if not message.is_hasty:
                self._breaker.ask(message.address)
            try:
                self._call(wanted, message)
            except ProviderUnavailable as error:
                self._breaker.failed(message.address, str(error), error.retry_after_s or 0.0)
                raise
            except ProviderUnsure as error:
                self._breaker.failed(message.address, str(error))
                raise
            except ProviderRejected:
                self._breaker.forget(message.address)
                raise
            self._breaker.forget(message.address)
        return ""

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        """Call many receivers at once, of one host only so many: one that is slow holds up no other."""
        if not messages:
            return
        by_host: defaultdict[str, deque[Message]] = defaultdict(deque)
        for message in messages:
            by_host[_host_of(message)].append(message)
        told: queue.SimpleQueue[tuple[str, Outcome]] = queue.SimpleQueue()
        crew = ThreadPoolExecutor(min(self.settings.parallel, len(messages)), thread_name_prefix=self.name)

        def begin_next(host: str) -> None:
            if by_host[host]:
                crew.submit(lambda message: told.put((host, send_one(self, message))), by_host[host].popleft())

        try:
            for _ in range(self.settings.per_host):
                for host in list(by_host):
                    begin_next(host)
            for _ in messages:
                host, outcome = told.get()
                begin_next(host)
                yield outcome
        finally:
            crew.shutdown(wait=False, cancel_futures=True)

    def _call(self, wanted: ssrf.Wanted, message: Message) -> None:
        body = message.text.encode()
        headers = signed_headers(message.secret, message.reference, body) | {
            "content-type": "application/json",
            "host": wanted.authority,
            "user-agent": "notify-webhook/1",
        }
        with until(self.settings.timeout_seconds) as deadline:
            addresses = _best_two(self._guard.checked(wanted, within_s=deadline.left_s()))
            way = _Way(deadline)
            try:
                for address in addresses:
                    try:
                        return self._post(wanted, address, body, headers, way)
                    except (httpx.ConnectError, httpx.ConnectTimeout):
                        if address == addresses[-1] or deadline.is_over:
                            raise
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                is_slow = deadline.is_over or isinstance(error, httpx.TimeoutException)
                why = "too slow" if is_slow else f"away: {type(error).__name__}"
                if way.is_heard:
                    raise ProviderUnsure(f"The receiver heard everything and is {why}") from None
                raise ProviderUnavailable(f"The receiver is {why}", is_address=True) from None

    def _post(self, wanted: ssrf.Wanted, address: str, body: bytes, headers: Mapping[str, str], way: "_Way") -> None:
        patience = httpx.Timeout(way.deadline.left_s(), connect=self.settings.timeout_seconds / 2)
        # the connection goes to the checked address; the name still decides the certificate
        extensions = {"sni_hostname": wanted.host, "trace": way.trace}
        with self._client.stream(
            "POST", wanted.url_at(address), content=body, headers=headers, extensions=extensions, timeout=patience
        ) as reply:
            _read_some(reply)
            _raise_for(reply)

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """Receivers answer at once and never call back."""
        return []

    def check(self) -> Sequence[str]:
        """What the list of allowed hosts says that means nothing, or too much."""
        unread = [
            f"NOTIFY_WEBHOOK_ALLOWED_HOSTS has {entry!r}, which is neither a host nor a network such as 10.20.0.0/16."
            for entry in self._allowed.mistakes
        ]
        wide = [
            f"NOTIFY_WEBHOOK_ALLOWED_HOSTS has {network}, which is wider than any private network: name a smaller one."
            for network in self._allowed.networks
            if network.prefixlen < WIDEST[network.version]
        ]
        return [*unread, *wide]

    def close(self) -> None:
        """End every connection; the next call opens a new client."""
        self._client.close()
        self._client = self._open()


def signed_headers(secrets: str, reference: str, body: bytes, *, at: float | None = None) -> dict[str, str]:
    """The three Standard Webhooks headers for `body` at `at` seconds since 1970.

    `secrets` are one or more `whsec_…` with spaces between them; each gives a signature. Raises: ProviderUnavailable
    when there is none that can be read: nothing leaves unsigned.
    """
    # receivers compare it with their own clocks
    timestamp = str(int(time.time() if at is None else at))
    signed = b".".join((reference.encode(), timestamp.encode(), body))
    signatures = [f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}" for key in _keys(secrets)]
    return {"webhook-id": reference, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def _keys(secrets: str) -> Sequence[bytes]:
    try:
        keys = [base64.b64decode(one.removeprefix("whsec_"), validate=True) for one in secrets.split()]
    except ValueError:
        keys = []
    if not keys or not all(keys):
        raise ProviderUnavailable("There is no secret to sign calls to this receiver with: renew it.", is_address=True)
    return keys


def _host_of(message: Message) -> str:
    try:
        return ssrf.read(message.address).authority
    except ProviderRejected:
        return ""


def _best_two(addresses: Sequence[str]) -> Sequence[str]:
    """The first address and one more to try if nobody answers there, of the other family where there is one."""
    first, *others = addresses
    second = [other for other in others if (":" in other) != (":" in first)] or others
    return [first, *second[:1]]


class _Turns:
    """At most so many calls to one host at the same time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._changed = threading.Condition()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def at(self, host: str) -> Iterator[None]:
        """Wait for a turn at this host. Raises: ProviderUnavailable when that takes long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way[host] < self._at_once, TURN_PATIENCE_S):
                raise ProviderUnavailable(BUSY, is_address=True)
            self._under_way[host] += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way[host] -= 1
                if not self._under_way[host]:
                    del self._under_way[host]
                self._changed.notify_all()


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    until: float = 0.0
    why: str = ""
    is_probing: bool = False


class _Breaker:
    """Which endpoints this process leaves alone for a while, because they fail or wish it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._troubles: dict[str, _Trouble] = {}

    def ask(self, address: str) -> None:
        """Whether this endpoint may be called; after its rest, one call at a time. Raises: ProviderUnavailable."""
        with self._lock:
            trouble = self._troubles.get(address)
            if trouble is None:
                return
            left_s = trouble.until - self._now()
            if left_s > 0:
                raise ProviderUnavailable(f"Left alone for now: {trouble.why}", left_s, is_address=True)
            if trouble.failures >= FAILURES_TO_LEAVE_ALONE:
                trouble.is_probing, trouble.until = True, self._now() + FIRST_REST_S

    def failed(self, address: str, why: str, wish_s: float = 0.0) -> None:
        """A call failed; the receiver wishes for so many seconds of rest."""
        with self._lock:
            trouble = self._troubles.pop(address, None) or _Trouble()
            self._troubles[address] = trouble
            if len(self._troubles) > ENDPOINTS_KEPT:
                self._troubles.pop(next(iter(self._troubles)))
            now = self._now()
            is_resting = trouble.failures >= FAILURES_TO_LEAVE_ALONE and trouble.until > now
            rest_s = min(wish_s, LONGEST_WISH_S)
            if trouble.is_probing:
                trouble.is_probing, trouble.until, is_resting = False, 0.0, False
            if not is_resting:  # calls that were under way together are one failure more
                trouble.failures += 1
                rest_s = max(rest_s, _rest_s(trouble.failures))
            trouble.until = max(trouble.until, now + rest_s)
            trouble.why = why

    def forget(self, address: str) -> None:
        """The endpoint answered."""
        if address in self._troubles:
            with self._lock:
                self._troubles.pop(address, None)


def _rest_s(failures: int) -> float:
    """How long to leave an endpoint alone after so many failures in a row."""
    beyond = failures - FAILURES_TO_LEAVE_ALONE
    return 0.0 if beyond < 0 else min(FIRST_REST_S * 2 ** min(beyond, 10), LONGEST_REST_S)


class _Way:
    """How far one call has come. Learns it as an `httpcore` trace extension."""

    def __init__(self, deadline: Deadline) -> None:
        self.is_heard = False
        self.deadline = deadline

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Have the connection watched as soon as there is one, and note when everything has been said."""
        if event.endswith("connect_tcp.complete"):
            self.deadline.watch(info["return_value"].get_extra_info("socket"))
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


def _raise_for(reply: httpx.Response) -> None:
    if reply.is_success:
        return
    if reply.status_code == httpx.codes.GONE:
        raise ProviderRejected(GONE)
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
