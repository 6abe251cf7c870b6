"""The resident's journey through the pages, without a browser: sign up, confirm, choose, leave."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.subscribers.models import (
    Consent,
    Contact,
    Place,
    ServiceMessage,
    ServiceMessageKind,
    Subscriber,
    Subscription,
    Topic,
)
from tests.subscribers.html import Page, broken_anchors
from tests.subscribers.journey import BROWSER, Client, answer_question, link_for, sign_up, topic_ids
from tests.subscribers.places import ENDED, NEAR, NOWHERE, UNCOVERED, UNKNOWN, add_county, add_difficult_postcodes
from tests.world import NORTH, SOUTH, World, add_resident, make_world


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def test_home_names_the_councils(client: Client, world: World) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Zed Council" in answer.text


def test_a_postcode_leads_to_ward_councils_and_topics(client: Client, world: World) -> None:
    add_county()
    page = answer_question(client, "postcode", postcode=" zz11aa")
    assert "ZZ1 1AA" in page.text
    assert "Northside" in page.text
    assert page.text.index("Zed Council") < page.text.index("Zedshire County")
    assert "Potholes" in page.text
    assert Page(client.get("/sign-up").text).fields["postcode"] == ["ZZ1 1AA"]


def test_nothing_is_ticked_beforehand_but_the_language(client: Client, world: World) -> None:
    given: dict[str, tuple[str, dict[str, object]]] = {
        "ward": ("postcode", {"postcode": NEAR}),
        "topics": ("ward", {"ward": SOUTH}),
        "channels": ("topics", {"topic": topic_ids("bins")}),
        "language": ("contacts", {"mobile": "07700 900123"}),
        "counting": ("language", {}),
    }
    ticked = {}
    for step, (before, answers) in given.items():
        if before == "contacts":
            answer_question(client, "channels", way="mobile")
        page = answer_question(client, before, **answers)
        ticked[step] = [box for box, is_ticked in page.boxes.items() if is_ticked]
    assert ticked == {"ward": [], "topics": [], "channels": [], "counting": [], "language": ["language"]}


@pytest.mark.parametrize(
    ("postcode", "word"),
    [
        ("", "not a full postcode"),
        ("CB1", "not a full postcode"),
        ("<script>", "not a full postcode"),
        (UNKNOWN, "We do not know the postcode ZZ9 9ZZ"),
        (ENDED, "March 2019"),
        (NOWHERE, "We do not know where ZZ9 1AB is"),
        (UNCOVERED, "No council that covers ZZ9 1AD"),
    ],
)
def test_a_postcode_that_leads_nowhere_is_explained(client: Client, world: World, postcode: str, word: str) -> None:
    add_difficult_postcodes()
    for path in ("/sign-up/postcode", "/sign-up"):
        answer = client.post(path, data={"postcode": postcode}, follow_redirects=True)
        page = Page(answer.text)
        assert answer.status_code == 422
        assert word in page.text
        assert page.title.startswith("Error: ")
        assert page.fields["postcode"] == [postcode]
        assert "<script>" not in answer.text
        assert not broken_anchors(page)


def test_near_a_boundary_the_resident_says_which_ward(client: Client, world: World) -> None:
    page = answer_question(client, "postcode", postcode=NEAR)
    assert {"Northside", "Southside", "I am not sure"} <= {word.strip() for word in page.words}
    unanswered = sign_up(client, postcode=NEAR)
    assert (unanswered.status_code, "Select your ward" in unanswered.text) == (422, True)
    assert sign_up(client, postcode=NEAR, ward=SOUTH).status_code == 200
    assert sign_up(client, postcode=NEAR, ward="unsure", email="kim@example.org").status_code == 200
    with transaction() as session:
        wards = session.exec(select(Place.ward_code, Place.ward_source).order_by(Place.ward_code)).all()
    assert wards == [(NORTH, "published"), (SOUTH, "resident")]


def test_a_sign_up_writes_once_and_reaches_nobody_before_the_yes(client: Client, world: World) -> None:
    answer = sign_up(client, email="Sam@Example.org", mobile="07700 900123", name="Sam", language="cy")
    assert answer.status_code == 200
    assert "sam@example.org" in answer.text.lower()
    with transaction() as session:
        person = session.exec(select(Subscriber)).one()
        assert (person.name, person.language, person.tracking_consent) == ("Sam", "cy", False)
        assert [notice.kind for notice in session.exec(select(ServiceMessage))] == ["confirm", "confirm"]
        assert {contact.confirmed_at for contact in session.exec(select(Contact))} == {None}
        assert {line.wording_version for line in session.exec(select(Consent))} == {"resident-page-3"}


def test_every_fault_is_told_at_once_and_the_input_kept(client: Client, world: World) -> None:
    answer = sign_up(client, email="nobody", mobile="12", name="x" * 81, tracking_consent="yes")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.title.startswith("Error: ")
    assert {"#email", "#mobile", "#name"} <= set(page.links)
    assert not broken_anchors(page)
    assert {"nobody"} == set(page.fields["email"])
    assert {"12"} == set(page.fields["mobile"])
    with transaction() as session:
        assert session.exec(select(Subscriber)).first() is None


def test_one_way_to_be_reached_is_enough_and_none_is_not(client: Client, world: World) -> None:
    assert sign_up(client, email="", mobile="07700900124").status_code == 200
    assert "Select how we should contact you" in sign_up(client, email="").text


def test_topics_of_other_places_cannot_be_smuggled_in(client: Client, world: World) -> None:
    answer = sign_up(client, topic=["0190a000-0000-7000-8000-000000000000", "bins"])
    assert "Choose at least one topic" in answer.text


def test_a_known_address_looks_like_a_new_one_and_keeps_its_choices(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", topics=["road-closures"], name="Sam")
    known = sign_up(client, name="Mallory", mobile="07700 900199")
    new = sign_up(client, email="new@example.org", mobile="07700 900198")
    assert known.status_code == new.status_code == 200
    same = known.text.replace("sam@example.org", "new@example.org").replace("900199", "900198")
    assert same == new.text
    with transaction() as session:
        assert session.get_one(Subscriber, who).name == "Sam"
        assert len(session.exec(select(Contact).where(Contact.subscriber_id == who)).all()) == 1
        contact = session.exec(select(Contact).where(Contact.subscriber_id == who)).one()
        [notice] = session.exec(select(ServiceMessage).where(ServiceMessage.contact_id == contact.id)).all()
        assert notice.kind == "confirm"
        assert session.exec(select(Topic.slug).join(Subscription).where(Subscription.subscriber_id == who)).all() == [
            "road-closures"
        ]


def test_nobody_stays_beside_an_address_they_did_not_own(client: Client, world: World) -> None:
    """A neighbour's address signed up beside one's own is the neighbour's alone once they sign up themselves."""
    sign_up(client, email="victim@example.org", mobile="07700 900666", name="Mallory")
    sign_up(client, email="victim@example.org", name="Vic")
    with transaction() as session:
        [victim] = session.exec(select(Contact).where(Contact.address == "victim@example.org")).all()
        [mallory] = session.exec(select(Contact).where(Contact.channel == "sms")).all()
        assert victim.subscriber_id != mallory.subscriber_id
        assert session.get_one(Subscriber, victim.subscriber_id).name == "Vic"


