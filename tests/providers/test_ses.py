"""The SES adapter against moto and a server that checks signatures: one recipient, one answer, no resident blamed."""

import base64
from collections.abc import Callable, Iterator
from email import message_from_bytes

import boto3  # type: ignore[import-untyped]
import pytest
from moto import mock_aws
from moto.ses.models import ses_backends

from notify.providers.aws.ses import SesProvider
from notify.providers.base import (
    Accepted,
    Message,
    Provider,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnsure,
    Refused,
)
from notify.providers.contract import ProviderContract
from tests.providers.amazon_stub import REGION, AmazonStub, Mute, Reply, serving
from tests.providers.messages import WELSH, mail, text_of
from tests.providers.sns_stub import SnsStub
from tests.providers.unanswered import unanswered
from tests.relay import CERTIFICATE

Set = Callable[..., SesProvider]
MOTO_ACCOUNT = "123456789012"


@pytest.fixture
def stub() -> Iterator[AmazonStub]:
    with serving(AmazonStub()) as made:
        yield made


@pytest.fixture
def provide(stub: AmazonStub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    """Makes a provider for the stub, with its settings from the environment as always."""
    made: list[SesProvider] = []
    amazon = SnsStub()

    def make(**chosen: str) -> SesProvider:
        for name, value in stub.environment("NOTIFY_SES_", **chosen).items():
            monkeypatch.setenv(name, value)
        made.append(SesProvider(fetch=amazon.fetch))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


class TestContract(ProviderContract):
    """Against a server that says yes."""

    @pytest.fixture(autouse=True)
    def _provide(self, provide: Set) -> None:
        self.provide = provide

    def make_provider(self) -> Provider:
        return self.provide()

    def a_good_message(self) -> Message:
        return mail()


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moto's SES, in which the sender is verified."""
    for name, value in {"REGION": REGION, "ACCESS_KEY_ID": "AKIDEXAMPLE", "SECRET_ACCESS_KEY": "invented"}.items():
        monkeypatch.setenv(f"NOTIFY_SES_{name}", value)
    with mock_aws():
        boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity="alerts@example.org")
        yield


@pytest.mark.usefixtures("moto")
def test_moto_takes_one_message_or_many() -> None:
    provider = SesProvider()
    first = mail()
    identity = provider.send(first)
    outcomes = list(provider.send_many([*(mail() for _ in range(9)), mail("nobody")]))
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 9
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 1
    taken = ses_backends[MOTO_ACCOUNT][REGION].sent_messages
    assert [one.id for one in taken if one.id == identity] == [identity]
    assert len(taken) == 10
    provider.close()


@pytest.mark.usefixtures("moto")
def test_moto_reads_the_message_that_was_written() -> None:
    provider = SesProvider()
    provider.send(mail())
    [taken] = ses_backends[MOTO_ACCOUNT][REGION].sent_messages
    assert text_of(taken.raw_data.encode()) == WELSH
    assert taken.destinations[0] == "a@example.org"
    provider.close()


def test_what_ses_gets_is_one_recipient_the_message_and_our_reference(provide: Set, stub: AmazonStub) -> None:
    message = mail("b@example.org")
    assert provide().send(message)
    [taken] = stub.taken
    mime = base64.b64decode(taken.pop("Content")["Raw"]["Data"])  # type: ignore[index]
    assert taken == {
        "Destination": {"ToAddresses": ["b@example.org"]},
        "EmailTags": [{"Name": "reference", "Value": message.reference}],
        "ConfigurationSetName": "alerts",
    }
    assert mime.isascii()
    assert text_of(mime) == WELSH
    before, after = message_from_bytes(message.mime), message_from_bytes(mime)
    assert [str(v) for v in before.values()] == [str(v) for v in after.values()]


