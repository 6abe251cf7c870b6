"""Whether a provider may be handed messages now: a circuit breaker, the provider's own wishes, and its rate.

Each process knows for itself which providers fail. That one process may try a failing provider every ten seconds (in
an emergency every second), what a provider wished, and how much of its rate is left, all processes know together
through Redis (`rate_limits.py`).
With no rate set and nothing failing, nothing is asked of Redis for a provider that takes many messages at once.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from notify.channels import CHANNELS
from notify.core import process_counters
from notify.core.jobs import Lane
from notify.core.settings import once_a_process, settings
from notify.providers.base import Provider, SendsMany
from notify.providers.rate_limits import Shared, probe_every_s

log = logging.getLogger(__name__)

FAILURES_TO_OPEN = 20
FAILING_S_TO_OPEN = 10.0
FORGET_FAILURES_S = 60.0
PROBE_MESSAGES = 5
ASK_AGAIN_S = 1.0  # whether it is our turn to try a failing provider
LONGEST_PAUSE_S = 86_400.0
# in messages a second, twice as many each second; an emergency is small, and worth more than a relay's comfort
RAMP_BEGINS = {Lane.EMERGENCY: 200.0, Lane.TRANSACTIONAL: 20.0, Lane.ROUTINE: 20.0}
RAMP_S = 9.0
_making = threading.Lock()


class State(StrEnum):
    """What a provider is to this process."""

    CLOSED = "closed"  # the circuit: messages flow
    OPEN = "open"
    PROBING = "probing"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Permit:
    """How many messages may be sent now. `wait_s`: after how many seconds to ask again for more.

    `is_shut`: the provider fails or wishes for a pause, so waiting is no use. `is_probe`: much depends on these few.
    """

    granted: int
    wait_s: float = 0.0
    is_shut: bool = False
    is_probe: bool = False


class Ramp:
    """How many messages a provider gets that has just come back, so that it is not felled again."""

    def __init__(self, now: float) -> None:
        self._began, self._given = now, 0

    def is_over(self, now: float) -> bool:
        """Whether it may get everything."""
        return now - self._began > RAMP_S

    def take(self, wanted: int, now: float, lane: Lane) -> tuple[int, float]:
        """How many it may get now, and after how many seconds to ask again for the others."""
        first = RAMP_BEGINS[lane]
        allowed = first + first * (2 ** max(0.0, now - self._began) - 1) / math.log(2)
        granted = max(0, min(wanted, int(allowed) - self._given))
        self._given += granted
        missing = self._given + min(wanted - granted, first) - first
        when = math.log2(1 + max(0.0, missing) * math.log(2) / first)
        return granted, max(0.0, self._began + when - now)

    def return_unused(self, number: int) -> None:
        """So many were not sent after all."""
        self._given -= number


class Flow:
    """What this process knows of one provider. For all its threads."""

    def __init__(
        self, provider: Provider, *, rate: float | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.provider = provider
        # each receiver of webhooks is a service of its own: that one fails says nothing of the others
        self._is_one_service = not CHANNELS[provider.channel].is_own_service
        self._rate, self._now = rate, now
        self._shared = Shared(provider.name)
        self._shares_pauses = self._is_one_service and not isinstance(provider, SendsMany)
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._failures = 0
        self._failing_since = self._failed_at = 0.0
        self._tried_at = 0.0  # when it was last known to fail
        self._paused_until = 0.0
        self._ramp: Ramp | None = None
        self.is_well = True  # nothing has gone wrong since the last message that was taken

    @property
    def state(self) -> State:
        """As `/metrics` shows it."""
        if self._state is State.CLOSED and self._paused_until > self._now():
            return State.PAUSED
        return self._state

    @property
    def is_shut(self) -> bool:
        """Whether nothing may go there now."""
        return not self.is_well and self.state is not State.CLOSED

    def wait_s(self, lane: Lane) -> float:
        """In how many seconds this lane may try the provider again; 0: now."""
        with self._lock:
            return self._shut_for_s(self._now(), lane)

    def admit(self, wanted: int, lane: Lane) -> Permit:
        """How many of so many messages may be sent now. Whoever gets a permit calls `settle` afterwards."""
        if self.is_well and self._rate is None and not self._shares_pauses:
            return Permit(wanted)
        with self._lock:
            permit = self._by_health(wanted, lane)
        if permit.is_probe and not self._shared.may_probe(lane):
            with self._lock:
                self._state, self._tried_at = State.OPEN, self._now() + ASK_AGAIN_S - probe_every_s(lane)
            return Permit(0, wait_s=ASK_AGAIN_S, is_shut=True)
        return self._by_agreement(permit, lane) if permit.granted else permit

    def _by_health(self, wanted: int, lane: Lane) -> Permit:
        now = self._now()
        shut_s = self._shut_for_s(now, lane)
        if shut_s or self._state is State.PROBING:
            return Permit(0, wait_s=shut_s, is_shut=True)
        if self._state is State.OPEN:
            self._state, self._tried_at = State.PROBING, now
            return Permit(min(wanted, PROBE_MESSAGES), is_probe=True)
        if self._failures:  # it may be about to fail: no more than it takes to find out
            wanted = min(wanted, max(1, FAILURES_TO_OPEN - self._failures))
        if self._ramp and self._ramp.is_over(now):
            self._ramp = None
            self.is_well = self._failures == 0
        return Permit(*self._ramp.take(wanted, now, lane)) if self._ramp else Permit(wanted)

    def _shut_for_s(self, now: float, lane: Lane) -> float:
        until = self._paused_until
        if self._state is not State.CLOSED:
            until = max(until, self._tried_at + probe_every_s(lane))
        return max(0.0, until - now)

    def _by_agreement(self, permit: Permit, lane: Lane) -> Permit:
        """What the other processes leave of a permit: `permit` itself unless there is a rate or a wish."""
        granted, wait_s, is_paused = permit.granted, permit.wait_s, False
        if self._rate is not None:
            granted, wait_s, is_paused = self._shared.take(self._rate, permit.granted, lane)
        elif self._shares_pauses and (paused_s := self._shared.paused_s()):
            granted, wait_s, is_paused = 0, paused_s, True
        with self._lock:
            if self._ramp:
                self._ramp.return_unused(permit.granted - granted)
            if is_paused:
                self._pause(wait_s)
            if permit.is_probe and not granted:
                self._state = State.OPEN
        return Permit(granted, wait_s, is_shut=is_paused, is_probe=permit.is_probe and granted > 0)

    def settle(self, permit: Permit, *, failures: int) -> None:
        """A permit has been used; `failures` of its messages failed because of the provider."""
        if not permit.is_probe:
            return
        with self._lock:
            if self._state is not State.PROBING:
                return
            if failures:
                self._state = State.OPEN
                return
            self._close()
        self._shared.let_others_probe()

    def succeeded(self) -> None:
        """A message was taken, or refused for good: the provider works. Needless while `is_well`."""
        with self._lock:
            self._failures = 0
            self.is_well = self._state is State.CLOSED and self._ramp is None and self._paused_until <= self._now()

    def failed(self, retry_after_s: float | None = None) -> None:
        """The provider itself did not take a message. `retry_after_s`: what it wishes, which all processes respect."""
        if not self._is_one_service:
            return
        wish = min(retry_after_s or 0.0, LONGEST_PAUSE_S)
        with self._lock:
            self.is_well = False
            if wish:
                self._pause(wish)
            elif self._state is State.CLOSED:
                self._count_failure()
        if wish and (self._shares_pauses or self._rate is not None):
            self._shared.pause(wish)

    def _pause(self, seconds: float) -> None:
        now = self._now()
        self.is_well = False
        self._paused_until = max(self._paused_until, now + seconds)
        self._ramp = Ramp(self._paused_until)

    def _count_failure(self) -> None:
        now = self._now()
        if not self._failures or now - self._failed_at > FORGET_FAILURES_S:  # an old failure says nothing of today
            self._failing_since, self._failures = now, 0
        self._failures, self._failed_at = self._failures + 1, now
        if self._failures >= FAILURES_TO_OPEN or now - self._failing_since >= FAILING_S_TO_OPEN:
            self._state, self._tried_at = State.OPEN, now
            process_counters.count("notify_breaker_opened_total", provider=self.provider.name)
            log.warning("provider fails", extra={"provider": self.provider.name, "failures": self._failures})

    def _close(self) -> None:
        self._state, self._failures = State.CLOSED, 0
        self._ramp = Ramp(self._now())
        log.info("provider works again", extra={"provider": self.provider.name})


@once_a_process
def _flows() -> dict[str, Flow]:
    return {}


def of(provider: Provider) -> Flow:
    """What this process knows of this provider."""
    flows = _flows()
    flow = flows.get(provider.name)
    if flow is None or flow.provider is not provider:
        with _making:
            flow = flows.get(provider.name)
            if flow is None or flow.provider is not provider:
                flow = flows[provider.name] = Flow(provider, rate=settings().provider_rate(provider.name))
    return flow


def states() -> dict[str, str]:
    """The state of every provider that this process has used: closed, open, probing or paused."""
    return {name: flow.state.value for name, flow in list(_flows().items())}


def forget() -> None:
    """Know nothing of any provider, as a new process does."""
    _flows().clear()
