"""The processes of an installation and how each is started. `compose.yaml` starts the same ones."""

import sys
from collections.abc import Mapping, Sequence

from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.processes.supervisor import Command

GRACE_SECONDS = 30.0  # from SIGTERM until what still runs is killed; `stop_grace_period` of compose.yaml is longer


def web_process(host: str, port: int, workers: int = 1) -> Command:
    """The pages and the API."""
    argv = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "notify.app:create_logged_app"]
    argv += ["--host", host, "--port", str(port), "--workers", str(workers), "--no-ws", "--log-level", "warning"]
    # a worker told to stop while it still starts does not hear it: granian ends it after this many seconds
    argv += ["--workers-kill-timeout", "5"]
    return Command("web", argv)


def worker_process(lane: Lane, threads: int, *, number: int | None = None) -> Command:
    """One worker on one lane; `number` tells it from others of its lane."""
    argv = [sys.executable, "-m", "workers", "--lane", lane.value, "--threads", str(threads)]
    return Command(f"worker {lane}" if number is None else f"worker {lane} {number}", argv)


def worker_processes(counts: Mapping[Lane, int], threads: int) -> Sequence[Command]:
    """So many workers on each lane, the most urgent first."""
    return [worker_process(lane, threads, number=number + 1) for lane in Lane for number in range(counts.get(lane, 0))]


def workers_chosen() -> Mapping[Lane, int]:
    """How many worker processes of each lane the settings ask for."""
    chosen = settings()
    return {
        Lane.EMERGENCY: chosen.emergency_workers,
        Lane.TRANSACTIONAL: chosen.transactional_workers,
        Lane.ROUTINE: chosen.routine_workers,
    }


def scheduler_process() -> Command:
    """What starts scheduled alerts and finds forgotten work."""
    return Command("scheduler", [sys.executable, "-m", "workers.scheduler"])


def service_processes(port: int) -> Sequence[Command]:
    """Everything that a small installation runs."""
    workers = worker_processes(workers_chosen(), settings().worker_threads)
    return [web_process("127.0.0.1", port), *workers, scheduler_process()]
