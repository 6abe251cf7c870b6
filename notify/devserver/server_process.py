"""The processes of the embedded servers: how one is started, started again, and known to answer.

They run as an unprivileged user, end with the process that started them, and write to logs in the data directory.
"""

import logging
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from notify.core.parent_death import die_with_parent
from notify.devserver.embedded import Place, ServersDidNotStart
from notify.devserver.start_watch import StartLimits, StartWatch, load

_LOG_BYTES = 5_000_000
_LOG_LINES = 8
_PROBLEMS = 4  # as many as an error lists
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 2.0
_LONGEST_ANSWER_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_log = logging.getLogger("notify.devserver.daemon")


@contextmanager
def open_log(place: Place, name: str) -> Iterator[int]:
    """A descriptor to append to a server's log, which starts again when it has grown large."""
    path = place.log_path(name)
    with suppress(FileNotFoundError):
        if path.stat().st_size > _LOG_BYTES:
            path.unlink()
    with path.open("ab") as log:
        yield log.fileno()


def _process(
    place: Place,
    argv: Sequence[str],
    log: int,
    *,
    farewell: signal.Signals,
    keep: tuple[int, ...] = (),
    given: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """A process of the servers' user, with nothing of our environment: PG* variables there would change it."""
    account = place.account
    return subprocess.Popen(  # noqa: S603
        argv,
        stdin=subprocess.PIPE if given is None else given,
        stdout=log,
        stderr=log,
        cwd=place.home,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        pass_fds=keep,
        preexec_fn=die_with_parent(farewell),  # safe here: the daemon has one thread
    )


class Attempts:
    """Counts the attempts at one start. What went wrong in each is logged, and is in the error after the last."""

    def __init__(self, place: Place, name: str, limits: StartLimits, until: float) -> None:
        """`name` is the server's, and its log's. `until`, on `time.monotonic`, ends the last attempt."""
        self._place = place
        self._name = name
        self._limits = limits
        self._until = until
        self._begun = time.monotonic()
        self._problems: list[str] = []

    def watch(self, process: subprocess.Popen[bytes]) -> StartWatch:
        """Watches the process of the next attempt."""
        log = self._place.log_path(self._name)
        return StartWatch(process, idle_seconds=self._limits.idle_seconds, until=self._until, log=log)

    def note_failure(self, problem: str) -> None:
        """Return after a pause if there is to be another attempt. Raises: ServersDidNotStart with all problems."""
        self._problems.append(problem)
        made = len(self._problems)
        _log.warning("%s %s (attempt %d of %d, %s)", self._name, problem, made, self._limits.attempts, load())
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(made - 1, 8), _LONGEST_PAUSE_SECONDS)
        if made >= self._limits.attempts or time.monotonic() + pause > self._until:
            raise ServersDidNotStart(self._complaint())
        time.sleep(pause)

    def _complaint(self) -> str:
        seconds = time.monotonic() - self._begun
        problems = "; then it ".join(self._problems[-_PROBLEMS:])
        log = self._place.log_path(self._name)
        last = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
        return (
            f"{self._name} does not start. Attempts: {len(self._problems)} in {seconds:.0f} s. It {problems}. "
            f"This machine: {load()}. The end of {log}: {' / '.join(last)}"
        )


def run_program(place: Place, argv: Sequence[str], attempts: Attempts, statement: bytes = b"") -> str | None:
    """Run one of PostgreSQL's programs to its end, with this input; what went wrong, or None."""
    with open_log(place, "postgres") as log, TemporaryFile() as given:
        given.write(statement)
        given.seek(0)
        process = _process(place, argv, log, farewell=signal.SIGKILL, given=given)
    watch = attempts.watch(process)
    while (problem := watch.problem()) is None:
        time.sleep(_LOOK_SECONDS)
    if process.returncode == 0:
        return None
    _kill(process)
    return f"{problem} in {Path(argv[0]).name}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@dataclass(frozen=True, slots=True)
class Server:
    """How to start one server, to ask it to stop cleanly, and to know that it answers."""

    name: str
    argv: tuple[str, ...]
    farewell: signal.Signals
    socket: Path
    question: bytes
    answer: bytes

    def is_ready(self, seconds: float) -> bool:
        """Whether it gives the right answer within this time. Ends early when the server refuses or dies.

        Time to answer is given generously: PostgreSQL starts a process for every question, so that to hang up and
        ask again makes a busy machine busier, and one that needs longer than that never becomes ready.
        """
        with socket.socket(socket.AF_UNIX) as line, suppress(OSError):
            line.settimeout(seconds)
            line.connect(str(self.socket))
            line.sendall(self.question)
            return line.recv(64).startswith(self.answer)
        return False


class ServerProcess:
    """One server that runs, or is being started."""

    def __init__(self, place: Place, server: Server, lock_to_inherit: int) -> None:
        self.server = server
        self._place = place
        self._lock = lock_to_inherit
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def start_again(self) -> None:
        """Start it once more; it has ended."""
        _log.warning("%s ended with status %s; starting it again", self.server.name, self._process.returncode)
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with open_log(self._place, self.server.name) as log:
            return _process(self._place, self.server.argv, log, farewell=self.server.farewell, keep=(self._lock,))

    def wait_until_ready(self, limits: StartLimits, until: float) -> None:
        """Return when it answers. If it ends or hangs before, it is started again. Raises: ServersDidNotStart."""
        attempts = Attempts(self._place, self.server.name, limits, until)
        watch = attempts.watch(self._process)
        while not self._answers(limits):
            if problem := watch.problem():
                _kill(self._process)
                attempts.note_failure(problem)
                self._process = self._start()
                watch = attempts.watch(self._process)

    def _answers(self, limits: StartLimits) -> bool:
        asked = time.monotonic()
        if self.server.is_ready(min(limits.idle_seconds, _LONGEST_ANSWER_SECONDS)):
            return True
        took = time.monotonic() - asked
        time.sleep(min(max(_LOOK_SECONDS, took), _FIRST_PAUSE_SECONDS))  # a slow server is asked less often
        return False

    def ask_to_stop(self) -> None:
        """Ask for a clean end."""
        self._process.send_signal(self.server.farewell)

    def wait_until_stopped(self, seconds: float) -> None:
        """Return when it has ended; it is killed after this time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill(self._process)
