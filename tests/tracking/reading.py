"""Reads mails as a resident's program does: headers, parts and links."""

import re
from email.message import EmailMessage
from urllib.parse import urlsplit

from notify.settings import settings


def part(mail: EmailMessage, kind: str) -> str:
    """The words of the mail's `plain` or `html` part."""
    body = mail.get_body((kind,))
    assert body is not None
    words: str = body.get_content()
    return words.replace("\r\n", "\n")


def our_links(mail: EmailMessage) -> set[str]:
    """Every path of ours in either part, `/u/…` and so on."""
    address = re.compile(re.escape(settings().base_url) + r"(/[\w./-]+)")
    return {found for kind in ("plain", "html") for found in address.findall(part(mail, kind))}


def link(mail: EmailMessage, kind: str) -> str:
    """The one path of ours that begins with `/u/`, `/c/` or `/o/`."""
    [found] = [path for path in our_links(mail) if path.startswith(kind)]
    return found


def one_click_path(mail: EmailMessage) -> str:
    """Where a mail program posts to when its reader presses `unsubscribe`."""
    address = re.fullmatch(r"<([^<>]+)>", mail["List-Unsubscribe"])
    assert address is not None
    return urlsplit(address[1]).path
