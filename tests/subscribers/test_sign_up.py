"""Sign-up, one question a page, as a browser without scripts walks it."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core.db import transaction
from notify.subscribers.models import Cadence, Consent, ConsentWording, MailFormat, Place, Subscriber, Subscription
from tests.subscribers.html import Page, broken_anchors
from tests.subscribers.journey import BROWSER, sign_up, topic_ids
from tests.subscribers.places import ENDED, NEAR, NOWHERE, UNCOVERED, UNKNOWN, add_difficult_postcodes
from tests.world import SOUTH, World, make_world

Client = TestClient[Litestar]
Answers = dict[str, list[str]]


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    return make_world()


def answer(client: Client, page: Page, path: str = "/sign-up/answers", **given: str | list[str]) -> Page:
    """Fill in the page's form and send it, with every hidden field that the page carries."""
    fields = {name: list(dict.fromkeys(values)) for name, values in page.fields.items() if name != "go"}
    reply = client.post(path, data=fields | given)
    found = Page(reply.text)
    assert not broken_anchors(found)
    assert (reply.status_code == 422) == found.title.startswith(("Error: ", "Gwall: "))
    return found


def walk(client: Client, *, postcode: str = "ZZ1 1AA", start: str = "/sign-up", ward: str = "") -> Page:
    """Every question answered; the page that shows all answers."""
    page = answer(client, Page(client.get(start).text), postcode=postcode)
    if ward:
        page = answer(client, page, ward=ward)
    page = answer(client, page, topic=topic_ids("bins"))
    page = answer(client, page, way=["email", "mobile"])
    page = answer(client, page, email="sam@example.org", mobile="07700 900123", name="Sam")
    page = answer(client, page, cadence="daily", mail_format="large")
    page = answer(client, page, language="cy")
    return answer(client, page, tracking_consent="yes")


def test_a_few_short_pages_sign_a_resident_up(client: Client, world: World) -> None:
    page = walk(client, postcode=NEAR, ward=SOUTH)
    assert page.title.startswith("Check your answers")
    for words in (
        "ZZ1 1AD",
        "Southside",
        "Bin collections",
        "sam@example.org",
        "07700 900123",
        "Cymraeg",
        "Large print",
        "You agree",
    ):
        assert words in page.text
    done = answer(client, page, path="/sign-up")
    assert "sam@example.org" in done.text
    with transaction() as session:
        person = session.exec(select(Subscriber)).one()
        assert (person.name, person.language, person.tracking_consent) == ("Sam", "cy", True)
        assert person.mail_format == MailFormat.LARGE
        assert session.exec(select(Subscription.cadence)).one() == Cadence.DAILY
        assert session.exec(select(Place.ward_code)).one() == SOUTH
        [line] = {(line.wording_version, line.language, line.source) for line in session.exec(select(Consent))}
        assert line == ("resident-page-3", "en", "website")
    assert not client.cookies


def test_the_ledger_keeps_the_words_in_the_language_that_was_read(client: Client, world: World) -> None:
    page = walk(client, start="/sign-up?lang=cy")
    assert page.title.startswith("Check your answers")  # the test's posts do not carry the language along
    fields = {name: list(dict.fromkeys(values)) for name, values in page.fields.items()}
    assert "Gwiriwch eich e-bost" in client.post("/sign-up?lang=cy", data=fields | {"mobile": "", "way": "email"}).text
    with transaction() as session:
        wording = session.exec(select(ConsentWording)).one()
        assert (wording.version, wording.language) == ("resident-page-3", "cy")
        assert wording.wording.startswith("Rydych yn cytuno")


def test_another_language_keeps_every_answer(client: Client, world: World) -> None:
    page = walk(client)
    fields = {name: list(dict.fromkeys(values)) for name, values in page.fields.items()}
    welsh = Page(client.post("/sign-up/answers?lang=cy", data=fields | {"go": "check"}).text)
    assert welsh.title.startswith("Gwiriwch eich atebion")
    assert "sam@example.org" in welsh.text
    assert "/sign-up?lang=cy" in welsh.actions


def test_a_change_leads_back_to_the_answers(client: Client, world: World) -> None:
    page = walk(client)
    contacts = answer(client, page, go="contacts")
    assert set(contacts.fields["email"]) == {"sam@example.org"}
    checked = answer(client, contacts, email="kim@example.org")
    assert checked.title.startswith("Check your answers")
    assert "kim@example.org" in checked.text


def test_a_way_given_up_takes_its_address_with_it(client: Client, world: World) -> None:
    page = answer(client, answer(client, walk(client), go="channels"), way="email")
    assert page.title.startswith("Check your answers")
    assert "07700 900123" not in page.text
    assert "07700" not in answer(client, page, path="/sign-up").text


def test_a_way_added_later_asks_for_its_address(client: Client, world: World) -> None:
    page = answer(client, Page(client.get("/sign-up").text), postcode="ZZ1 1AA")
    page = answer(client, answer(client, page, topic=topic_ids("bins")), way="email")
    assert "mobile" not in page.fields
    page = answer(client, answer(client, page, email="sam@example.org"), cadence="weekly")
    page = answer(client, answer(client, page, language="en"))
    page = answer(client, answer(client, page, go="channels"), way=["email", "mobile"])
    assert page.title.startswith("What is your email address and mobile number?")


