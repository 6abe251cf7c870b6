"""Calls Amazon through boto3, with deadlines, kept connections and typed errors."""

import re
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from notify.core.errors import SetUpError
from notify.packaged import extra_missing
from notify.providers.base import ProviderUnavailable, ProviderUnsure
from notify.providers.deadline import Deadline, until

try:
    import boto3  # type: ignore[import-untyped]
    import botocore.loaders  # type: ignore[import-untyped]
    import botocore.session  # type: ignore[import-untyped]
    from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        CredentialRetrievalError,
        NoCredentialsError,
        NoRegionError,
        PartialCredentialsError,
        ReadTimeoutError,
    )
    from urllib3.exceptions import ConnectTimeoutError as DialTimeoutError
except ImportError:
    raise SetUpError(extra_missing("Amazon", "aws")) from None

CONNECT_S, READ_S = 5.0, 15.0
KEY_S = 5.0  # for one reply of a service that lends us a key
RATE_PAUSE_S = 1.0
QUOTA_PAUSE_S = 900.0  # a quota may be raised at any time

_NO_KEY = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_THROTTLED = re.compile(r"Thrott|TooManyRequests|RequestLimitExceeded|SlowDown")
_DAILY = re.compile(r"\b(?:daily|24)\b", re.IGNORECASE)
_CLOCK = re.compile(r"RequestExpired|RequestTimeTooSkewed|RequestInTheFuture")
_CLOCK_WORDS = re.compile(r"signature (?:expired|not yet current)", re.IGNORECASE)
_KEY = re.compile(
    r"InvalidClientTokenId|UnrecognizedClient|Signature|MissingAuthentication|InvalidAccessKeyId|OptInRequired"
    r"|ExpiredToken|AuthFailure|InvalidToken"
)
_FORBIDDEN = re.compile(r"AccessDenied|NotAuthorized|AuthorizationError|Forbidden")


class Refusal(Exception):
    """Amazon answered that it does not do this. `kind` is its code, `words` its message, `told` its other fields."""

    def __init__(self, error: ClientError) -> None:
        answer = error.response
        about, self.told = answer.get("Error", {}), answer
        self.kind = str(about.get("Code", ""))
        self.words = str(about.get("Message") or self.kind).strip().rstrip(".")
        beside = answer.get("ResponseMetadata", {})
        self.status = int(beside.get("HTTPStatusCode", 0))
        wish = str(beside.get("HTTPHeaders", {}).get("retry-after", ""))
        self.retry_after_s = float(wish) if wish.isascii() and wish.isdecimal() else None
        super().__init__(self.words)


@dataclass(slots=True)
class _Attempt:
    """How far one request has come."""

    deadline: Deadline
    is_heard: bool = False


_attempt: ContextVar[_Attempt] = ContextVar("_attempt")


class _Timed:
    """A connection that keeps to the deadline of the attempt, and notes when everything has been said."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        deadline = _attempt.get().deadline
        opened: Future[socket.socket] = Future()
        connect = super()._new_conn  # type: ignore[misc]

        def run() -> None:
            try:
                opened.set_result(connect())
            except Exception as error:
                opened.set_exception(error)

        threading.Thread(target=run, daemon=True).start()  # nothing else can leave a name service that does not answer
        try:
            connection = opened.result(deadline.left_s())
        except TimeoutError:
            raise DialTimeoutError("the time is over") from None
        deadline.watch(connection)
        return connection

    def request(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as it is called
        attempt = _attempt.get()
        if self.sock is not None:  # kept open since an earlier attempt
            attempt.deadline.watch(self.sock)
        super().request(*arguments, **options)  # type: ignore[misc]
        attempt.is_heard = True


class _Connection(_Timed, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _TlsConnection(_Timed, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


@dataclass(frozen=True, slots=True)
class Access:
    """Which of Amazon's services is asked, where and as whom. `prefix` is that of the settings that say so.

    An empty key leaves the choice to boto3's own chain: its variables and files, or the machine's role.
    """

    service: str
    called: str
    prefix: str
    region: str
    access_key_id: str
    secret_access_key: str
    endpoint_url: str
    connections: int


@cache
def _models() -> object:
    """Descriptions of Amazon's services, read once a process: reading them is nearly all that making a client costs."""
    return botocore.loaders.create_loader()


