"""The operator's pages: councils are created, renamed, given an address, merged, closed and opened again."""

from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import AlertState
from notify.core import clock
from notify.core.db import transaction
from notify.exports import retention
from notify.staff import service as staff
from notify.staff import users
from notify.staff.models import AuditEntry, Council, Officer, Role
from tests.alerts.calls import created, state
from tests.subscribers.journey import BROWSER
from tests.world import World, add_resident, desk_of, make_key, make_other_council, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
PATH = "/staff/councils"


def operator_of(world: World, *, is_here: bool = True) -> Headers:
    """The browser of somebody who runs the installation."""
    with transaction() as session:
        kim = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.VIEWER
        )
        users.set_operator(session, kim, is_operator=True, actor="test")
    return desk_of(kim, mfa_at=clock.now() if is_here else None)


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


def council(session: Session, slug: str) -> Council:
    return session.exec(select(Council).where(Council.slug == slug)).one()


def done(client: Client, desk: Headers, of: str, deed: str, **fields: str) -> tuple[int, str]:
    answer = client.post(f"{PATH}/{of}/{deed}", data=fields, headers=desk)
    return answer.status_code, answer.headers.get("location", "")


def test_an_operator_creates_renames_and_moves_a_council(client: Client, world: World) -> None:
    desk = operator_of(world)
    new = {"name": "East Council", "slug": "east", "districts": "Z07000002 z07000003"}
    assert client.post(PATH, data=new, headers=desk).headers["location"] == f"{PATH}/east?saved=created"
    assert done(client, desk, "east", "rename", name="Newshire", slug="newshire") == (
        303,
        f"{PATH}/newshire?saved=rename",
    )
    assert done(client, desk, "newshire", "districts", remove="Z07000003", add="Z07000004")[0] == 303
    assert done(client, desk, "newshire", "address", path="newshire-alerts")[0] == 303
    page = client.get(f"{PATH}/newshire?saved=address", headers=desk).text
    assert "Newshire" in page
    assert "Z07000002, Z07000004" in page
    assert "/newshire-alerts" in page
    assert "– Newshire</title>" in client.get("/newshire-alerts/alerts", headers=BROWSER).text
    assert "Newshire" in client.get(PATH, headers=desk).text
    with transaction() as session:
        made = council(session, "newshire").id
        written = select(AuditEntry.action).where(AuditEntry.council_id == made)
        actions = session.exec(written.order_by(col(AuditEntry.id))).all()
        actors = set(session.exec(select(AuditEntry.actor).where(AuditEntry.council_id == made)).all())
    assert actions == ["council.create", "council.rename", "council.districts", "council.settings"]
    assert all(actor.startswith("officer:") for actor in actors)


@pytest.mark.parametrize(
    ("deed", "fields", "said"),
    [
        ("rename", {"name": ""}, "Enter the council&#39;s new name."),
        ("districts", {}, "Enter codes of districts"),
        ("districts", {"add": "Northside"}, "E07000008"),
        ("address", {"path": "alerts"}, "cannot be used"),
        ("address", {"domain": "https://example.org"}, "alerts.example.org"),
        ("merge", {}, "Choose the council that takes over."),
        ("merge", {"into": "far"}, "Select the box to confirm"),
        ("close", {}, "Select the box to confirm"),
        ("reopen", {}, "is open"),
    ],
)
def test_what_cannot_be_done_is_said_beside_its_field(
    client: Client, world: World, deed: str, fields: dict[str, str], said: str
) -> None:
    desk = operator_of(world)
    make_other_council()
    answer = client.post(f"{PATH}/zed/{deed}", data=fields, headers=desk)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text[3000:]


def test_each_change_needs_a_fresh_second_factor_and_leads_back(client: Client, world: World) -> None:
    desk = operator_of(world, is_here=False)
    assert client.get(f"{PATH}/zed", headers=desk).is_success
    status, location = done(client, desk, "zed", "close", yes="yes")
    assert (status, location.startswith("/staff/confirm?back=%2Fstaff%2Fcouncils%2Fzed")) == (303, True)
    with transaction() as session:
        assert council(session, "zed").closed_at is None


