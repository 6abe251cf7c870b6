"""When a provider is left alone, and how it comes back: on a clock that the test holds, with the real Redis server."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from notify.core import process_counters
from notify.core.jobs import Lane
from notify.devserver import embedded
from notify.providers import circuit_breaker
from notify.providers.circuit_breaker import FAILURES_TO_OPEN, Flow, Permit
from tests.providers.scripted import Scripted, ScriptedHook, ScriptedMany

NOWHERE = "redis://127.0.0.1:1/0"
ROUTINE, EMERGENCY = Lane.ROUTINE, Lane.EMERGENCY


@dataclass(slots=True)
class Time:
    """A monotonic clock that goes on when it is told to."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture(autouse=True)
def _empty_redis(database: None) -> None:
    """Nothing is known of any provider there."""


@pytest.fixture
def time() -> Time:
    return Time()


def make(time: Time, kind: type[Scripted] = ScriptedMany, name: str = "first", rate: float | None = None) -> Flow:
    return Flow(kind(name, lambda _: ""), rate=rate, now=time)


def fail(known: Flow, times: int) -> None:
    for _ in range(times):
        known.failed()


def used(known: Flow, permit: Permit, *, failures: int = 0) -> None:
    """What a permit allowed was handed over."""
    for number in range(permit.granted):
        known.failed() if number < failures else known.succeeded()
    known.settle(permit, failures=failures)


def test_it_opens_after_so_many_failures_in_a_row_and_not_before(time: Time) -> None:
    known = make(time)
    for _ in range(5):
        fail(known, FAILURES_TO_OPEN - 1)
        known.succeeded()
    assert known.state == "closed"
    assert known.admit(500, ROUTINE) == Permit(500)
    fail(known, FAILURES_TO_OPEN)
    assert known.state == "open"
    assert known.admit(1, EMERGENCY).granted == 0
    assert 9 < known.wait_s(ROUTINE) <= 10


def test_it_opens_when_failures_have_lasted_ten_seconds(time: Time) -> None:
    known = make(time)
    for _ in range(3):
        fail(known, 1)
        time.pass_(4.9)
    assert known.state == "closed"
    fail(known, 1)
    assert known.state == "open"


def test_a_provider_that_begins_to_fail_is_given_no_more_than_it_takes_to_find_out(time: Time) -> None:
    known = make(time)
    fail(known, 1)
    assert known.admit(500, ROUTINE).granted == FAILURES_TO_OPEN - 1
    fail(known, 10)
    assert known.admit(500, ROUTINE).granted == FAILURES_TO_OPEN - 11
    known.succeeded()
    assert known.admit(500, ROUTINE).granted == 500


def test_while_it_is_open_a_few_messages_try_it_every_ten_seconds(time: Time, choose: Callable[..., None]) -> None:
    choose(REDIS_URL=NOWHERE)  # its clock would not go with ours
    known = make(time)
    fail(known, FAILURES_TO_OPEN)
    tried = []
    for _ in range(400):  # a hundred seconds
        permit = known.admit(500, ROUTINE)
        if permit.granted:
            assert permit.is_probe
            assert known.state == "probing"
            assert known.admit(500, EMERGENCY).granted == 0
            tried.append(time.seconds)
            used(known, permit, failures=permit.granted)
            assert known.state == "open"
            assert permit.granted <= 5
        time.pass_(0.25)
    assert len(tried) >= 2
    assert all(later - earlier >= 10 for earlier, later in pairwise(tried))


def test_an_emergency_tries_it_every_second(time: Time, choose: Callable[..., None]) -> None:
    choose(REDIS_URL=NOWHERE)
    known = make(time)
    fail(known, FAILURES_TO_OPEN)
    time.pass_(1.01)
    assert known.admit(500, ROUTINE).granted == 0
    used(known, probe := known.admit(500, EMERGENCY), failures=5)
    assert probe.is_probe
    assert known.admit(500, EMERGENCY).granted == 0
    assert 0.9 < known.wait_s(EMERGENCY) <= 1
    time.pass_(1.01)
    used(known, known.admit(500, EMERGENCY))
    assert known.state == "closed"
    assert known.admit(200, EMERGENCY).granted >= 190  # its way back is short


def test_the_urgent_and_the_routine_try_it_in_turns_of_their_own(time: Time) -> None:
    one, other = make(time), make(time)
    fail(one, FAILURES_TO_OPEN)
    fail(other, FAILURES_TO_OPEN)
    time.pass_(10.1)
    used(one, one.admit(500, ROUTINE), failures=5)
    assert other.admit(500, EMERGENCY).is_probe


def test_success_closes_it_and_messages_come_back_little_by_little(time: Time) -> None:
    known = make(time)
    fail(known, FAILURES_TO_OPEN)
    time.pass_(10.1)
    used(known, known.admit(500, ROUTINE))
    assert known.state == "closed"
    each_second = []
    for _ in range(6):
        granted = 0
        for _ in range(20):
            permit = known.admit(500, ROUTINE)
            used(known, permit)
            granted += permit.granted
            time.pass_(0.05)
        each_second.append(granted)
    assert each_second[0] <= 60
    for earlier, later in pairwise(each_second):
        assert earlier < later <= 2.3 * earlier
    time.pass_(5)
    used(known, known.admit(500, ROUTINE))
    assert known.admit(100_000, ROUTINE).granted == 100_000
    assert known.is_well


