"""The texts of Amazon against a server that checks signatures, and against moto for the older way."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from moto import mock_aws
from moto.sns.models import sns_backends
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.providers.aws.sms import AwsSmsProvider
from notify.providers.base import (
    Accepted,
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
from tests.alerts.calls import created
from tests.providers.amazon_stub import REGION, SMS, AmazonStub, Mute, Reply, serving
from tests.providers.sns_stub import SnsStub, behind_proxy, posted
from tests.providers.unanswered import unanswered
from tests.world import add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
Set = Callable[..., AwsSmsProvider]
MOTO_ACCOUNT = "123456789012"
NUMBER, SENDER = "+447700900001", "+447700900999"
WELSH = "Mae’r ffordd ar gau: tŷ, ŵyl a môr; £5."


def words(to: str = NUMBER, *, said: str = WELSH, life_s: float | None = None) -> Message:
    ends = None if life_s is None else clock.now() + timedelta(seconds=life_s)
    return Message(f"{uuid4().hex}-1", to, "", said, language="cy", expires_at=ends)


@pytest.fixture
def stub() -> Iterator[AmazonStub]:
    with serving(AmazonStub()) as made:
        yield made


@pytest.fixture
def amazon() -> SnsStub:
    return SnsStub()


@pytest.fixture
def provide(stub: AmazonStub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    """Makes a provider for the stub, with its settings from the environment as always."""
    made: list[AwsSmsProvider] = []

    def make(amazon: SnsStub | None = None, **chosen: str) -> AwsSmsProvider:
        chosen = {"ORIGINATION_IDENTITY": SENDER} | chosen
        for name, value in stub.environment("NOTIFY_AWS_SMS_", **chosen).items():
            monkeypatch.setenv(name, value)
        made.append(AwsSmsProvider(fetch=amazon.fetch) if amazon else AwsSmsProvider())
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.mark.parametrize("api", ["end-user-messaging", "sns"])
class TestContract(ProviderContract):
    """Against a server that says yes, by either way."""

    @pytest.fixture(autouse=True)
    def _provide(self, provide: Set, api: str) -> None:
        self.provide, self.api = provide, api

    def make_provider(self) -> Provider:
        return self.provide(API=self.api)

    def a_good_message(self) -> Message:
        return words()


def test_what_amazon_gets_is_the_text_our_reference_and_how_long_it_is_of_use(provide: Set, stub: AmazonStub) -> None:
    message = words(life_s=3600.9)
    assert provide().send(message)
    [taken] = stub.taken
    life_s = taken.pop("TimeToLive")
    assert isinstance(life_s, int)
    assert 3590 <= life_s <= 3600
    assert taken == {
        "DestinationPhoneNumber": NUMBER,
        "OriginationIdentity": SENDER,
        "MessageBody": WELSH,
        "MessageType": "TRANSACTIONAL",
        "Context": {"reference": message.reference},
        "ConfigurationSetName": "alerts",
    }


@pytest.mark.parametrize(("life_s", "told"), [(None, None), (2.0, 5), (1e7, 259_200)])
def test_the_life_of_a_text_is_told_within_amazons_bounds(
    provide: Set, stub: AmazonStub, life_s: float | None, told: int | None
) -> None:
    provide().send(words(life_s=life_s))
    assert stub.taken[0].get("TimeToLive") == told


def test_what_is_not_set_is_not_sent(provide: Set, stub: AmazonStub) -> None:
    provide(ORIGINATION_IDENTITY="", CONFIGURATION_SET="").send(words())
    assert set(stub.taken[0]) == {"DestinationPhoneNumber", "MessageBody", "MessageType", "Context"}


@pytest.mark.parametrize("said", ["", " \n", "x" * 1601])
def test_a_text_that_amazon_cannot_take_is_not_offered(provide: Set, stub: AmazonStub, said: str) -> None:
    with pytest.raises(ProviderRejected, match="1 to 1600"):
        provide().send(words(said=said))
    assert stub.taken == []


def test_many_are_handed_over_at_the_same_time(provide: Set, stub: AmazonStub) -> None:
    stub.takes_s = 0.05
    outcomes = list(provide(PARALLEL="4").send_many([words() for _ in range(12)]))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert 1 < len(stub.lines) <= 4


INVALID, CONFLICT, QUOTA = "ValidationException", "ConflictException", "ServiceQuotaExceededException"


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        (INVALID, {"Reason": "FIELD_VALIDATION_FAILED", "Fields": [{"Name": "DestinationPhoneNumber"}]}, "the number"),
        (INVALID, {"Reason": "MAXIMUM_SIZE_EXCEEDED", "Fields": [{"Name": "MessageBody"}]}, "the text"),
        (CONFLICT, {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}, "STOP"),
        (CONFLICT, {"Reason": "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"}, "protect"),
    ],
)
def test_what_is_wrong_with_a_number_or_a_text_is_final(
    provide: Set, stub: AmazonStub, kind: str, more: dict[str, object], sentence: str
) -> None:
    stub.script.append(Reply(400, kind, more=more))
    with pytest.raises(ProviderRejected, match=sentence):
        provide().send(words())


@pytest.mark.parametrize(
    ("status", "kind", "more", "sentence", "is_address"),
    [
        (400, INVALID, {"Reason": "DESTINATION_COUNTRY_BLOCKED"}, "country", True),
        (400, CONFLICT, {"Reason": "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"}, "country", True),
        (402, QUOTA, {"Reason": "DAILY_DESTINATION_CALL_LIMIT"}, "today", True),
        (400, CONFLICT, {"Reason": "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"}, "sandbox", False),
        (402, QUOTA, {"Reason": "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"}, "MONTHLY_SPEND_LIMIT", False),
        (400, INVALID, {"Reason": "OTHER", "Fields": [{"Name": "OriginationIdentity"}]}, "ORIGINATION_IDENTITY", False),
        (400, "ResourceNotFoundException", {"ResourceType": "phone-number"}, "ORIGINATION_IDENTITY", False),
        (400, "AccessDeniedException", {"Reason": "ACCOUNT_DISABLED"}, "ACCOUNT_DISABLED", False),
        (400, "AccessDeniedException", {}, "NOTIFY_AWS_SMS_ACCESS_KEY_ID", False),
        (400, "UnrecognizedClientException", {}, "NOTIFY_AWS_SMS_ACCESS_KEY_ID", False),
        (400, "ThrottlingException", {}, "limits us", False),
        (500, "InternalServerException", {}, "500", False),
    ],
)
def test_what_is_wrong_with_us_or_amazon_passes(
    provide: Set,
    stub: AmazonStub,
    status: int,
    kind: str,
    more: dict[str, object],
    sentence: str,
    *,
    is_address: bool,
) -> None:
    stub.script.append(Reply(status, kind, more=more))
    with pytest.raises(ProviderUnavailable, match=sentence) as caught:
        provide().send(words())
    assert caught.value.is_address == is_address


@pytest.mark.parametrize("api", ["end-user-messaging", "sns"])
@pytest.mark.parametrize("how", ["hang", "drop"])
def test_who_heard_everything_and_does_not_answer_leaves_us_unsure_in_time(
    provide: Set, stub: AmazonStub, api: str, how: str
) -> None:
    provider = provide(API=api, TIMEOUT_SECONDS="0.5")
    assert "heard everything" in unanswered(provider, words(), stub, Mute(how))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sender", "attribute"), [(SENDER, "AWS.MM.SMS.OriginationNumber"), ("Carreg", "AWS.SNS.SMS.SenderID"), ("", "")]
)
def test_the_older_way_names_the_sender_too(provide: Set, stub: AmazonStub, sender: str, attribute: str) -> None:
    assert provide(API="sns", ORIGINATION_IDENTITY=sender).send(words())
    [taken] = stub.taken
    assert (taken["PhoneNumber"], taken["Message"]) == (NUMBER, WELSH)
    told = {
        taken[f"MessageAttributes.entry.{n}.Name"]: taken[f"MessageAttributes.entry.{n}.Value.StringValue"]
        for n in range(1, 2 + bool(sender))
    }
    assert told == {"AWS.SNS.SMS.SMSType": "Transactional"} | ({attribute: sender} if sender else {})


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +1 is not valid to publish to", ProviderRejected),
        ("InvalidParameter", "Invalid parameter: Phone number is opted out", ProviderRejected),
        ("InvalidParameter", "Invalid parameter: Message too long", ProviderUnavailable),
        ("Throttled", "Rate exceeded", ProviderUnavailable),
        ("AuthorizationError", "not authorized to perform: SNS:Publish", ProviderUnavailable),
        ("InvalidClientTokenId", "The security token is invalid", ProviderUnavailable),
    ],
)
def test_the_older_way_tells_errors_apart(
    provide: Set, stub: AmazonStub, kind: str, said: str, error: type[Exception]
) -> None:
    page = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{kind}</Code><Message>{said}</Message></Error></ErrorResponse>"
    )
    stub.script.append(Reply(400, raw=page.encode()))
    with pytest.raises(error):
        provide(API="sns").send(words())


def test_moto_takes_texts_the_older_way(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"API": "sns", "REGION": REGION, "ACCESS_KEY_ID": "AKIDEXAMPLE", "SECRET_ACCESS_KEY": "invented"}
    for name, value in chosen.items():
        monkeypatch.setenv(f"NOTIFY_AWS_SMS_{name}", value)
    with mock_aws():
        provider = AwsSmsProvider()
        identity = provider.send(words())
        assert sns_backends[MOTO_ACCOUNT][REGION].sms_messages[identity] == (NUMBER, WELSH)
        provider.close()


GONE, LATER, SENT = ReceiptState.PERMANENT_FAILURE, ReceiptState.TEMPORARY_FAILURE, ReceiptState.SENT


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("TEXT_SENT", SENT),
        ("TEXT_SUCCESSFUL", SENT),
        ("TEXT_DELIVERED", ReceiptState.DELIVERED),
        ("TEXT_INVALID", GONE),
        ("TEXT_BLOCKED", GONE),
        ("TEXT_CARRIER_BLOCKED", LATER),
        ("TEXT_UNREACHABLE", LATER),
        ("TEXT_CARRIER_UNREACHABLE", LATER),
        ("TEXT_TTL_EXPIRED", LATER),
        ("TEXT_SPAM", LATER),
        ("TEXT_INVALID_MESSAGE", LATER),
        ("TEXT_PROTECT_BLOCKED", LATER),
        ("TEXT_UNKNOWN", LATER),
    ],
)
def test_an_event_is_read(provide: Set, amazon: SnsStub, kind: str, state: ReceiptState) -> None:
    told = {"eventType": kind, "destinationPhoneNumber": NUMBER, "context": {"reference": "x-1"}, "new": [1]}
    [receipt] = provide(amazon).read_receipt(posted(amazon.notification(told, version="2")))
    assert isinstance(receipt, Receipt)
    assert (receipt.reference, receipt.state) == ("x-1", state)
    assert bool(receipt.reason) == (state in (GONE, LATER))


@pytest.mark.parametrize("number", [NUMBER, NUMBER.lstrip("+")])
def test_what_a_resident_wrote_is_read(provide: Set, amazon: SnsStub, number: str) -> None:
    told = {"originationNumber": number, "destinationNumber": SENDER, "messageKeyword": "K", "messageBody": "Stop "}
    news = provide(amazon).read_receipt(posted(amazon.notification(told)))
    assert news == [Inbound(Channel.SMS, NUMBER, "Stop ")]


@pytest.mark.parametrize(
    "told",
    [
        {"eventType": "TEXT_QUEUED", "context": {"reference": "x-1"}},
        {"eventType": "TEXT_PENDING", "context": {"reference": "x-1"}},
        {"eventType": "VOICE_ANSWERED", "context": {"reference": "x-1"}},
        {"eventType": ["TEXT_SENT"], "context": {"reference": "x-1"}},
        {"eventType": "TEXT_DELIVERED"},
        {"eventType": "TEXT_DELIVERED", "context": "x-1"},
        {"eventType": "TEXT_DELIVERED", "context": {"reference": 7}},
        {"originationNumber": "The Bank", "messageBody": "STOP"},
        {"originationNumber": NUMBER, "messageBody": None},
    ],
)
def test_what_tells_nothing_is_no_news(provide: Set, amazon: SnsStub, told: dict[str, object]) -> None:
    assert list(provide(amazon).read_receipt(posted(amazon.notification(told)))) == []


def test_an_event_of_another_topic_is_not_believed(provide: Set, amazon: SnsStub) -> None:
    told = amazon.notification({"eventType": "TEXT_INVALID", "context": {"reference": "x-1"}})
    with pytest.raises(ReceiptNotAuthentic, match="NOTIFY_AWS_SMS_TOPIC_ARNS"):
        provide(amazon, TOPIC_ARNS="").read_receipt(posted(told))


def test_at_the_public_door_a_text_is_delivered_and_stop_is_obeyed(
    choose: Callable[..., None], client: Client, work: Work, stub: AmazonStub, amazon: SnsStub, tmp_path: Path
) -> None:
    def say(told: dict[str, object]) -> object:
        body = posted(amazon.notification(told)).body
        return client.post("/api/v1/webhooks/aws-sms", content=body, headers={"content-type": "text/plain"}).json()

    with behind_proxy(amazon, tmp_path) as amazons, pytest.MonkeyPatch.context() as environment:
        chosen = stub.environment("NOTIFY_AWS_SMS_", ORIGINATION_IDENTITY=SENDER) | amazons.environment
        for name, value in chosen.items():
            environment.setenv(name, value)
        choose(SMS_PROVIDERS="aws-sms,file")
        world = make_world()
        add_resident(world, phone="07700 900001")
        alert = created(client, world.headers, channels=["sms"], send=True)["id"]
        work()
        [taken] = stub.taken
        delivered = say({"eventType": "TEXT_DELIVERED", "context": taken["Context"]})
        assert delivered == {"receipts": 1, "inbound": 0, "changed": 1}
        stop = say({"originationNumber": NUMBER, "destinationNumber": SENDER, "messageBody": "STOP"})
        assert stop == {"receipts": 0, "inbound": 1, "changed": 1}
    [row] = client.get(f"/api/v1/alerts/{alert}/deliveries", headers=world.headers).json()["deliveries"]
    assert (row["state"], row["provider"]) == ("delivered", "aws-sms")
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM suppression")).scalar_one() == 1


@pytest.mark.parametrize(
    "identity",
    [
        SENDER,
        "447700900999",
        "pool-1",
        "Carreg",
        "arn:aws:sms-voice:eu-west-2:111122223333:pool/pool-1",
        "arn:aws:sms-voice:eu-west-2:111122223333:sender-id/Carreg/GB",
        "arn:aws:sms-voice:eu-west-2:111122223333:phone-number/phone-1",
    ],
)
def test_the_check_is_silent_when_all_is_well(provide: Set, identity: str) -> None:
    assert list(provide(ORIGINATION_IDENTITY=identity).check()) == []


@pytest.mark.parametrize(
    ("what", "told", "sentence"),
    [
        ("DescribeAccountAttributes", {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "SANDBOX"}]}, "sandbox"),
        (
            "DescribeSpendLimits",
            {"SpendLimits": [{"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 1}]},
            "spend 1 US dollar",
        ),
        ("DescribePhoneNumbers", {"PhoneNumbers": []}, f"has no {SENDER}"),
        ("DescribePhoneNumbers", {"PhoneNumbers": [{"PhoneNumber": SENDER, "Status": "PENDING"}]}, "not active"),
        ("DescribePhoneNumbers", {"PhoneNumbers": [{"PhoneNumber": SENDER, "TwoWayEnabled": False}]}, "two-way"),
        ("DescribeConfigurationSets", {"ConfigurationSets": []}, "no configuration set alerts"),
        ("DescribeConfigurationSets", {"ConfigurationSets": [{"EventDestinations": []}]}, "does not publish"),
    ],
)
def test_the_check_explains_an_account_that_is_not_ready(
    provide: Set, stub: AmazonStub, what: str, told: dict[str, object], sentence: str
) -> None:
    stub.known[SMS + what] = told
    [said] = provide().check()
    assert sentence in said


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("ORIGINATION_IDENTITY", "", "NOTIFY_AWS_SMS_ORIGINATION_IDENTITY is empty"),
        ("CONFIGURATION_SET", "", "NOTIFY_AWS_SMS_CONFIGURATION_SET is empty"),
        ("TOPIC_ARNS", "", "NOTIFY_AWS_SMS_TOPIC_ARNS is empty"),
        ("SECRET_ACCESS_KEY", "mistyped", "NOTIFY_AWS_SMS_SECRET_ACCESS_KEY"),
        ("ENDPOINT_URL", "http://127.0.0.1:9", "NOTIFY_AWS_SMS_ENDPOINT_URL"),
    ],
)
def test_the_check_names_the_setting_to_mend(provide: Set, setting: str, value: str, sentence: str) -> None:
    [said] = provide(**{setting: value}).check()
    assert sentence in said


def test_the_check_of_the_older_way_asks_for_sandbox_and_limit(provide: Set, stub: AmazonStub) -> None:
    assert list(provide(API="sns").check()) == []
    stub.known["GetSMSSandboxAccountStatus"] = "<IsInSandbox>true</IsInSandbox>"
    limit = "<attributes><entry><key>MonthlySpendLimit</key><value>1</value></entry></attributes>"
    stub.known["GetSMSAttributes"] = limit
    sandbox, spending = provide(API="sns").check()
    assert "sandbox" in sandbox
    assert "1 US dollar" in spending
