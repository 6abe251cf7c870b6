"""The resident's journey through the pages, without a browser: sign up, confirm, choose, leave."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify import clock
from notify.db import transaction
from notify.subscribers import service
from notify.subscribers.models import Consent, Contact, Notice, NoticeKind, Place, Subscriber, Subscription, Topic
from tests.subscribers.html import Page, broken_anchors
from tests.subscribers.places import ENDED, NEAR, NOWHERE, UNCOVERED, UNKNOWN, add_county, add_difficult_postcodes
from tests.world import NORTH, SOUTH, World, add_resident, make_world

Client = TestClient[Litestar]
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def topic_ids(*slugs: str) -> list[str]:
    with transaction() as session:
        return [str(session.exec(select(Topic.id).where(Topic.slug == slug)).one()) for slug in slugs]


def link_for(address: str, purpose: NoticeKind) -> str:
    """A link as a message would hold it; messages are another test's business."""
    with transaction() as session:
        contact = session.exec(select(Contact).where(Contact.address == address)).one()
        return service.issue_link(session, contact.id, purpose)


def sign_up(client: Client, **changes: object) -> Response:
    fields: dict[str, object] = {"postcode": "ZZ1 1AA", "topic": topic_ids("bins"), "email": "sam@example.org"}
    return client.post("/sign-up", data=fields | changes)


def sign_in(client: Client, address: str) -> None:
    answer = client.post(f"/manage/{link_for(address, NoticeKind.SIGN_IN)}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/my")


def my_fields(client: Client) -> dict[str, list[str]]:
    return Page(client.get("/my").text).fields


def test_home_names_the_councils(client: Client, world: World) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Zed Council" in answer.text


def test_a_postcode_leads_to_ward_councils_and_topics(client: Client, world: World) -> None:
    add_county()
    page = Page(client.post("/sign-up/places", data={"postcode": " zz11aa"}).text)
    assert "ZZ1 1AA" in page.text
    assert "Northside" in page.text
    assert page.text.index("Zed Council") < page.text.index("Zedshire County")
    assert "Potholes" in page.text
    assert page.fields["postcode"] == ["ZZ1 1AA"]


def test_nothing_is_ticked_beforehand_but_the_language(client: Client, world: World) -> None:
    page = Page(client.post("/sign-up/places", data={"postcode": NEAR}).text)
    assert [box for box, ticked in page.boxes.items() if ticked] == ["language-en"]


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
    for path in ("/sign-up/places", "/sign-up"):
        answer = client.post(path, data={"postcode": postcode})
        page = Page(answer.text)
        assert answer.status_code == 422
        assert word in page.text
        assert page.title.startswith("Error: ")
        assert page.fields["postcode"] == [postcode]
        assert "<script>" not in answer.text
        assert not broken_anchors(page)


def test_near_a_boundary_the_resident_says_which_ward(client: Client, world: World) -> None:
    page = Page(client.post("/sign-up/places", data={"postcode": NEAR}).text)
    assert {"Northside", "Southside", "I am not sure"} <= {word.strip() for word in page.words}
    unanswered = sign_up(client, postcode=NEAR)
    assert (unanswered.status_code, "Choose your ward" in unanswered.text) == (422, True)
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
        assert [notice.kind for notice in session.exec(select(Notice))] == ["confirm", "confirm"]
        assert {contact.confirmed_at for contact in session.exec(select(Contact))} == {None}
        assert {line.wording_version for line in session.exec(select(Consent))} == {"resident-page-1"}
    assert not client.cookies


def test_every_fault_is_told_at_once_and_the_input_kept(client: Client, world: World) -> None:
    answer = sign_up(client, topic=[], email="nobody", mobile="12", name="x" * 81, tracking_consent="yes")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.title.startswith("Error: ")
    assert {"#topics", "#email", "#mobile", "#name"} <= set(page.links)
    assert not broken_anchors(page)
    assert (page.fields["email"], page.fields["mobile"]) == (["nobody"], ["12"])
    assert page.boxes["tracking_consent"]
    with transaction() as session:
        assert session.exec(select(Subscriber)).first() is None


def test_one_way_to_be_reached_is_enough_and_none_is_not(client: Client, world: World) -> None:
    assert sign_up(client, email="", mobile="07700900124").status_code == 200
    assert "Enter an email address" in sign_up(client, email="").text


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
        [notice] = session.exec(select(Notice).where(Notice.contact_id == contact.id)).all()
        assert notice.kind == "sign-in"


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
        assert session.exec(select(Topic.slug).join(Subscription)).all() == ["road-closures"]  # type: ignore[arg-type]