def test_who_must_wait_for_the_way_back_is_told_how_long(time: Time) -> None:
    known = make(time)
    fail(known, FAILURES_TO_OPEN)
    time.pass_(10.1)
    used(known, known.admit(500, ROUTINE))
    used(known, known.admit(500, ROUTINE))
    permit = known.admit(500, ROUTINE)
    assert permit.granted == 0
    assert not permit.is_shut
    time.pass_(permit.wait_s + 0.001)
    assert known.admit(500, ROUTINE).granted >= 19


def test_a_wish_is_never_undercut_not_even_in_an_emergency(time: Time) -> None:
    known = make(time)
    known.failed(retry_after_s=30)
    known.failed(retry_after_s=5)  # a shorter wish does not undo a longer one
    known.succeeded()  # of a message that was under way
    assert known.state == "paused"
    for _ in range(300):
        assert known.admit(500, ROUTINE).granted == known.admit(1, EMERGENCY).granted == 0
        time.pass_(0.0999)
    assert 0 < known.wait_s(ROUTINE) < 0.1
    time.pass_(0.1)
    assert 0 < known.admit(500, ROUTINE).granted <= 25  # and then not all at once


def test_a_wish_is_no_failure(time: Time) -> None:
    known = make(time)
    for _ in range(FAILURES_TO_OPEN + 1):
        known.failed(retry_after_s=1)
    assert known.state == "paused"
    time.pass_(1.1)
    assert known.state == "closed"


def test_receivers_of_webhooks_are_no_one_service(time: Time) -> None:
    known = make(time, ScriptedHook)
    fail(known, 100)
    known.failed(retry_after_s=100)
    assert known.admit(500, ROUTINE) == Permit(500)


def test_one_process_tries_a_failing_provider_for_all(time: Time) -> None:
    one, other = make(time), make(time)
    fail(one, FAILURES_TO_OPEN)
    fail(other, FAILURES_TO_OPEN)
    time.pass_(10.1)
    probe = one.admit(500, ROUTINE)
    assert probe.is_probe
    refused = other.admit(500, ROUTINE)
    assert (refused.granted, refused.is_shut) == (0, True)
    assert other.wait_s(ROUTINE) <= 1
    used(one, probe)
    time.pass_(1.1)
    assert other.admit(500, ROUTINE).is_probe  # the first one's success lets the others know


def test_a_probe_that_fails_keeps_the_other_processes_away(time: Time) -> None:
    one, other = make(time), make(time)
    fail(one, FAILURES_TO_OPEN)
    fail(other, FAILURES_TO_OPEN)
    time.pass_(10.1)
    used(one, one.admit(500, ROUTINE), failures=5)
    time.pass_(5)
    assert other.admit(500, ROUTINE).granted == 0


@pytest.mark.parametrize(("kind", "rate"), [(Scripted, None), (ScriptedMany, 1000.0)])
def test_a_wish_that_one_process_heard_all_respect(time: Time, kind: type[Scripted], rate: float | None) -> None:
    one, other = make(time, kind, rate=rate), make(time, kind, rate=rate)
    one.failed(retry_after_s=20)
    permit = other.admit(100, EMERGENCY)
    assert (permit.granted, permit.is_shut) == (0, True)
    assert 19 < permit.wait_s <= 20.1
    assert other.state == "paused"


def test_without_redis_each_process_tries_for_itself(
    time: Time, choose: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    choose(REDIS_URL=NOWHERE)
    one = make(time, Scripted)
    fail(one, FAILURES_TO_OPEN)
    assert one.admit(500, ROUTINE).granted == 0
    time.pass_(10.1)
    used(one, one.admit(500, ROUTINE))
    assert one.state == "closed"
    assert "queue away" in caplog.text


def test_redis_is_asked_nothing_while_there_is_nothing_to_agree_on(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("Redis was asked")

    monkeypatch.setattr("notify.core.redis_client._line", never)
    known = make(time)
    for _ in range(10):
        used(known, known.admit(500, ROUTINE))


def test_what_is_known_can_be_published(servers: embedded.Addresses) -> None:
    process_counters.take()
    providers = [ScriptedMany(name, lambda _: "") for name in ("broken", "fine", "busy")]
    known = [circuit_breaker.of(provider) for provider in providers]
    fail(known[0], FAILURES_TO_OPEN)
    known[2].failed(retry_after_s=60)
    assert circuit_breaker.states() == {"broken": "open", "fine": "closed", "busy": "paused"}
    assert process_counters.take() == {("notify_breaker_opened_total", 'provider="broken"'): 1}
    assert circuit_breaker.of(providers[0]) is known[0]
    assert (
        circuit_breaker.of(ScriptedMany("broken", lambda _: "")) is not known[0]
    )  # made anew, as when settings are reread
