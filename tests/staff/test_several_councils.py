"""One person, a user of several councils: what proves who they are, the switch at the top, and what stays apart."""

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pyotp
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import col, select

from notify.core import clock, tokens
from notify.core.db import transaction
from notify.reorganisation.service import merge
from notify.staff import invitations, queries, service
from notify.staff.models import AuditEntry, Council, Officer, Role, SignIn
from notify.staff.sign_in import break_glass, sessions
from notify.staff.sign_in.entry import enter_by_identity
from notify.staff.sign_in.oidc import Identity, SignInRefused
from tests.world import World, make_other_council, make_world, password_hash

Client = TestClient[Litestar]
EMAIL, PASSWORD = "kim@example.org", "four words nobody guesses"


@pytest.fixture
def worlds(client: Client) -> tuple[World, World]:
    client.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
    client.follow_redirects = False
    return make_world(), make_other_council()


@pytest.fixture
def kims(worlds: tuple[World, World]) -> tuple[UUID, UUID]:
    """Kim at Zed, an administrator, and Kim at Far, who only looks."""
    with transaction() as session:
        made = [
            service.create_officer(session, council_id=world.council_id, email=EMAIL, name="Kim", role=role).id
            for world, role in zip(worlds, (Role.ADMIN, Role.VIEWER), strict=True)
        ]
    return made[0], made[1]


def give_password(officer_id: UUID) -> pyotp.TOTP:
    with transaction() as session:
        one = session.get_one(Officer, officer_id)
        uri = break_glass.set_password(session, one, password_hash(PASSWORD), actor="test").uri
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


def enter(client: Client, totp: pyotp.TOTP) -> int:
    fields = {"email": EMAIL, "password": PASSWORD, "code": totp.at(clock.now())}
    return client.post("/staff/sign-in", data=fields).status_code


def change(officer_id: UUID, **values: object) -> None:
    with transaction() as session:
        one = session.get_one(Officer, officer_id)
        for name, value in values.items():
            setattr(one, name, value)
        session.add(one)


def signed_in_as(client: Client, officer_id: UUID, *, mfa_at: datetime | None) -> None:
    with transaction() as session:
        cookie = sessions.open_session(session, session.get_one(Officer, officer_id), mfa_at=mfa_at)
    client.cookies.set("officer", cookie, domain="testserver.local", path="/")


def switch(client: Client, slug: str) -> int:
    return client.post("/staff/switch", data={"council": slug}).status_code


def session_now(client: Client) -> SignIn:
    with transaction() as session:
        return session.exec(select(SignIn).where(SignIn.digest == tokens.digest(client.cookies["officer"]))).one()


def test_who_signs_in_once_switches_and_has_each_councils_own_rights(client: Client, kims: tuple[UUID, UUID]) -> None:
    zed, far = kims
    totp = give_password(zed)
    assert enter(client, totp) == 303
    page = client.get("/staff").text
    assert "– Zed Council</title>" in page
    assert "Switch to Far Council" in page
    assert 'fill="#1d4b5c"' in page
    before = session_now(client)
    assert client.get("/staff/officers").status_code == 200
    assert switch(client, "far") == 303
    after = session_now(client)
    assert (after.officer_id, after.mfa_at, after.expires_at) == (far, before.mfa_at, before.expires_at)
    page = client.get("/staff").text
    assert "– Far Council</title>" in page
    assert "Switch to Zed Council" in page
    assert client.get("/staff/officers").status_code == 403
    with transaction() as session:
        said = select(AuditEntry.action, AuditEntry.subject).where(col(AuditEntry.detail)["way"].astext == "switch")
        assert set(session.exec(said).all()) == {("officer.leave", str(zed)), ("officer.sign-in", str(far))}
        assert session.get(SignIn, before.digest) is None


def test_the_app_of_one_confirms_for_both_and_wrong_codes_count_together(
    client: Client, kims: tuple[UUID, UUID]
) -> None:
    zed, far = kims
    totp = give_password(zed)
    signed_in_as(client, far, mfa_at=None)
    assert client.post("/staff/confirm", data={"code": "000000"}).status_code == 422
    assert client.post("/staff/confirm", data={"code": totp.at(clock.now())}).status_code == 303
    assert session_now(client).officer_id == far


def test_nobody_gets_a_second_password_by_a_second_council(kims: tuple[UUID, UUID]) -> None:
    give_password(kims[0])
    with pytest.raises(break_glass.HasPassword):
        give_password(kims[1])


def test_who_is_suspended_at_one_council_goes_on_at_the_other_by_their_own_rights(
    client: Client, kims: tuple[UUID, UUID]
) -> None:
    zed, far = kims
    totp = give_password(zed)
    change(zed, active=False)
    assert enter(client, totp) == 303
    assert session_now(client).officer_id == far
    assert "Switch to" not in client.get("/staff").text
    assert switch(client, "zed") == 404
    change(far, active=False)
    assert client.get("/staff").status_code == 401
    client.cookies.clear()
    assert enter(client, totp) == 401


