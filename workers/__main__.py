"""One worker process for one lane: `python -m workers --lane emergency`."""

import argparse
import os
import threading
from collections.abc import Sequence

from notify.core import logs
from notify.core.jobs import Lane
from notify.core.private_files import keep_private
from workers import process

# under load the operating system serves the urgent first
NICENESS = {Lane.EMERGENCY: 0, Lane.TRANSACTIONAL: 0, Lane.ROUTINE: 15}


def main(arguments: Sequence[str] | None = None) -> None:
    """Work on one lane until SIGTERM; then finish what is in hand."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--lane", type=Lane, choices=list(Lane), required=True, help="the queue to work on")
    parser.add_argument("--threads", type=int, default=4, help="batches sent at the same time (default 4)")
    chosen = parser.parse_args(arguments)
    logs.configure()
    keep_private()
    os.nice(NICENESS[chosen.lane])
    process.serve({chosen.lane: chosen.threads}, threading.Event.wait)


if __name__ == "__main__":
    main()
