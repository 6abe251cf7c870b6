"""Twilio's call-backs are believed when its own library signed them, and `notify doctor` hears what is wrong."""

import base64
import hashlib
import hmac
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notify.core.db import transaction
from notify.core.settings import settings
from notify.providers.base import CallBack, Channel, Inbound, Receipt, ReceiptNotAuthentic, ReceiptState
from notify.providers.twilio.provider import TwilioSmsProvider
from tests.alerts.calls import created
from tests.providers.twilio_stub import Reply, TwilioStub, serving
from tests.world import World, add_resident, make_world

Make = Callable[..., TwilioSmsProvider]
Client = TestClient[Litestar]
Work = Callable[[], None]
HERE = "https://alerts.example.org/api/v1/webhooks/twilio-sms"
NUMBER = "+447700900001"


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


def a_text_status(stub: TwilioStub, status: str, code: str = "", **more: str) -> CallBack:
    told = {"MessageSid": "SM1", "MessageStatus": status, "To": NUMBER, "From": stub.number, "New": "field"}
    return stub.call_back(f"{HERE}?reference=x-1", **told, **({"ErrorCode": code} if code else {}), **more)


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        ("sent", "", ReceiptState.SENT),
        ("delivered", "", ReceiptState.DELIVERED),
        ("undelivered", "30003", ReceiptState.TEMPORARY_FAILURE),
        ("undelivered", "30004", ReceiptState.TEMPORARY_FAILURE),
        ("undelivered", "30005", ReceiptState.PERMANENT_FAILURE),
        ("undelivered", "30006", ReceiptState.TEMPORARY_FAILURE),
        ("undelivered", "30007", ReceiptState.TEMPORARY_FAILURE),
        ("failed", "30036", ReceiptState.TEMPORARY_FAILURE),
        ("failed", "21614", ReceiptState.PERMANENT_FAILURE),
        ("failed", "", ReceiptState.TEMPORARY_FAILURE),
        ("failed", "²", ReceiptState.TEMPORARY_FAILURE),
        ("failed", "9" * 5000, ReceiptState.TEMPORARY_FAILURE),
    ],
)
def test_a_receipt_tells_what_became_of_a_text(
    stub: TwilioStub, make: Make, status: str, code: str, state: ReceiptState
) -> None:
    [receipt] = make().read_receipt(a_text_status(stub, status, code))
    assert isinstance(receipt, Receipt)
    assert (receipt.reference, receipt.state) == ("x-1", state)
    assert bool(receipt.reason) == (state not in (ReceiptState.SENT, ReceiptState.DELIVERED))


@pytest.mark.parametrize(
    ("code", "is_address"), [("30003", True), ("30006", True), ("30005", False), ("30007", False), ("30008", False)]
)
def test_only_what_is_about_the_phone_counts_towards_a_suppression(
    stub: TwilioStub, make: Make, code: str, is_address: bool
) -> None:
    [receipt] = make().read_receipt(a_text_status(stub, "undelivered", code))
    assert isinstance(receipt, Receipt)
    assert receipt.is_address is is_address


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "scheduled", "dancing", ""])
def test_other_statuses_are_no_news(stub: TwilioStub, make: Make, status: str) -> None:
    assert make().read_receipt(a_text_status(stub, status)) == []


def test_a_receipt_without_our_reference_is_no_news(stub: TwilioStub, make: Make) -> None:
    assert make().read_receipt(stub.call_back(HERE, MessageStatus="delivered")) == []
    assert make().read_receipt(stub.call_back(HERE)) == []


def test_who_told_twilio_stop_is_taken_at_their_word_and_may_start_again(stub: TwilioStub, make: Make) -> None:
    receipt, inbound = make().read_receipt(a_text_status(stub, "failed", "21610"))
    assert isinstance(receipt, Receipt)
    assert receipt.state == ReceiptState.TEMPORARY_FAILURE
    assert inbound == Inbound(Channel.SMS, NUMBER, "STOP")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"Body": "Stopio!"}, "Stopio!"),
        ({"Body": "No more", "OptOutType": "STOP"}, "STOP"),
        ({"Body": "", "SmsStatus": "received"}, ""),
    ],
)
def test_what_a_resident_writes_is_heard(stub: TwilioStub, make: Make, told: dict[str, str], words: str) -> None:
    provider, call = make(), stub.call_back(HERE, From=NUMBER, To=stub.number, **told)
    news = provider.read_receipt(call)
    assert news == [Inbound(Channel.SMS, NUMBER, words)]
    body, media_type = provider.answer(call, news)
    assert (b"<Response/>" in body, media_type) == (True, "application/xml")


def test_what_a_name_writes_is_no_news(stub: TwilioStub, make: Make) -> None:
    assert make().read_receipt(stub.call_back(HERE, From="ACME", Body="STOP")) == []
    assert make().read_receipt(stub.call_back(HERE, Body="STOP")) == []


def test_a_call_back_that_was_changed_on_its_way_is_not_believed(stub: TwilioStub, make: Make) -> None:
    provider, good = make(), a_text_status(stub, "delivered")
    for wrong in (
        CallBack(good.body + b"&x=1", good.headers, good.url),
        CallBack(good.body, good.headers, good.url.replace("x-1", "x-2")),
        CallBack(good.body, {}, good.url),
        CallBack(good.body, {"x-twilio-signature": "é"}, good.url),
        CallBack(b"\xff" + good.body, good.headers, good.url),
        CallBack(b"&".join(b"a=%d" % number for number in range(501)), good.headers, good.url),
        CallBack(good.body, good.headers, "https://[::1"),
    ):
        with pytest.raises(ReceiptNotAuthentic):
            provider.read_receipt(wrong)
    assert provider.read_receipt(good)


