"""The client itself: one method for each thing that programs do most, `request` for everything else."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx

from notify.client.problem import Problem
from notify.client.replies import Alert, Audience, Postcode, Reply, Topic

Body = Mapping[str, Any]
Kind = TypeVar("Kind", bound=Reply)

TIMEOUT_S = 30.0
TRIES = 3
LONGEST_WAIT_S = 60


class Notify:
    """One council's API. Use it in a `with`, or call `close`."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`base_url` as in `https://alerts.example.org`; `key` begins with `notify_`."""
        self._http = http or httpx.Client(timeout=TIMEOUT_S)
        self._root = f"{base_url.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        **query: str | int | None,
    ) -> Any:  # noqa: ANN401 - JSON of every shape
        """The JSON that an address below `/api/v1` answers. Raises: Problem, httpx.TransportError."""
        asked = {name: value for name, value in query.items() if value is not None}
        sent = {**self._headers, **(headers or {})}
        response = self._http.request(method, self._root + path, json=body, params=asked, headers=sent)
        if response.is_error:
            raise Problem.of(response)
        return response.json() if response.content else None

    def _pages(self, path: str, name: str, kind: type[Kind], changed_since: str | None = None) -> Iterator[Kind]:
        after = None
        while True:
            page = self.request("GET", path, after=after, changed_since=changed_since)
            yield from (kind.of(one) for one in page[name])
            if (after := page["next"]) is None:
                return

    def send_alert(self, alert: Body, *, idempotency_key: str | None = None) -> Alert:
        """Create an alert and send it where its topic's approval rule allows; `"send": False` in it makes a draft.

        Tried again where the answer was lost or the service is away for a moment; the same key makes sure that nothing
        is sent twice. Pass one of your own to be safe over a restart of your program. Raises: Problem,
        httpx.TransportError.
        """
        sent = {"Idempotency-Key": idempotency_key or uuid4().hex}
        for left in reversed(range(TRIES)):
            try:
                return Alert.of(self.request("POST", "/alerts", body={"send": True, **alert}, headers=sent))
            except (Problem, httpx.TransportError) as error:
                wait = _wait_s(error)
                if not left or wait is None:
                    raise
                self._sleep(wait)
        raise AssertionError("every try returns or raises")

    def alert(self, alert_id: UUID | str) -> Alert:
        """One alert and its state. Raises: Problem (`unknown-alert`)."""
        return Alert.of(self.request("GET", f"/alerts/{alert_id}"))

    def alerts(self, *, changed_since: datetime | None = None) -> Iterator[Alert]:
        """The council's alerts, newest first, read page by page as you go on."""
        since = changed_since.isoformat() if changed_since else None
        return self._pages("/alerts", "alerts", Alert, changed_since=since)

    def submit(self, alert_id: UUID | str) -> Alert:
        """Ask for a draft to be sent."""
        return Alert.of(self.request("POST", f"/alerts/{alert_id}/submit"))

    def cancel(self, alert_id: UUID | str) -> Alert:
        """Stop an alert: what was not sent within a few seconds never will be."""
        return Alert.of(self.request("POST", f"/alerts/{alert_id}/cancel"))

    def update(self, alert_id: UUID | str, words: Body, *, idempotency_key: str | None = None) -> Alert:
        """Write again to those who got this alert."""
        sent = {"Idempotency-Key": idempotency_key or uuid4().hex}
        return Alert.of(self.request("POST", f"/alerts/{alert_id}/update", body=words, headers=sent))

    def all_clear(self, alert_id: UUID | str, words: Body, *, idempotency_key: str | None = None) -> Alert:
        """Tell those who got this alert that it is over."""
        sent = {"Idempotency-Key": idempotency_key or uuid4().hex}
        return Alert.of(self.request("POST", f"/alerts/{alert_id}/all-clear", body=words, headers=sent))

    def topics(self) -> Iterator[Topic]:
        """The council's topics by short name."""
        return self._pages("/topics", "topics", Topic)

    def count(self, topic: str, audience: Body | None = None, *, channels: Sequence[str] = ()) -> Audience:
        """How many people an alert would reach; without an audience everyone who follows the topic."""
        asked: dict[str, Any] = {"topic": topic}
        asked |= {"audience": audience} if audience else {}
        asked |= {"channels": list(channels)} if channels else {}
        return Audience.of(self.request("POST", "/audiences", body=asked))

    def postcode(self, postcode: str) -> Postcode:
        """Where a postcode lies, however it was typed. Raises: Problem (`unknown-postcode`, `ended-postcode`)."""
        return Postcode.of(self.request("GET", f"/postcodes/{quote(postcode, safe='')}"))


def _wait_s(error: Exception) -> float | None:
    """How long to wait before the same request is sent again; None where it would be refused again."""
    if not isinstance(error, Problem):
        return 1.0
    if error.status in (429, 502, 503, 504) or error.slug in ("still-running", "changed-meanwhile"):
        return float(min(error.retry_after or 1, LONGEST_WAIT_S))
    return None