def test_an_address_gets_three_messages_a_day_at_most(client: Client, world: World) -> None:
    for _ in range(6):
        assert sign_up(client).status_code == 200
    with transaction() as session:
        assert len(session.exec(select(Notice)).all()) == 3


def test_following_the_link_confirms_nothing_and_pressing_does(client: Client, world: World) -> None:
    sign_up(client)
    token = link_for("sam@example.org", NoticeKind.CONFIRM)
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
    assert not client.cookies
    again = client.post(f"/confirm/{token}")
    assert (again.status_code, "no longer works" in again.text) == (404, True)


@pytest.mark.parametrize("path", ["/confirm/", "/manage/"])
def test_a_wrong_or_foreign_link_opens_nothing(client: Client, world: World, path: str) -> None:
    sign_up(client)
    other = NoticeKind.SIGN_IN if path == "/confirm/" else NoticeKind.CONFIRM
    for token in ("x", "0" * 43, link_for("sam@example.org", other)):
        answer = client.post(path + token)
        assert answer.status_code == 404
        assert "/manage" in answer.text
    assert not client.cookies


def test_a_link_dies_with_age_and_with_its_successor(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org")
    first, second = (link_for("sam@example.org", NoticeKind.SIGN_IN) for _ in range(2))
    assert client.post(f"/manage/{first}").status_code == 404
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
        assert len(session.exec(select(Notice)).all()) == 2


def comparable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in ("content-length", "date")}


@pytest.mark.parametrize("address", ["", "nobody", "12345", "a@b", "@"])
def test_what_is_no_address_is_said_so(client: Client, world: World, address: str) -> None:
    answer = client.post("/manage", data={"address": address})
    page = Page(answer.text)
    assert (answer.status_code, page.fields["address"]) == (422, [address])
    assert not broken_anchors(page)


