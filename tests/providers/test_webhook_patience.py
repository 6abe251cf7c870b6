"""How patient the webhook adapter is: with hosts that are slow, and with receivers that keep failing."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from notify.providers.base import Accepted, Deferred, ProviderUnavailable, Unknown
from notify.providers.webhook.provider import WebhookProvider
from tests.providers.messages import call
from tests.providers.receiver import Provide, Receiver, making_providers, receiving
from tests.timing import IN_TIME_S


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provide]:
    """Makes a provider, with its settings from the environment as always."""
    with making_providers(monkeypatch) as make:
        yield make


def test_one_host_gets_no_more_calls_at_once_than_the_settings_say(provide: Provide) -> None:
    with receiving(Receiver(takes_s=0.05)) as receiver:
        provider = provide(per_host=2)
        messages = [call(f"{receiver.address}/{number}") for number in range(8)]
        with ThreadPoolExecutor(2) as batches:
            outcomes = [list(told) for told in batches.map(provider.send_many, (messages[:4], messages[4:]))]
    assert Counter(type(outcome) for told in outcomes for outcome in told) == {Accepted: 8}
    assert receiver.most_at_once == 2


def test_a_slow_host_with_many_messages_does_not_take_everybody_s_place(provide: Provide) -> None:
    with receiving(Receiver(takes_s=1)) as slow, receiving(Receiver()) as quick:
        messages = [call(f"{slow.address}/{number}") for number in range(8)]
        others = [call(f"{quick.address}/{number}") for number in range(8)]
        told = [outcome.reference for outcome in provide(parallel=5).send_many([*messages, *others])]
    assert set(told[:8]) == {other.reference for other in others}
    assert len(told) == 16


def test_a_call_waits_for_its_turn_only_so_long(provide: Provide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.providers.webhook.provider.TURN_PATIENCE_S", 0.1)
    with receiving(Receiver(takes_s=0.5)) as receiver, ThreadPoolExecutor(1) as another:
        provider = provide(per_host=1)
        first = another.submit(provider.send, call(receiver.address))
        while not receiver.calls:
            time.sleep(0.01)
        with pytest.raises(ProviderUnavailable, match="busy") as caught:
            provider.send(call(receiver.address))
        assert caught.value.is_address
        assert first.result() == ""
        assert provider.send(call(receiver.address)) == ""


@dataclass
class Watch:
    """A clock that a test sets."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


def fail(provider: WebhookProvider, address: str, times: int = 1, *, is_hasty: bool = False) -> ProviderUnavailable:
    """Call a receiver that fails so often; what was said last."""
    for _ in range(times):
        with pytest.raises(ProviderUnavailable) as caught:
            provider.send(replace(call(address), is_hasty=is_hasty))
    return caught.value


def test_a_receiver_that_keeps_failing_is_left_alone_for_longer_and_longer(provide: Provide) -> None:
    watch = Watch()
    with receiving(Receiver(status=500)) as receiver:
        provider = provide(now=watch)
        fail(provider, receiver.address, 5)
        for calls, rest_s in ((5, 30), (6, 60), (7, 120), (8, 240), (9, 480), (10, 600), (11, 600)):
            said = fail(provider, receiver.address)
            assert (said.retry_after_s, said.is_address, len(receiver.calls)) == (rest_s, True, calls)
            assert "Left alone for now: The receiver answered 500." in str(said)
            watch.at += rest_s - 1
            fail(provider, receiver.address)
            assert len(receiver.calls) == calls
            watch.at += 1
            fail(provider, receiver.address)
        receiver.status = 200
        watch.at += 600
        assert [provider.send(call(receiver.address)) for _ in range(2)] == ["", ""]
        receiver.status = 500
        fail(provider, receiver.address, 4)
        receiver.status = 200
        assert provider.send(call(receiver.address)) == ""


def test_one_endpoint_that_fails_says_nothing_of_its_neighbour_at_the_same_host(provide: Provide) -> None:
    with receiving(Receiver(status=500)) as receiver:
        provider = provide()
        assert "Left alone" in str(fail(provider, receiver.address, 6))
        receiver.status = 200
        assert provider.send(call(f"{receiver.address}/neighbour")) == ""


def test_an_emergency_tries_a_receiver_that_is_left_alone(provide: Provide) -> None:
    watch = Watch()
    with receiving(Receiver(status=500)) as receiver:
        provider = provide(now=watch)
        fail(provider, receiver.address, 5)
        fail(provider, receiver.address, 3, is_hasty=True)
        assert len(receiver.calls) == 8
        assert fail(provider, receiver.address).retry_after_s == 30  # and makes the rest no longer
        receiver.status = 200
        assert provider.send(replace(call(receiver.address), is_hasty=True)) == ""
        assert provider.send(call(receiver.address)) == ""


def test_a_wish_for_a_pause_is_granted_from_the_first_failure(provide: Provide) -> None:
    watch = Watch()
    with receiving(Receiver(status=429, headers={"retry-after": "900"})) as receiver:
        provider = provide(now=watch)
        assert fail(provider, receiver.address).retry_after_s == 900
        watch.at += 899
        assert fail(provider, receiver.address).retry_after_s == 1
        assert len(receiver.calls) == 1
        receiver.headers["retry-after"] = "9" * 400
        watch.at += 1
        fail(provider, receiver.address)
        assert fail(provider, receiver.address).retry_after_s == 3600
        assert len(receiver.calls) == 2


def test_after_its_rest_one_call_tries_a_receiver_for_all(provide: Provide) -> None:
    watch = Watch()
    with receiving(Receiver(status=500)) as receiver:
        provider = provide(now=watch)
        fail(provider, receiver.address, 5)
        watch.at += 31
        outcomes = list(provider.send_many([call(receiver.address) for _ in range(8)]))
        assert {type(outcome) for outcome in outcomes} == {Deferred}
        assert len(receiver.calls) == 6


def test_a_dead_receiver_costs_a_slice_no_more_than_a_few_calls(provide: Provide) -> None:
    with receiving(Receiver(drips="head")) as slow:
        begun = time.monotonic()
        outcomes = list(provide(timeout_seconds=0.3).send_many([call(slow.address) for _ in range(100)]))
        assert time.monotonic() - begun < IN_TIME_S
        assert Counter(type(outcome) for outcome in outcomes)[Unknown] == len(slow.calls) <= 8
