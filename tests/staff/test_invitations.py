"""Administrators invite users on the page and by API: the link goes to the address, and to nobody else."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff import invitations
from notify.staff.models import AuditEntry, Officer, Role
from tests.mailbox import Mailbox
from tests.tracking.reading import part
from tests.world import World, administrator, council_key, desk_of, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
PATH = "/staff/officers"
SAM = {"email": " Sam\u200b@Example.org", "name": "Sam", "role": "author"}


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


def sam() -> Officer:
    with transaction() as session:
        return session.exec(select(Officer).where(Officer.email == "sam@example.org")).one()


def lines(action: str) -> list[str]:
    with transaction() as session:
        return [entry.actor for entry in session.exec(select(AuditEntry).where(AuditEntry.action == action))]


def test_a_user_is_invited_on_the_page_and_gets_the_link(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    admin = administrator(world)
    answer = client.post(PATH, data=SAM, headers=admin)
    assert answer.headers["location"] == f"{PATH}/{sam().id}?invited=yes"
    page = client.get(answer.headers["location"], headers=admin).text
    assert "We&#39;ve emailed them a link." in page
    assert "/staff/sign-in/" not in page
    assert (sam().council_id, sam().role) == (world.council_id, Role.AUTHOR)
    work()
    [mail] = inbox.messages()
    assert (mail["To"], mail["Subject"]) == ("sam@example.org", "Zed Council has invited you to its alerts")
    link = re.search(re.escape(settings().base_url) + r"(/staff/sign-in/\S+)", part(mail, "plain"))
    assert link
    assert client.post(link[1], headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    [created, *_others] = [actor for actor in lines("officer.create") if actor.startswith("officer:")]
    assert lines("officer.invite") == [created]


def test_programs_do_the_same_for_a_person_who_is_there(client: Client, world: World) -> None:
    admin = administrator(world)
    body = {"email": "sam@example.org", "name": "Sam", "role": "viewer"}
    made = client.post("/api/v1/officers", json=body, headers=admin)
    assert (made.status_code, made.json()["has_account"], "link" in made.text) == (201, False, False)
    again = client.post(f"/api/v1/officers/{made.json()['id']}/invite", headers=admin)
    assert again.status_code == 202
    assert client.post("/api/v1/officers", json=body, headers=admin).json()["type"] == "/problems/officer-exists"
    assert client.post("/api/v1/officers", json=body, headers=council_key(world, Role.ADMIN)).status_code == 403
    with transaction() as session:
        session.exec(select(Officer).where(Officer.email == "sam@example.org")).one().oidc_subject = "sam-1"
    bound = client.post(f"/api/v1/officers/{made.json()['id']}/invite", headers=admin)
    assert bound.json()["type"] == "/problems/already-bound"
    assert "Send a new invitation" not in client.get(f"{PATH}/{made.json()['id']}", headers=admin).text


def test_what_was_typed_is_there_after_the_second_factor(client: Client, world: World) -> None:
    administrator(world)
    with transaction() as session:
        one = session.exec(select(Officer).where(Officer.role == Role.ADMIN)).first()
    assert one
    stale = desk_of(one, mfa_at=clock.now() - timedelta(hours=1))
    asked = client.post(PATH, data=SAM, headers=stale)
    assert asked.headers["location"] == "/staff/confirm?back=%2Fstaff%2Fofficers"
    kept = asked.headers["set-cookie"].split(";")[0]
    page = client.get(PATH, headers=stale | {"Cookie": f"{stale['Cookie']}; {kept}"}).text
    assert 'value="Sam"' in page
    assert "Sam" not in asked.headers["location"]
    assert not lines("officer.invite")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"email": ""}, "Enter their email address, like name@example.org"),
        ({"email": "sam at example"}, "is not an e-mail address"),
        ({"name": ""}, "Enter their name"),
        ({"role": "king"}, "Choose a role"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, world: World, wrong: dict[str, str], sentence: str) -> None:
    answer = client.post(PATH, data=SAM | wrong, headers=administrator(world))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert not lines("officer.invite")


def test_nobody_is_invited_where_only_passwords_open(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(settings()), "links_sign_in", property(lambda _self: False))
    answer = client.post(PATH, data=SAM, headers=administrator(world))
    assert answer.status_code == 422
    assert "notify officer create" in answer.text
    with transaction() as session:
        assert session.exec(select(Officer).where(Officer.email == "sam@example.org")).first() is None


def test_another_council_may_invite_the_same_address_and_changes_nothing_here(client: Client, world: World) -> None:
    client.post(PATH, data=SAM, headers=administrator(world))
    here = sam().id
    far = administrator(make_other_council())
    assert client.post(f"/api/v1/officers/{here}/invite", headers=far).status_code == 404
    there = client.post(PATH, data=SAM, headers=far)
    assert there.status_code == 303
    assert str(here) not in there.headers["location"]
    with transaction() as session:
        both = session.exec(select(Officer).where(Officer.email == "sam@example.org")).all()
        assert {one.council_id for one in both if one.id == here} == {world.council_id}
    assert len({one.council_id for one in both}) == len(both) == 2


def test_who_has_left_gets_no_link(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    client.post(PATH, data=SAM, headers=administrator(world))
    with transaction() as session:
        session.exec(select(Officer).where(Officer.email == "sam@example.org")).one().active = False
    work()
    assert inbox.messages() == []
    with transaction() as session:
        assert invitations.mailed_link(session, sam()) is None
