"""An alert's live progress, as server-sent events."""

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from uuid import UUID

import anyio
from litestar import get
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage
from litestar.types import ControllerRouterHandler

from notify.alerts import queries as alerts
from notify.core.db import transaction
from notify.core.errors import NotFound, TooMany
from notify.insight.alert.progress import is_watched, progress_of
from notify.staff.guards import Principal, Requires, Right, still_asking
from notify.staff.routes import StaffRequest
from notify.web.templates import part

MOST_STREAMS = 20  # of this process: each is a reader of the ledger
MOST_EACH = 3  # of one officer or key, who would otherwise take everyone's places
LONGEST_S = 600.0
READ_EVERY_S = 1.0
REST = 4  # times as long as the last reading took, so that a large ledger is not read all the time

STARTS_WITHIN_S = 30.0  # a place that was taken for a reader who never came is free again then


@dataclass(frozen=True, slots=True)
class Place:
    """A stream that runs or is about to. One that its reader left before it began ends by itself."""

    actor: str
    ends_at: float


_places: dict[object, Place] = {}


class TooManyLiveStreams(TooMany):
    """The page renews itself by asking instead, which costs less."""

    title = "Too many people watch alerts live"


@get(
    "/staff/alerts/{alert_id:uuid}/live",
    guards=[Requires(Right.SEE_ALERTS)],
    include_in_schema=False,
    is_stream=True,
)
async def watch_alert(request: StaffRequest, alert_id: FromPath[UUID]) -> ServerSentEvent:
    """The figures as server-sent events while they change, ten minutes at most; then the browser asks again.

    Asynchronous, because a stream that waits must not keep a thread waiting; the database is read in a thread.
    """
    mine = _take_place(request.user.actor)
    try:
        await sync_to_thread(_require_alert, request.user, alert_id)
    except BaseException:
        _places.pop(mine, None)
        raise
    # buffering proxies would keep the figures to themselves
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return ServerSentEvent(_figures(request, alert_id, mine), headers=headers)


def _take_place(actor: str) -> object:
    """A place among the streams, before anything is waited for: a hundred who ask at once must not all find one free.

    Raises: TooManyLiveStreams.
    """
    now = time.monotonic()
    for key in [key for key, place in _places.items() if place.ends_at < now]:
        del _places[key]
    own = sum(place.actor == actor for place in _places.values())
    if len(_places) >= MOST_STREAMS or own >= MOST_EACH:
        raise TooManyLiveStreams("Reload the page to see the newest figures.", retry_after=10)
    mine = object()
    _places[mine] = Place(actor, now + STARTS_WITHIN_S)
    return mine


def _require_alert(user: Principal, alert_id: UUID) -> None:
    with transaction() as session:
        alerts.alert(session, user, alert_id)


async def _figures(request: StaffRequest, alert_id: UUID, mine: object) -> AsyncGenerator[ServerSentEventMessage, None]:
    """Each news as a piece of the page; `end` when there will be none, or the officer may not look any more."""
    said, ends_at = "", time.monotonic() + LONGEST_S
    _places[mine] = Place(request.user.actor, ends_at + STARTS_WITHIN_S)
    try:
        while time.monotonic() < ends_at:
            started = time.monotonic()
            news = await sync_to_thread(_read, request, alert_id)
            if news is not None and news[0] != said:
                said = news[0]
                yield ServerSentEventMessage(data=said, event="figures")
            if news is None or not news[1]:
                yield ServerSentEventMessage(data="over" if news else "not-allowed", event="end")
                return
            await anyio.sleep(max(READ_EVERY_S, REST * (time.monotonic() - started)))
    finally:
        _places.pop(mine, None)


def _read(request: StaffRequest, alert_id: UUID) -> tuple[str, bool] | None:
    """The figures as they stand on the page, and whether they still change. None: nobody may see them any more."""
    user = still_asking(request)
    if user is None or not user.may(Right.SEE_ALERTS):
        return None
    try:
        with transaction() as session:
            alert = alerts.alert(session, user, alert_id)
            shown = progress_of(session, alert)
    except NotFound:
        return None
    return part("alerts/progress.html", may_call=user.may(Right.SEE_SUBSCRIBERS), **shown), is_watched(alert)


HANDLERS: Sequence[ControllerRouterHandler] = (watch_alert,)
