"""Calls by Twilio: what is said, what became of it, and the key that stops it."""

from collections.abc import Callable, Iterator
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from twilio.twiml.voice_response import Gather, Say, VoiceResponse  # type: ignore[import-untyped]

from notify.core.db import transaction
from notify.core.settings import settings
from notify.providers.base import (
    CallBack,
    Channel,
    Inbound,
    Message,
    Provider,
    ProviderRejected,
    ProviderUnavailable,
    Receipt,
    ReceiptNotAuthentic,
    ReceiptState,
)
from notify.providers.contract import ProviderContract
from notify.providers.speech import sentences
from notify.providers.twilio.provider import TwilioVoiceProvider
from notify.providers.twilio.voice import Script
from tests.providers.twilio_stub import Reply, TwilioStub, serving

Make = Callable[..., TwilioVoiceProvider]
Client = TestClient[Litestar]
HERE = "https://alerts.example.org/api/v1/webhooks/twilio-voice"
LANDLINE = "+441632960001"
VOICES = {"en": "Polly.Amy", "cy": "Polly.Gwyneth"}


def call(number: str = LANDLINE, words: str = "Anytown Council. Flood.", *, language: str = "en") -> Message:
    return Message(f"{uuid4().hex}-1", number, "Flood", words, language=language)


@pytest.fixture
def stub() -> Iterator[TwilioStub]:
    with serving(TwilioStub()) as made:
        yield made


