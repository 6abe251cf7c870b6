"""The webhook adapter against a real receiver: signed, patient only so far, and never inwards."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from notify.core import clock
from notify.core.tokens import webhook_secret
from notify.providers.base import (
    Accepted,
    Message,
    Provider,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Refused,
    Unknown,
)
from notify.providers.contract import ProviderContract
from notify.providers.webhook.provider import GONE, WebhookProvider, signed_headers
from tests import moments
from tests.providers.messages import call
from tests.providers.receiver import Provide, Receiver, making_providers, receiving
from tests.relay import CERTIFICATE
from tests.timing import IN_TIME_S


class TestContract(ProviderContract):
    """Against a receiver that says yes."""

    @pytest.fixture(autouse=True)
    def _receiver(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("NOTIFY_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")
        with receiving(Receiver()) as self.receiver:
            yield

    def make_provider(self) -> Provider:
        return WebhookProvider()

    def a_good_message(self) -> Message:
        return call(self.receiver.address)


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provide]:
    """Makes a provider, with its settings from the environment as always."""
    with making_providers(monkeypatch) as make:
        yield make


def test_a_call_is_signed_as_standard_webhooks_says(provide: Provide) -> None:
    words, secret = '{"title": "Ffordd ar gau: tŷ"}', "whsec_" + base64.b64encode(bytes(range(32))).decode()
    with receiving(Receiver()) as receiver:
        message = call(receiver.address, text=words, secret=secret)
        provide().send(message)
    [(path, headers, body)] = receiver.calls
    assert (path, body, headers["content-type"]) == ("/hook", words.encode(), "application/json")
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert headers["webhook-id"] == message.reference
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(bytes(range(32)), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert Webhook(secret).verify(body, headers) == json.loads(words)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_while_secrets_change_both_of_them_verify(provide: Provide) -> None:
    new, old = webhook_secret(), webhook_secret()
    with receiving(Receiver()) as receiver:
        provide().send(call(receiver.address, secret=f"{new} {old}"))
    [(_, headers, body)] = receiver.calls
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (new, old):
        Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook_secret()).verify(body, headers)


@given(body=st.text().map(str.encode), secrets=st.lists(st.binary(min_size=1, max_size=64), min_size=1, max_size=3))
def test_the_reference_library_believes_every_signature(body: bytes, secrets: list[bytes]) -> None:
    written = ["whsec_" + base64.b64encode(secret).decode() for secret in secrets]
    headers = signed_headers(" ".join(written), "msg-1", body)
    for secret in written:
        Webhook(secret).verify(body, headers, json_parse=False)


@pytest.mark.parametrize("secret", [" ", "whsec_", "whsec_!", "whsec_AAA", "whsec_MTIz whsec_"])
def test_nothing_leaves_unsigned(provide: Provide, secret: str) -> None:
    with receiving(Receiver()) as receiver:
        with pytest.raises(ProviderUnavailable, match="no secret") as caught:
            provide().send(call(receiver.address, secret=secret))
        assert caught.value.is_address
        assert secret.strip() not in str(caught.value) or secret == " "
    assert receiver.calls == []


def test_every_attempt_has_the_same_id(provide: Provide) -> None:
    with receiving(Receiver(status=500)) as receiver:
        provider, message = provide(), call(receiver.address)
        for _ in range(2):
            with pytest.raises(ProviderUnavailable):
                provider.send(message)
    assert {headers["webhook-id"] for _, headers, _ in receiver.calls} == {message.reference}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_answer_of_success_is_success(provide: Provide, status: int) -> None:
    with receiving(Receiver(status=status, body=b"")) as receiver:
        assert provide().send(call(receiver.address)) == ""


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (500, "120", 120.0),
        (503, "", None),
        (429, "²", None),
        (404, "-1", None),
        (429, "Fri, 01 Jan 2100", None),
        (429, "Fri, 01 Jan 2100 00:02:00 GMT", 120.0),
        (429, "Thu, 31 Dec 2099 00:00:00 GMT", 0.0),
    ],
)
def test_a_failing_receiver_is_called_again_when_it_wishes(
    provide: Provide, status: int, retry_after: str, seconds: float | None
) -> None:
    clock.use(lambda: datetime(2100, 1, 1, tzinfo=UTC))
    headers = {"retry-after": retry_after.encode().decode("latin-1")} if retry_after else {}
    with receiving(Receiver(status=status, headers=headers)) as receiver:
        with pytest.raises(ProviderUnavailable, match=str(status)) as caught:
            provide().send(call(receiver.address))
        moments.restore()
        assert caught.value.retry_after_s == seconds
        assert caught.value.is_address  # another receiver knows nothing of this one's wishes


def test_a_receiver_that_is_gone_is_not_called_again(provide: Provide) -> None:
    with receiving(Receiver(status=410)) as receiver, pytest.raises(ProviderRejected, match="410") as caught:
        provide().send(call(receiver.address))
    assert str(caught.value) == GONE


@pytest.mark.parametrize("status", [100, 199, 300, 304, 400, 401, 404, 418, 599])
def test_every_other_answer_is_a_failure(provide: Provide, status: int) -> None:
    refused = pytest.raises((ProviderUnavailable, ProviderUnsure))
    with receiving(Receiver(status=status, body=b"")) as receiver, refused:
        provide(timeout_seconds=0.5).send(call(receiver.address))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(provide: Provide, status: int) -> None:
    with (
        receiving(Receiver()) as elsewhere,
        receiving(Receiver(status=status, headers={"location": elsewhere.address})) as receiver,
    ):
        with pytest.raises(ProviderUnavailable, match=str(status)):
            provide().send(call(receiver.address))
        assert elsewhere.calls == []


def test_only_https_is_called_unless_the_host_is_allowed(provide: Provide) -> None:
    with receiving(Receiver()) as receiver:
        with pytest.raises(ProviderRejected, match="https"):
            provide(allowed_hosts="").send(call(receiver.address))
        with pytest.raises(ProviderRejected, match="https"):
            provide(allowed_hosts="127.0.0.2").send(call(receiver.address))
        assert receiver.calls == []
        provide(allowed_hosts="other.test, 127.0.0.1").send(call(receiver.address))
        assert len(receiver.calls) == 1


def test_a_proxy_in_the_environment_is_not_used(provide: Provide, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Receiver()) as receiver:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        provide().send(call(receiver.address))
    assert len(receiver.calls) == 1


def test_a_receiver_that_drips_its_answer_is_cut_at_the_deadline(provide: Provide) -> None:
    with receiving(Receiver(drips="head")) as receiver:
        begun = time.monotonic()
        with pytest.raises(ProviderUnsure, match="too slow"):
            provide(timeout_seconds=0.5).send(call(receiver.address))
        assert time.monotonic() - begun < IN_TIME_S


def test_a_call_that_was_answered_is_not_repeated_for_what_follows_the_status(provide: Provide) -> None:
    begun = time.monotonic()
    with receiving(Receiver(drips="body")) as receiver:
        assert provide(timeout_seconds=0.5).send(call(receiver.address)) == ""
    assert time.monotonic() - begun < IN_TIME_S
    with receiving(Receiver(body=b"x" * 5_000_000)) as receiver:
        assert provide().send(call(receiver.address)) == ""


def test_a_receiver_that_is_not_there_is_tried_again_later(provide: Provide) -> None:
    with receiving(Receiver()) as receiver:
        pass
    with pytest.raises(ProviderUnavailable, match="away"):
        provide().send(call(receiver.address))


def test_many_receivers_are_called_at_the_same_time_and_a_slow_one_holds_up_nobody(provide: Provide) -> None:
    with receiving(Receiver()) as good, receiving(Receiver(drips="head")) as slow, receiving(Receiver()) as gone:
        gone.status = 410
        messages = (
            [call(slow.address) for _ in range(4)] + [call(good.address) for _ in range(20)] + [call(gone.address)]
        )
        begun, seen = time.monotonic(), []
        for outcome in provide(timeout_seconds=1, parallel=8).send_many(messages):
            seen.append((type(outcome), time.monotonic() - begun))
    assert {kind for kind, _ in seen[-4:]} == {Unknown}
    assert Counter(kind for kind, _ in seen) == {Accepted: 20, Unknown: 4, Refused: 1}
    assert seen[-1][1] < IN_TIME_S


def test_no_more_receivers_are_called_at_once_than_the_settings_say(provide: Provide) -> None:
    with receiving(Receiver(drips="head")) as slow:
        telling = provide(timeout_seconds=0.5, parallel=3).send_many([call(slow.address) for _ in range(9)])
        assert isinstance(next(telling), Unknown)
        assert slow.most_at_once <= 3
        del telling  # who stops listening has the others called off
    assert len(slow.calls) < 9


def test_a_call_that_broke_off_before_it_was_heard_was_not_taken(provide: Provide) -> None:
    with listening() as server:
        large = call(f"http://127.0.0.1:{server.getsockname()[1]}/", text="x" * 50_000_000)
        with pytest.raises(ProviderUnavailable, match="too slow"):
            provide(timeout_seconds=0.5).send(large)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_receiver_that_never_answers_is_left_in_time(provide: Provide, scheme: str) -> None:
    with listening() as server:
        begun = time.monotonic()
        kind = ProviderUnsure if scheme == "http" else ProviderUnavailable  # TLS hangs before anything is said
        with pytest.raises(kind, match=r"too slow|away"):
            provide(timeout_seconds=0.5).send(call(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/"))
        assert time.monotonic() - begun < IN_TIME_S


def test_a_tls_receiver_that_drips_is_cut_at_the_deadline(provide: Provide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(CERTIFICATE))
    with receiving(Receiver(drips="head", tls=True)) as receiver:
        begun = time.monotonic()
        with pytest.raises(ProviderUnsure, match="too slow"):
            provide(timeout_seconds=0.6).send(call(receiver.address))
        assert time.monotonic() - begun < IN_TIME_S


def test_another_address_of_the_receiver_is_tried_when_nobody_answers_at_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK_ALLOWED_HOSTS", "crm.example.org")
    with receiving(Receiver()) as receiver:
        provider = WebhookProvider(resolve=lambda _host, _port: ["127.0.0.9", "127.0.0.1"])
        assert provider.send(call(f"http://crm.example.org:{receiver.port}/hook")) == ""
        provider.close()
    assert receiver.calls[0][1]["host"] == f"crm.example.org:{receiver.port}"


def test_the_certificate_must_be_for_the_name_not_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(CERTIFICATE))
    monkeypatch.setenv("NOTIFY_WEBHOOK_ALLOWED_HOSTS", "localhost, crm.example.org")
    with receiving(Receiver(tls=True)) as receiver:
        provider = WebhookProvider(resolve=lambda _host, _port: ["127.0.0.1"])
        assert provider.send(call(f"https://localhost:{receiver.port}/")) == ""
        with pytest.raises(ProviderUnavailable, match="away: ConnectError"):
            provider.send(call(f"https://crm.example.org:{receiver.port}/"))
        provider.close()
    assert len(receiver.calls) == 1


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A server that takes connections and never says or hears anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server
