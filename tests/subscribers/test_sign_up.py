"""Sign-up, one question a page, as a browser without scripts walks it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from httpx import Cookies
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.core.form_fields import Form
from notify.subscribers.models import (
    Cadence,
    Consent,
    ConsentWording,
    MailFormat,
    Place,
    ServiceMessage,
    Subscriber,
    Subscription,
)
from notify.subscribers.sign_up.draft import MOST_TOPICS, Draft, sealed
from notify.subscribers.sign_up.steps import ASKED, Step
from tests.subscribers.html import Page, broken_anchors
from tests.subscribers.journey import BROWSER, agree, answer_question, sign_up, topic_ids
from tests.subscribers.places import ENDED, NEAR, NOWHERE, UNCOVERED, UNKNOWN, add_difficult_postcodes
from tests.world import SOUTH, World, make_world

Client = TestClient[Litestar]
Answers = dict[str, list[str]]


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    return make_world()


def walk(client: Client, *, postcode: str = "ZZ1 1AA", start: str = "/sign-up", ward: str = "") -> Page:
    """Every question answered; the page that shows all answers."""
    source = Page(client.get(start).text).fields.get("source", [])
    answer_question(client, "postcode", postcode=postcode, source=source)
    if ward:
        answer_question(client, "ward", ward=ward)
    answer_question(client, "topics", topic=topic_ids("bins"))
    answer_question(client, "channels", way=["email", "mobile"])
    answer_question(client, "contacts", email="sam@example.org", mobile="07700 900123", name="Sam")
    answer_question(client, "emails", cadence="daily", mail_format="large")
    answer_question(client, "language", language="cy")
    return answer_question(client, "counting", tracking_consent="yes")


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
    assert "sam@example.org" in agree(client, page).text
    with transaction() as session:
        person = session.exec(select(Subscriber)).one()
        assert (person.name, person.language, person.tracking_consent) == ("Sam", "cy", True)
        assert person.mail_format == MailFormat.LARGE
        assert session.exec(select(Subscription.cadence)).one() == Cadence.DAILY
        assert session.exec(select(Place.ward_code)).one() == SOUTH
        [line] = {(line.wording_version, line.language, line.source) for line in session.exec(select(Consent))}
        assert line == ("resident-page-3", "en", "website")


def test_the_ledger_keeps_the_words_in_the_language_that_was_read(client: Client, world: World) -> None:
    page = walk(client)
    fields = {"version": page.fields["version"]}
    assert "Gwiriwch eich negeseuon" in client.post("/sign-up?lang=cy", data=fields).text
    with transaction() as session:
        wording = session.exec(select(ConsentWording)).one()
        assert (wording.version, wording.language) == ("resident-page-3", "cy")
        assert wording.wording.startswith("Rydych yn cytuno")


def test_another_language_keeps_every_answer_and_goes_along(client: Client, world: World) -> None:
    walk(client)
    welsh = Page(client.get("/sign-up/check?lang=cy").text)
    assert welsh.title.startswith("Gwiriwch eich atebion")
    assert "sam@example.org" in welsh.text
    assert "/sign-up?lang=cy" in welsh.actions
    reply = client.post("/sign-up/contacts?lang=cy", data={"email": "kim@example.org"}, follow_redirects=False)
    assert reply.headers["location"] == "/sign-up/contacts?fix=true&lang=cy"  # the number is missing now


def test_every_question_has_an_address_and_every_answer_redirects(client: Client, world: World) -> None:
    for step, given, following in (
        ("postcode", {"postcode": "zz11aa"}, "/sign-up/topics"),
        ("topics", {"topic": ["none of ours"]}, "/sign-up/topics?fix=true"),
        ("topics", {"topic": topic_ids("bins")}, "/sign-up/channels"),
        ("channels", {"way": "email"}, "/sign-up/contacts"),
        ("contacts", {"email": "sam@example.org"}, "/sign-up/emails"),
        ("emails", {}, "/sign-up/language"),
        ("language", {"language": "en"}, "/sign-up/counting"),
        ("counting", {}, "/sign-up/check"),
    ):
        reply = client.post(f"/sign-up/{step}", data=given, follow_redirects=False)
        assert (reply.status_code, reply.headers["location"]) == (303, following)
        page = client.get(following)
        assert page.headers["cache-control"] == "no-store"
        assert "set-cookie" not in page.headers
    assert client.get("/sign-up/topics").text == client.get("/sign-up/topics").text
    assert "checked" in client.get("/sign-up/topics").text
    assert 'value="ZZ1 1AA"' in client.get("/sign-up").text


def test_a_question_before_its_time_leads_to_the_first_that_is_open(client: Client, world: World) -> None:
    answer_question(client, "postcode", postcode="ZZ1 1AA")
    for step in ("check", "counting", "contacts", "ward"):
        assert str(client.get(f"/sign-up/{step}").url).endswith("/sign-up/topics")
    assert client.get("/sign-up/nonsense").status_code == 404
    assert client.post("/sign-up/nonsense").status_code == 404


def test_answers_survive_an_hour_and_what_is_lost_after_a_day_is_told_kindly(client: Client, world: World) -> None:
    walk(client)
    now = clock.now()
    clock.use(lambda: now + timedelta(hours=2))
    assert "sam@example.org" in client.get("/sign-up/check").text
    clock.use(lambda: now + timedelta(days=1))
    page = answer_question(client, "contacts", email="kim@example.org")
    assert "does not have your earlier answers any more" in page.text
    answer_question(client, "postcode", postcode="ZZ1 1AA")
    answer_question(client, "topics", topic=topic_ids("bins"))
    page = answer_question(client, "channels", way="email")
    assert page.fields["email"] == ["kim@example.org"]  # what was known is where they start


def test_another_browsers_or_a_forged_draft_is_none(client: Client, world: World) -> None:
    walk(client)
    [name] = client.cookies
    client.cookies.set(name, client.cookies[name][:-8] + "AAAAAAA=")
    assert str(client.get("/sign-up/check").url).endswith("/sign-up?lost=true")


def test_two_tabs_keep_each_others_answers_and_agree_to_what_they_show(client: Client, world: World) -> None:
    first_tab = walk(client)
    answer_question(client, "topics", topic=topic_ids("road-closures"))
    seen = agree(client, first_tab)
    assert "changed in another tab" in seen.text
    assert "Road closures" in seen.text
    assert "sam@example.org" in agree(client, seen).text
    with transaction() as session:
        assert len(session.exec(select(Subscription)).all()) == 1


def test_pressing_the_button_twice_signs_up_once_and_again_later_writes_again(client: Client, world: World) -> None:
    page = walk(client)
    before = Cookies(client.cookies)
    for _press in range(2):
        client.cookies = Cookies(before)  # the second press leaves before the first is answered
        assert "sam@example.org" in agree(client, page).text
    with transaction() as session:
        assert len(session.exec(select(ServiceMessage)).all()) == 2  # an e-mail and a text
    again = Page(client.get("/sign-up/check").text)
    assert "already signed up with these answers" in again.text
    agree(client, again)
    with transaction() as session:
        assert len(session.exec(select(ServiceMessage)).all()) == 4


def test_a_wrong_address_is_put_right_without_starting_again_and_a_shared_computer_forgets(
    client: Client, world: World
) -> None:
    sent = agree(client, walk(client))
    assert "/sign-up/contacts" in sent.links
    page = answer_question(client, "contacts", email="sam.jones@example.org", mobile="07700 900123")
    assert "sam.jones@example.org" in agree(client, page).text
    client.post("/sign-up/clear")
    assert "sam.jones" not in client.get("/sign-up/sent").text
    assert not client.cookies


def test_the_longest_answers_fit_into_a_cookie(client: Client, world: World) -> None:
    draft = Draft()
    for step in Step:
        long = {name: [chr(0x1F300 + number) * 500 for number in range(9)] for name in ASKED[step]}
        draft = draft.answered(step, Form(long | {"topic": [str(uuid4()) for _ in range(200)]}))
    assert len("__Host-sign-up=" + sealed(draft)) < 4000
    assert len(draft.form.all("topic")) == MOST_TOPICS


def test_a_change_leads_back_to_the_answers(client: Client, world: World) -> None:
    walk(client)
    assert Page(client.get("/sign-up/contacts").text).fields["email"] == ["sam@example.org"]
    checked = answer_question(client, "contacts", email="kim@example.org", mobile="07700 900123")
    assert checked.title.startswith("Check your answers")
    assert "kim@example.org" in checked.text


def test_a_way_given_up_takes_its_address_with_it(client: Client, world: World) -> None:
    walk(client)
    page = answer_question(client, "channels", way="email")
    assert page.title.startswith("Check your answers")
    assert "07700 900123" not in page.text
    assert "07700" not in agree(client, page).text


def test_a_way_added_later_asks_for_its_address(client: Client, world: World) -> None:
    walk(client)
    answer_question(client, "channels", way="email")
    answer_question(client, "contacts", email="sam@example.org")
    page = answer_question(client, "channels", way=["email", "mobile"])
    assert page.title.startswith("What is your email address and mobile number?")


@pytest.mark.parametrize(
    ("step", "given", "words"),
    [
        ("topics", {"topic": ""}, "Choose at least one topic."),
        ("channels", {"way": ""}, "Select how we should contact you."),
        ("contacts", {"email": "", "mobile": "07700 900123"}, "Enter your email address."),
        ("contacts", {"email": "a@example.org", "mobile": "123"}, "Enter a UK mobile number like 07700 900123."),
        ("contacts", {"email": "a@example.org", "mobile": "07700 900123", "name": "x" * 81}, "at most 80 characters"),
    ],
)
def test_a_question_is_asked_again_with_what_is_wrong(
    client: Client, world: World, step: str, given: dict[str, str], words: str
) -> None:
    walk(client)
    page = answer_question(client, step, **given)
    assert page.title.startswith("Error: ")
    assert words in page.text
    assert not Page(client.get(f"/sign-up/{step}").text).title.startswith("Error: ")  # until something is sent


def test_a_posters_name_goes_along_to_the_ledger(client: Client, world: World) -> None:
    agree(client, walk(client, start="/sign-up?source=library-poster"))
    with transaction() as session:
        assert {line.source for line in session.exec(select(Consent))} == {"website: library-poster"}


def test_a_link_with_a_postcode_fills_it_in(client: Client, world: World) -> None:
    assert Page(client.get("/sign-up?postcode=ZZ1+1AA").text).fields["postcode"] == ["ZZ1 1AA"]


@pytest.mark.parametrize("source", ["<b>", "Sam Jones", "a" * 41, "../x"])
def test_what_is_no_posters_name_is_left_out(client: Client, world: World, source: str) -> None:
    assert "source" not in Page(client.get("/sign-up", params={"source": source}).text).fields


def test_every_topic_says_how_often_and_why_it_writes(client: Client, world: World) -> None:
    page = answer_question(client, "postcode", postcode="ZZ1 1AA")
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
    for path in ("/sign-up/postcode", "/sign-up"):
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
    answer_question(client, "postcode", postcode="CB1", label="Home", source="poster")
    welsh = Page(client.get("/sign-up/postcode?fix=true&lang=cy").text)
    assert welsh.title.startswith("Gwall: Beth yw eich cod post?")
    assert {name: set(welsh.fields[name]) for name in ("postcode", "label", "source")} == {
        "postcode": {"CB1"},
        "label": {"Home"},
        "source": {"poster"},
    }
