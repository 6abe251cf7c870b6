"""What a resident reads by GOV.UK Notify: an e-mail's words, so that its Markdown shows them as they were written."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from notify.providers.base import Message

FOLDED_AT = 76  # where the plain part of our e-mails is folded

# what Notify would take for a heading, a rule, a table, a list that nobody meant, or a number of its own list;
# a list that was meant, with a space behind its mark, may stay one
_MARKUP = re.compile(r"^(?:(?=[#`~_|\[])|(?=[*-](?! ))|(\d+)(?=\.))", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_UNSUBSCRIBE_URL = re.compile(r"<(https://[^>\s]+)>")


def read_mail(message: Message) -> tuple[str, str, str | None]:
    """Subject, plain words and the address that unsubscribes with one click, which only https can be."""
    if not message.mime:
        return message.subject, message.text, None
    mail: EmailMessage = message_from_bytes(message.mime, policy=default)
    part = mail.get_body(("plain",))
    words = str(part.get_content()) if part is not None else message.text
    url = _UNSUBSCRIBE_URL.search(str(mail.get("List-Unsubscribe", "")))
    return str(mail.get("Subject", message.subject)), words, url[1] if url else None


def for_markdown(words: str) -> str:
    """The same words for a placeholder in one of Notify's e-mail templates. Folded lines are whole again.

    Lists that are written with `- ` or `* ` become lists; nothing else becomes anything, and no number changes.
    """
    return _MARKUP.sub(r"\1\\", _INDENT.sub("", unfolded(words)))


def unfolded(words: str) -> str:
    """Lines that were broken because the next word did not fit are one again: Notify keeps every line break."""
    whole: list[str] = []
    before = ""
    for line in words.splitlines():
        if whole and _goes_on(before, line):
            whole[-1] += " " + line
        else:
            whole.append(line)
        before = line
    return "\n".join(whole)


def _goes_on(before: str, line: str) -> bool:
    """Whether `line` goes on where `before` ran into the margin."""
    word = line.partition(" ")[0]
    had_no_room = len(before) <= FOLDED_AT < len(before) + 1 + len(word)
    return had_no_room and word != "" and " " in before and not word.startswith(("http://", "https://"))
