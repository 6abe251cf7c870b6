"""Clicks and opens wait here for a moment, so that a redirect waits for nothing and one write holds many.

They are in memory for about a quarter of a second: as much is lost when a web process is killed outright. Nothing else
may be lost that way: receipts, replies and whoever leaves are written down before they are answered.
"""

import hmac
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from litestar import Litestar
from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.core.db import new_id, transaction
from notify.deliveries import process_metrics
from notify.tracking import event_recorder
from notify.tracking.event_recorder import Seen
from notify.tracking.models import HitKind
from notify.tracking.service import Source, link_of

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.25
LAST_SECONDS = 15.0  # half of what a process that is asked to stop has
AT_ONCE = 5_000
MOST_WAITING = 200_000  # about a hundred megabytes; beyond it the database has been away for minutes
MOST_LINKS = 10_000
LINK_LIVES = timedelta(minutes=10)
VISITOR_BYTES = 8  # enough to tell a day's visitors apart
LOST = "notify_hits_lost_total"

Arrival = tuple[Seen, str]  # with the network, which is never written down

_links: OrderedDict[UUID, tuple[datetime, str]] = OrderedDict()
_arrived: list[Arrival] = []
_lost = 0  # since it was last written down
_lock = threading.Lock()
_writing = threading.Lock()


def known_link(alert_id: UUID) -> str | None:
    """Where links of this alert lead, if it was asked for lately. What is approved does not change."""
    found = _links.get(alert_id)
    return found[1] if found and clock.now() - found[0] < LINK_LIVES else None


def find_link(source: Source) -> str:
    """The same from the database, and remembered. Raises: LinkNotValid."""
    with transaction() as session:
        link = link_of(session, source)
    with _lock:
        _links[source.alert_id] = (clock.now(), link)
        while len(_links) > MOST_LINKS:
            _links.popitem(last=False)
    return link


def add(source: Source, kind: HitKind, *, agent: str, network: str) -> None:
    """Note one hit, which is written down a moment later."""
    global _lost
    hit = Seen(new_id(), clock.now(), source.alert_id, source.number, kind, source.link, agent, None)
    with _lock:
        if len(_arrived) < MOST_WAITING:
            _arrived.append((hit, network))
        else:
            _lost += 1


def flush() -> int:
    """Write down everything that waits; how many were new. What cannot be written goes on waiting, and this raises."""
    global _lost
    new = 0
    with _writing:
        while batch := _arrived[:AT_ONCE]:
            with transaction() as session:
                new += event_recorder.take(session, _with_visitors(session, batch))
            with _lock:
                del _arrived[: len(batch)]
        if lost := _lost:
            with transaction() as session:
                process_metrics.add(session, LOST, lost)
            with _lock:
                _lost -= lost
    return new


def forget() -> None:
    """Drop what waits and what is remembered."""
    global _lost
    with _writing, _lock:
        _lost = 0
        _arrived.clear()
        _links.clear()


@asynccontextmanager
async def running(_: Litestar) -> AsyncIterator[None]:
    """Writes down what comes in until the application ends, and then the rest."""
    stop = threading.Event()
    writer = threading.Thread(target=_write_until, args=(stop,), name="hits", daemon=True)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join(timeout=LAST_SECONDS)
        if _arrived:
            log.error("hits lost", extra={"count": len(_arrived)})


def _write_until(stop: threading.Event) -> None:
    is_away = False
    while not stop.wait(FLUSH_SECONDS) or _arrived:
        try:
            flush()
            is_away = False
        except Exception as error:  # the thread's edge: whatever fails is tried again
            if not is_away:
                log.warning("hits wait for the database", extra={"error": type(error).__name__})
            is_away = True
            if stop.is_set():
                return


def _with_visitors(session: Session, batch: Sequence[Arrival]) -> Sequence[Seen]:
    keys = {day: _key_of(session, day) for day in {hit.at.date() for hit, _ in batch}}
    return [replace(hit, visitor=_pseudonym(keys[hit.at.date()], f"{network}\n{hit.agent}")) for hit, network in batch]


def _pseudonym(key: bytes, who: str) -> bytes:
    return hmac.digest(key, who.encode("utf-8", "replace"), "sha256")[:VISITOR_BYTES]


def _key_of(session: Session, day: date) -> bytes:
    """The day's key, made by whoever needs it first. Nobody can make a pseudonym again once it is removed."""
    values = {"day": day, "key": secrets.token_bytes(32)}
    session.execute(text("INSERT INTO visitor_key (day, key) VALUES (:day, :key) ON CONFLICT DO NOTHING"), values)
    return bytes(session.execute(text("SELECT key FROM visitor_key WHERE day = :day"), values).scalar_one())
