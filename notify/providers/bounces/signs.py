"""Whether an email is a final bounce of a mail system, and not from a person, a mailbox or a delay notice."""

import re
from email.header import decode_header, make_header
from email.message import Message as Mail
from email.utils import parseaddr

from notify.providers.bounces import subjects as signs
from notify.providers.bounces.feedback_reports import field
from notify.providers.bounces.phrases import any_of, fold
from notify.providers.bounces.text import own_text
from notify.providers.bounces.verdicts import first_reply

_SYSTEM, _SYSTEM_NAME = any_of(signs.SYSTEMS), any_of(signs.SYSTEM_NAMES)
_REJECTED = any_of(signs.REJECTED)
_AUTOMATIC, _SUCCEEDED = any_of(signs.AUTOMATIC), any_of(signs.SUCCEEDED)
_DELAYED, _DELAYED_SUBJECT = any_of(signs.DELAYED), any_of(signs.DELAYED_SUBJECT)
_GIVEN_UP, _FAILED = any_of(signs.GIVEN_UP), any_of(signs.FAILED)
_REPLY_TO_US = re.compile(r"(?:re|aw|antw|sv|rif|odp|vs) ?:")
_NOT = re.compile(r"un|not|fail|n't")
_FAR_INTO_SUBJECT = 60  # "Mail System Error - Returned Mail"; later words are our own title
_REPLIES_BY_ITSELF = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "x-vacation")


def is_bounce(mail: Mail) -> bool:
    """Whether a mail without a report was written by a mail system that has given up. Mailboxes answer by themselves,
    people answer, and systems also warn of delays and tell of success."""
    subject = _subject(mail)
    if "x-failed-recipients" in mail:
        return not _DELAYED_SUBJECT.search(subject)
    is_system = _is_system(mail)
    if not is_system and _answers_by_itself(mail):
        return False
    if _AUTOMATIC.search(subject) or not (is_system or is_rejection(mail)):
        return False
    if _SUCCEEDED.search(subject) and not _NOT.search(subject):
        return False
    words = own_text(mail)
    folded = fold(words)
    if _DELAYED_SUBJECT.search(subject) or (_DELAYED.search(folded) and not _GIVEN_UP.search(folded)):
        return False
    return first_reply(words) is not None or (is_system and is_rejection(mail)) or bool(_FAILED.search(folded))


def is_rejection(mail: Mail) -> bool:
    """Whether the subject says that our message was not delivered."""
    subject = _subject(mail)
    found = None if _REPLY_TO_US.match(subject) else _REJECTED.search(subject)
    return found is not None and found.start() <= _FAR_INTO_SUBJECT


def _is_system(mail: Mail) -> bool:
    name, address = parseaddr(field(mail, "from"))
    is_report = str(mail.get_param("report-type", "")).lower() == "delivery-status"
    return is_report or bool(_SYSTEM.fullmatch(fold(address.partition("@")[0])) or _SYSTEM_NAME.search(fold(name)))


def _answers_by_itself(mail: Mail) -> bool:
    submitted = field(mail, "auto-submitted").partition(";")[0].strip().lower()
    is_marked = any(name in mail for name in _REPLIES_BY_ITSELF)
    is_answer = submitted not in ("", "no") or is_marked or field(mail, "precedence").lower() == "auto_reply"
    return is_answer and not is_rejection(mail)


def _subject(mail: Mail) -> str:
    raw = field(mail, "subject")
    try:
        return fold(str(make_header(decode_header(raw))))
    except (LookupError, UnicodeError, ValueError):
        return fold(raw)
