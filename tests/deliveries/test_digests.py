"""Digests: one e-mail a day or a week for those who want it, with everything they would have had one by one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.alerts.models import Alert
from notify.core import clock
from notify.core.db import transaction
from notify.deliveries import digests
from tests.alerts.calls import act, created, state
from tests.mailbox import Mailbox
from tests.world import NORTH, SOUTH, World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    """Three people: one reads at once, two gather; one of these lives in the south and reads Welsh."""
    world = make_world()
    follows = ["road-closures", "emergencies"]
    add_resident(world, "now@example.org", topics=follows)
    add_resident(world, "north@example.org", phone="07700 900123", topics=follows)
    add_resident(world, "south@example.org", postcodes=["ZZ2 1AA"], topics=follows, language="cy")
    for who in ("north", "south"):
        gather(f"{who}@example.org", "daily")
    return world


def gather(address: str, cadence: str) -> None:
    with transaction() as session:
        session.execute(
            text("""
                UPDATE subscription SET cadence = :cadence
                WHERE subscriber_id = (SELECT subscriber_id FROM contact WHERE address = :address)
            """),
            {"cadence": cadence, "address": address},
        )


def send(client: Client, world: World, work: Work, **fields: object) -> str:
    alert: str = created(client, world.headers, send=True, **fields)["id"]
    work()
    return alert


def let_it_be_five(work: Work) -> int:
    """Everything that waits is due, and the scheduler looks."""
    with transaction() as session:
        session.execute(text("UPDATE digest_item SET due_at = business_now() WHERE due_at < 'infinity'"))
    with transaction() as session:
        written = digests.send_due(session)
    work()
    return written


def body_to(inbox: Mailbox, address: str) -> str:
    [mail] = [mail for mail in inbox.messages() if mail["To"] == address]
    part = mail.get_body(("plain",))
    assert part is not None
    return f"{mail['Subject']}\n{part.get_content()}"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("cadence", "at", "due"),
    [
        ("daily", "2027-01-11T09:00Z", "2027-01-11T17:00"),
        ("daily", "2027-01-11T17:00Z", "2027-01-12T17:00"),
        ("daily", "2027-07-12T09:00Z", "2027-07-12T16:00"),  # summer
        ("daily", "2027-03-27T18:00Z", "2027-03-28T16:00"),  # over the night the clocks go forward
        ("weekly", "2027-01-11T09:00Z", "2027-01-15T17:00"),  # a Monday
        ("weekly", "2027-01-15T16:59Z", "2027-01-15T17:00"),  # a Friday
        ("weekly", "2027-01-15T17:00Z", "2027-01-22T17:00"),
        ("weekly", "2027-01-16T09:00Z", "2027-01-22T17:00"),
        ("at-once", "2027-01-16T09:00Z", "2027-01-16T09:00"),
    ],
)
def test_a_digest_is_due_at_five_on_the_clock_of_this_country(cadence: str, at: str, due: str) -> None:
    with transaction() as session:
        asked = text("SELECT digest_due(:cadence, CAST(:at AS timestamptz))")
        found = session.execute(asked, {"cadence": cadence, "at": at}).scalar_one()
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_alerts_are_gathered_and_come_in_one_mail_for_each_ones_places(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    send(client, world, work, title="North Road closed", body="North.", audience={"wards": [NORTH]}, sms="North.")
    send(client, world, work, title="South Road closed", body="South.", audience={"wards": [SOUTH]})
    both = {"title": "Both Roads closed", "body": "Both.", "link": "https://example.org/both"}
    send(client, world, work, **both, translations={"cy": {"title": "Ffyrdd ar gau", "body": "Y ddwy."}})
    assert inbox.recipients() == {"now@example.org": 2}
    assert inbox.texts() == {"+447700900123": 2}  # a text is never gathered
    inbox.empty()
    assert let_it_be_five(work) == 2
    assert inbox.recipients() == {"north@example.org": 1, "south@example.org": 1}
    north, south = body_to(inbox, "north@example.org"), body_to(inbox, "south@example.org")
    assert north.startswith("Road closures: 2 alerts")
    for words in ("North Road closed", "Both.", "https://example.org/both"):
        assert words in north
    assert "South" not in north
    assert south.startswith("Road closures: 2 rhybudd")
    assert "South Road closed" in south
    assert "Y ddwy." in south
    inbox.empty()
    assert let_it_be_five(work) == 0
    assert inbox.recipients() == {}


def test_one_alert_alone_keeps_its_title_and_can_be_left_with_a_click(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    send(client, world, work, title="North Road closed", audience={"wards": [NORTH]})
    inbox.empty()
    let_it_be_five(work)
    [mail] = inbox.messages()
    assert mail["Subject"] == "North Road closed"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = mail["List-Unsubscribe"].strip("<>").partition("8000")[2]
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code < 300
    send(client, world, work, title="North Road closed again")
    inbox.empty()
    assert let_it_be_five(work) == 1  # south's


def test_an_emergency_waits_for_no_digest(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    send(client, world, work, topic="emergencies", priority="emergency")
    assert set(inbox.recipients()) == {f"{who}@example.org" for who in ("now", "north", "south")}


def test_what_would_be_over_by_then_is_sent_at_once(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    gather("north@example.org", "weekly")
    soon = (clock.now() + timedelta(minutes=2)).isoformat()
    send(client, world, work, expires_at=soon)
    assert inbox.recipients()["north@example.org"] == 1


def test_what_was_withdrawn_or_stopped_meanwhile_is_left_out(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    withdrawn = send(client, world, work, title="Withdrawn")
    send(client, world, work, title="Still true")
    with transaction() as session:
        session.execute(text("UPDATE alert SET state = 'cancelled' WHERE id = :id"), {"id": withdrawn})
        session.execute(
            text("""
                UPDATE subscription SET ended_at = business_now()
                WHERE subscriber_id = (SELECT subscriber_id FROM contact WHERE address = 'south@example.org')
            """)
        )
    inbox.empty()
    let_it_be_five(work)
    assert inbox.recipients() == {"north@example.org": 1}
    assert "Withdrawn" not in body_to(inbox, "north@example.org")
    with transaction() as session:
        assert session.execute(text("SELECT state FROM delivery WHERE state = 'suppressed'")).scalars().all() == [
            "suppressed"
        ]


def test_an_update_comes_to_those_who_have_the_first_in_a_digest(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    first = send(client, world, work, title="Road closed")
    inbox.empty()
    assert act(client, world.headers, first, "all-clear", {"title": "Road open", "body": "Again."}).status_code == 201
    work()
    assert inbox.recipients() == {"now@example.org": 1}
    inbox.empty()
    let_it_be_five(work)
    assert inbox.recipients() == {"north@example.org": 1, "south@example.org": 1}
    assert "Road open" in body_to(inbox, "north@example.org")


def test_a_digest_is_in_the_ledger_and_not_among_the_public_alerts(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    first = send(client, world, work, title="Road closed")
    assert state(client, world.headers, first) == "sent"
    let_it_be_five(work)
    with transaction() as session:
        digest = session.exec(select(Alert).where(Alert.created_by == "digest")).one()
        states = session.execute(text("SELECT state FROM delivery WHERE alert_id = :id"), {"id": digest.id}).scalars()
        assert set(states) == {"sent"}
        assert digest.recipients == 2
    assert client.get(f"/alerts/{digest.id}").status_code == 404
    assert client.get("/alerts").text.count("Road closed") == client.get("/alerts.json").text.count("Road closed") or 1
    assert str(digest.id) not in client.get("/alerts.json").text


@pytest.mark.parametrize(
    ("form", "has_html", "size"), [("standard", True, "18px"), ("large", True, "27px"), ("plain", False, "")]
)
def test_a_mail_has_the_form_its_reader_chose(
    client: Client, world: World, work: Work, inbox: Mailbox, form: str, has_html: bool, size: str
) -> None:
    with transaction() as session:
        session.execute(text("UPDATE subscriber SET mail_format = :form"), {"form": form})
    send(client, world, work)
    [mail] = inbox.messages()
    html = mail.get_body(("html",))
    assert (html is not None) == has_html
    assert html is None or f"font-size:{size};line-height:1.5" in html.get_content()
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "On Sunday." in plain.get_content()
    assert mail["Content-Language"] == "en"
