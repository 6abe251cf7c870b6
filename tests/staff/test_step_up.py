"""Users, keys and what is about people: only by somebody who is there, through whatever door, and by no key.

The doors are found by what they change: all are tried, and it is looked at who may do what afterwards, and at what the
audit trail says was taken out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.sign_in import break_glass
from tests.alerts.calls import created
from tests.staff.test_routes import doors
from tests.subscribers.html import Page
from tests.world import (
    World,
    add_resident,
    administrator,
    at_the_desk,
    council_key,
    desk_of,
    make_key,
    make_world,
    password_hash,
)

Client = TestClient[Litestar]
Headers = dict[str, str]

# as every form of users, keys and exports wants it, and every body of the API
FORM = {
    "role": "viewer", "name": "Mallory", "email": "m@example.org", "active": "yes", "data": "subscribers",
    "format": "csv",
}  # fmt: skip
JSON: Mapping[str, object] = {
    "POST /api/v1/keys": {"name": "Mallory", "role": "viewer"},
    "POST /api/v1/officers": {"name": "Mallory", "email": "mallory@example.org", "role": "viewer"},
    "POST /api/v1/officers/{officer_id:uuid}": {"role": "viewer"},
}
# whole rows, less what every use of a key and every wrong code writes
WHO_MAY_WHAT = (
    "SELECT to_jsonb(t) - '{failed_tries,locked_until,totp_step,last_active_at,invited_until}'::text[] "
    "FROM officer t ORDER BY id",
    "SELECT to_jsonb(t) - 'last_used_at' FROM api_key t ORDER BY id",
)
TAKEN = """
    SELECT count(*) FROM audit_entry WHERE actor = :actor
    AND (action IN ('extract.everything', 'alert.missed.download') OR action = 'extract.take')
