"""A text is counted by the editor and the estimate of costs exactly as it is sent, links and all."""

from dataclasses import replace
from threading import Event
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from notify.alerts.models import Alert, AlertState, Priority
from notify.alerts.reply_request import words_for_text
from notify.alerts.text_messages import anybodys_text, page_url, read_page_code
from notify.deliveries.message_content import AlertContent, Recipient
from notify.providers import sms_segments
from notify.providers.base import Channel
from notify.staff.council_settings.effective import CouncilSettings, installation_settings
from notify.subscribers.models import ApprovalRule, Topic, TopicPurpose

Client = TestClient[Litestar]
LETTERS = st.sampled_from("abc .STOP'’€ŵ\n[]") | st.sampled_from(
    ["leave now ", "flood ", "https://example.org/x ", "STOP "]
)
SAID = st.lists(LETTERS, min_size=1, max_size=70).map("".join).filter(lambda words: bool(words.strip()))
TOPIC = Topic(
    council_id=uuid4(), slug="x", name="X", purpose=TopicPurpose.SERVICE, channels=[], approval=ApprovalRule.NONE
)


def council(sender: str) -> CouncilSettings:
    return replace(installation_settings("Zed Council"), sms_sender=sender)


def alert(**said: Any) -> Alert:  # noqa: ANN401 - columns of an alert
    return Alert(
        id=uuid4(), council_id=uuid4(), topic_id=uuid4(), body="Leave on foot. Wait.", channels=[],
        state=AlertState.SENDING, content_hash=b"", created_by="-", **said,
    )  # fmt: skip


def sent(one: Alert, own: CouncilSettings, language: str, number: int) -> str:
    reader = Recipient(
        number, "x", uuid4(), Channel.SMS, "-", "", "", language, "", may_be_tracked=False, is_unsure=False
    )
    return AlertContent(one, TOPIC, own).message(reader, Event()).text


@given(
    title=SAID, sms=st.none() | SAID, welsh=st.none() | SAID, link=st.none() | st.just("https://example.org/road"),
    urgent=st.booleans(), asks=st.booleans(), training=st.booleans(), sender=st.sampled_from(["", "ZEDCOUNCIL"]),
    number=st.integers(1, 2**24 - 1), code=st.integers(1, 2**31 - 1),
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def check_parts(
    title: str, sms: str | None, welsh: str | None, link: str | None, urgent: bool, asks: bool, training: bool,
    sender: str, number: int, code: int,
) -> None:  # fmt: skip
    own = council(sender)
    translations = {"cy": {"title": welsh, "body": welsh}} if welsh else {}
    priority = Priority.EMERGENCY if urgent else Priority.ROUTINE
    one = alert(title=title, sms=sms, link=link, translations=translations, asks_reply=asks, is_training=training,
                priority=priority, reply_code=code)  # fmt: skip
    for language in ("en", "cy") if welsh else ("en",):
        words = translations.get(language, {"title": title, "body": one.body} | ({"sms": sms} if sms else {}))
        counted = anybodys_text(
            words_for_text(one, words, language=language), own=own, is_training=training, asks_reply=asks,
            is_emergency=urgent, language=language,
        )  # fmt: skip
        text = sent(one, own, language, number)
        assert len(text) == len(counted)
        assert sms_segments.count(text).segments == sms_segments.count(counted).segments
        without = anybodys_text(
            words_for_text(one, words, language=language), own=own, is_training=training, asks_reply=asks,
            is_emergency=False, language=language,
        )  # fmt: skip
        assert sms_segments.count(text).segments == sms_segments.count(without).segments  # the page's link is free


def test_what_is_counted_is_what_is_sent(client: Client) -> None:
    check_parts()


@given(code=st.integers(0, 2**31 - 1))
def test_the_short_address_of_an_alert_has_one_length_and_leads_back(code: int) -> None:
    address = page_url(code, base="https://alerts.example.org")
    assert len(address) == len("https://alerts.example.org/a/") + 6
    assert read_page_code(address.rpartition("/")[2]) == code


def test_nothing_else_is_a_short_address() -> None:
    for digits in ("", "0", "zzzzzzz", "ZZZZZZ", "zzzzzz", "00000-", "０００００１"):
        assert read_page_code(digits) is None
