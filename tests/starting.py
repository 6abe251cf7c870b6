"""What a whole test run stands on is started more than once before every test fails for want of it."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from notify.core.errors import SetUpError
from notify.devserver.start_watch import StartLimits

ATTEMPTS = 3
LONGEST_SECONDS = 400.0  # pytest ends a process whose test has not ended after ten minutes

T = TypeVar("T")
log = logging.getLogger(__name__)


@contextmanager
def started(start: Callable[[StartLimits], AbstractContextManager[T]], what: str) -> Iterator[T]:
    """What `start` gives, while the block runs. It is called again when it fails, and has to begin afresh then.

    For fixtures of a session: pytest remembers their error and gives it to every later test of the process. The error
    after the last attempt says how those before it failed.
    """
    begun = time.monotonic()
    failures: list[str] = []
    with ExitStack() as stack:
        while True:
            limits = StartLimits(longest_seconds=LONGEST_SECONDS - (time.monotonic() - begun))
            try:
                running = stack.enter_context(start(limits))
                break
            except (SetUpError, OperationalError) as error:
                seconds = time.monotonic() - begun
                if len(failures) + 1 >= ATTEMPTS or seconds + limits.idle_seconds > LONGEST_SECONDS:
                    error.add_note("\n".join([*failures, f"{what}: the last attempt, {seconds:.0f} s after the first"]))
                    raise
                failures.append(f"{what}, attempt {len(failures) + 1} of {ATTEMPTS}, after {seconds:.0f} s: {error}")
                log.warning(failures[-1])
        yield running
