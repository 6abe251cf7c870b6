"""Every mail as its reader's program takes it apart: headers, parts, language, and nobody else's markup."""

import html
import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import worker_loop
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.tracking.reading import one_click_path, our_links, part
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]

HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
    "Auto-Submitted", "Content-Language", "Feedback-ID", "MIME-Version", "Content-Type",
}  # fmt: skip


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def check_headers(mail: EmailMessage, addresses: set[str]) -> None:
    """Every header once, none besides, one recipient, and both of RFC 8058."""
    assert sorted(mail.keys()) == sorted(HEADERS)
    [recipient] = mail["To"].addresses
    assert recipient.addr_spec in addresses
    [sender] = mail["From"].addresses
    assert sender.addr_spec == "alerts@example.org"
    assert one_click_path(mail).startswith("/u/")
    assert one_click_path(mail) in our_links(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    assert [inner.get_content_type() for inner in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.defects == []


def test_every_mail_has_both_parts_and_the_headers_that_lists_need(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    addresses = {f"r{number}@example.org" for number in range(3)}
    for address in addresses:
        add_resident(world, address, name="Ann Ash")
    created(client, world.headers, link="https://example.org/mill-road", send=True)
    work()
    mails = inbox.messages()
    assert {mail["To"].addresses[0].addr_spec for mail in mails} == addresses
    assert inbox.recipients() == dict.fromkeys(addresses, 1)
    for mail in mails:
        check_headers(mail, addresses)
        assert (mail["Subject"], mail["Content-Language"]) == ("Mill Road closed", "en")
        assert mail["List-Id"] == "<road-closures.zed.example.org>"
        for kind in ("plain", "html"):
            words = part(mail, kind)
            assert all(said in words for said in ("Mill Road closed", "On Sunday.", "Dear Ann Ash,", "Ward: Northside"))
            assert "https://example.org/mill-road" in words
            assert not re.search("zq[0-9a-f]{16}", words)
    assert len({mail["Message-ID"] for mail in mails}) == len({one_click_path(mail) for mail in mails}) == 3


CHARACTERS = st.characters(exclude_characters="\0", codec="utf-8")
PHRASES = st.sampled_from(["\r\nBcc: evil@example.org\r\n", "<script>", "</p><img src=x>", "=?utf-8?q?=0d=0a?="])
MARKS = st.sampled_from(list("\r\n<>\"',;:&@=?\u2028\x85\x0b"))
NASTY = st.lists(CHARACTERS | PHRASES | MARKS, min_size=1, max_size=12).map(lambda parts: "".join(parts)[:80])


def one_spaced(words: str) -> str:
    """The words with one space between them."""
    return " ".join(words.split())


# no worker of its own threads beside it: Hypothesis watches who draws random numbers
@given(names=st.lists(NASTY, min_size=1, max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def check_names(client: Client, world: World, inbox: Mailbox, names: list[str]) -> None:
    with transaction() as session:
        session.execute(text("DELETE FROM subscriber"))
    inbox.empty()
    by_address = {f"r{number}@example.org": one_spaced(name) for number, name in enumerate(names)}
    for address, name in zip(by_address, names, strict=True):
        add_resident(world, address, name=name)
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    with transaction() as session:
        batch = session.execute(text("SELECT id FROM batch WHERE alert_id = :id"), {"id": alert["id"]}).scalar_one()
    worker_loop.send_batch(batch)
    assert inbox.recipients() == dict.fromkeys(by_address, 1)
    for mail in inbox.messages():
        check_headers(mail, set(by_address))
        shown = by_address[mail["To"].addresses[0].addr_spec]
        greeting = f"Dear {shown}," if shown else ""
        assert greeting in one_spaced(part(mail, "plain"))
        assert html.escape(greeting) in one_spaced(part(mail, "html"))
        assert "<script" not in part(mail, "html")
        assert "<img" not in part(mail, "html")


def test_no_name_adds_a_header_or_markup(client: Client, world: World, inbox: Mailbox) -> None:
    check_names(client, world, inbox)


@pytest.mark.parametrize("title", ['<b>"Road", & <i>bridge</i>', "Ffordd ar gau: tŷ, ŵyl a môr " * 4, "a@b, c: <d@e>;"])
def test_titles_and_bodies_are_words_not_markup(
    client: Client, world: World, work: Work, inbox: Mailbox, title: str
) -> None:
    add_resident(world, "a@example.org")
    body = "<script>alert(1)</script>\n\n.\nFrom here & there\n\nlast"
    created(client, world.headers, title=title.strip()[:120], body=body, send=True)
    work()
    [mail] = inbox.messages()
    check_headers(mail, {"a@example.org"})
    assert mail["Subject"] == " ".join(title.split())[:120].strip()
    assert "<script>alert(1)</script>\n\n.\nFrom here & there\n\nlast\n" in part(mail, "plain")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in part(mail, "html")
    assert "<b>" not in part(mail, "html")


@pytest.mark.parametrize("name", ['Zed "Big" Council, <evil@example.org>', "Cyngor Tŷ Ŵyl", "Zed; evil@example.org:"])
def test_a_councils_name_is_only_a_name(client: Client, world: World, work: Work, inbox: Mailbox, name: str) -> None:
    add_resident(world, "a@example.org")
    with transaction() as session:
        session.execute(text("UPDATE council SET name = :name"), {"name": name})
    created(client, world.headers, send=True)
    work()
    [mail] = inbox.messages()
    check_headers(mail, {"a@example.org"})
    assert mail["From"].addresses[0].display_name == name
    assert inbox.recipients() == {"a@example.org": 1}


def test_everybody_reads_their_own_language_or_the_default(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    for language in ("cy", "en", "pl"):
        add_resident(world, f"{language}@example.org", phone=f"07700 9000{len(language)}{ord(language[0]) % 10}",
                     language=language, name="Nia")  # fmt: skip
    welsh = {"title": "Ffordd ar gau", "body": "Ddydd Sul.", "sms": "Ffordd ar gau ddydd Sul."}
    created(client, world.headers, translations={"cy": welsh}, sms="Road closed Sunday.", send=True)
    work()
    found = {mail["To"].addresses[0].addr_spec: mail for mail in inbox.messages()}
    assert {address: mail["Content-Language"] for address, mail in found.items()} == {
        "cy@example.org": "cy",
        "en@example.org": "en",
        "pl@example.org": "en",
    }
    mail = found["cy@example.org"]
    assert mail["Subject"] == "Ffordd ar gau"
    assert "Annwyl Nia," in part(mail, "plain")
    assert "Stopio’r negeseuon hyn" in part(mail, "plain")
    assert '<html lang="cy" dir="ltr">' in part(mail, "html")
    for address in ("en@example.org", "pl@example.org"):
        assert found[address]["Subject"] == "Mill Road closed"
        assert '<html lang="en" dir="ltr">' in part(found[address], "html")
    texts = sorted(line["text"] for line in inbox.lines("sms.jsonl"))
    assert texts == [
        "Zed Council: Ffordd ar gau ddydd Sul. Atebwch STOP i orffen",
        *["Zed Council: Road closed Sunday. Reply STOP to end"] * 2,
    ]


def test_somebody_without_a_name_is_not_greeted_by_it(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", name="")
    created(client, world.headers, send=True)
    work()
    [mail] = inbox.messages()
    assert "Dear" not in part(mail, "plain")
    assert "Dear" not in part(mail, "html")
