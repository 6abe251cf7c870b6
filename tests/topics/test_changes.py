"""A topic is changed by API; what would let alerts out with fewer approvals needs a person with a second factor."""

import pytest
from sqlmodel import col, select

from notify.core.db import transaction
from notify.staff.models import AuditEntry
from tests.alerts.calls import ONE, Client, act, created, world_with_approvals
from tests.world import World


@pytest.fixture
def world() -> World:
    return world_with_approvals()


def test_what_is_named_changes_and_the_rest_stays(client: Client, world: World) -> None:
    before = client.get("/api/v1/topics/bins", headers=world.headers).json()
    said = {"name": "Bins and recycling", "channels": ["email"], "late_after_minutes": 240, "frequency": "Weekly"}
    after = client.patch("/api/v1/topics/bins", json=said, headers=world.headers).json()
    assert after == before | said | {"changed_at": after["changed_at"]}
    assert client.get("/api/v1/topics/bins", headers=world.headers).json() == after
    assert after["changed_at"] > before["changed_at"]
    with transaction() as session:
        newest = session.exec(select(AuditEntry).order_by(col(AuditEntry.id).desc())).first()
    assert newest
    assert (newest.action, newest.detail) == ("topic.change", said)


@pytest.mark.parametrize(
    "wrong", [{"slug": "waste"}, {"purpose": "emergency"}, {"channels": []}, {"name": ""}, {"late_after_minutes": 0}]
)
def test_what_cannot_change_is_refused(client: Client, world: World, wrong: dict[str, object]) -> None:
    assert client.patch("/api/v1/topics/bins", json=wrong, headers=world.headers).status_code == 422


def test_emergencies_stay_untracked_and_another_councils_topic_is_unknown(client: Client, world: World) -> None:
    tracked = client.patch("/api/v1/topics/emergencies", json={"tracking_allowed": True}, headers=world.headers)
    assert (tracked.status_code, tracked.json()["type"]) == (422, "/problems/topic-not-trackable")
    assert client.patch("/api/v1/topics/nowhere", json={"name": "N"}, headers=world.headers).status_code == 404


def test_more_approvals_hold_at_once_and_fewer_need_a_person(client: Client, world: World) -> None:
    alert = created(client, world.headers, topic=ONE, send=True)
    more = client.patch(f"/api/v1/topics/{ONE}", json={"approval": "two"}, headers=world.headers)
    assert more.json()["approval"] == "two"
    fewer = client.patch(f"/api/v1/topics/{ONE}", json={"approval": "none"}, headers=world.headers)
    assert fewer.status_code == 403
    assert client.get(f"/api/v1/topics/{ONE}", headers=world.headers).json()["approval"] == "two"
    assert act(client, world.headers, alert["id"], "submit").status_code == 409
