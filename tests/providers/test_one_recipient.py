"""Ten thousand messages with nasty names, titles and addresses at a real SMTP server: each has one recipient, no header
that is not ours, and the words that were written.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import getaddresses
from functools import cache
from threading import Event
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from notify.alerts.models import Alert, AlertState, Priority
from notify.deliveries.message_content import AlertContent, Recipient
from notify.deliveries.service_message_content import Secret, service_message
from notify.providers.addresses import AddressNotValid, normalise
from notify.providers.base import Accepted, Channel, Message, Outcome, Refused
from notify.providers.smtp.provider import SmtpProvider
from notify.staff.council_settings.effective import installation_settings
from notify.subscribers.models import ApprovalRule, ServiceMessageKind, Topic, TopicPurpose
from tests.providers.conftest import Provide
from tests.relay import Relay, serving
from tests.running import free_port

pytestmark = pytest.mark.usefixtures("servers")  # for the key that signs links

CONTROL = re.compile(rb"(?<!\r)\n|\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
SEED = 20261123
ALERTS, EACH = 250, 40
HEADERS = frozenset(
    ["From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
     "Auto-Submitted", "Feedback-ID", "MIME-Version", "Content-Type", "Content-Language"]
)  # fmt: skip
# what breaks out of a header, of a command or of the list of addresses where it is let
BREAKS = [
    *(f"{line_end}Bcc: evil@example.net" for line_end in
      ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "%0d%0a", "\\r\\n")),
    "\r\n\r\nA new body", "\r\n.\r\n", "\n.\n", "\x00",
    "\r\n.\r\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<evil@example.net>\r\n", "\u202e", "\u200f",
    "\ufeff", "\u2066", ", evil@example.net", "; evil@example.net", "> <evil@example.net>", '" <evil@example.net>, "',
    "<evil@example.net>", "(evil@example.net)", ":evil@example.net;", "=?utf-8?q?=0d=0aBcc:_evil@example.net?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5uZXQ=?=", "=?us-ascii?q?evil=40example.net,?=", "=?utf-8?q?", "?=", "@", "@@",
    "..", "\\", '"', "'", "{name}", "{{ 7*7 }}", "%s", "$(id)", "<script>", "&amp;", "\t", " ", "é", "ŷ", "日本", "😀",
    "a" * 300, "é" * 300, "zq0123456789abcdefto0123456789abcdefqz",
]  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def nasty(dice: random.Random, *, most: int = 4) -> str:
    """A few words with what breaks things among them."""
    parts = [dice.choice(BREAKS) if dice.random() < 0.6 else _word(dice) for _ in range(dice.randint(1, most))]
    return dice.choice(["", " "]).join(parts)


def _word(dice: random.Random) -> str:
    return "".join(dice.choice(LETTERS) for _ in range(dice.randint(1, 12)))


def nasty_address(dice: random.Random, number: int) -> str:
    """Mostly addresses as odd as the standard lets them be, else something with a break in it."""
    local = "".join(dice.choice(LETTERS + "!#$%&'*+/=?^_`{|}~-") for _ in range(dice.randint(1, 30)))
    good = f"r{number}{local}@{_word(dice)}.example.org"
    if dice.random() < 0.8:
        return good
    at = dice.randint(0, len(good))
    return good[:at] + dice.choice(BREAKS) + good[at:]


@dataclass(frozen=True, slots=True)
class Written:
    """One message and what its maker was given."""

    message: Message
    title: str
    name: str
    body: str


@dataclass(slots=True)
class Written10k:
    """Every message, and how many addresses were refused at the door."""

    letters: list[Written] = field(default_factory=list)
    refused: int = 0


def contents(dice: random.Random, number: int) -> tuple[AlertContent, str, str]:
    """An alert with a nasty title, what is to be read of its subject, and a word in its body."""
    title, secret = nasty(dice) + f" {number}", f"body{number}word"
    alert = Alert(
        id=uuid4(), council_id=uuid4(), topic_id=uuid4(), title=title, body=f"{nasty(dice)}\n\n{secret} end.",
        channels=[], state=AlertState.DRAFT, content_hash=b"", created_by="-", priority=Priority.ROUTINE,
        translations={},
    )  # fmt: skip
    topic = Topic(
        council_id=uuid4(), slug="roads", name=nasty(dice), purpose=TopicPurpose.SERVICE, channels=[],
        approval=ApprovalRule.NONE,
    )  # fmt: skip
    council = nasty(dice, most=2)
    return AlertContent(alert, topic, installation_settings(council)), title, secret


def recipient(number: int, address: str, name: str) -> Recipient:
    return Recipient(
        number, f"{uuid4().hex}-{number}", uuid4(), Channel.EMAIL, address, "", name, "en", "Ward", False, False
    )


def write(dice: random.Random, alerts: int, each: int) -> Written10k:
    """So many alerts, each to so many people."""
    made, number = Written10k(), 0
    for at in range(alerts):
        content, title, secret = contents(dice, at)
        for _ in range(each):
            number += 1
            name, raw = nasty(dice), nasty_address(dice, number)
            try:
                address = normalise(Channel.EMAIL, raw)
            except AddressNotValid:
                made.refused += 1
                address = f"r{number}@example.org"  # the name and the title go all the same
            message = content.message(recipient(number, address, name), Event())
            made.letters.append(Written(message, title, name, secret))
    return made


def one_line(words: str) -> str:
    """What a reader may see of words that were written: spaces where lines broke."""
    return " ".join(words.split())


def head_of(mime: bytes) -> Mapping[str, str]:
    """The headers as a strict reader finds them: only CRLF ends a line, and none comes twice."""
    head, found, _ = mime.partition(b"\r\n\r\n")
    assert found
    assert not CONTROL.search(head), head
    headers: dict[str, str] = {}
    for line in re.split(r"\r\n(?![ \t])", head.decode("ascii")):
        name, found_too, value = line.partition(": ")
        assert found_too, line
        assert name not in headers, head
        headers[name] = value.replace("\r\n", "")
    return headers


@cache
def addresses_in(written: str) -> list[str]:
    """The addresses that a reader finds in a header."""
    return [found.addr_spec for found in default.header_factory("To", written).addresses]


@cache
def words_in(written: str) -> str:
    """What a reader sees of a header."""
    return one_line(str(make_header(decode_header(written))))


def require_innocent(letter: Written, mime: bytes) -> None:
    """Fail unless this is the message that was meant, to its one reader."""
    head, address = head_of(mime), letter.message.address
    assert set(head) == HEADERS, head
    assert head["To"] == address
    assert [found for _, found in getaddresses([head["To"]])] == [address]
    assert addresses_in(head["From"]) == ["alerts@example.org"]
    assert words_in(head["Subject"]) == one_line(letter.title)
    assert mime == letter.message.mime
    assert mime.count(letter.body.encode()) in (2, 3)  # in each part, and as the preview where the body begins with it
    assert ("\n" + " ".join(f"Dear {letter.name},".splitlines())).encode() in mime


def require_innocent_by_the_library(letter: Written, mime: bytes) -> None:
    """The same as another program reads it, which takes its time."""
    found = message_from_bytes(mime, policy=default)
    assert Counter(found.keys()) == Counter(HEADERS)
    assert [one.addr_spec for one in found["To"].addresses] == [letter.message.address]
    assert [part.get_content_type() for part in found.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def by_reference(messages: Sequence[bytes]) -> Mapping[str, bytes]:
    """Each message by its own name."""
    found = {}
    for mime in messages:
        named = re.search(rb"\r\nMessage-ID: <([^@>]+)@", mime)
        assert named
        found[named[1].decode()] = mime
    return found


def test_ten_thousand_nasty_messages_have_one_recipient_each_and_no_header_but_ours(provide: Provide) -> None:
    made = write(random.Random(SEED), ALERTS, EACH)
    assert len(made.letters) == ALERTS * EACH == 10_000
    assert 500 < made.refused < 3_000
    with serving(Relay()) as relay:
        outcomes = list(provide(relay).send_many([letter.message for letter in made.letters]))
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    asked = Counter(command for command in relay.commands if command.upper().startswith("RCPT"))
    assert asked == Counter(f"RCPT TO:<{letter.message.address}>" for letter in made.letters)
    assert {command.split()[0].upper() for command in relay.commands} <= {"EHLO", "MAIL", "RCPT", "DATA", "QUIT"}
    taken = by_reference([mime for _, mime in relay.taken])
    assert len(taken) == len(relay.taken) == 10_000
    for letter in made.letters:
        require_innocent(letter, taken[letter.message.reference])
    for letter in made.letters[::50]:
        require_innocent_by_the_library(letter, taken[letter.message.reference])


class Strict:
    """What a server of another make took: the envelope of each message and its text."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[Strict]:
    """aiosmtpd on the loopback, which the settings name."""
    handler = Strict()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    monkeypatch.setenv("NOTIFY_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("NOTIFY_SMTP_PORT", str(controller.port))
    yield handler
    controller.stop()


def test_a_server_of_another_make_finds_the_same_one_by_one(strict: Strict) -> None:
    made = write(random.Random(SEED + 1), 40, 5)
    provider = SmtpProvider()
    for letter in made.letters:
        provider.send(letter.message)
    provider.close()
    assert [envelope.rcpt_tos for envelope in strict.taken] == [[letter.message.address] for letter in made.letters]
    for letter, envelope in zip(made.letters, strict.taken, strict=True):
        require_innocent(letter, envelope.original_content or b"")


def test_addresses_that_nobody_looked_at_go_to_one_recipient_or_to_none(provide: Provide) -> None:
    dice = random.Random(SEED + 2)
    content, _, _ = contents(dice, 0)
    raw = [nasty_address(dice, number) for number in range(2_000)]
    raw += [f"a{mark}b@example.org" for mark in BREAKS] + [f"a@example.org{mark}" for mark in BREAKS]
    messages = [content.message(recipient(number, address, "Ann"), Event()) for number, address in enumerate(raw, 1)]
    with serving(Relay()) as relay:
        outcomes: list[Outcome] = list(provide(relay).send_many(messages))
    assert {type(outcome) for outcome in outcomes} == {Accepted, Refused}
    taken = by_reference([mime for _, mime in relay.taken])
    accepted = {outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)}
    assert set(taken) == accepted
    assert len(relay.taken) == len(accepted)
    for message in messages:
        if message.reference in accepted:
            assert addresses_in(head_of(taken[message.reference])["To"]) == [message.address]
    assert not any("evil@example.net>" in command for command in relay.commands)


def test_a_notice_has_one_recipient_and_no_header_but_ours() -> None:
    dice = random.Random(SEED + 3)
    for number in range(200):
        reference, address = uuid4().hex, f"r{number}@example.org"
        council = nasty(dice)
        message = service_message(
            dice.choice(list(ServiceMessageKind)), channel=Channel.EMAIL, address=address, reference=reference,
            secret=Secret("https://alerts.example.org/confirm/x"), language="en", own=installation_settings(council),
        )  # fmt: skip
        head = head_of(message.mime)
        assert set(head) <= HEADERS, head
        assert addresses_in(head["To"]) == [address]
        assert addresses_in(head["From"]) == ["alerts@example.org"]