"""
CHANGE = {
    "POST /api/v1/keys",
    "POST /api/v1/keys/{prefix:str}/revoke",
    "POST /api/v1/officers",
    "POST /api/v1/officers/{officer_id:uuid}",
    "POST /api/v1/officers/{officer_id:uuid}/withdraw",
    "POST /staff/officers/{officer_id:uuid}/withdraw",
    "POST /staff/keys",
    "POST /staff/keys/{prefix:str}/revoke",
    "POST /staff/officers",
    "POST /staff/officers/{officer_id:uuid}",
}
TAKE = {
    "GET /api/v1/extracts/{data_set:str}",
    "GET /staff/alerts/{alert_id:uuid}/missed.csv",
    "POST /staff/exports/everything",
    "POST /staff/exports/file",
}


@dataclass(frozen=True, slots=True)
class House:
    """A council with an alert, a resident, and an administrator who tries everything."""

    client: Client
    world: World
    officer: Officer
    names: dict[str, str] = field(default_factory=dict)

    def try_door(self, door: str, headers: Headers) -> Response:
        """Ask at a door for what it offers about this council."""
        method, _, path = door.partition(" ")
        for name, value in (self.names | {"prefix": self.victim()}).items():
            path = path.replace(f"{{{name}:uuid}}", value).replace(f"{{{name}:str}}", value)
        keyed = {**headers, "Idempotency-Key": door}
        if method != "GET" and path.startswith("/staff"):
            return self.client.post(path, data=FORM, headers=keyed, follow_redirects=False)
        return self.client.request(method, path, json=JSON.get(door), headers=keyed, follow_redirects=False)

    def victim(self) -> str:
        """The key that is there to be revoked, by its public part."""
        asked = "SELECT prefix FROM api_key WHERE name = 'victim' AND revoked_at IS NULL"
        with transaction() as session:
            return str(session.execute(text(asked)).scalar())

    def found(self, headers_for: Callable[[], Headers], asked: list[str], actor: str) -> tuple[set[str], set[str]]:
        """The doors that changed who may do what, and those that handed out what is about people."""
        changed, taken = set(), set()
        for door in asked:
            make_victims(self.world, self.names["officer_id"])
            before, had = state(), taken_by(actor)
            answer = self.try_door(door, headers_for())
            assert answer.status_code != 500, (door, answer.text)
            changed |= {door} if state() != before else set()
            taken |= {door} if taken_by(actor) > had else set()
        return changed, taken


def make_victims(world: World, officer_id: str) -> None:
    """Another officer as they were at first, and a key that can be revoked."""
    with transaction() as session:
        session.execute(text("UPDATE officer SET role = 'author' WHERE id = :id"), {"id": officer_id})
        there = text("SELECT 1 FROM api_key WHERE name = 'victim' AND revoked_at IS NULL")
        if session.execute(there).first() is None:
            staff.create_key(session, council_id=world.council_id, name="victim", role=Role.VIEWER, mode=KeyMode.LIVE)


def state() -> list[object]:
    """Who may do what."""
    with transaction() as session:
        return [[str(row) for row in session.execute(text(asked)).all()] for asked in WHO_MAY_WHAT]


def taken_by(actor: str) -> int:
    with transaction() as session:
        return int(session.execute(text(TAKEN), {"actor": actor}).scalar_one())


def app_of(enrolled: break_glass.Enrolment) -> pyotp.TOTP:
    """The authenticator app that was shown this."""
    return pyotp.TOTP(parse_qs(urlsplit(enrolled.uri).query)["secret"][0])


@pytest.fixture
def house(client: Client) -> House:
    world = make_world()
    add_resident(world, "ann@example.org", topics=["emergencies"])
    alert = created(client, world.headers)["id"]
    with transaction() as session:
        officer = staff.create_officer(
            session, council_id=world.council_id, email="sam@example.org", name="Sam", role=Role.ADMIN
        )
        other = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.AUTHOR
        )
        other_id = str(other.id)
    names = {"alert_id": alert, "officer_id": other_id, "data_set": "subscribers"}
    return House(client, world, officer, names)


def all_doors(app: Litestar) -> list[str]:
    """Every door; live pages never end, and signing out has nothing to do with it."""
    return sorted(door for door, _ in doors(app) if "{path" not in door and "/live" not in door)


def test_somebody_who_is_there_passes_exactly_these_doors(app: Litestar, house: House) -> None:
    actor = f"officer:{house.officer.id}"
    found = house.found(lambda: desk_of(house.officer, mfa_at=clock.now()), all_doors(app), actor)
    assert found == (CHANGE, TAKE)


def test_nobody_passes_them_whose_second_factor_is_old(app: Litestar, house: House) -> None:
    old = clock.now() - timedelta(minutes=5, seconds=1)
    actor = f"officer:{house.officer.id}"
    assert house.found(lambda: desk_of(house.officer, mfa_at=old), all_doors(app), actor) == (set(), set())
    assert house.found(lambda: desk_of(house.officer, mfa_at=None), sorted(CHANGE | TAKE), actor) == (set(), set())
    headers = desk_of(house.officer, mfa_at=old)
    for door in CHANGE | TAKE:
        answer = house.try_door(door, headers)
        if "/api/" in door:
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/second-factor-needed"), door
        else:
            assert (answer.status_code, answer.headers["location"][:20]) == (303, "/staff/confirm?back="), door


@pytest.mark.parametrize("whose", ["an officer's", "the council's"])
def test_no_key_passes_them_whatever_its_role(app: Litestar, house: House, whose: str) -> None:
    key = make_key(house.world, Role.ADMIN) if whose == "an officer's" else council_key(house.world, Role.ADMIN)
    actor = f"key:{key['Authorization'].split('_')[2]}"
    assert house.found(lambda: key, all_doors(app), actor) == (set(), set())
    refused = {door: house.try_door(door, key) for door in CHANGE | TAKE}
    assert {answer.status_code for answer in refused.values()} == {403}
    assert "Sign in and do it at /staff/officers" in refused["POST /api/v1/keys"].text
    assert "Sign in and take it at /staff/exports" in refused["GET /api/v1/extracts/{data_set:str}"].text


def test_no_key_reads_the_lists_of_users_and_keys(house: House) -> None:
    for path in ("/api/v1/officers", "/api/v1/keys", "/staff/officers", "/staff/keys"):
        assert house.client.get(path, headers=house.world.headers).status_code == 403, path
    personal = [one for one in house.client.get("/api/v1/extracts", headers=house.world.headers).json()]
    assert not [one["name"] for one in personal if one["personal"]]


def test_what_was_entered_is_there_after_the_second_factor(house: House) -> None:
    client = house.client
    with transaction() as session:
        enrolled = break_glass.set_password(
            session, session.get_one(Officer, house.officer.id), password_hash("x" * 12), actor="test"
        )
    totp = app_of(enrolled)
    client.headers.update(desk_of(house.officer, mfa_at=None))
    page = f"/staff/officers/{house.names['officer_id']}"
    entered = {"role": "approver", "topics": ["bins", "road-closures"], "areas": "Z05000001", "active": "yes"}
    asked = client.post(page, data=entered, follow_redirects=False).headers["location"]
    assert "Confirm that it is you" in client.get(asked).text
    assert client.post(asked, data={"code": "000000"}).status_code == 422
    answer = client.post(asked, data={"code": totp.now()}, follow_redirects=False)
    back = answer.headers["location"]
    assert (answer.status_code, urlsplit(back).path) == (303, page)
    client.headers["Cookie"] = f"officer={answer.cookies['officer']}"
    shown = Page(client.get(back).text).fields
    listed = {name: [value] if isinstance(value, str) else value for name, value in entered.items()}
    assert {name: value for name, value in shown.items() if name in entered} == listed
    assert client.post(page, data=entered, follow_redirects=False).headers["location"] == "/staff/officers"
    with transaction() as session:
        assert session.exec(select(Officer.role).where(Officer.email == "kim@example.org")).one() == Role.APPROVER


@pytest.mark.parametrize(
    "back",
    [
        "https://example.org/",
        "//example.org/staff",
        "/staff//example.org",
        "/staff/../sign-out",
        "/staffroom",
        "/staff\\x",
    ],
)
def test_confirming_leads_to_pages_of_the_desk_only(house: House, back: str) -> None:
    with transaction() as session:
        enrolled = break_glass.set_password(
            session, session.get_one(Officer, house.officer.id), password_hash("x" * 12), actor="test"
        )
    headers = desk_of(house.officer, mfa_at=None)
    code = {"code": app_of(enrolled).now()}
    answer = house.client.post(
        "/staff/confirm", params={"back": back}, data=code, headers=headers, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff")


def test_a_key_tries_no_codes_of_its_officer(house: House) -> None:
    key = make_key(house.world, Role.PLANNER)
    for _ in range(20):
        answer = house.client.post("/staff/confirm", data={"code": "000000"}, headers=key)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/second-factor-needed")
    with transaction() as session:
        assert set(session.exec(select(Officer.failed_tries))) == {0}


def test_choices_of_an_export_and_of_a_new_key_are_kept(house: House) -> None:
    stale = desk_of(house.officer, mfa_at=None)
    for path, entered in (
        ("/staff/exports/file", {"data": "subscribers", "format": "xlsx"}),
        ("/staff/keys", {"name": "Highways, east", "role": "author", "test": "yes"}),
    ):
        asked = house.client.post(path, data=entered, headers=stale, follow_redirects=False).headers["location"]
        [back] = parse_qs(urlsplit(asked).query)["back"]
        shown = Page(house.client.get(back, headers=stale).text).fields
        assert {name: shown[name][0] for name in entered} == entered


def test_a_file_about_nobody_needs_no_second_factor_and_a_key_takes_it(house: House) -> None:
    for headers in (desk_of(house.officer, mfa_at=None), house.world.headers):
        assert house.client.get("/api/v1/extracts/alerts?format=csv", headers=headers).status_code == 200


def test_what_administrators_see_of_keys_and_users_needs_no_second_factor(house: House) -> None:
    stale = desk_of(house.officer, mfa_at=None)
    for path in ("/staff/officers", "/staff/keys", "/api/v1/officers", "/api/v1/keys"):
        assert house.client.get(path, headers=stale).status_code == 200, path
    assert house.client.get("/staff/keys", headers=at_the_desk(make_key(house.world, Role.VIEWER))).status_code == 403
    assert house.client.get("/staff/keys", headers=administrator(house.world)).status_code == 200
