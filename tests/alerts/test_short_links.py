"""The short address in an emergency text leads to the public page, and to nothing that is not public."""

import re
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.tracking.reading import our_links, part
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_an_emergency_text_and_mail_lead_to_the_page_of_the_incident(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org", phone="07700 900001", topics=["emergencies"])
    created(client, world.headers, topic="emergencies", priority="emergency", title="River Zed floods", send=True)
    work()
    [sms] = inbox.lines("sms.jsonl")
    path = re.search(r"/a/[0-9a-z]{6}", sms["text"])
    assert path
    reply = client.get(path[0], follow_redirects=False)
    assert reply.status_code == 302
    assert reply.headers["location"].startswith("/incidents/")
    assert reply.headers["location"] in our_links(inbox.messages()[0])
    assert "River Zed floods" in client.get(reply.headers["location"]).text


@pytest.mark.parametrize("code", ["zzzzzz", "000000", "1", "ffffff"])
def test_an_unknown_short_address_leads_nowhere(client: Client, world: World, code: str) -> None:
    assert client.get(f"/a/{code}", follow_redirects=False).status_code == 404


def test_an_alert_to_a_single_postcode_has_no_page_to_lead_to(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org")
    created(client, world.headers, audience={"postcodes": ["ZZ1 1AA"]}, send=True)
    work()
    [mail] = inbox.messages()
    assert "See this alert" not in part(mail, "plain")


def test_the_link_keeps_the_readers_language(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", language="cy")
    created(client, world.headers, translations={"cy": {"title": "Ar gau", "body": "Dydd Sul."}}, send=True)
    work()
    [mail] = inbox.messages()
    assert "Gweld y rhybudd hwn a’r diweddariadau:" in part(mail, "plain")
    assert re.search(r"/alerts/[0-9a-f-]{36}\?lang=cy", part(mail, "plain"))
