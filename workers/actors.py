"""Every job. Each opens nothing itself: it calls one use case, which opens and closes its own transactions."""

from collections.abc import Callable
from uuid import UUID

import dramatiq

from notify.core.jobs import Job, Lane
from notify.deliveries import service_messages, staff_notifications, worker_loop
from notify.places import release_tasks
from notify.subscribers.imports import import_runs
from notify.waste import upload_runs


def _on_id(work: Callable[[UUID], None]) -> Callable[[str], None]:
    """Jobs carry ids as text, because a queue knows nothing else."""

    def run(identity: str) -> None:
        work(UUID(identity))

    return run


def _send_next(lane: str) -> None:
    worker_loop.send_next(Lane(lane))


ACTORS: dict[Job, Callable[[str], None]] = {
    Job.EXPAND_ALERT: _on_id(worker_loop.start_alert),
    Job.SEND_NEXT: _send_next,
    Job.SEND_SERVICE_MESSAGE: _on_id(service_messages.send_service_message),
    Job.TELL_STAFF: staff_notifications.tell,
    Job.LOAD_COLLECTIONS: _on_id(upload_runs.run),
    Job.IMPORT_SUBSCRIBERS: _on_id(import_runs.run),
    Job.WORK_ON_RELEASE: _on_id(release_tasks.run),
}


def register(broker: dramatiq.Broker) -> None:
    """Make an actor for every job on this broker. The lane is chosen when a job is noted, not here."""
    for job, work in ACTORS.items():
        declare = dramatiq.actor(actor_name=job.value, queue_name=Lane.ROUTINE, broker=broker)
        declare(work)
