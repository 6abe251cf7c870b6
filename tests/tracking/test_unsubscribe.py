"""Every mail can be left with one click, as a mail program does it, and the click counts before the next hand-over."""

import email
import email.policy
import re
from collections.abc import Callable
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]

BODIES = {
    "as the RFC has it": (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
    "as a form with files": (
        b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    ),
    "empty": (b"", "application/x-www-form-urlencoded"),
    "without a type": (b"List-Unsubscribe=One-Click", ""),
    "of an odd type": (b"\xff\xfe{", "application/json"),
}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def one_click(raw: bytes) -> str:
    """Where to post, from nothing but the bytes of a mail, as a program of somebody else finds it."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [address] = re.findall(r"<(https?://[^<>\s]+)>", str(mail["List-Unsubscribe"]))
    return urlsplit(str(address)).path


@pytest.mark.parametrize("body", BODIES)
def test_one_click_ends_it_before_the_next_hand_over(
    client: Client, world: World, work: Work, inbox: Mailbox, body: str
) -> None:
    names = [f"r{number}@example.org" for number in range(5)]
    for name in names:
        add_resident(world, name, topics=["road-closures"])
    created(client, world.headers, send=True)
    work()
    mails: list[EmailMessage] = inbox.messages()
    assert len(mails) == 5
    content, kind = BODIES[body]
    for mail in mails[:4]:
        path = one_click(mail.as_bytes())
        client.cookies.clear()
        reply = client.post(path, content=content, headers={"Content-Type": kind} if kind else {})
        assert reply.status_code == 200, reply.text
        assert not reply.history
    inbox.empty()
    created(client, world.headers, send=True)
    work()
    assert list(inbox.recipients()) == [mails[4]["To"].addresses[0].addr_spec]


def test_leaving_counts_for_what_is_queued_already(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", topics=["road-closures"])
    created(client, world.headers, send=True)
    work()
    [mail] = inbox.messages()
    inbox.empty()
    created(client, world.headers, send=True)  # noted, and nobody works yet
    assert client.post(one_click(mail.as_bytes())).status_code == 200
    work()
    assert inbox.messages() == []
