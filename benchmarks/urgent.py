"""An emergency to 5,000 people while 100,000 routine e-mails drain: how long until each of them is handed over.

    python -m benchmarks.urgent [--routine 100000] [--urgent 5000] [--small 500] [--runs 3] [--workers 2]

Every worker, of either lane, hands over to the same relay, the fault harness's, which writes the moment of each
acceptance to a file of its own. A key submits the alert, and a planner who just signed in approves it. Time counts from
just before that POST leaves, so it contains that request. Asked three times each: idle, while the routine alert drains,
and the same with no Redis at all. Then fairness: a routine alert to 500 people behind one to 100,000.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import ledger
from benchmarks.acceptances import Acceptances
from benchmarks.figures import percentile, tell
from benchmarks.installation import add_places, add_residents, add_topic, installation, make_council
from benchmarks.processes import Posted, Running, routine_workers, started
from notify.core import db
from notify.core.jobs import Lane
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from tests.faults.oracle import relay
from tests.running import free_port

POSTCODES = 3_900
PATIENCE_SECONDS = 120.0
DRAIN_SECONDS = 600.0
LOOK_SECONDS = 0.05
UNDER_WAY = 0.05  # the drain is under way when so much of it is handed over
STILL_LONG = 0.5  # and long enough for another measurement while so much of it waits
SHARES = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99, "last_s": 1.0}
BARS = {
    "idle": {"first_s": 0.15, "p95_s": 2.0, "p99_s": 5.0},
    "routine drains": {"first_s": 0.15, "p95_s": 2.0, "p99_s": 5.0},
    "routine drains, no Redis": {"p95_s": 15.0},
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many follow each topic."""

    routine: int
    urgent: int
    small: int


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes a lane and threads of each."""

    emergency: int
    routine: int
    threads: int


class Bench:
    """A running installation, the relay outside, and the routine alert that drains."""

    def __init__(self, running: Running, accepted: Acceptances, sizes: Sizes) -> None:
        self.running = running
        self.accepted = accepted
        self.sizes = sizes
        self._drain: Posted | None = None

    def drain(self) -> Posted:
        """A routine alert to everybody, under way and far from its end; a new one where the last is not."""
        if self._drain and ledger.open_deliveries(self._drain.alert_id) > STILL_LONG * self.sizes.routine:
            return self._drain
        self.finish()
        self._drain = self.running.post("bins")
        self.wait_for(self._drain, int(UNDER_WAY * self.sizes.routine))
        return self._drain

    def finish(self) -> None:
        """Return when the routine alert is all recorded."""
        if self._drain:
            ledger.wait_until_sent(self._drain.alert_id, seconds=DRAIN_SECONDS)

    def wait_for(self, posted: Posted, messages: int) -> None:
        """Return when so many messages of an alert were accepted, or patience is at its end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.accepted.of(posted.alert_id)) < messages and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def figures(self, posted: Posted, people: int) -> dict[str, float]:
        """Seconds from approval, which falls into the POST, to the first, to shares and to the last of all acceptances.

        Whom nothing reached in time counts as reached at the end of patience.
        """
        self.wait_for(posted, people)
        after = [moment - posted.approved for moment in self.accepted.of(posted.alert_id).values()]
        figures = {"accepted": len(after), "post_s": posted.seconds}
        after += [PATIENCE_SECONDS] * (people - len(after))
        figures["first_s"] = min(after)
        figures |= {name: percentile(after, share) for name, share in SHARES.items()}
        return {name: round(value, 3) for name, value in figures.items()}


