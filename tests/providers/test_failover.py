"""What becomes of messages when providers fail, wish for a pause, know nothing, or break their promises."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from notify.core import clock, process_counters
from notify.core.jobs import Lane
from notify.providers import circuit_breaker, failover, registry
from notify.providers.base import (
    Accepted,
    Deferred,
    Message,
    Outcome,
    Provider,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Refused,
    Unknown,
)
from tests.providers.messages import call
from tests.providers.scripted import Scripted, ScriptedHook, ScriptedMany

ROUTINE, EMERGENCY = Lane.ROUTINE, Lane.EMERGENCY
KINDS = [Scripted, ScriptedMany]


@pytest.fixture(autouse=True)
def _empty_redis(database: None) -> None:
    """Nothing is known of any provider there."""


@pytest.fixture
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that tests do not wait for whole seconds."""
    monkeypatch.setattr(failover, "PATIENCE_S", 0.3)


def fine(_: Message) -> str:
    return "taken"


def away(_: Message) -> str:
    raise ProviderUnavailable("It is away.")


def unsure(_: Message) -> str:
    raise ProviderUnsure("No answer came.")


def full(_: Message) -> str:
    raise ProviderUnavailable("452 4.2.2 mailbox full", retry_after_s=300, is_address=True)


def never(_: Message) -> str:
    raise ProviderRejected("No such number.")


def limiting(seconds: float) -> Callable[[Message], str]:
    def busy(_: Message) -> str:
        raise ProviderUnavailable("429", retry_after_s=seconds)

    return busy


def tell(providers: Sequence[Provider], messages: Sequence[Message], lane: Lane = ROUTINE) -> list[tuple[str, Outcome]]:
    """Who said what, in the order of the messages."""
    told = list(registry.send_with_failover(providers, messages, lane=lane))
    assert sorted(outcome.reference for _, outcome in told) == sorted(message.reference for message in messages)
    order = {message.reference: at for at, message in enumerate(messages)}
    told.sort(key=lambda one: order[one[1].reference])
    return [(provider.name, outcome) for provider, outcome in told]


def kinds(told: Sequence[tuple[str, Outcome]]) -> Counter[tuple[str, str]]:
    return Counter((name, type(outcome).__name__) for name, outcome in told)


def calls(number: int) -> list[Message]:
    return [call(f"r{one}") for one in range(number)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_that_fails_is_left_alone_and_the_next_takes_everything(kind: type[Scripted]) -> None:
    first, second = kind("first", away), kind("second", fine)
    for _ in range(5):
        assert kinds(tell([first, second], calls(50))) == {("second", "Accepted"): 50}
    assert len(first.asked) <= 50 + 20  # it was not known yet, and might have been about to fail
    assert circuit_breaker.of(first).state == "open"
    asked = len(first.asked)
    tell([first, second], calls(100), EMERGENCY)
    assert len(first.asked) == asked


def test_a_provider_that_is_asked_one_by_one_is_asked_no_more_than_twenty_times() -> None:
    first = Scripted("first", away)
    told = tell([first], calls(100))
    assert len(first.asked) == 20
    assert kinds(told) == {("first", "Deferred"): 100}
    held_back = [outcome for _, outcome in told if isinstance(outcome, Deferred) and outcome.was_held_back]
    assert len(held_back) == 80
    assert all(9 < (outcome.retry_after_s or 0) <= 10 for outcome in held_back)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wish_is_heard_by_all_that_follow(kind: type[Scripted]) -> None:
    first, second = kind("first", limiting(30)), kind("second", fine)
    tell([first, second], calls(3))
    asked = len(first.asked)
    assert kinds(tell([first, second], calls(10), EMERGENCY)) == {("second", "Accepted"): 10}
    [(_, outcome)] = tell([first], calls(1), EMERGENCY)
    assert isinstance(outcome, Deferred)
    assert outcome.was_held_back
    assert 29 < (outcome.retry_after_s or 0) <= 30
    assert len(first.asked) == asked
    if kind is Scripted:
        assert asked == 1


def test_who_is_held_back_waits_for_the_first_that_may_be_tried_again() -> None:
    first, second = Scripted("first", limiting(40)), Scripted("second", limiting(20))
    told = tell([first, second], calls(2))
    assert [19 < (outcome.retry_after_s or 0) <= 20 for _, outcome in told if isinstance(outcome, Deferred)] == [
        True
    ] * 2
    first.says = fine
    [(_, outcome)] = tell([first, second], calls(1))
    assert isinstance(outcome, Deferred)
    assert 19 < (outcome.retry_after_s or 0) <= 20


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_said_about_an_address_stands(kind: type[Scripted]) -> None:
    for says, expected in ((full, Deferred), (never, Refused)):
        first, second = kind("first", says), kind("second", fine)
        [(name, outcome)] = tell([first, second], calls(1), EMERGENCY)
        assert (name, type(outcome)) == ("first", expected)
        assert second.asked == []
        if isinstance(outcome, Deferred):
            assert outcome.retry_after_s == 300
        for _ in range(3):
            tell([first], calls(20))
        assert circuit_breaker.of(first).state == "closed"


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_have_been_taken_is_sent_again_in_an_emergency_only(kind: type[Scripted]) -> None:
    first, second = kind("first", unsure), kind("second", fine)
    assert kinds(tell([first, second], calls(3), ROUTINE)) == {("first", "Unknown"): 3}
    assert second.asked == []
    assert kinds(tell([first, second], calls(3), EMERGENCY)) == {("second", "Accepted"): 3}
    assert kinds(tell([first], calls(3), EMERGENCY)) == {("first", "Unknown"): 3}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("says", [away, limiting(10)])
def test_what_may_have_arrived_is_not_forgotten_because_the_next_could_not(
    kind: type[Scripted], says: Callable[[Message], str]
) -> None:
    first, second = kind("first", unsure), kind("second", says)
    for _ in range(3):  # at last the second is not even asked
        assert kinds(tell([first, second], calls(4), EMERGENCY)) == {("first", "Unknown"): 4}


@pytest.mark.usefixtures("_little_patience")
def test_a_provider_comes_back_through_a_few_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "probe_every_s", lambda _: 0.2)
    first, second = ScriptedMany("first", away), ScriptedMany("second", fine)
    tell([first, second], calls(50))
    time.sleep(0.25)  # until it may be tried
    first.says, first.asked = fine, []
    told = tell([first, second], calls(200))
    by_first = kinds(told)["first", "Accepted"]
    assert 5 + 20 <= by_first <= 5 + 20 + 60  # the probe, and what a second of the way back allows
    assert kinds(told)["second", "Accepted"] == 200 - by_first
    assert circuit_breaker.of(first).state == "closed"


