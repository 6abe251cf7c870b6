"""Only what Amazon signed about a topic of ours is believed, and only Amazon's own addresses are ever called."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.core import clock
from notify.core.errors import Unavailable
from notify.providers.aws.sns import Topics, fetch_from_amazon
from notify.providers.base import CallBack, ReceiptNotAuthentic
from tests.providers.sns_stub import CERTIFICATE_URL, DAY, HOST, TOPIC, SnsStub, behind_proxy, posted

SAID = {"eventType": "Delivery", "mail": {}}
SUBSCRIBE = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"


@pytest.fixture
def amazon() -> SnsStub:
    return SnsStub()


@pytest.fixture
def topics(amazon: SnsStub) -> Topics:
    return Topics(f"arn:aws:sns:eu-west-2:111122223333:other, {TOPIC}", setting="NOTIFY_X_TOPICS", fetch=amazon.fetch)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["Amazon SES Email Event Notification", None])
def test_a_signed_notification_is_read(topics: Topics, amazon: SnsStub, version: str, subject: str | None) -> None:
    told = amazon.notification(SAID, version=version, Subject=subject)
    assert topics.read(posted(told | {"NewField": "x"})) == SAID


def test_the_certificate_is_fetched_once(topics: Topics, amazon: SnsStub) -> None:
    for _ in range(3):
        topics.read(posted(amazon.notification(SAID)))
    assert amazon.asked == [CERTIFICATE_URL]


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
def test_every_signed_field_counts(topics: Topics, amazon: SnsStub, field: str) -> None:
    others = {"TopicArn": "arn:aws:sns:eu-west-2:111122223333:other", "Type": "UnsubscribeConfirmation"}
    told = amazon.notification(SAID)
    changed = others.get(field, told[field].replace("1", "0") if field == "Timestamp" else told[field] + " ")
    for forged in (told | {field: changed}, {name: value for name, value in told.items() if name != field}):
        with pytest.raises(ReceiptNotAuthentic):
            topics.read(posted(forged))


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64", "ŵ"])
def test_a_wrong_signature_is_not_believed(topics: Topics, amazon: SnsStub, signature: str) -> None:
    with pytest.raises(ReceiptNotAuthentic):
        topics.read(posted(amazon.notification(SAID) | {"Signature": signature}))


@pytest.mark.parametrize("version", ["0", "3", "", "1 "])
def test_an_unknown_version_is_not_believed(topics: Topics, amazon: SnsStub, version: str) -> None:
    with pytest.raises(ReceiptNotAuthentic):
        topics.read(posted(amazon.notification(SAID, SignatureVersion=version)))


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/x.pem",
        "https://sns.eu-west-2.amazonaws.com.example.org/x.pem",
        "https://sns.eu-west-2.amazonaws.com@example.org/x.pem",
        "https://user@sns.eu-west-2.amazonaws.com/x.pem",
        "https://sns.eu-west-2.amazonaws.com:8443/x.pem",
        "https://sns.us-east-1.amazonaws.com/x.pem",
        "https://example.s3.amazonaws.com/x.pem",
        "https://sns.eu-west-2.amazonaws.com.cn/x.pem",
        f"https://{HOST}/x.pem?Action=GetTopicAttributes",
        f"https://{HOST}/?Action=x&y=.pem",
        f"https://{HOST}/x.pem#.pem",
        f"https://{HOST}/x/../y.pem",
        f"https://{HOST}/x.txt",
        f"https://{HOST}",
        "https://[::1/x.pem",
        "file:///etc/ssl/x.pem",
        "",
    ],
)
def test_certificates_are_fetched_from_amazon_only(topics: Topics, amazon: SnsStub, url: str) -> None:
    with pytest.raises(ReceiptNotAuthentic):
        topics.read(posted(amazon.notification(SAID, SigningCertURL=url)))
    assert amazon.asked == []


def test_a_topic_in_china_has_its_certificate_there(amazon: SnsStub) -> None:
    arn, host = "arn:aws-cn:sns:cn-north-1:111122223333:receipts", "sns.cn-north-1.amazonaws.com.cn"
    topics = Topics(arn, setting="X", fetch=amazon.fetch)
    told = amazon.notification(SAID, TopicArn=arn, SigningCertURL=f"https://{host}/x.pem")
    assert topics.read(posted(told)) == SAID
    with pytest.raises(ReceiptNotAuthentic):
        topics.read(
            posted(amazon.notification(SAID, TopicArn=arn, SigningCertURL="https://sns.cn-north-1.amazonaws.com/x.pem"))
        )


@pytest.mark.parametrize("arns", ["", " , ", "*", TOPIC + "x", TOPIC.upper(), "arn:aws:sns:eu-west-2:111122223333:"])
def test_a_topic_that_is_not_ours_is_not_believed(amazon: SnsStub, arns: str) -> None:
    with pytest.raises(ReceiptNotAuthentic, match="NOTIFY_X_TOPICS"):
        Topics(arns, setting="NOTIFY_X_TOPICS", fetch=amazon.fetch).read(posted(amazon.notification(SAID)))
    assert amazon.asked == []


@pytest.mark.parametrize(
    ("moved", "is_believed"),
    [
        (timedelta(minutes=4), True),
        (timedelta(minutes=6), False),
        (timedelta(minutes=-59), True),
        (timedelta(minutes=-66), False),
    ],
)
def test_late_notifications_are_believed_as_long_as_sns_tries(
    topics: Topics, amazon: SnsStub, moved: timedelta, *, is_believed: bool
) -> None:
    at = (clock.now() + moved).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    told = posted(amazon.notification(SAID, Timestamp=at))
    if is_believed:
        assert topics.read(told) == SAID
    else:
        with pytest.raises(ReceiptNotAuthentic):
            topics.read(told)


@pytest.mark.parametrize(
    "at", ["", "now", "2026-11-23T15:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
)
def test_a_time_that_makes_no_sense_is_not_believed(topics: Topics, amazon: SnsStub, at: str) -> None:
    with pytest.raises(ReceiptNotAuthentic):
        topics.read(posted(amazon.notification(SAID, Timestamp=at)))


@pytest.mark.parametrize("message", ["", "Successfully validated SNS topic", "[]", "[" * 5000, "null"])
def test_an_authentic_message_that_tells_nothing_is_empty(topics: Topics, amazon: SnsStub, message: str) -> None:
    assert topics.read(posted(amazon.notification(message))) == {}


@settings(max_examples=200, deadline=None)
@given(body=st.binary() | st.text().map(str.encode))
def test_garbage_is_not_believed(body: bytes) -> None:
    with pytest.raises(ReceiptNotAuthentic):
        Topics(TOPIC, setting="X", fetch=SnsStub().fetch).read(CallBack(body, {}))


@settings(max_examples=100, deadline=None)
@given(
    field=st.sampled_from(["Type", "TopicArn", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL"]),
    value=st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2),
)
def test_no_field_can_be_anything_else(field: str, value: object) -> None:
    amazon = SnsStub()
    told: dict[str, object] = {**amazon.notification(SAID), field: value}
    with pytest.raises(ReceiptNotAuthentic):
        Topics(TOPIC, setting="X", fetch=amazon.fetch).read(posted(told))


def test_while_amazon_is_away_sns_is_asked_to_come_again(topics: Topics, amazon: SnsStub) -> None:
    amazon.is_away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            topics.read(posted(amazon.notification(SAID)))
    assert amazon.asked == [CERTIFICATE_URL]  # nobody may have us ask again and again


def test_a_certificate_out_of_its_time_is_not_believed() -> None:
    now = clock.now()
    for begins, ends in ((now - 2 * DAY, now - DAY), (now + DAY, now + 2 * DAY)):
        amazon = SnsStub(valid_from=begins, valid_until=ends)
        with pytest.raises(ReceiptNotAuthentic, match="not valid now"):
            Topics(TOPIC, setting="X", fetch=amazon.fetch).read(posted(amazon.notification(SAID)))


def test_what_is_no_certificate_is_not_believed(amazon: SnsStub) -> None:
    topics = Topics(TOPIC, setting="X", fetch=lambda _url: b"<html>no</html>")
    with pytest.raises(Unavailable):
        topics.read(posted(amazon.notification(SAID)))


def test_a_subscription_to_our_topic_is_confirmed(topics: Topics, amazon: SnsStub) -> None:
    assert topics.read(posted(amazon.about_subscription())) == {}
    assert amazon.asked == [CERTIFICATE_URL, SUBSCRIBE]


def test_a_subscription_that_cannot_be_confirmed_now_is_announced_again(topics: Topics, amazon: SnsStub) -> None:
    topics.read(posted(amazon.notification(SAID)))
    amazon.is_away = True
    with pytest.raises(Unavailable):
        topics.read(posted(amazon.about_subscription()))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/?Action=ConfirmSubscription&TopicArn=" + TOPIC,
        f"http://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}",
        f"https://{HOST}/?Action=DeleteTopic&TopicArn={TOPIC}",
        f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}x",
        f"https://{HOST}@127.0.0.1/?Action=ConfirmSubscription&TopicArn={TOPIC}",
        "https://[::1",
        "",
    ],
)
def test_only_amazons_confirmation_is_visited(topics: Topics, amazon: SnsStub, url: str) -> None:
    with pytest.raises(ReceiptNotAuthentic):
        topics.read(posted(amazon.about_subscription(SubscribeURL=url)))
    assert amazon.asked == [CERTIFICATE_URL]


def test_an_unsigned_subscription_is_not_confirmed(topics: Topics, amazon: SnsStub) -> None:
    with pytest.raises(ReceiptNotAuthentic):
        topics.read(posted(amazon.about_subscription() | {"Token": "another"}))
    assert amazon.asked == [CERTIFICATE_URL]


def test_when_we_are_unsubscribed_nothing_is_visited(topics: Topics, amazon: SnsStub) -> None:
    assert topics.read(posted(amazon.about_subscription("UnsubscribeConfirmation"))) == {}
    assert amazon.asked == [CERTIFICATE_URL]


def test_the_check_explains_a_list_of_topics_that_cannot_work() -> None:
    [empty] = Topics("", setting="NOTIFY_X_TOPICS").check()
    assert empty.startswith("NOTIFY_X_TOPICS is empty")
    [wrong] = Topics(f"{TOPIC}, receipts", setting="NOTIFY_X_TOPICS").check()
    assert "'receipts'" in wrong
    assert list(Topics(TOPIC, setting="NOTIFY_X_TOPICS").check()) == []


class TestFetching:
    """The fetcher as it is used, through the machine's proxy, with the certificate of Amazon's host checked."""

    @pytest.fixture(autouse=True)
    def _proxy(self, amazon: SnsStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with behind_proxy(amazon, tmp_path) as self.amazons:
            for name, value in self.amazons.environment.items():
                monkeypatch.setenv(name, value)
            yield

    def test_it_fetches_and_is_believed(self, amazon: SnsStub) -> None:
        topics = Topics(TOPIC, setting="X")
        assert topics.read(posted(amazon.notification(SAID))) == SAID
        assert topics.read(posted(amazon.about_subscription())) == {}
        assert amazon.asked == [CERTIFICATE_URL, SUBSCRIBE]
        assert set(self.amazons.connects) == {f"{HOST}:443"}

    @pytest.mark.parametrize("path", ["moved.pem", "long.pem"])
    def test_it_follows_nobody_and_reads_no_more_than_it_must(self, path: str) -> None:
        with pytest.raises(httpx.HTTPError):
            fetch_from_amazon(f"https://{HOST}/{path}")
        assert len(self.amazons.connects) == 1

    def test_it_believes_no_other_certificate(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(httpx.ConnectError):
            fetch_from_amazon(CERTIFICATE_URL)
