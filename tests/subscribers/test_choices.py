"""A resident's own choices: who sees them, changing them, taking them along, and leaving for good."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.subscribers import service
from notify.subscribers.models import Consent, Contact, Place, ServiceMessageKind, Subscriber, Subscription, Topic
from tests.subscribers.html import Page, broken_anchors
from tests.subscribers.journey import BROWSER, Client, link_for, my_fields, sign_in, sign_up, topic_ids
from tests.subscribers.places import NEAR, UNKNOWN
from tests.world import NORTH, SOUTH, World, add_resident, make_world


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def test_signing_in_sets_one_strict_cookie(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org")
    token = link_for("sam@example.org", ServiceMessageKind.SIGN_IN)
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


def everything(who: object) -> tuple[Sequence[object], Sequence[object], tuple[str, str, bool]]:
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
    following, places, person = everything(who)
    assert following == [("road-closures", ["email"])]
    assert places == [("ZZ11AA", NORTH, "Home"), ("ZZ21AA", SOUTH, "Mum's")]
    assert person == ("Samira", "cy", True)


def test_a_channel_can_be_stopped_and_taken_up_again(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", phone="07700 900001", topics=["bins"])
    sign_in(client, "sam@example.org")
    client.post("/my", data=my_fields(client) | {"channel": ["sms"]})
    assert everything(who)[0] == [("bins", ["sms"])]
    client.post("/my", data=my_fields(client) | {"channel": ["sms", "email"]})
    assert everything(who)[0] == [("bins", ["email", "sms"])]


def test_places_are_removed_and_a_residents_answer_stays(client: Client, world: World) -> None:
    sign_up(client, postcode=NEAR, ward=SOUTH)
    client.post(f"/confirm/{link_for('sam@example.org', ServiceMessageKind.CONFIRM)}")
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