def test_signing_up_again_before_confirming_replaces_the_choices(client: Client, world: World) -> None:
    sign_up(client, topic=topic_ids("bins"))
    sign_up(client, topic=topic_ids("road-closures"))
    with transaction() as session:
        assert len(session.exec(select(Subscriber)).all()) == 1
        assert session.exec(select(Topic.slug).join(Subscription)).all() == ["road-closures"]


def test_an_address_gets_three_messages_a_day_at_most(client: Client, world: World) -> None:
    for _ in range(6):
        assert sign_up(client).status_code == 200
    with transaction() as session:
        assert len(session.exec(select(ServiceMessage)).all()) == 3


def test_following_the_link_confirms_nothing_and_pressing_does(client: Client, world: World) -> None:
    sign_up(client)
    token = link_for("sam@example.org", ServiceMessageKind.CONFIRM)
    for _ in range(3):
        assert f'action="/confirm/{token}"' in client.get(f"/confirm/{token}").text
    with transaction() as session:
        assert session.exec(select(Contact.confirmed_at)).one() is None
    done = client.post(f"/confirm/{token}")
    assert done.status_code == 200
    assert "Bin collections from Zed Council" in done.text
    assert "ZZ1 1AA" in done.text
    with transaction() as session:
        assert session.exec(select(Contact.confirmed_at)).one() is not None
    assert set(client.cookies) <= {"sign-up"}
    again = client.post(f"/confirm/{token}")
    assert (again.status_code, "You are already signed up" in again.text) == (200, True)


