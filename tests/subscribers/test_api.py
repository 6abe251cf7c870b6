"""Topics and subscribers at the JSON door."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.staff.guards import Right
from notify.staff.models import AuditEntry, Role
from notify.staff.rights import RIGHTS
from notify.subscribers.models import Consent, Contact, ServiceMessage, Subscriber
from tests.answers import said
from tests.world import NORTH, SOUTH, World, add_resident, make_key, make_world

Client = TestClient[Litestar]
CONSENT = {"wording_version": "paper-1", "wording": "Yes, write to me.", "source": "paper form"}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def stranger(world: World) -> dict[str, str]:
    """The key of another council."""
    from notify.staff import service as staff
    from notify.staff.models import KeyMode

    with transaction() as session:
        other = staff.create_council(session, slug="other", name="Other Council", district_codes=[])
        key = staff.create_key(session, council_id=other.id, name="other", role=Role.ADMIN, mode=KeyMode.LIVE)
    return {"Authorization": f"Bearer {key}"}


def resident(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "name": "Sam",
        "contacts": [{"channel": "email", "address": "sam@example.org"}],
        "places": [{"postcode": "ZZ1 1AA"}],
        "topics": ["bins"],
        "consent": CONSENT,
    }
    return body | changes


def test_topics_come_in_pages_by_short_name(client: Client, world: World) -> None:
    first = client.get("/api/v1/topics", params={"limit": 2}, headers=world.headers).json()
    second = client.get("/api/v1/topics", params={"limit": 2, "after": first["next"]}, headers=world.headers).json()
    assert [topic["slug"] for topic in first["topics"]] == ["bins", "emergencies"]
    assert [topic["slug"] for topic in second["topics"]] == ["road-closures"]
    assert second["next"] is None
    assert "id" not in first["topics"][0]
    assert "council_id" not in first["topics"][0]


def test_a_topic_is_made_once(client: Client, world: World) -> None:
    new = {"slug": "floods", "name": "Floods", "purpose": "emergency"}
    assert client.post("/api/v1/topics", json=new, headers=world.headers).status_code == 201
    again = client.post("/api/v1/topics", json=new, headers=world.headers)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/topic-exists")


def test_an_emergency_topic_cannot_be_tracked(client: Client, world: World) -> None:
    new = {"slug": "floods", "name": "Floods", "purpose": "emergency", "tracking_allowed": True}
    assert client.post("/api/v1/topics", json=new, headers=world.headers).status_code == 422


@pytest.mark.parametrize("slug", ["Bins", "bins and roads", "-bins", "bins\n", ""])
def test_a_short_name_is_plain(client: Client, world: World, slug: str) -> None:
    answer = client.post("/api/v1/topics", json={"slug": slug, "name": "Bins"}, headers=world.headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("limit", ["0", "501", "many"])
def test_a_limit_out_of_range_is_refused(client: Client, world: World, limit: str) -> None:
    answer = client.get("/api/v1/topics", params={"limit": limit}, headers=world.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_resident_is_created_and_then_updated(client: Client, world: World) -> None:
    created = client.post("/api/v1/subscribers", json=resident(), headers=world.headers)
    updated = client.post("/api/v1/subscribers", json=resident(topics=["road-closures"]), headers=world.headers)
    assert (created.status_code, created.json()["status"]) == (201, "created")
    assert (updated.status_code, updated.json()["status"]) == (200, "updated")
    assert created.json()["id"] == updated.json()["id"]
    seen = client.get(f"/api/v1/subscribers/{created.json()['id']}", headers=world.headers).json()
    assert [topic["topic"] for topic in seen["topics"]] == ["bins", "road-closures"]
    assert seen["places"][0]["postcode"] == "ZZ1 1AA"
    assert seen["places"][0]["ward_code"] == NORTH
    assert seen["contacts"][0]["confirmed_at"]


def test_a_webhook_gets_its_secret_once(client: Client, world: World) -> None:
    webhook = [{"channel": "webhook", "address": "https://example.org/alerts"}]
    created = client.post("/api/v1/subscribers", json=resident(contacts=webhook), headers=world.headers).json()
    again = client.post("/api/v1/subscribers", json=resident(contacts=webhook), headers=world.headers).json()
    assert created["webhook_secrets"][0].startswith("whsec_")
    assert again["webhook_secrets"] == []
    assert "whsec_" not in client.get(f"/api/v1/subscribers/{created['id']}", headers=world.headers).text


def test_an_unknown_postcode_is_kept_for_review(client: Client, world: World) -> None:
    answer = client.post("/api/v1/subscribers", json=resident(places=[{"postcode": "ZZ9 9ZZ"}]), headers=world.headers)
    assert (answer.status_code, answer.json()["needs_review"]) == (201, True)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"contacts": [{"channel": "email", "address": "nobody"}]}, "email address"),
        ({"contacts": [{"channel": "sms", "address": "020 7946 0000"}]}, "mobile"),
        ({"contacts": []}, "contacts"),
        ({"places": [{"postcode": "nowhere"}]}, "postcode"),
        ({"role": "admin"}, "role"),
        ({"consent": {"wording_version": "never heard of", "source": "phone"}}, "wording"),
        ({"name": "\0"}, "characters"),
    ],
)
def test_what_cannot_be_taken_is_explained(client: Client, world: World, changes: dict[str, object], word: str) -> None:
    answer = client.post("/api/v1/subscribers", json=resident(**changes), headers=world.headers)
    assert answer.status_code == 422
    assert word in answer.text
    with transaction() as session:
        assert session.exec(select(Subscriber)).all() == []


def test_confirm_writes_to_the_resident_and_to_nothing_else(client: Client, world: World) -> None:
    answer = client.post("/api/v1/subscribers", json=resident(confirm=True), headers=world.headers)
    assert answer.status_code == 201
    with transaction() as session:
        assert [contact.confirmed_at for contact in session.exec(select(Contact))] == [None]
        assert [notice.kind for notice in session.exec(select(ServiceMessage))] == ["confirm"]


def test_a_subscriber_of_another_council_looks_absent(client: Client, world: World, stranger: dict[str, str]) -> None:
    theirs = add_resident(world, "sam@example.org")
    for method in ("GET", "DELETE"):
        foreign = client.request(method, f"/api/v1/subscribers/{theirs}", headers=stranger)
        absent = client.request(method, f"/api/v1/subscribers/{uuid4()}", headers=stranger)
        assert (foreign.status_code, said(foreign)) == (404, said(absent))
    change = {"name": "Mine"}
    assert client.patch(f"/api/v1/subscribers/{theirs}", json=change, headers=stranger).status_code == 404
    assert client.get("/api/v1/subscribers", headers=stranger).json() == {"subscribers": [], "next": None}


def test_another_councils_topics_are_left_out(client: Client, world: World, stranger: dict[str, str]) -> None:
    theirs = add_resident(world, "sam@example.org", topics=["bins"])
    client.post("/api/v1/topics", json={"slug": "parks", "name": "Parks"}, headers=stranger)
    own = client.post("/api/v1/subscribers", json=resident(topics=["parks"]), headers=stranger)
    assert own.status_code == 201
    seen = client.get(f"/api/v1/subscribers/{own.json()['id']}", headers=stranger).json()
    assert [topic["topic"] for topic in seen["topics"]] == ["parks"]
    assert client.get(f"/api/v1/subscribers/{theirs}", headers=stranger).status_code == 404


def test_a_change_leaves_alone_what_it_does_not_name(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", name="Sam", topics=["bins", "road-closures"])
    changed = client.patch(f"/api/v1/subscribers/{who}", json={"language": "cy"}, headers=world.headers).json()
    assert (changed["name"], changed["language"]) == ("Sam", "cy")
    assert len(changed["topics"]) == 2
    assert len(changed["places"]) == 1


def test_topics_and_places_are_replaced(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", topics=["bins"])
    change = {"topics": ["road-closures"], "places": [{"postcode": "ZZ2 1AA", "label": "Work"}], "consent": CONSENT}
    changed = client.patch(f"/api/v1/subscribers/{who}", json=change, headers=world.headers).json()
    assert [topic["topic"] for topic in changed["topics"]] == ["road-closures"]
    assert [(place["ward_code"], place["label"]) for place in changed["places"]] == [(SOUTH, "Work")]
    with transaction() as session:
        lines = session.exec(select(Consent.action).where(Consent.subscriber_id == who).order_by(Consent.id)).all()  # type: ignore[arg-type]
    assert lines == ["given", "withdrawn", "given"]


def test_adding_a_topic_needs_evidence(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org", topics=["bins"])
    answer = client.patch(f"/api/v1/subscribers/{who}", json={"topics": ["road-closures"]}, headers=world.headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/wording-missing")


def test_erasing_leaves_only_nameless_lines(client: Client, world: World) -> None:
    who = add_resident(world, "sam@example.org")
    answer = client.delete(f"/api/v1/subscribers/{who}", headers=world.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/api/v1/subscribers/{who}", headers=world.headers).status_code == 404
    with transaction() as session:
        assert session.exec(select(Contact)).all() == []
        assert session.exec(select(Consent).where(Consent.subscriber_id == who)).all()
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "subscriber.erase")).one().actor[:4] == "key:"


def test_the_list_is_paged_in_the_order_of_coming(client: Client, world: World) -> None:
    ids = [add_resident(world, f"r{n}@example.org") for n in range(5)]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        answer = client.get("/api/v1/subscribers", params={"limit": "2"} | after, headers=world.headers).json()
        seen += [row["id"] for row in answer["subscribers"]]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert seen == [str(who) for who in ids]


def test_changed_since_finds_every_kind_of_change(client: Client, world: World) -> None:
    def changed(since: str) -> set[UUID]:
        answer = client.get("/api/v1/subscribers", params={"changed_since": since}, headers=world.headers)
        return {UUID(row["id"]) for row in answer.json()["subscribers"]}

    add_resident(world, "same@example.org")
    renamed, moved = add_resident(world, "a@example.org"), add_resident(world, "b@example.org")
    added = add_resident(world, "c@example.org", topics=["bins"])
    later = clock.now() + timedelta(hours=1)
    clock.use(lambda: later)
    client.patch(f"/api/v1/subscribers/{renamed}", json={"name": "New"}, headers=world.headers)
    client.patch(f"/api/v1/subscribers/{moved}", json={"places": []}, headers=world.headers)
    add_resident(world, "c@example.org", topics=["road-closures"])
    assert changed(later.isoformat()) == {renamed, moved, added}


def test_a_moment_without_its_zone_is_refused(client: Client, world: World) -> None:
    answer = client.get("/api/v1/subscribers", params={"changed_since": "2026-01-01T00:00:00"}, headers=world.headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/moment-without-zone")


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_the_table_says(client: Client, world: World, role: Role) -> None:
    headers = make_key(world, role)
    may_see = 200 if Right.SEE_SUBSCRIBERS in RIGHTS[role] else 403
    may_change = 201 if Right.CHANGE_SUBSCRIBERS in RIGHTS[role] else 403
    new_topic = {"slug": "parks", "name": "Parks"}
    assert client.get("/api/v1/topics", headers=headers).status_code == 200
    assert client.post("/api/v1/subscribers", json=resident(), headers=headers).status_code == may_change
    assert client.get("/api/v1/subscribers", headers=headers).status_code == may_see
    made = client.post("/api/v1/topics", json=new_topic, headers=headers)
    assert made.status_code == (201 if role == Role.ADMIN else 403)


def test_nobody_sees_anything_without_a_key(client: Client, world: World) -> None:
    for path in ("/api/v1/topics", "/api/v1/subscribers", f"/api/v1/subscribers/{uuid4()}"):
        assert client.get(path).status_code == 401
