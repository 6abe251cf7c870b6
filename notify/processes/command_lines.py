"""The processes of an installation and how each is started. `compose.yaml` starts the same ones."""

import sys
from collections.abc import Mapping, Sequence

from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.processes.supervisor import Command

# `workers` is found beside the package or inside it, and never taken from someone else's package of that name
PYTHON: Sequence[str] = (sys.executable, "-m", "notify.processes.background")

POOL_OF_ALL_LANES = 30  # database connections at most, for a process that has every lane's threads

WORKERS_WAIT_S = 2.5  # on a machine of one's own the pages load first
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
    argv = [*PYTHON, "workers", "--lane", lane.value, "--threads", str(threads)]
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
    return Command("scheduler", [*PYTHON, "workers.scheduler"])


def own_machine_processes(port: int) -> Sequence[Command]:
    """The same for a machine of one's own: all lanes and the scheduler share a process unless workers are counted."""
    if settings().model_fields_set & {"emergency_workers", "transactional_workers", "routine_workers"}:
        return service_processes(port)
    pool = {} if "database_pool" in settings().model_fields_set else {"NOTIFY_DATABASE_POOL": str(POOL_OF_ALL_LANES)}
    return [web_process("127.0.0.1", port), Command("workers", [*PYTHON, "workers.everything"], pool, WORKERS_WAIT_S)]


def service_processes(port: int) -> Sequence[Command]:
    """Everything that a small installation runs."""
    workers = worker_processes(workers_chosen(), settings().worker_threads)
    return [web_process("127.0.0.1", port), *workers, scheduler_process()]
