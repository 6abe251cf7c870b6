"""Residents whom several councils write to: what one council may see and change of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import tokens
from notify.core.db import transaction
from notify.staff.models import KeyMode, Role
from tests.counting import exactly
from tests.world import World, add_resident, make_key, make_other_council, make_world

Client = TestClient[Litestar]
CONSENT = {"wording_version": "v1", "wording": "Yes, the county may write.", "source": "phone"}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def county(world: World) -> World:
    """Another council, elsewhere, with a topic of its own."""
    return make_other_council(districts=["Z07000009"], topics=["potholes"])


def add(client: Client, council: World, **fields: object) -> Response:
    body = {"contacts": [{"channel": "email", "address": "ann@example.org"}], "topics": ["potholes"]}
    return client.post("/api/v1/subscribers", json=body | {"consent": CONSENT} | fields, headers=council.headers)


def test_whoever_is_known_to_another_council_is_new(client: Client, world: World, county: World) -> None:
    ann = add_resident(world, "ann@example.org", phone="07700 900001", name="Ann", language="cy")
    added = add(client, county)
    assert (added.status_code, added.json()["status"]) == (201, "created")
    assert added.json()["id"] != str(ann)
    seen = client.get(f"/api/v1/subscribers/{added.json()['id']}", headers=county.headers).json()
    assert (seen["name"], seen["language"], seen["places"]) == ("", "en", [])
    assert [contact["channel"] for contact in seen["contacts"]] == ["email"]
    own = client.get(f"/api/v1/subscribers/{ann}", headers=world.headers).json()
    assert (own["name"], len(own["contacts"]), len(own["places"]), len(own["topics"])) == ("Ann", 2, 1, 1)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_councils_resident_is_not_there(client: Client, world: World, county: World, method: str) -> None:
    ann = add_resident(world, "ann@example.org")
    add(client, county)
    body = {"json": {"name": "Bob"}} if method == "PATCH" else {}
    reply = client.request(method, f"/api/v1/subscribers/{ann}", headers=county.headers, **body)  # type: ignore[arg-type]
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/unknown-subscriber")


def test_what_one_council_changes_and_erases_is_its_own(client: Client, world: World, county: World) -> None:
    ann = add_resident(world, "ann@example.org", name="Ann")
    other = add(client, county).json()["id"]
    change = {"name": "Bob", "places": [{"postcode": "ZZ2 1AA"}]}
    changed = client.patch(f"/api/v1/subscribers/{other}", json=change, headers=county.headers)
    assert changed.json()["name"] == "Bob"
    assert exactly(world, topic="road-closures", audience={"wards": ["Z05000001"]}).people == 1
    assert client.delete(f"/api/v1/subscribers/{other}", headers=county.headers).status_code == 204
    own = client.get(f"/api/v1/subscribers/{ann}", headers=world.headers).json()
    assert (own["name"], len(own["topics"]), len(own["places"])) == ("Ann", 1, 1)
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM subscriber")).scalar_one() == 1


def test_nobody_is_counted_without_evidence_that_they_agreed(client: Client, world: World) -> None:
    ann = add_resident(world, "ann@example.org")
    address = f"/api/v1/subscribers/{ann}"
    assert client.patch(address, json={"tracking_consent": True}, headers=world.headers).status_code == 422
    agreed = {"tracking_consent": True, "consent": CONSENT}
    assert client.patch(address, json=agreed, headers=world.headers).status_code == 200
    with transaction() as session:
        lines = session.execute(text("SELECT action FROM consent WHERE channel = 'tracking'")).scalars().all()
    assert lines == ["given"]


def test_a_confirmed_address_is_asked_about_what_is_new_there_and_by_another_council(
    client: Client, world: World, county: World
) -> None:
    add_resident(world, "ann@example.org")
    assert add(client, county, confirm=True).status_code == 201
    reply = add(client, world, topics=["bins"], confirm=True)
    assert (reply.status_code, reply.json()["status"], reply.json()["asked"]) == (200, "updated", ["email"])


def test_a_councils_proof_confirms_its_own_contact_only(client: Client, world: World, county: World) -> None:
    add_resident(world, "ann@example.org", confirm=True)
    assert add(client, county).status_code == 201
    with transaction() as session:
        rows = session.execute(text("SELECT council_id, confirmed_by FROM contact")).all()
    assert dict(rows) == {world.council_id: None, county.council_id: "council"}


def test_two_councils_may_call_their_wordings_the_same(client: Client, world: World, county: World) -> None:
    assert add(client, county).status_code == 201
    other = CONSENT | {"wording": "Yes, the district may write."}
    assert add(client, world, topics=["bins"], consent=other).status_code == 201


def test_a_receiver_of_two_councils_has_two_secrets(client: Client, world: World, county: World) -> None:
    receiver = {"contacts": [{"channel": "webhook", "address": "https://crm.example.org/hook"}]}
    first = add(client, world, topics=["bins"], **receiver).json()["webhook_secrets"]
    second = add(client, county, **receiver).json()["webhook_secrets"]
    assert len({*first, *second}) == 2
    [own] = client.get("/api/v1/webhook-endpoints", headers=county.headers).json()["endpoints"]
    changed = client.post(f"/api/v1/webhook-endpoints/{own['contact']}/secret", headers=county.headers)
    with transaction() as session:
        rows = session.execute(text("SELECT council_id, secret FROM contact")).all()
    kept = {row.council_id: tokens.open_secrets(row.secret) for row in rows}
    assert kept == {world.council_id: first[0], county.council_id: f"{changed.json()['secret']} {second[0]}"}
    [other] = client.get("/api/v1/webhook-endpoints", headers=world.headers).json()["endpoints"]
    assert client.post(f"/api/v1/webhook-endpoints/{other['contact']}/secret", headers=county.headers).is_client_error


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
