"""Administrators keep how users get in: invitations, sessions, a lost second factor that two of them give anew."""

import re
from datetime import timedelta
from uuid import UUID

import pyotp
import pytest
from sqlmodel import select

from notify.core import clock, tokens
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from tests.alerts.calls import Client
from tests.world import NORTH, World, administrator, make_other_council, make_world, session_of

PATH = "/staff/officers"
OLD_SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


def officer(world: World, name: str, role: Role = Role.AUTHOR, *, has_app: bool = False) -> tuple[UUID, dict[str, str]]:
    """A user who is signed in with a second factor: their id and the headers of their browser."""
    with transaction() as session:
        one = staff.create_officer(
            session, council_id=world.council_id, email=f"{name.lower()}@example.org", name=name, role=role
        )
        one.totp_secret = tokens.seal("totp", OLD_SECRET) if has_app else None
        return one.id, session_of(session, one, mfa_at=clock.now())


def test_topics_and_wards_are_chosen_by_name(client: Client, world: World) -> None:
    sam, _ = officer(world, "Sam")
    admin = administrator(world)
    page = client.get(f"{PATH}/{sam}", headers=admin).text
    assert "Northside" in page
    assert "Bin collections" in page
    said = {"role": "author", "topics": ["bins", "road-closures"], "areas": NORTH, "active": "yes"}
    assert client.post(f"{PATH}/{sam}", data=said, headers=admin).status_code == 303
    listed = client.get(PATH, headers=admin).text
    assert "Bin collections, Road closures, Northside" in listed
    assert NORTH not in listed


def test_sessions_are_listed_and_ended(client: Client, world: World) -> None:
    sam, browser = officer(world, "Sam")
    admin = administrator(world)
    [one] = client.get(f"/api/v1/officers/{sam}/sessions", headers=admin).json()
    assert one["seen_at"]
    wrong = client.post(f"/api/v1/officers/{sam}/sessions/end", json={"key": "00"}, headers=admin)
    assert (wrong.status_code, wrong.json()["type"]) == (404, "/problems/unknown-session")
    done = client.post(f"{PATH}/{sam}/sessions/end", data={"key": one["key"]}, headers=admin)
    assert done.status_code == 303
    assert client.get("/staff", headers=browser).status_code == 401
    assert "They are not signed in." in client.get(f"{PATH}/{sam}", headers=admin).text
    assert "Last active" in client.get(PATH, headers=admin).text


def test_an_invitation_expires_and_can_be_withdrawn(client: Client, world: World) -> None:
    admin = administrator(world)
    new = {"email": "sam@example.org", "name": "Sam", "role": "author"}
    sam = client.post("/api/v1/officers", json=new, headers=admin).json()
    assert sam["invited_until"]
    assert "Invited" in client.get(PATH, headers=admin).text
    with transaction() as session:
        session.get_one(Officer, UUID(sam["id"])).invited_until = clock.now() - timedelta(days=1)
    assert "Invitation expired" in client.get(PATH, headers=admin).text
    assert client.post(f"{PATH}/{sam['id']}/withdraw", headers=admin).status_code == 303
    assert "Suspended" in client.get(PATH, headers=admin).text
    again = client.post(f"/api/v1/officers/{sam['id']}/withdraw", headers=admin)
    assert again.json()["type"] == "/problems/no-invitation"


def test_a_lost_second_factor_needs_two_administrators(client: Client, world: World) -> None:
    sam, browser = officer(world, "Sam", has_app=True)
    kim, asks = officer(world, "Kim", Role.ADMIN)
    body = {"reason": "Lost their phone."}
    alone = client.post(f"/api/v1/officers/{sam}/second-factor", json=body, headers=asks)
    assert (alone.status_code, alone.json()["type"]) == (409, "/problems/only-administrator")
    _, agrees = officer(world, "Lee", Role.ADMIN)
    asked = client.post(f"/api/v1/officers/{sam}/second-factor", json=body, headers=asks)
    assert (asked.status_code, asked.json()["asked_by"]) == (202, str(kim))
    own = client.post(f"{PATH}/{sam}/second-factor/agree", headers=asks)
    assert own.status_code == 403
    with transaction() as session:
        assert tokens.unseal("totp", session.get_one(Officer, sam).totp_secret or "") == OLD_SECRET
    page = client.post(f"{PATH}/{sam}/second-factor/agree", headers=agrees)
    found = re.search(r"secret=([A-Z2-7]+)", page.text)
    assert found
    with transaction() as session:
        stored = session.exec(select(Officer.totp_secret).where(Officer.id == sam)).one()
    assert tokens.unseal("totp", stored or "") == found[1] != OLD_SECRET
    assert pyotp.TOTP(found[1]).now()
    assert client.get("/staff", headers=browser).status_code == 401
    assert client.post(f"{PATH}/{sam}/second-factor/agree", headers=agrees).status_code == 404


@pytest.mark.parametrize("where", ["at another council", "as an operator"])
def test_administrators_of_one_council_replace_no_factor_that_counts_beyond_it(
    client: Client, world: World, where: str
) -> None:
    sam, _ = officer(world, "Sam", has_app=True)
    officer(world, "Kim", Role.ADMIN)
    asks, agrees = administrator(world), administrator(world)
    body = {"reason": "Lost their phone."}
    assert client.post(f"/api/v1/officers/{sam}/second-factor", json=body, headers=asks).status_code == 202
    if where == "as an operator":
        with transaction() as session:
            session.get_one(Officer, sam).is_operator = True
    else:
        officer(make_other_council(), "Sam")
    assert client.post(f"{PATH}/{sam}/second-factor/agree", headers=agrees).status_code == 403
    again = client.post(f"/api/v1/officers/{sam}/second-factor", json=body, headers=asks)
    assert (again.status_code, again.json()["type"]) == (403, "/problems/factor-of-others")
    assert "notify officer password sam@example.org" in again.json()["detail"]
    with transaction() as session:
        assert tokens.unseal("totp", session.get_one(Officer, sam).totp_secret or "") == OLD_SECRET


def test_who_has_no_app_here_gets_none(client: Client, world: World) -> None:
    sam, _ = officer(world, "Sam")
    reply = client.post(f"/api/v1/officers/{sam}/second-factor", json={"reason": "x"}, headers=administrator(world))
    assert reply.json()["type"] == "/problems/no-second-factor"


def test_a_page_says_who_may_do_what(client: Client, world: World) -> None:
    _, viewer = officer(world, "Vi", Role.VIEWER)
    page = client.get("/staff/rights", headers=viewer).text
    assert "Broadcast emergencies" in page
    assert "Councillor sender" in page
    table = client.get("/api/v1/rights", headers=world.headers).json()
    by_role = {one["role"]: one for one in table}
    assert by_role["councillor-sender"]["rights"] == ["see alerts", "write alerts"]
    assert "broadcast emergencies" in by_role["planner"]["rights"]
