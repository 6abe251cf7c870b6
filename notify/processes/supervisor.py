"""Keeps several commands running together, and ends them together."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from notify.core.parent_death import die_with_parent

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 10.0
_STEADY_SECONDS = 30.0
_POLL_SECONDS = 0.2  # each look costs: this process sleeps as long as the others live

_log = logging.getLogger("notify.processes.supervisor")


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `env` is added to our environment; input is empty, and output goes where ours goes.

    It starts `waits_s` seconds after the others, so that what people wait for has the machine to itself.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    waits_s: float = 0.0


def run(commands: Sequence[Command], *, grace_seconds: float, look: Callable[[], None] | None = None) -> int:
    """Run until SIGTERM or SIGINT; 0 if every command then ended in time, 1 if one had to be killed.

    A command that ends is started again, after half a second at first and up to ten seconds if it keeps ending.
    `look` is called again and again while they run. A second signal cuts the grace short. Call it from the main thread.
    """
    children = [_Child(command) for command in commands]
    with _signals_noted() as signals:
        while not signals:
            for child in children:
                child.tend()
            if look:
                look()
            time.sleep(_POLL_SECONDS)
        return _drain(children, signals, grace_seconds)


def _drain(children: Sequence["_Child"], signals: Sequence[int], grace_seconds: float) -> int:
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + grace_seconds
    while any(child.is_alive() for child in children) and time.monotonic() < deadline and len(signals) < 2:
        time.sleep(_POLL_SECONDS)
    killed = [child for child in children if child.kill()]
    return 1 if killed else 0


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        noted.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Child:
    """One command, its process while it has one, and when to start it next."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = time.monotonic() + command.waits_s
        self._delay = _FIRST_DELAY_SECONDS

    def tend(self) -> None:
        """Start the command if it is due, or notice that it has ended."""
        if self._process is None:
            if time.monotonic() >= self._start_at:
                self._start()
        elif self._process.poll() is not None:
            self._has_ended(f"ended with status {self._process.returncode}")
            self._process = None

    def _start(self) -> None:
        self._started_at = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self._command.argv,
                env={**os.environ, **self._command.env},
                stdin=subprocess.DEVNULL,
                # A group of its own: Ctrl-C reaches us alone, and what it started can be ended with it.
                process_group=0,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        except OSError as error:
            self._has_ended(f"cannot be started: {error}")

    def _has_ended(self, how: str) -> None:
        now = time.monotonic()
        if now - self._started_at >= _STEADY_SECONDS:
            self._delay = _FIRST_DELAY_SECONDS
        _log.warning("%s %s; starting it again in %.1f s", self._command.name, how, self._delay)
        self._start_at = now + self._delay
        self._delay = min(self._delay * 2, _LONGEST_DELAY_SECONDS)
        self._signal_group(signal.SIGTERM)  # workers that outlived their master

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        if self._process is not None and self.is_alive():
            self._process.terminate()

    def kill(self) -> bool:
        """End what is left of the command. Says whether the command itself still ran."""
        was_alive = self.is_alive()
        self._signal_group(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        return was_alive

    def _signal_group(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
