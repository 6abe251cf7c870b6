"""Password and code, sessions that end, and administrators' pages."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff import service
from notify.staff.audit_pages import as_csv
from notify.staff.audit_search import Line
from notify.staff.models import Officer, Role
from notify.staff.sign_in import break_glass
from tests.world import World, make_world, password_hash

Client = TestClient[Litestar]
PASSWORD = "four words nobody guesses"
EMAIL = "kim@example.org"


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
    client.follow_redirects = False
    return make_world()


@pytest.fixture
def officer(world: World) -> Officer:
    with transaction() as session:
        return service.create_officer(session, council_id=world.council_id, email=EMAIL, name="Kim", role=Role.ADMIN)


@pytest.fixture
def totp(officer: Officer) -> pyotp.TOTP:
    with transaction() as session:
        uri = break_glass.set_password(
            session, session.get_one(Officer, officer.id), password_hash(PASSWORD), actor="test"
        ).uri
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


def later(**by: float) -> None:
    moment = clock.now() + timedelta(**by)
    clock.use(lambda: moment)


def code(totp: pyotp.TOTP) -> str:
    return totp.at(clock.now())


def enter(client: Client, password: str, given: str, email: str = EMAIL) -> int:
    return client.post("/staff/sign-in", data={"email": email, "password": password, "code": given}).status_code


def test_password_and_code_open_a_session_and_a_code_works_once(client: Client, totp: pyotp.TOTP) -> None:
    given = code(totp)
    assert enter(client, PASSWORD, given) == 303
    assert client.get("/staff").status_code == 200
    client.cookies.clear()
    assert enter(client, PASSWORD, given) == 401


def test_wrong_or_missing_opens_nothing_and_looks_the_same(client: Client, totp: pyotp.TOTP) -> None:
    pages = set()
    for password, given, email in (
        ("wrong", code(totp), EMAIL),
        (PASSWORD, "000000", EMAIL),
        (PASSWORD, "", EMAIL),
        (PASSWORD, code(totp), "nobody@example.org"),
    ):
        answer = client.post("/staff/sign-in", data={"email": email, "password": password, "code": given})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        pages.add(answer.text.replace(email, ""))
    assert len(pages) == 1


def test_after_five_tries_the_right_answer_waits_too(client: Client, totp: pyotp.TOTP) -> None:
    later(seconds=0)
    for _ in range(5):
        assert enter(client, PASSWORD, "000000") == 401
    assert enter(client, PASSWORD, code(totp)) == 401
    later(seconds=61)
    assert enter(client, "wrong", code(totp)) == 401
    later(seconds=61)
    assert enter(client, PASSWORD, code(totp)) == 401
    later(seconds=61)
    assert enter(client, PASSWORD, code(totp)) == 303


def test_a_session_ends_after_half_an_hour_of_nothing(client: Client, totp: pyotp.TOTP) -> None:
    enter(client, PASSWORD, code(totp))
    for _ in range(3):
        later(minutes=29)
        assert client.get("/staff").status_code == 200
    later(minutes=31)
    assert client.get("/staff").status_code == 401


def test_signing_in_and_confirming_give_another_secret(client: Client, totp: pyotp.TOTP) -> None:
    enter(client, PASSWORD, code(totp))
    first = client.cookies["officer"]
    later(minutes=6)
    assert client.post("/staff/confirm", data={"code": "000000"}).status_code == 422
    assert client.post("/staff/confirm", data={"code": code(totp)}).status_code == 303
    second = client.cookies["officer"]
    later(minutes=1)
    enter(client, PASSWORD, code(totp))
    for old in (first, second):
        client.cookies.set("officer", old)
        assert client.get("/staff").status_code == 401


def test_a_change_of_rights_ends_sessions_at_once(client: Client, world: World, totp: pyotp.TOTP) -> None:
    enter(client, PASSWORD, code(totp))
    with transaction() as session:
        other = service.create_officer(
            session, council_id=world.council_id, email="ali@example.org", name="Ali", role=Role.ADMIN
        )
    me = client.get("/api/v1/officers").json()
    kim = next(one["id"] for one in me if one["email"] == EMAIL)
    assert client.post(f"/staff/officers/{other.id}", data={"role": "viewer", "active": "yes"}).status_code == 303
    assert client.post(f"/staff/officers/{kim}", data={"role": "viewer", "active": "yes"}).status_code == 409
    narrowed = {"role": "admin", "active": "yes", "topics": "bins"}
    assert client.post(f"/staff/officers/{kim}", data=narrowed).status_code == 409
    assert client.get("/staff").status_code == 200
    assert client.post(f"/staff/officers/{other.id}", data={"role": "admin", "active": "yes"}).status_code == 303
    assert client.post(f"/staff/officers/{kim}", data=narrowed).status_code == 303
    assert client.get("/staff").status_code == 401


def test_a_mobile_number_is_kept_for_urgent_messages_and_ends_no_session(client: Client, totp: pyotp.TOTP) -> None:
    enter(client, PASSWORD, code(totp))
    [kim] = [one for one in client.get("/api/v1/officers").json() if one["email"] == EMAIL]
    page, said = f"/staff/officers/{kim['id']}", {"role": kim["role"], "active": "yes"}
    wrong = client.post(page, data=said | {"phone": "01632 960"})
    assert (wrong.status_code, "Enter a UK mobile number" in wrong.text) == (422, True)
    for typed, kept in (("07700 900 321", "+447700900321"), ("", None)):
        assert client.post(page, data=said | {"phone": typed}).status_code == 303
        assert [one["phone"] for one in client.get("/api/v1/officers").json() if one["id"] == kim["id"]] == [kept]


def test_a_key_is_shown_once_and_ends_when_revoked(client: Client, totp: pyotp.TOTP) -> None:
    enter(client, PASSWORD, code(totp))
    shown = client.post("/staff/keys", data={"name": "website", "role": "author"}).text
    key = shown.partition("<code>notify_live")[2].partition("</code>")[0]
    headers = {"Authorization": f"Bearer notify_live{key}", "Accept": "*/*"}
    assert client.get("/api/v1/alerts", headers=headers).status_code == 200
    assert key not in client.get("/staff/keys").text
    assert client.post(f"/staff/keys/{key.split('_')[1]}/revoke").status_code == 303
    assert client.get("/api/v1/alerts", headers=headers).status_code == 401


def test_links_are_off_behind_https(client: Client, officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        token = service.create_sign_in_link(session, officer.id)
    secure = settings().model_copy(update={"base_url": "https://alerts.example.org"})
    monkeypatch.setattr("notify.staff.service.settings", lambda: secure)
    assert client.post(f"/staff/sign-in/{token}").status_code == 403


def test_the_audit_page_finds_by_word_and_name(client: Client, totp: pyotp.TOTP) -> None:
    enter(client, PASSWORD, code(totp))
    found = client.get("/staff/audit", params={"q": "Kim sign-in"}).text
    assert ("officer.sign-in" in found, "topic.create" in found) == (True, False)
    table = client.get("/staff/audit.csv", params={"q": "topic.create"})
    assert table.headers["content-type"].startswith("text/csv")
    assert (table.text.count("topic.create"), "officer.sign-in" in table.text) == (3, False)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    evil = f"{start}cmd"
    assert f"'{start}cmd" in as_csv([Line(1, clock.now(), evil, "a", "b", "c", "d", "e")])
