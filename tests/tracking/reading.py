"""Reads mails as a resident's program does: headers, parts and links."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from urllib.parse import urlsplit

from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.settings import settings
from notify.tracking import buffer
from tests import moments

PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36"
)


def part(mail: EmailMessage, kind: str) -> str:
    """The words of the mail's `plain` or `html` part."""
    body = mail.get_body((kind,))
    assert body is not None
    words: str = body.get_content()
    return words.replace("\r\n", "\n")


def our_links(mail: EmailMessage) -> set[str]:
    """Every path of ours in either part, `/u/…` and so on."""
    address = re.compile(re.escape(settings().base_url) + r"(/[\w./-]+)")
    kinds = ("plain", "html") if mail.get_body(("html",)) else ("plain",)
    return {found for kind in kinds for found in address.findall(part(mail, kind))}


def hidden_links(mail: EmailMessage) -> set[str]:
    """The paths that no reader sees."""
    address = re.compile(r'aria-hidden="true"><a href="' + re.escape(settings().base_url) + r'(/[^"]+)"')
    return set(address.findall(part(mail, "html")))


def link(mail: EmailMessage, kind: str) -> str:
    """The one path of ours that a reader sees and that begins with `/u/`, `/c/` or `/o/`."""
    [found] = [path for path in our_links(mail) - hidden_links(mail) if path.startswith(kind)]
    return found


@contextmanager
def a_minute_later(minutes: float = 1) -> Iterator[None]:
    """Everything inside happens so much later than it does."""
    moments.ahead(minutes=minutes)
    yield
    buffer.flush()
    moments.restore()


def read_on(client: TestClient[Litestar], path: str, *, agent: str = PHONE) -> Response:
    """Follow a link as a person does: in a browser, a minute after the mail came."""
    with a_minute_later():
        return client.get(path, headers={"User-Agent": agent}, follow_redirects=False)


def one_click_path(mail: EmailMessage) -> str:
    """Where a mail program posts to when its reader presses `unsubscribe`."""
    address = re.fullmatch(r"<([^<>]+)>", mail["List-Unsubscribe"])
    assert address is not None
    return urlsplit(address[1]).path
