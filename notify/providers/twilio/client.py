"""Twilio's REST API: form posts with deadlines on connections kept open, and what its refusals mean."""

import json
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from dataclasses import field as of
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from notify.providers.base import ProviderRejected, ProviderUnavailable
from notify.providers.deadline import Deadline, until

MAX_REPLY_BYTES = 256 * 1024
GRACE_S = 0.5  # the deadline's own watchdog comes first; what is left then hangs in the name service
DAILY_PAUSE_S = 900.0

RECIPIENT = {
    21211: "Twilio does not know such a number.",
    21214: "Twilio cannot reach this number.",
    21217: "Twilio does not know such a number.",
    21401: "Twilio does not know such a number.",
    21421: "Twilio does not know such a number.",
    21604: "Twilio misses the number.",
    21610: "The resident told Twilio STOP.",
    21614: "This number takes no texts.",
    21635: "This is a landline, which takes no texts.",
    13223: "Twilio does not know such a number.",
    13224: "Twilio does not know such a number, or does not call it.",
}
CONTENT = {
    21602: "The text is empty.",
    21605: "The text is longer than 1,600 characters, which is as many as Twilio takes.",
    21617: "The text is longer than 1,600 characters, which is as many as Twilio takes.",
    21619: "The text is empty.",
}
# another number may do, so they say nothing about Twilio
THIS_NUMBER = {
    21215: "Twilio may not call this country: allow it under Voice, Geo permissions.",
    21216: "Twilio blocks calls to this number: ask its support.",
    21219: "A trial account calls verified numbers only: upgrade it.",
    21408: "Twilio may not text this country: allow it under Messaging, Geo permissions.",
    21608: "A trial account texts verified numbers only: upgrade it.",
    21612: "Twilio has no way from our sender to this number: check NOTIFY_TWILIO_FROM_NUMBER.",
    13227: "Twilio may not call this country: allow it under Voice, Geo permissions.",
    32205: "Twilio may not call this country: allow it under Voice, Geo permissions.",
}
SENDER = (
    "Twilio does not take our sender (error {}): check NOTIFY_TWILIO_FROM_NUMBER, NOTIFY_TWILIO_MESSAGING_SERVICE_SID "
    "and NOTIFY_TWILIO_VOICE_FROM_NUMBER."
)
OURS = {
    10001: "The Twilio account is not active: see its console.",
    20003: "Twilio does not take our key: check NOTIFY_TWILIO_ACCOUNT_SID, NOTIFY_TWILIO_AUTH_TOKEN and "
    "NOTIFY_TWILIO_API_KEY_SECRET, and that the account is not suspended.",
    20005: "The Twilio account is not active: see its console.",
    20404: "Twilio knows no such account: check NOTIFY_TWILIO_ACCOUNT_SID and NOTIFY_TWILIO_BASE_URL.",
    21205: "Twilio cannot call back to NOTIFY_BASE_URL: it must be a public https address.",
    21218: "Twilio cannot call back to NOTIFY_BASE_URL: it must be a public https address.",
    21609: "Twilio cannot call back to NOTIFY_BASE_URL: it must be a public https address.",
    21626: "Twilio cannot call back to NOTIFY_BASE_URL: it must be a public https address.",
    30002: "The Twilio account is suspended: see its console.",
} | dict.fromkeys((21210, 21212, 21213, 21603, 21606, 21607, 21659, 21660, 21701, 21703, 21704, 21705), SENDER)
PAUSES_S = {20429: None, 21611: 10.0, 30001: 10.0, 63038: DAILY_PAUSE_S, 21730: 60.0}


class Silence(Exception):
    """Twilio did not answer, or nothing that can be read. `was_heard`: it may have the whole request."""

    def __init__(self, why: str, *, was_heard: bool) -> None:
        super().__init__(f"Twilio is {why}.")
        self.was_heard = was_heard


class Refusal(Exception):
    """Twilio answered that it does not do this: its own error code (0 if it gave none) and words."""

    def __init__(self, reply: httpx.Response) -> None:
        self.status = reply.status_code
        told = _object(reply.content)
        code = told.get("code")
        self.code = code if isinstance(code, int) else 0
        # its words repeat the number, which reasons must not hold
        self.words = re.sub(r"\+?[0-9][0-9 ()-]{5,}[0-9]", "…", str(told.get("message") or "")).strip().rstrip(".")
        wish = reply.headers.get("retry-after", "")
        self.retry_after_s = float(wish) if wish.isascii() and wish.isdecimal() else None
        super().__init__(f"{self.status}, error {self.code}")

    def verdict(self) -> ProviderRejected | ProviderUnavailable:
        """What this means for the message. What is ours to fix is never laid at the resident's route."""
        code, status = self.code, self.status
        if code in RECIPIENT or code in CONTENT:
            return ProviderRejected((RECIPIENT | CONTENT)[code])
        if code in THIS_NUMBER:
            return ProviderUnavailable(THIS_NUMBER[code], self.retry_after_s, is_address=True)
        if code in PAUSES_S or status == 429:
            return ProviderUnavailable(f"Twilio has enough for now ({self}).", self.retry_after_s or PAUSES_S.get(code))
        if code in OURS:
            return ProviderUnavailable(OURS[code].format(code), self.retry_after_s)
        if status in (401, 403, 404):
            return ProviderUnavailable(OURS[20404 if status == 404 else 20003], self.retry_after_s)
        if status >= 500:
            return ProviderUnavailable(f"Twilio answered {status}.", self.retry_after_s)
        if status < 400:
            return ProviderUnavailable(f"Twilio answered {status}: check NOTIFY_TWILIO_BASE_URL.", self.retry_after_s)
        return ProviderUnavailable(f"Twilio does not take what we send ({self.words or self}).", self.retry_after_s)


