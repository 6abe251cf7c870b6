"""Sign-in with the council's accounts: one good way in, and many bad tokens that open nothing."""

import base64
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import func, select

from notify.core import clock, tokens
from notify.core.db import transaction
from notify.staff import invitations, service, users
from notify.staff.models import Officer, Role, SignIn
from notify.staff.users import OfficerChange
from tests.staff.provider import CLIENT, KEY, STRANGER, Claims, Provider, running, signed
from tests.world import World, make_world, somebody_here

Client = TestClient[Litestar]
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture(scope="module")
def _provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(_provider: Provider, choose: Callable[..., None]) -> Provider:
    choose(OIDC_ISSUER=_provider.issuer, OIDC_CLIENT_ID=CLIENT, OIDC_CLIENT_SECRET="shared")
    _provider.token, _provider.subject = signed, "kim-1"
    _provider.codes.clear()
    _provider.posted.clear()
    return _provider


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


def begin(client: Client, provider: Provider) -> dict[str, str]:
    """Start at our page; what the browser is sent to the provider with."""
    answer = client.get("/staff/sign-in/oidc")
    assert answer.status_code == 302
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    provider.nonce = asked["nonce"]
    return asked


def come_back(client: Client, state: str, code: str = "code-1") -> httpx.Response:
    return client.get("/staff/sign-in/oidc/back", params={"code": code, "state": state})


def sessions() -> int:
    with transaction() as session:
        return session.exec(select(func.count()).select_from(SignIn)).one()


