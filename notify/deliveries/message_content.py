"""What an alert says on each channel: compiled once per alert, language and channel, filled per person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from functools import cached_property
from threading import Event
from urllib.parse import urlsplit
from uuid import UUID

from notify.alerts import area_updates, reply_request, text_messages
from notify.alerts.models import Alert, AlertState, DigestPart, Priority
from notify.channels import CHANNELS, Channel
from notify.core import clock, rendering, tokens
from notify.core.rendering import Skeleton, marker
from notify.deliveries import email_facts
from notify.providers.base import Message
from notify.staff.council_settings.effective import CouncilSettings, installation_settings
from notify.subscribers.models import ApprovalRule, MailFormat, Topic, TopicPurpose

EMAIL_NAMES = (
    "to", "message_id", "greeting", "ward", "unsubscribe_url", "manage_url", "link_url", "pixel_url", "reply_url",
)  # fmt: skip

HIDDEN = b"\xff"  # marks the link that no reader sees: whoever follows it is a machine
LARGE_ZOOM = 1.5
GREETINGS = {"en": "Dear {name},", "cy": "Annwyl {name},"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """One delivery with what its message needs. `reference` is the delivery's own name."""

    number: int
    reference: str
    contact_id: UUID
    channel: Channel
    address: str
    secret: str
    name: str
    language: str
    ward_name: str
    may_be_tracked: bool
    is_unsure: bool  # an earlier attempt may have arrived
    mail_format: str = MailFormat.STANDARD.value
    update_group: str | None = None


def reference_of(alert_hex: str, number: int) -> str:
    """A delivery's own name: the same at every attempt, without dots, unique for ever."""
    return f"{alert_hex}-{number}"


def unsubscribe_token(contact_id: UUID, alert_id: UUID) -> str:
    """The part of an unsubscribe link that says who stops what: the topic of this alert."""
    return tokens.sign(tokens.Purpose.UNSUBSCRIBE, contact_id.bytes + alert_id.bytes)