@pytest.mark.parametrize("path", ["/confirm/", "/manage/"])
def test_a_wrong_or_foreign_link_opens_nothing(client: Client, world: World, path: str) -> None:
    sign_up(client)
    other = ServiceMessageKind.SIGN_IN if path == "/confirm/" else ServiceMessageKind.CONFIRM
    for token in ("x", "0" * 43, link_for("sam@example.org", other)):
        answer = client.post(path + token)
        assert answer.status_code == 404
        assert "/manage" in answer.text
    assert set(client.cookies) <= {"sign-up"}


@pytest.mark.parametrize("path", ["/confirm/", "/manage/", "/add-contact/"])
def test_a_link_that_nobody_sent_says_so_when_it_is_opened(client: Client, world: World, path: str) -> None:
    answer = client.get(path + "0" * 43)
    assert (answer.status_code, "no longer works" in answer.text) == (404, True)
    assert "/manage" in answer.text


def test_a_used_link_says_so_when_it_is_opened_and_tells_a_stranger_nothing(client: Client, world: World) -> None:
    sign_up(client, name="Sam")
    token = link_for("sam@example.org", ServiceMessageKind.CONFIRM)
    client.post(f"/confirm/{token}")
    client.cookies.clear()
    opened = client.get(f"/confirm/{token}")
    assert (opened.status_code, "You are already signed up" in opened.text) == (200, True)
    assert "/manage" in Page(opened.text).links
    for told in ("sam@example.org", "Sam", "Bin collections", "ZZ1"):
        assert told not in opened.text
    token = link_for("sam@example.org", ServiceMessageKind.SIGN_IN)
    assert [client.get(f"/manage/{token}").status_code for _ in range(3)] == [200] * 3  # opening uses nothing up
    client.post(f"/manage/{token}")
    client.cookies.clear()
    opened = client.get(f"/manage/{token}")
    assert (opened.status_code, "already been used" in opened.text) == (404, True)


def test_an_expired_confirmation_says_so(client: Client, world: World) -> None:
    sign_up(client)
    token = link_for("sam@example.org", ServiceMessageKind.CONFIRM)
    later = clock.now() + timedelta(days=4)
    clock.use(lambda: later)
    assert "It has expired" in client.get(f"/confirm/{token}").text
    assert "It has expired" in client.post(f"/confirm/{token}").text


def test_a_link_dies_with_age_and_once_another_is_used(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org")
    first, second = (link_for("sam@example.org", ServiceMessageKind.SIGN_IN) for _ in range(2))
    assert client.post(f"/manage/{second}").status_code == 303
    assert client.post(f"/manage/{first}").status_code == 404
    second = link_for("sam@example.org", ServiceMessageKind.SIGN_IN)
    later = clock.now() + timedelta(minutes=11)
    clock.use(lambda: later)
    assert client.post(f"/manage/{second}").status_code == 404


def test_the_answer_about_a_link_is_the_same_for_everybody(client: Client, world: World) -> None:
    add_resident(world, "known@example.org", phone="07700 900001")
    pairs = (("known@example.org", "other@example.org"), ("07700 900001", "07700 900002"))
    for known, unknown in pairs:
        first, second = (client.post("/manage", data={"address": address}) for address in (known, unknown))
        assert first.status_code == second.status_code == 200
        assert first.text.replace(known, "X") == second.text.replace(unknown, "X")
        assert comparable(first.headers) == comparable(second.headers)
    with transaction() as session:
        assert len(session.exec(select(ServiceMessage)).all()) == 2


def comparable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in ("content-length", "date", "x-request-id")}


@pytest.mark.parametrize("address", ["", "nobody", "12345", "a@b", "@"])
def test_what_is_no_address_is_said_so(client: Client, world: World, address: str) -> None:
    answer = client.post("/manage", data={"address": address})
    page = Page(answer.text)
    assert (answer.status_code, page.fields["address"]) == (422, [address])
    assert not broken_anchors(page)


@pytest.mark.parametrize("path", ["/", "/sign-up", "/manage", "/staff/sign-in"])
def test_no_page_sets_a_cookie_or_needs_a_script(client: Client, world: World, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    # what messengers show of a link is named with its whole address; browsers do not load it
    loaded = re.sub(r'<meta property="og:image" content="[^"]*">', "", answer.text)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", loaded)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