def test_without_a_configuration_set_none_is_named(provide: Set, stub: AmazonStub) -> None:
    provide(CONFIGURATION_SET="").send(mail())
    assert "ConfigurationSetName" not in stub.taken[0]


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org,b@example.org",
        "a@example.org;b@example.org",
        "<a@example.org>",
        "A a@example.org",
        "a@b@c",
        "a@é.org",
    ],
)
def test_what_could_be_two_recipients_is_none(provide: Set, stub: AmazonStub, address: str) -> None:
    with pytest.raises(ProviderRejected):
        provide().send(mail(address))
    assert stub.taken == []


def test_connections_are_kept(provide: Set, stub: AmazonStub) -> None:
    provider = provide()
    for _ in range(5):
        provider.send(mail())
    assert len(stub.lines) == 1


def test_many_are_handed_over_at_the_same_time(provide: Set, stub: AmazonStub) -> None:
    stub.takes_s = 0.05
    outcomes = list(provide(PARALLEL="4").send_many([mail() for _ in range(12)]))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert 1 < len(stub.lines) <= 4


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, "MessageRejected", "Transaction failed: the message contains a virus"),
        (400, "BadRequestException", "Missing final '@domain'"),
        (400, "BadRequestException", "Local address contains control or whitespace"),
        (400, "BadRequestException", "Domain contains illegal character"),
        (400, "BadRequestException", "Message length is more than 41943040 bytes long: '50000000'."),
        (413, "RequestEntityTooLarge", "Request Entity Too Large"),
    ],
)
def test_what_is_wrong_with_a_recipient_or_a_message_is_final(
    provide: Set, stub: AmazonStub, status: int, kind: str, words: str
) -> None:
    stub.script.append(Reply(status, kind, words))
    with pytest.raises(ProviderRejected, match="Amazon SES does not take"):
        provide().send(mail())


NOT_VERIFIED = (
    "Email address is not verified. The following identities failed the check in region EU-WEST-2: a@example.org"
)


@pytest.mark.parametrize(
    ("status", "kind", "words", "sentence", "seconds"),
    [
        (400, "MessageRejected", NOT_VERIFIED, "NOTIFY_SENDER_ADDRESS", 900),
        (400, "MailFromDomainNotVerifiedException", "no", "MAIL FROM", 900),
        (400, "AccountSuspendedException", "no", "suspended", 900),
        (400, "SendingPausedException", "no", "paused", 900),
        (400, "LimitExceededException", "no", "limit", 900),
        (404, "NotFoundException", "Configuration set <alerts> does not exist.", "CONFIGURATION_SET", 900),
        (400, "BadRequestException", "Configuration set name is invalid", "CONFIGURATION_SET", None),
        (429, "TooManyRequestsException", "Maximum sending rate exceeded.", "rate", 1),
        (429, "TooManyRequestsException", "Daily message quota exceeded.", "quota", 900),
        (400, "ThrottlingException", "Rate exceeded", "limits us", 1),
        (
            403,
            "AccessDeniedException",
            "User: x is not authorized to perform: ses:SendEmail on y",
            "ses:SendEmail",
            None,
        ),
        (403, "InvalidClientTokenId", "The security token is invalid.", "NOTIFY_SES_ACCESS_KEY_ID", None),
        (403, "SignatureDoesNotMatch", "The signature does not match", "NOTIFY_SES_SECRET_ACCESS_KEY", None),
        (403, "InvalidSignatureException", "Signature expired: 2026 is now earlier than", "NTP", None),
        (403, "ExpiredTokenException", "The security token is expired", "NOTIFY_SES_ACCESS_KEY_ID", None),
        (500, "InternalFailure", "", "500", None),
        (503, "ServiceUnavailable", "", "503", None),
        (301, "", "", "NOTIFY_SES_ENDPOINT_URL", None),
    ],
)
def test_what_is_wrong_with_us_or_amazon_passes(
    provide: Set, stub: AmazonStub, status: int, kind: str, words: str, sentence: str, seconds: float | None
) -> None:
    stub.script.append(Reply(status, kind, words))
    with pytest.raises(ProviderUnavailable, match=sentence) as caught:
        provide().send(mail())
    assert caught.value.retry_after_s == seconds
    assert not caught.value.is_address
    assert "a@example.org" not in str(caught.value)


