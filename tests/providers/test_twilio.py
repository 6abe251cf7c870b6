"""Twilio's text messages against a server that speaks its API: refusals told apart, silences kept to deadlines."""

import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Literal
from uuid import uuid4

import pytest

from notify.core import clock
from notify.core.settings import settings
from notify.providers.base import Accepted, Message, Provider, ProviderRejected, ProviderUnavailable
from notify.providers.contract import ProviderContract
from notify.providers.twilio.provider import TwilioSmsProvider
from tests.providers.twilio_stub import Mute, Reply, TwilioStub, serving
from tests.providers.unanswered import unanswered
from tests.relay import CERTIFICATE
from tests.timing import IN_TIME_S

Way = Literal["hang", "drop", "drip"]
Make = Callable[..., TwilioSmsProvider]
NUMBER = "+447700900001"


def sms(
    number: str = NUMBER,
    words: str = "Mae’r ffordd ar gau.",
    *,
    is_hasty: bool = False,
    expires_at: datetime | None = None,
) -> Message:
    return Message(f"{uuid4().hex}-1", number, "Road closed", words, is_hasty=is_hasty, expires_at=expires_at)


@pytest.fixture
def stub() -> Iterator[TwilioStub]:
    with serving(TwilioStub()) as made:
        yield made


@pytest.fixture
def make(stub: TwilioStub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a provider, with its settings from the environment as always."""
    made: list[TwilioSmsProvider] = []

    def provide(**chosen: object) -> TwilioSmsProvider:
        with monkeypatch.context() as environment:
            for name, value in stub.environment(**chosen).items():
                environment.setenv(name, value)
            made.append(TwilioSmsProvider())
        return made[-1]

    yield provide
    for provider in made:
        provider.close()


class TestContract(ProviderContract):
    """Text messages."""

    @pytest.fixture(autouse=True)
    def _settings(self, stub: TwilioStub, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in stub.environment().items():
            monkeypatch.setenv(name, value)

    def make_provider(self) -> Provider:
        return TwilioSmsProvider()

    def a_good_message(self) -> Message:
        return sms()


def test_a_text_is_sent_as_it_is_written(stub: TwilioStub, make: Make) -> None:
    words = "Cyngor Sir: mae’r bont ger y tŷ ar gau — ŵyl & £5 + 10% 😀\nDiolch."
    message = sms(words=words)
    sid = make().send(message)
    [taken] = stub.taken
    assert (taken["sid"], taken["Body"], taken["To"], taken["From"]) == (sid, words, NUMBER, stub.number)
    assert taken["SmartEncoded"] == "false"
    assert taken["ValidityPeriod"] == "36000"
    door = f"{settings().base_url}/api/v1/webhooks/twilio-sms"
    assert taken["StatusCallback"] == f"{door}?reference={message.reference}"


@pytest.mark.parametrize(("life_s", "validity"), [(90.9, "90"), (0.2, "1"), (-5, "1"), (10**6, "36000")])
def test_twilio_keeps_a_text_no_longer_than_the_alert_is_of_use(
    stub: TwilioStub, make: Make, life_s: float, validity: str
) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    clock.use(lambda: now)
    make().send(sms(expires_at=now + timedelta(seconds=life_s)))
    assert stub.taken[0]["ValidityPeriod"] == validity


def test_a_messaging_service_and_an_api_key_may_be_used(stub: TwilioStub, make: Make) -> None:
    service = f"MG{uuid4().hex}"
    key = {"api_key_sid": stub.api_key_sid, "api_key_secret": stub.api_key_secret}
    make(from_number="", messaging_service_sid=service, **key).send(sms())
    assert (stub.taken[0]["MessagingServiceSid"], "From" in stub.taken[0]) == (service, False)
    with pytest.raises(ProviderUnavailable, match="NOTIFY_TWILIO_API_KEY_SECRET"):
        make(**key | {"api_key_secret": "wrong"}).send(sms())


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({"account_sid": "AC1"}, "NOTIFY_TWILIO_ACCOUNT_SID"),
        ({"auth_token": ""}, "NOTIFY_TWILIO_AUTH_TOKEN"),
        ({"api_key_sid": "SK1"}, "NOTIFY_TWILIO_API_KEY_SECRET"),
        ({"from_number": ""}, "NOTIFY_TWILIO_FROM_NUMBER"),
        ({"messaging_service_sid": "MG1"}, "NOTIFY_TWILIO_MESSAGING_SERVICE_SID"),
    ],
)
def test_nothing_leaves_before_everything_is_set(
    stub: TwilioStub, make: Make, chosen: dict[str, str], named: str
) -> None:
    provider = make(**chosen)
    with pytest.raises(ProviderUnavailable, match=named):
        provider.send(sms())
    assert any(named in words for words in provider.check())
    assert stub.asked == []


@pytest.mark.parametrize("number", ["+441632960001", "+4477009000011", "+33700900001"])
def test_a_number_that_twilio_does_not_take_is_refused_and_not_repeated(
    stub: TwilioStub, make: Make, number: str
) -> None:
    with pytest.raises(ProviderRejected) as caught:
        make().send(sms(number))
    assert number not in str(caught.value)
    assert stub.taken == []


@pytest.mark.parametrize("words", ["", "a" * 1601])
def test_a_text_of_a_wrong_length_is_refused(make: Make, words: str) -> None:
    with pytest.raises(ProviderRejected, match=r"empty|1,600"):
        make().send(sms(words=words))


@pytest.mark.parametrize(
    ("reply", "words", "is_address", "seconds"),
    [
        (Reply(401, 20003, "Authenticate"), "NOTIFY_TWILIO_AUTH_TOKEN", False, None),
        (Reply(403, 0), "NOTIFY_TWILIO_AUTH_TOKEN", False, None),
        (Reply(404, 20404, "Not found"), "NOTIFY_TWILIO_ACCOUNT_SID", False, None),
        (Reply(403, 30002, "Suspended"), "suspended", False, None),
        (Reply(400, 21606, "From"), "NOTIFY_TWILIO_FROM_NUMBER", False, None),
        (Reply(400, 21609, "StatusCallback"), "NOTIFY_BASE_URL", False, None),
        (Reply(403, 21408, "Permission"), "Geo permissions", True, None),
        (Reply(400, 21612, "Not reachable"), "no way", True, None),
        (Reply(400, 21608, "Unverified"), "trial", True, None),
        (Reply(429, 20429, "Too many requests"), "enough for now", False, None),
        (Reply(429, 20429, "Too many", {"retry-after": "7"}), "enough for now", False, 7.0),
        (Reply(429, 0, raw=b"slow down"), "enough for now", False, None),
        (Reply(429, 63038, "Daily limit"), "enough for now", False, 900.0),
        (Reply(400, 21611, "Queue full"), "enough for now", False, 10.0),
        (Reply(503, 20503, "Unavailable", {"retry-after": "3"}), "503", False, 3.0),
        (Reply(500, 0, raw=b"<html>"), "500", False, None),
        (Reply(500, 0, raw=b"[" * 100_000), "500", False, None),
        (Reply(302, 0, headers={"location": "http://127.0.0.1:9/"}), "NOTIFY_TWILIO_BASE_URL", False, None),
        (Reply(400, 99999, f"No {NUMBER} today."), "(No … today)", False, None),
    ],
)
def test_a_refusal_that_is_not_the_residents_passes(
    stub: TwilioStub, make: Make, reply: Reply, words: str, is_address: bool, seconds: float | None
) -> None:
    stub.script.append(reply)
    with pytest.raises(ProviderUnavailable) as caught:
        make().send(sms())
    assert words in str(caught.value)
    assert (caught.value.is_address, caught.value.retry_after_s) == (is_address, seconds)
    assert stub.auth_token not in str(caught.value)
    assert NUMBER not in str(caught.value)


def test_who_told_twilio_stop_is_not_texted(stub: TwilioStub, make: Make) -> None:
    stub.script.append(Reply(400, 21610, "Attempt to send to unsubscribed recipient"))
    with pytest.raises(ProviderRejected, match="STOP"):
        make().send(sms())


@pytest.mark.parametrize("how", ["hang", "drop", "drip"])
@pytest.mark.parametrize("is_warm", [False, True])
def test_a_text_that_twilio_heard_and_did_not_answer_may_have_arrived(
    stub: TwilioStub, make: Make, how: Way, is_warm: bool
) -> None:
    provider = make(timeout_seconds=0.5)
    if is_warm:
        provider.send(sms())
    assert unanswered(provider, sms(), stub, Mute(how))
    assert provider.send(sms())  # and the next opens a new connection


def test_a_twilio_that_is_away_has_taken_nothing(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    for where in (nobody, "http://127.0.0.1:99999", "gopher://127.0.0.1", "http://[::1"):
        with pytest.raises(ProviderUnavailable, match="away"):
            make(base_url=where).send(sms())


def test_a_name_service_that_hangs_is_left_and_nothing_is_sent_afterwards(
    stub: TwilioStub, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, found, done = socket.getaddrinfo, Event(), Event()

    def slowly(*arguments: object, **options: object) -> object:
        found.wait(10)
        try:
            return look_up(*arguments, **options)  # type: ignore[arg-type]
        finally:
            done.set()

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    provider, begun = make(timeout_seconds=0.1), time.monotonic()
    with pytest.raises(ProviderUnavailable, match="too slow"):
        provider.send(sms())
    assert time.monotonic() - begun < IN_TIME_S
    found.set()
    assert done.wait(10)
    time.sleep(0.2)  # time enough to send what must not be sent
    assert stub.asked == []


def test_connections_are_kept_open_and_a_proxy_in_the_environment_is_not_used(
    stub: TwilioStub, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    provider = make(parallel=4)
    outcomes = list(provider.send_many([sms() for _ in range(40)]))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len(stub.lines) <= 4


def test_tls_connections_are_checked_and_kept(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(TwilioStub(certificate=CERTIFICATE)) as safe:
        environment = {name.removeprefix("NOTIFY_TWILIO_").lower(): value for name, value in safe.environment().items()}
        with pytest.raises(ProviderUnavailable, match="certificate is not valid"):
            make(**environment).send(sms())
        monkeypatch.setattr("certifi.where", lambda: str(CERTIFICATE))
        provider = make(**environment | {"timeout_seconds": "0.5"})
        for _ in range(3):
            provider.send(sms())
        assert len(safe.lines) == 1
        assert "too slow" in unanswered(provider, sms(), safe, Mute("drip"))
