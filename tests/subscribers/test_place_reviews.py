"""Residents whose place a release left open are asked, and counted; who is outside of their council is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from notify.core.db import transaction
from notify.places import activation
from notify.subscribers.models import Place
from notify.subscribers.place_reviews import service as place_reviews_service
from notify.subscribers.service import unsubscribe
from tests.alerts.calls import Client
from tests.mailbox import Mailbox
from tests.places.invented import postcode_file, put_in_force
from tests.subscribers.journey import BROWSER, sign_in
from tests.world import DISTRICT, NORTH, POSTCODES, SOUTH, World, add_resident, administrator, make_world

Work = Callable[[], None]
SAM, FAR = "sam@example.org", "Z07000002"
ROWS = [(f"{p[:-3]} {p[-3:]}", e, n, w) for p, e, n, w in POSTCODES]


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return make_world()


def without(folder: Path, postcode: str) -> None:
    """A release that no longer has this postcode."""
    put_in_force(postcode_file(folder / "gone.csv", [row for row in ROWS if row[0] != postcode]))


def ask() -> int:
    with transaction() as session:
        return place_reviews_service.ask(session)


def place() -> Place:
    with transaction() as session:
        return session.exec(select(Place)).one()


def counted(client: Client, world: World) -> dict[str, int]:
    [found] = client.get("/api/v1/place-reviews", headers=world.headers).json()
    return {name: found[name] for name in ("places", "written_to", "changed", "kept", "settled", "open")}


def test_a_resident_is_asked_once_and_keeps_the_postcode(
    client: Client, world: World, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    add_resident(world, SAM, postcodes=["ZZ2 1AA"])
    without(tmp_path, "ZZ2 1AA")
    assert (ask(), ask()) == (1, 0)
    work()
    [mail] = inbox.messages()
    assert mail["Subject"] == "Check your postcode for alerts"
    assert "ZZ2 1AA" in str(mail.get_body(("plain",)))
    sign_in(client, SAM)
    assert "Check your postcode ZZ2 1AA" in client.get("/my").text
    assert counted(client, world) == {"places": 1, "written_to": 1, "changed": 0, "kept": 0, "settled": 0, "open": 1}
    assert client.post(f"/my/keep/{place().id}").status_code == 303
    assert "Check your postcode" not in client.get("/my").text
    assert (place().ward_code, place().needs_review) == (SOUTH, False)
    assert counted(client, world)["kept"] == 1
    page = client.get("/staff/places", headers=administrator(world)).text
    assert "Places to check" in page


def test_another_postcode_is_an_answer(client: Client, world: World, tmp_path: Path) -> None:
    add_resident(world, SAM, postcodes=["ZZ2 1AA"])
    without(tmp_path, "ZZ2 1AA")
    ask()
    sign_in(client, SAM)
    assert client.post(f"/my/move/{place().id}", data={"postcode": "ZZ2 1AB"}).status_code == 303
    assert (counted(client, world)["changed"], counted(client, world)["open"]) == (1, 0)


def test_going_back_flags_nobody_and_takes_back_what_was_flagged(client: Client, world: World, tmp_path: Path) -> None:
    add_resident(world, SAM, postcodes=["ZZ2 1AA"])
    without(tmp_path, "ZZ2 1AA")
    assert place().needs_review
    with transaction() as session:
        assert activation.activate(session, 1, confirmed=True).needing_review == 0
    assert ask() == 0
    put_in_force(postcode_file(tmp_path / "new.csv", [*ROWS, ("ZZ2 1AD", 556_500, 344_500, SOUTH)]))
    add_resident(world, "new@example.org", postcodes=["ZZ2 1AD"])
    with transaction() as session:
        assert activation.activate(session, 1, confirmed=True).needing_review == 0


def test_who_is_outside_is_told_and_their_topics_end(
    client: Client, world: World, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    add_resident(world, SAM, postcodes=["ZZ2 1AA"], topics=["bins"])
    add_resident(world, "two@example.org", postcodes=["ZZ2 1AA", "ZZ1 1AA"], topics=["bins"])
    near = postcode_file(tmp_path / "near.csv", [row for row in ROWS if row[3] == NORTH]).read_text()
    far = postcode_file(tmp_path / "far.csv", [row for row in ROWS if row[3] == SOUTH], FAR).read_text()
    (tmp_path / "both.csv").write_text(near + far)
    put_in_force(tmp_path / "both.csv")
    for expected in (1, 0):
        with transaction() as session:
            assert place_reviews_service.settle_outside(session) == expected
    work()
    [mail] = inbox.messages()
    assert (mail["To"], mail["Subject"]) == (SAM, "Your alerts from Zed Council have stopped")
    with transaction() as session:
        following = session.execute(text("SELECT count(*) FROM subscription WHERE ended_at IS NULL")).scalar_one()
        last = session.execute(text("SELECT action, source FROM consent ORDER BY id DESC LIMIT 1")).one()
    assert (following, tuple(last)) == (1, ("withdrawn", "outside-area"))


def test_a_council_whose_district_got_a_new_code_loses_nobody(client: Client, world: World, tmp_path: Path) -> None:
    add_resident(world, SAM, postcodes=["ZZ2 1AA"], topics=["bins"])
    put_in_force(postcode_file(tmp_path / "new.csv", ROWS, "Z06000001"))
    with transaction() as session:
        assert place_reviews_service.settle_outside(session) == 0
    assert place().district_code != DISTRICT


def test_a_resident_who_left_is_not_asked(
    client: Client, world: World, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    sam = add_resident(world, SAM, postcodes=["ZZ2 1AA"])
    left = client.patch(f"/api/v1/subscribers/{sam}", json={"topics": []}, headers=world.headers)
    assert left.status_code == 200, left.text
    without(tmp_path, "ZZ2 1AA")
    assert ask() == 0
    work()
    assert inbox.messages() == []


def test_a_resident_who_left_by_email_is_asked_by_text(client: Client, world: World, tmp_path: Path) -> None:
    sam = add_resident(world, SAM, phone="+447700900123", postcodes=["ZZ2 1AA"])
    with transaction() as session:
        email = session.execute(text("SELECT id FROM contact WHERE channel = 'email'")).scalar_one()
        unsubscribe(session, contact_id=email, topic_id=None, source="test")
    without(tmp_path, "ZZ2 1AA")
    assert ask() == 1
    with transaction() as session:
        asked = (
            session.execute(text("SELECT channel FROM service_message JOIN contact c ON c.id = contact_id"))
            .scalars()
            .all()
        )
        place_reviews_service.end(session, [sam])
        told = (
            session.execute(text("SELECT channel FROM service_message JOIN contact c ON c.id = contact_id"))
            .scalars()
            .all()
        )
    assert (asked, told) == (["sms"], ["sms", "sms"])
