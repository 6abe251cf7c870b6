"""Counts how often collection days are looked up and calendars read. Nothing about who did it is kept."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, select

from notify.core.db import transaction
from notify.waste.home_days import today
from notify.waste.models import CollectionUse, UseKind

log = logging.getLogger(__name__)

WRITE_AFTER_S = 10.0
ADD = """
    INSERT INTO collection_use (council_id, day, kind, times)
    SELECT counted.* FROM unnest(CAST(:councils AS uuid[]), CAST(:days AS date[]), CAST(:kinds AS text[]),
                                 CAST(:times AS integer[])) AS counted (council_id, day, kind, times)
    JOIN council ON council.id = counted.council_id
    ORDER BY 1, 2, 3
    ON CONFLICT (council_id, day, kind) DO UPDATE SET times = collection_use.times + excluded.times
"""

_lock = threading.Lock()
_counted: Counter[tuple[UUID, date, UseKind]] = Counter()
_written_at = 0.0


def count(council_id: UUID, kind: UseKind) -> None:
    """Count one look-up or reading. What this process counted is written now and then, outside of the caller's
    transaction: reading a page changes nothing that another request waits for. A page is shown where that fails, and
    the count is kept for the next time.
    """
    with _lock:
        _counted[council_id, today(), kind] += 1
        is_due = time.monotonic() - _written_at > WRITE_AFTER_S
    if is_due:
        write_if_possible()


def write() -> None:
    """Write down what this process counted."""
    global _written_at
    with _lock:
        taken = dict(_counted)
        _counted.clear()
        _written_at = time.monotonic()
    if not taken:
        return
    try:
        with transaction() as session:
            councils, days, kinds = zip(*taken, strict=True)
            values = {"councils": list(councils), "days": list(days), "kinds": [kind.value for kind in kinds]}
            session.execute(text(ADD), values | {"times": list(taken.values())})
    except BaseException:
        with _lock:
            _counted.update(taken)
        raise


def write_if_possible() -> None:
    """The same where what asks for it goes on all the same: a page, or the end of the process."""
    try:
        write()
    except Exception as error:
        log.warning("look-ups not counted", extra={"error": type(error).__name__})


def totals(session: Session, council_id: UUID, first: date, last: date) -> Mapping[UseKind, int]:
    """How often each happened between these days."""
    statement = select(CollectionUse).where(
        CollectionUse.council_id == council_id, CollectionUse.day >= first, CollectionUse.day <= last
    )
    found: Counter[UseKind] = Counter()
    for one in session.exec(statement):
        found[one.kind] += one.times
    return {kind: found[kind] for kind in UseKind}
