"""What SES publishes is believed when Amazon signed it, and read by tag or Message-ID."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.providers.aws.ses import SesProvider
from notify.providers.base import Receipt, ReceiptNotAuthentic, ReceiptState
from tests.alerts.calls import created
from tests.providers.amazon_stub import AmazonStub, serving
from tests.providers.sns_stub import SnsStub, behind_proxy, posted
from tests.world import add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
OURS = "0123456789abcdef0123456789abcdef-7"


@pytest.fixture
def stub() -> Iterator[AmazonStub]:
    with serving(AmazonStub()) as made:
        yield made


MAIL = {"messageId": "010701", "tags": {"ses:configuration-set": ["alerts"], "reference": [OURS]}}
BY_HEADER = {"headers": [{"name": "Subject", "value": "x"}, {"name": "Message-ID", "value": f"<{OURS}@example.org>"}]}
BY_COMMON = {"commonHeaders": {"messageId": f"<{OURS}@example.org>"}, "headers": "truncated"}
BOUNCED = {
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "bouncedRecipients": [{"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
}
GONE, LATER = ReceiptState.PERMANENT_FAILURE, ReceiptState.TEMPORARY_FAILURE


def _refused(status: str, words: str) -> dict[str, object]:
    return {"bouncedRecipients": [{"status": status, "diagnosticCode": words}]}


@pytest.fixture
def amazon() -> SnsStub:
    return SnsStub()


@pytest.fixture
def provider(amazon: SnsStub, stub: AmazonStub, monkeypatch: pytest.MonkeyPatch) -> SesProvider:
    for name, value in stub.environment("NOTIFY_SES_").items():
        monkeypatch.setenv(name, value)
    return SesProvider(fetch=amazon.fetch)


@pytest.mark.parametrize("naming", [MAIL, BY_HEADER, BY_COMMON])
@pytest.mark.parametrize("field", ["eventType", "notificationType"])
@pytest.mark.parametrize(
    ("kind", "more", "state"),
    [
        ("Send", {}, ReceiptState.SENT),
        ("Delivery", {}, ReceiptState.DELIVERED),
        ("Complaint", {"complaint": {}}, ReceiptState.COMPLAINED),
        ("Bounce", {"bounce": BOUNCED}, GONE),
        ("Bounce", {"bounce": {"bounceType": "Transient", "bouncedRecipients": []}}, LATER),
        ("Bounce", {"bounce": {"bounceType": "Undetermined"}}, LATER),
        ("Bounce", {}, LATER),
        ("Reject", {}, LATER),
        ("Rendering Failure", {}, LATER),
    ],
)
def test_an_event_is_read_by_either_name(
    provider: SesProvider,
    amazon: SnsStub,
    naming: dict[str, object],
    field: str,
    kind: str,
    more: dict[str, object],
    state: ReceiptState,
) -> None:
    [receipt] = provider.read_receipt(posted(amazon.notification({field: kind, "mail": naming, **more})))
    assert isinstance(receipt, Receipt)
    assert (receipt.reference, receipt.state) == (OURS, state)


@pytest.mark.parametrize("kind", ["not-spam", "virus", "auth-failure"])
def test_what_is_no_complaint_is_no_news(provider: SesProvider, amazon: SnsStub, kind: str) -> None:
    told = {"eventType": "Complaint", "mail": MAIL, "complaint": {"complaintFeedbackType": kind}}
    assert list(provider.read_receipt(posted(amazon.notification(told)))) == []


@pytest.mark.parametrize("kind", ["abuse", "fraud", "other", None])
def test_every_other_complaint_is_one(provider: SesProvider, amazon: SnsStub, kind: str | None) -> None:
    told = {"eventType": "Complaint", "mail": MAIL, "complaint": {"complaintFeedbackType": kind}}
    [receipt] = provider.read_receipt(posted(amazon.notification(told)))
    assert isinstance(receipt, Receipt)
    assert receipt.state == ReceiptState.COMPLAINED


@pytest.mark.parametrize(
    ("bounce", "state", "is_address"),
    [
        ({"bounceType": "Permanent", "bounceSubType": "NoEmail"}, GONE, False),
        ({"bounceType": "Permanent", "bounceSubType": "General"}, LATER, True),
        ({"bounceType": "Permanent", **_refused("5.7.1", "smtp; 550 5.7.1 blocked by policy")}, LATER, False),
        ({"bounceType": "Permanent", **_refused("5.0.0", "smtp; 550 User unknown")}, GONE, False),
        ({"bounceType": "Permanent", **_refused("5.1.8", "smtp; 553 5.1.8 Domain of sender not found")}, LATER, False),
        ({"bounceType": "Transient", "bounceSubType": "MailboxFull", **_refused("5.2.2", "full")}, LATER, True),
        ({"bounceType": "Transient", "bounceSubType": "ContentRejected"}, LATER, False),
        ({"bounceType": "Transient", "bounceSubType": "General", **_refused("5.1.1", "unknown")}, LATER, True),
    ],
)
def test_a_bounce_is_judged_by_the_reply_and_not_by_what_ses_calls_it(
    provider: SesProvider, amazon: SnsStub, bounce: dict[str, object], state: ReceiptState, is_address: bool
) -> None:
    told = {"eventType": "Bounce", "mail": MAIL, "bounce": bounce}
    [receipt] = provider.read_receipt(posted(amazon.notification(told)))
    assert isinstance(receipt, Receipt)
    assert (receipt.state, receipt.is_address) == (state, is_address)


def test_a_bounce_says_why(provider: SesProvider, amazon: SnsStub) -> None:
    told = {"eventType": "Bounce", "mail": MAIL, "bounce": BOUNCED}
    [receipt] = provider.read_receipt(posted(amazon.notification(told)))
    assert receipt == Receipt(OURS, GONE, "Permanent General 5.1.1 smtp; 550 5.1.1 user unknown")


@pytest.mark.parametrize(
    "told",
    [
        {"eventType": "DeliveryDelay", "mail": MAIL},
        {"eventType": "Open", "mail": MAIL},
        {"eventType": ["Bounce"], "mail": MAIL},
        {"mail": MAIL},
        {"eventType": "Delivery"},
        {"eventType": "Delivery", "mail": []},
        {"eventType": "Delivery", "mail": {"tags": {"reference": [7]}, "headers": [None, {"name": "Message-ID"}]}},
        {"eventType": "Delivery", "mail": {"headers": [{"name": "Message-ID", "value": "<somebody@example.org>"}]}},
        {"notificationType": "AmazonSnsSubscriptionSucceeded"},
    ],
)
def test_what_tells_nothing_about_a_message_of_ours_is_no_news(
    provider: SesProvider, amazon: SnsStub, told: dict[str, object]
) -> None:
    assert list(provider.read_receipt(posted(amazon.notification(told)))) == []


def test_a_forged_event_is_not_believed(provider: SesProvider, amazon: SnsStub) -> None:
    told = amazon.notification({"eventType": "Delivery", "mail": MAIL})
    with pytest.raises(ReceiptNotAuthentic):
        provider.read_receipt(posted(told | {"Message": json.dumps({"eventType": "Complaint", "mail": MAIL})}))


def test_at_the_public_door_a_bounce_ends_a_delivery_and_a_forged_one_does_not(
    choose: Callable[..., None],
    client: Client,
    work: Work,
    stub: AmazonStub,
    amazon: SnsStub,
    tmp_path: Path,
) -> None:
    with behind_proxy(amazon, tmp_path) as amazons, pytest.MonkeyPatch.context() as environment:
        for name, value in (stub.environment("NOTIFY_SES_") | amazons.environment).items():
            environment.setenv(name, value)
        choose(EMAIL_PROVIDERS="ses")
        world = make_world()
        add_resident(world, email="ann@example.org")
        alert = created(client, world.headers, channels=["email"], send=True)["id"]
        work()
        [taken] = stub.taken
        reference = taken["EmailTags"][0]["Value"]  # type: ignore[index]
        told = {"eventType": "Bounce", "mail": {"tags": {"reference": [reference]}}, "bounce": BOUNCED}
        good = amazon.notification(told)
        forged = posted(good | {"Message": "{}"}).body
        assert client.post("/api/v1/webhooks/ses", content=forged).status_code == 401
        assert client.post("/api/v1/webhooks/ses", json=amazon.about_subscription()).json()["receipts"] == 0
        reply = client.post("/api/v1/webhooks/ses", content=posted(good).body, headers={"content-type": "text/plain"})
        assert (reply.status_code, reply.json()["changed"]) == (200, 1)
    [row] = client.get(f"/api/v1/alerts/{alert}/deliveries", headers=world.headers).json()["deliveries"]
    assert (row["state"], row["provider"]) == ("permanent-failure", "ses")
    assert len(amazon.asked) == 2
