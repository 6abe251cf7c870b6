"""Whether time and memory stay in proportion: one alert to 10,000, to 100,000 and to 1,000,000 people.

    python -m benchmarks.scale [--largest 1000000] [--workers N] [--threads N]

One installation; topics with that many followers among the same residents; new processes for each size, so that every
peak of memory is that size's own.
"""

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass

from benchmarks import ledger, smtp_sink
from benchmarks.figures import exponent, tell
from benchmarks.installation import add_places, add_residents, add_topic, installation, make_council
from benchmarks.processes import Running, routine_workers, started
from notify.core import db
from notify.core.jobs import Lane
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from tests.running import free_port

SIZES = (10_000, 100_000, 1_000_000)
POSTCODES = 3_900
SECONDS_EACH = 0.005  # patience: 200 messages a second


@dataclass(frozen=True, slots=True)
class Row:
    """One size."""

    recipients: int
    post_seconds: float
    seconds: float
    rate: int
    worker_peak_mb: float
    peak_mb: dict[str, float]


def run(largest: int, *, workers: int, threads: int) -> dict[str, object]:
    """A row for each size, and the exponent of seconds over recipients."""
    sizes = [size for size in SIZES if size <= largest] or [largest]
    port = free_port()
    with smtp_sink.sink(port), installation() as folder:
        os.environ |= {"NOTIFY_SMTP_HOST": "127.0.0.1", "NOTIFY_SMTP_PORT": str(port)}
        key = _council(sizes)
        rows = []
        for size in sizes:
            ledger.settle()
            with started(folder, key, workers={Lane.ROUTINE: workers}, threads=threads) as running:
                rows.append(_send(running, size))
            tell(f"{size:,} recipients", asdict(rows[-1]))
    return {
        "benchmark": "scale",
        "workers": workers,
        "threads": threads,
        "exponent": round(exponent(sizes, [row.seconds for row in rows]), 3) if len(rows) > 1 else None,
        "worker_peak_mb": max(row.worker_peak_mb for row in rows),
        "rows": [asdict(row) for row in rows],
    }


def _council(sizes: list[int]) -> str:
    first = NewTopic(slug=_slug(sizes[-1]), name="Everyone", tracking_allowed=True, channels=[Channel.EMAIL])
    council_id, key = make_council(first)
    with db.transaction() as session:
        add_places(session, POSTCODES)
    with db.transaction() as session:
        add_residents(session, sizes[-1], postcodes=POSTCODES, phones=False)
    for size in sizes[:-1]:
        add_topic(council_id, _slug(size), followers=size)
    return key


def _slug(size: int) -> str:
    return f"followers-{size}"


def _send(running: Running, size: int) -> Row:
    posted = running.post(_slug(size))
    ledger.wait_until_sent(posted.alert_id, seconds=60 + size * SECONDS_EACH)
    seconds = time.monotonic() - posted.at
    states = ledger.states(posted.alert_id)
    assert states == {"sent": size}, states
    peaks = running.peaks_mb()
    return Row(
        recipients=size,
        post_seconds=round(posted.seconds, 3),
        seconds=round(seconds, 2),
        rate=round(size / seconds),
        worker_peak_mb=max(peak for role, peak in peaks.items() if "worker" in role),
        peak_mb=peaks,
    )


def main() -> None:
    """Measure, and print one JSON object as the last line."""
    workers, threads = routine_workers()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="leave out what is larger (default %(default)s)")
    parser.add_argument("--workers", type=int, default=workers, help="routine worker processes (default %(default)s)")
    parser.add_argument("--threads", type=int, default=threads, help="threads of each (default %(default)s)")
    chosen = parser.parse_args()
    print(json.dumps(run(chosen.largest, workers=chosen.workers, threads=chosen.threads)))


if __name__ == "__main__":
    main()
