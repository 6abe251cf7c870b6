"""A councillor sends to their own ward, on a template of the council, with an officer's approval, and not before an
election.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.drafting import service as drafting
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.staff.rights import Principal, Right
from tests import moments
from tests.alerts.calls import act, post_alert, state
from tests.staff.policy import DOORS
from tests.world import NORTH, SOUTH, World, at_the_desk, make_key, make_world, somebody_here

Client = TestClient[Litestar]
TITLE, BODY = "Surgery in ((place))", "Councillor ((name)) is at ((place)) on ((day)).\n\nCome at any time."
SAID = {"title": "Surgery in Mill Road", "body": "Councillor Sam is at the hall on Monday.\n\nCome at any time."}


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    world = make_world()
    with transaction() as session:
        fields = {"title": [TITLE], "body": [BODY]}
        drafting.save_template(session, by=somebody_here(world.council_id), name="Surgery", fields=fields)
    return world


@pytest.fixture
def councillor(world: World) -> dict[str, str]:
    """The key of a councillor of the north."""
    return of_ward(world, [NORTH])


def of_ward(world: World, wards: list[str]) -> dict[str, str]:
    with transaction() as session:
        one = staff.create_officer(
            session,
            council_id=world.council_id,
            email=f"{len(wards)}@example.org",
            name="Sam",
            role=Role.COUNCILLOR_SENDER,
        )
        one.areas = wards
        key = staff.create_key(
            session,
            council_id=world.council_id,
            name="own",
            role=Role.COUNCILLOR_SENDER,
            mode=KeyMode.LIVE,
            officer_id=one.id,
        )
    return {"Authorization": f"Bearer {key}"}


def test_it_goes_once_an_officer_has_approved_it(client: Client, world: World, councillor: dict[str, str]) -> None:
    sent = post_alert(client, councillor, audience={"wards": [NORTH]}, send=True, **SAID).json()
    assert sent["state"] == "submitted"  # though the topic needs no approval
    page = client.get(f"/staff/alerts/{sent['id']}/decide", headers=at_the_desk(make_key(world, Role.APPROVER)))
    assert "Written by a councillor" in page.text
    assert act(client, councillor, sent["id"], "approve").status_code == 403
    assert act(client, make_key(world, Role.APPROVER), sent["id"], "approve").status_code == 200
    assert state(client, world.headers, sent["id"]) == "sending"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"audience": {"wards": [SOUTH]}}, "outside-your-remit"),
        ({"audience": None}, "outside-your-remit"),
        ({"body": "Vote for me on Monday."}, "not-on-template"),
        ({"title": "Surgery at Mill Road"}, "not-on-template"),
        ({"body": SAID["body"] + "\n\nOur vision."}, "not-on-template"),
        ({"sms": "Other words."}, "not-on-template"),
        ({"link": "https://vote.example.org/"}, "not-on-template"),
        ({"translations": {"cy": {"title": "Teitl", "body": "Geiriau."}}}, "not-on-template"),
        ({"priority": "emergency", "topic": "emergencies"}, "forbidden"),
    ],
)
def test_nothing_else_is_written(
    client: Client, councillor: dict[str, str], changed: dict[str, object], kind: str
) -> None:
    said: dict[str, Any] = {"audience": {"wards": [NORTH]}, **SAID} | changed
    assert post_alert(client, councillor, **said).json()["type"] == f"/problems/{kind}"


def test_a_councillor_without_a_ward_writes_to_nobody(client: Client, world: World) -> None:
    assert post_alert(client, of_ward(world, []), audience={"wards": [NORTH]}, **SAID).status_code == 403


def test_what_a_councillor_wrote_is_no_template(client: Client, world: World, councillor: dict[str, str]) -> None:
    sam = Principal("test", "Sam", world.council_id, Role.COUNCILLOR_SENDER)
    with transaction() as session, pytest.raises(Exception, match="Councillors do not keep templates"):
        drafting.save_template(session, by=sam, name="Mine", fields={"title": ["T"], "body": ["B."]})
    sent = post_alert(client, councillor, audience={"wards": [NORTH]}, send=True, **SAID).json()
    act(client, make_key(world, Role.APPROVER), sent["id"], "approve")
    update = act(client, councillor, sent["id"], "update", {"title": "News", "body": "News."})
    assert (update.status_code, update.json()["type"]) == (403, "/problems/not-for-councillors")


def test_before_an_election_nothing_is_written_and_nothing_approved(
    client: Client, world: World, councillor: dict[str, str], choose: Callable[..., None]
) -> None:
    waiting = post_alert(client, councillor, audience={"wards": [NORTH]}, send=True, **SAID).json()
    today = moments.present().date()
    choose(PRE_ELECTION=f"{today - timedelta(1)}/{today + timedelta(9)}")
    refused = post_alert(client, councillor, audience={"wards": [NORTH]}, **SAID)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-before-election")
    assert act(client, make_key(world, Role.APPROVER), waiting["id"], "approve").status_code == 403
    assert post_alert(client, world.headers, audience={"wards": [NORTH]}, **SAID).status_code == 201


BODIES: dict[str, dict[str, object]] = {
    "reschedule": {"send_at": "2098-12-01T17:00:00Z"},
    "update": {"title": "News", "body": "News."},
    "all-clear": {"title": "News", "body": "News."},
    "recurrence": {"rule": "weekly", "at": "09:00", "first_day": "2098-12-01", "last_day": "2099-01-01"},
    "retry": {"states": ["unknown"]},
    "breach-note": {"note": "It was late."},
    "staff-time": {"minutes": 5},
}
ON_ONE = sorted(door for door in DOORS[Right.WRITE_ALERTS] if "/alerts/{alert_id:uuid}/" in door)


def test_no_route_lets_a_councillor_act_on_what_an_officer_wrote(
    client: Client, world: World, councillor: dict[str, str]
) -> None:
    draft = post_alert(client, world.headers, audience={"wards": [NORTH]}).json()["id"]
    desk = at_the_desk(councillor)
    answers = {}
    for door in ON_ONE:
        method, path = door.split(" ")
        sent: Any = {"headers": councillor, "json": BODIES.get(path.rpartition("/")[2], {})}
        if path.startswith("/staff"):
            sent = {"headers": desk} | ({"data": {"again": "1"}} if method == "POST" else {})
        answers[door] = client.request(method, path.replace("{alert_id:uuid}", draft), **sent).status_code
    assert {door: status for door, status in answers.items() if status != 403} == {}
    assert state(client, world.headers, draft) == "draft"


def test_a_councillor_acts_on_their_own_alerts_only(client: Client, world: World, councillor: dict[str, str]) -> None:
    own = post_alert(client, councillor, audience={"wards": [NORTH]}, **SAID).json()["id"]
    colleague = of_ward(world, [NORTH, SOUTH])
    refused = act(client, colleague, own, "submit")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-for-councillors")
    assert act(client, councillor, own, "submit").json()["state"] == "submitted"
    later = {"send_at": "2098-12-01T17:00:00Z"}
    assert act(client, councillor, own, "reschedule", later).json()["state"] == "submitted"


def test_a_key_outlives_no_wards(client: Client, world: World, councillor: dict[str, str]) -> None:
    with transaction() as session:
        session.execute(text("UPDATE officer SET role = 'author', areas = '{}' WHERE name = 'Sam' AND areas <> '{}'"))
    refused = post_alert(client, councillor, audience={"wards": [NORTH]}, **SAID)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/outside-your-remit")


def test_the_time_before_an_election_is_the_councils_own(
    client: Client, world: World, councillor: dict[str, str]
) -> None:
    own = post_alert(client, councillor, audience={"wards": [NORTH]}, send=True, **SAID).json()["id"]
    today = moments.present().date()
    begins, ends = today + timedelta(20), today + timedelta(30)
    period = {"first_day": str(begins), "last_day": str(ends)}
    assert client.patch("/api/v1/council", json={"pre_election": [period]}, headers=world.headers).status_code == 200
    for days, status in ((25, 403), (40, 200)):
        for headers in (councillor, world.headers):
            later = {"send_at": f"{today + timedelta(days)}T12:00:00Z"}
            assert act(client, headers, own, "reschedule", later).status_code == status, days
    period["first_day"] = str(today - timedelta(1))
    client.patch("/api/v1/council", json={"pre_election": [period]}, headers=world.headers)
    refused = post_alert(client, councillor, audience={"wards": [NORTH]}, **SAID)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-before-election")
