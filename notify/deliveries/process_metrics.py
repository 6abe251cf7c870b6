"""Writes down what processes counted and that they live, for `/metrics`, `notify queue status` and `notify doctor`.

Counters grow by what each process adds. What only holds for a while is written with the moment it was seen, on the
database's clock, so that it vanishes with the process that said it.
"""

import os
import socket
from collections.abc import Mapping

from sqlalchemy import text
from sqlmodel import Session

from notify.core import process_counters
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries.models import DeliveryState
from notify.deliveries.queries import count_dead
from notify.providers import circuit_breaker

WORKER_SEEN = "notify_worker_seen"
BREAKER_SEEN = "notify_breaker_seen"
SCHEDULER_SEEN = "notify_scheduler_seen"
DEAD = "notify_dead_deliveries"
FORGET_SECONDS = 600
# in order, so that two processes never wait for each other
ADD = """
    INSERT INTO meter (name, labels, value)
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:labels AS text[]), CAST(:values AS float[]))
        AS counted (name, labels, value)
    ORDER BY name, labels
    ON CONFLICT (name, labels) DO UPDATE SET value = meter.value + excluded.value
"""
SEE = """
    INSERT INTO meter (name, labels, value)
    SELECT :name, seen, extract(epoch FROM now()) FROM unnest(CAST(:labels AS text[])) AS seen
    ON CONFLICT (name, labels) DO UPDATE SET value = excluded.value
"""


def process_name() -> str:
    """This process, as far as anyone else can tell it from others: its host and its number there."""
    return f"{socket.gethostname()}:{os.getpid()}"


def write(lane: Lane | None = None) -> None:
    """Add this process's counts to the table `meter` and say that this worker of `lane` lives.

    What cannot be written is counted again and goes with the next call.
    """
    taken = process_counters.take()
    try:
        with transaction() as session:
            add_all(session, taken)
            if lane:
                _see(session, WORKER_SEEN, process_counters.labels_of({"lane": lane, "process": process_name()}))
                _publish_breakers(session)
    except BaseException:
        process_counters.give_back(taken)
        raise


def leave(lane: Lane) -> None:
    """Write the last counts down and forget that this worker lives: for the end of a process."""
    write()
    with transaction() as session:
        session.execute(
            text("DELETE FROM meter WHERE name IN (:worker, :breaker) AND strpos(labels, :process) > 0"),
            {"worker": WORKER_SEEN, "breaker": BREAKER_SEEN, "process": _process_label()},
        )


def add(session: Session, name: str, amount: float = 1, **labels: str) -> None:
    """Add to a counter within a transaction that counts what it does itself."""
    add_all(session, {(name, process_counters.labels_of(labels)): amount})


def _process_label() -> str:
    return process_counters.labels_of({"process": process_name()})


def add_all(session: Session, counted: Mapping[tuple[str, str], float]) -> None:
    """Add to counters by name and labels."""
    if counted:
        names, labels = zip(*counted, strict=True)
        session.execute(text(ADD), {"names": list(names), "labels": list(labels), "values": list(counted.values())})


def _see(session: Session, name: str, *labels: str) -> None:
    session.execute(text(SEE), {"name": name, "labels": sorted(labels)})


def _publish_breakers(session: Session) -> None:
    process = process_name()
    now = [
        process_counters.labels_of({"process": process, "provider": provider, "state": state})
        for provider, state in circuit_breaker.states().items()
    ]
    session.execute(
        text("DELETE FROM meter WHERE name = :name AND strpos(labels, :process) > 0 AND NOT labels = ANY(:now)"),
        {"name": BREAKER_SEEN, "process": _process_label(), "now": now},
    )
    _see(session, BREAKER_SEEN, *now)


def scheduler_ran(session: Session) -> None:
    """Say that the scheduler lives, and forget processes that have said nothing for long."""
    _see(session, SCHEDULER_SEEN, "")
    session.execute(
        text("DELETE FROM meter WHERE name IN (:worker, :breaker) AND value < extract(epoch FROM now()) - :seconds"),
        {"worker": WORKER_SEEN, "breaker": BREAKER_SEEN, "seconds": FORGET_SECONDS},
    )


def tally_dead(session: Session) -> None:
    """Count the dead deliveries again, so that nobody who asks for the metrics has to wait for it."""
    counts = count_dead(session)
    session.execute(
        text("""
            INSERT INTO meter (name, labels, value)
            SELECT :name, c.labels, c.value
            FROM unnest(CAST(:labels AS text[]), CAST(:values AS float[])) AS c (labels, value)
            ON CONFLICT (name, labels) DO UPDATE SET value = excluded.value
        """),
        {
            "name": DEAD,
            "labels": [process_counters.labels_of({"state": DeliveryState(state)}) for state in counts],
            "values": list(counts.values()),
        },
    )
