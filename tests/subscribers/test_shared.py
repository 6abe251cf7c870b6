"""Residents whom several councils write to: what one council may see and change of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.db import transaction
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic
from tests.world import World, add_resident, make_key, make_world

Client = TestClient[Litestar]
CONSENT = {"wording_version": "v1", "wording": "Yes, the county may write.", "source": "phone"}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def county(world: World) -> World:
    """Another council, elsewhere, with a topic of its own."""
    with transaction() as session:
        council = staff.create_council(session, slug="far", name="Far Council", district_codes=["Z07000009"])
        subscribers.create_topic(
            session, council_id=council.id, actor="test", new=NewTopic(slug="potholes", name="Potholes")
        )
        key = staff.create_key(session, council_id=council.id, name="far", role=Role.ADMIN, mode=KeyMode.LIVE)
    return World(council.id, key)


def add(client: Client, council: World, **fields: object) -> Response:
    body = {"contacts": [{"channel": "email", "address": "ann@example.org"}], "topics": ["potholes"]}
    return client.post("/api/v1/subscribers", json=body | {"consent": CONSENT} | fields, headers=council.headers)


def test_a_council_sees_only_the_ways_and_places_that_are_its_own(client: Client, world: World, county: World) -> None:
    ann = add_resident(world, "ann@example.org", phone="07700 900001", postcodes=["ZZ1 1AA"])
    assert add(client, county).status_code == 200
    seen = client.get(f"/api/v1/subscribers/{ann}", headers=county.headers).json()
    assert [contact["channel"] for contact in seen["contacts"]] == ["email"]
    assert seen["places"] == []
    own = client.get(f"/api/v1/subscribers/{ann}", headers=world.headers).json()
    assert len(own["contacts"]) == 2
    assert len(own["places"]) == 1


@pytest.mark.parametrize("change", [{"places": []}, {"name": "Bob"}, {"language": "cy"}])
def test_a_council_cannot_change_a_person_it_shares(
    client: Client, world: World, county: World, change: dict[str, object]
) -> None:
    ann = add_resident(world, "ann@example.org")
    add(client, county)
    reply = client.patch(f"/api/v1/subscribers/{ann}", json=change, headers=county.headers)
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/shared-subscriber")
    asked = {"topic": "road-closures", "audience": {"wards": ["Z05000001"]}}
    assert client.post("/api/v1/audiences", json=asked, headers=world.headers).json()["people"] == 1


def test_nobody_is_counted_without_evidence_that_they_agreed(client: Client, world: World) -> None:
    ann = add_resident(world, "ann@example.org")
    address = f"/api/v1/subscribers/{ann}"
    assert client.patch(address, json={"tracking_consent": True}, headers=world.headers).status_code == 422
    agreed = {"tracking_consent": True, "consent": CONSENT}
    assert client.patch(address, json=agreed, headers=world.headers).status_code == 200
    with transaction() as session:
        lines = session.execute(text("SELECT action FROM consent WHERE channel = 'tracking'")).scalars().all()
    assert lines == ["given"]


def test_a_confirmed_address_is_not_asked_again_for_a_council(client: Client, world: World, county: World) -> None:
    add_resident(world, "ann@example.org")
    reply = add(client, county, confirm=True)
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/already-subscribed")


def test_two_councils_may_call_their_wordings_the_same(client: Client, world: World, county: World) -> None:
    assert add(client, county).status_code == 201
    other = CONSENT | {"wording": "Yes, the district may write."}
    assert add(client, world, topics=["bins"], consent=other).status_code == 200


def test_a_rehearsal_changes_no_resident(client: Client, world: World) -> None:
    headers = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    body = {"contacts": [{"channel": "email", "address": "ann@example.org"}], "topics": ["bins"], "consent": CONSENT}
    assert client.post("/api/v1/subscribers", json=body, headers=headers).status_code == 403


def test_places_added_at_once_never_share_a_position(client: Client, world: World) -> None:
    ann = add_resident(world, "ann@example.org", postcodes=[])

    def add_place(postcode: str) -> int:
        fields = {"topics": ["road-closures"], "places": [{"postcode": postcode}]}
        return int(add(client, world, **fields).status_code)

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(add_place, ["ZZ1 1AA", "ZZ1 1AB", "ZZ2 1AA", "ZZ2 1AB"]))
    assert codes == [200] * 4
    with transaction() as session:
        found = session.execute(
            text("SELECT position FROM place WHERE subscriber_id = :s ORDER BY position"), {"s": ann}
        ).scalars()
        assert list(found) == [0, 1, 2, 3]
