"""Moving house, and taking one's data along as a table."""

import csv
import io
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from notify.core import csv_cells
from notify.core.db import transaction
from notify.staff import service as staff
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic, Place, Subscription, Topic
from tests.subscribers.html import Page, broken_anchors
from tests.subscribers.journey import BROWSER, sign_in
from tests.subscribers.places import FAR_DISTRICT, NEAR, UNKNOWN
from tests.world import NORTH, SOUTH, World, add_resident, make_world

Client = TestClient[Litestar]
FAR = "ZZ8 1AA"


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def place_ids() -> list[UUID]:
    with transaction() as session:
        return list(session.exec(select(Place.id).order_by(col(Place.position))).all())


def places() -> list[tuple[str, str, str | None]]:
    with transaction() as session:
        rows = session.exec(select(Place.postcode, Place.label, Place.ward_code).order_by(Place.postcode)).all()
        return [(postcode, label, ward) for postcode, label, ward in rows]


def add_far_council() -> None:
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO postcode (release_id, key, district_code, ward_code) VALUES (1, 'ZZ81AA', :d, 'Z05000009')"
            ),
            {"d": FAR_DISTRICT},
        )
        council = staff.create_council(session, slug="far", name="Far Council", district_codes=[FAR_DISTRICT])
        subscribers.create_topic(session, council_id=council.id, actor="test", new=NewTopic(slug="snow", name="Snow"))


def following() -> list[str]:
    with transaction() as session:
        statement = select(Topic.slug).join(Subscription).where(Subscription.ended_at == None)  # noqa: E711
        return sorted(session.exec(statement).all())


def test_a_place_moves_and_keeps_its_name_and_topics(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org", postcodes=["ZZ1 1AA"], topics=["bins"])
    sign_in(client, "sam@example.org")
    [place] = place_ids()
    assert "ZZ1 1AA" in client.get(f"/my/move/{place}").text
    reply = client.post(f"/my/move/{place}", data={"postcode": "zz2 1aa"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/my?saved=true")
    assert places() == [("ZZ21AA", "Home", SOUTH)]
    assert following() == ["bins"]


def test_near_a_boundary_the_ward_is_asked(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org", postcodes=["ZZ2 1AA"])
    sign_in(client, "sam@example.org")
    [place] = place_ids()
    asked = client.post(f"/my/move/{place}", data={"postcode": NEAR})
    page = Page(asked.text)
    assert (asked.status_code, "There is a problem" in page.text) == (200, False)  # nobody was asked yet
    unanswered = client.post(f"/my/move/{place}", data=page.fields | {"postcode": NEAR})
    page = Page(unanswered.text)
    assert unanswered.status_code == 422
    assert "Northside" in page.text
    assert not broken_anchors(page)
    assert client.post(f"/my/move/{place}", data={"postcode": NEAR, "ward": NORTH}).status_code == 303
    assert places() == [("ZZ11AD", "Home", NORTH)]


def test_topics_end_with_the_council_that_is_left(client: Client, world: World) -> None:
    add_far_council()
    add_resident(world, "sam@example.org", postcodes=["ZZ1 1AA"], topics=["bins"])
    sign_in(client, "sam@example.org")
    [place] = place_ids()
    assert client.post(f"/my/move/{place}", data={"postcode": FAR}).status_code == 303
    assert following() == []
    assert "Snow" in client.get("/my/change/topics").text


def test_topics_stay_while_another_place_needs_them(client: Client, world: World) -> None:
    add_far_council()
    add_resident(world, "sam@example.org", postcodes=["ZZ1 1AA", "ZZ2 1AA"], topics=["bins"])
    sign_in(client, "sam@example.org")
    assert client.post(f"/my/move/{place_ids()[0]}", data={"postcode": FAR}).status_code == 303
    assert following() == ["bins"]


@pytest.mark.parametrize("postcode", ["", "nowhere", UNKNOWN])
def test_a_postcode_that_leads_nowhere_moves_nothing(client: Client, world: World, postcode: str) -> None:
    add_resident(world, "sam@example.org", postcodes=["ZZ1 1AA"])
    sign_in(client, "sam@example.org")
    [place] = place_ids()
    reply = client.post(f"/my/move/{place}", data={"postcode": postcode})
    assert reply.status_code == 422
    assert places() == [("ZZ11AA", "Home", NORTH)]


def test_somebody_elses_place_is_not_there(client: Client, world: World) -> None:
    add_resident(world, "kim@example.org", postcodes=["ZZ2 1AA"])
    [other] = place_ids()
    add_resident(world, "sam@example.org", postcodes=["ZZ1 1AA"])
    sign_in(client, "sam@example.org")
    for place in (other, uuid4()):
        assert client.get(f"/my/move/{place}").status_code == 404
        assert client.post(f"/my/move/{place}", data={"postcode": "ZZ1 1AB"}).status_code == 404


def test_everything_held_comes_as_a_table_that_calculates_nothing(client: Client, world: World) -> None:
    add_resident(world, "sam@example.org", name='=HYPERLINK("https://example.com")')
    sign_in(client, "sam@example.org")
    reply = client.get("/my/data.csv")
    assert reply.headers["content-type"].startswith("text/csv")
    rows = dict(csv.reader(io.StringIO(reply.text)))
    assert rows["name"] == '\'=HYPERLINK("https://example.com")'
    assert rows["contacts 1 address"] == "sam@example.org"


@pytest.mark.parametrize("words", ["=1", "+1", "-1", "@A1", "\t=1", "\r=1"])
def test_no_cell_begins_like_a_formula(words: str) -> None:
    assert csv_cells.cell(words) == f"'{words}"
    assert csv_cells.cell(-1) == "-1"
