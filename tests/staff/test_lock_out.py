"""Strangers lock nobody out of the way in with a password, and sign-in takes no place of anything else."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core import clock, db, jobs
from notify.core.db import transaction
from notify.core.settings import Settings
from notify.devserver import embedded
from notify.staff import service
from notify.staff.models import AuditEntry, Officer, Role
from notify.staff.sign_in import break_glass, password_hashing
from notify.web import rate_limits
from notify.web.thread_pool import BoundedPool, TooManyAtOnce
from tests.staff.test_break_glass import EMAIL, PASSWORD, code, enter, later
from tests.world import World, make_world, password_hash

Client = TestClient[Litestar]
DEVICE = "known-device"


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
    client.follow_redirects = False
    return make_world()


@pytest.fixture
def enrolled(world: World) -> break_glass.Enrolment:
    with transaction() as session:
        officer: Officer = service.create_officer(
            session, council_id=world.council_id, email=EMAIL, name="Kim", role=Role.PLANNER
        )
        return break_glass.set_password(session, officer, password_hash(PASSWORD), actor="test")


@pytest.fixture
def totp(enrolled: break_glass.Enrolment) -> pyotp.TOTP:
    return pyotp.TOTP(parse_qs(urlsplit(enrolled.uri).query)["secret"][0])


def strangers_try(client: Client, times: int) -> set[int]:
    client.cookies.clear()
    return {enter(client, "wrong", "000000") for _ in range(times)}


def known_browser(client: Client, totp: pyotp.TOTP) -> dict[str, str]:
    """The cookies of a browser in which Kim signed in and out."""
    assert enter(client, PASSWORD, code(totp)) == 303
    client.post("/staff/sign-out")
    kept = {DEVICE: client.cookies[DEVICE]}
    client.cookies.clear()
    return kept


def test_a_hundred_wrong_tries_from_elsewhere_leave_a_known_browser_its_way_in(
    client: Client, totp: pyotp.TOTP
) -> None:
    later(seconds=0)
    known = known_browser(client, totp)
    assert strangers_try(client, 100) == {401}
    later(seconds=31)
    assert enter(client, PASSWORD, code(totp)) == 401  # a browser that nobody knows waits with the strangers
    client.cookies.update(known)
    assert enter(client, PASSWORD, code(totp)) == 303


def test_a_known_browser_has_five_tries_of_its_own(client: Client, totp: pyotp.TOTP) -> None:
    later(seconds=0)
    known = known_browser(client, totp)
    later(seconds=61)
    client.cookies.update(known)
    assert {enter(client, "wrong", code(totp)) for _ in range(5)} == {401}
    assert enter(client, PASSWORD, code(totp)) == 401
    client.cookies.clear()
    assert enter(client, PASSWORD, code(totp)) == 303  # and locks nobody else out


def test_a_cookie_of_another_officer_or_password_is_no_known_browser(
    client: Client, world: World, totp: pyotp.TOTP
) -> None:
    later(seconds=0)
    known = known_browser(client, totp)
    with transaction() as session:
        ali: Officer = service.create_officer(
            session, council_id=world.council_id, email="ali@example.org", name="Ali", role=Role.PLANNER
        )
        break_glass.set_password(session, ali, password_hash(PASSWORD), actor="test")
        kim = session.exec(select(Officer).where(Officer.email == EMAIL)).one()
        new = break_glass.set_password(session, kim, password_hash("another four words"), actor="test")
    client.cookies.update(known)
    for email in (EMAIL, "ali@example.org"):
        assert {enter(client, "wrong", "000000", email) for _ in range(5)} == {401}
    with transaction() as session:
        assert set(session.exec(select(Officer.failed_tries).where(Officer.email != EMAIL))) >= {5}
        assert session.exec(select(Officer.failed_tries).where(Officer.email == EMAIL)).one() == 5
    app = pyotp.TOTP(parse_qs(urlsplit(new.uri).query)["secret"][0])
    assert enter(client, "another four words", code(app)) == 401


def test_a_recovery_code_opens_what_strangers_locked_and_works_once(
    client: Client, enrolled: break_glass.Enrolment
) -> None:
    later(seconds=0)
    strangers_try(client, 10)
    first, second, *_ = enrolled.recovery_codes
    assert enter(client, "wrong", first) == 401
    assert enter(client, PASSWORD, first.upper().replace("-", " ")) == 303
    client.cookies.clear()
    assert enter(client, PASSWORD, first) == 401
    assert enter(client, PASSWORD, second) == 303
    with transaction() as session:
        used = session.exec(select(AuditEntry).where(AuditEntry.action == "officer.use-recovery-code")).all()
    assert len(used) == 2


def test_wrong_tries_of_strangers_leave_a_session_its_second_factor(client: Client, totp: pyotp.TOTP) -> None:
    later(seconds=0)
    enter(client, PASSWORD, code(totp))
    session_cookies = dict(client.cookies)
    strangers_try(client, 20)
    client.cookies.update(session_cookies)
    later(seconds=61)
    assert {client.post("/staff/confirm", data={"code": "000000"}).status_code for _ in range(4)} == {422}
    assert client.post("/staff/confirm", data={"code": code(totp)}).status_code == 303


@pytest.fixture
def limited(servers: embedded.Addresses, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    jobs.sending_broker().client.flushall()
    monkeypatch.setattr(rate_limits, "settings", lambda: Settings(network_limits=0.2))
    yield
    jobs.sending_broker().client.flushall()


def test_a_network_that_tries_too_often_leaves_a_known_browser_its_count(
    client: Client, totp: pyotp.TOTP, limited: None
) -> None:
    later(seconds=0)
    known = known_browser(client, totp)
    assert strangers_try(client, 6) == {401, 429}
    later(seconds=61)
    client.cookies.update(known)
    assert enter(client, PASSWORD, code(totp)) == 303


def test_no_password_is_compared_or_made_while_a_transaction_is_open(servers: embedded.Addresses) -> None:
    for work in (lambda: password_hashing.fits(None, "x"), lambda: password_hashing.hashed("x" * 12)):
        with pytest.raises(RuntimeError, match="inside a transaction"), db.transaction():
            work()


def test_a_pool_that_is_full_refuses_at_once_and_takes_more_when_it_is_done() -> None:
    pool, gate = BoundedPool("test", threads=1, waiting=1), threading.Event()

    async def run() -> None:
        running = [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyAtOnce):
            await pool.run(gate.wait)
        gate.set()
        assert await asyncio.gather(*running) == [True, True]
        assert await pool.run(clock.now) is not None

    with ThreadPoolExecutor(1) as own:  # another test's browser may have a loop in this thread
        own.submit(lambda: asyncio.run(run())).result()
