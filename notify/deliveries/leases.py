"""The batches that this process holds: leases are prolonged while sending makes progress, and given back at the end."""

import threading
import time
from uuid import UUID

from notify.core.db import transaction
from notify.deliveries import batches

STUCK_SECONDS = 120.0  # an adapter that says nothing for so long loses its lease; ours all give up long before

stopping = threading.Event()  # set when this process is to end: give back what is held, quickly
_held: dict[UUID, float] = {}  # leases, and when there was progress last
_slices: set[threading.Event] = set()  # of each slice under way: set when the rest of it is to stay here


def stop() -> None:
    """End soon: what is under way ends, the rest is given back."""
    stopping.set()
    for withdrawn in list(_slices):
        withdrawn.set()


def keep_leases() -> None:
    """Prolong what this process has in hand and gets on with. To be called several times in the life of a lease."""
    recently = time.monotonic() - STUCK_SECONDS
    if leases := [lease for lease, progress in list(_held.items()) if progress > recently]:
        with transaction() as session:
            batches.prolong(session, leases)


def progress(lease: UUID) -> None:
    """Note that the batch of this lease is being sent, and has just got on."""
    _held[lease] = time.monotonic()


def drop(lease: UUID) -> None:
    """Forget a lease whose batch is over."""
    _held.pop(lease, None)


def open_slice(withdrawn: threading.Event) -> None:
    """Remember a slice under way, so that `stop` can end it."""
    _slices.add(withdrawn)


def close_slice(withdrawn: threading.Event) -> None:
    """Forget a slice that is over."""
    _slices.discard(withdrawn)