class AlertContent:
    """Everything one alert says. Threads may share it: what it compiles twice comes out the same."""

    def __init__(
        self,
        alert: Alert,
        topic: Topic,
        own: CouncilSettings,
        over: Mapping[str, str] | None = None,
        page_path: str | None = None,
    ) -> None:
        """`page_path`: where everyone can read the alert and what follows; None where that is nowhere."""
        self.alert = alert
        self.topic = topic
        self.own = own
        self._over = over  # titles of what an all-clear ends, by language
        self._page_path = page_path
        # whether links and opens of this alert may be counted at all; emergencies never are
        self._is_emergency = alert.priority == Priority.EMERGENCY
        self.is_tracked = topic.tracking_allowed and not self._is_emergency
        self._emails: dict[tuple[str, bool, str], Skeleton] = {}
        self._texts: dict[str, str] = {}
        self._code = alert.reply_code if alert.asks_reply else None
        self._groups: dict[str, AlertContent] = {}
        self._title, self._expires_at = alert.title, alert.expires_at  # attributes of a table's row are slow

    def message(self, recipient: Recipient, withdrawn: Event) -> Message:
        """The complete message for one person. Once `withdrawn` is set it does not leave any more."""
        if self.alert.group_words is not None:
            return self.of_group(recipient.update_group).message(recipient, withdrawn)
        match recipient.channel:
            case Channel.EMAIL:
                return self._message(recipient, withdrawn, mime=self._email(recipient))
            case Channel.SMS:
                return self._message(
                    recipient, withdrawn, text=self._personal(recipient, self._sms(recipient.language))
                )
            case Channel.VOICE:
                return self._message(recipient, withdrawn, text=self._speech(recipient.language))
            case Channel.WEBHOOK:
                return self._message(recipient, withdrawn, text=self._personal(recipient, self._payload))

    def of_group(self, group: str | None) -> "AlertContent":
        """What this group of an update with another area gets; of any other alert there is one for everybody."""
        if self.alert.group_words is None:
            return self
        known = self._groups.get(group or "")
        if known is None:
            known = AlertContent(
                area_updates.as_read_by(self.alert, group), self.topic, self.own, self._over, self._page_path
            )
            self._groups[group or ""] = known
        return known

    def _message(self, recipient: Recipient, withdrawn: Event, *, text: str = "", mime: bytes = b"") -> Message:
        return Message(
            sender=self.own.sms_sender if recipient.channel == Channel.SMS else "",
            reference=recipient.reference,
            address=recipient.address,
            subject=self._title,
            text=text,
            mime=mime,
            secret=recipient.secret,
            language=self.words(recipient.language)[0],
            expires_at=self._expires_at,
            is_hasty=self._is_emergency and (CHANNELS[recipient.channel].is_own_service or not recipient.is_unsure),
            withdrawn=withdrawn,
        )

    def words(self, language: str) -> tuple[str, Mapping[str, str]]:
        """The language this person gets, and the words in it: the default where nobody translated."""
        if language in self.alert.translations:
            return language, self.alert.translations[language]
        own = {"title": self.alert.title, "body": self.alert.body}
        return "en", own | ({"sms": self.alert.sms} if self.alert.sms else {})

    def _email(self, recipient: Recipient) -> bytes:
        personal = self.is_tracked and recipient.may_be_tracked
        language, _ = self.words(recipient.language)
        key = (language, personal, recipient.mail_format)
        compiled = self._emails.get(key)
        if compiled is None:
            compiled = self._emails[key] = self._compile_email(language, recipient.mail_format, personal=personal)
        return compiled.fill(self._values(recipient, language, personal=personal))

    def _values(self, recipient: Recipient, language: str, *, personal: bool) -> dict[str, str]:
        base = self.own.base_url
        greeting = GREETINGS.get(language, GREETINGS["en"]).format(name=recipient.name) if recipient.name else ""
        stop = unsubscribe_token(recipient.contact_id, self.alert.id)
        values = {
            "to": recipient.address,
            "message_id": recipient.reference,
            "greeting": greeting,
            "ward": email_facts.ward_line(recipient.ward_name),
            "unsubscribe_url": f"{base}/u/{stop}",
            "manage_url": f"{base}/manage",
        }
        if personal:
            who = self.alert.id.bytes + recipient.number.to_bytes(4, "big")
            values["link_url"] = f"{base}/c/{tokens.sign(tokens.Purpose.CLICK, who)}"
            values["pixel_url"] = f"{base}/o/{tokens.sign(tokens.Purpose.OPEN, who)}.gif"
        if self._code is not None:
            values["reply_url"] = reply_request.reply_url(self._code, recipient.number, base=base)
        return values

    def _personal(self, recipient: Recipient, text: str) -> str:
        """The text with the reader's own links in it, if it has any."""
        if (stop := marker("stop_url")) in text:
            text = text.replace(stop, reply_request.stop_url(recipient.contact_id, base=self.own.base_url))
        if self._code is None:
            return text
        link = reply_request.reply_url(self._code, recipient.number, base=self.own.base_url)
        return text.replace(marker("reply_url"), link)

    @property
    def _reply_marker(self) -> str | None:
        return None if self._code is None else marker("reply_url")

    def _link(self, *, personal: bool) -> str | None:
        """What the link points to: the page itself, or a counter for the person who agreed to be counted."""
        return marker("link_url") if personal and self.alert.link else self.alert.link

    def _hidden_url(self, *, personal: bool) -> str | None:
        """The same for everyone who is counted."""
        if not self.alert.link or not personal:
            return None
        return f"{self.own.base_url}/c/{tokens.sign(tokens.Purpose.CLICK, self.alert.id.bytes + HIDDEN)}"

    def _page_url(self, language: str) -> str | None:
        """Where the alert can be seen with what followed, in the reader's language."""
        if self._page_path is None:
            return None
        return self.own.base_url + self._page_path + (f"?lang={language}" if language != "en" else "")

    def _compile_email(self, language: str, mail_format: str, *, personal: bool) -> Skeleton:
        _, words = self.words(language)
        council_name = self.own.name_in(language)
        values: dict[str, object] = {
            "own": self.own,
            "logo_url": self.own.email_logo_url,
            "council_name": council_name,
            "is_from_council": council_name == self.own.from_name(language),
            "banner": email_facts.banner(self.alert, language),
            "what_to_do": email_facts.what_to_do(self.alert, words["body"], language),
            "in_force_until": email_facts.in_force_until(self.alert, language),
            "page_url": self._page_url(language),
            "topic_name": self.topic.words_in(language).name,
            "title": words["title"],
            "paragraphs": [] if self.alert.parts else paragraphs(words["body"]),
            "parts": self._parts(language),
            "zoom": LARGE_ZOOM if mail_format == MailFormat.LARGE else 1,
            "link_url": self._link(personal=personal),
            "link_text": _link_text(self.alert.link),
            "greeting": marker("greeting"),
            "ward": marker("ward"),
            "unsubscribe_url": marker("unsubscribe_url"),
            "manage_url": marker("manage_url"),
            "pixel_url": marker("pixel_url") if personal else None,
            "hidden_url": self._hidden_url(personal=personal),
            "reply_url": self._reply_marker,
            "language": language,
            "is_training": self.alert.is_training,
        }
        environment = rendering.message_environment("email")
        return rendering.mime_skeleton(
            headers=self._headers(words["title"], language),
            text=environment.get_template("alert.txt").render(**values),
            html_text=None
            if mail_format == MailFormat.PLAIN
            else environment.get_template("alert.html").render(
                **values | {"greeting": rendering.html_marker("greeting"), "ward": rendering.html_marker("ward")}
            ),
            language=language,
            names=EMAIL_NAMES,
        )

    def _parts(self, language: str) -> list[dict[str, object]]:
        """The alerts that a digest is made of."""
        found: list[dict[str, object]] = []
        for part in map(DigestPart.model_validate, self.alert.parts or []):
            said = part.words[language]
            about = {"title": said["title"], "paragraphs": paragraphs(said["body"])}
            found.append(about | {"link_url": part.link, "link_text": _link_text(part.link)})
        return found

    def _headers(self, title: str, language: str) -> dict[str, str]:
        kind = self.alert.follow_up or self.alert.priority
        return email_headers(title, self.own, language) | {
            "Feedback-ID": email_facts.feedback_id(about=self.topic.slug, kind=kind, council=self.own.slug),
            "List-Id": f"<{self.topic.slug}.{self.own.list_host}>",
            "List-Unsubscribe": f"<{marker('unsubscribe_url')}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        }

    def _sms(self, language: str) -> str:
        language, words = self.words(language)
        compiled = self._texts.get(language)
        if compiled is None:
            compiled = self._texts[language] = text_messages.text_message(
                reply_request.words_for_text(self.alert, words, language=language, over=self._over),
                own=self.own,
                links=self._text_links(),
                language=language,
                is_training=self.alert.is_training,
            )
        return compiled

    def _text_links(self) -> text_messages.TextLinks:
        has_page = self._is_emergency and self._code is None
        page_url = text_messages.page_url(self.alert.reply_code or 0, base=self.own.base_url) if has_page else None
        return text_messages.TextLinks(stop=marker("stop_url"), reply=self._reply_marker, page=page_url)

    def _speech(self, language: str) -> str:
        """What is read out on the telephone."""
        language, words = self.words(language)
        template = rendering.message_environment("voice").get_template("alert.txt")
        return template.render(
            title=words["title"],
            body=words["body"],
            council_name=self.own.name_in(language),
            language=language,
            is_training=self.alert.is_training,
        ).strip()

    @cached_property
    def _payload(self) -> str:
        """The body that every webhook of this alert gets, but for its own link for replies."""
        alert = self.alert
        moments = {"sent_at": alert.approved_at, "expires_at": alert.expires_at}
        return json.dumps(
            {
                "type": alert.webhook_event or f"alert.{alert.follow_up or 'published'}",
                "timestamp": clock.now().isoformat(),
                "data": {
                    "id": str(alert.id),
                    "council": self.own.name,
                    "topic": self.topic.slug,
                    "priority": alert.priority,
                    "title": alert.title,
                    "body": alert.body,
                    "link": alert.link,
                    "translations": alert.translations,
                    "follows": str(alert.follows_id) if alert.follows_id else None,
                    "training": alert.is_training,
                    **(alert.webhook_detail or {}),
                    **({"reply_url": self._reply_marker} if alert.asks_reply else {}),
                    **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
                },
            },
            ensure_ascii=False,
        )


def warm_up() -> None:
    """Write one message of each kind to nobody, so that the first emergency does not wait for templates to compile."""
    alert = Alert(
        id=UUID(int=0), council_id=UUID(int=0), topic_id=UUID(int=0), title="-", body="-", channels=[],
        state=AlertState.DRAFT, content_hash=b"", created_by="-", priority=Priority.EMERGENCY, translations={},
    )  # fmt: skip
    words = AlertContent(
        alert,
        Topic(
            council_id=UUID(int=0),
            slug="-",
            name="-",
            purpose=TopicPurpose.SERVICE,
            channels=[],
            approval=ApprovalRule.NONE,
        ),
        installation_settings("-"),
    )
    for channel in Channel:
        nobody = Recipient(0, "-", UUID(int=0), channel, "-", "", "-", "en", "-", may_be_tracked=False, is_unsure=False)
        words.message(nobody, Event())


def email_headers(subject: str, own: CouncilSettings, language: str = "en") -> dict[str, str]:
    """The headers that every e-mail of a council has."""
    return {
        "From": rendering.header_address(own.from_name(language), own.sender_address),
        **({"Reply-To": reply_to} if (reply_to := own.reply_to or own.contact.email) else {}),
        "To": marker("to"),
        "Subject": rendering.header_words(subject),
        "Date": format_datetime(clock.now()),
        "Message-ID": f"<{marker('message_id')}@{own.sender_host}>",
    }


def paragraphs(body: str) -> list[str]:
    """The body cut at its empty lines."""
    blocks = body.replace("\r\n", "\n").split("\n\n")
    return [block.strip() for block in blocks if block.strip()]


def _link_text(link: str | None) -> str | None:
    """What a reader sees of a link: its host and path, which tell where it leads."""
    if not link:
        return None
    parts = urlsplit(link)
    return (parts.netloc + parts.path).rstrip("/")
