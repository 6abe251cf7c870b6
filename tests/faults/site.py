"""The system under test: real processes, started again as a supervisor would, and what can be done to them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from notify.core.jobs import Lane, redis_url
from notify.core.parent_death import die_with_parent
from notify.core.settings import settings
from notify.devserver import embedded
from notify.processes.command_lines import scheduler_process, web_process, worker_process
from notify.processes.supervisor import Command
from notify.providers.smtp.provider import SmtpSettings
from tests.faults.oracle import Relay
from tests.running import answers, free_port, wait_until

RESTART_S = 0.5
THREADS = 2
WORKERS = {
    "routine 1": Lane.ROUTINE,
    "routine 2": Lane.ROUTINE,
    "emergency 1": Lane.EMERGENCY,
    "emergency 2": Lane.EMERGENCY,
    "transactional": Lane.TRANSACTIONAL,
}
SCHEDULERS = ("scheduler 1", "scheduler 2")
WEB = "web"
READY = b'"worker ready"'


class Child:
    """One process of the installation with a log of its own. Start it from the main thread: it dies with that."""

    def __init__(self, command: Command, log: Path) -> None:
        self.command = command
        self.log = log
        self._is_ready = False
        self._start()

    def _start(self) -> None:
        self._is_ready = False
        self._died_at: float | None = None
        with self.log.open("ab") as output:
            self._begins_at = output.tell()
            self.process = subprocess.Popen(
                self.command.argv,
                env=os.environ | dict(self.command.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def is_ready(self) -> bool:
        """Whether this worker has said that it works."""
        if not self._is_ready and self.is_alive():
            with self.log.open("rb") as log:
                log.seek(self._begins_at)
                self._is_ready = READY in log.read()
        return self._is_ready and self.is_alive()

    def kill(self) -> None:
        """End it, with all that it started, without a word."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._died_at = time.monotonic()

    def tend(self) -> bool:
        """Start it again some time after its death; whether it died unasked since the last look."""
        if self.is_alive():
            return False
        if self._died_at is None:
            self.kill()  # what it left behind
            return True
        if time.monotonic() >= self._died_at + RESTART_S:
            self._start()
        return False

    def last_words(self) -> str:
        """Its status and the end of its log."""
        return f"status {self.process.returncode}, {self.log.read_text(errors='replace').strip()[-300:]}"

    def stop(self) -> None:
        """Ask it to end, and make it after half a minute."""
        if self.is_alive():
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=30)
        self.kill()


class Site:
    """Everything that runs, and ways to hurt it. Not for several threads."""

    def __init__(self, folder: Path, relay: Relay, pace: float) -> None:
        self.folder = folder
        self.pace = pace  # how long faults last, beside their usual length
        self.relay = relay
        self._port = free_port()
        self.base_url = f"http://127.0.0.1:{self._port}"
        self.died_unasked = 0
        self._timers: list[tuple[float, Callable[[], object]]] = []
        self._killed_servers: set[int] = set()
        os.environ["NOTIFY_BASE_URL"] = self.base_url
        commands = {name: worker_process(lane, THREADS) for name, lane in WORKERS.items()}
        commands |= dict.fromkeys(SCHEDULERS, scheduler_process())
        commands[WEB] = web_process("127.0.0.1", self._port)
        self.children = {name: Child(command, folder / f"{name}.log") for name, command in commands.items()}

    def tend(self) -> None:
        """Start again what died, and do what was put off until now."""
        for name, child in self.children.items():
            if child.tend():
                self.died_unasked += 1
                print(f"  {name} died unasked: {child.last_words()}", file=sys.stderr, flush=True)
        due = [timer for timer in self._timers if timer[0] <= time.monotonic()]
        self._timers = [timer for timer in self._timers if timer not in due]
        for _, action in due:
            action()

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something at the first `tend` after so many seconds."""
        self._timers.append((time.monotonic() + seconds, action))

    def is_undisturbed(self) -> bool:
        """Whether nothing that was put off is still to come."""
        return not self._timers

    def wait_until_ready(self) -> None:
        """Return when every worker works and the web answers."""

        def all_ready() -> bool:
            self.tend()
            return all(self.children[name].is_ready() for name in WORKERS) and answers(self.base_url)

        wait_until(all_ready, what="every process")

    def ready_workers(self, names: Collection[str] = WORKERS.keys()) -> Sequence[str]:
        """Those of these workers that work just now."""
        return [name for name in names if self.children[name].is_ready()]

    def web_listens(self) -> bool:
        """Whether somebody takes calls at the web's port."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill_workers(self, names: Collection[str]) -> int:
        """SIGKILL; at most how many messages were in flight there.

        A process has so many connections, whatever the number of its threads. On each at most two messages are under
        way: the one whose text was sent and whose answer has not come, or has come and is not written down, and the
        next, which leaves together with its end.
        """
        for name in names:
            self.children[name].kill()
        return len(names) * SmtpSettings().connections * 2

    def replace_worker(self, name: str, module: str) -> None:
        """Stop this worker in order, and run it as `python -m module` from now on."""
        child = self.children[name]
        child.stop()
        argv = [sys.executable, "-m", module, *child.command.argv[3:]]
        self.children[name] = Child(replace(child.command, argv=argv), child.log)
        self.wait_until_ready()

    def kill_server(self, kind: str) -> bool:
        """SIGKILL PostgreSQL's postmaster or Valkey, which their daemon starts again; whether it ran."""
        status = embedded.status(self.folder)
        pid = {"database": status.database_pid, "queue": status.queue_pid}[kind]
        if pid is None or pid in self._killed_servers:  # not up again
            return False
        self._killed_servers.add(pid)
        os.kill(pid, signal.SIGKILL)
        return True

    def empty_queue(self) -> bool:
        """FLUSHALL; whether the queue was there to be emptied."""
        try:
            # at once or not at all: meanwhile nothing that died is started again
            with redis.Redis.from_url(redis_url(), socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
                client.flushall()
        except redis.RedisError:
            return False
        return True

    def ask(self, question: str, *values: object) -> Sequence[tuple[object, ...]] | None:
        """Rows of the database; None while it is away."""
        try:
            with psycopg.connect(settings().database_url or "", connect_timeout=2, autocommit=True) as connection:
                return connection.execute(question.encode(), values).fetchall()
        except psycopg.OperationalError:
            return None

    def stop(self) -> None:
        """End everything in order."""
        for child in self.children.values():
            if child.is_alive():
                child.process.terminate()
        for child in self.children.values():
            child.stop()


@contextmanager
def site(folder: Path, relay: Relay, *, pace: float) -> Iterator[Site]:
    """A running installation in `folder` whose mail goes to `relay`. Faults last `pace` times their usual length."""
    os.environ |= {"NOTIFY_SMTP_HOST": "127.0.0.1", "NOTIFY_SMTP_PORT": str(relay.port)}
    running = Site(folder, relay, pace)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
