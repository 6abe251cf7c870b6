"""A ward that has ended reaches nobody: it is refused with its successor, and what waited for it is held and told."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from notify.alerts import ended_areas
from notify.alerts.service import start_due
from notify.core.db import transaction
from notify.places import activation, ended_remits
from notify.staff.models import Role
from tests import moments
from tests.alerts.calls import ONE, Client, Headers, act, created, post_alert, state, world_with_approvals
from tests.alerts.test_late import officer
from tests.counting import exactly
from tests.mailbox import Mailbox
from tests.places.invented import postcode_file as file_of
from tests.places.invented import put_in_force
from tests.world import NORTH, POSTCODES, SOUTH, World, add_resident, administrator, at_the_desk, make_key

Work = Callable[[], None]
NEW, OTHER = "Z05000003", "Z05000004"
PEOPLE = {"n@example.org": "ZZ1 1AA", "s@example.org": "ZZ2 1AA", "t@example.org": "ZZ2 1AB"}
EMERGENCY = {"topic": "emergencies", "priority": "emergency", "send": True}


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    world = world_with_approvals()
    for email, postcode in PEOPLE.items():
        add_resident(world, email, postcodes=[postcode], topics=["road-closures", "emergencies", ONE])
    return world


def release(folder: Path, wards: Mapping[str, str], name: str = "r") -> None:
    """Put postcodes into force that lie in other wards than before: by postcode, or all of a ward."""
    rows = [(f"{p[:-3]} {p[-3:]}", e, n, wards.get(p, wards.get(w, w))) for p, e, n, w in POSTCODES]
    put_in_force(file_of(folder / f"{name}.csv", rows))


def later(**by: float) -> str:
    return (moments.present() + timedelta(**by)).isoformat()


def look() -> None:
    with transaction() as session:
        ended_areas.look(session)


def start() -> int:
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now() WHERE send_at IS NOT NULL"))
        return start_due(session)


def read(client: Client, headers: Headers, alert: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = client.get(f"/api/v1/alerts/{alert['id']}", headers=headers).json()
    return found


def test_a_code_that_ended_is_refused_with_its_successor(client: Client, world: World, tmp_path: Path) -> None:
    release(tmp_path, {SOUTH: NEW})
    for audience in ({"wards": [NORTH, SOUTH]}, {"wards": [NORTH], "except": {"wards": [SOUTH]}}):
        refused = post_alert(client, world.headers, audience=audience)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/area-ended")
        assert refused.json()["ended"] == [{"code": SOUTH, "successors": [NEW]}]
        assert f"Southside ({SOUTH}) has ended. What was there is now in {NEW}" in refused.json()["detail"]
    counted = {"topic": "road-closures", "audience": {"wards": [SOUTH]}}
    assert client.post("/api/v1/audiences", json=counted, headers=world.headers).status_code == 422
    assert post_alert(client, world.headers, audience={"wards": [NEW]}).status_code == 201


def test_successors_of_successors_are_named_by_their_share(client: Client, world: World, tmp_path: Path) -> None:
    release(tmp_path, {SOUTH: NEW}, "a")
    release(tmp_path, {"ZZ21AA": OTHER, "ZZ21AB": NORTH}, "b")
    refused = post_alert(client, world.headers, audience={"wards": [SOUTH]})
    assert refused.json()["ended"] == [{"code": SOUTH, "successors": [NORTH, OTHER]}]
    area = client.get(f"/api/v1/areas/{SOUTH}").json()
    assert (area["in_force"], [(one["code"], one["share"]) for one in area["successors"]]) == (
        False,
        [(NORTH, 0.5), (OTHER, 0.5)],
    )


def test_an_emergency_goes_to_the_successor_and_says_so(
    client: Client, world: World, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    scheduled = created(client, world.headers, audience={"wards": [SOUTH]}, send_at=later(hours=1), **EMERGENCY)
    release(tmp_path, {SOUTH: NEW})
    asked = {"topic": "emergencies", "priority": "emergency", "audience": {"wards": [SOUTH]}}
    count = client.post("/api/v1/audiences", json=asked, headers=world.headers).json()
    assert (exactly(world, **asked).people, count["ended_areas"][0]["successors"][0]["code"]) == (2, NEW)
    sent = created(client, world.headers, audience={"wards": [SOUTH]}, **EMERGENCY)
    assert sent["ended_areas"] == [SOUTH]
    assert start() == 1
    work()
    assert {to: n for to, n in inbox.recipients().items() if to in PEOPLE} == {"s@example.org": 2, "t@example.org": 2}
    assert read(client, world.headers, scheduled)["ended_areas"] == [SOUTH]


def test_a_resident_whose_part_nobody_knows_gets_the_emergencies_of_every_part(
    client: Client, world: World, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    rows = [("ZZ1 1AA", 555_500, 344_500, NORTH), ("ZZ2 1AB", 556_900, 344_900, NEW), ("ZZ2 2AB", 1, 1, OTHER)]
    put_in_force(
        file_of(tmp_path / "a.csv", [*rows[:1], ("ZZ2 1AA", 1, 1, SOUTH), *[(*r[:3], SOUTH) for r in rows[1:]]])
    )
    put_in_force(file_of(tmp_path / "b.csv", rows))  # ZZ2 1AA is in it no more, and its ward has two successors
    for ward in (NEW, OTHER):
        created(client, world.headers, audience={"wards": [ward]}, **EMERGENCY)
    work()
    assert {to: n for to, n in inbox.recipients().items() if to in PEOPLE} == {"s@example.org": 2, "t@example.org": 1}


def test_what_waits_is_held_once_a_release_ends_its_ward(
    client: Client, world: World, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    author, approver = officer(world, "ann", Role.AUTHOR), officer(world, "pat", Role.APPROVER)
    alert = created(client, author, topic=ONE, audience={"wards": [SOUTH]}, send_at=later(hours=1), send=True)
    act(client, approver, alert["id"], "approve")
    other = created(client, author, audience={"wards": [NORTH]}, send_at=later(hours=1), send=True)
    release(tmp_path, {SOUTH: NEW})
    look()
    look()
    work()
    assert inbox.recipients() == {"ann@example.org": 1, "pat@example.org": 1}
    assert "has ended. What was there is now in" in inbox.messages()[0].get_content()
    assert read(client, author, alert)["ended_areas"] == [SOUTH]
    assert (start(), state(client, author, other["id"])) == (1, "sending")
    refused = act(client, author, alert["id"], "send-late")
    assert refused.status_code == 409
    replaced = act(client, author, alert["id"], "replace-areas").json()
    assert (replaced["state"], replaced["audience"]["wards"]) == ("submitted", [NEW])
    assert act(client, author, alert["id"], "replace-areas").status_code == 409
    act(client, approver, alert["id"], "approve")
    work()
    assert {"s@example.org", "t@example.org"} <= set(inbox.recipients())


def test_what_is_due_before_anybody_looked_is_held_too(client: Client, world: World, tmp_path: Path) -> None:
    approver = officer(world, "pat", Role.APPROVER)
    timed = created(client, world.headers, audience={"wards": [SOUTH]}, send_at=later(hours=1), send=True)
    waiting = created(client, world.headers, topic=ONE, audience={"wards": [SOUTH]}, send=True)
    release(tmp_path, {SOUTH: NEW})
    assert (start(), state(client, world.headers, timed["id"])) == (0, "scheduled")
    assert client.get(f"/staff/alerts/{waiting['id']}/decide", headers=at_the_desk(approver)).status_code == 200
    approved = act(client, approver, waiting["id"], "approve").json()
    assert (approved["state"], approved["ended_areas"]) == ("scheduled", [SOUTH])
    draft = created(client, world.headers, audience={"wards": [NORTH]})
    release(tmp_path, {NORTH: OTHER, SOUTH: NEW}, "b")
    assert act(client, world.headers, draft["id"], "submit").json()["type"] == "/problems/area-ended"


def test_the_page_offers_the_new_areas(client: Client, world: World, tmp_path: Path) -> None:
    desk = at_the_desk(officer(world, "ann", Role.AUTHOR)) | {"Accept": "text/html"}
    alert = created(client, world.headers, audience={"wards": [SOUTH]}, send_at=later(hours=1), send=True)
    release(tmp_path, {SOUTH: NEW})
    look()
    page = f"/staff/alerts/{alert['id']}"
    assert "Areas ended, not sent" in client.get("/staff", headers=desk).text
    assert "Not sent, because areas of this alert have ended." in client.get(page, headers=desk).text
    assert client.post(f"{page}/replace-areas", headers=desk).status_code == 303
    assert "have ended" not in client.get(page, headers=desk).text
    assert read(client, world.headers, alert)["ended_areas"] is None
    assert start() == 1


def test_a_release_that_is_taken_back_lets_go(client: Client, world: World, tmp_path: Path) -> None:
    alert = created(client, world.headers, audience={"wards": [SOUTH]}, send_at=later(hours=1), send=True)
    release(tmp_path, {SOUTH: NEW})
    look()
    with transaction() as session:
        activation.activate(session, 1, confirmed=True)
    look()
    assert read(client, world.headers, alert)["ended_areas"] is None
    assert start() == 1


def test_a_remit_takes_areas_in_force_and_the_officer_is_told_when_they_end(
    client: Client, world: World, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    boss, ann = administrator(world), officer(world, "ann", Role.AUTHOR)
    [one] = [o for o in client.get("/api/v1/officers", headers=boss).json() if o["name"] == "ann"]
    at = f"/api/v1/officers/{one['id']}"
    assert client.post(at, json={"areas": ["Z05000099"]}, headers=boss).status_code == 422
    assert client.post(at, json={"areas": [SOUTH]}, headers=boss).status_code == 200
    release(tmp_path, {SOUTH: NEW})
    for _ in range(2):
        with transaction() as session:
            ended_remits.look(session)
    work()
    assert inbox.recipients()["ann@example.org"] == 1
    refused = client.post(at, json={"areas": [NORTH, SOUTH, NEW], "topics": ["bins"]}, headers=boss)
    assert refused.status_code == 200  # what was there may stay
    client.post(at, json={"areas": [NEW]}, headers=boss)
    refused = client.post(at, json={"areas": [SOUTH]}, headers=boss)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/remit-area-not-in-force")
    assert NEW in refused.json()["detail"]
    page = client.post(
        f"/staff/officers/{one['id']}", data={"role": "author", "areas": SOUTH, "active": "on"}, headers=boss
    )
    assert (page.status_code, "has ended" in page.text) == (422, True)
    assert post_alert(client, ann, audience={"wards": [NEW]}).status_code in (201, 403)
    assert make_key(world, Role.VIEWER)


def test_a_place_is_not_put_into_a_ward_that_ended(client: Client, world: World, tmp_path: Path) -> None:
    release(tmp_path, {SOUTH: NEW})
    consent = {"wording_version": "1", "wording": "Yes.", "source": "phone"}
    someone = {"contacts": [{"channel": "email", "address": "u@example.org"}], "topics": ["bins"], "consent": consent}
    place = {"postcode": "ZZ2 1AA", "ward": SOUTH}
    refused = client.post("/api/v1/subscribers", json=someone | {"places": [place]}, headers=world.headers)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/area-ended")
    made = client.post("/api/v1/subscribers", json=someone, headers=world.headers).json()
    changed = client.patch(f"/api/v1/subscribers/{made['id']}", json={"places": [place]}, headers=world.headers)
    assert changed.status_code == 422
