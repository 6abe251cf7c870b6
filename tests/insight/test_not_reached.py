"""Who was not reached and why: whom to ring, in which order, and who may see the list."""

import csv
import io
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.insight.alert import call_list
from notify.staff.models import AuditEntry, Role
from tests.alerts.calls import created, neighbour
from tests.staff.test_policy import sign_in
from tests.world import NORTH, World, add_resident, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def emergency(client: Client, world: World, **fields: object) -> str:
    """An emergency whose ledger is written, and of which nothing was sent."""
    alert = created(client, world.headers, topic="emergencies", priority="emergency", send=True, **fields)
    worker_loop.expand_alert(alert["id"])
    return str(alert["id"])


def person(world: World, name: str, postcode: str = "ZZ1 1AA", **more: Any) -> Any:  # noqa: ANN401 - as add_resident
    address = f"{name.strip('=').split()[0].lower()}@example.org"
    return add_resident(world, address, name=name, postcodes=[postcode], topics=["emergencies"], **more)


def set_state(who: object, state: str, *, channel: str = "email", reason: str | None = None) -> None:
    with transaction() as session:
        session.execute(
            text("UPDATE delivery SET state = :state, reason = :reason WHERE subscriber_id = :who AND channel = :by"),
            {"state": state, "reason": reason, "who": who, "by": channel},
        )


