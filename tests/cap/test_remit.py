"""CAP messages of those who may not decide about the alert that a message follows, or may not write what it says."""

from datetime import timedelta

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.alerts.models import Alert
from notify.core.db import transaction
from notify.staff.models import ApiKey, Officer, Role
from tests.answers import said
from tests.cap.messages import SENT, hold_clock, message, post, reference
from tests.world import NORTH, SOUTH, World, at_the_desk, council_key, make_key, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]


@pytest.fixture
def world(client: Client) -> World:
    hold_clock(SENT + timedelta(minutes=1))
    return make_world()


def limited(world: World, **limits: list[str]) -> Headers:
    """The key of an officer who works with some topics or areas only."""
    key = make_key(world, Role.PLANNER)
    prefix = key["Authorization"].split("_")[2]
    with transaction() as session:
        sam = session.exec(select(Officer).join(ApiKey).where(ApiKey.prefix == prefix)).one()
        sam.topics, sam.areas = limits.get("topics", []), limits.get("areas", [])
    return key


def of_ward(code: str) -> str:
    """An area that is one ward, by its code."""
    geocode = f"<geocode><valueName>WD25CD</valueName><value>{code}</value></geocode>"
    return f"<area><areaDesc>A ward</areaDesc>{geocode}</area>"


def rows() -> list[tuple[object, ...]]:
    with transaction() as session:
        alerts = session.execute(text("SELECT id, state, title FROM alert ORDER BY id")).all()
        return [tuple(row) for row in [*alerts, *session.execute(text("SELECT identifier FROM cap_message")).all()]]


def upload(client: Client, headers: Headers, xml: str) -> httpx.Response:
    files = {"file": ("message.xml", xml, "text/xml")}
    return client.post("/staff/cap", headers=headers, files=files, follow_redirects=False)


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
@pytest.mark.parametrize("limits", [{"topics": ["bins"]}, {"areas": [NORTH]}], ids=["topic", "area"])
def test_an_alert_outside_ones_remit_was_never_received(
    client: Client, world: World, kind: str, limits: dict[str, list[str]]
) -> None:
    officer = limited(world, **limits)
    post(client, world.headers, message(area=of_ward(SOUTH)))
    before = rows()
    follows = {"identifier": "two", "kind": kind, "area": of_ward(NORTH)}
    known = post(client, officer, message(references=reference(), **follows), topic="bins")
    absent = post(client, officer, message(references=reference("else"), **follows), topic="bins")
    if kind == "Update":  # like one of what never came: a draft of their own, which changes nothing of the other
        assert known.json()["notes"] == [
            "It updates alerts@example.org,one, which was never received here. It is a draft of its own, for everybody "
            "in its area."
        ]
        assert absent.json()["type"] == "/problems/cap-differs"  # the same identifier again
        assert set(before) <= set(rows())
        return
    assert (known.status_code, known.json()["type"]) == (409, "/problems/cap-references-do-not-match")
    assert said(known) == said(absent).replace("alerts@example.org,else", "alerts@example.org,one")
    by_page = upload(client, at_the_desk(officer), message(references=reference(), **follows))
    assert (by_page.status_code, "was never received here" in by_page.text) == (409, True)
    assert rows() == before


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_what_only_touches_ones_area_is_not_ones_own_to_follow(client: Client, world: World, kind: str) -> None:
    officer = limited(world, areas=[NORTH])
    post(client, world.headers, message(area=of_ward(NORTH) + of_ward(SOUTH)))
    before = rows()
    follows = message(identifier="two", kind=kind, references=reference(), area=of_ward(NORTH))
    refused = post(client, officer, follows)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/outside-your-remit")
    assert upload(client, at_the_desk(officer), follows).status_code == 403
    assert rows() == before


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_who_may_not_broadcast_follows_no_emergency(client: Client, world: World, kind: str) -> None:
    author = make_key(world, Role.AUTHOR)
    post(client, world.headers, message())
    before = rows()
    follows = message(identifier="two", kind=kind, references=reference())
    for answer in (post(client, author, follows), upload(client, at_the_desk(author), follows)):
        assert answer.status_code == 403
        assert "may not broadcast emergencies" in answer.text
    assert rows() == before


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_an_author_takes_back_the_draft_of_a_message_they_sent(client: Client, world: World, kind: str) -> None:
    author = make_key(world, Role.AUTHOR)
    draft = post(client, author, message()).json()["alert"]
    follows = post(client, author, message(identifier="two", kind=kind, references=reference()))
    assert follows.status_code == 201
    assert client.get(f"/api/v1/alerts/{draft}", headers=author).json()["state"] == "cancelled"


def test_an_author_takes_back_nothing_that_a_planner_submitted(client: Client, world: World) -> None:
    author, planner = make_key(world, Role.AUTHOR), make_key(world, Role.PLANNER)
    draft = post(client, author, message()).json()["alert"]
    assert client.post(f"/api/v1/alerts/{draft}/submit", headers=planner).json()["state"] == "submitted"
    over = post(client, author, message(identifier="two", kind="Cancel", references=reference()))
    for refused in (over, client.post(f"/api/v1/alerts/{draft}/cancel", headers=author)):
        assert refused.status_code == 403
    assert client.get(f"/api/v1/alerts/{draft}", headers=author).json()["state"] == "submitted"


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_a_key_takes_back_no_emergency_that_somebody_else_drafted(client: Client, world: World, kind: str) -> None:
    planner = make_key(world, Role.PLANNER)
    post(client, planner, message())
    before = rows()
    follows = message(identifier="two", kind=kind, references=reference())
    for other in (make_key(world, Role.PLANNER), council_key(world, Role.ADMIN)):
        refused = post(client, other, follows)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/second-factor-needed")
    assert rows() == before
    assert post(client, planner, follows).status_code == 201


def test_nothing_is_drafted_outside_ones_remit_and_right(client: Client, world: World) -> None:
    north = limited(world, areas=[NORTH])
    bins = limited(world, topics=["bins"])
    both = of_ward(NORTH) + of_ward(SOUTH)
    tries = ((bins, of_ward(NORTH)), (north, of_ward(SOUTH)), (north, both))
    for number, (headers, area) in enumerate(tries):
        refused = post(client, headers, message(identifier=f"no{number}", area=area))
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/outside-your-remit")
    assert rows() == []
    assert post(client, north, message(area=of_ward(NORTH))).status_code == 201


def test_a_message_that_came_for_others_says_nothing_of_its_alert(client: Client, world: World) -> None:
    officer = limited(world, areas=[NORTH])
    told = message(area=of_ward(SOUTH))
    absent = post(client, officer, told)
    post(client, world.headers, told)
    before = rows()
    again = post(client, officer, told)
    assert (again.status_code, said(again)) == (absent.status_code, said(absent))
    other = post(client, officer, message(area=of_ward(NORTH)))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/cap-differs")
    assert rows() == before


def test_who_may_decide_about_it_follows_it(client: Client, world: World) -> None:
    officer = limited(world, areas=[NORTH])
    post(client, officer, message(area=of_ward(NORTH)))
    news = message(identifier="two", kind="Update", references=reference(), area=of_ward(NORTH))
    assert post(client, officer, news).json()["kind"] == "alert"
    over = message(identifier="three", kind="Cancel", references=reference("two"), area=of_ward(NORTH))
    assert upload(client, at_the_desk(officer), over).status_code == 200
    with transaction() as session:
        assert set(session.exec(select(Alert.state)).all()) == {"cancelled"}
