"""Postcodes, wards and addresses as councils have them: what is kept, and what the giver is told."""

from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from notify.core.db import transaction
from notify.subscribers.models import Contact, Place
from tests.subscribers.journey import BROWSER
from tests.subscribers.test_import import EVIDENCE, PATH
from tests.world import DISTRICT, NORTH, SOUTH, World, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def add(client: Client, world: World, email: str, **place: str) -> dict[str, Any]:
    body = {
        "contacts": [{"channel": "email", "address": email}],
        "places": [place],
        "topics": ["road-closures"],
        "consent": {"wording_version": "paper-1", "wording": "Yes.", "source": "paper"},
    }
    answer = client.post("/api/v1/subscribers", json=body, headers=world.headers)
    assert answer.status_code in (200, 201), answer.text
    added: dict[str, Any] = answer.json()
    return added


def only_place() -> Place:
    with transaction() as session:
        return session.exec(select(Place)).one()


def test_an_unknown_postcode_with_a_ward_of_the_council_keeps_the_ward(client: Client, world: World) -> None:
    added = add(client, world, "a@example.org", postcode="ZZ9 9ZZ", ward=SOUTH)
    kept = only_place()
    assert (kept.ward_code, kept.district_code, kept.ward_source) == (SOUTH, DISTRICT, "resident")
    assert (added["needs_review"], added["notes"]) == (True, ["ZZ9 9ZZ is not known."])


@pytest.mark.parametrize(
    ("postcode", "ward", "note"),
    [
        ("ZZ1 1AA", "Northside", "“Northside” is not the code of a ward"),
        ("ZZ1 1AA", "E05099999", "E05099999 is not a ward of your council"),
        ("ZZ1 1AA", SOUTH, f"does not lie in or near {SOUTH}"),
        ("ZZ9 9ZZ", "Northside", "“Northside” is not the code of a ward"),
        ("ZZ9 9ZZ", "E05099999", "E05099999 is not a ward of your council"),
        ("BT1 5GS", "", "Northern Ireland"),
    ],
)
def test_a_ward_or_postcode_that_is_not_used_is_reported(
    client: Client, world: World, postcode: str, ward: str, note: str
) -> None:
    added = add(client, world, "a@example.org", postcode=postcode, **({"ward": ward} if ward else {}))
    assert note in " ".join(added["notes"])
    assert only_place().ward_code == (NORTH if postcode == "ZZ1 1AA" else None)
    file = f"email,postcode,ward\nb@example.org,{postcode},{ward}\nc@example.org,ZZ1 1AA,\n"
    headers = world.headers | {"Content-Type": "text/csv"}
    report = client.post(PATH, params=EVIDENCE, content=file.encode(), headers=headers).json()
    assert (report["created"], report["noted"], [one["row"] for one in report["notes"]]) == (2, 1, [2])
    assert note in report["notes"][0]["reason"]


@pytest.mark.parametrize(("postcode", "kept"), [("ZZ2 1AA", SOUTH), ("ZZ9 9ZZ", None)])
def test_a_row_that_names_a_ward_that_has_ended_is_reported(
    client: Client, world: World, postcode: str, kept: str | None
) -> None:
    with transaction() as session:
        session.execute(text("DELETE FROM postcode WHERE ward_code = :north"), {"north": NORTH})
        session.execute(
            text("INSERT INTO area_succession VALUES (1, :north, :south, 1, business_now())"),
            {"north": NORTH, "south": SOUTH},
        )
    file = f"email,postcode,ward\na@example.org,ZZ2 1AA,{SOUTH}\nb@example.org,{postcode},{NORTH}\n"
    headers = world.headers | {"Content-Type": "text/csv"}
    report = client.post(PATH, params=EVIDENCE, content=file.encode(), headers=headers).json()
    assert (report["created"], report["noted"]) == (2, 1)
    [note] = report["notes"]
    assert note["row"] == 3
    ended = f"Northside ({NORTH}) has ended. What was there is now in Southside ({SOUTH}). The ward was not used."
    assert note["reason"].endswith(ended)
    with transaction() as session:
        of_people = select(Place.ward_code).join(Contact, col(Contact.subscriber_id) == col(Place.subscriber_id))
        wards = session.exec(of_people.order_by(Contact.address)).all()
    assert list(wards) == [SOUTH, kept]