def test_an_address_alone_does_not_make_two_users_one_person(client: Client, kims: tuple[UUID, UUID]) -> None:
    """Somebody else may have accepted the invitation that was sent to it."""
    zed, far = kims
    for bound in ((zed, "kim-1", far, None), (zed, None, far, "kim-1"), (zed, "kim-1", far, "lee-1")):
        change(bound[0], oidc_subject=bound[1])
        change(bound[2], oidc_subject=bound[3])
        for one, slug in ((zed, "far"), (far, "zed")):
            signed_in_as(client, one, mfa_at=clock.now())
            assert "Switch to" not in client.get("/staff").text
            assert switch(client, slug) == 404
            assert session_now(client).officer_id == one


def test_one_account_at_both_is_one_person(client: Client, kims: tuple[UUID, UUID]) -> None:
    zed, far = kims
    for one in kims:
        change(one, oidc_subject="kim-1")
    change(far, email="kim@far.example.org")
    given = clock.now() - timedelta(minutes=2)
    signed_in_as(client, zed, mfa_at=given)
    assert switch(client, "far") == 303
    assert (session_now(client).officer_id, session_now(client).mfa_at) == (far, given)


def test_without_a_factor_of_their_own_a_switch_takes_none_along(client: Client, kims: tuple[UUID, UUID]) -> None:
    signed_in_as(client, kims[0], mfa_at=clock.now())
    assert switch(client, "far") == 303
    assert session_now(client).mfa_at is None


def test_only_a_person_who_is_signed_in_switches_and_only_by_a_form(
    client: Client, worlds: tuple[World, World], kims: tuple[UUID, UUID]
) -> None:
    assert switch(client, "far") == 401
    key = client.post("/staff/switch", data={"council": "far"}, headers=worlds[0].headers)
    assert key.status_code == 404
    signed_in_as(client, kims[0], mfa_at=None)
    assert client.get("/staff/switch?council=far").status_code == 405
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/staff/switch", data={"council": "far"}, headers=foreign).status_code == 403
    assert switch(client, "nowhere") == 404


def identity(subject: str, *, verified: bool = True, role: Role | None = None) -> Identity:
    return Identity(subject=subject, email=EMAIL, is_email_verified=verified, role=role, mfa_at=clock.now())


def bound() -> dict[UUID, str | None]:
    with transaction() as session:
        return {one.id: one.oidc_subject for one in session.exec(select(Officer).where(Officer.email == EMAIL))}


def test_a_verified_address_binds_the_account_at_each_council_once(kims: tuple[UUID, UUID]) -> None:
    zed, far = kims
    with transaction() as session:
        enter_by_identity(session, identity("kim-1", role=Role.AUTHOR), instead_of="")
    assert bound() == {zed: "kim-1", far: "kim-1"}
    with transaction() as session:
        roles = [session.get_one(Officer, one).role for one in kims]
    assert roles == [Role.AUTHOR, Role.VIEWER]  # said of one council, it raises nobody and lowers at each
    with pytest.raises(SignInRefused), transaction() as session:
        enter_by_identity(session, identity("lee-1"), instead_of="")


def test_without_a_verified_address_each_council_invites(kims: tuple[UUID, UUID]) -> None:
    zed, far = kims
    with transaction() as session:
        links = [invitations.invite(session, session.get_one(Officer, one), actor="test") for one in kims]
    expected: list[dict[UUID, str | None]] = [{zed: "kim-1", far: None}, dict.fromkeys(kims, "kim-1")]
    for link, one, now in zip(links, kims, expected, strict=True):
        token = parse_qs(urlsplit(link).query)["invitation"][0]
        with transaction() as session:
            cookie = enter_by_identity(session, identity("kim-1", verified=False), instead_of="", invitation=token)
            found = session.exec(select(SignIn.officer_id).where(SignIn.digest == tokens.digest(cookie))).one()
        assert (found, bound()) == (one, now)


def test_commands_ask_which_council_is_meant(kims: tuple[UUID, UUID]) -> None:
    with transaction() as session:
        with pytest.raises(queries.UnknownOfficer, match="far, zed"):
            queries.officer_by_email(session, EMAIL)
        assert queries.officer_by_email(session, EMAIL, "far").id == kims[1]


def test_after_a_merger_they_are_one_user_and_still_one_person(
    client: Client, worlds: tuple[World, World], kims: tuple[UUID, UUID]
) -> None:
    with transaction() as session:
        old, new = (session.get_one(Council, world.council_id) for world in worlds)
        merge(session, old, new, actor="test")
    with transaction() as session:
        assert [session.get_one(Officer, one).active for one in kims] == [False, True]
        assert queries.person(session, f"officer:{kims[0]}") == f"officer:{kims[1]}"