def test_without_an_auth_token_nothing_is_believed(stub: TwilioStub, make: Make) -> None:
    key = {"api_key_sid": stub.api_key_sid, "api_key_secret": stub.api_key_secret}
    forged = RequestValidator("").compute_signature(HERE, {"MessageStatus": "delivered"})
    call = CallBack(b"MessageStatus=delivered", {"x-twilio-signature": forged}, HERE)
    provider = make(auth_token="", **key)
    with pytest.raises(ReceiptNotAuthentic):
        provider.read_receipt(call)
    assert any("neither receipts nor STOP" in words for words in provider.check())


@pytest.mark.parametrize("url", [HERE, HERE.replace("org/", "org:443/"), HERE.replace("org/", "org:8443/")])
def test_it_does_not_matter_whether_twilio_signs_the_port(stub: TwilioStub, make: Make, url: str) -> None:
    validator = RequestValidator(stub.auth_token)
    signed_url = url.replace(":8443", "") if ":8443" in url else HERE.replace("org/", "org:443/")
    signature = validator.compute_signature(signed_url, {"From": NUMBER, "Body": "STOP"})
    assert validator.validate(url, {"From": NUMBER, "Body": "STOP"}, signature)
    call = CallBack(urlencode({"From": NUMBER, "Body": "STOP"}).encode(), {"x-twilio-signature": signature}, url)
    assert make().read_receipt(call) == [Inbound(Channel.SMS, NUMBER, "STOP")]


FORMS = st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40))


@given(told=FORMS, reference=st.text(alphabet="abc0-9&= %ŷ", max_size=10))
def test_twilios_library_and_we_agree_about_every_form(told: dict[str, str], reference: str) -> None:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in TwilioStub(auth_token="the token").environment().items():
            environment.setenv(name, value)
        provider = TwilioSmsProvider()
    url = f"{HERE}?{urlencode({'reference': reference})}"
    signature = RequestValidator("the token").compute_signature(url, told)
    assert RequestValidator("the token").validate(url, told, signature)
    provider.read_receipt(CallBack(urlencode(told).encode(), {"x-twilio-signature": signature}, url))
    own = base64.b64encode(hmac.digest(b"another token", url.encode(), hashlib.sha1)).decode()
    with pytest.raises(ReceiptNotAuthentic):
        provider.read_receipt(CallBack(urlencode(told).encode(), {"x-twilio-signature": own}, url))


def doctor(provider: TwilioSmsProvider) -> str:
    return " ".join(words for words in provider.check() if not words.startswith("NOTIFY_BASE_URL"))


def test_the_doctor_finds_nothing_wrong_with_good_settings(stub: TwilioStub, make: Make) -> None:
    assert doctor(make()) == ""
    assert doctor(make(api_key_sid=stub.api_key_sid, api_key_secret=stub.api_key_secret)) == ""
    assert any("public https" in words for words in make().check())


def test_the_doctor_explains_what_is_wrong_in_a_sentence(stub: TwilioStub, make: Make) -> None:
    assert "NOTIFY_TWILIO_AUTH_TOKEN" in doctor(make(auth_token="wrong"))
    assert "NOTIFY_TWILIO_API_KEY_SECRET" in doctor(make(api_key_sid=stub.api_key_sid, api_key_secret="wrong"))
    assert "NOTIFY_TWILIO_ACCOUNT_SID" in doctor(make(account_sid="AC" + "0" * 32))
    stub.status = "suspended"
    assert "is suspended" in doctor(make())
    stub.status, stub.kind = "active", "Trial"
    assert "verified numbers only" in doctor(make())
    stub.script.append(Reply(500))
    assert "500" in doctor(make())
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    assert f"{nobody} cannot be used. Twilio is away" in doctor(make(base_url=nobody))


def test_the_doctor_recognises_an_expired_certificate(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "old.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "authority.pem"))
    with serving(TwilioStub(certificate=tmp_path / "old.pem")) as safe:
        assert "certificate has expired" in doctor(make(base_url=safe.address))


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def in_use(stub: TwilioStub, choose: Callable[..., None]) -> None:
    """Texts go by Twilio, and its call-backs come in at the public door."""
    variables = {name.removeprefix("NOTIFY_"): value for name, value in stub.environment().items()}
    choose(SMS_PROVIDERS="twilio-sms", **variables)


@pytest.mark.usefixtures("in_use")
def test_at_the_public_door_receipts_and_stop_take_effect(
    client: Client, world: World, work: Work, stub: TwilioStub
) -> None:
    add_resident(world, phone="07700 900001")
    alert: str = created(client, world.headers, channels=["sms"], send=True)["id"]
    work()
    [taken] = stub.taken
    url = taken["StatusCallback"]

    def post(call: CallBack) -> tuple[int, str]:
        form = {"content-type": "application/x-www-form-urlencoded"}
        reply = client.post(
            call.url.removeprefix(settings().base_url), content=call.body, headers={**call.headers, **form}
        )
        return reply.status_code, reply.headers["content-type"].partition(";")[0]

    assert post(CallBack(b"MessageStatus=delivered", {}, url)) == (401, "application/problem+json")
    assert post(stub.call_back(url, MessageStatus="delivered", To=NUMBER)) == (200, "application/xml")
    [row] = client.get(f"/api/v1/alerts/{alert}/deliveries", headers=world.headers).json()["deliveries"]
    assert row["state"] == "delivered"
    inbound = f"{settings().base_url}/api/v1/webhooks/twilio-sms"
    assert post(stub.call_back(inbound, From=NUMBER, Body="STOPIO"))[0] == 200
    with transaction() as session:
        [reason] = session.execute(text("SELECT reason FROM suppression")).scalars()
    assert reason == "stop"
