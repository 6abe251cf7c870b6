"""Detects that the database was restored from a copy, and holds all sending until a person has checked.

What was sent since the copy was made looks unsent in it and would go out again. Three things give it away:

- the row in `witness` says on which server, in which database and in which table it was written. In a dump that was
  loaded elsewhere, or over the old one, it does not fit any more;
- that row also names the timeline. A base backup that was recovered continues on another one, and so does a standby
  that took over (NOTIFY_HOLD_AFTER_FAILOVER);
- positions in the write-ahead log only grow. The last one seen is remembered outside: in Redis, in a file in
  NOTIFY_DATA_DIR, and by every process that sends. Where a volume was put back, the log is suddenly shorter.

Whoever puts back the database, Redis and that folder all together runs `notify hold` first: nothing is left to tell.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import redis
from dramatiq.errors import BrokerConnectionError
from sqlalchemy import Connection, Engine, event, text
from sqlmodel import Session

from notify.core import jobs
from notify.core.db import transaction
from notify.core.settings import once_a_process, settings
from notify.deliveries import holds
from notify.deliveries.process_metrics import process_name

log = logging.getLogger(__name__)

RESTORE = "engine:restore"
REDIS_KEY = f"{jobs.NAMESPACE}:witness"
LOOK_AGAIN_S = 1.0
LOOKED_AT = "notify looked at this connection"
SEGMENT_BYTES = 16 * 1024 * 1024  # a standby that took over may lack the end of a log that nobody had waited for
READ = """
    SELECT c.system_identifier || '/' || d.oid || '/' || CAST(CAST('witness' AS regclass) AS oid) AS system,
           left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
           CAST(pg_current_wal_flush_lsn() - '0/0' AS bigint) AS lsn,
           coalesce((SELECT max(CAST(id AS text)) FROM hold WHERE actor = :actor), '') AS noticed,
           w.system AS known_system, w.timeline AS known_timeline,
           EXISTS (SELECT 1 FROM alert) AS has_alerts
    FROM pg_control_system() c
    JOIN pg_database d ON d.datname = current_database()
    LEFT JOIN witness w ON true
"""
WITNESS = """
    INSERT INTO witness (system, timeline) VALUES (:system, :timeline)
    ON CONFLICT (id) DO UPDATE SET system = excluded.system, timeline = excluded.timeline
"""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the database is: which server, database and table, its timeline, and how long its log is.

    `noticed` is the id of the hold that the last restore led to, "" if there never was one. Ids grow with time, so
    that whoever remembers an older one learns that a restore has been dealt with.
    """

    system: str
    timeline: str
    lsn: int
    noticed: str

    @property
    def server(self) -> str:
        """The part of `system` that all databases of a server share."""
        return self.system.partition("/")[0]


class _Memory:
    """The last position that this process saw, and when. `is_file_usable`: whether it could be kept in the file too."""

    def __init__(self) -> None:
        self.position: Position | None = None
        self.looked_at = 0.0
        self.is_file_usable = True
        self.writing = threading.Lock()


@once_a_process
def _memory() -> _Memory:
    return _Memory()


def look() -> None:
    """Hold everything if the database was restored, and remember outside of it where it is now.

    For the scheduler. It opens its own transaction, because files and Redis must not be waited for within one.
    """
    past = [*_own(), *_from_outside()]
    with transaction() as session:
        now = _notice(session, past)
    _keep(now)
    with suppress(redis.RedisError, BrokerConnectionError):
        jobs.sending_broker().client.set(REDIS_KEY, json.dumps(asdict(now)))


def watch(engine: Engine) -> None:
    """Look at every new connection of this engine before anything else is done on it, and every few seconds.

    A restored database cannot be reached over an old connection, so nothing is claimed in it before it was noticed.
    """
    event.listen(engine, "engine_connect", _look_first)


def _look_first(connection: Connection) -> None:
    is_new = LOOKED_AT not in connection.info
    if not is_new and time.monotonic() - _memory().looked_at < LOOK_AGAIN_S:
        return
    past = [*_own(), *_from_outside()] if is_new else _own()
    with Session(connection) as session, session.begin():
        now = _notice(session, past)
    _keep(now)
    connection.info[LOOKED_AT] = True