def run(sizes: Sizes, workers: Workers, runs: int) -> dict[str, object]:
    """A row for each condition with all its runs and the worst of them, and one for fairness."""
    with installation() as folder, relay(folder / "relay", rate=0, seed=0) as taking:
        accepted = Acceptances(taking.file)
        os.environ |= {"NOTIFY_SMTP_HOST": "127.0.0.1", "NOTIFY_SMTP_PORT": str(taking.port)}
        key = _council(sizes)
        with _bench(folder, key, accepted, sizes, workers) as bench:
            rows = [_emergencies("idle", bench, runs), _emergencies("routine drains", bench, runs)]
            fairness = _fairness(bench)
        no_redis = {"NOTIFY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}  # nobody listens there
        with _bench(folder, key, accepted, sizes, workers, no_redis) as bench:
            rows.append(_emergencies("routine drains, no Redis", bench, runs))
    return {
        "benchmark": "urgent",
        **asdict(sizes),
        **{f"{lane}_workers": count for lane, count in asdict(workers).items() if lane != "threads"},
        "threads": workers.threads,
        "twice": accepted.repeated,
        "conditions": rows,
        "fairness": fairness,
    }


def _council(sizes: Sizes) -> str:
    """Residents who all follow `bins`, and the first of them `flood` and `street`; an administrator's key."""
    council_id, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True, channels=[Channel.EMAIL]))
    with db.transaction() as session:
        add_places(session, POSTCODES)
    with db.transaction() as session:
        add_residents(session, sizes.routine, postcodes=POSTCODES, phones=False)
    add_topic(council_id, "flood", followers=sizes.urgent)
    add_topic(council_id, "street", followers=sizes.small)
    return key


@contextmanager
def _bench(
    folder: Path, key: str, accepted: Acceptances, sizes: Sizes, workers: Workers, env: Mapping[str, str] | None = None
) -> Iterator[Bench]:
    """New processes, on which nothing has been sent yet."""
    ledger.settle()
    lanes = {Lane.EMERGENCY: workers.emergency, Lane.ROUTINE: workers.routine}
    with started(folder, key, workers=lanes, threads=workers.threads, env=env) as running:
        bench = Bench(running, accepted, sizes)
        yield bench
        bench.finish()


def _emergencies(condition: str, bench: Bench, runs: int) -> dict[str, object]:
    """Emergency alerts one after another. The first of them finds processes that have sent none before."""
    rows = []
    for number in range(runs):
        drain = None if condition == "idle" else bench.drain()
        row = bench.figures(bench.running.post("flood", priority="emergency"), bench.sizes.urgent)
        row["routine_waiting"] = ledger.open_deliveries(drain.alert_id) if drain else 0
        rows.append(row)
        tell(f"{condition}, run {number + 1}", row)
    worst = {name: max(row[name] for row in rows) for name in ("first_s", *SHARES)}
    met = all(row["accepted"] == bench.sizes.urgent for row in rows)
    met = met and (condition == "idle" or all(row["routine_waiting"] for row in rows))  # else nothing drained beside it
    met = met and all(worst[name] <= bar for name, bar in BARS[condition].items())
    return {"condition": condition, "worst": worst, "bars": BARS[condition], "met": met, "runs": rows}


def _fairness(bench: Bench) -> dict[str, float]:
    """How long a small routine alert takes that comes when a big one has begun, beside the rest of the big one."""
    drain = bench.drain()
    waiting = ledger.open_deliveries(drain.alert_id)
    posted = bench.running.post("street")
    small = bench.figures(posted, bench.sizes.small)
    bench.finish()
    big = max(bench.accepted.of(drain.alert_id).values()) - posted.at
    row = {
        "small_last_s": small["last_s"],
        "small_accepted": small["accepted"],
        "big_waiting": waiting,
        "big_last_s": round(big, 3),
        "share": round(small["last_s"] / big, 3),
    }
    tell("fairness", row)
    return row


def main() -> None:
    """Measure, and print one JSON object as the last line."""
    _, threads = routine_workers()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.urgent", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--routine", type=int, default=100_000, help="people of the routine alert (default %(default)s)"
    )
    parser.add_argument("--urgent", type=int, default=5_000, help="people of the emergency (default %(default)s)")
    parser.add_argument(
        "--small", type=int, default=500, help="people of the small routine alert (default %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="routine worker processes (default %(default)s)")
    parser.add_argument("--emergency-workers", type=int, default=2, help="(default %(default)s)")
    parser.add_argument("--threads", type=int, default=threads, help="threads of each (default %(default)s)")
    chosen = parser.parse_args()
    sizes = Sizes(chosen.routine, chosen.urgent, chosen.small)
    workers = Workers(emergency=chosen.emergency_workers, routine=chosen.workers, threads=chosen.threads)
    print(json.dumps(run(sizes, workers, chosen.runs)))


if __name__ == "__main__":
    main()