def test_amazons_wish_to_wait_is_heeded(provide: Set, stub: AmazonStub) -> None:
    stub.script.append(Reply(503, "ServiceUnavailable", headers={"retry-after": "120"}))
    with pytest.raises(ProviderUnavailable) as caught:
        provide().send(mail())
    assert caught.value.retry_after_s == 120


def test_one_attempt_is_one_request(provide: Set, stub: AmazonStub) -> None:
    stub.script.extend([Reply(503, "ServiceUnavailable"), Reply(500, "InternalFailure")])
    with pytest.raises(ProviderUnavailable):
        provide().send(mail())
    assert len(stub.script) == 1


@pytest.mark.parametrize("how", ["hang", "drip"])
@pytest.mark.parametrize("is_kept_open", [True, False])
def test_who_heard_everything_and_does_not_answer_leaves_us_unsure_in_time(
    provide: Set, stub: AmazonStub, how: str, *, is_kept_open: bool
) -> None:
    provider = provide(TIMEOUT_SECONDS="0.5")
    if is_kept_open:
        provider.send(mail())
    assert unanswered(provider, mail(), stub, Mute(how)).endswith(("too slow.", "no answer that can be read."))  # type: ignore[arg-type]
    stub.over.set()
    assert provider.send(mail())


def test_deadlines_hold_over_tls_and_an_unknown_certificate_is_not_believed(
    provide: Set, stub: AmazonStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(AmazonStub(tls=True)) as secure:
        with pytest.raises(ProviderUnavailable, match="away: SSLError"):
            provide(ENDPOINT_URL=secure.address).send(mail())
        assert secure.taken == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(CERTIFICATE))
        provider = provide(ENDPOINT_URL=secure.address, TIMEOUT_SECONDS="1")
        assert provider.send(mail())
        for how in ("drip", "hang"):
            assert unanswered(provider, mail(), secure, Mute(how))


def test_a_line_that_breaks_after_everything_was_said_leaves_us_unsure(provide: Set, stub: AmazonStub) -> None:
    stub.script.append(Mute("drop"))
    with pytest.raises(ProviderUnsure, match="no answer that can be read"):
        provide().send(mail())


@pytest.mark.parametrize("page", [b"", b"{}", b"<html>Please sign in</html>", b'{"MessageId": null}'])
def test_success_without_an_id_leaves_us_unsure(provide: Set, stub: AmazonStub, page: bytes) -> None:
    stub.script.append(Reply(200, raw=page))
    with pytest.raises(ProviderUnsure, match="no answer that can be read"):
        provide().send(mail())


@pytest.mark.parametrize("setting", ["ENDPOINT_URL", "REGION"])
def test_a_place_that_is_not_there_passes(provide: Set, setting: str) -> None:
    where = {"ENDPOINT_URL": "http://127.0.0.1:9"} if setting == "ENDPOINT_URL" else {"REGION": "-"}
    with pytest.raises(ProviderUnavailable, match=f"NOTIFY_SES_{setting}"):
        provide(**where).send(mail())


