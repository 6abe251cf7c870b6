"""`make faults`: kill workers and empty the queue at seeded random moments, and count who got what.

The oracle is the mail catcher's file, which the product cannot touch. The last line is JSON with an object a fault.
Not covered yet: PostgreSQL and web processes killed, misbehaving providers, clocks that differ.
"""

import argparse
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from benchmarks.installation import add_places, add_residents, installation, make_council
from notify import catcher, db, jobs
from notify.alerts import service
from notify.alerts.models import Alert, NewAlert
from notify.jobs import Lane
from notify.processes import scheduler_process, worker_process
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from tests.running import running, wait_until

LEASE_SECONDS = 5
THREADS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault did: `recovery_s` from the last blow to the last hand-over."""

    fault: str
    seed: int
    blows: int
    lost: int
    duplicated: int
    recovery_s: float


class Line:
    """A worker that is started again whenever it was killed."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._stack = ExitStack()
        self.worker = self._start()

    def _start(self) -> Popen[bytes]:
        command = worker_process(Lane.ROUTINE, THREADS)
        [worker] = self._stack.enter_context(running([command], self._log))
        return worker

    def kill(self) -> None:
        """End the worker without a word, and start another."""
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait()
        self.worker = self._start()

    def close(self) -> None:
        """Stop the last worker as it should be stopped."""
        self._stack.close()


def empty_the_queue(_line: Line) -> None:
    """Everything Redis knew is gone."""
    jobs.sending_broker().client.flushall()


FAULTS: dict[str, Callable[[Line], None]] = {
    "worker killed": Line.kill,
    "queue emptied": empty_the_queue,
}


@contextmanager
def council(recipients: int) -> Iterator[tuple[Path, Callable[[], Alert]]]:
    """A running scheduler, residents, and a way to send them an alert; the catcher's file."""
    os.environ["NOTIFY_LEASE_SECONDS"] = str(LEASE_SECONDS)
    with installation() as folder, catcher.start(folder / "mail") as caught:
        os.environ |= {"NOTIFY_SMTP_HOST": caught.host, "NOTIFY_SMTP_PORT": str(caught.port)}
        council_id, _ = make_council(NewTopic(slug="bins", name="Bins", channels=[Channel.EMAIL]))
        with db.transaction() as session:
            add_places(session, 1000)
        with db.transaction() as session:
            add_residents(session, recipients, postcodes=1000, phones=False)
        new = NewAlert(topic="bins", title="Bins", body="Tuesday.", send=True)

        def send() -> Alert:
            with db.transaction() as session:
                return service.create_and_send(session, council_id=council_id, actor="faults", new=new, is_test=False)

        with running([scheduler_process()], folder / "scheduler.log"):
            yield caught.file, send


def suffer(fault: str, *, seed: int, blows: int, recipients: int, file: Path, send: Callable[[], Alert]) -> Outcome:
    """Send one alert, strike at random moments, wait for its end, and count."""
    chance = random.Random(seed)
    file.write_bytes(b"")
    line = Line(file.parent / "worker.log")
    try:
        alert = send()
        for _ in range(blows):
            time.sleep(chance.uniform(0.3, 1.5))
            FAULTS[fault](line)
        struck = time.monotonic()
        wait_until(lambda: _state(alert) == "sent", seconds=300, what="the end of the alert")
        recovery = time.monotonic() - struck
    finally:
        line.close()
    received = Counter(json.loads(row)["to"] for row in file.read_text().splitlines())
    expected = {f"resident{number}@example.org" for number in range(1, recipients + 1)}
    return Outcome(
        fault, seed, blows, len(expected - received.keys()), received.total() - len(received), round(recovery, 1)
    )


def _state(alert: Alert) -> str:
    with db.transaction() as session:
        return session.get_one(Alert, alert.id).state.value


def main() -> None:
    """Run every fault with several seeds and print a row each."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5, help="seeds per fault")
    parser.add_argument("--blows", type=int, default=3, help="per run")
    chosen = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    with council(chosen.recipients) as (file, send):
        for fault in FAULTS:
            rows = []
            for seed in range(chosen.runs):
                row = suffer(fault, seed=seed, blows=chosen.blows, recipients=chosen.recipients, file=file, send=send)
                print(row, flush=True)
                rows.append(row)
            results[fault] = {
                "kills": sum(row.blows for row in rows),
                "lost": sum(row.lost for row in rows),
                "duplicated": sum(row.duplicated for row in rows),
                "recovery_s_max": max(row.recovery_s for row in rows),
            }
    print(json.dumps(results))


if __name__ == "__main__":
    main()
