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
from tests.subscribers.journey import BROWSER, Client, change_my, link_for, sign_in, sign_up, topic_ids
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
    for question in ("topics", "contacts", "name", "language", "counting"):
        answer = change_my(client, question)
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


def test_choices_are_changed_one_question_at_a_time(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", phone="07700 900001", topics=["bins"])
    sign_in(client, "sam@example.org")
    for question, given in (
        ("contacts", {"channel": ["email"]}),
        ("topics", {"topic": topic_ids("road-closures")}),
        ("place", {"new_postcode": "zz2 1aa", "new_label": "Mum's"}),
        ("name", {"name": "Samira"}),
        ("language", {"language": "cy"}),
        ("counting", {"tracking_consent": "yes"}),
    ):
        answer = change_my(client, question, **given)
        assert (answer.status_code, answer.headers["location"]) == (303, "/my?saved=true")
    following, places, person = everything(who)
    assert following == [("road-closures", ["email"])]
    assert places == [("ZZ11AA", NORTH, "Home"), ("ZZ21AA", SOUTH, "Mum's")]
    assert person == ("Samira", "cy", True)
    summary = Page(client.get("/my").text)
    for said in ("Road closures", "ZZ1 1AA", "Northside", "Mum's", "Samira", "Cymraeg", "Yes, you may", "(not used)"):
        assert said in summary.text
    assert {"/my/change/topics", "/my/change/contacts", "/my/change/name"} <= set(summary.links)


def test_a_channel_can_be_stopped_and_taken_up_again(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", phone="07700 900001", topics=["bins"])
    sign_in(client, "sam@example.org")
    change_my(client, "contacts", channel=["sms"])
    assert everything(who)[0] == [("bins", ["sms"])]
    change_my(client, "contacts", channel=["sms", "email"])
    assert everything(who)[0] == [("bins", ["email", "sms"])]


def test_places_are_removed_and_a_residents_answer_stays(client: Client, world: World) -> None:
    sign_up(client, postcode=NEAR, ward=SOUTH)
    client.post(f"/confirm/{link_for('sam@example.org', ServiceMessageKind.CONFIRM)}")
    sign_in(client, "sam@example.org")
    change_my(client, "place", new_postcode="ZZ1 1AB")
    with transaction() as session:
        second = session.exec(select(Place.id).where(Place.postcode == "ZZ11AB")).one()
    assert "ZZ1 1AB" in client.get("/my/change/remove", params={"place": str(second)}).text
    change_my(client, "remove", place=str(second))
    with transaction() as session:
        assert session.exec(select(Place.postcode, Place.ward_code, Place.ward_source)).all() == [
            ("ZZ11AD", SOUTH, "resident")
        ]


@pytest.mark.parametrize(
    ("question", "changes", "anchor"),
    [
        ("place", {"new_postcode": ["nowhere"]}, "#new_postcode"),
        ("place", {"new_postcode": [UNKNOWN]}, "#new_postcode"),
        ("place", {"new_postcode": [""]}, "#new_postcode"),
        ("place", {"new_postcode": ["ZZ2 1AA"], "new_label": ["x" * 41]}, "#new_label"),
        ("contacts", {"channel": []}, "#channels"),
        ("name", {"name": ["x" * 81]}, "#name"),
    ],
)
def test_faulty_choices_are_explained_and_not_stored(
    client: Client, world: World, question: str, changes: dict[str, list[str]], anchor: str
) -> None:
    who = add_resident(world, "sam@example.org", topics=["bins"])
    sign_in(client, "sam@example.org")
    before = everything(who)
    answer = change_my(client, question, **changes)
    page = Page(answer.text)
    assert (answer.status_code, page.title[:7]) == (422, "Error: ")
    assert anchor in page.links
    assert not broken_anchors(page)
    assert everything(who) == before


def test_a_save_over_a_newer_change_is_refused_and_loses_nothing(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", topics=["bins"], name="Sam")
    sign_in(client, "sam@example.org")
    older_tab = Page(client.get("/my/change/topics").text).fields
    name_tab = Page(client.get("/my/change/name").text).fields
    assert change_my(client, "topics", topic=topic_ids("road-closures", "bins")).status_code == 303
    refused = client.post("/my/change/topics", data=older_tab | {"topic": topic_ids("emergencies")})
    page = Page(refused.text)
    assert refused.status_code == 409
    assert "This was changed in another tab or window" in page.text
    assert page.fields["topic"] == topic_ids("emergencies")  # their own answer is still there
    assert "Saved now: Bin collections Road closures" in page.text
    assert everything(who)[0] == [("bins", ["email"]), ("road-closures", ["email"])]
    assert client.post("/my/change/topics", data=page.fields).status_code == 303
    assert everything(who)[0] == [("emergencies", ["email"])]
    assert client.post("/my/change/name", data=name_tab | {"name": "Samira"}).status_code == 303  # another question


def test_saving_no_topic_says_what_it_means_first(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", topics=["bins", "emergencies"])
    sign_in(client, "sam@example.org")
    answer = change_my(client, "topics", topic=[])
    assert (answer.status_code, answer.headers["location"]) == (303, "/my/stop")
    assert len(everything(who)[0]) == 2
    page = Page(client.get("/my/stop").text)
    assert "no alerts at all, not even about emergencies" in page.text
    assert "Bin collections" in page.text
    assert client.post("/my/stop", data={"version": "old"}).status_code == 409
    assert client.post("/my/stop", data={"version": page.fields["version"]}).status_code == 303
    assert everything(who)[0] == []
    assert "We do not send you any alerts." in client.get("/my").text
    again = change_my(client, "topics", topic=topic_ids("bins"))
    assert (again.status_code, again.headers["location"]) == (303, "/my?saved=true")
    assert everything(who)[0] == [("bins", ["email"])]


def test_there_is_no_other_question(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org")
    sign_in(client, "sam@example.org")
    assert client.get("/my/change/nonsense").status_code == 404


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