@dataclass(frozen=True, slots=True)
class Key:
    """Who asks: an account or an API key, and its secret."""

    name: str
    secret: str = of(repr=False)


@dataclass(slots=True)
class _Line:
    """One connection and its client. It serves one request at a time."""

    client: httpx.Client
    stream: Any = None  # httpcore's, once it is open


class _Way:
    """How far one request has come. Learns it as an `httpcore` trace extension."""

    def __init__(self, line: _Line, deadline: Deadline) -> None:
        self._line, self.deadline = line, deadline
        self._turn = threading.Lock()
        self._is_speaking = self._is_abandoned = False
        self.is_heard = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Have the connection watched as soon as there is one, and note when everything has been said."""
        if event.endswith("connect_tcp.complete"):
            self.deadline.watch(info["return_value"].get_extra_info("socket"))
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._line.stream = info["return_value"]
        elif event.endswith("send_request_headers.started"):
            with self._turn:
                if self._is_abandoned:
                    raise httpx.ConnectTimeout("nobody waits for the answer any more")
                self._is_speaking = True
        elif event.endswith("send_request_body.complete"):
            self.is_heard = True

    def abandon(self) -> None:
        """Nobody waits any more: what has not begun to be said never will be, and the rest may have been heard."""
        with self._turn:
            self._is_abandoned = True
            self.is_heard = self.is_heard or self._is_speaking


class Api:
    """One account at Twilio. Serves all threads."""

    def __init__(self, *, account_sid: str, base_url: str) -> None:
        self._root = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}"
        self._idle: list[_Line] = []
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def post(self, resource: str, form: Mapping[str, str], *, key: Key, within_s: float) -> Mapping[str, object]:
        """What Twilio answers to a form, `Messages` or `Calls`. Raises: Refusal, Silence."""
        body = urlencode(form, errors="replace").encode()
        return self._ask("POST", f"{self._root}/{resource}.json", body, key, within_s)

    def get(self, resource: str, *, key: Key, within_s: float) -> Mapping[str, object]:
        """One of the account's resources; the account itself where none is named. Raises: Refusal, Silence."""
        where = f"{self._root}/{resource}.json?PageSize=1" if resource else f"{self._root}.json"
        return self._ask("GET", where, b"", key, within_s)

    def _ask(self, method: str, url: str, body: bytes, key: Key, within_s: float) -> Mapping[str, object]:
        with until(within_s) as deadline, self._one(deadline) as line:
            way = _Way(line, deadline)
            try:
                request = line.client.build_request(
                    method,
                    url,
                    content=body,
                    headers={"content-type": "application/x-www-form-urlencoded"} if body else {},
                    timeout=within_s,
                    extensions={"trace": way.trace},
                )
                reply = _answer(line.client, request, httpx.BasicAuth(key.name, key.secret), way)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
                is_slow = deadline.is_over or isinstance(error, (httpx.TimeoutException, TimeoutError))
                raise Silence("too slow" if is_slow else f"away: {_cause(error)}", was_heard=way.is_heard) from None
        if not reply.is_success:
            raise Refusal(reply)
        return _object(reply.content)

    @contextmanager
    def _one(self, deadline: Deadline) -> Iterator[_Line]:
        with self._lock:
            line = self._idle.pop() if self._idle else None
        line = line or self._open()
        if line.stream is not None:
            with suppress(OSError):  # closed meanwhile: another is opened
                deadline.watch(line.stream.get_extra_info("socket"))
        try:
            yield line
        except BaseException:
            line.client.close()
            raise
        with self._lock:
            self._idle.append(line)

    def _open(self) -> _Line:
        with self._lock:
            self._tls = self._tls or httpx.create_ssl_context(trust_env=False)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60)
        headers = {"user-agent": "notify-twilio/1", "accept": "application/json", "accept-encoding": "identity"}
        return _Line(
            httpx.Client(verify=self._tls, trust_env=False, follow_redirects=False, limits=limits, headers=headers)
        )

    def close(self) -> None:
        """End every idle connection; the next request opens one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.client.close()


def _answer(client: httpx.Client, request: httpx.Request, auth: httpx.BasicAuth, way: _Way) -> httpx.Response:
    """What comes back before the deadline. Raises: TimeoutError, and what httpx raises."""
    answer: Future[httpx.Response] = Future()

    def run() -> None:
        try:
            answer.set_result(_heard_out(client, request, auth))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()  # nothing else can leave a name service that hangs
    try:
        return answer.result(way.deadline.left_s() + GRACE_S)
    except TimeoutError:
        way.abandon()
        raise


def _heard_out(client: httpx.Client, request: httpx.Request, auth: httpx.BasicAuth) -> httpx.Response:
    """The whole answer, its body within bounds."""
    reply = client.send(request, auth=auth, stream=True)
    try:
        body = b""
        for chunk in reply.iter_raw():
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                raise httpx.ReadError("the answer is too long")
        return httpx.Response(
            reply.status_code, headers={"retry-after": reply.headers.get("retry-after", "")}, content=body
        )
    finally:
        reply.close()


def _cause(error: BaseException) -> str:
    """Why there was no answer, in a few words: what is wrong with a certificate, else the kind of error."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is not valid ({found.verify_message})"
        found = found.__cause__ or found.__context__
    return type(error).__name__


def _object(body: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
