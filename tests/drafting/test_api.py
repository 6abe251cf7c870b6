"""What officers do on pages, programs do too: drafts, templates, recurring alerts and the calendar."""

from datetime import timedelta

import pytest
from sqlmodel import select

from notify.alerts.models import Priority
from notify.core.db import transaction
from notify.drafting import service as drafting
from notify.staff.models import ApiKey, Role
from tests import moments
from tests.alerts.calls import Client, created
from tests.world import World, make_key, make_world


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_a_template_is_kept_in_versions_and_archived(client: Client, world: World) -> None:
    said = {"name": "Closure", "title": "((road)) closed", "body": "On ((day)).", "title_cy": "((road)) ar gau"}
    client.post("/api/v1/message-templates", json=said, headers=world.headers)
    second = client.post("/api/v1/message-templates", json=said | {"body": "From ((day))."}, headers=world.headers)
    assert second.json()["version"] == 2
    [kept] = client.get("/api/v1/message-templates", headers=world.headers).json()
    assert (kept["fields"]["body"], kept["fields"]["title-cy"]) == (["From ((day))."], ["((road)) ar gau"])
    gone = client.delete(f"/api/v1/message-templates/{kept['id']}", headers=world.headers)
    assert gone.status_code == 204
    assert client.get("/api/v1/message-templates", headers=world.headers).json() == []


def test_an_alert_comes_again_and_stands_on_the_calendar(client: Client, world: World) -> None:
    alert = created(client, world.headers)
    first = moments.present().date() + timedelta(days=2)
    plan = {"rule": "daily", "at": "09:00", "first_day": first.isoformat()}
    plan["last_day"] = (first + timedelta(days=1)).isoformat()
    begun = client.post(f"/api/v1/alerts/{alert['id']}/recurrence", json=plan, headers=world.headers)
    assert begun.status_code == 201, begun.text
    one = begun.json()
    days = f"since={plan['first_day']}&until={plan['last_day']}"
    entries = client.get(f"/api/v1/calendar?{days}", headers=world.headers).json()
    assert [entry["state"] for entry in entries] == ["planned", "planned"]
    assert client.get("/api/v1/calendar?since=2026-01-01&until=2027-01-01", headers=world.headers).status_code == 422
    path = f"/api/v1/recurrences/{one['id']}"
    assert client.post(f"{path}/pause", headers=world.headers).json()["paused_at"]
    assert client.post(f"{path}/go-on", headers=world.headers).json()["paused_at"] is None
    assert client.delete(path, headers=world.headers).status_code == 204
    assert client.get("/api/v1/recurrences", headers=world.headers).json() == []


def test_a_users_key_reads_and_deletes_their_drafts_and_no_others(client: Client, world: World) -> None:
    key = make_key(world, Role.AUTHOR)
    with transaction() as session:
        prefix = key["Authorization"].split("_")[2]
        officer_id = session.exec(select(ApiKey.officer_id).where(ApiKey.prefix == prefix)).one()
        assert officer_id
        draft = drafting.begin(
            session,
            council_id=world.council_id,
            officer_id=officer_id,
            topic="bins",
            priority=Priority.ROUTINE,
            fields={"title": ["Half a ti"]},
        )
        draft_id = draft.id
    [found] = client.get("/api/v1/drafts", headers=key).json()
    assert (found["topic"], found["fields"]) == ("bins", {"title": ["Half a ti"]})
    assert client.get("/api/v1/drafts", headers=world.headers).json() == []
    assert client.delete(f"/api/v1/drafts/{draft_id}", headers=make_key(world, Role.AUTHOR)).status_code == 404
    assert client.delete(f"/api/v1/drafts/{draft_id}", headers=key).status_code == 204
    assert client.get(f"/api/v1/drafts/{draft_id}", headers=key).status_code == 404
