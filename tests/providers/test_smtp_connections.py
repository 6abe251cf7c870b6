"""How the connections to a relay are opened, shared by the batches of a process, and given up."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from notify.providers.base import Accepted, Deferred, Message, Outcome
from notify.providers.smtp import connection_pool as relays
from notify.providers.smtp.provider import SmtpProvider
from tests.providers.conftest import Provide
from tests.providers.messages import mail
from tests.relay import Relay, serving
from tests.running import wait_until

LOCKSTEP = ("8BITMIME",)


def mails(number: int, name: str = "r") -> list[Message]:
    like = mail(text="Short.")
    return [replace(like, reference=uuid4().hex, address=f"{name}{one}@example.org") for one in range(number)]


def submit(provider: SmtpProvider, messages: Sequence[Message]) -> list[Outcome]:
    outcomes = list(provider.send_many(messages))
    assert sorted(told.reference for told in outcomes) == sorted(message.reference for message in messages)
    return outcomes


@pytest.mark.parametrize("extensions", [("8BITMIME", "PIPELINING"), LOCKSTEP])
def test_batches_at_the_same_time_share_the_connections_of_their_process(
    provide: Provide, extensions: tuple[str, ...]
) -> None:
    with serving(Relay(extensions=extensions)) as relay, ThreadPoolExecutor(4) as threads:
        provider = provide(relay, connections=6)
        slices = [mails(60, f"t{thread}.") for thread in range(4)] * 2
        for outcomes in threads.map(lambda messages: submit(provider, messages), slices):
            assert {type(told) for told in outcomes} == {Accepted}
        assert relay.most_open <= 6
    assert set(relay.recipients().values()) == {2}
    assert len(relay.recipients()) == 240


def test_a_batch_alone_has_all_connections(provide: Provide) -> None:
    with serving(Relay(seconds_a_message=0.01)) as relay:
        submit(provide(relay, connections=6), mails(120))
        assert relay.most_open == 6


def test_many_connections_are_opened_at_the_same_time(provide: Provide) -> None:
    with serving(Relay(seconds_before_greeting=0.3, seconds_a_message=0.02)) as relay:
        begun = time.monotonic()
        submit(provide(relay, connections=40), mails(400))
        assert time.monotonic() - begun < 6  # one after another they would take twelve
        assert relay.connections == 40


def test_a_few_messages_do_not_open_many_connections(provide: Provide) -> None:
    with serving(Relay()) as relay:
        provider = provide(relay, connections=50)
        for _ in range(5):
            submit(provider, mails(3))
        assert relay.connections == 1


def test_a_relay_with_room_for_few_connections_gets_everything_over_those(provide: Provide) -> None:
    with serving(Relay(room=3, seconds_a_message=0.002)) as relay:
        provider = provide(relay, connections=30)
        for _ in range(2):
            assert {type(told) for told in submit(provider, mails(150))} == {Accepted}
        assert relay.connections <= 3 + 30  # turned away once, it was left alone with more


def test_connections_that_hang_while_they_open_hold_up_nobody(provide: Provide) -> None:
    with serving(Relay(manners={"greeting": "hang"}, misbehaving_from=2)) as relay:
        begun = time.monotonic()
        assert {type(told) for told in submit(provide(relay, connections=10), mails(200))} == {Accepted}
        assert time.monotonic() - begun < 4  # of the five seconds that each of them waits


def test_batches_wait_for_a_connection_rather_than_fail(provide: Provide) -> None:
    with serving(Relay(seconds_a_message=0.02)) as relay, ThreadPoolExecutor(5) as threads:
        provider = provide(relay, connections=1)
        for outcomes in threads.map(lambda n: submit(provider, mails(4, f"t{n}.")), range(5)):
            assert {type(told) for told in outcomes} == {Accepted}
        assert relay.most_open == 1


def test_a_batch_that_gets_no_connection_in_time_says_so(provide: Provide) -> None:
    with serving(Relay(seconds_a_message=0.5)) as relay, ThreadPoolExecutor(1) as thread:
        provider = provide(relay, connections=1, attempt_seconds=0.4, timeout_seconds=2)
        running = thread.submit(submit, provider, mails(1))
        wait_until(lambda: bool(relay.heard), what="the first message to be under way")
        [told] = submit(provider, mails(1))
        assert isinstance(told, Deferred)
        assert "away" in told.reason
        running.result()


def test_connections_that_nobody_used_for_long_are_closed(provide: Provide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "IDLE_S", 0.05)
    with serving(Relay(seconds_a_message=0.01)) as relay:
        provider = provide(relay, connections=5)
        submit(provider, mails(50))
        time.sleep(0.1)  # the time that is to pass
        submit(provider, mails(1))
        wait_until(lambda: relay.still_open == 1, what="the other four to be closed")
        assert "QUIT" in relay.commands


def test_a_relay_that_takes_nothing_is_not_asked_five_hundred_times(provide: Provide) -> None:
    with serving(Relay(mail="451 4.3.0 later")) as relay:
        outcomes = submit(provide(relay), mails(500))
    held_back = [told for told in outcomes if isinstance(told, Deferred) and told.was_held_back]
    assert {type(told) for told in outcomes} == {Deferred}
    assert len(held_back) > 450