def test_without_a_key_or_region_the_settings_are_named(provide: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(ProviderUnavailable, match="NOTIFY_SES_ACCESS_KEY_ID"):
        provide(ACCESS_KEY_ID="", SECRET_ACCESS_KEY="").send(mail())
    with pytest.raises(ProviderUnavailable, match="NOTIFY_SES_REGION"):
        provide(REGION="").send(mail())


def test_a_wrong_secret_passes_and_is_not_told(provide: Set) -> None:
    with pytest.raises(ProviderUnavailable, match="NOTIFY_SES_SECRET_ACCESS_KEY") as caught:
        provide(SECRET_ACCESS_KEY="mistyped").send(mail())
    assert "mistyped" not in str(caught.value)


class TestCheck:
    """What `notify doctor` hears."""

    @pytest.fixture(autouse=True)
    def _rate(self, choose: Callable[..., None]) -> None:
        choose(PROVIDER_RATES="ses=14", SENDER_ADDRESS="alerts@example.org")

    def test_it_is_silent_when_all_is_well(self, provide: Set) -> None:
        assert list(provide().check()) == []

    @pytest.mark.parametrize(
        ("what", "told", "words"),
        [
            ("account", {"SendingEnabled": False}, "paused"),
            ("account", {"EnforcementStatus": "PROBATION"}, "reviews this account"),
            ("account", {"ProductionAccessEnabled": False}, "sandbox"),
            (
                "account",
                {"SendQuota": {"Max24HourSend": 200, "SentLast24Hours": 190, "MaxSendRate": 14}},
                "190 are spent",
            ),
            ("account", {"SendQuota": {"Max24HourSend": -1, "SentLast24Hours": 1, "MaxSendRate": 1}}, "say ses=1."),
            ("identities/example.org", {"VerifiedForSendingStatus": False}, "has not verified example.org"),
            ("identities/example.org", {"DkimAttributes": {"SigningEnabled": False}}, "DKIM"),
            ("identities/example.org", {"DkimAttributes": {"SigningEnabled": True, "Status": "PENDING"}}, "DKIM"),
            ("configuration-sets/alerts/event-destinations", {"EventDestinations": []}, "DELIVERY, BOUNCE, COMPLAINT"),
        ],
    )
    def test_it_explains_an_account_that_is_not_ready(
        self, provide: Set, stub: AmazonStub, what: str, told: dict[str, object], words: str
    ) -> None:
        stub.known[f"GET /v2/email/{what}"] = {**stub.known[f"GET /v2/email/{what}"], **told}  # type: ignore[dict-item]
        [sentence] = provide().check()
        assert words in sentence

    def test_an_address_will_do_where_the_domain_is_no_identity(self, provide: Set, stub: AmazonStub) -> None:
        identity = stub.known.pop("GET /v2/email/identities/example.org")
        [sentence] = provide().check()
        assert "no identity example.org" in sentence
        stub.known["GET /v2/email/identities/alerts%40example.org"] = identity
        assert list(provide().check()) == []

    def test_a_councils_own_sender_is_looked_up_too(self, provide: Set, stub: AmazonStub) -> None:
        assert provide().check_sender("alerts@example.org") == []
        [sentence] = provide().check_sender("alerts@council.example.com")
        assert "no identity council.example.com" in sentence

    @pytest.mark.parametrize(
        ("setting", "value", "words"),
        [
            ("CONFIGURATION_SET", "", "NOTIFY_SES_CONFIGURATION_SET is empty"),
            ("CONFIGURATION_SET", "missing", "does not know NOTIFY_SES_CONFIGURATION_SET"),
            ("TOPIC_ARNS", "", "NOTIFY_SES_TOPIC_ARNS is empty"),
            ("SECRET_ACCESS_KEY", "mistyped", "NOTIFY_SES_SECRET_ACCESS_KEY"),
            ("ENDPOINT_URL", "http://127.0.0.1:9", "NOTIFY_SES_ENDPOINT_URL"),
        ],
    )
    def test_it_names_the_setting_to_mend(self, provide: Set, setting: str, value: str, words: str) -> None:
        [sentence] = provide(**{setting: value}).check()
        assert words in sentence

    def test_it_says_when_it_may_not_look(self, provide: Set, stub: AmazonStub) -> None:
        denied = "User: x is not authorized to perform: ses:GetAccount on resource: *"
        stub.script.append(Reply(403, "AccessDeniedException", denied))
        [sentence] = provide().check()
        assert "ses:GetAccount" in sentence
