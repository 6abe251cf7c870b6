"""PostgreSQL and Valkey with nothing to install, for development, demonstrations and tests.

Both are the real servers, taken from wheels, reached only through UNIX sockets in a private directory.

`notify.devserver.daemon`, a small process of its own, is the parent of both servers. Each process that uses them holds
a shared lock on one file, and the kernel drops a lock when its holder dies, however that happens. Once the daemon can
take that lock for itself nobody is left: it stops the servers and ends. If the daemon dies, the kernel tells the
servers to stop. The servers inherit one more lock, so "does anything still run?" is never answered from a stale
process id.
"""

import fcntl
import json
import logging
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import quote

from notify.core.errors import SetUpError
from notify.core.private_files import private_folder
from notify.devserver.start_watch import StartLimits, load

WAIT_SECONDS = 60.0  # for a stop
DAEMON_DIED = 75  # the exit status of a start whose daemon died without a word
_SOCKET_BYTES = 100  # the kernel's limit is 107
_LIMITS = StartLimits()
_NO_TUNING: Mapping[str, str] = MappingProxyType({})
_log = logging.getLogger("notify.devserver.embedded")

T = TypeVar("T")


class ServersMissing(SetUpError):
    """There is no PostgreSQL or no Valkey to start."""

    title = "The embedded servers are not installed"


class ServersDidNotStart(SetUpError):
    """A server refused to start, or to stop."""

    title = "The embedded servers did not start"


class DataDirectoryUnusable(SetUpError):
    """The data directory cannot be written, or is someone else's."""

    title = "The data directory cannot be used"


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a process needs to use the servers."""

    database_url: str
    redis_url: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class Status:
    """What runs and where it keeps its files. A process id is None when that process is not running."""

    data_dir: Path
    home: Path
    daemon_pid: int | None
    database_pid: int | None
    queue_pid: int | None
    logs: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user the servers run as when they are started by root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where one installation's servers live.

    `data_dir` holds locks, logs and the secret key. `home` holds what the servers own: it is `data_dir`, or a
    directory elsewhere when their user cannot reach that.
    """

    data_dir: Path
    home: Path
    sockets: Path
    account: Account | None

    @property
    def record(self) -> Path:
        """The file with the process ids while the daemon runs."""
        return self.data_dir / "running.json"

    def lock_path(self, name: str) -> Path:
        """`start`: one starter at a time. `use`: shared by users. `keeper`, `servers`: held while those live."""
        return self.data_dir / "locks" / name

    def log_path(self, name: str) -> Path:
        return self.data_dir / f"{name}.log"


def locate(data_dir: Path) -> Place:
    """The place that belongs to a data directory; looks, and changes nothing."""
    data_dir = data_dir.resolve()
    account = _unprivileged_account()
    home, sockets = _recorded(data_dir) or _chosen(data_dir, account)
    return Place(data_dir, home, sockets, account)


def _unprivileged_account() -> Account | None:
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(entry.pw_uid, entry.pw_gid)


def _recorded(data_dir: Path) -> tuple[Path, Path] | None:
    try:
        record = json.loads((data_dir / "location").read_text())
    except (OSError, ValueError):
        return None
    if record["data_dir"] != str(data_dir):  # a copied directory: the record speaks of the original
        return None
    return Path(record["home"]), Path(record["sockets"])


def _chosen(data_dir: Path, account: Account | None) -> tuple[Path, Path]:
    key = sha256(str(data_dir).encode()).hexdigest()[:16]
    nearest = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    home = data_dir if is_reachable(nearest, account) else Path(f"/var/tmp/notify-{key}")  # noqa: S108
    sockets = home / "run"
    if len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) > _SOCKET_BYTES:
        sockets = Path(f"/tmp/notify-{key}")  # noqa: S108
    return home, sockets


def is_reachable(path: Path, account: Account | None) -> bool:
    """Whether the account may pass every directory down to `path`, and enter or execute `path` itself."""
    return account is None or all(_admits(step.stat(), account) for step in (path, *path.parents))


def _admits(facts: os.stat_result, account: Account) -> bool:
    if facts.st_uid == account.uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == account.gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


def lock(path: Path, kind: int) -> int | None:
    """A descriptor that holds the lock until it is closed, or None when someone else is in the way."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:  # not removed by a reset meanwhile
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def is_held(path: Path) -> bool:
    """Whether any process holds the lock for itself. Makes no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def wait_for(question: Callable[[], T | None], refusal: str, *, seconds: float = WAIT_SECONDS) -> T:
    """The first answer that is neither None nor False; ServersDidNotStart with `refusal` after this time."""
    deadline = time.monotonic() + seconds
    while (answer := question()) is None or answer is False:
        if time.monotonic() > deadline:
            raise ServersDidNotStart(f"{refusal} Waited {seconds:.0f} s; {load()}.")
        time.sleep(0.02)
    return answer


@contextmanager
def servers(
    data_dir: Path, *, tuning: Mapping[str, str] = _NO_TUNING, limits: StartLimits = _LIMITS
) -> Iterator[Addresses]:
    """The addresses of two running servers, which are stopped when the last process that uses them has left.

    Starts what does not run, and joins what does: then `tuning`, more PostgreSQL settings, has no effect.
    A server that dies or hangs while it starts is started again within `limits`, and one that dies later too.
    Raises: a SetUpError that says what to do.
    """
    place = locate(data_dir)
    with _start_lock(place, limits):
        use = wait_for(
            lambda: lock(place.lock_path("use"), fcntl.LOCK_SH),
            f"The servers in {place.data_dir} are still stopping; see the logs there.",
        )
        try:
            _ensure_daemon(place, tuning, limits)
            addresses = _addresses(place)
        except BaseException:
            os.close(use)
            raise
    try:
        yield addresses
    finally:
        os.close(use)
        wait_for(lambda: _has_left(place), f"The servers in {place.data_dir} do not stop; see the logs there.")


