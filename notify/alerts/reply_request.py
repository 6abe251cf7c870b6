"""What a message of an alert asks its reader: are you safe? And its words in a text, without the links."""

import re
from collections.abc import Mapping
from uuid import UUID

from notify.alerts.models import Alert, Priority
from notify.core import tokens
from notify.core.settings import settings

# a link in a text costs places: eighteen letters name the alert and the delivery, and prove that we wrote them
_CODE_BYTES, _NUMBER_BYTES = 4, 3
_LONG_NUMBER_BYTES = 4  # of a number that needs them, and of links of before
_ROOM = 250  # for what to do, beside the council's name, the title and the links: two or three parts in all
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
# quotation marks that a text has room for: the curly ones would make it two or three times as many parts
_IS_OVER = {"en": 'All-clear: "{title}" is over.', "cy": 'Mae\'r perygl drosodd: "{title}".'}


def reply_url(code: int, number: int, *, base: str = "") -> str:
    """The personal link by which the reader of this delivery answers; `code` is the alert's short name, `base` where
    the council's pages are, if not where the installation's are.
    """
    size = _NUMBER_BYTES if number < 2 ** (8 * _NUMBER_BYTES) else _LONG_NUMBER_BYTES
    payload = code.to_bytes(_CODE_BYTES, "big") + number.to_bytes(size, "big")
    return f"{base or settings().base_url}/r/{tokens.sign(tokens.Purpose.REPLY, payload)}"


def read_reply_token(token: str) -> tuple[int, int]:
    """The alert's short name and the number of the delivery. Raises: LinkNotValid."""
    payload = tokens.read(tokens.Purpose.REPLY, token)
    if len(payload) not in (_CODE_BYTES + _NUMBER_BYTES, _CODE_BYTES + _LONG_NUMBER_BYTES):
        raise tokens.LinkNotValid("The link is incomplete.")
    return int.from_bytes(payload[:_CODE_BYTES], "big"), int.from_bytes(payload[_CODE_BYTES:], "big")


def stop_url(contact_id: UUID, *, base: str = "") -> str:
    """The personal link by which the reader stops texts, where nobody can answer the sender."""
    return f"{base or settings().base_url}/x/{tokens.sign(tokens.Purpose.STOP, contact_id.bytes)}"


def read_stop_token(token: str) -> UUID:
    """The contact whose texts are to stop. Raises: LinkNotValid."""
    payload = tokens.read(tokens.Purpose.STOP, token)
    if len(payload) != len(UUID(int=0).bytes):
        raise tokens.LinkNotValid("The link is incomplete.")
    return UUID(bytes=payload)


def words_for_text(
    alert: Alert, words: Mapping[str, str], *, language: str = "en", over: Mapping[str, str] | None = None
) -> str:
    """What is texted in this language: the author's own text, else one made of the other words and the link.

    An emergency's says what to do, and an all-clear's what is over: `over` has the first alert's titles by language.
    """
    if words.get("sms"):
        return words["sms"]
    title = words["title"]
    ended = (over or {}).get(language) or (over or {}).get("en", "")
    parts = [] if not ended or ended.casefold() in title.casefold() else [_is_over(ended, language)]
    if alert.priority != Priority.EMERGENCY:
        parts.append(title)
    else:
        parts += [_closed(title), _what_to_do(alert, words["body"], title, language)]
    return " ".join(part for part in (*parts, alert.link) if part)


def _is_over(title: str, language: str) -> str:
    return _IS_OVER.get(language, _IS_OVER["en"]).format(title=title)


def _closed(title: str) -> str:
    return title if title.endswith((".", "!", "?")) else f"{title}."


def _what_to_do(alert: Alert, body: str, title: str, language: str) -> str:
    """The instruction, which is in English, as far as it fits; else the first sentence of the message that does."""
    if alert.instruction and language == "en":
        return _beginning(alert.instruction)
    said = [
        one for one in _SENTENCES.split(" ".join(body.split())) if one.rstrip(".!?").casefold() not in title.casefold()
    ]
    return next((one for one in said if len(one) <= _ROOM), _beginning(said[0]) if said else "")


def _beginning(text: str) -> str:
    """As many whole sentences as fit, or words where the first sentence does not."""
    found = ""
    for sentence in _SENTENCES.split(" ".join(text.split())):
        if len(found) + len(sentence) >= _ROOM:
            return found or sentence[: _ROOM - 3].rpartition(" ")[0] + "..."
        found = f"{found} {sentence}".lstrip()
    return found
