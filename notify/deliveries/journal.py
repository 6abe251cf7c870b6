"""A worker's journal on local disk of what it has sent and not yet recorded, so that a crash loses nothing.

The ledger is written once a slice. Between two writes the only witness of sending would be the worker's memory,
and `kill -9` would cost a slice of duplicates. So every outcome is appended here the moment it is known: a write into
the page cache, a few microseconds, which outlives the process. The kernel drops the lock on the file with its owner;
whoever finds a file without one records what it says and gives the batch back at once.

A machine that dies takes its journals with it: then the lease runs out, and at most a slice a thread is sent again.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.deliveries.models import DeliveryState
from notify.deliveries.service import Claim, Result
from notify.providers.base import Channel

log = logging.getLogger(__name__)


def folder() -> Path:
    """Where this installation's journals lie on this machine: a folder for each database."""
    key = sha256((settings().database_url or "").encode()).hexdigest()[:16]
    return settings().data_dir / "journal" / key


class Journal:
    """One held batch's outcomes so far. A disk that refuses costs a warning: sending goes on without."""

    def __init__(self, held: Claim) -> None:
        self._path = folder() / held.lease.hex
        self._file: int | None = None
        self._is_whole = True  # after a line that the disk took only half of, another would not be read
        with _tolerant("open"):
            folder().mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")  # nobody looks at it before it is locked and has its first line
            self._file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            os.write(self._file, _line(asdict(held)))
            fresh.rename(self._path)

    def note(self, result: Result) -> None:
        """Keep one outcome. What is to be tried again needs no keeping, unless it may have arrived."""
        if self._file is None or (result.state is None and not result.unsure):
            return
        line = _line([result.number, result.state, *_details(result)])
        try:
            self._is_whole = self._is_whole and os.write(self._file, line) == len(line)
        except OSError as error:
            self._is_whole = False
            log.warning("journal unusable", extra={"attempt": "write", "error": type(error).__name__})

    def close(self) -> None:
        """Everything is recorded: forget it."""
        with _tolerant("remove"):
            self._path.unlink(missing_ok=True)
        self.abandon()

    def abandon(self) -> None:
        """Not everything could be recorded: leave it to whoever finds it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _details(result: Result) -> tuple[str | None, str | None, str | None, bool, int]:
    return result.provider, result.provider_reference, result.reason, result.unsure, result.parts


def _line(content: object) -> bytes:
    return json.dumps(content, default=str).encode() + b"\n"


@contextmanager
def _tolerant(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.warning("journal unusable", extra={"attempt": what, "error": type(error).__name__})


@dataclass(frozen=True, slots=True)
class Orphan:
    """A dead worker's journal, locked by us until it is removed or let go."""

    held: Claim
    results: tuple[Result, ...]
    path: Path

    def set_aside(self) -> None:
        """Keep the file for a person to look at, where nobody looks for orphans."""
        with _tolerant("set aside"):
            self.path.rename(self.path.with_suffix(".unreadable"))


def is_alive(lease: UUID) -> bool:
    """Whether a process of this machine keeps the journal of this lease now."""
    try:
        descriptor = os.open(folder() / lease.hex, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def orphans() -> Iterator[Orphan]:
    """Every journal whose worker is gone, one after another. The file is removed when the caller asks for the next.

    A caller that raises before that leaves the file for another look.
    """
    with suppress(FileNotFoundError):
        for path in sorted(folder().iterdir()):
            if path.suffix:
                continue
            with _tolerant("read"):
                yield from _orphan(path)


def _orphan(path: Path) -> Iterator[Orphan]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # someone else has just recorded it
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (orphan := _read(path)) is not None:
            yield orphan
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return  # its owner lives, or someone else looks at it
    finally:
        os.close(descriptor)


def _read(path: Path) -> Orphan | None:
    first, *rest = path.read_bytes().split(b"\n")
    try:
        # a last line without an end was being written when its writer died: its send is in doubt, so sent again
        return Orphan(_claim(json.loads(first)), tuple(_results(rest[:-1])), path)
    except (ValueError, KeyError, TypeError):
        log.error("journal cannot be read, kept aside", extra={"file": path.name})
        path.rename(path.with_suffix(".unreadable"))
        return None


def _claim(values: dict[str, str]) -> Claim:
    return Claim(
        batch_id=UUID(values["batch_id"]),
        lease=UUID(values["lease"]),
        alert_id=UUID(values["alert_id"]),
        month=date.fromisoformat(values["month"]),
        channel=Channel(values["channel"]),
        number_from=int(values["number_from"]),
        number_to=int(values["number_to"]),
        attempts=int(values["attempts"]),
        deaths=int(values["deaths"]),
        lane=Lane(values["lane"]),
        age_s=0,
    )


def _results(lines: Sequence[bytes]) -> Iterator[Result]:
    """What the lines say, up to one that makes no sense."""
    for line in lines:
        try:
            yield _result(json.loads(line))
        except (ValueError, TypeError):
            return


def _result(values: list[str | None]) -> Result:
    number, state, provider, provider_reference, reason, unsure, *parts = values  # before there were prices: no parts
    known = DeliveryState(state) if state else None
    return Result(
        int(number or 0),
        known,
        provider,
        provider_reference,
        reason,
        unsure=bool(unsure),
        parts=int(parts[0] or 1) if parts else 1,
    )
