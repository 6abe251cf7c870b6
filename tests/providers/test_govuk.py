"""The GOV.UK Notify adapters against a server that speaks its API: refusals told apart, doubts cleared."""

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event
from typing import Literal
from uuid import uuid4

import pytest

from notify.core import clock
from notify.providers.base import Accepted, Message, Provider, ProviderRejected, ProviderUnavailable, ProviderUnsure
from notify.providers.contract import ProviderContract
from notify.providers.govuk.provider import GovukEmailProvider, GovukSmsProvider
from notify.providers.govuk.wording import for_markdown
from tests.providers.govuk_stub import SOME_ID, TEAM_ONLY, GovukStub, Mute, Reply, serving
from tests.providers.messages import mail
from tests.providers.unanswered import unanswered
from tests.relay import CERTIFICATE

Way = Literal["hang", "drop", "drip"]


def sms(number: str = "+447700900001", words: str = "Mae’r ffordd ar gau.", *, is_hasty: bool = False) -> Message:
    return Message(f"{uuid4().hex}-1", number, "Road closed", words, is_hasty=is_hasty)


@pytest.fixture
def stub() -> Iterator[GovukStub]:
    with serving(GovukStub()) as made:
        yield made


@pytest.fixture(autouse=True)
def _settings(stub: GovukStub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adapters' settings, in the environment as always."""
    for name, value in stub.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def texts() -> Iterator[GovukSmsProvider]:
    provider = GovukSmsProvider()
    yield provider
    provider.close()


@pytest.fixture
def letters() -> Iterator[GovukEmailProvider]:
    provider = GovukEmailProvider()
    yield provider
    provider.close()


class TestContractOfSms(ProviderContract):
    """Text messages."""

    def make_provider(self) -> Provider:
        return GovukSmsProvider()

    def a_good_message(self) -> Message:
        return sms()


class TestContractOfEmail(ProviderContract):
    """E-mail."""

    def make_provider(self) -> Provider:
        return GovukEmailProvider()

    def a_good_message(self) -> Message:
        return mail()


def test_a_text_goes_with_its_words_and_our_reference(texts: GovukSmsProvider, stub: GovukStub) -> None:
    message = sms()
    identity = texts.send(message)
    [taken] = stub.taken
    assert (taken["id"], taken["reference"]) == (identity, message.reference)
    assert taken["content"] == {"body": "Mae’r ffordd ar gau."}
    assert taken["asked"] == {
        "phone_number": "+447700900001",
        "template_id": stub.sms_template,
        "personalisation": {"body": "Mae’r ffordd ar gau."},
        "reference": message.reference,
    }


def test_a_mail_goes_with_its_subject_and_its_plain_words(letters: GovukEmailProvider, stub: GovukStub) -> None:
    message = mail()
    letters.send(message)
    [taken] = stub.taken
    assert taken["content"] == {
        "subject": "Ffordd ar gau: tŷ",
        "body": "Mae’r ffordd ar gau ddydd Sul.\nTŷ, ŵyl a môr; £5.\n.\n..dau ddot",
    }


@pytest.mark.parametrize(
    ("url", "given"),
    [("https://alerts.example.org/u/x", "https://alerts.example.org/u/x"), ("http://127.0.0.1/u/x", None)],
)
def test_one_click_unsubscribe_goes_along_where_it_is_https(
    letters: GovukEmailProvider, stub: GovukStub, url: str, given: str | None
) -> None:
    message = mail()
    headed = f"List-Unsubscribe: <mailto:stop@example.org>, <{url}>\r\n".encode() + message.mime
    letters.send(Message(message.reference, message.address, message.subject, "", headed))
    [(_, _, asked)] = stub.sent
    assert asked.get("one_click_unsubscribe_url") == given


def test_the_chosen_senders_go_along(stub: GovukStub, monkeypatch: pytest.MonkeyPatch) -> None:
    reply_to, sender = str(uuid4()), str(uuid4())
    monkeypatch.setenv("NOTIFY_GOVUK_EMAIL_REPLY_TO_ID", reply_to)
    monkeypatch.setenv("NOTIFY_GOVUK_SMS_SENDER_ID", sender)
    providers = (GovukEmailProvider(), GovukSmsProvider())
    for provider, message in zip(providers, (mail(), sms()), strict=True):
        provider.send(message)
        provider.close()
    assert [asked.get("email_reply_to_id") for _, _, asked in stub.sent] == [reply_to, None]
    assert [asked.get("sms_sender_id") for _, _, asked in stub.sent] == [None, sender]


def test_words_come_out_of_markdown_as_they_were_written() -> None:
    written = "\n".join(
        [
            "#1 priority",
            "2.30pm: closed",
            "-5 degrees",
            "---",
            "- a list",
            "* a list",
            "*note",
            "[1]: x",
            "    far in",
            "> said",
        ]
    )
    assert for_markdown(written).splitlines() == [
        "\\#1 priority",
        "2\\.30pm: closed",
        "\\-5 degrees",
        "\\---",
        "- a list",
        "* a list",
        "\\*note",
        "\\[1]: x",
        "far in",
        "> said",
    ]


def test_lines_that_were_folded_are_whole_again_and_others_stay() -> None:
    long = " ".join(["floods and closures"] * 20)
    folded = textwrap.fill(long, 76)
    url = "https://alerts.example.org/u/" + "x" * 60
    assert for_markdown(folded + "\nShort.\n\nStop:\n" + url + "\nManage:") == (
        long + "\nShort.\n\nStop:\n" + url + "\nManage:"
    )


@pytest.mark.parametrize("address", ["07700 90000", "020 7946 0000", "somebody"])
def test_a_number_that_notify_does_not_take_is_refused(texts: GovukSmsProvider, address: str) -> None:
    with pytest.raises(ProviderRejected, match="recipient: phone_number"):
        texts.send(sms(address))


@pytest.mark.parametrize(
    "words",
    [TEAM_ONLY, "Can’t send to this recipient when service is in trial mode – see https://www.example.org/trial-mode"],
)
def test_a_key_that_reaches_no_residents_costs_none_of_them_the_message(
    texts: GovukSmsProvider, stub: GovukStub, words: str
) -> None:
    stub.script.append(Reply(400, "BadRequestError", words))
    with pytest.raises(ProviderUnavailable, match="use a live key"):
        texts.send(sms())


def test_a_text_that_is_too_long_is_refused_with_both_lengths(texts: GovukSmsProvider) -> None:
    with pytest.raises(ProviderRejected, match=r"content: .*918.*919"):
        texts.send(sms(words="x" * 919))


@pytest.mark.parametrize(
    ("reply", "words", "wait_s"),
    [
        (Reply(403, "AuthError", "Invalid token: API key not found"), "NOTIFY_GOVUK_API_KEY", None),
        (Reply(403, "BadRequestError", "Error: Your system clock must be accurate"), "clock", None),
        (Reply(400, "BadRequestError", "Template not found"), "NOTIFY_GOVUK_SMS_TEMPLATE_ID", None),
        (Reply(400, "BadRequestError", "Missing personalisation: name"), "NOTIFY_GOVUK_SMS_TEMPLATE_ID", None),
        (Reply(400, "BadRequestError", "Service is not allowed to send text messages"), "not allowed", None),
        (Reply(429, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests"), "3000", 10.0),
        (Reply(429, "RateLimitError", "Exceeded rate limit", {"retry-after": "42"}), "rate limit", 42.0),
        (Reply(429, "TooManyRequestsError", "Exceeded send limits (250000) for today"), "today", 300.0),
        (Reply(500), "500", None),
        (Reply(503, headers={"retry-after": "7"}, raw=b"<html>"), "503", 7.0),
        (Reply(302, headers={"location": "http://127.0.0.1:9/"}, raw=b""), "302: check NOTIFY_GOVUK_BASE_URL", None),
    ],
)
def test_what_passes_or_is_our_own_fault_costs_no_resident_the_address(
    texts: GovukSmsProvider, stub: GovukStub, reply: Reply, words: str, wait_s: float | None
) -> None:
    clock.use(lambda: datetime(2026, 11, 23, 23, 55, tzinfo=UTC))
    stub.script.append(reply)
    with pytest.raises(ProviderUnavailable, match=words) as caught:
        texts.send(sms())
    assert (caught.value.retry_after_s, caught.value.is_address) == (wait_s, False)
    assert stub.taken == []


def test_a_daily_limit_is_asked_about_again_before_midnight(texts: GovukSmsProvider, stub: GovukStub) -> None:
    clock.use(lambda: datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    stub.script.append(Reply(429, "TooManyRequestsError", "Exceeded send limits (250000) for today"))
    with pytest.raises(ProviderUnavailable) as caught:
        texts.send(sms())
    assert caught.value.retry_after_s == 900


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_a_notify_that_keeps_us_waiting_is_left_in_time(
    stub: GovukStub, monkeypatch: pytest.MonkeyPatch, how: Way
) -> None:
    monkeypatch.setenv("NOTIFY_GOVUK_TIMEOUT_SECONDS", "0.3")
    provider = GovukSmsProvider()
    assert "too slow" in unanswered(provider, sms(), stub, Mute(how))
    provider.close()


@pytest.mark.parametrize("how", ["hang", "drop"])
def test_what_notify_took_without_saying_so_is_found_by_our_reference(
    stub: GovukStub, monkeypatch: pytest.MonkeyPatch, how: Way
) -> None:
    monkeypatch.setenv("NOTIFY_GOVUK_TIMEOUT_SECONDS", "0.3")
    provider = GovukSmsProvider()
    stub.script.append(Mute(how, takes=True))
    assert provider.send(sms()) == stub.taken[0]["id"]
    provider.close()


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_with_tls_connections_are_kept_and_deadlines_too(monkeypatch: pytest.MonkeyPatch, how: Way) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with serving(GovukStub(tls=True)) as stub:
        for name, value in stub.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NOTIFY_GOVUK_TIMEOUT_SECONDS", "0.5")
        provider = GovukSmsProvider()
        assert [bool(provider.send(sms())) for _ in range(3)] == [True] * 3
        assert len(stub.lines) == 1
        assert "too slow" in unanswered(provider, sms(), stub, Mute(how))
        provider.close()


def test_a_certificate_that_nobody_vouches_for_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(GovukStub(tls=True)) as stub:
        for name, value in stub.environment().items():
            monkeypatch.setenv(name, value)
        provider = GovukSmsProvider()
        with pytest.raises(ProviderUnavailable, match="SSLError"):
            provider.send(sms())
        provider.close()
    assert stub.sent == []


def test_a_proxy_is_used_and_deadlines_hold_there_too(stub: GovukStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", stub.address)
    monkeypatch.setenv("NOTIFY_GOVUK_BASE_URL", "http://notify.invalid")
    monkeypatch.setenv("NOTIFY_GOVUK_TIMEOUT_SECONDS", "0.3")
    provider = GovukSmsProvider()
    stub.script.append(Mute("drip", takes=True))
    assert provider.send(sms()) == stub.taken[0]["id"]
    provider.close()


def test_an_answer_that_cannot_be_read_leaves_a_doubt(texts: GovukSmsProvider, stub: GovukStub) -> None:
    stub.script.append(Reply(201, raw=b"<html>Welcome to the wireless network</html>"))
    with pytest.raises(ProviderUnsure, match="201"):
        texts.send(sms())


def test_a_notify_that_is_not_there_has_taken_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://127.0.0.1:1", "https://notify.invalid", "nonsense"):
        monkeypatch.setenv("NOTIFY_GOVUK_BASE_URL", url)
        provider = GovukSmsProvider()
        with pytest.raises(ProviderUnavailable, match="away"):
            provider.send(sms())
        provider.close()


@pytest.mark.parametrize("key", ["", "nonsense", f"alerts-{SOME_ID}"])
def test_without_a_whole_key_nothing_is_sent(stub: GovukStub, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("NOTIFY_GOVUK_API_KEY", key)
    provider = GovukSmsProvider()
    with pytest.raises(ProviderUnavailable, match="NOTIFY_GOVUK_API_KEY"):
        provider.send(sms())
    assert stub.sent == []


def test_connections_are_kept_between_messages_and_batches(texts: GovukSmsProvider, stub: GovukStub) -> None:
    for _ in range(3):
        assert all(isinstance(one, Accepted) for one in texts.send_many([sms() for _ in range(20)]))
    assert len(stub.taken) == 60
    assert len(stub.lines) <= texts.settings.parallel


def test_what_was_withdrawn_does_not_leave(texts: GovukSmsProvider, stub: GovukStub) -> None:
    stopped = Event()
    stopped.set()
    message = sms()
    gone = Message(message.reference, message.address, message.subject, message.text, withdrawn=stopped)
    assert [type(one).__name__ for one in texts.send_many([gone, sms()])].count("Accepted") == 1
    assert len(stub.taken) == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_fails_after_notify_took_the_text_does_not_double_it(
    texts: GovukSmsProvider, stub: GovukStub, status: int
) -> None:
    stub.script.append(Reply(status, raw=b"<html>Bad gateway</html>"))
    with pytest.raises(ProviderUnsure, match=str(status)):
        texts.send(sms())
