"""What nobody needs any more goes by itself, and nothing else does."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Role
from notify.subscribers import cleanup, confirmation_codes, links
from notify.subscribers.models import Contact, ServiceMessageKind, Subscriber
from tests.alerts.calls import created
from tests.subscribers.journey import sign_in, sign_up
from tests.world import World, add_resident, make_world
from workers import scheduler

Client = TestClient[Litestar]
SHORT_LIVED = ("link_token", "resident_session", "sign_in", "confirm_code", "service_message_count", "idempotent_reply")


def counts() -> Mapping[str, int]:
    with transaction() as session:
        return {
            table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in (*SHORT_LIVED, "service_message", "subscriber", "contact", "consent")
        }


def sweep(*, after: timedelta) -> Mapping[str, int]:
    now = clock.now()
    clock.use(lambda: now + after)
    with transaction() as session:
        gone = cleanup.sweep(session)
    clock.use(lambda: now)
    return gone


@pytest.fixture
def world(client: Client) -> World:
    """One resident who confirmed, one who never did, and a row of everything that is kept for a while."""
    client.follow_redirects = False
    world = make_world()
    add_resident(world, "known@example.org")
    sign_up(client, email="never@example.org", mobile="07700 900123")
    sign_in(client, "known@example.org")
    with transaction() as session:
        officer = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.AUTHOR
        )
        staff.sign_in(session, staff.create_sign_in_link(session, officer.id))
        phone = session.exec(select(Contact).where(Contact.address == "+447700900123")).one()
        confirmation_codes.issue_code(session, phone.id)
    client.cookies.clear()
    created(client, world.headers)
    return world


def test_what_is_in_use_stays(client: Client, world: World) -> None:
    before = counts()
    assert all(before[table] for table in before)
    assert set(sweep(after=timedelta(minutes=1)).values()) == {0}
    assert counts() == before


def test_after_a_week_only_people_and_their_messages_are_left(client: Client, world: World) -> None:
    before = counts()
    sweep(after=timedelta(days=8))
    after = counts()
    assert {table: after[table] for table in SHORT_LIVED} == dict.fromkeys(SHORT_LIVED, 0)
    assert {table: after[table] for table in ("service_message", "subscriber", "contact", "consent")} == {
        table: before[table] for table in ("service_message", "subscriber", "contact", "consent")
    }


def test_after_thirty_days_whoever_never_confirmed_is_forgotten(client: Client, world: World) -> None:
    consents = counts()["consent"]
    assert sweep(after=timedelta(days=29))["subscriber"] == 0
    assert sweep(after=timedelta(days=31))["subscriber"] == 1
    with transaction() as session:
        assert list(session.exec(select(Contact.address))) == ["known@example.org"]
    assert counts()["consent"] == consents + 1  # nameless lines, the last of which says that they are gone


def test_whoever_was_asked_again_has_time_to_answer(client: Client, world: World) -> None:
    asked_again = clock.now() + timedelta(days=30)
    clock.use(lambda: asked_again)
    client.post("/manage", data={"address": "never@example.org"})
    assert sweep(after=timedelta(days=2))["subscriber"] == 0
    with transaction() as session:
        contact = session.exec(select(Contact).where(Contact.address == "never@example.org")).one()
        assert links.issue_link(session, contact.id, ServiceMessageKind.CONFIRM)


def test_it_goes_in_small_steps(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "AT_ONCE", 1)
    for number in range(3):
        sign_up(client, email=f"p{number}@example.org")
    left = []
    for _ in range(5):
        assert max(sweep(after=timedelta(days=40)).values()) <= 1
        with transaction() as session:
            left.append(len(session.exec(select(Subscriber)).all()))
    assert left == [4, 3, 2, 1, 1]


def test_the_scheduler_does_it(client: Client, world: World) -> None:
    [task] = [task for task in scheduler.CHORES if task.work is cleanup.sweep]
    later = clock.now() + timedelta(days=40)
    clock.use(lambda: later)
    scheduler.run(task)
    assert (counts()["subscriber"], counts()["service_message"]) == (1, 0)