def _notice(session: Session, past: Sequence[Position]) -> Position:
    """Where the database is now, after a hold if it does not fit `past` or its own witness.

    `past` must have been remembered before this is called: what is remembered meanwhile may be further on.
    """
    now, witness, has_alerts = _read(session)
    if not has_alerts:  # nothing could go out twice, and a witness would be in the way of one that is being loaded
        return now
    if _discrepancy(now, witness, past):
        holds.one_at_a_time(session)
        now, witness, _ = _read(session)  # another process may have noticed meanwhile
        if discrepancy := _discrepancy(now, witness, past):
            now = _hold(session, now, discrepancy)
    if witness != (now.system, now.timeline):
        session.execute(text(WITNESS), {"system": now.system, "timeline": now.timeline})
    return now


def _read(session: Session) -> tuple[Position, tuple[str, str] | None, bool]:
    row = session.execute(text(READ), {"actor": RESTORE}).one()
    witness = (row.known_system, row.known_timeline) if row.known_system is not None else None
    return Position(row.system, row.timeline, row.lsn, row.noticed), witness, row.has_alerts


def _discrepancy(now: Position, witness: tuple[str, str] | None, past: Sequence[Position]) -> str | None:
    """Why this looks like a restored copy, in words; None when it does not."""
    if witness and witness[0] != now.system:
        return "it was written on another server or in another database"
    stays_on_failover = not settings().hold_after_failover
    if witness and not (witness[1] == now.timeline or (stays_on_failover and witness[1] < now.timeline)):
        return "it continues on another timeline"
    for seen in past:
        if witness is None and seen.system != now.system and seen.server == now.server:
            return "its tables were made anew"
        if seen.system != now.system or seen.noticed < now.noticed:  # of another database; dealt with already
            continue
        may_lack = SEGMENT_BYTES if stays_on_failover and seen.timeline < now.timeline else 0
        if seen.noticed > now.noticed or seen.timeline > now.timeline or seen.lsn > now.lsn + may_lack:
            return "it is older than when it was last seen"
    return None


def _hold(session: Session, now: Position, discrepancy: str) -> Position:
    reason = (
        f"The database was restored from a copy: {discrepancy}. What was sent since the copy was made looks unsent and "
        "would go out again. Cancel the alerts that have gone out already (`notify queue status` lists what waits), "
        "then: notify release"
    )
    # one hold takes the place of what was in force, because its id tells other processes that this has been noticed
    before = [one.reason for one in holds.release(session, actor=RESTORE).holds if one.actor != RESTORE]
    held = holds.hold(session, actor=RESTORE, reason=" ".join([reason, *(f"On hold before: {one}" for one in before)]))
    log.error("everything is on hold: the database was restored", extra={"hold": held.id, "doubt": discrepancy})
    return Position(now.system, now.timeline, now.lsn, str(held.id))


def _own() -> Sequence[Position]:
    position = _memory().position
    return [position] if position else []


def _from_outside() -> Sequence[Position]:
    return [*_from_file(), *_from_redis()]


def _file() -> Path:
    return settings().data_dir / "witness.json"


def _from_file() -> Iterator[Position]:
    with suppress(OSError, ValueError, TypeError):
        yield Position(**json.loads(_file().read_bytes()))


def _from_redis() -> Iterator[Position]:
    with suppress(redis.RedisError, BrokerConnectionError, ValueError, TypeError):
        if kept := jobs.sending_broker().client.get(REDIS_KEY):
            yield Position(**json.loads(kept))


def _keep(now: Position) -> None:
    """Remember the position in this process and in the file."""
    memory = _memory()
    memory.position, memory.looked_at = now, time.monotonic()
    fresh = _file().with_suffix(f".{process_name()}")  # others write at the same moment; whoever renames last is right
    try:
        with memory.writing:
            _file().parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(asdict(now)))
            fresh.rename(_file())
    except OSError as error:
        if memory.is_file_usable:
            log.warning("the position of the database cannot be kept", extra={"error": type(error).__name__})
        memory.is_file_usable = False
