"""What `notify doctor` checks about sending: holds, silent workers, journals that cannot be written."""

import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.deliveries import holds, metrics_exposition
from notify.deliveries.journal import folder
from notify.subscribers.suppression import bounces


def complaints() -> Sequence[str]:
    """A sentence with its remedy for everything that keeps messages from going out. None when nothing does."""
    try:
        with transaction() as session:
            in_force = holds.in_force(session)
            workers = metrics_exposition.workers_seen(session)
            scheduler_age_s = metrics_exposition.scheduler_age_s(session)
            waiting = bounces.waiting(session)
    except (DBAPIError, NotifyError):
        return _of_journals()  # the database has a check of its own
    said = [f"On hold: {holds.scope_of(hold)} since {hold.at:%-d %b %H:%M} UTC. {hold.reason}" for hold in in_force]
    silent = [lane for lane, count in workers.items() if not count]
    if len(silent) == len(workers):
        said.append("No worker has reported for a minute: start `notify workers`, or `notify run`.")
    elif silent:
        said.append(f"No worker of the lane {' and '.join(silent)} has reported for a minute: see `notify workers`.")
    if scheduler_age_s > metrics_exposition.SEEN_LATELY_S and len(silent) < len(workers):
        said.append("No scheduler has run for a minute: start `notify workers` or `notify scheduler`.")
    if waiting:
        said.append(
            f"{waiting:,} hard bounces wait for a person, because many had one cause: see /staff/suppressions of the "
            "councils that sent to these addresses."
        )
    return [*said, *_of_journals()]


def _of_journals() -> Sequence[str]:
    place = _nearest(folder())
    if os.access(place, os.W_OK | os.X_OK):
        return []
    return [
        f"{place} cannot be written, so a worker that is killed repeats what it was sending: "
        "give NOTIFY_DATA_DIR a folder that this user may write."
    ]


def _nearest(path: Path) -> Path:
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.exists())
