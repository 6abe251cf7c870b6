"""What a draft looks like when it arrives, and a proof of it in the officer's own mailbox."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from threading import Event
from uuid import UUID

from sqlmodel import Session

from notify.alerts.models import Alert, AlertState, Priority
from notify.alerts.publishing.page_addresses import page_path
from notify.alerts.queries import titles_of_what_is_over
from notify.core.form_fields import Form
from notify.core.jobs import Lane
from notify.deliveries.message_content import AlertContent, Recipient
from notify.drafting.draft_reader import expires_at_of, languages
from notify.drafting.models import Draft
from notify.providers import registry, sms_segments
from notify.providers.base import Accepted, Channel, Message
from notify.staff.council_settings.effective import council_settings
from notify.subscribers.models import Topic
from notify.subscribers.queries import topic

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Text:
    """A text message as it arrives, and what it takes. `wide`: the first character that makes it take more."""

    words: str
    parts: int
    characters: int
    room: int
    advice: str
    wide: str


def content_of(session: Session, draft: Draft, *, is_proof: bool = False) -> AlertContent:
    """What the draft says so far, compiled by the very code that compiles an alert."""
    form = Form(draft.fields)
    codes = {name.partition("-")[2] for name in draft.fields if name.startswith(("title-", "body-"))}
    translations = {
        code: {part: form.one(f"{part}-{code}") for part in ("title", "body", "sms") if form.one(f"{part}-{code}")}
        for code in codes
        if form.one(f"title-{code}") and form.one(f"body-{code}")
    }
    title = form.one("title") or "(no title yet)"
    alert = Alert(
        id=NOBODY,
        council_id=draft.council_id,
        topic_id=NOBODY,
        priority=draft.priority,
        title=f"Test: {title}" if is_proof else title,
        body=form.one("body") or "(no message yet)",
        link=form.one("link") or None,
        sms=form.one("sms") or None,
        translations=translations,
        channels=[],
        state=AlertState.DRAFT,
        content_hash=b"",
        created_by="",
        is_training=form.has("training"),
        asks_reply=form.has("asks_reply"),
        reply_code=0,  # the links are as long as those that are sent
        expires_at=expires_at_of(form),
    )
    own = council_settings(session, draft.council_id)
    path = None if _is_for_single_postcodes(form, draft.priority) else f"/alerts/{NOBODY}"
    return AlertContent(alert, topic(session, draft.council_id, draft.topic), own, page_path=path)


def _is_for_single_postcodes(form: Form, priority: Priority) -> bool:
    """Whether the alert will have no public page, as `notify.alerts.publishing` decides once it is stored."""
    is_wider = form.one("reach") != "places" or any(form.one(name) for name in ("ward", "zone", "shape", "centre"))
    return priority != Priority.EMERGENCY and not is_wider


def content_of_alert(session: Session, alert: Alert) -> AlertContent:
    """The same of an alert that is stored."""
    own = council_settings(session, alert.council_id)
    about, over = session.get_one(Topic, alert.topic_id), titles_of_what_is_over(session, alert)
    return AlertContent(alert, about, own, over, page_path(session, alert))


def _message(content: AlertContent, channel: Channel, language: str, address: str = "you@example.org") -> Message:
    reader = Recipient(
        *(0, "preview", NOBODY, channel, address, "", "", language, ""), may_be_tracked=False, is_unsure=False
    )
    return content.message(reader, Event())


def email_html(content: AlertContent, language: str) -> str:
    """The HTML of the e-mail."""
    mail = message_from_bytes(_message(content, Channel.EMAIL, language).mime, policy=default)
    part = mail.get_body(("html",))
    return str(part.get_content()) if part else ""


def email_subject(content: AlertContent, language: str) -> str:
    """What stands in the list of mails."""
    return str(message_from_bytes(_message(content, Channel.EMAIL, language).mime, policy=default)["Subject"])


def text_of(content: AlertContent, language: str) -> Text:
    """The text message."""
    words = _message(content, Channel.SMS, language).text
    counted = sms_segments.count(words)
    advice, wide = sms_segments.advice(counted), sms_segments.first_wide(words)
    return Text(words, counted.segments, counted.characters, counted.room, advice, wide)


def script_of(content: AlertContent, language: str) -> str:
    """What a phone call says."""
    return _message(content, Channel.VOICE, language).text


@dataclass(frozen=True, slots=True)
class Arriving:
    """Every message as it arrives: emails as language, its name and subject, the others as name and words."""

    subjects: Sequence[tuple[str, str, str]]
    texts: Sequence[tuple[str, Text]]
    scripts: Sequence[tuple[str, str]]


def arriving(content: AlertContent, channels: Collection[str], translated: Collection[str]) -> Arriving:
    """The same for these channels, in English and the languages that it is translated to."""
    spoken = {"en": "English"} | {code: name for code, name in languages().items() if code in translated}

    def each(channel: Channel) -> Iterable[tuple[str, str]]:
        return spoken.items() if channel in channels else ()

    return Arriving(
        subjects=[(code, name, email_subject(content, code)) for code, name in each(Channel.EMAIL)],
        texts=[(name, text_of(content, code)) for code, name in each(Channel.SMS)],
        scripts=[(name, script_of(content, code)) for code, name in each(Channel.VOICE)],
    )


def send_proof(content: AlertContent, address: str, language: str) -> str:
    """Send the e-mail to the officer alone, and say its result. No transaction may be open."""
    message = _message(content, Channel.EMAIL, language, address)
    providers = registry.providers_for(Channel.EMAIL, chosen=content.own.providers_for(Channel.EMAIL))
    [(_provider, outcome)] = registry.send_with_failover(providers, [message], lane=Lane.TRANSACTIONAL)
    if isinstance(outcome, Accepted):
        return f"A test is on its way to {address}."
    return "The test could not be sent just now. Try again in a minute."
