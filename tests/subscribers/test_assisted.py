"""An officer signs residents up who ring or stand at the counter; they confirm by themselves."""

import re
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import AuditEntry, Role
from notify.subscribers.models import Consent, ConsentWording, Contact, MailFormat, Subscriber
from tests.mailbox import Mailbox
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER, topic_ids
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    client.headers.update(BROWSER)
    client.follow_redirects = False
    sign_in(client, world, Role.AUTHOR)
    return world


def sign_in(client: Client, world: World, role: Role) -> None:
    with transaction() as session:
        officer = staff.create_officer(
            session, council_id=world.council_id, email=f"{role}@example.org", name="Kim", role=role
        )
        link = staff.create_sign_in_link(session, officer.id)
    assert client.post(f"/staff/sign-in/{link}").status_code == 303


def given(**changes: object) -> dict[str, object]:
    answers: dict[str, object] = {
        "postcode": "ZZ1 1AA",
        "topic": topic_ids("bins"),
        "mobile": "07700 900123",
        "mail_format": "large",
        "language": "cy",
        "read_out": "cy",
        "how": "phone",
    }
    return answers | changes


def test_a_resident_who_rings_is_signed_up_with_the_words_read_out_as_evidence(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    asked = Page(client.get("/staff/sign-up", params={"postcode": "zz11aa"}).text)
    assert "Bin collections" in asked.text
    assert "Rydych" in asked.text or "cytuno" in asked.text  # the Welsh words are there to be read out
    done = client.post("/staff/sign-up", data=given())
    assert done.status_code == 200, done.text
    with transaction() as session:
        [line] = session.exec(select(Consent)).all()
        officer = session.exec(select(AuditEntry.actor).where(AuditEntry.action == "subscriber.assist")).one()
        assert officer.startswith("officer:")
        assert (line.source, line.language) == (f"phone: {officer}", "cy")
        wording = session.get(ConsentWording, (line.wording_version, "cy"))
        assert wording is not None
        assert wording.wording in asked.text
        person = session.exec(select(Subscriber)).one()
        assert (person.language, person.mail_format) == ("cy", MailFormat.LARGE)
        assert session.exec(select(Contact.confirmed_at)).one() is None
    work()
    [text] = inbox.lines("sms.jsonl")
    code = re.search(r"\b\d{6}\b", text["text"])
    assert code
    fields = Page(done.text).fields
    confirmed = client.post("/confirm-code", data={"mobile": fields["mobile"], "code": code[0]})
    assert confirmed.status_code == 200
    with transaction() as session:
        assert session.exec(select(Contact.confirmed_at)).one() is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"read_out": ""}, "Read the words out"),
        ({"how": ""}, "Say how the resident told you."),
        ({"topic": []}, "Choose at least one topic."),
        ({"mobile": ""}, "Enter an email address, a mobile number, or both."),
        ({"mobile": "123"}, "Enter a UK mobile number"),
    ],
)
def test_nothing_is_stored_while_something_is_missing(
    client: Client, world: World, changes: dict[str, object], words: str
) -> None:
    reply = client.post("/staff/sign-up", data=given(**changes))
    assert reply.status_code == 422
    page = Page(reply.text)
    assert page.title.startswith("Error: ")
    assert words in page.text
    with transaction() as session:
        assert session.exec(select(Subscriber)).all() == []


def test_an_unknown_postcode_is_asked_for_again(client: Client, world: World) -> None:
    reply = client.get("/staff/sign-up", params={"postcode": "ZZ9 9ZZ"})
    assert reply.status_code == 422
    assert "Their postcode" in reply.text


def test_an_officer_does_not_learn_who_subscribes(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, phone="07700 900123")
    known = client.post("/staff/sign-up", data=given())
    stranger = client.post("/staff/sign-up", data=given(mobile="07700 900124"))
    assert known.text.replace("900123", "900124") == stranger.text


def test_a_viewer_signs_nobody_up(client: Client, world: World) -> None:
    sign_in(client, world, Role.VIEWER)
    assert client.get("/staff/sign-up").status_code == 403
    assert client.post("/staff/sign-up", data=given()).status_code == 403
