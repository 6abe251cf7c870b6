"""Every fault: what is done to the running system, and what that may at most double."""

import os
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.faults.posting import AT_ONCE, Client
from tests.faults.residents import NOTES
from tests.faults.site import SCHEDULERS, WEB, WORKERS, Site
from tests.faults.stub import Manner

IDENTICAL = 50
VICTIMS = ("routine 1", "routine 2", "emergency 1")
SKEWED = "routine 2"
QUEUE_AWAY_S = 8.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Blow:
    """A strike that hit. `lasts_s`: until the fault is over. `in_flight`: at most how many messages it may double."""

    lasts_s: float = 0.0
    kills: bool = False
    in_flight: int = 0
    fault: str = ""  # where it is not the run's own


Strike = Callable[[Site, Client, random.Random], Blow | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table. `blows` are those in a run of 100,000 deliveries. None from `strike`: not just now.

    Two schedulers run all along, so that a double scheduler is part of every row.
    """

    name: str
    strike: Strike
    blows: int
    submits: int = 0  # small alerts posted all along
    skews_a_clock: bool = False
    runs: int = 1  # a lap


def _kill_a_worker(site: Site, _officer: Client, chance: random.Random) -> Blow | None:
    ready = site.ready_workers(VICTIMS)
    return Blow(kills=True, in_flight=site.kill_workers([chance.choice(ready)])) if ready else None


def _kill_all_workers(site: Site, _officer: Client, _chance: random.Random) -> Blow | None:
    ready = site.ready_workers()
    return Blow(kills=True, in_flight=site.kill_workers(ready)) if len(ready) == len(WORKERS) else None


def _kill_web(site: Site, _officer: Client, _chance: random.Random) -> Blow | None:
    if not site.web_listens():
        return None
    site.children[WEB].kill()
    return Blow(kills=True)


def _kill_a_scheduler(site: Site, _officer: Client, chance: random.Random) -> Blow | None:
    alive = [name for name in SCHEDULERS if site.children[name].is_alive()]
    if not alive:
        return None
    site.children[chance.choice(alive)].kill()
    return Blow(kills=True)


def _kill_server(kind: str) -> Strike:
    def strike(site: Site, _officer: Client, _chance: random.Random) -> Blow | None:
        return Blow(kills=True) if site.kill_server(kind) else None

    return strike


def _take_queue_away(site: Site, _officer: Client, _chance: random.Random) -> Blow | None:
    """Kill Valkey whenever it comes back, for some seconds."""
    if not site.kill_server("queue"):
        return None

    def again(looks: int) -> None:
        site.kill_server("queue")
        if looks:
            site.later(LOOK_S, lambda: again(looks - 1))

    site.later(LOOK_S, lambda: again(int(QUEUE_AWAY_S * site.pace / LOOK_S)))
    return Blow(kills=True)


def _empty_queue(site: Site, _officer: Client, _chance: random.Random) -> Blow | None:
    return Blow() if site.empty_queue() else None


def _cut_connections(site: Site, _officer: Client, _chance: random.Random) -> Blow | None:
    cut = site.ask("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    """)
    return Blow() if cut else None


def _misbehave(manner: Manner) -> Strike:
    def strike(site: Site, _officer: Client, chance: random.Random) -> Blow | None:
        seconds = chance.uniform(1, 3) * site.pace
        site.relay.behave(manner)
        site.later(seconds, lambda: site.relay.behave(Manner.OK))
        return Blow(lasts_s=seconds)

    return strike


def _jump_clock(site: Site, _officer: Client, chance: random.Random) -> Blow | None:
    """90 seconds ahead, or back."""
    if not site.ready_workers([SKEWED]):
        return None
    jump = chance.choice([signal.SIGUSR1, signal.SIGUSR2])
    os.kill(site.children[SKEWED].process.pid, jump)
    return Blow()


def _post_the_same(_site: Site, officer: Client, chance: random.Random) -> Blow | None:
    key = f"same {chance.getrandbits(64):x}"
    for _ in range(IDENTICAL):
        officer.post(key, NOTES)
    return Blow()


class OneOfEach:
    """Strikes with one fault after another, in a new order each time round."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._field_errors = faults
        self._left: list[Fault] = []

    def __call__(self, site: Site, officer: Client, chance: random.Random) -> Blow | None:
        """The first that is possible just now."""
        if not self._left:
            self._left = chance.sample(self._field_errors, len(self._field_errors))
        for fault in self._left:
            if blow := fault.strike(site, officer, chance):
                self._left.remove(fault)
                return replace(blow, fault=fault.name)
        return None


assert IDENTICAL <= AT_ONCE

SINGLE = (
    Fault("worker killed", _kill_a_worker, 7, runs=4),
    Fault("all workers killed", _kill_all_workers, 2, runs=3),
    Fault("web killed", _kill_web, 15, submits=200),
    Fault("scheduler killed", _kill_a_scheduler, 15),
    Fault("queue killed", _kill_server("queue"), 12),
    Fault("queue gone for 8 s", _take_queue_away, 2),
    Fault("queue emptied", _empty_queue, 12),
    Fault("database killed", _kill_server("database"), 8),
    Fault("connections cut", _cut_connections, 12),
    Fault("provider defers 30%", _misbehave(Manner.DEFERS), 3),
    Fault("provider says 421", _misbehave(Manner.BUSY), 3),
    Fault("provider hangs", _misbehave(Manner.HANGS), 1),
    Fault("provider drips", _misbehave(Manner.DRIPS), 1),
    Fault("provider half-closes", _misbehave(Manner.HALF_CLOSES), 3),
    Fault("provider refuses", _misbehave(Manner.REFUSES), 3),
    Fault("clock jumps 90 s", _jump_clock, 12, skews_a_clock=True),
    Fault("50 identical posts", _post_the_same, 6),
)
# after these the product leaves the provider alone for a while
OUTAGES = ("provider says 421", "provider half-closes", "provider refuses")
OTHERS = tuple(fault for fault in SINGLE if fault.name not in OUTAGES)
FAULTS = (
    Fault("nothing", lambda _site, _officer, _chance: None, 0),
    *SINGLE,
    Fault("all but outages", OneOfEach(OTHERS), len(OTHERS), submits=50, skews_a_clock=True),
    Fault("one of each", OneOfEach(SINGLE), len(SINGLE), submits=50, skews_a_clock=True),
)