def test_an_administrator_who_is_no_operator_gets_in_nowhere(client: Client, world: World) -> None:
    with transaction() as session:
        sam = staff.create_officer(
            session, council_id=world.council_id, email="sam@example.org", name="Sam", role=Role.ADMIN
        )
    desk = desk_of(sam, mfa_at=clock.now())
    assert client.get(PATH, headers=desk).status_code == 403
    assert done(client, desk, "zed", "close", yes="yes")[0] == 403
    assert client.get(PATH, headers=world.headers).status_code == 403
    assert "/staff/councils" not in client.get("/staff", headers=desk).text


def test_two_councils_become_one(client: Client, world: World) -> None:
    desk = operator_of(world)
    make_other_council(districts=["Z07000009"])
    assert done(client, desk, "far", "merge", into="zed", yes="yes")[0] == 303
    with transaction() as session:
        assert council(session, "far").merged_into_id == world.council_id
    assert "Part of Zed Council" in client.get(PATH, headers=desk).text


def test_a_closed_council_sends_nothing_signs_nobody_up_and_says_so(client: Client, world: World) -> None:
    desk = operator_of(make_other_council(districts=["Z07000009"]))
    waiting = created(client, world.headers, send=True, send_at=(clock.now() + timedelta(days=2)).isoformat())
    assert done(client, desk, "zed", "close", yes="yes")[0] == 303
    assert state(client, world.headers, waiting["id"]) == AlertState.CANCELLED
    refused = client.post("/api/v1/subscribers", json={}, headers=world.headers)
    assert (refused.status_code, "has closed" in refused.json()["detail"]) == (403, True)
    alert = {"topic": "bins", "title": "T", "body": "B."}
    headers = world.headers | {"Idempotency-Key": "1"}
    assert client.post("/api/v1/alerts", json=alert, headers=headers).status_code == 403
    sign_up = client.post("/sign-up/postcode", data={"postcode": "ZZ1 1AA"}, headers=BROWSER, follow_redirects=True)
    assert sign_up.status_code == 422
    assert "Zed Council has sent no alerts with this service since" in client.get("/alerts?council=zed").text
    assert "Zed Council" not in client.get("/topics", headers=BROWSER).text
    assert done(client, desk, "zed", "close", yes="yes")[0] == 422
    assert done(client, desk, "zed", "reopen") == (303, f"{PATH}/zed?saved=reopen")
    assert client.post("/api/v1/alerts", json=alert, headers=headers).status_code == 201


def test_residents_of_a_closed_council_are_erased_after_the_retention_period(client: Client, world: World) -> None:
    desk = operator_of(make_other_council(districts=["Z07000009"]))
    add_resident(world, "ann@example.org")
    assert done(client, desk, "zed", "close", yes="yes")[0] == 303
    left = text("SELECT count(*) FROM contact")
    for days, contacts in ((10, 1), (31, 0)):
        with transaction() as session:
            council(session, "zed").closed_at = clock.now() - timedelta(days=days)
        retention.run()
        with transaction() as session:
            assert session.execute(left).scalar_one() == contacts


def test_users_of_a_closed_council_look_and_export(client: Client, world: World) -> None:
    desk = operator_of(make_other_council(districts=["Z07000009"]))
    key = make_key(world, Role.ADMIN)
    assert done(client, desk, "zed", "close", yes="yes")[0] == 303
    assert client.get("/api/v1/alerts", headers=key).is_success
    assert client.patch("/api/v1/council", json={}, headers=key).status_code == 403


def test_the_first_administrator_of_an_installation_runs_it(client: Client, world: World) -> None:
    with transaction() as session:
        assert not users.has_operator(session)
        first = Officer(council_id=world.council_id, email="a@example.org", name="A", role=Role.ADMIN)
        session.add(first)
        session.flush()
        users.set_operator(session, first, is_operator=True, actor="test")
        assert users.has_operator(session)
