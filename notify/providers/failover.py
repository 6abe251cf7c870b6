"""One attempt to hand messages over: what one provider cannot take now goes to the next."""

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from notify.core import process_counters
from notify.core.jobs import Lane
from notify.providers import circuit_breaker
from notify.providers.base import Accepted, Deferred, Message, Outcome, Provider, Refused, SendsMany, Unknown, send_one
from notify.providers.circuit_breaker import Flow, Permit

log = logging.getLogger(__name__)

PATIENCE_S = 1.0  # so long an attempt waits for its turn at providers whose rate is used up
SHORTEST_WAIT_S = 0.005
HELD_BACK = "No provider may be handed anything at the moment."
NO_WORD = "The provider said nothing of this message."
_NAMES: dict[type[Outcome], str] = {
    Accepted: "accepted",
    Refused: "refused",
    Deferred: "deferred",
    Unknown: "unknown",
}
Told = tuple[Provider, Outcome]


def send_with_failover(
    providers: Sequence[Provider], messages: Sequence[Message], *, lane: Lane = Lane.ROUTINE
) -> Generator[tuple[Provider, Outcome], None, None]:
    """Exactly one outcome a message, as they become known, with the provider whose word it is.

    What a provider cannot take now (it fails, wishes for a pause, or its rate is used up for the next second) goes to
    the next within this attempt. What was said about an address does not, nor does what a provider may have taken:
    only an emergency is then handed to the next, because twice is better than never. When no provider could be asked,
    the message is deferred until the first of them may be.
    """
    attempt = _Attempt(providers, lane)
    waiting: Sequence[Message] = messages
    for provider in providers:
        waiting = yield from attempt.by(provider, waiting)
        if not waiting:
            return
    for message in waiting:
        yield attempt.last_word(message)


class _Attempt:
    """What is known while one attempt lasts."""

    def __init__(self, providers: Sequence[Provider], lane: Lane) -> None:
        self._providers, self._lane = providers, lane
        self._patience_s = PATIENCE_S
        self._said: dict[str, Told] = {}  # of messages that went on to the next provider
        self._waits_s: dict[str, float] = {}

    def by(self, provider: Provider, messages: Sequence[Message]) -> Generator[Told, None, Sequence[Message]]:
        """Send by this provider as much as it may be given. Returns the messages that the next is to try."""
        known, waiting = circuit_breaker.of(provider), messages
        going_on: list[Message] = []
        while waiting:
            permit = known.admit(len(waiting), self._lane)
            if permit.granted:
                part, waiting = waiting[: permit.granted], waiting[permit.granted :]
                going_on += yield from self._part(provider, known, permit, part)
            elif permit.is_shut or permit.wait_s > self._patience_s:
                self._waits_s[provider.name] = permit.wait_s
                break
            else:
                wait_s = max(permit.wait_s, SHORTEST_WAIT_S)
                time.sleep(wait_s)  # no more than PATIENCE_S in all
                self._patience_s -= wait_s
        return [*going_on, *waiting]

    def _part(
        self, provider: Provider, known: Flow, permit: Permit, messages: Sequence[Message]
    ) -> Generator[Told, None, Sequence[Message]]:
        tally: dict[type[Outcome], int] = dict.fromkeys(_NAMES, 0)
        untold = {message.reference: message for message in messages}
        going_on: list[Message] = []
        failures = 0
        try:
            for outcome in _outcomes(provider, known, permit, messages):
                message = untold.pop(outcome.reference, None)
                if message is None:  # a word too many
                    continue
                tally[type(outcome)] += 1
                if isinstance(outcome, Accepted):
                    if not known.is_well:
                        known.succeeded()
                    yield provider, outcome
                    continue
                failures += _learn(known, outcome)
                if self._is_for_the_next(provider, outcome):
                    self._said.setdefault(outcome.reference, (provider, outcome))
                    going_on.append(message)
                else:
                    yield self._settled(provider, outcome)
        finally:
            known.settle(permit, failures=failures)
            for kind, number in tally.items():
                if number:
                    process_counters.count(
                        "notify_provider_outcomes_total", number, provider=provider.name, outcome=_NAMES[kind]
                    )
        return [*going_on, *untold.values()]

    def _is_for_the_next(self, provider: Provider, outcome: Outcome) -> bool:
        if provider is self._providers[-1]:
            return False
        if isinstance(outcome, Unknown):
            return self._lane is Lane.EMERGENCY
        return isinstance(outcome, Deferred) and not outcome.is_address

    def _settled(self, provider: Provider, outcome: Outcome) -> Told:
        """What is said of a message in the end: that it may have arrived outweighs that nobody took it later."""
        earlier = self._said.get(outcome.reference)
        if earlier and isinstance(earlier[1], Unknown) and isinstance(outcome, Deferred):
            return earlier
        if isinstance(outcome, Deferred) and outcome.retry_after_s and not outcome.is_address:
            return provider, replace(outcome, retry_after_s=self._earliest_s())
        return provider, outcome

    def last_word(self, message: Message) -> Told:
        """What is said of a message that no provider was left for."""
        if said := self._said.get(message.reference):
            provider, outcome = said
            if isinstance(outcome, Deferred):
                outcome = replace(outcome, retry_after_s=self._earliest_s() or outcome.retry_after_s)
            return provider, outcome
        outcome = Deferred(message.reference, HELD_BACK, self._earliest_s(), was_held_back=True)
        return self._providers[0], outcome

    def _earliest_s(self) -> float | None:
        """In how many seconds the first of the providers may be tried again; None: it need not be waited for."""
        waits = [self._waits_s.get(one.name) or circuit_breaker.of(one).wait_s(self._lane) for one in self._providers]
        return min(waits) or None


def _outcomes(provider: Provider, known: Flow, permit: Permit, messages: Sequence[Message]) -> Iterator[Outcome]:
    """What the provider says, as it says it. Messages that it need not be tried with get no word."""
    if not isinstance(provider, SendsMany):
        for message in messages:
            if known.is_shut and not permit.is_probe:
                return
            yield send_one(provider, message)
        return
    told = set()
    try:
        for outcome in provider.send_many(messages):
            told.add(outcome.reference)
            yield outcome
    except Exception as error:  # an adapter's defect must not lose the result of the others
        # without the error's own words, which may hold an address
        log.error("provider broke its promise", extra={"provider": provider.name, "error": type(error).__name__})
    for message in messages:
        if message.reference not in told:
            yield Unknown(message.reference, NO_WORD)


def _learn(known: Flow, outcome: Outcome) -> bool:
    """Let others know how the provider is; whether this was its failure."""
    match outcome:
        case Refused() if not known.is_well:
            known.succeeded()
        case Deferred(is_address=False, was_held_back=False):
            known.failed(outcome.retry_after_s)
            return True
        case Unknown():
            known.failed()
            return True
    return False
