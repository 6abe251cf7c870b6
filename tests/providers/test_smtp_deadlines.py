"""No relay, however it hangs, drips or breaks off, keeps a message longer than its attempt may take."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from notify.core import clock
from notify.providers.base import Accepted, Deferred, Message, Outcome, ProviderUnavailable, ProviderUnsure, Unknown
from notify.providers.smtp.provider import SmtpProvider
from tests import moments
from tests.providers.conftest import Provide
from tests.providers.messages import mail
from tests.relay import CERTIFICATE, OK, Relay, serving

PIPELINED, LOCKSTEP = ("8BITMIME", "PIPELINING"), ("8BITMIME",)
REPLY_S, ATTEMPT_S = 0.25, 0.5
SLACK_S = 2.0  # for a machine that is busy

STEPS = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "END"]
MANNERS = ["hang", "drip", "half-close", "reset"]


def timed(provider: SmtpProvider, messages: list[Message]) -> tuple[list[Outcome], float]:
    begun = time.monotonic()
    outcomes = list(provider.send_many(messages))
    assert sorted(told.reference for told in outcomes) == sorted(message.reference for message in messages)
    return outcomes, time.monotonic() - begun


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("extensions", [PIPELINED, LOCKSTEP])
def test_every_attempt_ends_in_time_and_says_truly_whether_the_text_had_left(
    provide: Provide, extensions: tuple[str, ...], manner: str
) -> None:
    with ExitStack() as relays, ThreadPoolExecutor(len(STEPS)) as crew:
        tried = []
        for step in STEPS:
            relay = relays.enter_context(serving(Relay(extensions=extensions, manners={step: manner})))
            provider = provide(relay, timeout_seconds=REPLY_S, attempt_seconds=ATTEMPT_S, connections=4)
            tried.append(crew.submit(try_it, step, relay, provider))
        for done in tried:
            done.result()


def try_it(step: str, relay: Relay, provider: SmtpProvider) -> None:
    """Many messages, then one, to a relay that misbehaves at this step."""
    messages = [mail(f"r{number}@example.org") for number in range(4)]
    outcomes, seconds = timed(provider, messages)
    assert seconds < ATTEMPT_S + REPLY_S + SLACK_S, step
    assert {type(told) for told in outcomes} <= {Unknown, Deferred}, step
    assert not any(isinstance(told, Deferred) and told.is_address for told in outcomes), step
    unknown = {told.reference for told in outcomes if isinstance(told, Unknown)}
    assert sorted(message.address for message in messages if message.reference in unknown) == sorted(relay.heard), step
    assert bool(unknown) == (step == "END"), step
    begun = time.monotonic()
    with pytest.raises(ProviderUnsure if step == "END" else ProviderUnavailable):
        provider.send(mail())
    assert time.monotonic() - begun < ATTEMPT_S + SLACK_S, step
    assert relay.taken == [], step


@pytest.mark.parametrize("step", ["greeting", "MAIL", "END"])
def test_a_hanging_relay_costs_a_whole_slice_no_more_than_one_attempt(provide: Provide, step: str) -> None:
    with serving(Relay(manners={step: "hang"})) as relay:
        provider = provide(relay, timeout_seconds=REPLY_S, attempt_seconds=ATTEMPT_S, connections=3)
        outcomes, seconds = timed(provider, [mail() for _ in range(200)])
    assert seconds < ATTEMPT_S + REPLY_S + SLACK_S
    tried = [told for told in outcomes if not (isinstance(told, Deferred) and told.was_held_back)]
    assert len(tried) <= (200 if step == "greeting" else 20)
    assert not any(isinstance(told, Accepted) for told in outcomes)


@pytest.mark.parametrize("extensions", [PIPELINED, LOCKSTEP])
def test_an_emergency_does_not_wait_long_for_a_relay_that_hangs_before_it_tries_again(
    provide: Provide, extensions: tuple[str, ...]
) -> None:
    with serving(Relay(extensions=extensions, manners={"END": "hang"})) as relay:
        provider = provide(relay, timeout_seconds=4, hasty_timeout_seconds=0.25, attempt_seconds=8, connections=4)
        hasty = [replace(mail(f"r{number}@example.org"), is_hasty=True) for number in range(4)]
        outcomes, seconds = timed(provider, hasty)
        assert Unknown in {type(one) for one in outcomes}
        assert seconds < 6  # of the eight that one attempt may take; a busy machine takes some itself
        assert timed(provider, [replace(mail(), is_hasty=False)])[1] >= 4


def test_what_a_lost_connection_was_not_given_another_carries(provide: Provide) -> None:
    with serving(Relay(manners={"DATA": "reset"}, misbehaving_to=1)) as relay:
        outcomes, _ = timed(provide(relay, connections=2), [mail(f"r{number}@example.org") for number in range(20)])
    assert {type(told) for told in outcomes} == {Accepted}
    assert relay.recipients() == {f"r{number}@example.org": 1 for number in range(20)}


@pytest.mark.parametrize("extensions", [PIPELINED, LOCKSTEP])
def test_a_text_that_did_not_leave_wholly_was_not_taken(provide: Provide, extensions: tuple[str, ...]) -> None:
    large = replace(mail(), mime=b"Subject: large\r\n\r\n" + b"more than the sockets hold\r\n" * 1_000_000)
    with serving(Relay(extensions=extensions, manners={"text": "hang"})) as relay:
        provider = provide(relay, timeout_seconds=REPLY_S, attempt_seconds=ATTEMPT_S)
        [told], seconds = timed(provider, [large])
    assert isinstance(told, Deferred)
    assert seconds < ATTEMPT_S + SLACK_S


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_a_tls_relay_that_stalls_is_left_in_time(
    provide: Provide, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with serving(Relay(tls=True, manners={"MAIL": manner})) as relay:
        provider = provide(relay, security="tls", timeout_seconds=REPLY_S, attempt_seconds=ATTEMPT_S)
        outcomes, seconds = timed(provider, [mail() for _ in range(3)])
        assert seconds < ATTEMPT_S + REPLY_S + SLACK_S
        assert {type(told) for told in outcomes} == {Deferred}


@pytest.mark.parametrize("extensions", [PIPELINED, LOCKSTEP])
def test_nothing_is_handed_over_once_its_alert_has_expired(provide: Provide, extensions: tuple[str, ...]) -> None:
    begun = clock.now()
    with serving(Relay(extensions=extensions)) as relay:
        provider = provide(relay)
        late = replace(mail("late@example.org"), expires_at=begun)
        early = replace(mail("early@example.org"), expires_at=begun + timedelta(minutes=5))
        outcomes, _ = timed(provider, [late, early])
    assert {told.reference: type(told) for told in outcomes} == {late.reference: Deferred, early.reference: Accepted}
    assert relay.recipients() == {"early@example.org": 1}


def test_an_alert_that_expires_between_announcement_and_text_is_not_sent(provide: Provide) -> None:
    begun = clock.now()

    def rcpt(_: str) -> str:
        clock.use(lambda: begun + timedelta(hours=1))
        return OK

    try:
        for extensions in (PIPELINED, LOCKSTEP):
            moments.restore()
            with serving(Relay(extensions=extensions, rcpt=rcpt)) as relay:
                messages = [replace(mail(), expires_at=begun + timedelta(minutes=30)) for _ in range(5)]
                outcomes, _ = timed(provide(relay, connections=1), messages)
            assert {type(told) for told in outcomes} == {Deferred}
            assert all(isinstance(told, Deferred) and told.is_address for told in outcomes)
            assert relay.taken == []
    finally:
        moments.restore()
