"""Service messages as they are sent: confirmations, sign-in links and questions about contacts, on each channel."""

import json
from dataclasses import dataclass

from notify.channels import CHANNELS, Channel, Content
from notify.core import clock, rendering
from notify.core.settings import settings
from notify.deliveries.message_content import email_headers
from notify.deliveries.service_message_words import ASKED, EXPIRES, SUBJECTS, WORDS
from notify.providers.base import Message
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
    council_name: str,
    signing_secret: str = "",
    what: str = "",
    why: Reason | None = None,
) -> Message:
    """A service message to one person, or to one system, whose secret signs it: `what` it tells of, `why` it asks."""
    language = language if language in SUBJECTS else "en"
    found = ASKED[language][why] if why else WORDS[language].get(kind)
    words = found.filled(council=council_name, what=what) if found else None
    subject = words.title if words else SUBJECTS[language][kind].format(council=council_name)
    values = {
        "kind": kind.value,
        "url": secret.url,
        "code": secret.code,
        "council_name": council_name,
        "language": language,
        "words": words,
        "expires": EXPIRES[language].get(kind, ""),
    }
    if (about := CHANNELS[channel]).content in (Content.TEXT, Content.SPEECH):
        values["digits"] = ". ".join(secret.code)
        text = rendering.message_environment(about.templates).get_template("service-message.txt").render(**values)
        return Message(reference, address, subject, text.strip(), language=language)
    if about.content is Content.DATA:
        asked = {"type": f"contact.{kind}", "timestamp": clock.now().isoformat()}
        data = {"council": council_name, "url": secret.url} | ({"text": words.lead} if words else {})
        return Message(reference, address, subject, json.dumps(asked | {"data": data}), secret=signing_secret)
    environment = rendering.message_environment("email")
    compiled = rendering.mime_skeleton(
        headers=email_headers(subject, council_name) | {"Auto-Submitted": "auto-generated"},
        text=environment.get_template("service-message.txt").render(**values),
        html_text=environment.get_template("service-message.html").render(**values),
        language=language,
        names=("to", "message_id"),
    )
    return Message(reference, address, subject, "", compiled.fill({"to": address, "message_id": reference}))


def link_url(kind: ServiceMessageKind, token: str) -> str:
    """Where the link in a notice leads: to a page with a button, because scanners follow links."""
    return f"{settings().base_url}/{LINK_PATHS[kind]}/{token}"
