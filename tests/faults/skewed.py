"""`python -m tests.faults.skewed --lane …`: a worker whose clock jumps 90 seconds ahead at SIGUSR1 and back at SIGUSR2.

Only what Python itself calls the time jumps: `time.time`, which Dramatiq's heartbeats use, `time.time_ns`, which new
ids are made of, and `notify.core.clock`. The database has a clock of its own.
"""

import signal
import time
from datetime import UTC, datetime

JUMP_S = 90.0
_ahead_s = 0.0
_true_time = time.time
_true_time_ns = time.time_ns


def _jump(seconds: float) -> None:
    global _ahead_s
    _ahead_s = seconds


def main() -> None:
    """Bend the clock, then be a worker."""
    # before anything is imported that takes `time` by name
    time.time = lambda: _true_time() + _ahead_s
    time.time_ns = lambda: _true_time_ns() + int(_ahead_s * 1e9)
    signal.signal(signal.SIGUSR1, lambda *_: _jump(JUMP_S))
    signal.signal(signal.SIGUSR2, lambda *_: _jump(0.0))
    from notify.core import clock
    from workers.__main__ import main as work

    clock.use(lambda: datetime.fromtimestamp(time.time(), UTC))
    work()


if __name__ == "__main__":
    main()
