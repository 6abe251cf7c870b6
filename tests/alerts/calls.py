"""Requests to the doors of alerts, as a council's own program makes them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.alerts.models import Alert
from notify.core import jobs
from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.subscribers import service as subscribers
from notify.subscribers.models import ApprovalRule, NewTopic, Topic
from tests.world import DISTRICT, World, make_world, signed_in

Client = TestClient[Litestar]
Headers = dict[str, str]

ONE, TWO = "planning", "elections"  # topics that need one and two approvals


def new_alert(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A body that is right, with `fields` in it."""
    words = {"topic": "road-closures", "title": "Mill Road closed", "body": "On Sunday."}
    return words | fields


def post_alert(client: Client, headers: Headers, *, key: str | None = None, **fields: Any) -> Response:  # noqa: ANN401 - JSON
    """Ask for an alert; with a new idempotency key unless one is given."""
    named = headers | {"Idempotency-Key": key or uuid4().hex}
    return client.post("/api/v1/alerts", json=new_alert(**fields), headers=named)


def created(client: Client, headers: Headers, **fields: Any) -> Any:  # noqa: ANN401 - JSON in and out
    """The alert that was created. An emergency that waits only because a key sent it is approved by a planner."""
    reply = post_alert(client, headers, **fields)
    assert reply.status_code == 201, reply.text
    alert = reply.json()
    return approved(client, alert) if _waits_for_any_person(alert) else alert


def approved(client: Client, alert: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON in and out
    """The alert after a planner of its council, who is there, has approved it."""
    with transaction() as session:
        council_id = session.get_one(Alert, UUID(alert["id"])).council_id
    reply = act(client, signed_in(council_id), alert["id"], "approve")
    assert reply.status_code == 200, reply.text
    return reply.json()


def _waits_for_any_person(alert: Mapping[str, Any]) -> bool:
    if (alert["state"], alert["priority"]) != ("submitted", "emergency"):
        return False
    with transaction() as session:
        found = session.get_one(Alert, UUID(alert["id"]))
        return session.get_one(Topic, found.topic_id).approval == ApprovalRule.NONE


def act(client: Client, headers: Headers, alert_id: str, verb: str, json: object = None) -> Response:
    """Do something to an alert: submit, approve, reject, cancel, update or all-clear."""
    return client.post(f"/api/v1/alerts/{alert_id}/{verb}", json=json, headers=headers)


def state(client: Client, headers: Headers, alert_id: str) -> str:
    """The alert's state as its council reads it."""
    found: str = client.get(f"/api/v1/alerts/{alert_id}", headers=headers).json()["state"]
    return found


def world_with_approvals() -> World:
    """The council with a topic that needs one approval and one that needs two."""
    return make_world(
        topics=[
            NewTopic(slug=ONE, name="Planning", approval=ApprovalRule.ONE),
            NewTopic(slug=TWO, name="Elections", approval=ApprovalRule.TWO),
        ]
    )


def neighbour() -> Headers:
    """What an administrator of another council of the same installation sends."""
    with transaction() as session:
        council = staff.create_council(session, slug="yon", name="Yon Council", district_codes=[DISTRICT])
        roads = NewTopic(slug="road-closures", name="Road closures")
        subscribers.create_topic(session, council_id=council.id, actor="test", new=roads)
        key = staff.create_key(session, council_id=council.id, name="yon", role=Role.ADMIN, mode=KeyMode.LIVE)
    return {"Authorization": f"Bearer {key}"}


def queued(lane: jobs.Lane = jobs.Lane.ROUTINE) -> int:
    """How many jobs wait on a lane."""
    waiting: int = jobs.sending_broker().client.llen(f"{jobs.NAMESPACE}:{lane}")
    return waiting


def stored_alerts() -> int:
    """How many alerts there are."""
    with transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM alert")).scalar_one())