@pytest.mark.usefixtures("_little_patience")
def test_a_rate_that_is_used_up_is_waited_for_shortly_and_then_the_next_is_asked(choose: Callable[..., None]) -> None:
    choose(PROVIDER_RATES="first=20")
    first, second = ScriptedMany("first", fine), ScriptedMany("second", fine)
    begun = time.monotonic()
    told = kinds(tell([first, second], calls(60)))
    assert time.monotonic() - begun < 2
    assert 4 <= told["first", "Accepted"] <= 12
    assert told["second", "Accepted"] == 60 - told["first", "Accepted"]


@pytest.mark.usefixtures("_little_patience")
def test_who_finds_every_rate_used_up_is_told_when_to_come_back(choose: Callable[..., None]) -> None:
    choose(PROVIDER_RATES="first=10")
    first = ScriptedMany("first", fine)
    told = tell([first], calls(40))
    late = [outcome for _, outcome in told if isinstance(outcome, Deferred)]
    assert len(late) + len(first.asked) == 40
    assert all(outcome.was_held_back and 0 < (outcome.retry_after_s or 0) <= 1 for outcome in late)
    assert circuit_breaker.of(first).state == "closed"


@pytest.mark.usefixtures("_little_patience")
def test_emergencies_find_a_reserve(choose: Callable[..., None]) -> None:
    choose(PROVIDER_RATES="first=20")
    first = ScriptedMany("first", fine)
    tell([first], calls(40), ROUTINE)
    begun = time.monotonic()
    assert kinds(tell([first], calls(4), EMERGENCY)) == {("first", "Accepted"): 4}
    assert time.monotonic() - begun < 1


def test_a_receiver_of_webhooks_that_fails_costs_no_other_its_call() -> None:
    def some(message: Message) -> str:
        return fine(message) if message.address.endswith("9") else limiting(100)(message)

    told = kinds(tell([ScriptedHook("hook", some)], calls(200)))
    assert told == {("hook", "Accepted"): 20, ("hook", "Deferred"): 180}


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_expired_is_handed_to_nobody(kind: type[Scripted]) -> None:
    first, second = kind("first", fine), kind("second", fine)
    stopped = threading.Event()
    stopped.set()
    late = replace(call("late"), expires_at=clock.now() - timedelta(seconds=1))
    withdrawn = replace(call("withdrawn"), withdrawn=stopped)
    told = tell([first, second], [late, call("early"), withdrawn])
    assert [type(outcome) for _, outcome in told] == [Deferred, Accepted, Deferred]
    assert first.asked == ["early"]
    assert second.asked == []


class Faithless(ScriptedMany):
    """It forgets messages, repeats itself, and breaks down."""

    def send_many(self, messages: Sequence[Message]) -> Iterator[Outcome]:
        yield Accepted(messages[0].reference)
        yield Accepted(messages[0].reference)
        yield Accepted("a message that nobody sent")
        if self.says is away:
            raise RuntimeError("A defect of the adapter, with a@example.org in its words.")


@pytest.mark.parametrize("says", [fine, away])
def test_an_adapter_that_breaks_its_promise_leaves_it_unknown_what_it_sent(
    says: Callable[[Message], str], caplog: pytest.LogCaptureFixture
) -> None:
    told = tell([Faithless("first", says)], calls(5))
    assert [type(outcome) for _, outcome in told] == [Accepted, Unknown, Unknown, Unknown, Unknown]
    assert "a@example.org" not in caplog.text


def test_outcomes_come_as_they_become_known() -> None:
    first = Scripted("first", fine)
    telling = registry.send_with_failover([first], calls(10))
    next(telling)
    assert len(first.asked) == 1
    telling.close()
    assert len(first.asked) == 1


def test_outcomes_are_counted_by_provider(database: None) -> None:
    process_counters.take()
    says = iter([fine, fine, never, full, away, unsure])
    tell([Scripted("first", lambda message: next(says)(message)), Scripted("second", fine)], calls(6))
    counted = {labels: number for (name, labels), number in process_counters.take().items() if "outcomes" in name}
    assert counted == {
        'outcome="accepted",provider="first"': 2,
        'outcome="refused",provider="first"': 1,
        'outcome="deferred",provider="first"': 2,
        'outcome="unknown",provider="first"': 1,
        'outcome="accepted",provider="second"': 1,
    }


def test_many_threads_open_a_breaker_together_and_leave_the_provider_alone() -> None:
    first, second = Scripted("first", away), Scripted("second", fine)
    crew = [threading.Thread(target=lambda: tell([first, second], calls(100))) for _ in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert 20 <= len(first.asked) <= 23
    assert len(second.asked) == 400
