"""One run: an alert to everybody, blows at seeded points of its drain, emergencies meanwhile, and the verdict."""

import random
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from tests.faults.catalogue import Blow, Fault
from tests.faults.oracle import Taken, Verdict, judge
from tests.faults.posting import Client, Posted
from tests.faults.residents import AUDIENCE, BINS, FLOODS, NOTES, Model
from tests.faults.site import Site

PATIENCE_S = 180.0  # after the last blow; then what has not come is lost
LOOK_S = 0.02
DATABASE_LOOK_S = 0.25
EMERGENCIES = 2  # at any time
EMERGENCIES_AFTER_BLOWS = 2  # within half a second of one
FIRST, LAST = 0.03, 0.9  # blows fall while this much of everything was handed over


@dataclass(frozen=True, slots=True)
class Landed:
    """A blow that hit, on the monotonic clock."""

    at: float
    blow: Blow

    @property
    def over(self) -> float:
        """When the fault ended."""
        return self.at + self.blow.lasts_s


@dataclass(frozen=True, slots=True)
class Step:
    """What to do once `point` texts were taken. An action that says False is tried again at the next look."""

    point: float
    action: Callable[[], object]
    is_blow: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What one run showed. `silences`: seconds from each blow, or its end, to the next hand-over."""

    fault: Fault
    seed: str
    verdict: Verdict
    blows: int
    kills: int
    in_flight: int
    extra_alerts: int
    misrecorded: int
    silences: Sequence[float]
    settled_s: float | None
    seconds: float
    urgent: Sequence[float]
    troubles: Mapping[str, int]
    died_unasked: int


@dataclass(slots=True)
class Run:
    """The run while it goes on."""

    site: Site
    officer: Client
    model: Model
    fault: Fault
    seed: str
    blows: int
    earlier: set[str]  # alerts of runs before, of which nothing more should come
    landed: list[Landed] = field(default_factory=list)

    def go(self) -> Result:
        """Do everything and look at what came of it."""
        started, died = time.monotonic(), self.site.died_unasked
        self.officer.prefix = self.seed
        self.site.relay.turn_over(self.seed.replace(" ", "-"))
        self.officer.post("all", BINS, audience=AUDIENCE)
        self._carry_out(self._plan())
        settled = self._settle()
        return self._result(settled, started, died)

    def _plan(self) -> list[Step]:
        """What to do when so many texts were taken, in order."""
        chance = random.Random(self.seed)

        def somewhere(what: Callable[[], object], *, is_blow: bool = False) -> Step:
            return Step(chance.uniform(FIRST, LAST) * self._total, what, is_blow)

        followed = chance.sample(range(self.blows), self._emergencies_after_blows)
        plan = [somewhere(lambda: self._strike(chance, followed), is_blow=True) for _ in range(self.blows)]
        plan += [somewhere(self._warn(f"at any time {n}")) for n in range(EMERGENCIES)]
        plan += [somewhere(self._post(f"note {n}", NOTES)) for n in range(self.fault.submits)]
        return sorted(plan, key=lambda step: step.point)

    @property
    def _total(self) -> int:
        """How many texts the run should make."""
        times = {BINS: 1, FLOODS: EMERGENCIES + self._emergencies_after_blows, NOTES: self.fault.submits}
        return sum(number * len(self.model.expected(topic)) for topic, number in times.items())

    @property
    def _emergencies_after_blows(self) -> int:
        return min(EMERGENCIES_AFTER_BLOWS, self.blows)

    def _strike(self, chance: random.Random, followed: Collection[int]) -> bool:
        """Do harm, and right after some blows send an emergency; whether it could be done."""
        blow = self.fault.strike(self.site, self.officer, chance)
        if not blow:
            return False
        number = len(self.landed)
        self.landed.append(Landed(time.monotonic(), blow))
        if number in followed:
            self.site.later(chance.uniform(0, 0.5), self._warn(f"after blow {number}"))
        return True

    def _warn(self, key: str) -> Callable[[], object]:
        return self._post(key, FLOODS, priority="emergency")

    def _post(self, key: str, topic: str, **more: object) -> Callable[[], object]:
        return lambda: self.officer.post(key, topic, **more)

    def _carry_out(self, plan: list[Step]) -> None:
        """Take every step at its point. A blow that is not possible just then falls as soon as it is."""
        deadline = time.monotonic() + PATIENCE_S
        while plan and time.monotonic() < deadline:
            self.site.tend()
            taken = self.site.relay.count()
            if taken >= self._total:  # nothing is left to be hurt
                plan = [step for step in plan if not step.is_blow]
            done = [step for step in plan if step.point <= taken and step.action() is not False]
            if done:
                deadline = time.monotonic() + PATIENCE_S
                plan = [step for step in plan if step not in done]
            time.sleep(LOOK_S)

    def _settle(self) -> float | None:
        """When every alert had been sent; None: not within our patience."""
        deadline = time.monotonic() + PATIENCE_S
        next_look = 0.0
        while time.monotonic() < deadline:
            self.site.tend()
            if time.monotonic() >= next_look and self.officer.has_asked_all and self.site.is_undisturbed():
                if self._is_settled():
                    return time.monotonic()
                next_look = time.monotonic() + DATABASE_LOOK_S
            time.sleep(LOOK_S)
        return None

    def _is_settled(self) -> bool:
        rows = self.site.ask("SELECT count(*) FROM alert WHERE reference LIKE %s AND state <> 'sent'", f"{self.seed} %")
        return rows is not None and rows[0][0] == 0

    def _result(self, settled: float | None, started: float, died: int) -> Result:
        posted, unanswered = self.officer.answers()
        topics = {one.alert_id: one.topic for one in {one.key: one for one in posted}.values()}
        topics |= {uuid4(): topic for topic in unanswered.values()}
        expected = {alert: self.model.expected(topic) for alert, topic in topics.items()}
        if settled is None:
            for one in posted:
                self.officer.cancel(one.alert_id)
        self._write_down()
        texts = list(self.site.relay.taken())
        deaths = [landed.at for landed in self.landed if landed.blow.in_flight]
        verdict = judge(expected, texts, deaths=deaths, earlier=self.earlier)
        self.earlier.update(one.alert_id.hex for one in posted)
        last = max((landed.over for landed in self.landed), default=started)
        troubles, self.officer.troubles = self.officer.troubles, type(self.officer.troubles)()
        return Result(
            fault=self.fault,
            seed=self.seed,
            verdict=verdict,
            blows=len(self.landed),
            kills=sum(landed.blow.kills for landed in self.landed),
            in_flight=sum(landed.blow.in_flight for landed in self.landed),
            extra_alerts=self._extra_alerts({one.key for one in posted} | unanswered.keys()),
            misrecorded=self._misrecorded(topics, texts),
            silences=_silences(self.landed, texts),
            settled_s=None if settled is None else settled - last,
            seconds=time.monotonic() - started,
            urgent=_latencies(posted, texts),
            troubles=troubles,
            died_unasked=self.site.died_unasked - died,
        )

    def _write_down(self) -> None:
        """Keep the blows beside the relay's file of this run."""
        lines = [
            f"{landed.at:.6f} {landed.over:.6f} {landed.blow.fault or self.fault.name}\n" for landed in self.landed
        ]
        self.site.relay.file.with_suffix(".blows.txt").write_text("".join(lines))

    def _extra_alerts(self, keys: Collection[str]) -> int:
        """How many alerts there are beyond one a key."""
        rows = self._insist("SELECT count(*) FROM alert WHERE reference = ANY(%s)", list(keys))
        return int(str(rows[0][0])) - len(keys)

    def _misrecorded(self, topics: Mapping[UUID, str], texts: Sequence[Taken]) -> int:
        """How many lines of the ledger are wrong: missing, too many, or saying other than what the relay did."""
        arrived = {(text.alert, text.address) for text in texts}
        wrong = 0
        for alert, topic in topics.items():
            rows = self._insist(
                """
                SELECT c.address, d.state FROM delivery d JOIN contact c ON c.id = d.contact_id WHERE d.alert_id = %s
                """,
                alert,
            )
            states = {str(address): str(state) for address, state in rows}
            wrong += len((states.keys() ^ self.model.ledger(topic)) - self.model.gone) + len(rows) - len(states)
            wrong += sum((state == "sent") != ((alert.hex, address) in arrived) for address, state in states.items())
        return wrong

    def _insist(self, question: str, *values: object) -> Sequence[tuple[object, ...]]:
        deadline = time.monotonic() + PATIENCE_S
        while (rows := self.site.ask(question, *values)) is None:
            assert time.monotonic() < deadline, "the database does not come back"
            self.site.tend()
            time.sleep(DATABASE_LOOK_S)
        return rows


def _silences(landed: Sequence[Landed], texts: Sequence[Taken]) -> Sequence[float]:
    """Seconds from the end of each blow to the first hand-over after it."""
    moments = [text.at for text in texts]
    next_after = [bisect_right(moments, blow.over) for blow in landed]
    return [moments[i] - blow.over for i, blow in zip(next_after, landed, strict=True) if i < len(moments)]


def _latencies(posted: Collection[Posted], texts: Sequence[Taken]) -> Sequence[float]:
    """Seconds from approval of each emergency to the first time each address's text was taken."""
    approved = {one.alert_id.hex: one.approved for one in posted if one.topic == FLOODS}
    first: dict[str, dict[str, float]] = defaultdict(dict)
    for text in texts:
        if text.alert in approved:
            first[text.alert].setdefault(text.address, text.at - approved[text.alert])
    return [seconds for addresses in first.values() for seconds in addresses.values()]
