"""Decides how long to wait for a process that is starting: as long as it works, and within a limit.

On a busy machine a start that takes one second can take minutes, so time alone does not tell a slow process from one
that hangs. The kernel does: it counts processor time, and knows who waits for the processor or the disk.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LOOK_SECONDS = 0.25
_WAITS_FOR_PROCESSOR_OR_DISK = frozenset({"R", "D"})
_STATE, _TIMES = 0, slice(11, 15)  # in /proc/<pid>/stat behind the name: user and system time, also of ended children


@dataclass(frozen=True, slots=True)
class StartLimits:
    """How patiently to start something.

    A process that shows no sign of work for `idle_seconds` counts as hanging. One that ends or hangs is started again,
    up to `attempts` times in all. `longest_seconds` limits the whole start.
    """

    idle_seconds: float = 60.0
    longest_seconds: float = 300.0
    attempts: int = 4


class StartWatch:
    """Watches a process from its start until it is ready, or until waiting for it makes no sense."""

    def __init__(
        self, process: subprocess.Popen[bytes], *, idle_seconds: float, until: float, log: Path | None = None
    ) -> None:
        """`until` is on `time.monotonic`. `log` is a file that grows when the process works."""
        self._process = process
        self._idle_seconds = idle_seconds
        self._until = until
        self._log = log
        self._begun = self._looked = self._worked = time.monotonic()
        self._work: object = None

    def problem(self) -> str | None:
        """Why waiting makes no sense any more, as in "ended with status 1 after 0.3 s"; None while it does."""
        now = time.monotonic()
        if (status := self._process.poll()) is not None:
            return f"{_how_it_ended(status)} after {now - self._begun:.1f} s"
        if now - self._looked >= _LOOK_SECONDS and self._works():
            self._worked = now
        if now > self._until:
            return f"was not ready after {now - self._begun:.1f} s"
        if now - self._worked > self._idle_seconds:
            return f"showed no sign of work for {now - self._worked:.1f} s"
        return None

    def _works(self) -> bool:
        """Whether anything happened since the last look. Without /proc a process that lives counts as working."""
        self._looked = time.monotonic()
        if not _PROC.joinpath("self/stat").exists():
            return True
        family = {pid: facts for pid in _family(self._process.pid) if (facts := _facts(pid))}
        work = ({pid: facts[_TIMES] for pid, facts in family.items()}, self._log_bytes())
        before, self._work = self._work, work
        return work != before or any(facts[_STATE] in _WAITS_FOR_PROCESSOR_OR_DISK for facts in family.values())

    def _log_bytes(self) -> int:
        with suppress(OSError):
            return self._log.stat().st_size if self._log else 0
        return 0


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-status}"


def _family(pid: int) -> Iterator[int]:
    """The process and its descendants."""
    yield pid
    for child in _children(pid):
        yield from _family(child)


def _children(pid: int) -> list[int]:
    threads = _PROC / str(pid) / "task"
    with suppress(OSError):  # it has ended meanwhile, or this kernel does not list children
        return [int(child) for thread in threads.iterdir() for child in (thread / "children").read_text().split()]
    return []


def _facts(pid: int) -> list[str]:
    with suppress(OSError):
        return _PROC.joinpath(f"{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def load() -> str:
    """How busy the machine is, for an error about a start: "load average 90.1, 40.2, 12.0 on 2 processors"."""
    averages = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return f"load average {averages} on {os.cpu_count()} processors"
