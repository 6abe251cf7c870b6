"""The demonstration's officers have a second factor that can be used, and nobody else's code is ever shown."""

import re
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core import demo_marker
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from notify.staff.sign_in import demo_codes
from tests.subscribers.journey import BROWSER
from tests.world import desk_of

Client = TestClient[Litestar]


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(demo_marker._VARIABLE, "yes")


def officer(slug: str = "zedholm", email: str = "planner@example.org") -> Officer:
    with transaction() as session:
        council = staff.create_council(session, slug=slug, name="Zedholm Council", district_codes=["Z07000001"])
        found = staff.create_officer(
            session, council_id=council.id, email=email, name="Demo planner", role=Role.PLANNER
        )
        demo_codes.give_factors(session)
        session.flush()
        session.expunge(found)
        return found


def asked(client: Client, who: Officer) -> str:
    return client.get("/staff/confirm?back=/staff/emergency", headers=desk_of(who, mfa_at=None)).text


def test_the_page_that_asks_for_a_code_shows_one_that_works(client: Client, marked: None) -> None:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    headers = desk_of(officer(), mfa_at=None)
    for _ in range(2):  # each works once, and the next is shown
        page = client.get("/staff/confirm?back=/staff/emergency", headers=headers).text
        found = re.search(r'id="demo-code">(\d{6})<', page)
        assert found
        answer = client.post("/staff/confirm?back=/staff/emergency", data={"code": found[1]}, headers=headers)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == "/staff/emergency"
        headers = {**headers, "Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_nothing_is_shown_where_no_demonstration_runs(client: Client) -> None:
    assert "demo-code" not in asked(client, officer())


@pytest.mark.parametrize(("slug", "email"), [("zed", "planner@example.org"), ("zedholm", "kim@council.example.com")])
def test_nothing_is_shown_to_who_is_no_officer_of_the_invented_council(
    client: Client, marked: None, slug: str, email: str
) -> None:
    who = officer(slug, email)
    assert who.totp_secret is None
    assert "demo-code" not in asked(client, who)


@pytest.mark.parametrize("address", ["https://alerts.example.org", "https://127.0.0.1"])
def test_nothing_is_shown_where_residents_come(marked: None, choose: Callable[..., None], address: str) -> None:
    choose(BASE_URL=address)
    assert not demo_marker.is_marked()
