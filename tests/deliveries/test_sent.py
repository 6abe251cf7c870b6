"""What was sent to a resident, as they see it themselves."""

import csv
import io
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import my_data_pages
from notify.deliveries.models import DeliveryState
from tests.alerts.calls import created
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER, sign_in
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    world = make_world()
    for name in ("sam", "kim"):
        add_resident(world, f"{name}@example.org", topics=["bins"])
    return world


def read(client: Client, path: str) -> Page:
    """A page after sign-in, in a browser."""
    reply = client.get(path, headers=BROWSER)
    assert reply.status_code == 200, reply.text
    return Page(reply.text)


def test_nobody_sees_it_without_signing_in(client: Client, world: World) -> None:
    assert client.get("/my/sent", headers=BROWSER).status_code == 401


def test_each_message_is_there_with_what_became_of_it(client: Client, world: World, work: Work) -> None:
    sign_in(client, "sam@example.org")
    assert "We have not sent you anything yet." in read(client, "/my/sent").text
    created(client, world.headers, topic="bins", title="Bins on Tuesday", send=True)
    assert "Bins" not in read(client, "/my/sent").text
    work()
    shown = read(client, "/my/sent").text
    assert "Bins on Tuesday" in shown
    assert "Bin collections, Zed Council" in shown
    assert "email Sent" in shown


def test_what_was_held_back_is_there_too(client: Client, world: World, work: Work) -> None:
    sign_in(client, "sam@example.org")
    with transaction() as session:
        session.execute(text("UPDATE subscriber SET paused_until = business_now() + interval '1 day'"))
    created(client, world.headers, topic="bins", send=True)
    work()
    assert "Not sent: you had stopped or paused it" in read(client, "/my/sent").text


def test_it_is_their_own_only(client: Client, world: World, work: Work) -> None:
    created(client, world.headers, topic="bins", title="Bins on Tuesday", send=True)
    work()
    with transaction() as session:
        session.execute(
            text("""
                DELETE FROM delivery
                WHERE subscriber_id = (SELECT subscriber_id FROM contact WHERE address = 'sam@example.org')
            """)
        )
    sign_in(client, "sam@example.org")
    assert "We have not sent you anything yet." in read(client, "/my/sent").text
    assert client.get("/my/data.json").json()["messages"] == []


def test_it_is_read_a_page_at_a_time(client: Client, world: World, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(my_data_pages, "PAGE", 2)
    for day in ("Monday", "Tuesday", "Friday"):
        created(client, world.headers, topic="bins", title=f"Bins on {day}", send=True)
        work()
    sign_in(client, "sam@example.org")
    first, second = read(client, "/my/sent"), read(client, "/my/sent?page=2")
    assert [day in first.text for day in ("Friday", "Tuesday", "Monday")] == [True, True, False]
    assert [day in second.text for day in ("Friday", "Tuesday", "Monday")] == [False, False, True]
    assert "/my/sent?page=2" in first.links
    assert "There is nothing older." in read(client, "/my/sent?page=9").text
    assert client.get("/my/sent?page=x", headers=BROWSER).status_code in (400, 422)


def test_downloads_hold_every_message_and_what_was_done_with_it(client: Client, world: World, work: Work) -> None:
    created(client, world.headers, topic="bins", title="=1+1", send=True)
    work()
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO hit (month, id, at, alert_id, number, kind, link, channel, device, verdict, reason)
                SELECT month, uuidv7(), business_now(), alert_id, number, 'clicked', 0, 'email', 'phone', 'human', ''
                FROM delivery d
                JOIN contact c ON c.id = d.contact_id AND c.address = 'sam@example.org'
            """)
        )
    sign_in(client, "sam@example.org")
    [message] = client.get("/my/data.json").json()["messages"]
    assert (message["title"], message["outcome"], message["channel"]) == ("=1+1", "sent", "email")
    assert [event["kind"] for event in message["events"]] == ["clicked"]
    facts = dict(csv.reader(io.StringIO(client.get("/my/data.csv").text)))
    assert facts["messages 1 title"] == "'=1+1"


def test_every_state_has_words() -> None:
    assert set(my_data_pages.OUTCOMES) == set(DeliveryState)
