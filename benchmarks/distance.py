"""How fast the engine is when every reply of the relay comes 20 ms later, beside smtplib in 32 threads.

    python -m benchmarks.distance [--recipients 30000] [--workers 2] [--threads N] [--connections 100]

The distance is `benchmarks.delay`, a process of its own between the workers and smtp-sink. What it really adds is
measured while the alert is sent, by a NOOP ten times a second on a connection of its own.
"""

import argparse
import json
import os
import smtplib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import ledger, proc, smtp_sink
from benchmarks.figures import percentile, tell
from benchmarks.installation import add_places, add_residents, add_topic, installation, make_council
from benchmarks.plain_smtp import smtplib_rate
from benchmarks.processes import routine_workers, started
from notify.core import db
from notify.core.jobs import Lane
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from tests.running import free_port

POSTCODES = 3_900
MILLISECONDS = 20
BAR = 5_000  # messages a second
SMTPLIB_THREADS, SMTPLIB_MESSAGES = 32, 2_000
SAMPLE = 1_000  # e-mails for each thread before the measurement, so that its connections are open


def run(recipients: int, *, workers: int, threads: int, connections: int) -> dict[str, object]:
    """The engine's rate over the long line, what a NOOP took meanwhile, and smtplib's rate over the same line."""
    port = free_port()
    options = ("--to", str(port), "--milliseconds", str(MILLISECONDS))
    with (
        smtp_sink.sink(port) as sink,
        proc.listening("benchmarks.delay", *options) as line,
        installation() as folder,
    ):
        idle = [_noop_ms(line.port) for _ in range(20)]
        reference = smtplib_rate("127.0.0.1", line.port, messages=SMTPLIB_MESSAGES, threads=SMTPLIB_THREADS)
        tell(f"smtplib in {SMTPLIB_THREADS} threads", {"messages": SMTPLIB_MESSAGES, "rate": round(reference)})
        os.environ |= {
            "NOTIFY_SMTP_HOST": "127.0.0.1",
            "NOTIFY_SMTP_PORT": str(line.port),
            "NOTIFY_SMTP_CONNECTIONS": str(connections),
        }
        key = _council(recipients, sample=workers * threads * SAMPLE)
        figures = _send(folder, key, recipients, workers, threads, {"line": line.pid, "sink": sink.pid})
    return {
        "benchmark": "distance",
        "recipients": recipients,
        "workers": workers,
        "threads": threads,
        "connections": connections,
        "reply_ms_idle": round(percentile(idle, 0.5), 1),
        **figures,
        "bar": BAR,
        "smtplib_rate": round(reference),
    }


def _council(recipients: int, *, sample: int) -> str:
    council_id, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True, channels=[Channel.EMAIL]))
    with db.transaction() as session:
        add_places(session, POSTCODES)
    with db.transaction() as session:
        add_residents(session, recipients, postcodes=POSTCODES, phones=False)
    add_topic(council_id, "sample", followers=sample)
    return key


def _send(
    folder: Path, key: str, recipients: int, workers: int, threads: int, others: dict[str, int]
) -> dict[str, object]:
    """One alert over the line, by processes whose connections are open already."""
    ledger.settle()
    with started(folder, key, workers={Lane.ROUTINE: workers}, threads=threads) as running:
        ledger.wait_until_sent(running.post("sample").alert_id, seconds=120)
        cpu = _cpu(running.workers(), others)
        with _noops(int(os.environ["NOTIFY_SMTP_PORT"])) as noops:
            posted = running.post("bins")
            ledger.wait_until_sent(posted.alert_id, seconds=300)
            seconds = time.monotonic() - posted.at
        after = _cpu(running.workers(), others)
        states = ledger.states(posted.alert_id)
        assert states == {"sent": recipients}, states
        peak = max(proc.peak_mb(pid) for pid in running.workers())
    return {
        "seconds": round(seconds, 2),
        "rate": round(recipients / seconds),
        "reply_ms_p50": round(percentile(noops, 0.5), 1),
        "reply_ms_p95": round(percentile(noops, 0.95), 1),
        "worker_peak_mb": peak,
        "cpu_us": {part: round((after[part] - cpu[part]) / recipients * 1e6, 1) for part in after},
    }


def _cpu(workers: list[int], others: dict[str, int]) -> dict[str, float]:
    return {"workers": proc.cpu_seconds(*workers), **{name: proc.cpu_seconds(pid) for name, pid in others.items()}}


def _noop_ms(port: int) -> float:
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        return _timed_noop(smtp)


def _timed_noop(smtp: smtplib.SMTP) -> float:
    start = time.monotonic()
    smtp.noop()
    return (time.monotonic() - start) * 1000


@contextmanager
def _noops(port: int) -> Iterator[list[float]]:
    """Milliseconds of a NOOP over the line, ten times a second while the block runs."""
    taken: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            while not stop.wait(0.1):
                taken.append(_timed_noop(smtp))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield taken
    finally:
        stop.set()
        asking.join()


def main() -> None:
    """Measure, and print one JSON object as the last line."""
    _, threads = routine_workers()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.distance", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--recipients", type=int, default=30_000)
    parser.add_argument("--workers", type=int, default=2, help="routine worker processes (default %(default)s)")
    parser.add_argument("--threads", type=int, default=threads, help="threads of each (default %(default)s)")
    parser.add_argument(
        "--connections", type=int, default=100, help="connections a batch is handed over on (default %(default)s)"
    )
    chosen = parser.parse_args()
    result = run(chosen.recipients, workers=chosen.workers, threads=chosen.threads, connections=chosen.connections)
    tell("over the long line", {name: value for name, value in result.items() if name != "benchmark"})
    print(json.dumps(result))


if __name__ == "__main__":
    main()
