"""The officer's page for CAP messages from a file."""

import re

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.alerts.models import Alert
from notify.core.db import transaction
from notify.staff.models import Role
from tests.cap.messages import SENT, SQUARE, hold_clock, message, reference
from tests.world import World, make_key, make_world


@pytest.fixture
def world(client: TestClient[Litestar]) -> World:
    hold_clock(SENT)
    return make_world()


def upload(client: TestClient[Litestar], world: World, xml: str | bytes | None, **fields: str) -> httpx.Response:
    files = {"file": ("message.xml", xml, "text/xml")} if xml is not None else {"other": ("", b"", "text/plain")}
    return client.post("/staff/cap", headers=world.headers, files=files, data=fields, follow_redirects=False)


def only_draft() -> Alert:
    with transaction() as session:
        return session.exec(select(Alert)).one()


def test_a_file_makes_a_draft_and_leads_to_it(client: TestClient[Litestar], world: World) -> None:
    reply = upload(client, world, message(), topic="")
    assert (reply.status_code, reply.headers["location"]) == (303, f"/staff/alerts/{only_draft().id}")
    assert client.get(reply.headers["location"], headers=world.headers).status_code == 200


def test_what_was_mended_is_said(client: TestClient[Litestar], world: World) -> None:
    reply = upload(client, world, message(polygon=SQUARE.rpartition(" ")[0]), repair="yes", topic="road-closures")
    assert reply.status_code == 303 or reply.status_code == 200
    assert "was open and has been closed" in reply.text
    assert f"/staff/alerts/{only_draft().id}" in reply.text


def test_a_withdrawn_draft_is_said(client: TestClient[Litestar], world: World) -> None:
    upload(client, world, message())
    reply = upload(client, world, message(identifier="two", kind="Cancel", references=reference()))
    assert "That draft has been cancelled" in reply.text
    assert only_draft().state == "cancelled"


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (None, "Choose a file"),
        (b"", "Choose a file"),
        (b"PK\x03\x04", "The message is not XML"),
        (b" " * 2_100_000, "The message is too large"),
        (message(kind="Cancel", references="a,b,2026-03-01T10:00:00-00:00"), "which was never received here"),
        (message(polygon=SQUARE.rpartition(" ")[0]), "A ring is not closed"),
    ],
    ids=["no file", "empty", "zip", "large", "cancel", "open"],
)
def test_what_is_wrong_stands_at_the_top(
    client: TestClient[Litestar], world: World, xml: str | bytes | None, words: str
) -> None:
    reply = upload(client, world, xml)
    assert reply.status_code in (409, 413, 422)
    summary = re.search(r'id="error-summary".*?</ul>', reply.text, re.DOTALL)
    assert summary is not None
    assert words in summary[0]
    assert 'href="#file"' in summary[0]


def test_a_missing_topic_is_asked_for(client: TestClient[Litestar], world: World) -> None:
    with transaction() as session:
        session.connection().exec_driver_sql("UPDATE topic SET purpose = 'service'")
    assert 'href="#topic"' in upload(client, world, message()).text


def test_who_may(client: TestClient[Litestar], world: World) -> None:
    viewer = make_key(world, Role.VIEWER)
    assert client.get("/staff/cap", headers=viewer).status_code == 403
    assert client.get("/staff/cap").status_code == 401
    assert client.get("/staff/cap", headers=world.headers).status_code == 200
    elsewhere = world.headers | {"Origin": "https://example.org"}
    assert client.post("/staff/cap", headers=elsewhere, files={"file": ("a", b"b")}).status_code == 403
