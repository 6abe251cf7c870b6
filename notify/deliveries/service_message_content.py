"""Service messages as they are sent: confirmations, sign-in links and questions about contacts, on each channel."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from notify.channels import CHANNELS, Channel, Content
from notify.core import clock, rendering
from notify.deliveries import email_facts
from notify.deliveries.message_content import email_headers
from notify.deliveries.service_message_words import ASKED, EXPIRES, SUBJECTS, WORDS
from notify.deliveries.topic_messages import TopicNews
from notify.providers.base import Message
from notify.staff.council_settings.effective import CouncilSettings
from notify.subscribers.consent.requests import Reason
from notify.subscribers.models import ServiceMessageKind

LINK_PATHS = {
    ServiceMessageKind.CONFIRM: "confirm",
    ServiceMessageKind.SIGN_IN: "manage",
    ServiceMessageKind.ADD_CONTACT: "add-contact",
}


@dataclass(frozen=True, slots=True)
class Secret:
    """What only its receiver knows: an address to open, and for some the digits to type in there."""

    url: str
    code: str = ""


def service_message(
    kind: ServiceMessageKind,
    *,
    channel: Channel,
    address: str,
    reference: str,
    secret: Secret,
    language: str,
    own: CouncilSettings,
    signing_secret: str = "",
    what: str = "",
    why: Reason | None = None,
    news: TopicNews | None = None,
) -> Message:
    """A service message to one person, or to one system, whose secret signs it: `what` or which `news` of a topic it
    tells of, `why` it asks.
    """
    language = language if language in SUBJECTS else "en"
    found = ASKED[language][why] if why else WORDS[language].get(kind)
    about = CHANNELS[channel]
    council_name = own.name_in_text(language) if about.content is Content.TEXT else own.name_in(language)
    about_topic = {"now": news.now, "day": news.day} if news else {}
    words = found.filled(council=council_name, what=what, **about_topic) if found else None
    unsubscribe_url = news.unsubscribe_url if news else ""
    subject = words.title if words else SUBJECTS[language][kind]
    values = {
        "kind": kind.value,
        "url": secret.url,
        "code": secret.code,
        "own": own,
        "logo_url": own.email_logo_url,
        "council_name": council_name,
        "is_from_council": council_name == own.from_name(language),
        "language": language,
        "words": words,
        "expires": EXPIRES[language].get(kind, ""),
        "unsubscribe_url": unsubscribe_url,
    }
    if about.content in (Content.TEXT, Content.SPEECH):
        values["digits"] = ". ".join(secret.code)
        text = rendering.message_environment(about.templates).get_template("service-message.txt").render(**values)
        sender = own.sms_sender if about.content is Content.TEXT else ""
        return Message(reference, address, subject, text.strip(), language=language, sender=sender)
    if about.content is Content.DATA:
        asked = {"type": f"contact.{kind}", "timestamp": clock.now().isoformat()}
        data = {"council": council_name, "url": secret.url} | ({"text": words.lead} if words else {})
        return Message(reference, address, subject, json.dumps(asked | {"data": data}), secret=signing_secret)
    headers = email_headers(subject, own, language) | _service_headers(kind, own) | _leaving(unsubscribe_url)
    return Message(reference, address, subject, "", _email(headers, values, language, address, reference))


def _email(
    headers: Mapping[str, str], values: Mapping[str, object], language: str, address: str, reference: str
) -> bytes:
    environment = rendering.message_environment("email")
    compiled = rendering.mime_skeleton(
        headers=headers,
        text=environment.get_template("service-message.txt").render(**values),
        html_text=environment.get_template("service-message.html").render(**values),
        language=language,
        names=("to", "message_id"),
    )
    return compiled.fill({"to": address, "message_id": reference})


def _service_headers(kind: ServiceMessageKind, own: CouncilSettings) -> dict[str, str]:
    """That a program wrote it, and which of our kinds of messages it is."""
    told = email_facts.feedback_id(about=kind.value, kind="service", council=own.slug)
    return {"Auto-Submitted": "auto-generated", "Feedback-ID": told}


def _leaving(unsubscribe_url: str) -> dict[str, str]:
    """The headers of RFC 8058, where there is something to stop."""
    if not unsubscribe_url:
        return {}
    return {
        "List-Unsubscribe": f"<{unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def link_url(kind: ServiceMessageKind, token: str, *, base: str) -> str:
    """Where the link in a notice leads: to a page with a button, because scanners follow links."""
    return f"{base}/{LINK_PATHS[kind]}/{token}"
