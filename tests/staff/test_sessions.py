"""Sessions are kept on the server, get a new secret at every proof, and end: by time, by hand, with the rights."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import Session, select

from notify.core import clock, tokens
from notify.core.db import transaction
from notify.staff import service, users
from notify.staff.models import Officer, Role, SignIn
from notify.staff.sign_in import break_glass, sessions
from notify.staff.sign_in import entry as sign_in_entry
from notify.staff.sign_in.oidc import Identity
from notify.staff.users import OfficerChange
from notify.subscribers import service as subscribers
from notify.subscribers.models import ApprovalRule, NewTopic
from tests.alerts.calls import act, created
from tests.world import World, at_the_desk, make_key, make_world, password_hash, somebody_here

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    client.headers["Sec-Fetch-Site"] = "same-origin"
    return make_world()


@pytest.fixture
def officer_id(world: World) -> UUID:
    with transaction() as session:
        made: Officer = service.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.APPROVER
        )
        return made.id


@pytest.fixture
def cookie(client: Client, officer_id: UUID) -> str:
    """The secret of a session, which the client carries."""
    with transaction() as session:
        secret = sessions.open_session(session, session.get_one(Officer, officer_id), mfa_at=clock.now())
    client.cookies.set("officer", secret)
    return secret


def later(**by: float) -> None:
    moment = clock.now() + timedelta(**by)
    clock.use(lambda: moment)


def status(client: Client) -> int:
    return client.get("/api/v1/alerts").status_code


def status_with(client: Client, secret: str) -> int:
    client.cookies.clear()
    client.cookies.set("officer", secret)
    return status(client)


def test_only_a_digest_is_kept(cookie: str) -> None:
    with transaction() as session:
        [kept] = session.exec(select(SignIn)).all()
    assert kept.digest == tokens.digest(cookie)
    assert cookie not in repr(kept)


def test_who_is_busy_all_day_signs_in_again_after_eight_hours(client: Client, cookie: str) -> None:
    for _ in range(23):
        later(minutes=20)
        assert status(client) == 200
    later(minutes=21)
    assert status(client) == 401


def test_another_proof_does_not_make_the_day_longer(client: Client, cookie: str) -> None:
    for _ in range(23):
        later(minutes=20)
        with transaction() as session:
            renewed = sessions.renew_session(session, cookie, mfa_at=clock.now())
        assert renewed
        cookie = renewed
    client.cookies.set("officer", cookie)
    assert status(client) == 200
    later(minutes=21)
    assert status(client) == 401


def test_signing_in_leaves_no_older_session_in_this_browser(client: Client, officer_id: UUID, cookie: str) -> None:
    with transaction() as session:
        link = service.create_sign_in_link(session, officer_id)
    fresh = client.post(f"/staff/sign-in/{link}", follow_redirects=False).cookies["officer"]
    assert status_with(client, fresh) == 200
    assert status_with(client, cookie) == 401


def test_a_secret_that_somebody_else_chose_is_never_taken_on(client: Client, officer_id: UUID) -> None:
    client.cookies.set("officer", "chosen-by-somebody-else")
    with transaction() as session:
        link = service.create_sign_in_link(session, officer_id)
    fresh = client.post(f"/staff/sign-in/{link}", follow_redirects=False).cookies["officer"]
    assert status_with(client, fresh) == 200
    assert status_with(client, "chosen-by-somebody-else") == 401


def test_signing_out_ends_the_session_on_the_server(client: Client, cookie: str) -> None:
    client.post("/staff/sign-out")
    assert status_with(client, cookie) == 401


def _by_change(**change: object) -> Callable[[Session, Officer], object]:
    return lambda session, officer: users.change_officer(
        session,
        by=somebody_here(officer.council_id),
        officer_id=officer.id,
        change=OfficerChange.model_validate(change),
    )


def _by_groups(session: Session, officer: Officer) -> object:
    identity = Identity("https://idp.example.org kim", officer.email, Role.VIEWER, clock.now(), is_email_verified=True)
    return sign_in_entry.enter_by_identity(session, identity, instead_of="")


ENDINGS: dict[str, Callable[[Session, Officer], object]] = {
    "another role": _by_change(role="viewer"),
    "fewer topics": _by_change(topics=["bins"]),
    "fewer areas": _by_change(areas=["Z05000001"]),
    "left": _by_change(active=False),
    "a new password": lambda session, officer: break_glass.set_password(
        session, officer, password_hash("x" * 12), actor="test"
    ),
    "other groups at the identity provider": _by_groups,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_change_of_rights_ends_sessions_and_links(client: Client, officer_id: UUID, cookie: str, ending: str) -> None:
    with transaction() as session:
        link = service.create_sign_in_link(session, officer_id)
    assert status(client) == 200
    with transaction() as session:
        ENDINGS[ending](session, session.get_one(Officer, officer_id))
    assert status(client) == 401
    assert client.post(f"/staff/sign-in/{link}").status_code == 404


def test_a_role_that_was_changed_behind_our_back_counts_at_once(client: Client, officer_id: UUID, cookie: str) -> None:
    with transaction() as session:
        session.get_one(Officer, officer_id).role = Role.VIEWER
    assert client.get("/api/v1/subscribers").status_code == 403


def emergency(client: Client, world: World, author: dict[str, str]) -> str:
    """An emergency that waits for another person's yes."""
    with transaction() as session:
        new = NewTopic(slug="floods", name="Floods", approval=ApprovalRule.ONE)
        subscribers.create_topic(session, council_id=world.council_id, actor="test", new=new)
    made: str = created(client, author, topic="floods", priority="emergency", send=True)["id"]
    return made


def test_an_emergency_needs_another_person_with_a_proof_of_five_minutes(client: Client, world: World) -> None:
    author, colleague = make_key(world, Role.PLANNER), make_key(world, Role.PLANNER)
    alert = emergency(client, world, author)
    assert act(client, colleague, alert, "approve").json()["type"] == "/problems/second-factor-needed"
    by_author = act(client, at_the_desk(author), alert, "approve")
    assert by_author.json()["type"] == "/problems/author-cannot-approve"
    browser = at_the_desk(colleague)
    later(minutes=5, seconds=1)
    assert act(client, browser, alert, "approve").json()["type"] == "/problems/second-factor-needed"
    assert act(client, at_the_desk(colleague), alert, "approve").json()["state"] == "sending"


def test_a_proof_of_just_under_five_minutes_is_enough(client: Client, world: World) -> None:
    alert = emergency(client, world, make_key(world, Role.PLANNER))
    browser = at_the_desk(make_key(world, Role.PLANNER))
    later(minutes=4, seconds=59)
    assert act(client, browser, alert, "approve").json()["state"] == "sending"
