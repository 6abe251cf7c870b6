"""When the tests happen: now, or from the moment on that NOTIFY_TEST_MOMENT names, which `make nightly` sets.

Time passes as it does elsewhere; the clocks of Python and of the database's business dates are set alike. Leases,
deadlines of calls, and other people's programs keep the machine's clock.
"""

import os
from datetime import UTC, datetime, timedelta

from notify.core import clock

_NAMED = os.environ.get("NOTIFY_TEST_MOMENT")
# counted once, by the process that starts the others, so that all of them live at the same time
_BEGAN = datetime.fromisoformat(os.environ.setdefault("NOTIFY_TEST_BEGAN", datetime.now(UTC).isoformat()))
OFFSET = datetime.fromisoformat(_NAMED).astimezone(UTC) - _BEGAN if _NAMED else timedelta()


def present() -> datetime:
    """The present of the tests, aware and in UTC, whatever a test made of the clock."""
    return datetime.now(UTC) + OFFSET


def restore() -> None:
    """Undo what a test made of the clock."""
    clock.use(present if OFFSET else None)


def ahead(**how_far: float) -> None:
    """From here on it is so much later: `ahead(days=1)`. Time goes on from there."""
    distance = timedelta(**how_far)
    clock.use(lambda: present() + distance)


def database_settings() -> dict[str, str]:
    """What the tests' database server is told of it."""
    return {"notify.clock_offset": f"{OFFSET.total_seconds()} seconds"}
