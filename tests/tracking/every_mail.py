"""Every kind of e-mail that this service writes, as the bytes that leave, made without a database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

from notify.alerts.models import Alert, AlertState, FollowUp, Priority
from notify.core import clock, rendering
from notify.deliveries.message_content import AlertContent, Recipient, email_headers
from notify.deliveries.service_message_content import Secret, service_message
from notify.deliveries.topic_messages import ABOUT_TOPICS, TopicNews
from notify.providers.base import Channel
from notify.staff.council_settings.effective import Contact, CouncilSettings, installation_settings
from notify.subscribers.models import ApprovalRule, MailFormat, ServiceMessageKind, Topic, TopicPurpose

BODY = (
    "The bridge on Mill Road is closed for repairs.\n\nTake instead:\n- the bus from the station\n- Long Lane\n\n"
    "Thank you."
)
WELSH = {"title": "Ffordd ar gau ddydd Sul", "body": "Mae’r bont ar gau.\n\n- Cymerwch y bws\n- neu’r ffordd hir"}
PART = {
    "alert": str(UUID(int=1)),
    "link": "https://www.example.org/mill-road",
    "words": {"en": {"title": "Mill Road closed", "body": BODY}},
}


def council() -> CouncilSettings:
    """A council that has filled in everything that mails show."""
    return replace(
        installation_settings("Zed Council"),
        slug="zed",
        sender_name="Zed Council",
        sender_address="alerts@example.org",
        contact=Contact("https://www.example.org/contact", "01632 960001", "contact@example.org"),
        data_protection=Contact("https://www.example.org/privacy"),
        name_cy="Cyngor Zed",
    )


def _alert(**values: Any) -> Alert:  # noqa: ANN401 - columns of an alert
    usual: dict[str, Any] = {
        "id": uuid4(), "council_id": uuid4(), "topic_id": uuid4(), "title": "Mill Road closed on Sunday", "body": BODY,
        "channels": [], "state": AlertState.SENDING, "content_hash": b"", "created_by": "-", "reply_code": 7,
        "priority": Priority.ROUTINE, "translations": {"cy": WELSH}, "link": "https://www.example.org/mill-road",
        "expires_at": clock.now() + timedelta(days=3),
    }  # fmt: skip
    return Alert(**usual | values)


def _kinds() -> Mapping[str, tuple[Alert, bool]]:
    """Alerts by name, each with whether its reader agreed to be counted."""
    urgent: dict[str, Any] = {"priority": Priority.EMERGENCY, "title": "River Zed is flooding"}
    told: dict[str, Any] = {"instruction": "Go upstairs now. Take your phone and a torch."}
    return {
        "routine": (_alert(), False),
        "routine-counted": (_alert(), True),
        "emergency": (_alert(**urgent, **told, asks_reply=True), False),
        "update": (_alert(**urgent, follow_up=FollowUp.UPDATE, follows_id=UUID(int=1)), False),
        "all-clear": (_alert(**urgent, follow_up=FollowUp.ALL_CLEAR, follows_id=UUID(int=1)), False),
        "training": (_alert(**urgent, is_training=True, is_test=True), False),
        "digest": (_alert(parts=[PART, PART], link=None, translations={}), False),
    }


def _topic() -> Topic:
    return Topic(
        council_id=uuid4(), slug="road-closures", name="Road closures", purpose=TopicPurpose.SERVICE, channels=[],
        approval=ApprovalRule.NONE, tracking_allowed=True,
    )  # fmt: skip


def every_mail() -> Mapping[str, bytes]:
    """The mails by kind, language and format."""
    own = council()
    found: dict[str, bytes] = {}
    for name, (alert, is_counted) in _kinds().items():
        path = None if alert.parts else f"/alerts/{alert.id}"
        words = AlertContent(alert, _topic(), own, page_path=path)
        for language in ("en", "cy"):
            for number, mail_format in enumerate(MailFormat, 1):
                reader = Recipient(
                    number, f"{alert.id.hex}-{number}", uuid4(), Channel.EMAIL, "sam@example.net", "", "Sam Ash",
                    language, "Northside", may_be_tracked=is_counted, is_unsure=False, mail_format=mail_format.value,
                )  # fmt: skip
                found[f"{name}-{language}-{mail_format}"] = words.message(reader, Event()).mime
    news = TopicNews("Bins", "Bin collections", "3 March 2027", "https://alerts.example.org/u/abc")
    for kind in ServiceMessageKind:
        for language in ("en", "cy"):
            found[f"{kind}-{language}"] = service_message(
                kind, channel=Channel.EMAIL, address="sam@example.net", reference=uuid4().hex,
                secret=Secret("https://alerts.example.org/confirm/abcdefghijklmnop"), language=language, own=own,
                what="ann@example.net", news=news if kind in ABOUT_TOPICS else None,
            ).mime  # fmt: skip
    plain = rendering.mime_with_file(
        headers=email_headers("Alert sent: Mill Road closed", own) | {"Auto-Submitted": "auto-generated"},
        words="An alert was sent.\n\nhttps://alerts.example.org/staff/alerts\n",
        file=None,
        names=("to", "message_id"),
    )
    return found | {"staff": plain.fill({"to": "officer@example.net", "message_id": uuid4().hex})}