def test_signing_in_sets_one_strict_cookie(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org")
    token = link_for("sam@example.org", NoticeKind.SIGN_IN)
    assert client.get(f"/manage/{token}").headers.get("set-cookie") is None
    cookie = client.post(f"/manage/{token}").headers["set-cookie"]
    assert re.fullmatch(r"resident=[\w-]{43}; HttpOnly; Max-Age=3600; Path=/; SameSite=lax", cookie, re.IGNORECASE)
    assert client.post(f"/manage/{token}").status_code == 404


@pytest.mark.parametrize("path", ["/my", "/my/data", "/my/data.json"])
def test_nobody_sees_choices_without_a_session(client: Client, world: World, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert "/manage" in answer.text or "manage" in answer.text
    client.cookies.set("resident", "forged")
    assert client.get(path).status_code == 401


def test_a_session_ends_after_an_hour(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org")
    sign_in(client, "sam@example.org")
    later = clock.now() + timedelta(minutes=61)
    clock.use(lambda: later)
    assert client.get("/my").status_code == 401


def test_signing_out_ends_the_session_on_the_server(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org")
    sign_in(client, "sam@example.org")
    kept = client.cookies["resident"]
    assert client.post("/my/sign-out").status_code == 303
    client.cookies.set("resident", kept)
    assert client.get("/my").status_code == 401


def test_saving_what_was_shown_changes_nothing(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", phone="07700 900001", topics=["bins", "road-closures"], name="Sam")
    with transaction() as session:  # stopped texts about bins by a link in a message
        phone = session.exec(select(Contact.id).where(Contact.channel == "sms")).one()
        bins = session.exec(select(Topic.id).where(Topic.slug == "bins")).one()
        service.unsubscribe(session, contact_id=phone, topic_id=bins, source="one-click")
    sign_in(client, "sam@example.org")
    before = everything(who)
    answer = client.post("/my", data=my_fields(client))
    assert (answer.status_code, answer.headers["location"]) == (303, "/my?saved=true")
    assert everything(who) == before
    assert "saved" in client.get("/my?saved=true").text


def everything(who: object) -> object:
    with transaction() as session:
        following = session.exec(
            select(Topic.slug, Subscription.channels)
            .join(Subscription)
            .where(Subscription.subscriber_id == who, Subscription.ended_at == None)  # noqa: E711
            .order_by(Topic.slug)
        ).all()
        places = session.exec(select(Place.postcode, Place.ward_code, Place.label).order_by(Place.postcode)).all()
        person = session.exec(select(Subscriber).where(Subscriber.id == who)).one()
        return following, places, (person.name, person.language, person.tracking_consent)


def test_choices_are_changed_on_one_page(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", phone="07700 900001", topics=["bins"])
    sign_in(client, "sam@example.org")
    fields = my_fields(client) | {
        "topic": topic_ids("road-closures"),
        "channel": ["email"],
        "new_postcode": ["zz2 1aa"],
        "new_label": ["Mum's"],
        "name": ["Samira"],
        "language": ["cy"],
        "tracking_consent": ["yes"],
    }
    assert client.post("/my", data=fields).status_code == 303
    following, places, person = everything(who)  # type: ignore[misc]
    assert following == [("road-closures", ["email"])]
    assert places == [("ZZ11AA", NORTH, "Home"), ("ZZ21AA", SOUTH, "Mum's")]
    assert person == ("Samira", "cy", True)


def test_a_channel_can_be_stopped_and_taken_up_again(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", phone="07700 900001", topics=["bins"])
    sign_in(client, "sam@example.org")
    client.post("/my", data=my_fields(client) | {"channel": ["sms"]})
    assert everything(who)[0] == [("bins", ["sms"])]  # type: ignore[index]
    client.post("/my", data=my_fields(client) | {"channel": ["sms", "email"]})
    assert everything(who)[0] == [("bins", ["email", "sms"])]  # type: ignore[index]


def test_places_are_removed_and_a_residents_answer_stays(client: Client, world: World) -> None:
    sign_up(client, postcode=NEAR, ward=SOUTH)
    client.post(f"/confirm/{link_for('sam@example.org', NoticeKind.CONFIRM)}")
    sign_in(client, "sam@example.org")
    client.post("/my", data=my_fields(client) | {"new_postcode": ["ZZ1 1AB"]})
    with transaction() as session:
        second = session.exec(select(Place.id).where(Place.postcode == "ZZ11AB")).one()
    client.post("/my", data=my_fields(client) | {"remove_place": [str(second)]})
    with transaction() as session:
        assert session.exec(select(Place.postcode, Place.ward_code, Place.ward_source)).all() == [
            ("ZZ11AD", SOUTH, "resident")
        ]


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"new_postcode": ["nowhere"]}, "#new_postcode"),
        ({"new_postcode": [UNKNOWN]}, "#new_postcode"),
        ({"new_postcode": ["ZZ2 1AA"], "new_label": ["x" * 41]}, "#new_label"),
        ({"channel": []}, "#channels"),
        ({"name": ["x" * 81]}, "#name"),
    ],
)
def test_faulty_choices_are_explained_and_not_stored(
    client: Client, world: World, changes: dict[str, list[str]], anchor: str
) -> None:
    who = add_resident(world, "sam@example.org", topics=["bins"])
    sign_in(client, "sam@example.org")
    before = everything(who)
    answer = client.post("/my", data=my_fields(client) | {"topic": topic_ids("bins", "road-closures")} | changes)
    page = Page(answer.text)
    assert (answer.status_code, page.title[:7]) == (422, "Error: ")
    assert anchor in page.links
    assert not broken_anchors(page)
    assert len(page.fields["topic"]) == 2
    assert everything(who) == before


def test_everything_held_is_shown_and_can_be_taken_along(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org", topics=["bins"], name="Sam")
    sign_in(client, "sam@example.org")
    shown, taken = client.get("/my/data").text, client.get("/my/data.json")
    assert "sam@example.org" in shown
    assert "Bin collections" in shown
    assert "attachment" in taken.headers["content-disposition"]
    held = taken.json()
    assert held["contacts"][0]["address"] == "sam@example.org"
    assert held["consents"][0]["words"] == "Yes, write to me."
    assert (held["places"][0]["postcode"], held["topics"][0]["council"]) == ("ZZ11AA", "Zed Council")


def test_erasing_needs_a_yes_and_erases(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org")
    sign_in(client, "sam@example.org")
    unsure = client.post("/my/erase")
    assert (unsure.status_code, broken_anchors(Page(unsure.text))) == (422, [])
    sure = client.post("/my/erase", data={"sure": "yes"})
    assert "Everything is erased" in sure.text
    assert client.get("/my").status_code == 401
    with transaction() as session:
        assert session.get(Subscriber, who) is None
        assert session.exec(select(Contact)).all() == []
        assert session.exec(select(Consent)).all()


@pytest.mark.parametrize("path", ["/", "/sign-up", "/manage", "/manage/abc", "/confirm/abc", "/staff/sign-in"])
def test_no_page_sets_a_cookie_or_needs_a_script(client: Client, world: World, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", answer.text)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