class Amazon:
    """One service of Amazon's. It serves all threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = threading.Lock()
        self._client: object = None

    def ask(self, operation: str, *, within_s: float, **parameters: object) -> Mapping[str, object]:
        """What the service answers within so many seconds.

        Raises: Refusal for what only this service can mean; ProviderUnavailable for what is wrong with our key, the
        rate, the service or the way to it; ProviderUnsure when it heard everything and said nothing that can be read.
        """
        try:
            client = self._ready()
        except (BotoCoreError, ValueError) as error:
            raise self._unready(error) from None
        with until(within_s) as deadline:
            attempt = _Attempt(deadline)
            token = _attempt.set(attempt)
            try:
                answer = getattr(client, operation)(**parameters)
            except ClientError as error:
                refusal = Refusal(error)
                raise self._usual(refusal) or refusal from None
            except _NO_KEY as error:
                self.close()  # a client that found no key would never look for one again
                raise self._unready(error) from None
            except (BotoCoreError, ValueError) as error:
                raise self._silence(error, attempt) from None
            finally:
                _attempt.reset(token)
        return answer if isinstance(answer, dict) else {}

    def request(self, operation: str, *, within_s: float, **parameters: object) -> str:
        """Amazon's id for the message that these parameters make. Raises: as `ask`."""
        identity = self.ask(operation, within_s=within_s, **parameters).get("MessageId")
        if not isinstance(identity, str) or not identity:  # cut short, or the page of some proxy
            raise ProviderUnsure(f"{self.access.called} heard everything and gave no answer that can be read.")
        return identity

    def _ready(self) -> object:
        """The client, made at its first use, because that takes a tenth of a second."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    def _make(self) -> object:
        chosen = self.access
        core = botocore.session.get_session()
        core.register_component("data_loader", _models())
        once = {"mode": "standard", "total_max_attempts": 1}  # the engine tries again, and knows when
        core.set_default_client_config(Config(connect_timeout=KEY_S, read_timeout=KEY_S, retries=once))
        session = boto3.Session(
            aws_access_key_id=chosen.access_key_id or None,
            aws_secret_access_key=chosen.secret_access_key or None,
            region_name=chosen.region or None,
            botocore_session=core,
        )
        client = session.client(
            chosen.service,
            endpoint_url=chosen.endpoint_url or None,
            config=Config(
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                retries=once,
                max_pool_connections=chosen.connections,
            ),
        )
        # there is no public way to have a say about connections
        line = client._endpoint.http_session
        line._pool_classes_by_scheme = line._manager.pool_classes_by_scheme = _POOLS
        return client

    def _usual(self, refusal: Refusal) -> ProviderUnavailable | None:
        """What an answer means that every service of Amazon's may give; None when it is not such a one."""
        kind, words, who, prefix = refusal.kind, refusal.words, self.access.called, self.access.prefix
        if _CLOCK.search(kind) or _CLOCK_WORDS.search(words):
            return ProviderUnavailable(f"{who} finds our clock more than five minutes wrong: set it by NTP.")
        if _THROTTLED.search(kind) or refusal.status == 429:
            pause_s = QUOTA_PAUSE_S if _DAILY.search(words) else RATE_PAUSE_S
            return ProviderUnavailable(f"{who} limits us: {words}.", refusal.retry_after_s or pause_s)
        if _KEY.search(kind):
            return ProviderUnavailable(
                f"{who} does not take our key ({kind}): check {prefix}ACCESS_KEY_ID and {prefix}SECRET_ACCESS_KEY."
            )
        if _FORBIDDEN.search(kind) and "Reason" not in refusal.told:
            right = re.search(r"perform: ?([A-Za-z-]+:[A-Za-z]+)", words)
            lacking = f"the permission {right[1]}" if right else f"its permission ({kind})"
            return ProviderUnavailable(f"{who} does not let us: give the owner of {prefix}ACCESS_KEY_ID {lacking}.")
        if refusal.status >= 500:
            return ProviderUnavailable(f"{who} answered {refusal.status}.", refusal.retry_after_s)
        if refusal.status < 400:
            return ProviderUnavailable(f"{who} answered {refusal.status}: check {prefix}ENDPOINT_URL.")
        return None

    def _silence(self, error: Exception, attempt: _Attempt) -> ProviderUnavailable | ProviderUnsure:
        """What it means that there is no answer. Without the error's own words: they may hold what we sent."""
        who, prefix = self.access.called, self.access.prefix
        if attempt.is_heard:
            is_slow = attempt.deadline.is_over or isinstance(error, ReadTimeoutError)
            why = "is too slow" if is_slow else f"gave no answer that can be read: {type(error).__name__}"
            return ProviderUnsure(f"{who} heard everything and {why}.")
        is_slow = attempt.deadline.is_over or isinstance(error, ConnectTimeoutError)
        why = "too slow" if is_slow else f"away: {type(error).__name__}"
        return ProviderUnavailable(f"{who} is {why}. Check {prefix}REGION, {prefix}ENDPOINT_URL and the firewall.")

    def _unready(self, error: Exception) -> ProviderUnavailable:
        """What is missing before anything can be asked."""
        prefix = self.access.prefix
        if isinstance(error, NoRegionError):
            return ProviderUnavailable(f"{prefix}REGION is empty: name a region, such as eu-west-2.")
        if isinstance(error, _NO_KEY):
            return ProviderUnavailable(
                f"There is no key for Amazon: set {prefix}ACCESS_KEY_ID and {prefix}SECRET_ACCESS_KEY, "
                "or give this machine a role."
            )
        return ProviderUnavailable(
            f"{self.access.called} cannot be asked ({type(error).__name__}): "
            f"check {prefix}REGION and {prefix}ENDPOINT_URL."
        )

    def close(self) -> None:
        """End every idle connection; the next question opens one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()  # type: ignore[attr-defined]
