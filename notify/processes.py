"""The processes of an installation and how each is started. `compose.yaml` starts the same ones."""

import sys
from collections.abc import Sequence

from notify.jobs import Lane
from notify.supervisor import Command


def web_process(host: str, port: int, workers: int = 1) -> Command:
    """The pages and the API."""
    argv = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "notify.app:create_app"]
    argv += ["--host", host, "--port", str(port), "--workers", str(workers), "--no-ws", "--log-level", "warning"]
    # a worker told to stop while it still starts does not hear it: granian ends it after this many seconds
    argv += ["--workers-kill-timeout", "5"]
    return Command("web", argv)


def worker_process(lane: Lane, threads: int) -> Command:
    """One worker on one lane."""
    argv = [sys.executable, "-m", "workers", "--lane", lane.value, "--threads", str(threads)]
    return Command(f"worker {lane}", argv)


def scheduler_process() -> Command:
    """What starts scheduled alerts and finds forgotten work."""
    return Command("scheduler", [sys.executable, "-m", "workers.scheduler"])


def service_processes(port: int) -> Sequence[Command]:
    """Everything that a small installation runs."""
    workers = [worker_process(lane, threads=4) for lane in Lane]
    return [web_process("127.0.0.1", port), *workers, scheduler_process()]
