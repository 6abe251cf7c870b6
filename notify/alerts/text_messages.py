"""A whole text message of a council. The editor and the estimate of costs count what this returns, and it is sent."""

import re
from dataclasses import dataclass, replace
from uuid import UUID

from notify.alerts.reply_request import reply_url, stop_url
from notify.core import rendering
from notify.providers import registry, sms_segments
from notify.providers.base import Channel
from notify.staff.council_settings.effective import CouncilSettings

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PLACES = 6  # hold every number of a PostgreSQL integer, so that all of these links are of one length


@dataclass(frozen=True, slots=True)
class TextLinks:
    """The links that a text may hold, or what stands for them: how to stop, how to reply, and the alert's page."""

    stop: str
    reply: str | None = None
    page: str | None = None


def page_url(code: int, *, base: str) -> str:
    """The short address that leads to the public page of an alert; `code` is the alert's short name."""
    digits = ""
    for _ in range(_PLACES):
        code, digit = divmod(code, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return f"{base}/a/{digits}"


def read_page_code(digits: str) -> int | None:
    """The short name that is meant; None where it cannot be one."""
    if not re.fullmatch(rf"[0-9a-z]{{{_PLACES}}}", digits):
        return None
    code = int(digits, len(_DIGITS))
    return code if code < 2**31 else None


def anybodys_links(own: CouncilSettings, *, asks_reply: bool, is_emergency: bool) -> TextLinks:
    """Links as long as everyone's. A reader who is asked for a reply finds the alert's page behind that link."""
    return TextLinks(
        stop=stop_url(UUID(int=0), base=own.base_url),
        reply=reply_url(0, 0, base=own.base_url) if asks_reply else None,
        page=page_url(0, base=own.base_url) if is_emergency and not asks_reply else None,
    )


def text_message(
    words: str, *, own: CouncilSettings, links: TextLinks, language: str = "en", is_training: bool = False
) -> str:
    """The text with the council's name before it, and how to stop behind it: by answering, where every sender of the
    council's texts takes answers, and otherwise by the reader's link. The link to the alert's page is added where it
    costs no further part and the words hold no other.
    """
    told = links
    if links.page is not None:
        alike = anybodys_links(own, asks_reply=links.reply is not None, is_emergency=True)
        long, short = (
            _rendered(words, own, one, language, is_training=is_training) for one in (alike, replace(alike, page=None))
        )
        if "://" in words or sms_segments.count(long).segments > sms_segments.count(short).segments:
            told = replace(links, page=None)
    return _rendered(words, own, told, language, is_training=is_training)


def anybodys_text(
    words: str,
    *,
    own: CouncilSettings,
    is_training: bool,
    asks_reply: bool,
    is_emergency: bool,
    language: str = "en",
) -> str:
    """The same with links as long as everyone's, for counting."""
    links = anybodys_links(own, asks_reply=asks_reply, is_emergency=is_emergency)
    return text_message(words, own=own, links=links, language=language, is_training=is_training)


def _rendered(words: str, own: CouncilSettings, links: TextLinks, language: str, *, is_training: bool) -> str:
    template = rendering.message_environment("sms").get_template("alert.txt")
    return template.render(
        sms=words,
        council_name=own.name_in_text(language),
        language=language,
        is_training=is_training,
        reply_url=links.reply,
        page_url=links.page,
        stop_url=None if own.text_takes_replies and registry.takes_replies(Channel.SMS) else links.stop,
        says_stop=re.search(r"\bSTOP\b", words) is not None,
        is_sentence=not words.rstrip()[-1:].isalnum() or "://" in words.rsplit(maxsplit=1)[-1],
    ).strip()
