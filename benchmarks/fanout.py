"""From POST to 100,000 personalised e-mails accepted and recorded, beside smtp-source into the same smtp-sink.

    python -m benchmarks.fanout [--recipients 100000] [--workers N] [--threads N] [--runs 3]

`smtp_source_rate` is the commission's reference: ten sessions, a connection a message. `smtp_source_kept_rate` is the
same program told to keep its connections (`-d`), which is what a sender that keeps its own must be measured by.
"""

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks import ledger, proc, smtp_sink
from benchmarks.figures import spread, tell
from benchmarks.installation import add_places, add_residents, add_topic, installation, make_council
from benchmarks.processes import Running, routine_workers, started
from notify.core import db
from notify.core.jobs import Lane
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from tests.running import free_port

POSTCODES = 3_900
SAMPLE = 1_000  # e-mails by which the workers warm up and our mean message is measured
SOURCE_ENVELOPE = 187  # bytes of commands and headers that smtp-source adds to a message


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of smtp-source and one of the engine. CPU in microseconds a message, by part."""

    post_seconds: float
    seconds: float
    rate: int
    smtp_source_rate: int
    ratio: float
    smtp_source_kept_rate: int
    ratio_kept: float
    bytes_each: int
    worker_peak_mb: float
    peak_mb: dict[str, float]
    cpu_us: dict[str, float]


def run(recipients: int, *, workers: int, threads: int, runs: int) -> dict[str, object]:
    """Every run, and the medians: the engine's rate, smtp-source's, their ratio, CPU and memory."""
    port = free_port()
    with smtp_sink.sink(port) as sink, installation() as folder:
        os.environ |= {"NOTIFY_SMTP_HOST": "127.0.0.1", "NOTIFY_SMTP_PORT": str(port)}
        key = _council(recipients)
        with started(folder, key, workers={Lane.ROUTINE: workers}, threads=threads) as running:
            size = _bytes_each(running, sink.pid)
            tell("our mean message on the wire", {"bytes": size})
            passes = []
            for number in range(runs):
                passes.append(_pass(running, recipients, port=port, sink=sink.pid, size=size))
                tell(f"run {number + 1}", asdict(passes[-1]))
    return {
        "benchmark": "fanout",
        "recipients": recipients,
        "workers": workers,
        "threads": threads,
        **{name: round(median(getattr(one, name) for one in passes), digits) for name, digits in MEDIANS.items()},
        "worker_peak_mb": max(one.worker_peak_mb for one in passes),
        "spread": {name: spread([getattr(one, name) for one in passes]) for name in ("rate", "ratio")},
        "runs": [asdict(one) for one in passes],
    }


MEDIANS = {
    "post_seconds": 3,
    "seconds": 2,
    "rate": None,
    "smtp_source_rate": None,
    "ratio": 3,
    "smtp_source_kept_rate": None,
    "ratio_kept": 3,
    "bytes_each": None,
}  # and how many digits mean anything


def _council(recipients: int) -> str:
    """A council whose residents all follow `bins`, and the first of them `sample`; an administrator's key."""
    council_id, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True, channels=[Channel.EMAIL]))
    with db.transaction() as session:
        add_places(session, POSTCODES)
    with db.transaction() as session:
        add_residents(session, recipients, postcodes=POSTCODES, phones=False)
    add_topic(council_id, "sample", followers=SAMPLE)
    return key


def _bytes_each(running: Running, sink: int) -> int:
    """What one of our e-mails weighs on the wire with its SMTP commands, in the mean over a sample."""
    before = proc.bytes_read(sink)
    posted = running.post("sample")
    ledger.wait_until_sent(posted.alert_id, seconds=120)
    return round((proc.bytes_read(sink) - before) / sum(ledger.states(posted.alert_id).values()))


def _pass(running: Running, recipients: int, *, port: int, sink: int, size: int) -> Run:
    """smtp-source, then the engine."""
    ledger.settle()
    reference, kept = (
        smtp_sink.source_rate(port, messages=min(recipients, 50_000), size=size - SOURCE_ENVELOPE, keep=keep)
        for keep in (False, True)
    )
    cpu = {**running.cpu(), "sink": proc.cpu_seconds(sink)}
    read = proc.bytes_read(sink)
    posted = running.post("bins")
    ledger.wait_until_sent(posted.alert_id, seconds=600)
    seconds = time.monotonic() - posted.at
    after = {**running.cpu(), "sink": proc.cpu_seconds(sink)}
    read = proc.bytes_read(sink) - read
    states = ledger.states(posted.alert_id)
    assert states == {"sent": recipients}, states
    used = {part: round((after[part] - cpu[part]) / recipients * 1e6, 1) for part in after}
    peaks = running.peaks_mb()
    return Run(
        post_seconds=round(posted.seconds, 3),
        seconds=round(seconds, 2),
        rate=round(recipients / seconds),
        smtp_source_rate=round(reference),
        ratio=round(recipients / seconds / reference, 3),
        smtp_source_kept_rate=round(kept),
        ratio_kept=round(recipients / seconds / kept, 3),
        bytes_each=round(read / recipients),
        worker_peak_mb=max(peak for role, peak in peaks.items() if "worker" in role),
        peak_mb=peaks,
        cpu_us={**used, "all": round(sum(used.values()), 1)},
    )


def main() -> None:
    """Measure, and print one JSON object as the last line."""
    workers, threads = routine_workers()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=workers, help="routine worker processes (default %(default)s)")
    parser.add_argument("--threads", type=int, default=threads, help="threads of each (default %(default)s)")
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    result = run(chosen.recipients, workers=chosen.workers, threads=chosen.threads, runs=chosen.runs)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