@pytest.fixture
def make(stub: TwilioStub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a provider, with its settings from the environment as always."""
    made: list[TwilioVoiceProvider] = []

    def provide(**chosen: object) -> TwilioVoiceProvider:
        with monkeypatch.context() as environment:
            for name, value in stub.environment(**chosen).items():
                environment.setenv(name, value)
            made.append(TwilioVoiceProvider())
        return made[-1]

    yield provide
    for provider in made:
        provider.close()


class TestContract(ProviderContract):
    """Calls."""

    @pytest.fixture(autouse=True)
    def _settings(self, stub: TwilioStub, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in stub.environment().items():
            monkeypatch.setenv(name, value)

    def make_provider(self) -> Provider:
        return TwilioVoiceProvider()

    def a_good_message(self) -> Message:
        return call()


def read(twiml: str) -> ElementTree.Element:
    return ElementTree.fromstring(twiml)


def words_of(element: ElementTree.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_a_call_says_everything_twice_and_then_how_to_stop_it(stub: TwilioStub, make: Make) -> None:
    message = call(words="Anytown Council. Flood & <high> water.\nRing 01632 960 001.")
    sid = make().send(message)
    [taken] = stub.taken
    assert (taken["sid"], taken["To"], taken["From"], taken["Timeout"]) == (sid, LANDLINE, stub.number, "30")
    door = f"{settings().base_url}/api/v1/webhooks/twilio-voice"
    assert taken["StatusCallback"] == f"{door}?reference={message.reference}"
    assert "MachineDetection" not in taken
    pause, alert, gather, goodbye = read(taken["Twiml"])
    assert [one.tag for one in (pause, alert, gather, goodbye)] == ["Pause", "Say", "Gather", "Say"]
    assert alert.attrib == {"voice": "Polly.Amy", "language": "en-GB", "loop": "2"}
    assert words_of(alert) == "Anytown Council. Flood & <high> water. Ring 01632 960 001 ."
    assert gather.attrib["action"] == f"{door}?reference={message.reference}&language=en"
    assert gather.attrib["numDigits"] == "1"
    assert words_of(gather) == "To stop these calls, press nine."
    assert words_of(goodbye) == "Goodbye."


def test_welsh_is_said_by_a_welsh_voice_and_other_languages_by_an_english_one(stub: TwilioStub, make: Make) -> None:
    provider = make(voice_welsh="Polly.Gwyneth", voice_english="Polly.Amy-Neural")
    for language in ("cy", "pl"):
        provider.send(call(words="Mae’r ffordd ar gau.", language=language))
    welsh, polish = (read(taken["Twiml"]) for taken in stub.taken)
    assert {say.attrib["voice"] for say in welsh.iter("Say")} == {"Polly.Gwyneth"}
    assert {say.attrib["language"] for say in welsh.iter("Say")} == {"cy-GB"}
    assert "pwyswch naw" in words_of(welsh)
    assert {say.attrib["voice"] for say in polish.iter("Say")} == {"Polly.Amy-Neural"}


def test_the_twiml_is_what_twilios_library_would_write() -> None:
    url = "https://alerts.example.org/x?reference=x-1&language=en"
    voice = {"voice": "Polly.Amy", "language": "en-GB"}
    alert = Say(**voice, loop=2)
    alert.prosody(rate="90%").s('Road <closed> & "flooded".')
    alert.break_(time="1s")
    gather = Gather(num_digits=1, finish_on_key="", timeout=6, action=url)
    gather.say("To stop these calls, press nine.", **voice)
    expected = VoiceResponse()
    expected.pause(length=1)
    for verb in (alert, gather):
        expected.append(verb)
    expected.say("Goodbye.", **voice)
    ours = Script(VOICES, url).call('Road <closed> & "flooded".', "en")
    assert ElementTree.canonicalize(ours) == ElementTree.canonicalize(str(expected))


@given(words=st.text(max_size=3000), language=st.sampled_from(["en", "cy", "pl"]))
def test_any_text_makes_a_call_that_twilio_takes(words: str, language: str) -> None:
    twiml = Script(VOICES, f"{HERE}?reference={'a' * 32}-1&language={language}").call(words, language)
    assert len(twiml) <= len(twiml.encode()) <= 4000
    assert [one.tag for one in read(twiml)] == ["Pause", "Say", "Gather", "Say"]


@pytest.mark.parametrize(("language", "shortened"), [("en", "has been shortened"), ("cy", "wedi’i byrhau")])
def test_a_text_that_is_too_long_ends_after_a_sentence_and_says_so(
    stub: TwilioStub, make: Make, language: str, shortened: str
) -> None:
    words = " ".join(f"Sentence {number} of a long, long alert about high water." for number in range(120))
    make().send(call(words=words, language=language))
    *said, last = ("".join(one.itertext()) for one in read(stub.taken[0]["Twiml"]).iter("s"))
    assert shortened in last
    assert list(sentences(words))[: len(said)] == said
    assert len(said) > 30


@pytest.mark.parametrize("words", ["w" * 6000, "ŵ" * 6000, "Gair " * 2000, "& " * 3000])
def test_a_sentence_that_is_too_long_is_cut(stub: TwilioStub, make: Make, words: str) -> None:
    make().send(call(words=words))
    said, last = ("".join(one.itertext()) for one in read(stub.taken[0]["Twiml"]).iter("s"))
    assert words.startswith(said)
    assert len(said) > 400
    assert "shortened" in last


def test_settings_say_how_long_it_rings_and_whether_to_wait_for_the_beep(stub: TwilioStub, make: Make) -> None:
    make(voice_ring_seconds=60, voice_waits_for_beep=True).send(call())
    assert (stub.taken[0]["Timeout"], stub.taken[0]["MachineDetection"]) == ("60", "DetectMessageEnd")


def test_the_callers_number_must_be_set_and_be_ours(make: Make) -> None:
    for number in ("", "Anytown"):
        with pytest.raises(ProviderUnavailable, match="NOTIFY_TWILIO_VOICE_FROM_NUMBER"):
            make(voice_from_number=number).send(call())
        assert any("NOTIFY_TWILIO_VOICE_FROM_NUMBER" in words for words in make(voice_from_number=number).check())
    with pytest.raises(ProviderUnavailable, match="NOTIFY_TWILIO_VOICE_FROM_NUMBER"):
        make(voice_from_number="+447700900123").send(call())


def test_numbers_that_cannot_be_called(stub: TwilioStub, make: Make) -> None:
    for code in (21217, 13224, 21214):
        stub.script.append(Reply(400, code, "…"))
        with pytest.raises(ProviderRejected):
            make().send(call())
    stub.script.append(Reply(400, 21215, "Geo permission"))
    with pytest.raises(ProviderUnavailable, match="Geo permissions") as caught:
        make().send(call())
    assert caught.value.is_address


@pytest.mark.parametrize(
    ("told", "state", "reason"),
    [
        ({"CallStatus": "completed"}, ReceiptState.DELIVERED, ""),
        ({"CallStatus": "completed", "AnsweredBy": "human"}, ReceiptState.DELIVERED, ""),
        ({"CallStatus": "completed", "AnsweredBy": "machine_end_beep"}, ReceiptState.DELIVERED, "A machine answered."),
        ({"CallStatus": "busy"}, ReceiptState.TEMPORARY_FAILURE, "The line was busy."),
        ({"CallStatus": "no-answer"}, ReceiptState.TEMPORARY_FAILURE, "Nobody answered."),
        ({"CallStatus": "canceled"}, ReceiptState.TEMPORARY_FAILURE, "The call was called off at Twilio."),
        (
            {"CallStatus": "failed", "SipResponseCode": "404"},
            ReceiptState.PERMANENT_FAILURE,
            "There is no such number.",
        ),
        ({"CallStatus": "failed", "SipResponseCode": "503"}, ReceiptState.TEMPORARY_FAILURE, None),
        ({"CallStatus": "failed"}, ReceiptState.TEMPORARY_FAILURE, None),
    ],
)
def test_a_receipt_tells_what_became_of_a_call(
    stub: TwilioStub, make: Make, told: dict[str, str], state: ReceiptState, reason: str | None
) -> None:
    provider, said = make(), stub.call_back(f"{HERE}?reference=x-1", To=LANDLINE, CallSid="CA1", **told)
    [receipt] = provider.read_receipt(said)
    assert isinstance(receipt, Receipt)
    assert (receipt.reference, receipt.state) == ("x-1", state)
    assert receipt.reason == reason if reason is not None else receipt.reason
    assert b"<Response/>" in provider.answer(said, [receipt])[0]


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress", "dancing"])
def test_a_call_that_goes_on_is_no_news(stub: TwilioStub, make: Make, status: str) -> None:
    assert make().read_receipt(stub.call_back(f"{HERE}?reference=x-1", CallStatus=status)) == []


def key(stub: TwilioStub, digits: str, *, language: str = "en", **more: str) -> CallBack:
    told = {"To": LANDLINE, "From": stub.number, "CallStatus": "in-progress", "Direction": "outbound-api", **more}
    return stub.call_back(f"{HERE}?reference=x-1&language={language}", Digits=digits, **told)


@pytest.mark.parametrize(
    ("language", "goodbye"), [("en", "not call you again"), ("cy", "eich ffonio eto"), ("%22", "n")]
)
def test_the_nine_stops_the_calls_and_the_voice_says_so(
    stub: TwilioStub, make: Make, language: str, goodbye: str
) -> None:
    provider, pressed = make(), key(stub, "9", language=language)
    news = provider.read_receipt(pressed)
    assert news == [Inbound(Channel.VOICE, LANDLINE, "STOP")]
    body, media_type = provider.answer(pressed, news)
    assert goodbye in words_of(read(body.decode()))
    assert (read(body.decode())[-1].tag, media_type) == ("Hangup", "application/xml")


@pytest.mark.parametrize("digits", ["1", "", "99", "*", "<"])
def test_another_key_stops_nothing(stub: TwilioStub, make: Make, digits: str) -> None:
    provider, pressed = make(), key(stub, digits)
    assert provider.read_receipt(pressed) == []
    assert words_of(read(provider.answer(pressed, [])[0].decode())) == "Goodbye."


def test_who_calls_us_is_the_one_who_presses(stub: TwilioStub, make: Make) -> None:
    pressed = key(stub, "9", Direction="inbound", From=LANDLINE, To=stub.number)
    assert make().read_receipt(pressed) == [Inbound(Channel.VOICE, LANDLINE, "STOP")]
    withheld = key(stub, "9", Direction="inbound", From="anonymous", To=stub.number)
    assert make().read_receipt(withheld) == []


def test_a_key_that_twilio_did_not_sign_stops_nothing(stub: TwilioStub, make: Make) -> None:
    pressed = key(stub, "9")
    with pytest.raises(ReceiptNotAuthentic):
        make().read_receipt(CallBack(pressed.body, {}, pressed.url))


@pytest.fixture
def in_use(stub: TwilioStub, choose: Callable[..., None]) -> None:
    """Calls go by Twilio, and its call-backs come in at the public door."""
    variables = {name.removeprefix("NOTIFY_"): value for name, value in stub.environment().items()}
    choose(VOICE_PROVIDERS="twilio-voice", **variables)


@pytest.mark.usefixtures("in_use")
def test_the_public_door_takes_the_key_and_answers_in_twiml(client: Client, stub: TwilioStub) -> None:
    url = f"{settings().base_url}/api/v1/webhooks/twilio-voice?reference=x-1&language=cy"
    pressed = stub.call_back(url, Digits="9", To=LANDLINE, Direction="outbound-api")
    form = {"content-type": "application/x-www-form-urlencoded"}
    path = url.removeprefix(settings().base_url)
    reply = client.post(path, content=pressed.body, headers={**pressed.headers, **form})
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, "application/xml")
    assert "Hwyl fawr" in reply.text
    with transaction() as session:
        assert list(session.execute(text("SELECT channel, reason FROM suppression"))) == [("voice", "stop")]
    assert client.post(path, content=b"Digits=9", headers=form).status_code == 401
