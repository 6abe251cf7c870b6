"""The ledger's door: a row for each person and channel, in pages, naming nobody."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import batches, worker_loop
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.world import NORTH, SCRAPER, SOUTH, World, add_resident, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    add_resident(world, "ann@example.org", phone="07700 900001", name="Ann Ash", language="cy")
    add_resident(world, "bob@example.org", name="Bob Birch", postcodes=["ZZ2 1AA"])
    add_resident(world, "cat@example.org", name="Cat Cedar", postcodes=[])
    return world


def page(client: Client, world: World, alert_id: str, query: str = "") -> Any:  # noqa: ANN401 - JSON
    reply = client.get(f"/api/v1/alerts/{alert_id}/deliveries?{query}", headers=world.headers)
    assert reply.status_code == 200, reply.text
    return reply.json()


def numbers(page: Any) -> list[int]:  # noqa: ANN401 - JSON
    return [row["number"] for row in page["deliveries"]]


def test_a_row_says_what_became_of_one_message(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    before = moments.present()
    alert = created(client, world.headers, send=True)
    work()
    rows = page(client, world, alert["id"])["deliveries"]
    assert Counter((row["channel"], row["provider"], row["ward"], row["language"], row["state"]) for row in rows) == {
        ("email", "smtp", NORTH, "cy", "sent"): 1,
        ("email", "smtp", SOUTH, "en", "sent"): 1,
        ("email", "smtp", None, "en", "sent"): 1,
        ("sms", "file", NORTH, "cy", "sent"): 1,
    }
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    assert all(before <= datetime.fromisoformat(row["sent_at"]) <= moments.present() for row in rows)
    message_ids = {line["message_id"].strip("<>").partition("@")[0] for line in inbox.lines()}
    assert message_ids == {row["id"] for row in rows if row["channel"] == "email"}


def test_no_byte_of_the_ledger_names_anybody(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    alert = created(client, world.headers, send=True)
    work()
    for door in ("", "/deliveries", "/analytics"):
        said = client.get(f"/api/v1/alerts/{alert['id']}{door}", headers=world.headers).text
        for secret in ("example.org", "7700900001", "Ann", "Bob", "ZZ1", "ZZ21"):
            assert secret not in said


def test_pages_give_every_row_once_in_order(client: Client, world: World) -> None:
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    pages, after = [], 0
    while after is not None:
        found = page(client, world, alert["id"], f"limit=3&after={after}")
        pages.append(numbers(found))
        after = found["next"]
    assert pages == [[1, 2, 3], [4]]


def test_a_state_and_a_moment_narrow_the_extract(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    alert = created(client, world.headers, channels=["email"], send=True)
    work()
    with transaction() as session:
        session.execute(text("UPDATE delivery SET changed_at = changed_at - interval '1 hour' WHERE number <> 2"))
        session.execute(text("UPDATE delivery SET state = 'permanent-failure' WHERE number = 3"))
    since = quote(alert["created_at"])
    assert numbers(page(client, world, alert["id"], f"changed_since={since}")) == [2]
    assert numbers(page(client, world, alert["id"], "state=sent")) == [1, 2]
    assert numbers(page(client, world, alert["id"], "state=permanent-failure")) == [3]
    assert numbers(page(client, world, alert["id"], f"state=permanent-failure&changed_since={since}")) == []
    assert numbers(page(client, world, alert["id"], "state=sent&limit=1")) == [1]


def test_what_a_worker_holds_shows_as_sending(client: Client, world: World) -> None:
    alert = created(client, world.headers, channels=["email"], send=True)
    worker_loop.expand_alert(alert["id"])
    assert numbers(page(client, world, alert["id"], "state=created")) == [1, 2, 3]
    with transaction() as session:
        assert batches.claim(session, session.execute(text("SELECT id FROM batch")).scalar_one())
    assert numbers(page(client, world, alert["id"], "state=sending")) == [1, 2, 3]
    assert numbers(page(client, world, alert["id"], "state=created")) == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=5001", "after=-1", "state=lost", "changed_since=2026-01-01T00:00:00", "after=9" * 9]
)
def test_a_question_that_makes_no_sense_is_refused(client: Client, world: World, query: str) -> None:
    alert = created(client, world.headers)
    reply = client.get(f"/api/v1/alerts/{alert['id']}/deliveries?{query}", headers=world.headers)
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"


def test_the_metrics_say_how_much_waits_on_each_lane(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    alert = created(client, world.headers, channels=["email"], send=True)
    worker_loop.expand_alert(alert["id"])
    reply = client.get("/metrics", headers=SCRAPER)
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'notify_lane_deliveries{lane="routine"} 3\n' in reply.text
    assert 'notify_lane_batches{lane="emergency"} 0\n' in reply.text
    work()
    assert 'notify_lane_deliveries{lane="routine"} 0\n' in client.get("/metrics", headers=SCRAPER).text


def test_a_viewer_may_read_the_ledger(client: Client, world: World) -> None:
    alert = created(client, world.headers)
    reply = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=make_key(world, Role.VIEWER))
    assert reply.status_code == 200
