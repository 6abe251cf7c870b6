"""A council adds an address to somebody it has: nothing happens before a confirmed contact says yes."""

import re
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.subscribers import known_elsewhere
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER
from tests.world import World, add_resident, make_other_council, make_world
from workers.scheduler import CHORES

Client = TestClient[Litestar]
Work = Callable[[], None]
CONSENT = {"wording_version": "v1", "wording": "Yes, write to me.", "source": "phone"}


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def add_phone(client: Client, council: World, **fields: object) -> dict[str, object]:
    ways = [("email", "ann@example.org"), ("sms", "07700 900001")]
    body = {
        "contacts": [{"channel": channel, "address": address} for channel, address in ways],
        "topics": ["bins"],
        "consent": CONSENT,
    }
    reply = client.post("/api/v1/subscribers", json=body | fields, headers=council.headers | {"Accept": "*/*"})
    assert reply.is_success, reply.text
    answer: dict[str, object] = reply.json()
    return answer


def channels() -> list[str]:
    with transaction() as session:
        return list(session.execute(text("SELECT channel FROM contact ORDER BY channel")).scalars())


def link_in(inbox: Mailbox) -> str:
    [mail] = [mail for mail in inbox.messages() if "new contact" in mail["Subject"]]
    found = re.search(r"/add-contact/[\w-]+", str(mail.get_body(("plain",))))
    assert found
    return found[0]


def test_another_address_waits_and_a_yes_adds_it(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "ann@example.org")
    added = add_phone(client, world)
    assert (added["status"], added["waiting"]) == ("updated", ["sms"])
    work()
    assert channels() == ["email"]
    created(client, world.headers, topic="bins", send=True)
    work()
    assert not inbox.texts()
    path = link_in(inbox)
    assert "+447700900001" in client.get(path).text
    assert channels() == ["email"]
    answer = client.post(path, data={"answer": "yes"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert channels() == ["email", "sms"]
    created(client, world.headers, topic="bins", send=True)
    work()
    assert inbox.texts() == {"+447700900001": 1}
    with transaction() as session:
        lines = session.execute(text("SELECT source FROM consent WHERE channel = 'sms' AND action = 'given'")).scalars()
        assert list(lines) == ["phone"]


def test_a_no_forgets_it(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "ann@example.org")
    add_phone(client, world)
    work()
    path = link_in(inbox)
    assert client.post(path, data={"answer": "no"}).status_code == 200
    assert client.post(path, data={"answer": "yes"}).status_code == 404
    assert channels() == ["email"]
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM contact_request")).scalar_one() == 0


def test_without_proof_the_new_address_is_asked_too(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "ann@example.org")
    reply = client.post(
        "/api/v1/subscribers/import?wording_version=v1&wording=Yes&consent_source=paper&confirm=true&topics=bins",
        content="email,phone\nann@example.org,07700 900001\n",
        headers=world.headers | {"Content-Type": "text/csv"},
    )
    assert (reply.json()["updated"], reply.json()["waiting"]) == (1, 1)
    work()
    client.post(link_in(inbox), data={"answer": "yes"})
    with transaction() as session:
        rows = session.execute(text("SELECT confirmed_by, told_at IS NULL FROM contact WHERE channel = 'sms'")).all()
    assert [tuple(row) for row in rows] == [(None, True)]


def test_others_who_are_confirmed_are_told(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "ann@example.org", phone="07700 900002")
    webhook = [("email", "ann@example.org"), ("webhook", "https://crm.example.org/hook")]
    contacts = [{"channel": channel, "address": address} for channel, address in webhook]
    assert add_phone(client, world, contacts=contacts)["waiting"] == ["webhook"]
    work()
    client.post(link_in(inbox), data={"answer": "yes"})
    with transaction() as session:
        told = session.execute(
            text(
                "SELECT c.channel FROM service_message m JOIN contact c ON c.id = m.contact_id"
                " WHERE m.kind = 'contact-added'"
            )
        ).scalars()
        assert list(told) == ["sms"]


def test_nobody_confirmed_yet_is_nobody_to_ask(client: Client, world: World) -> None:
    add_resident(world, "ann@example.org", confirm=True)
    assert add_phone(client, world, confirm=True)["waiting"] == []
    assert channels() == ["email", "sms"]


def test_whom_another_council_enrols_is_told_later(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    far = make_other_council()
    add_resident(world, "ann@example.org")
    add_resident(far, "ann@example.org", topics=["potholes"])
    add_resident(far, "new@example.org", topics=["potholes"])
    work()
    assert inbox.messages() == []
    with transaction() as session:
        assert known_elsewhere.tell(session) == 3
    work()
    [mail] = inbox.messages()
    assert (mail["To"], mail["Subject"]) == ("ann@example.org", "Far Council now sends you alerts")
    assert "Potholes" in str(mail.get_body(("plain",)))
    with transaction() as session:
        assert known_elsewhere.tell(session) == 0
    assert known_elsewhere.tell in [task.work for task in CHORES]
