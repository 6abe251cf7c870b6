"""The archive: what was sent is found by its words, handed out with every field, and changed by nobody."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from notify.db import transaction
from notify.staff.models import AuditEntry, KeyMode, Role
from tests.alerts.calls import created
from tests.subscribers.html import Page
from tests.world import NORTH, World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client, work: Work) -> World:
    world = make_world()
    add_resident(world, "a@example.org", phone="07700 900123", topics=["road-closures", "emergencies"])
    alerts: list[dict[str, object]] = [
        {"title": "Mill Road closed", "body": "=1+1 Use the bus.", "audience": {"wards": [NORTH]}},
        {"title": "Flood", "body": "Go upstairs.", "topic": "emergencies", "priority": "emergency"},
        {"title": "Bridge", "body": "Open.", "translations": {"cy": {"title": "Pont", "body": "Ar agor."}}},
    ]
    for alert in alerts:
        created(client, world.headers, send=True, **alert)
    created(client, world.headers, title="Mill Road never sent")
    created(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST), title="Mill Road rehearsed", send=True)
    work()
    client.headers.update(at_the_desk(make_key(world, Role.MONITORING)))
    return world


def found(client: Client, **query: str) -> set[str]:
    page = Page(client.get("/staff/archive", params=query, headers={"Accept": "text/html"}).text)
    return {title for title in ("Mill Road closed", "Flood", "Bridge") if title in page.text} | {
        title for title in ("Mill Road never sent", "Mill Road rehearsed") if title in page.text
    }


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, {"Mill Road closed", "Flood", "Bridge"}),
        ({"q": "mill"}, {"Mill Road closed"}),
        ({"q": "agor"}, {"Bridge"}),
        ({"q": "bus or upstairs"}, {"Mill Road closed", "Flood"}),
        ({"q": "road -closed"}, set()),
        ({"q": "'; DROP TABLE alert; --"}, set()),
        ({"topic": "emergencies"}, {"Flood"}),
        ({"priority": "routine"}, {"Mill Road closed", "Bridge"}),
        ({"since": "2099-01-01"}, set()),
        ({"until": "2020-01-01"}, set()),
        ({"since": "nonsense"}, {"Mill Road closed", "Flood", "Bridge"}),
    ],
)
def test_what_was_sent_is_found_by_its_words(
    client: Client, world: World, query: dict[str, str], titles: set[str]
) -> None:
    assert found(client, **query) == titles


def test_it_is_handed_out_with_every_field_and_no_resident(client: Client, world: World) -> None:
    table = client.post("/staff/archive/export", data={"form": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["title"] for row in rows] == ["Bridge", "Flood", "Mill Road closed"]
    assert rows[2]["body"].startswith("'=1+1")  # no formula
    assert json.loads(rows[2]["handed_over"]) == {"email": 1, "sms": 1}
    records = client.post("/staff/archive/export", data={"form": "json", "q": "pont"}).json()
    assert [one["title"] for one in records] == ["Bridge"]
    assert records[0]["translations"]["cy"]["title"] == "Pont"
    assert "a@example.org" not in table.text
    assert "900123" not in table.text
    with transaction() as session:
        lines = session.exec(select(AuditEntry.subject).where(AuditEntry.action == "archive.export")).all()
        assert sorted(lines) == ["1 alerts", "3 alerts"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alert SET title = 'Other' WHERE title = 'Flood'",
        "UPDATE alert SET body = 'Other' WHERE title = 'Flood'",
        "UPDATE alert SET audience = NULL, targets = '{}' WHERE title = 'Mill Road closed'",
        "UPDATE alert SET content_hash = '' WHERE title = 'Flood'",
        "DELETE FROM alert WHERE title = 'Flood'",
    ],
)
def test_nobody_changes_what_was_sent(client: Client, world: World, change: str) -> None:
    with pytest.raises(IntegrityError, match="kept as it was sent"), transaction() as session:
        session.execute(text(change))


def test_a_draft_can_still_go(client: Client, world: World) -> None:
    with transaction() as session:
        session.execute(text("DELETE FROM alert WHERE title = 'Mill Road never sent'"))
