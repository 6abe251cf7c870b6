"""Who an officer is when alerts are seen, written and approved: remits, keys that belong to people, fresh proof."""

from uuid import uuid4

from litestar import Litestar
from litestar.testing import TestClient

from notify.alerts.models import AlertState
from notify.core import clock
from notify.core.db import transaction
from notify.staff import service
from notify.staff.guards import Right
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.rights import RIGHTS, roles_within
from notify.staff.sign_in import sessions
from notify.subscribers import service as subscribers
from notify.subscribers.models import ApprovalRule, NewTopic
from tests.alerts.calls import act, created, state
from tests.world import NORTH, SOUTH, World, council_key, make_key, make_world

Client = TestClient[Litestar]


def sign_in(client: Client, world: World, role: Role, *, is_here: bool = False, **limits: list[str]) -> Officer:
    """An officer of this role whose session the client carries from now on; with a second factor, if they `is_here`."""
    with transaction() as session:
        email = f"{uuid4()}@example.org"
        officer = service.create_officer(session, council_id=world.council_id, email=email, name="Sam", role=role)
        officer.topics, officer.areas = limits.get("topics", []), limits.get("areas", [])
        cookie = sessions.open_session(session, officer, mfa_at=clock.now() if is_here else None)
    client.cookies.set("officer", cookie)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    return officer


def key_of(officer: Officer, role: Role) -> dict[str, str]:
    with transaction() as session:
        key = service.create_key(
            session,
            council_id=officer.council_id,
            name="own",
            role=role,
            mode=KeyMode.LIVE,
            officer_id=officer.id,
        )
    return {"Authorization": f"Bearer {key}"}


def test_a_monitoring_officer_changes_nothing() -> None:
    changing = {right for right in Right if not right.name.startswith("SEE_")}
    assert not RIGHTS[Role.MONITORING] & changing


def test_a_councillor_sees_what_touches_their_ward_only(client: Client) -> None:
    world = make_world()
    here = created(client, world.headers, audience={"wards": [NORTH]})
    there = created(client, world.headers, audience={"wards": [SOUTH]})
    everyone = created(client, world.headers)
    by_postcode = created(client, world.headers, audience={"postcodes": ["ZZ1 1AA"]})
    sign_in(client, world, Role.COUNCILLOR, areas=[NORTH])
    listed = [one["id"] for one in client.get("/api/v1/alerts").json()["alerts"]]
    assert set(listed) == {here["id"], everyone["id"], by_postcode["id"]}
    assert client.get(f"/api/v1/alerts/{there['id']}").status_code == 404
    sign_in(client, world, Role.COUNCILLOR)
    assert client.get("/api/v1/alerts").json()["alerts"] == []


def test_an_author_writes_within_their_topics_and_areas_only(client: Client) -> None:
    world = make_world()
    officer = sign_in(client, world, Role.AUTHOR, topics=["bins"], areas=[NORTH])
    headers = key_of(officer, Role.AUTHOR)
    body = {"title": "T", "body": "B.", "topic": "bins", "audience": {"wards": [NORTH]}}
    for changed, status in (
        ({}, 201),
        ({"topic": "road-closures"}, 403),
        ({"audience": {"wards": [NORTH, SOUTH]}}, 403),
        ({"audience": None}, 403),
        ({"audience": {"postcodes": ["ZZ2 1AA"]}}, 403),
    ):
        answer = client.post(
            "/api/v1/alerts", json={**body, **changed}, headers={**headers, "Idempotency-Key": str(uuid4())}
        )
        assert answer.status_code == status, (changed, answer.text)


def test_one_person_with_two_keys_is_one_person(client: Client) -> None:
    world = make_world()
    officer = sign_in(client, world, Role.ADMIN)
    client.cookies.clear()
    one, two = key_of(officer, Role.ADMIN), key_of(officer, Role.APPROVER)

    with transaction() as session:
        new = NewTopic(slug="careful", name="Careful", approval=ApprovalRule.TWO)
        subscribers.create_topic(session, council_id=world.council_id, actor="test", new=new)
    own = created(client, one, topic="careful", send=True)
    assert act(client, two, own["id"], "approve").json()["type"] == "/problems/author-cannot-approve"
    other = created(client, world.headers, topic="careful", send=True)
    assert act(client, one, other["id"], "approve").status_code == 200
    assert act(client, two, other["id"], "approve").status_code == 409
    assert state(client, world.headers, other["id"]) == AlertState.SUBMITTED


def test_the_councils_own_keys_are_one_person_together(client: Client) -> None:
    world = make_world()
    with transaction() as session:
        for slug, rule in (("one", ApprovalRule.ONE), ("two", ApprovalRule.TWO)):
            new = NewTopic(slug=slug, name=slug, approval=rule)
            subscribers.create_topic(session, council_id=world.council_id, actor="test", new=new)
    own = created(client, world.headers, topic="one", send=True)
    refused = act(client, council_key(world, Role.APPROVER), own["id"], "approve")
    assert refused.json()["type"] == "/problems/author-cannot-approve"
    assert act(client, make_key(world, Role.APPROVER), own["id"], "approve").json()["state"] == AlertState.SENDING

    officers = created(client, make_key(world, Role.AUTHOR), topic="two", send=True)
    assert act(client, world.headers, officers["id"], "approve").json()["state"] == AlertState.SUBMITTED
    assert act(client, council_key(world, Role.APPROVER), officers["id"], "approve").status_code == 409
    assert state(client, world.headers, officers["id"]) == AlertState.SUBMITTED


def test_an_emergency_is_approved_by_somebody_who_is_there(client: Client) -> None:
    world = make_world()
    alert = created(client, world.headers, topic="emergencies", priority="emergency")
    officer = sign_in(client, world, Role.PLANNER)
    answer = client.post(f"/api/v1/alerts/{alert['id']}/approve")
    assert answer.json()["type"] == "/problems/second-factor-needed"
    client.cookies.clear()
    for key in (key_of(officer, Role.PLANNER), council_key(world, Role.ADMIN)):
        assert act(client, key, alert["id"], "approve").json()["type"] == "/problems/second-factor-needed"


def test_a_key_ends_with_its_officers_rights(client: Client) -> None:
    world = make_world()
    officer = sign_in(client, world, Role.APPROVER)
    client.cookies.clear()
    headers = key_of(officer, Role.APPROVER)
    assert client.get("/api/v1/alerts", headers=headers).status_code == 200
    with transaction() as session:
        session.get_one(Officer, officer.id).role = Role.VIEWER
    assert client.get("/api/v1/alerts", headers=headers).status_code == 401
    assert Role.ADMIN not in roles_within(Role.PLANNER)