def reset(data_dir: Path) -> None:
    """Stop the servers, whoever uses them, and delete their data and the secret key. Other files stay."""
    place = locate(data_dir)
    if not place.data_dir.exists():
        return
    with _start_lock(place):
        _stop_daemon(place)
        for path in (place.home / name for name in ("database", "database.new", "queue", "binaries")):
            shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(place.sockets, ignore_errors=True)
        for name in ("postgres", "valkey", "keeper"):
            place.log_path(name).unlink(missing_ok=True)
        for name in ("secret_key", "location", "running.json"):
            (place.data_dir / name).unlink(missing_ok=True)
        shutil.rmtree(place.data_dir / "locks", ignore_errors=True)
        for path in {place.home, place.data_dir}:
            with suppress(OSError):  # it holds files that are not ours
                path.rmdir()


def status(data_dir: Path) -> Status:
    """What runs now. Starts nothing and writes nothing."""
    place = locate(data_dir)
    pids: dict[str, int] = {}
    if is_held(place.lock_path("keeper")):
        with suppress(OSError, ValueError):
            pids = json.loads(place.record.read_text())
    logs = tuple(path for name in ("postgres", "valkey", "keeper") if (path := place.log_path(name)).exists())
    return Status(
        data_dir=place.data_dir,
        home=place.home,
        daemon_pid=pids.get("keeper"),
        database_pid=pids.get("postgres"),
        queue_pid=pids.get("valkey"),
        logs=logs,
    )


@contextmanager
def _start_lock(place: Place, limits: StartLimits = _LIMITS) -> Iterator[None]:
    try:
        private_folder(place.data_dir, may_be_entered=place.account is not None and place.home == place.data_dir)
        place.lock_path("start").parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryUnusable(
            f"{place.data_dir} cannot be written: {error.strerror}. Choose another with NOTIFY_DATA_DIR."
        ) from error
    descriptor = wait_for(
        lambda: lock(place.lock_path("start"), fcntl.LOCK_EX),
        f"Another process is still starting the servers in {place.data_dir}. Try again, or stop it.",
        seconds=limits.longest_seconds,  # for as long as that process may take
    )
    try:
        yield
    finally:
        os.close(descriptor)


def _ensure_daemon(place: Place, tuning: Mapping[str, str], limits: StartLimits) -> None:
    """Return when the daemon runs and its servers answer."""
    daemon = place.lock_path("keeper")
    if is_held(daemon):  # another process launched it, and may have died before it was ready
        wait_for(
            lambda: place.record.exists() or not is_held(daemon),
            f"The servers do not answer; see the logs in {place.data_dir}.",
            seconds=limits.longest_seconds,
        )
    if not is_held(daemon):
        _launch_daemon(place, tuning, limits)


def _launch_daemon(place: Place, tuning: Mapping[str, str], limits: StartLimits) -> None:
    """Start the daemon, and again if it is killed before it is ready."""
    location = {name: str(getattr(place, name)) for name in ("data_dir", "home", "sockets")}
    (place.data_dir / "location").write_text(json.dumps(location))
    for attempt in range(1, limits.attempts + 1):
        wait_for(
            lambda: not is_held(place.lock_path("servers")),  # the daemon was killed, its servers are stopping
            f"Earlier servers in {place.data_dir} are still stopping; see the logs there.",
        )
        # It leaves our session and becomes nobody's child: Ctrl-C here must not stop servers that others use.
        launch = subprocess.run(  # noqa: S603
            [
                *(sys.executable, "-m", "notify.devserver.daemon", str(place.data_dir)),
                *(json.dumps(dict(tuning)), json.dumps(asdict(limits))),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if launch.returncode == 0:
            return
        was_killed = launch.returncode == DAEMON_DIED or launch.returncode < 0
        if not was_killed or attempt == limits.attempts:
            raise _complaint(launch.stderr or f"The daemon's start ended with status {launch.returncode}; {load()}.")
        _log.warning("the daemon died while it started (attempt %d of %d, %s)", attempt, limits.attempts, load())


def _complaint(report: str) -> SetUpError:
    name, _, detail = report.strip().partition(": ")
    for error in (ServersMissing, DataDirectoryUnusable):
        if name == error.__name__:
            return error(detail)
    return ServersDidNotStart(detail if name == ServersDidNotStart.__name__ else report.strip())


def _addresses(place: Place) -> Addresses:
    sockets = quote(str(place.sockets))
    return Addresses(
        database_url=f"postgresql://notify@/notify?host={sockets}",
        redis_url=f"unix://{sockets}/redis.sock",
        secret_key=_secret_key(place.data_dir / "secret_key"),
    )


def _secret_key(path: Path) -> str:
    """The installation's key, made once. The caller holds the start lock."""
    if path.exists():
        return path.read_text()
    key = secrets.token_urlsafe(48)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)
    fresh.rename(path)
    return key


def _has_left(place: Place) -> bool:
    """Whether there is nothing to wait for: the servers have stopped, or someone else uses them."""
    if not is_held(place.lock_path("servers")):
        return True
    alone = lock(place.lock_path("use"), fcntl.LOCK_EX)
    if alone is None:
        # A lock that can be shared is held by other users; one that cannot, by the daemon, which is stopping.
        return not is_held(place.lock_path("use"))
    os.close(alone)
    return False


def _stop_daemon(place: Place) -> None:
    pid = status(place.data_dir).daemon_pid
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_for(
        lambda: not is_held(place.lock_path("servers")),
        f"The servers in {place.data_dir} do not stop; end them yourself: {status(place.data_dir)}.",
    )
