"""Quiet hours: what is not urgent waits until they are over, on the clock of this country."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.deliveries import reconciliation
from notify.subscribers.models import Subscriber
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER, sign_in
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    for name in ("quiet", "loud"):
        add_resident(world, f"{name}@example.org", topics=["bins", "emergencies"])
    return world


def be_quiet_now() -> None:
    """One of two residents is in the middle of their quiet hours."""
    now = clock.now().astimezone(LONDON)
    hours = {"from": (now - timedelta(hours=2)).time(), "to": (now + timedelta(hours=2)).time()}
    with transaction() as session:
        session.execute(
            text("""
                UPDATE subscriber SET quiet_from = :from, quiet_to = :to
                WHERE id = (SELECT subscriber_id FROM contact WHERE address = 'quiet@example.org')
            """),
            hours,
        )


def let_the_morning_come() -> None:
    """The hours are over, and the scheduler sees what is due."""
    with transaction() as session:
        session.execute(text("UPDATE batch SET due_at = business_now() WHERE state = 'queued'"))
    with transaction() as session:
        reconciliation.reconcile(session)


def until(begins: str | None, ends: str | None, at: str) -> datetime | None:
    with transaction() as session:
        asked = text("SELECT quiet_until(CAST(:f AS time), CAST(:t AS time), CAST(:at AS timestamptz))")
        found: datetime | None = session.execute(asked, {"f": begins, "t": ends, "at": at}).scalar_one()
        return found.astimezone(UTC) if found else None


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("begins", "ends", "at", "over"),
    [
        ("21:00", "07:00", "2027-01-10T22:00Z", "2027-01-11T07:00"),
        ("21:00", "07:00", "2027-01-10T03:00Z", "2027-01-10T07:00"),
        ("21:00", "07:00", "2027-01-10T07:00Z", None),
        ("21:00", "07:00", "2027-01-10T20:59Z", None),
        ("13:00", "15:00", "2027-01-10T14:00Z", "2027-01-10T15:00"),
        ("13:00", "15:00", "2027-01-10T15:00Z", None),
        ("21:00", "07:00", "2027-07-10T20:30Z", "2027-07-11T06:00"),  # summer: 21:30 here, seven is six
        ("21:00", "07:00", "2027-03-27T22:00Z", "2027-03-28T06:00"),  # the night the clocks go forward
        ("21:00", "07:00", "2027-10-30T22:00Z", "2027-10-31T07:00"),  # and back
        (None, None, "2027-01-10T22:00Z", None),
    ],
)
def test_hours_end_on_the_clock_of_this_country(begins: str, ends: str, at: str, over: str | None) -> None:
    assert until(begins, ends, at) == (datetime.fromisoformat(over).replace(tzinfo=UTC) if over else None)


def test_what_is_not_urgent_waits_for_those_alone_and_comes_afterwards(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    be_quiet_now()
    alert = created(client, world.headers, topic="bins", send=True)
    work()
    assert list(inbox.recipients()) == ["loud@example.org"]
    assert client.get(f"/api/v1/alerts/{alert['id']}", headers=world.headers).json()["state"] == "sending"
    with transaction() as session:
        [due] = session.execute(text("SELECT due_at FROM batch WHERE state = 'queued'")).scalars()
        assert timedelta(hours=1.9) < due - clock.now() < timedelta(hours=2.1)
    let_the_morning_come()
    work()
    assert inbox.recipients() == {"loud@example.org": 1, "quiet@example.org": 1}


def test_an_emergency_comes_at_any_hour(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    be_quiet_now()
    created(client, world.headers, topic="emergencies", priority="emergency", send=True)
    work()
    assert set(inbox.recipients()) == {"loud@example.org", "quiet@example.org"}


def test_whoever_leaves_in_the_night_gets_nothing_in_the_morning(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    be_quiet_now()
    created(client, world.headers, topic="bins", send=True)
    work()
    with transaction() as session:
        session.execute(text("UPDATE subscription SET ended_at = business_now()"))
    let_the_morning_come()
    work()
    assert list(inbox.recipients()) == ["loud@example.org"]
    with transaction() as session:
        assert sorted(session.execute(text("SELECT state FROM delivery")).scalars()) == ["sent", "suppressed"]


def test_a_resident_sets_and_ends_their_hours(client: Client, world: World) -> None:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    sign_in(client, "quiet@example.org")
    assert client.post("/my/quiet", data={"quiet_from": "21:00", "quiet_to": "07:00"}).status_code == 303
    assert "from 21:00 to 07:00" in client.get("/my").text
    with transaction() as session:
        people = session.exec(select(Subscriber)).all()
        assert (time(21), time(7)) in {(person.quiet_from, person.quiet_to) for person in people}
    assert client.post("/my/quiet", data={"quiet_from": "", "quiet_to": ""}).status_code == 303
    assert "from 21:00" not in client.get("/my").text


@pytest.mark.parametrize("hours", [("21:00", ""), ("", "07:00"), ("21:00", "21:00"), ("25:00", "07:00"), ("x", "y")])
def test_half_hours_and_none_are_refused(client: Client, world: World, hours: tuple[str, str]) -> None:
    client.headers.update(BROWSER)
    sign_in_without_redirect(client)
    reply = client.post("/my/quiet", data={"quiet_from": hours[0], "quiet_to": hours[1]})
    assert reply.status_code == 422
    assert "Choose two different times" in reply.text


def sign_in_without_redirect(client: Client) -> None:
    client.follow_redirects = False
    sign_in(client, "quiet@example.org")