def test_a_good_token_opens_a_session(client: Client, provider: Provider, officer: Officer) -> None:
    asked = begin(client, provider)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    answer = come_back(client, asked["state"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff")
    assert client.get("/staff").status_code == 200
    verifier = provider.posted[0]["code_verifier"][0]
    challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert challenge == asked["code_challenge"]


def test_the_providers_spelling_of_an_address_is_read_as_ours(
    client: Client, provider: Provider, officer: Officer
) -> None:
    provider.token = lambda claims: signed({**claims, "email": " Kim\u200b@Example.org\ufeff"})
    answer = come_back(client, begin(client, provider)["state"])
    assert answer.headers.get("location") == "/staff", answer.text


def _part(what: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(what).encode()).rstrip(b"=").decode()


def _unsigned(claims: Claims) -> str:
    return f"{_part({'alg': 'none', 'kid': 'one'})}.{_part(claims)}."


def _by_public_key(claims: Claims) -> str:
    body = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(claims)}"
    mac = hmac.digest(KEY.as_pem(private=False), body.encode(), "sha256")
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _without(*names: str) -> Callable[[Claims], str]:
    return lambda claims: signed({name: value for name, value in claims.items() if name not in names})


def _with(**others: object) -> Callable[[Claims], str]:
    return lambda claims: signed({**claims, **others})


BAD: dict[str, Callable[[Claims], str]] = {
    "not signed": _unsigned,
    "the public key as a shared secret": _by_public_key,
    "another issuer": _with(iss="https://evil.example.org"),
    "another audience": _with(aud="somebody-else"),
    "one audience among others, none authorised": _with(aud=[CLIENT, "other"]),
    "another authorised party": _with(azp="somebody-else"),
    "expired": _with(exp=int(time.time()) - 3600),
    "no expiry": _without("exp"),
    "not valid yet": _with(nbf=int(time.time()) + 3600),
    "issued tomorrow": _with(iat=int(time.time()) + 86_400),
    "no nonce": _without("nonce"),
    "another nonce": _with(nonce="from-another-sign-in"),
    "a stranger's key": lambda claims: signed(claims, key=STRANGER),
    "a key nobody knows": lambda claims: signed(claims, kid="two"),
    "an algorithm that is not accepted": lambda claims: signed(claims, alg="RS384"),
    "no second factor": _with(amr=["pwd"]),
    "nothing about a second factor": _without("amr"),
    "no subject": _without("sub"),
    "no address": _without("email"),
    "an address nobody checked": _with(email_verified=False),
    "an address that may be anybody's": _without("email_verified"),
    "an address that is verified in words": _with(email_verified="true"),
    "somebody unknown": _with(email="stranger@example.org"),
    "changed after signing": lambda claims: signed(claims)[:-6] + "AAAAAA",
    "no token at all": lambda _: "",
    "no sense": lambda _: "a.b.c",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_opens_nothing(client: Client, provider: Provider, officer: Officer, kind: str) -> None:
    provider.token = BAD[kind]
    answer = come_back(client, begin(client, provider)["state"])
    assert (answer.status_code, "could not be signed in" in answer.text) == (403, True)
    assert (sessions(), client.cookies.get("officer")) == (0, None)


def test_another_tenant_opens_nothing(
    client: Client, provider: Provider, officer: Officer, choose: Callable[..., None]
) -> None:
    choose(OIDC_TENANT="ours")
    provider.token = _with(tid="theirs")
    assert come_back(client, begin(client, provider)["state"]).status_code == 403
    provider.token = _with(tid="ours")
    assert come_back(client, begin(client, provider)["state"], "code-2").status_code == 303


def test_a_state_that_was_changed_or_belongs_to_another_browser_opens_nothing(
    client: Client, provider: Provider, officer: Officer
) -> None:
    state = begin(client, provider)["state"]
    assert come_back(client, state[:-1] + ("A" if state[-1] != "A" else "B")).status_code == 403
    assert come_back(client, "").status_code == 403
    client.cookies.clear()
    assert come_back(client, state).status_code == 403
    client.cookies.set("officer-attempt", "forged")
    assert come_back(client, state).status_code == 403
    assert (sessions(), provider.posted) == (0, [])


def test_an_answer_opens_one_session_however_often_it_comes(
    client: Client, provider: Provider, officer: Officer
) -> None:
    asked = begin(client, provider)
    kept = client.cookies["officer-attempt"]
    assert come_back(client, asked["state"]).status_code == 303
    client.cookies.set("officer-attempt", kept)
    assert come_back(client, asked["state"]).status_code == 403
    assert come_back(client, asked["state"], "code-2").status_code == 403
    client.cookies.clear()
    assert come_back(client, begin(client, provider)["state"]).status_code == 403  # the code of before
    assert sessions() == 1


def test_another_account_with_the_same_address_is_somebody_else(
    client: Client, provider: Provider, officer: Officer
) -> None:
    assert come_back(client, begin(client, provider)["state"]).status_code == 303
    provider.subject = "kim-2"
    assert come_back(client, begin(client, provider)["state"], "code-2").status_code == 403


def test_groups_give_the_role(
    client: Client, provider: Provider, officer: Officer, choose: Callable[..., None]
) -> None:
    choose(OIDC_ROLES="boards=monitoring,comms=approver")
    assert come_back(client, begin(client, provider)["state"]).status_code == 303
    with transaction() as session:
        assert session.get_one(Officer, officer.id).role == Role.APPROVER
    provider.token = _with(groups=["gardeners"])
    assert come_back(client, begin(client, provider)["state"], "code-2").status_code == 403


def test_who_was_made_inactive_does_not_come_in(client: Client, provider: Provider, officer: Officer) -> None:
    left = OfficerChange(active=False)
    with transaction() as session:
        users.change_officer(session, by=somebody_here(officer.council_id), officer_id=officer.id, change=left)
    assert come_back(client, begin(client, provider)["state"]).status_code == 403


def test_a_provider_that_says_it_is_somebody_else_is_not_asked(
    client: Client, provider: Provider, world: World, choose: Callable[..., None]
) -> None:
    choose(OIDC_ISSUER=provider.issuer + "/")
    assert client.get("/staff/sign-in/oidc").status_code == 503


def test_without_a_provider_there_is_no_such_way_in(client: Client, world: World) -> None:
    assert client.get("/staff/sign-in/oidc").status_code == 404


@pytest.fixture
def real_provider(choose: Callable[..., None]) -> Iterator[str]:
    """A real OpenID provider in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    who = {"sub": "kim@example.org", "email": "kim@example.org", "email_verified": True, "amr": ["mfa"]}
    argv = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(
        [*argv, "--user-claims", json.dumps(who)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=1).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        choose(OIDC_ISSUER=issuer, OIDC_CLIENT_ID=CLIENT, OIDC_CLIENT_SECRET="shared")
        yield issuer
    finally:
        process.terminate()
        process.wait()


def test_a_real_provider_lets_the_officer_in(client: Client, real_provider: str, officer: Officer) -> None:
    address = client.get("/staff/sign-in/oidc").headers["location"]
    agreed = httpx.post(address, data={"sub": "kim@example.org"})
    assert agreed.status_code in (302, 303)
    back = urlsplit(agreed.headers["location"])
    answer = client.get(f"{back.path}?{back.query}")
    assert (answer.status_code, answer.headers.get("location")) == (303, "/staff"), answer.text
    assert client.get("/staff").status_code == 200


def unverified(provider: Provider, **others: object) -> None:
    provider.token = lambda claims: signed({**claims, "email_verified": None, **others})


def test_an_invitation_binds_the_account_of_who_opens_it_once(
    client: Client, provider: Provider, officer: Officer
) -> None:
    with transaction() as session:
        link = urlsplit(invitations.invite(session, session.get_one(Officer, officer.id), actor="test"))
    unverified(provider, email="k.smith@corp.example.org")

    def open_link() -> int:
        answer = client.get(f"{link.path}?{link.query}", headers={"Sec-Fetch-Site": "same-origin"})
        asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
        provider.nonce = asked["nonce"]
        provider.codes.clear()
        return come_back(client, asked["state"]).status_code

    assert open_link() == 303
    client.cookies.clear()
    asked = begin(client, provider)
    provider.codes.clear()
    assert come_back(client, asked["state"]).status_code == 303  # from now on that account is them
    provider.subject = "mallory"
    client.cookies.clear()
    assert open_link() == 403


@pytest.mark.parametrize("site", ["none", "cross-site", None])
def test_an_invitation_that_is_opened_from_elsewhere_asks_first(
    client: Client, provider: Provider, officer: Officer, site: str | None
) -> None:
    with transaction() as session:
        link = invitations.invite(session, session.get_one(Officer, officer.id), actor="test")
    path = f"{urlsplit(link).path}?{urlsplit(link).query}"
    answer = client.get(path, headers={"Sec-Fetch-Site": site} if site else {})
    assert (answer.status_code, "location" in answer.headers, provider.posted) == (200, False, [])
    for words in ("You are invited to Zed Council", "kim@example.org", "/staff/sign-in/oidc?invitation="):
        assert words in answer.text
    gone = client.get("/staff/sign-in/oidc?invitation=nonsense", headers={"Sec-Fetch-Site": "none"})
    assert (gone.status_code, "Ask an administrator" in gone.text) == (410, True)


def test_an_invitation_ends_after_a_week_and_is_no_other_token(officer: Officer) -> None:
    with transaction() as session:
        link = invitations.invite(session, session.get_one(Officer, officer.id), actor="test")
    token = parse_qs(urlsplit(link).query)["invitation"][0]
    with transaction() as session:
        assert invitations.invited(session, token) == officer.id
        assert invitations.invited(session, tokens.sign(tokens.Purpose.MANAGE, officer.id.bytes + b"x" * 8)) is None
        later = clock.now() + timedelta(days=7, minutes=1)
        clock.use(lambda: later)
        assert invitations.invited(session, token) is None
