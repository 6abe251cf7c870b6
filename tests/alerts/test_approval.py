"""Who may approve which version of an alert: not who wrote it, changed it last, or made the key that did."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.staff.models import Role
from tests.alerts.calls import ONE, act, created, state, world_with_approvals
from tests.alerts.test_late import later, officer
from tests.world import NORTH, SOUTH, World, at_the_desk

Client = TestClient[Litestar]
REFUSED = "/problems/author-cannot-approve"


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return world_with_approvals()


def has_ended(code: str, successor: str) -> None:
    with transaction() as session:
        session.execute(text("DELETE FROM postcode WHERE ward_code = :code"), {"code": code})
        session.execute(
            text("INSERT INTO area_succession VALUES (1, :code, :new, 1, business_now())"),
            {"code": code, "new": successor},
        )


@pytest.mark.parametrize("how", ["reschedule", "replace-areas"])
def test_who_changed_an_alert_last_does_not_approve_that_version(client: Client, world: World, how: str) -> None:
    lee = officer(world, "lee", Role.AUTHOR)
    pat, kim = officer(world, "pat", Role.PLANNER), officer(world, "kim", Role.PLANNER)
    alert = created(client, lee, topic=ONE, send_at=later(hours=1), audience={"wards": [NORTH]}, send=True)["id"]
    if how == "replace-areas":
        has_ended(NORTH, SOUTH)
    changed = act(client, pat, alert, how, {"send_at": later(hours=2)} if how == "reschedule" else None)
    assert changed.json()["state"] == "submitted", changed.text
    assert act(client, pat, alert, "approve").json()["type"] == REFUSED
    own, other = (client.get(f"/staff/alerts/{alert}/decide", headers=at_the_desk(one)).text for one in (pat, kim))
    assert "You made the last change to this alert. Someone else must approve this version." in own
    assert "Approve this alert" not in own
    assert "Send it back" in own
    assert "Last changed by pat." in other
    assert "Approve this alert" in other
    assert act(client, kim, alert, "approve").json()["state"] == "scheduled"


def test_the_author_who_changes_it_and_who_changed_an_older_version(client: Client, world: World) -> None:
    lee = officer(world, "lee", Role.AUTHOR)
    pat, kim = officer(world, "pat", Role.PLANNER), officer(world, "kim", Role.PLANNER)
    alert = created(client, lee, topic=ONE, send_at=later(hours=1), send=True)["id"]
    for by, hours in ((pat, 2), (kim, 3)):
        assert act(client, by, alert, "reschedule", {"send_at": later(hours=hours)}).is_success
    assert act(client, kim, alert, "approve").json()["type"] == REFUSED
    assert act(client, pat, alert, "approve").json()["state"] == "scheduled"


@pytest.mark.parametrize("needed", ["one", "none"])
def test_who_made_a_key_does_not_approve_what_it_wrote(client: Client, world: World, needed: str) -> None:
    pat, kim = (at_the_desk(officer(world, name, Role.ADMIN)) for name in ("pat", "kim"))
    made = client.post("/api/v1/keys", json={"name": "CRM", "role": "planner"}, headers=pat)
    assert made.status_code == 201, made.text
    with transaction() as session:  # not pat's own, but the council's
        session.execute(text("UPDATE api_key SET officer_id = NULL WHERE name = 'CRM'"))
        session.execute(text("UPDATE topic SET approval = :needed WHERE slug = :one"), {"needed": needed, "one": ONE})
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    fields = {"priority": "emergency", "sms": "Leave now."} if needed == "none" else {}
    body = {"topic": ONE, "title": "Gas leak", "body": "Leave now.", "send": True} | fields
    answer = client.post("/api/v1/alerts", json=body, headers=key | {"Idempotency-Key": "one"})
    assert answer.json()["state"] == "submitted", answer.text
    alert = answer.json()["id"]
    refused = act(client, pat, alert, "approve")
    if needed == "none":  # one person may send this topic alone
        assert refused.json()["state"] == "sending"
        return
    assert refused.json()["type"] == REFUSED
    page = client.get(f"/staff/alerts/{alert}/decide", headers=pat).text
    assert "This alert comes from an API key that you made. Someone else must approve it." in page
    assert act(client, kim, alert, "approve").json()["state"] == "sending"
    assert state(client, world.headers, alert) == "sending"
