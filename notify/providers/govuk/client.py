"""Calls GOV.UK Notify through its client, with deadlines, kept connections and typed errors."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from notify.core.errors import SetUpError
from notify.packaged import extra_missing
from notify.providers.deadline import Deadline, until

try:
    import requests
    from notifications_python_client.errors import APIError
    from notifications_python_client.notifications import NotificationsAPIClient
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import ConnectTimeoutError
    from urllib3.poolmanager import ProxyManager
except ImportError:
    raise SetUpError(extra_missing("GOV.UK Notify", "govuk")) from None

# it warns of every refusal in Notify's own words; the result of a message is in the ledger
logging.getLogger("notifications_python_client").setLevel(logging.ERROR)


class Api(Protocol):
    """The part of Notify's client that is used here; it has no types of its own."""

    timeout: float
    request_session: requests.Session

    def send_email_notification(
        self,
        email_address: str,
        template_id: str,
        personalisation: Mapping[str, str],
        reference: str,
        email_reply_to_id: str | None,
        one_click_unsubscribe_url: str | None,
    ) -> object: ...

    def send_sms_notification(
        self,
        phone_number: str,
        template_id: str,
        personalisation: Mapping[str, str],
        reference: str,
        sms_sender_id: str | None,
    ) -> object: ...

    def get_all_notifications(self, *, reference: str) -> object: ...

    def get_template(self, template_id: str) -> object: ...


def as_object(body: bytes) -> Mapping[str, object]:
    """The JSON object in this text; an empty one when there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class _Attempt:
    """How far one request has come."""

    deadline: Deadline
    is_heard: bool = False


_attempt: ContextVar[_Attempt] = ContextVar("_attempt")


class _Connection(HTTPConnection):
    """A connection that keeps to the deadline of the attempt, and notes when everything has been said."""

    def _new_conn(self) -> socket.socket:
        deadline = _attempt.get().deadline
        opened: Future[socket.socket] = Future()
        connect = super()._new_conn

        def run() -> None:
            try:
                opened.set_result(connect())
            except Exception as error:
                opened.set_exception(error)

        threading.Thread(target=run, daemon=True).start()  # nothing else can leave a name service that does not answer
        try:
            connection = opened.result(deadline.left_s())
        except TimeoutError:
            raise ConnectTimeoutError(self, "the time is over") from None
        deadline.watch(connection)
        return connection

    def request(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as it is called
        attempt = _attempt.get()
        if self.sock is not None:  # kept open since an earlier attempt
            attempt.deadline.watch(self.sock)
        super().request(*arguments, **options)
        attempt.is_heard = True


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as it is called
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:  # noqa: ANN401 - as it is called
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class Silence(Exception):
    """Notify did not answer, or nothing that can be read. `was_heard`: it has the whole request."""

    def __init__(self, why: str, *, was_heard: bool) -> None:
        super().__init__(f"GOV.UK Notify is {why}.")
        self.was_heard = was_heard


class Refusal(Exception):
    """Notify answered that it does not do this: `kind` and `words` are its own."""

    def __init__(self, reply: requests.Response) -> None:
        self.status = reply.status_code
        wish = reply.headers.get("retry-after", "")
        self.retry_after_s = float(wish) if wish.isascii() and wish.isdecimal() else None
        errors = as_object(reply.content).get("errors")
        found = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        self.kind = str(found[0].get("error", "")) if found else ""
        self.words = " ".join(str(one.get("message", "")) for one in found).strip().rstrip(".") or str(self.status)
        super().__init__(self.words)


class Clients:
    """Notify's clients with their open connections. None serves two threads at a time: they are not made for it."""

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self._api_key, self._base_url = api_key, base_url
        self._idle: list[Api] = []
        self._lock = threading.Lock()

    def ask(self, question: Callable[[Api], object], *, within_s: float) -> Mapping[str, object]:
        """What Notify answers within so many seconds. Raises: Refusal, Silence."""
        with until(within_s) as deadline, self._one() as client:
            client.timeout = within_s
            attempt = _Attempt(deadline)
            token = _attempt.set(attempt)
            try:
                answer = question(client)
            except APIError as error:
                reply = error.response
                if reply is not None and not 200 <= reply.status_code < 300:
                    raise Refusal(reply) from None
                cause = error.__cause__
                if deadline.is_over or isinstance(cause, requests.Timeout):
                    why = "too slow"
                elif reply is not None:
                    why = f"not to be understood: it answered {reply.status_code}"
                else:
                    why = f"away: {type(cause).__name__}"
                raise Silence(why, was_heard=attempt.is_heard) from None
            finally:
                _attempt.reset(token)
        return answer if isinstance(answer, dict) else {}

    @contextmanager
    def _one(self) -> Iterator[Api]:
        with self._lock:
            client = self._idle.pop() if self._idle else None
        client = client or self._open()
        try:
            yield client
        finally:
            with self._lock:
                self._idle.append(client)

    def _open(self) -> Api:
        client: Api = NotificationsAPIClient(self._api_key, base_url=self._base_url)  # type: ignore[no-untyped-call]
        session = client.request_session
        session.max_redirects = 0
        session.auth = lambda request: request  # or a .netrc would replace our token
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        return client

    def close(self) -> None:
        """End every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for client in idle:
            client.request_session.close()
