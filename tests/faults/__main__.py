"""Hurt a running installation at seeded random moments, and count from outside who got what.

A stub relay in a process of its own writes down every text before it says that it took it; a model in plain Python
says who should have got one. Each run sends one alert to everybody and up to four emergencies to 200 people while
blows fall, two of them right after one. The last line of output is one JSON object, a key a fault.

The exit status is 1 if anything was lost, sent to somebody it was not for, sent after it was over, or recorded wrongly
in the ledger; if more was doubled than was in flight in what was killed or taken without an answer; and if in runs of
full size more than one message in a thousand was.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from benchmarks.installation import installation
from tests.faults import oracle, residents
from tests.faults.catalogue import FAULTS, SKEWED, Fault, OneOfEach
from tests.faults.posting import Client
from tests.faults.run import Result, Run
from tests.faults.site import Site, site
from tests.faults.table import is_slow, print_table, summary, was_kept

FULL = 100_000
HURRIED_PACE = 0.3
HURRIED = {"NOTIFY_LEASE_SECONDS": "5", "NOTIFY_SMTP_TIMEOUT_SECONDS": "3", "NOTIFY_BATCH_SIZE": "50"}


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = "; ".join(fault.name for fault in FAULTS)
    parser.add_argument("--recipients", type=int, default=FULL, help="of the alert in each run (default 100000)")
    parser.add_argument("--kills", type=int, default=300, help="go on until so many (default 300); 0: each fault once")
    parser.add_argument("--minutes", type=float, default=55, help="begin no run after so long (default 55)")
    parser.add_argument("--seed", type=int, default=1, help="chooses residents and moments (default 1)")
    parser.add_argument(
        "--fault", action="append", metavar="NAME", help=f"only this one; repeatable: {names}".replace("%", "%%")
    )
    parser.add_argument("--blows", type=int, help="in each run (default: by fault, 1 to 17 a run of 100000)")
    parser.add_argument("--rate", type=float, default=0, help="texts a second the relay takes (default: no limit)")
    parser.add_argument("--hurry", action="store_true", help="short leases, deadlines and batches, for small runs")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="copy the relay's files and all logs there")
    chosen = parser.parse_args()
    known = {fault.name for fault in FAULTS}
    if unknown := set(chosen.fault or []) - known:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}; there are: {names}")
    return chosen


@contextmanager
def everything(chosen: argparse.Namespace) -> Iterator[tuple[Site, Client, residents.Model]]:
    """A running installation with everybody in it, and somebody who writes to them."""
    os.environ |= HURRIED if chosen.hurry else {}
    with installation() as folder, oracle.relay(folder / "relay", rate=chosen.rate, seed=chosen.seed) as relay:
        model = residents.invent(chosen.recipients, seed=chosen.seed)
        key = residents.load(model)
        try:
            pace = HURRIED_PACE if chosen.hurry else 1.0
            with site(folder, relay, pace=pace) as running, closing(Client(running.base_url, key)) as officer:
                yield running, officer, model
        finally:
            if chosen.keep:
                shutil.copytree(folder, chosen.keep, dirs_exist_ok=True, ignore=_all_but_text)


def _all_but_text(_folder: str, names: Sequence[str]) -> set[str]:
    return {name for name in names if name != "relay" and Path(name).suffix not in (".log", ".txt")}


class Programme:
    """Runs every chosen fault once, then those that kill over and over, until there were kills or minutes enough."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        self._until = time.monotonic() + chosen.minutes * 60
        self._earlier: set[str] = set()
        self.results: dict[str, list[Result]] = defaultdict(list)
        self.late = 0  # texts that came after the end of everything

    @property
    def kills(self) -> int:
        """So far."""
        return sum(result.kills for results in self.results.values() for result in results)

    def run(self) -> None:
        """Do it all, with a line for each run."""
        faults = [fault for fault in FAULTS if fault.name in (self._chosen.fault or [fault.name])]
        with everything(self._chosen) as (running, officer, model):
            for lap in count(1):
                for fault in faults:
                    for turn in range(fault.runs if self._chosen.kills else 1):
                        if time.monotonic() < self._until and (lap == 1 or self.kills < self._chosen.kills):
                            self._run(running, officer, model, fault, f"{lap}.{turn + 1}")
                faults = [fault for fault in faults if any(result.kills for result in self.results[fault.name])]
                if not faults or self.kills >= self._chosen.kills or time.monotonic() >= self._until:
                    break
            running.relay.turn_over("after")
            running.stop()
            self.late = sum(1 for _ in running.relay.taken())

    def _run(self, running: Site, officer: Client, model: residents.Model, fault: Fault, number: str) -> None:
        blows = self._blows(fault)
        seed = f"{self._chosen.seed}-{number} {fault.name}"
        if fault.skews_a_clock:
            running.replace_worker(SKEWED, "tests.faults.skewed")
        running.wait_until_ready()
        result = Run(running, officer, model, fault, seed, blows, self._earlier).go()
        if fault.skews_a_clock:
            running.replace_worker(SKEWED, "workers")
        print(summary(result), flush=True)
        self.results[fault.name].append(result)

    def _blows(self, fault: Fault) -> int:
        """As many as asked for, else by the size of the run; one of each where that is what the fault is."""
        if isinstance(fault.strike, OneOfEach) or not fault.blows:
            return fault.blows
        scaled = max(1, round(fault.blows * float(self._chosen.recipients) / FULL))
        return int(self._chosen.blows or scaled)


def main() -> int:
    """Run the programme; 1 when a promise was broken."""
    chosen = arguments()
    started = time.monotonic()
    programme = Programme(chosen)
    programme.run()
    print(f"\n{programme.kills} kills in {(time.monotonic() - started) / 60:.1f} minutes\n")
    rows = print_table(programme.results)
    broken = [name for name, figures in rows.items() if not was_kept(figures, full=chosen.recipients >= FULL)]
    slow = [name for name, figures in rows.items() if is_slow(figures)]
    for what, names in (("not as promised", broken), ("emergencies slower than promised", slow)):
        if names:
            print(f"{what}: {', '.join(names)}", file=sys.stderr)
    if programme.late:
        print(f"{programme.late} texts came after everything had ended", file=sys.stderr)
    print(json.dumps(rows), flush=True)
    return 1 if broken or programme.late else 0


if __name__ == "__main__":
    sys.exit(main())
