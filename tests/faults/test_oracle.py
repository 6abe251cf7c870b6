"""A judge that cannot find anybody guilty proves nothing: each kind of wrong is seen for what it is."""

import smtplib
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults.oracle import Relay, Taken, Verdict, judge, relay
from tests.faults.residents import BINS, FLOODS, Fate, Model, invent
from tests.faults.stub import Manner

ALERT = UUID(int=1)
ANN, BOB = "ann@example.org", "bob@example.org"
EXPECTED = {ALERT: {ANN, BOB}}


def text(address: str, at: float = 0.0, *, alert: UUID = ALERT, was_answered: bool = True) -> Taken:
    return Taken(alert.hex, address, at, was_answered)


def verdict(**differs: int) -> Verdict:
    innocent = {"expected": 2, "lost": 0, "duplicated": 0, "excused": 0, "unexplained": 0, "unexpected": 0, "late": 0}
    return Verdict(**innocent | differs)


def test_everybody_once_is_innocent() -> None:
    assert judge(EXPECTED, [text(ANN), text(BOB)]) == verdict()


def test_who_got_nothing_is_lost() -> None:
    assert judge(EXPECTED, [text(ANN)]) == verdict(lost=1)


def test_a_text_to_somebody_else_or_of_another_alert_is_unexpected() -> None:
    strays = [text("eve@example.org"), text(ANN, alert=UUID(int=2))]
    assert judge(EXPECTED, [text(ANN), text(BOB), *strays]) == verdict(unexpected=2)


def test_a_repeat_without_a_reason_is_unexplained() -> None:
    assert judge(EXPECTED, [text(ANN), text(BOB), text(ANN, 9)]) == verdict(duplicated=1, unexplained=1)


def test_a_repeat_of_what_was_in_flight_at_a_death_is_explained() -> None:
    texts = [text(ANN, 10), text(BOB, 10), text(ANN, 19)]
    assert judge(EXPECTED, texts, deaths=[10.5]) == verdict(duplicated=1)
    assert judge(EXPECTED, texts, deaths=[18]) == verdict(duplicated=1, unexplained=1)
    assert judge(EXPECTED, texts, deaths=[5]) == verdict(duplicated=1, unexplained=1)


def test_a_repeat_of_what_was_never_answered_is_excused_and_one_more_is_not() -> None:
    texts = [text(ANN, was_answered=False), text(BOB), text(ANN, 9)]
    assert judge(EXPECTED, texts) == verdict(duplicated=1, excused=1)
    assert judge(EXPECTED, [*texts, text(ANN, 12)]) == verdict(duplicated=2, excused=1, unexplained=1)


def test_a_text_of_an_alert_that_had_ended_is_late() -> None:
    old = UUID(int=3)
    assert judge(EXPECTED, [text(ANN), text(BOB), text(ANN, alert=old)], earlier={old.hex}) == verdict(late=1)


@pytest.fixture(scope="module")
def model() -> Model:
    return invent(1_000, seed=1)


def test_the_model_leaves_out_whom_it_should(model: Model) -> None:
    expected = model.expected(BINS)
    assert len(expected) == 1_000
    assert {one.fate for one in model.residents} == set(Fate)
    assert {one.fate for one in model.residents if one.address in expected} == {Fate.NOTHING, Fate.FORGIVEN}
    bounced = set(model.ledger(BINS)) - set(expected)
    assert bounced
    assert all(address.startswith("gone") for address in bounced)


def test_who_left_the_bins_still_hears_of_floods() -> None:
    model = invent(50_000, seed=1)
    left = {one.address for one in model.residents if one.fate == Fate.UNSUBSCRIBED}
    assert not left & set(model.expected(BINS))
    assert left & set(model.expected(FLOODS))


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Relay]:
    with relay(tmp_path / "relay", rate=0, seed=1) as stub:
        yield stub


def send(stub: Relay, address: str = ANN, *, seconds: float = 1.5) -> None:
    message = f"Subject: Bins\r\nMessage-ID: <{ALERT.hex}-7@example.org>\r\n\r\nTuesday.\r\n"
    with smtplib.SMTP("127.0.0.1", stub.port, timeout=seconds) as smtp:
        smtp.sendmail("alerts@example.org", [address], message)


def test_the_stub_writes_down_what_it_takes_with_the_machines_clock(stub: Relay) -> None:
    before = time.monotonic()
    send(stub)
    [taken] = stub.taken()
    assert (taken.alert, taken.address, taken.was_answered) == (ALERT.hex, ANN, True)
    assert before <= taken.at <= time.monotonic()
    assert stub.count() == 1


def test_the_stub_begins_a_new_file_when_told(stub: Relay) -> None:
    send(stub)
    stub.turn_over("second")
    assert stub.count() == 0
    send(stub, BOB)
    assert [taken.address for taken in stub.taken()] == [BOB]


def test_the_stub_refuses_mailboxes_that_are_gone(stub: Relay) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(stub, "gone1@example.org")
    assert list(stub.taken()) == []


@pytest.mark.parametrize("manner", [Manner.HANGS, Manner.DRIPS])
def test_a_text_whose_sender_never_hears_of_it_counts_as_unanswered(stub: Relay, manner: Manner) -> None:
    stub.behave(manner)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        send(stub, seconds=0.5)  # of silence, which a byte a second would break in time for a longer one
    assert [taken.was_answered for taken in stub.taken()] == [False]
    stub.behave(Manner.OK)
    send(stub)
    assert [taken.was_answered for taken in stub.taken()] == [False, True]


@pytest.mark.parametrize("manner", [Manner.BUSY, Manner.HALF_CLOSES, Manner.REFUSES])
def test_what_is_turned_away_was_not_taken(stub: Relay, manner: Manner) -> None:
    stub.behave(manner)
    with pytest.raises(OSError):  # noqa: PT011 - whatever smtplib makes of it
        send(stub)
    stub.behave(Manner.OK)
    assert list(stub.taken()) == []
    send(stub)
    assert stub.count() == 1


def test_about_a_third_of_the_texts_are_put_off(stub: Relay) -> None:
    stub.behave(Manner.DEFERS)
    deferred = 0
    for _ in range(100):
        try:
            send(stub)
        except smtplib.SMTPDataError as error:
            deferred += error.smtp_code == 451
    assert 15 < deferred < 45
    assert stub.count() == 100 - deferred