def test_a_ward_near_the_postcode_is_the_residents_answer(client: Client, world: World) -> None:
    assert add(client, world, "a@example.org", postcode="ZZ1 1AD", ward=f" {SOUTH}\u200b")["notes"] == []
    assert (only_place().ward_code, only_place().ward_source) == (SOUTH, "resident")


@pytest.mark.parametrize(
    ("postcode", "words"),
    [
        ("JE2 4WD", "Jersey"),
        ("GY1 1AA", "Guernsey"),
        ("IM1 1AA", "Isle of Man"),
        ("BFPO 801", "BFPO"),
        ("BF1 2AT", "BFPO"),
        ("BT1 5GS", "Northern Ireland"),
    ],
)
def test_postcodes_elsewhere_get_sentences_of_their_own(
    client: Client, world: World, postcode: str, words: str
) -> None:
    signing_up = client.post("/sign-up/postcode", data={"postcode": postcode}, headers=BROWSER, follow_redirects=True)
    asked = client.get(f"/api/v1/postcodes/{postcode}")
    around = {"topic": "road-closures", "audience": {"circle": {"postcode": postcode, "radius_m": 100}}}
    counted = client.post("/api/v1/audiences", json=around, headers=world.headers)
    assert asked.status_code in (404, 422)
    for answer in (signing_up, asked, counted):
        assert words in answer.text


@pytest.mark.parametrize("unseen", ["\u200b", "\u00ad", "\u200e", "\u2067", "\ufeff", "\u00a0", "\u2060", "\u202f"])
def test_nothing_unseen_stays_in_an_address_or_a_slug(client: Client, world: World, unseen: str) -> None:
    body = {
        "contacts": [
            {"channel": "email", "address": f"{unseen}sam@{unseen}example.org{unseen}"},
            {"channel": "sms", "address": f"07700{unseen}900123"},
        ],
        "places": [{"postcode": f"ZZ1{unseen} 1AA"}],
        "topics": [f"road-{unseen}closures"],
        "consent": {"wording_version": "paper-1", "wording": "Yes.", "source": "paper"},
    }
    answer = client.post("/api/v1/subscribers", json=body, headers=world.headers)
    assert answer.status_code == 201, answer.text
    with transaction() as session:
        addresses = sorted(contact.address for contact in session.exec(select(Contact)))
    assert addresses == ["+447700900123", "sam@example.org"]
    topic = client.post(
        "/api/v1/topics", json={"slug": f"school{unseen}-dinners", "name": "School dinners"}, headers=world.headers
    )
    assert topic.json()["slug"] == "school-dinners"


def test_the_day_of_consent_is_read_however_it_is_said_and_no_other_day_is_made_of_it(
    client: Client, world: World
) -> None:
    file = (
        "email,given_at\na@example.org,3 Dec 2025\nb@example.org,31/2/2025\nc@example.org,3/12/25\n"
        "d@example.org,2025-12-03T09:30\ne@example.org,3 December 2025 9.30am\n"
    )
    headers = world.headers | {"Content-Type": "text/csv"}
    report = client.post(PATH, params=EVIDENCE | {"topics": "road-closures"}, content=file.encode(), headers=headers)
    assert report.json()["created"] == 4, report.text
    [problem] = report.json()["problems"]
    assert (problem["row"], "31 February 2025 is not a date" in problem["reason"]) == (3, True)


def test_a_link_without_its_beginning_gets_it(client: Client, world: World) -> None:
    alert = {"topic": "road-closures", "title": "Closed", "body": "Until noon.", "link": "example.org/roads"}
    headers = world.headers | {"Idempotency-Key": "1"}
    answer = client.post("/api/v1/alerts", json=alert, headers=headers)
    assert answer.json()["link"] == "https://example.org/roads"


def test_a_receiver_without_its_beginning_gets_it(client: Client, world: World) -> None:
    body = {
        "contacts": [{"channel": "webhook", "address": "example.org/alerts"}],
        "topics": ["road-closures"],
        "consent": {"wording_version": "paper-1", "wording": "Yes.", "source": "paper"},
    }
    assert client.post("/api/v1/subscribers", json=body, headers=world.headers).status_code == 201
    with transaction() as session:
        assert session.exec(select(Contact.address)).one() == "https://example.org/alerts"
