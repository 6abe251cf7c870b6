"""Figures of a page as server-sent events while they change: of an alert, and of an incident."""

import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import anyio
from litestar.concurrency import sync_to_thread
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from notify.core.errors import TooMany
from notify.staff.guards import Principal, Right, still_asking
from notify.staff.routes import StaffRequest

MOST_STREAMS = 20  # of this process: each is a reader of the ledger
MOST_EACH = 3  # of one officer or key, who would otherwise take everyone's places
LONGEST_S = 600.0
READ_EVERY_S = 1.0
REST = 4  # times as long as the last reading took, so that a large ledger is not read all the time

STARTS_WITHIN_S = 30.0  # a place that was taken for a reader who never came is free again then

# the piece of the page as it stands now, and whether it still changes; None: nobody may see it any more
Read = Callable[[Principal], tuple[str, bool] | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A stream that runs or is about to. One that its reader left before it began ends by itself."""

    actor: str
    ends_at: float


_places: dict[object, Place] = {}


class TooManyLiveStreams(TooMany):
    """The page renews itself by asking instead, which costs less."""

    title = "Too many people watch alerts live"


async def live(request: StaffRequest, require: Callable[[], None], read: Read) -> ServerSentEvent:
    """What `read` shows, each time that it changed, ten minutes at most; then the browser asks again.

    `require` refuses who may not look at all. Asynchronous, because a stream that waits must not keep a thread waiting;
    the database is read in a thread. Raises: TooManyLiveStreams, and what `require` raises.
    """
    mine = _take_place(request.user.actor)
    try:
        await sync_to_thread(require)
    except BaseException:
        _places.pop(mine, None)
        raise
    # buffering proxies would keep the figures to themselves
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return ServerSentEvent(_figures(request, read, mine), headers=headers)


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


async def _figures(request: StaffRequest, read: Read, mine: object) -> AsyncGenerator[ServerSentEventMessage, None]:
    """Each news as a piece of the page; `end` when there will be none, or the officer may not look any more."""
    said, ends_at = "", time.monotonic() + LONGEST_S
    _places[mine] = Place(request.user.actor, ends_at + STARTS_WITHIN_S)
    try:
        while time.monotonic() < ends_at:
            started = time.monotonic()
            news = await sync_to_thread(_read, request, read)
            if news is not None and news[0] != said:
                said = news[0]
                yield ServerSentEventMessage(data=said, event="figures")
            if news is None or not news[1]:
                yield ServerSentEventMessage(data="over" if news else "not-allowed", event="end")
                return
            await anyio.sleep(max(READ_EVERY_S, REST * (time.monotonic() - started)))
    finally:
        _places.pop(mine, None)


def _read(request: StaffRequest, read: Read) -> tuple[str, bool] | None:
    user = still_asking(request)
    return read(user) if user is not None and user.may(Right.SEE_ALERTS) else None
