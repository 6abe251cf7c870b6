"""All lanes and the scheduler in one process, for one machine of one's own: `python -m workers.everything`.

Seven processes that sleep hold seven copies of the same code. In production each lane has processes of its own, so that
the urgent never waits behind the bulky and one that dies takes no other with it: `notify workers`.
"""

from notify.core import logs
from notify.core.jobs import Lane
from notify.core.private_files import keep_private
from workers import process, scheduler

# the last is the broker that the rest of the process finds
THREADS = {Lane.EMERGENCY: 4, Lane.TRANSACTIONAL: 2, Lane.ROUTINE: 4}


def main() -> None:
    """Work on every lane and do the scheduler's tasks until SIGTERM; then finish what is in hand."""
    logs.configure()
    keep_private()
    process.serve(THREADS, scheduler.serve)


if __name__ == "__main__":
    main()
