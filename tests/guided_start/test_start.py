"""The guided start of a new council, through its pages."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from notify.subscribers.queries import topics
from tests.mailbox import Mailbox
from tests.world import World, make_key, make_world, signed_in

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    """A council with places and topics, and nobody in it."""
    return make_world()


@pytest.fixture
def empty(client: Client) -> World:
    """A council with nothing at all."""
    with transaction() as session:
        made = staff.create_council(session, slug="new", name="New Council", district_codes=["Z07000002"], actor="test")
        return World(made.id, "")


def test_the_list_says_what_is_done_and_leads_to_the_next_step(client: Client, empty: World) -> None:
    desk = signed_in(empty.council_id, Role.ADMIN)
    shown = client.get("/staff/start", headers=desk).text
    assert "Set up New Council" in shown
    assert "0 of 7 steps are done" in shown
    assert 'href="/staff/settings">Next: name and look' in shown
    assert 'href="/staff/start"' in client.get("/staff", headers=desk).text


def test_starter_topics_are_made_once_and_with_two_people_for_emergencies(client: Client, empty: World) -> None:
    desk = signed_in(empty.council_id, Role.ADMIN)
    assert client.post("/staff/start/topics", headers=desk, data={}).status_code == 422
    chosen = {"topic": ["emergencies", "bins"]}
    for _ in range(2):
        sent = client.post("/staff/start/topics", headers=desk, data=chosen, follow_redirects=False)
        assert sent.headers["location"] == "/staff/start"
    with transaction() as session:
        made = {topic.slug: topic.approval.value for topic in topics(session, [empty.council_id])}
    assert made == {"emergencies": "one", "bins": "none"}
    left = client.get("/staff/start/topics", headers=desk).text
    assert "Bin collections" not in left
    assert "Road closures" in left


def test_a_test_message_arrives_at_the_users_own_address(client: Client, world: World, inbox: Mailbox) -> None:
    desk = signed_in(world.council_id, Role.ADMIN)
    shown = client.get("/staff/start/messages", headers=desk).text
    assert "By smtp." in shown
    sent = client.post("/staff/start/messages", headers=desk, data={"channel": "email"}, follow_redirects=False)
    assert sent.headers["location"] == "/staff/start/messages?sent=email"
    [mail] = inbox.messages()
    assert mail["subject"] == "Test message"
    typed = {"channel": "sms", "phone": "07700 900999"}
    unknown = client.post("/staff/start/messages", headers=desk, data=typed)
    assert (unknown.status_code, "Enter it on your own page" in unknown.text) == (422, True)
    with transaction() as session:
        [me] = session.exec(select(Officer).where(Officer.council_id == world.council_id)).all()
        me.phone = "+447700900123"
        session.add(me)
    for status in (303, 303, 303, 303, 422):  # an email was the first of five
        sent = client.post("/staff/start/messages", headers=desk, data=typed, follow_redirects=False)
        assert sent.status_code == status
    assert inbox.texts() == {"+447700900123": 4}
    assert "Kim sent a test message to themselves" in client.get("/staff/audit", headers=desk).text


def test_no_key_sends_a_test_message(client: Client, world: World, inbox: Mailbox) -> None:
    for key in (world.headers, make_key(world, Role.ADMIN)):
        for channel in ("email", "sms"):
            assert client.post("/staff/start/messages", headers=key, data={"channel": channel}).status_code == 403
    assert (inbox.recipients(), inbox.texts()) == ({}, {})


@pytest.mark.parametrize("path", ["", "/places", "/topics", "/messages"])
def test_only_administrators_set_a_council_up(client: Client, world: World, path: str) -> None:
    assert client.get(f"/staff/start{path}", headers=signed_in(world.council_id, Role.PLANNER)).status_code == 403
    assert client.get(f"/staff/start{path}", headers=signed_in(world.council_id, Role.ADMIN)).status_code == 200