@pytest.mark.parametrize(
    ("step", "given", "words"),
    [
        ("topics", {"topic": ""}, "Choose at least one topic."),
        ("channels", {"way": ""}, "Select how we should contact you."),
        ("contacts", {"way": "email", "email": ""}, "Enter your email address."),
        ("contacts", {"way": "mobile", "mobile": "123"}, "Enter a UK mobile number like 07700 900123."),
        ("contacts", {"way": "email", "email": "a@example.org", "name": "x" * 81}, "at most 80 characters"),
    ],
)
def test_a_question_is_asked_again_with_what_is_wrong(
    client: Client, world: World, step: str, given: dict[str, str], words: str
) -> None:
    reply = client.post("/sign-up/answers", data={"postcode": "ZZ1 1AA", "step": step} | given)
    page = Page(reply.text)
    assert reply.status_code == 422
    assert page.title.startswith("Error: ")
    assert words in page.text
    assert not broken_anchors(page)


@pytest.mark.parametrize("name", ["step", "go"])
@pytest.mark.parametrize("value", ["", "nowhere", "CHECK", "<script>", "postcode"])
def test_a_step_that_is_none_of_ours_leads_to_a_question(client: Client, world: World, name: str, value: str) -> None:
    reply = client.post("/sign-up/answers", data={"postcode": "ZZ1 1AA", name: value})
    assert reply.status_code == 200
    assert "<script>" not in reply.text


def test_a_posters_name_goes_along_to_the_ledger(client: Client, world: World) -> None:
    answer(client, walk(client, start="/sign-up?source=library-poster"), path="/sign-up")
    with transaction() as session:
        assert {line.source for line in session.exec(select(Consent))} == {"website: library-poster"}


@pytest.mark.parametrize("source", ["<b>", "Sam Jones", "a" * 41, "../x"])
def test_what_is_no_posters_name_is_left_out(client: Client, world: World, source: str) -> None:
    assert "source" not in Page(client.get("/sign-up", params={"source": source}).text).fields


def test_every_topic_says_how_often_and_why_it_writes(client: Client, world: World) -> None:
    page = answer(client, Page(client.get("/sign-up").text), postcode="ZZ1 1AA")
    assert page.text.count("How often: ") == len(page.boxes)
    assert "You can stop these at any time." in page.text
    assert "duty to warn the public" in page.text


def test_the_first_page_is_light(client: Client, world: World) -> None:
    weight = len(client.get("/sign-up").content) + len(client.get("/static/page.css").content)
    assert weight < 40_000  # before compression


@pytest.mark.parametrize(
    ("postcode", "english", "welsh"),
    [
        ("CB1", "not a full postcode", "god post llawn"),
        ("<script>", "not a full postcode", "god post llawn"),
        (UNKNOWN, "We do not know the postcode ZZ9 9ZZ", "ZZ9 9ZZ"),
        (ENDED, "March 2019", "Mawrth 2019"),
        (NOWHERE, "We do not know where ZZ9 1AB is", "ZZ9 1AB"),
        (UNCOVERED, "No council that covers ZZ9 1AD", "ZZ9 1AD"),
    ],
)
def test_a_postcode_that_leads_nowhere_is_explained_in_both_languages(
    client: Client, world: World, postcode: str, english: str, welsh: str
) -> None:
    add_difficult_postcodes()
    for path in ("/sign-up/answers", "/sign-up"):
        for language, words, mark in (("en", english, "Error: "), ("cy", welsh, "Gwall: ")):
            reply = client.post(path, data={"postcode": postcode}, headers={"Accept-Language": language})
            page = Page(reply.text)
            assert reply.status_code == 422
            assert page.title.startswith(mark)
            assert words in page.text
            assert (english in page.text) == (language == "en")
            assert "<script>" not in reply.text
            assert not broken_anchors(page)


@pytest.mark.parametrize(
    "tampered",
    [
        {"postcode": "nowhere"},
        {"postcode": NEAR},
        {"topic": ["1"]},
        {"topic": []},
        {"way": ["voice"], "email": ""},
        {"way": ["email"], "email": ""},
        {"email": "a@example.org\r\nBcc: b@example.org"},
        {"name": "x" * 81},
        {"label": "x" * 41},
    ],
)
def test_the_end_checks_every_hidden_answer_again(client: Client, world: World, tampered: dict[str, object]) -> None:
    reply = sign_up(client, **tampered)
    assert reply.status_code == 422
    assert Page(reply.text).title.startswith("Error: ")
    with transaction() as session:
        assert session.exec(select(Subscriber)).first() is None


def test_a_place_has_the_name_the_resident_gave_it(client: Client, world: World) -> None:
    sign_up(client, label=" Mum’s   house ")
    sign_up(client, email="kim@example.org")
    with transaction() as session:
        assert set(session.exec(select(Place.label))) == {"Mum’s house", "Home"}


def test_a_faulty_postcode_can_be_read_in_the_other_language(client: Client, world: World) -> None:
    page = Page(client.post("/sign-up/answers", data={"postcode": "CB1", "label": "Home", "source": "poster"}).text)
    fields = {name: list(dict.fromkeys(values)) for name, values in page.fields.items()}
    welsh = Page(client.post("/sign-up/answers?lang=cy", data=fields | {"go": "postcode"}).text)
    assert welsh.title.startswith("Beth yw eich cod post?")
    assert {name: set(welsh.fields[name]) for name in ("postcode", "label", "source")} == {
        "postcode": {"CB1"},
        "label": {"Home"},
        "source": {"poster"},
    }
