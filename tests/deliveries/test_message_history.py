"""What one resident was sent and whether it arrived, as staff read it out; and one message again, to them alone."""

from collections.abc import Callable
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.staff.models import Role
from tests.alerts.calls import act, created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
Work = Callable[[], None]
ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


@pytest.fixture
def ann(world: World) -> UUID:
    add_resident(world, BOB, topics=["bins"])
    return add_resident(world, ANN, name="Ann Other", topics=["bins"])


def sent(client: Client, world: World, work: Work, **fields: object) -> str:
    alert: str = created(client, world.headers, topic="bins", channels=["email"], send=True, **fields)["id"]
    work()
    return alert


def messages(client: Client, headers: Headers, ann: UUID) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get(f"/api/v1/subscribers/{ann}/messages", headers=headers).json()[
        "messages"
    ]
    return found


def resend(client: Client, headers: Headers, ann: UUID, message: dict[str, object]) -> int:
    which = {"alert": message["alert"], "number": message["number"]}
    return client.post(f"/api/v1/subscribers/{ann}/messages/resend", json=which, headers=headers).status_code


def test_each_message_says_when_it_was_sent_and_when_it_arrived(
    client: Client, world: World, ann: UUID, work: Work
) -> None:
    sent(client, world, work, title="Bins on Friday")
    with transaction() as session:
        times = "sent_at = '2027-03-03T14:05:00Z', changed_at = '2027-03-03T14:06:00Z', state = 'delivered'"
        session.execute(text(f"UPDATE delivery SET {times} WHERE subscriber_id = :id"), {"id": ann})
    [one] = messages(client, world.headers, ann)
    assert one["outcome"] == "Sent 14:05, delivered 14:06 on 3 March 2027."
    headers = at_the_desk(make_key(world, Role.AUTHOR))
    for path in ("", "/messages"):
        page = client.get(f"/staff/residents/{ann}{path}", headers=headers).text
        assert "Bins on Friday" in page
        assert "Sent 14:05, delivered 14:06 on 3 March 2027." in page


def test_a_message_is_sent_again_to_that_person_alone_and_the_alert_keeps_its_times(
    client: Client, world: World, ann: UUID, work: Work, inbox: Mailbox
) -> None:
    alert = sent(client, world, work)
    before = client.get(f"/api/v1/alerts/{alert}", headers=world.headers).json()
    inbox.empty()
    key = make_key(world, Role.CONTACT_CENTRE)
    search = {"address": ANN, "reason": "They deleted it."}
    assert client.post("/api/v1/subscribers/search", json=search, headers=key).is_success
    [one] = messages(client, key, ann)
    assert resend(client, key, ann, one) == 202
    work()
    assert inbox.recipients() == {ANN: 1}
    assert client.get(f"/api/v1/alerts/{alert}", headers=world.headers).json() == before
    [again] = messages(client, key, ann)
    assert str(again["outcome"]).startswith("Sent again. Sent ")
    for _ in range(2):
        assert resend(client, key, ann, one) == 202
        work()
    assert resend(client, key, ann, one) == 409
    assert inbox.recipients() == {ANN: 3}


def test_nothing_is_sent_again_that_the_person_does_not_get_any_more(
    client: Client, world: World, ann: UUID, work: Work, inbox: Mailbox
) -> None:
    alert = sent(client, world, work)
    [one] = messages(client, world.headers, ann)
    [other] = [number for number in (1, 2) if number != one["number"]]
    inbox.empty()
    assert resend(client, world.headers, ann, one | {"number": other}) == 404
    assert resend(client, make_key(world, Role.MONITORING), ann, one) == 403
    change: dict[str, list[str]] = {"topics": []}
    assert client.patch(f"/api/v1/subscribers/{ann}", json=change, headers=world.headers).is_success
    assert resend(client, world.headers, ann, one) == 409
    assert act(client, world.headers, alert, "cancel").status_code in (200, 409)
    work()
    assert inbox.recipients() == {}


def test_everything_held_is_one_download_and_leaves_a_line(client: Client, world: World, ann: UUID, work: Work) -> None:
    sent(client, world, work, title="Bins on Friday")
    headers = at_the_desk(make_key(world, Role.MONITORING))
    path = f"/staff/residents/{ann}"
    assert client.get(f"{path}/data.json", headers=headers).status_code == 403
    assert client.post(f"{path}/reason", data={"reason": "Their request."}, headers=headers).status_code == 303
    held = client.get(f"{path}/data.json", headers=headers).json()
    assert held["contacts"][0]["address"] == ANN
    assert held["messages"][0]["title"] == "Bins on Friday"
    assert held["consents"][0]["words"] == "Yes, write to me."
    assert "contacts 1 address" in client.get(f"{path}/data.csv", headers=headers).text
    assert "contacts 1 address" in client.get(f"{path}/data", headers=headers).text
    exported = client.get(f"/api/v1/subscribers/{ann}/export", headers=world.headers)
    assert exported.json()["name"] == "Ann Other"
    assert "audit" not in held
