"""Officers sign in with a link that works once, and out again."""

import re
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff import service
from notify.staff.models import Officer, Role
from notify.web.cookies import session_cookie
from tests.world import World, make_world

Client = TestClient[Litestar]
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


@pytest.fixture
def officer(world: World) -> Officer:
    with transaction() as session:
        return service.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.AUTHOR
        )


@pytest.fixture
def token(officer: Officer) -> str:
    with transaction() as session:
        return service.create_sign_in_link(session, officer.id)


def test_looking_at_the_link_does_not_use_it(client: Client, token: str) -> None:
    for _ in range(3):
        shown = client.get(f"/staff/sign-in/{token}")
        assert (shown.status_code, f'action="/staff/sign-in/{token}"' in shown.text) == (200, True)
        assert "set-cookie" not in shown.headers
    assert client.post(f"/staff/sign-in/{token}").status_code == 303


def test_the_button_opens_eight_hours(client: Client, token: str) -> None:
    answer = client.post(f"/staff/sign-in/{token}")
    assert answer.headers["location"] == "/staff"
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"officer=[\w-]{43}; HttpOnly; Max-Age=28800; Path=/; SameSite=lax", cookie, re.IGNORECASE)
    assert client.get("/staff").status_code == 200
    later = clock.now() + timedelta(hours=8, minutes=1)
    clock.use(lambda: later)
    assert client.get("/staff").status_code == 401


def test_a_link_works_once(client: Client, token: str) -> None:
    client.post(f"/staff/sign-in/{token}")
    client.cookies.clear()
    again = client.post(f"/staff/sign-in/{token}")
    assert (again.status_code, "does not work" in again.text) == (404, True)


def test_a_link_works_ten_minutes(client: Client, token: str) -> None:
    later = clock.now() + timedelta(minutes=11)
    clock.use(lambda: later)
    assert client.post(f"/staff/sign-in/{token}").status_code == 404


def test_signing_out_ends_the_session_on_the_server(client: Client, token: str) -> None:
    client.post(f"/staff/sign-in/{token}")
    kept = client.cookies["officer"]
    assert client.post("/staff/sign-out").status_code == 303
    client.cookies.set("officer", kept)
    assert client.get("/staff").status_code == 401


def test_an_officer_who_left_is_out_at_once(client: Client, officer: Officer, token: str) -> None:
    client.post(f"/staff/sign-in/{token}")
    with transaction() as session:
        session.get_one(Officer, officer.id).active = False
    assert client.get("/staff").status_code == 401


def test_another_sites_page_cannot_use_the_officers_cookie(client: Client, token: str) -> None:
    client.post(f"/staff/sign-in/{token}")
    body = {"slug": "parks", "name": "Parks"}
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.org"}
    answer = client.post("/api/v1/topics", json=body, headers=elsewhere)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/another-site")


def test_behind_https_cookies_are_bound_to_the_host(
    client: Client, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    secure = settings().model_copy(update={"base_url": "https://alerts.example.org"})
    monkeypatch.setattr("notify.web.cookies.settings", lambda: secure)
    cookie = session_cookie("officer", "s", timedelta(hours=1))
    assert (cookie.key, cookie.secure, cookie.path, cookie.domain) == ("__Host-officer", True, "/", None)
