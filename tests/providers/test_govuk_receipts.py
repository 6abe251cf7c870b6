"""GOV.UK Notify's call-backs are believed with the token alone, and `notify doctor` hears what is wrong."""

import json
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.providers.base import CallBack, Channel, Inbound, Receipt, ReceiptNotAuthentic, ReceiptState
from notify.providers.govuk.provider import GovukEmailProvider, GovukSmsProvider
from tests.alerts.calls import created
from tests.providers.govuk_stub import SOME_ID, GovukStub, serving
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
TOKEN = "the token that Notify was told"


@pytest.fixture
def stub() -> Iterator[GovukStub]:
    with serving(GovukStub()) as made:
        yield made


@pytest.fixture(autouse=True)
def _settings(stub: GovukStub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adapters' settings, in the environment as always."""
    for name, value in stub.environment(callback_token=TOKEN).items():
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


def call_back(told: object, *, token: str = TOKEN) -> CallBack:
    return CallBack(json.dumps(told).encode(), {"authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("delivered", ReceiptState.DELIVERED),
        ("sent", ReceiptState.SENT),
        ("permanent-failure", ReceiptState.PERMANENT_FAILURE),
        ("temporary-failure", ReceiptState.TEMPORARY_FAILURE),
        ("technical-failure", ReceiptState.TEMPORARY_FAILURE),
    ],
)
def test_both_adapters_read_what_became_of_a_message(
    texts: GovukSmsProvider, letters: GovukEmailProvider, status: str, state: ReceiptState
) -> None:
    told = {"id": str(uuid4()), "reference": "x-1", "to": "07700900001", "status": status, "new_field": [1]}
    for provider in (texts, letters):
        [receipt] = provider.read_receipt(call_back(told))
        assert isinstance(receipt, Receipt)
        assert (receipt.reference, receipt.state) == ("x-1", state)


@pytest.mark.parametrize("number", ["447700900001", "+447700900001", "07700 900001", "00447700900001"])
def test_both_adapters_read_what_a_resident_wrote(
    texts: GovukSmsProvider, letters: GovukEmailProvider, number: str
) -> None:
    told = {"id": str(uuid4()), "source_number": number, "destination_number": "07700900999", "message": "STOP"}
    for provider in (texts, letters):
        assert provider.read_receipt(call_back(told)) == [Inbound(Channel.SMS, "+447700900001", "STOP")]


def test_a_complaint_is_read(letters: GovukEmailProvider) -> None:
    told = {"notification_id": str(uuid4()), "complaint_id": str(uuid4()), "reference": "x-1", "to": "a@example.org"}
    assert letters.read_receipt(call_back(told)) == [Receipt("x-1", ReceiptState.COMPLAINED)]


@pytest.mark.parametrize(
    "told",
    [
        [],
        "delivered",
        {"reference": None, "status": "delivered"},
        {"reference": "x-1", "status": "pending"},
        {"reference": "x-1", "status": ["delivered"]},
        {"reference": "x-1"},
        {"source_number": "The Bank", "message": "STOP"},
        {"source_number": "447700900001", "message": None},
    ],
)
def test_an_authentic_call_that_tells_nothing_is_no_news(texts: GovukSmsProvider, told: object) -> None:
    assert list(texts.read_receipt(call_back(told))) == []


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ŵ\udcff"]
)
def test_a_call_without_the_token_is_not_believed(texts: GovukSmsProvider, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    with pytest.raises(ReceiptNotAuthentic):
        texts.read_receipt(CallBack(b'{"reference": "x-1", "status": "delivered"}', headers))


def test_without_a_token_of_ours_no_call_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_GOVUK_CALLBACK_TOKEN", "")
    for token in ("", TOKEN):
        with pytest.raises(ReceiptNotAuthentic):
            GovukSmsProvider().read_receipt(call_back({"reference": "x-1", "status": "delivered"}, token=token))


def test_at_the_public_door_a_text_is_delivered_and_stop_is_obeyed(
    choose: Callable[..., None], client: Client, work: Work, stub: GovukStub
) -> None:
    choose(SMS_PROVIDERS="govuk-sms,file", EMAIL_PROVIDERS="smtp")
    world: World = make_world()
    add_resident(world, phone="07700 900001")
    alert = created(client, world.headers, channels=["sms"], send=True)["id"]
    work()
    [taken] = stub.taken
    headers = {"authorization": f"Bearer {TOKEN}"}
    told = {"id": taken["id"], "reference": taken["reference"], "status": "delivered", "notification_type": "sms"}
    assert client.post("/api/v1/webhooks/govuk-sms", json=told).status_code == 401
    reply = client.post("/api/v1/webhooks/govuk-sms", json=told, headers=headers)
    assert (reply.status_code, reply.json()["changed"]) == (200, 1)
    [row] = client.get(f"/api/v1/alerts/{alert}/deliveries", headers=world.headers).json()["deliveries"]
    assert (row["state"], row["provider"]) == ("delivered", "govuk-sms")
    stop = {"id": str(uuid4()), "source_number": "447700900001", "destination_number": "60006", "message": "Stop"}
    assert client.post("/api/v1/webhooks/govuk-sms", json=stop, headers=headers).json()["changed"] == 1
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM suppression")).scalar_one() == 1


def test_the_check_is_silent_when_all_is_well(texts: GovukSmsProvider, letters: GovukEmailProvider) -> None:
    assert list(texts.check()) == list(letters.check()) == []


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("API_KEY", "", "NOTIFY_GOVUK_API_KEY"),
        ("API_KEY", f"x-{SOME_ID}-{SOME_ID}", "NOTIFY_GOVUK_API_KEY"),
        ("SMS_TEMPLATE_ID", "", "NOTIFY_GOVUK_SMS_TEMPLATE_ID is empty"),
        ("SMS_TEMPLATE_ID", "alerts", "no template alerts"),
        ("SMS_TEMPLATE_ID", SOME_ID, "no template"),
        ("BASE_URL", "http://127.0.0.1:1", "NOTIFY_GOVUK_BASE_URL"),
        ("CALLBACK_TOKEN", "", "NOTIFY_GOVUK_CALLBACK_TOKEN"),
    ],
)
def test_the_check_names_the_setting_to_mend(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"NOTIFY_GOVUK_{setting}", value)
    provider = GovukSmsProvider()
    [sentence] = provider.check()
    provider.close()
    assert words in sentence
    assert sentence.endswith(".")


def test_the_check_sees_a_template_that_is_not_as_we_need_it(
    letters: GovukEmailProvider, stub: GovukStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.email_words = ("Alert", "Dear resident, ((Body))")
    assert list(letters.check()) == [
        "The subject of the template in NOTIFY_GOVUK_EMAIL_TEMPLATE_ID lacks ((subject)): add it there."
    ]
    monkeypatch.setenv("NOTIFY_GOVUK_SMS_TEMPLATE_ID", stub.email_template)
    provider = GovukSmsProvider()
    [sentence] = provider.check()
    provider.close()
    assert "of type email: it must be sms" in sentence


def test_the_check_sees_a_clock_that_is_wrong(texts: GovukSmsProvider, stub: GovukStub) -> None:
    stub.clock_ahead_s = 60
    assert list(texts.check()) == ["GOV.UK Notify finds our clock more than 30 seconds wrong: set it by NTP."]