def answer(alert: str, who: object, said: str) -> None:
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO reply (alert_id, subscriber_id, month, number, answer, at)
                SELECT alert_id, subscriber_id, month, number, :said, business_now() FROM delivery
                WHERE alert_id = :alert AND subscriber_id = :who LIMIT 1
            """),
            {"alert": alert, "who": who, "said": said},
        )


def listed(client: Client, alert: str, show: str = "") -> list[dict[str, str]]:
    reply = client.get(f"/staff/alerts/{alert}/missed.csv", params={"show": show})
    assert reply.status_code == 200, reply.text
    return list(csv.DictReader(io.StringIO(reply.text)))


def test_those_are_listed_whom_no_message_reached(client: Client, world: World) -> None:
    ann = person(world, "Ann Ash", phone="07700 900001")
    bo, cy, di, ed = (person(world, name, "ZZ2 1AA") for name in ("Bo Birch", "Cy Cedar", "Di Elder", "Ed Fir"))
    alert = emergency(client, world)
    set_state(ann, "permanent-failure", reason="550 No such mailbox.")
    set_state(ann, "sent", channel="sms")
    set_state(bo, "permanent-failure", reason="550 No such mailbox.")
    set_state(cy, "suppressed", reason="The subscriber has unsubscribed.")
    set_state(di, "delivered")
    set_state(ed, "expired")
    sign_in(client, world, Role.AUTHOR, is_here=True)
    found = listed(client, alert)
    assert [(one["ward"], one["name"], one["postcode"], one["place"]) for one in found] == [
        ("Southside", name, "ZZ2 1AA", "Home") for name in ("Bo Birch", "Cy Cedar", "Ed Fir")
    ]
    assert found[0]["what happened"] == "Email: not delivered (550 No such mailbox)"
    assert found[0]["email"] == "bo@example.org"
    page = client.get(f"/staff/alerts/{alert}/missed").text
    assert "3 people to call or visit" in page
    assert "Ann Ash" not in page


def test_only_receipts_and_replies_say_that_everyone_was_reached(client: Client, world: World) -> None:
    ann, bo = person(world, "Ann Ash"), person(world, "Bo Birch")
    alert = emergency(client, world, asks_reply=True)
    for who in (ann, bo):
        set_state(who, "sent")
    sign_in(client, world, Role.AUTHOR, is_here=True)

    def page(show: str = "") -> str:
        return client.get(f"/staff/alerts/{alert}/missed", params={"show": show}).text

    assert "No receipt yet for 2 people." in page()
    set_state(ann, "delivered")
    assert "No receipt yet for 1 person." in page()
    answer(alert, bo, "safe")
    assert "Everyone was reached: there is a receipt or a reply from each of them." in page()
    answer(alert, ann, "safe")
    assert "Everyone has answered." in page("not-answered")


def test_nobody_was_reached_by_what_has_not_gone_out(client: Client, world: World) -> None:
    draft = created(client, world.headers)["id"]
    sign_in(client, world, Role.AUTHOR, is_here=True)
    assert "No messages have been made for this alert yet." in client.get(f"/staff/alerts/{draft}/missed").text


def test_who_needs_help_comes_first_however_well_they_were_reached(client: Client, world: World) -> None:
    ann, bo, cy, di = (person(world, name) for name in ("Ann Ash", "Bo Birch", "Cy Cedar", "Di Elder"))
    alert = emergency(client, world, asks_reply=True)
    for who in (ann, bo, cy):
        set_state(who, "delivered")
    answer(alert, cy, "help")
    answer(alert, bo, "safe")
    sign_in(client, world, Role.PLANNER, is_here=True)
    assert [one["name"] for one in listed(client, alert)] == ["Cy Cedar", "Di Elder"]
    assert [one["name"] for one in listed(client, alert, "not-answered")] == ["Cy Cedar", "Ann Ash", "Di Elder"]
    answer(alert, di, "safe")  # it did reach them, whatever the providers say
    assert [one["name"] for one in listed(client, alert)] == ["Cy Cedar"]
    assert "Said “I need help”" in client.get(f"/staff/alerts/{alert}/missed").text


def test_the_page_of_the_alert_counts_the_answers_by_ward(client: Client, world: World) -> None:
    ann, bo = person(world, "Ann Ash"), person(world, "Bo Birch", "ZZ2 1AA")
    person(world, "Cy Cedar")
    alert = emergency(client, world, asks_reply=True)
    answer(alert, ann, "help")
    answer(alert, bo, "safe")
    sign_in(client, world, Role.VIEWER)
    table = client.get(f"/staff/alerts/{alert}/wards.csv").text
    assert f"Northside,{NORTH},2,0,0,0,1,0" in table
    found = client.get(f"/api/v1/alerts/{alert}/analytics", headers=world.headers).json()["replies_by_ward"]
    assert {"code": NORTH, "asked": 2, "safe": 0, "help": 1} in found
    assert "No answer yet</dt><dd>1<" in client.get(f"/staff/alerts/{alert}").text


def test_a_name_that_looks_like_a_formula_is_none(client: Client, world: World) -> None:
    person(world, "=cmd|'/C calc'!A0")
    alert = emergency(client, world)
    sign_in(client, world, Role.AUTHOR, is_here=True)
    assert listed(client, alert)[0]["name"].startswith("'=")


def test_every_look_is_in_the_audit_trail(client: Client, world: World) -> None:
    person(world, "Ann Ash")
    alert = emergency(client, world)
    officer = sign_in(client, world, Role.AUTHOR, is_here=True)
    client.get(f"/staff/alerts/{alert}/missed")
    listed(client, alert)
    with transaction() as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.subject == alert).order_by(col(AuditEntry.id))).all()
    looks = [one for one in found if "missed" in one.action]
    assert {one.actor for one in looks} == {f"officer:{officer.id}"}
    assert [(one.action, one.detail["people"]) for one in looks] == [
        ("alert.missed.view", 1),
        ("alert.missed.download", 1),
    ]


@pytest.mark.parametrize("path", ["missed", "missed.csv"])
def test_only_who_may_see_residents_sees_the_list(client: Client, world: World, path: str) -> None:
    person(world, "Ann Ash")
    alert = emergency(client, world, audience={"wards": [NORTH]})
    theirs = created(client, neighbour())
    for role, limits, status in (
        (Role.VIEWER, {}, 403),
        (Role.COUNCILLOR, {"areas": [NORTH]}, 403),
        (Role.AUTHOR, {"areas": [NORTH]}, 403),  # whoever is given some areas sees no residents at all
        (Role.AUTHOR, {}, 200),
    ):
        sign_in(client, world, role, is_here=True, **limits)
        assert client.get(f"/staff/alerts/{alert}/{path}").status_code == status, (role, limits)
    assert client.get(f"/staff/alerts/{theirs['id']}/{path}").status_code == 404


def test_a_long_list_has_pages(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_list, "ON_A_PAGE", 2)
    for name in ("Ann Ash", "Bo Birch", "Cy Cedar"):
        person(world, name)
    alert = emergency(client, world)
    sign_in(client, world, Role.AUTHOR)
    first = client.get(f"/staff/alerts/{alert}/missed").text
    second = client.get(f"/staff/alerts/{alert}/missed?page=2").text
    assert ("Bo Birch" in first, "Cy Cedar" in first, "More people" in first) == (True, False, True)
    assert ("Bo Birch" in second, "Cy Cedar" in second, "More people" in second) == (False, True, False)
    assert "3 people" in second


def test_a_draft_has_missed_nobody(client: Client, world: World) -> None:
    alert = created(client, world.headers)
    sign_in(client, world, Role.AUTHOR)
    assert "0 people" in client.get(f"/staff/alerts/{alert['id']}/missed").text
