"""`notify web`, `worker`, `workers` and `scheduler`: the processes of an installation, each by itself."""

import os
import sys
from typing import NoReturn

import click

from notify.core import logs
from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.devserver import embedded, installation
from notify.processes.command_lines import (
    GRACE_SECONDS,
    scheduler_process,
    web_process,
    worker_process,
    worker_processes,
    workers_chosen,
)
from notify.processes.supervisor import Command
from notify.processes.supervisor import run as supervise


def _serve(process: Command) -> NoReturn:
    """Become this process, or stay its parent while it needs our embedded servers."""
    with installation.servers():
        chosen = settings()
        if not embedded.status(chosen.data_dir).database_pid:
            os.execve(process.argv[0], list(process.argv), {**os.environ, **process.env})  # noqa: S606 - our own argv
        sys.exit(supervise([process], grace_seconds=GRACE_SECONDS))


@click.command("web")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Web processes.")
def web_command(host: str, port: int, workers: int) -> None:
    """Serve the pages and the API."""
    _serve(web_process(host, port, workers))


@click.command("worker")
@click.argument("lane", type=click.Choice([lane.value for lane in Lane]))
@click.option("--threads", type=click.IntRange(1), help="Batches sent at a time; NOTIFY_WORKER_THREADS.")
def worker_command(lane: str, threads: int | None) -> None:
    """Work on one lane: emergency, transactional or routine. `notify workers` runs all of them."""
    _serve(worker_process(Lane(lane), threads or settings().worker_threads))


@click.command("workers")
@click.option("--emergency", type=click.IntRange(0), help="Processes of this lane; NOTIFY_EMERGENCY_WORKERS.")
@click.option("--transactional", type=click.IntRange(0), help="The same; NOTIFY_TRANSACTIONAL_WORKERS.")
@click.option("--routine", type=click.IntRange(0), help="The same; NOTIFY_ROUTINE_WORKERS.")
@click.option("--threads", type=click.IntRange(1), help="Batches each sends at a time; NOTIFY_WORKER_THREADS.")
@click.option("--scheduler/--no-scheduler", default=True, show_default=True, help="Run a scheduler too.")
def workers_command(threads: int | None, scheduler: bool, **counts: int | None) -> None:
    """Run the workers of every lane and a scheduler, and restart any that end.

    SIGTERM asks all of them to finish what is in hand, which takes seconds; what still runs after 30 s is killed and
    loses nothing either.
    """
    logs.configure()
    chosen = {lane: counts[lane.value] for lane in Lane}
    counted = {
        lane: default if (count := chosen[lane]) is None else count for lane, default in workers_chosen().items()
    }
    commands = [
        *worker_processes(counted, threads or settings().worker_threads),
        *([scheduler_process()] if scheduler else []),
    ]
    if not commands:
        raise click.UsageError("That is no process at all: ask for at least one worker or the scheduler.")
    with installation.servers():
        sys.exit(supervise(commands, grace_seconds=GRACE_SECONDS))


@click.command("scheduler")
def scheduler_command() -> None:
    """Start scheduled alerts and find forgotten work. Several may run; one acts."""
    _serve(scheduler_process())
