"""Who is not written to, why, and how that ends: by staff at the door, by residents who write STOP and START."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import worker_loop
from notify.deliveries.receipts import take_news
from notify.providers.base import Channel, Inbound
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.pigeon import report
from tests.world import World, add_resident, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
PHONE = "07700 900001"


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def in_force(client: Client, world: World, **which: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/api/v1/suppressions", params=which, headers=world.headers).json()[
        "suppressions"
    ]
    return found


def suppress(client: Client, world: World, subscriber: UUID, channel: str = "email") -> dict[str, str | None]:
    asked = {"subscriber": str(subscriber), "channel": channel, "reason": "Asked for it at the desk."}
    reply = client.post("/api/v1/suppressions", json=asked, headers=world.headers)
    assert reply.status_code == 201, reply.text
    found: dict[str, str | None] = reply.json()
    return found


def says(text: str, number: str = "+447700900001") -> int:
    """A resident writes back; how much changed."""
    with transaction() as session:
        return take_news(session, [Inbound(Channel.SMS, number, text)], provider="pigeon")


def test_staff_suppress_and_lift_with_a_reason_and_the_resident_is_written_to_again(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    ann = add_resident(world, "ann@example.org")
    add_resident(world, "bob@example.org")
    made = suppress(client, world, ann)
    assert suppress(client, world, ann)["id"] == made["id"]  # once is enough
    assert (made["reason"], made["subscriber"], made["lifted_at"]) == ("staff", str(ann), None)
    created(client, world.headers, send=True)
    work()
    assert inbox.recipients() == {"bob@example.org": 1}
    lifted = client.post(
        f"/api/v1/suppressions/{made['id']}/lift", json={"reason": "It was a mistake."}, headers=world.headers
    )
    assert (lifted.status_code, lifted.json()["lifted_reason"]) == (200, "It was a mistake.")
    assert in_force(client, world) == []
    assert [one["id"] for one in in_force(client, world, lifted="true")] == [made["id"]]
    inbox.empty()
    created(client, world.headers, send=True)
    work()
    assert inbox.recipients() == {"ann@example.org": 1, "bob@example.org": 1}
    with transaction() as session:
        actions = session.execute(text("SELECT action FROM audit_entry WHERE action LIKE 'suppression%' ORDER BY id"))
        assert actions.scalars().all() == ["suppression.add", "suppression.add", "suppression.lift"]


def test_a_suppression_reaches_deliveries_that_are_queued_already(client: Client, world: World, inbox: Mailbox) -> None:
    ann = add_resident(world, "ann@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(UUID(alert["id"]))
    suppress(client, world, ann)
    assert worker_loop.send_next(Lane.ROUTINE)
    assert not inbox.recipients()
    [row] = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=world.headers).json()["deliveries"]
    assert row["state"] == "suppressed"


@pytest.mark.parametrize("word", ["STOP", "stop", " Stop. ", "“Stop”", "STOP ALL of this", "Stopio", "unsubscribe"])
def test_stop_takes_effect_at_once_and_start_takes_it_back(
    client: Client, world: World, work: Work, loft: Path, word: str
) -> None:
    ann = add_resident(world, phone=PHONE)
    assert says(word) == 1
    assert says(word) == 0
    assert [(one["reason"], one["source"]) for one in in_force(client, world, subscriber=str(ann))] == [
        ("stop", "pigeon")
    ]
    created(client, world.headers, channels=["sms"], send=True)
    work()
    assert list(loft.iterdir()) == []
    assert says("Start") == 1
    assert in_force(client, world) == []
    created(client, world.headers, channels=["sms"], send=True)
    work()
    assert len(list(loft.iterdir())) == 1


@pytest.mark.parametrize("words", ["", "  ", "Please don't stop", "Thanks!", "Is the road open?"])
def test_other_words_change_nothing(client: Client, world: World, words: str) -> None:
    add_resident(world, phone=PHONE)
    says(words)
    assert in_force(client, world) == []


def test_start_does_not_bring_back_a_number_that_bounced_or_that_staff_suppressed(
    client: Client, world: World, work: Work, loft: Path
) -> None:
    ann = add_resident(world, phone=PHONE)
    created(client, world.headers, channels=["sms"], send=True)
    work()
    [letter] = loft.iterdir()
    report(client, {"reference": letter.name, "state": "permanent-failure"})
    suppress(client, world, ann, "sms")
    says("STOP")
    says("START")
    assert sorted(one["reason"] for one in in_force(client, world)) == ["hard-bounce", "staff"]


def test_stop_from_a_number_that_nobody_has_is_kept_for_when_somebody_does(client: Client, world: World) -> None:
    assert says("STOP") == 1
    ann = add_resident(world, phone=PHONE)
    assert [one["reason"] for one in in_force(client, world, subscriber=str(ann))] == ["stop"]


@pytest.mark.parametrize("sender", ["85075", "Council", "+15550100", ""])
def test_stop_from_what_is_no_uk_mobile_changes_nothing(client: Client, sender: str) -> None:
    assert says("STOP", sender) == 0


def test_a_complaint_suppresses_and_is_noted_once(client: Client, world: World, work: Work, loft: Path) -> None:
    add_resident(world, phone=PHONE)
    alert = created(client, world.headers, channels=["sms"], send=True)
    work()
    [letter] = loft.iterdir()
    complaint = {"reference": letter.name, "state": "complained"}
    told = [report(client, {"reference": letter.name, "state": "delivered"}, complaint, complaint).json()["changed"]]
    told.append(report(client, complaint).json()["changed"])
    assert told == [2, 0]
    assert [one["reason"] for one in in_force(client, world)] == ["complaint"]
    [row] = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=world.headers).json()["deliveries"]
    assert row["state"] == "delivered"
    with transaction() as session:
        counted = session.execute(text("SELECT count(*) FROM event WHERE kind = 'complained'")).scalar_one()
    assert counted == 1


def test_another_council_sees_and_lifts_nothing(client: Client, world: World) -> None:
    made = suppress(client, world, add_resident(world, "ann@example.org"))
    with transaction() as session:
        from notify.staff import service as staff

        other = staff.create_council(session, slug="why", name="Why Council", district_codes=["Z07000009"])
        key = staff.create_key(session, council_id=other.id, name="test", role=Role.ADMIN, mode=KeyMode.LIVE)
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/suppressions", headers=headers).json()["suppressions"] == []
    refused = client.post(f"/api/v1/suppressions/{made['id']}/lift", json={"reason": "Because."}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/unknown-suppression")
    asked = {"subscriber": made["subscriber"], "channel": "email", "reason": "Because."}
    assert client.post("/api/v1/suppressions", json=asked, headers=headers).status_code == 404


def test_what_cannot_be_suppressed_is_said_clearly(client: Client, world: World) -> None:
    ann = add_resident(world, "ann@example.org")
    asked = {"subscriber": str(ann), "channel": "sms", "reason": "Asked for it."}
    reply = client.post("/api/v1/suppressions", json=asked, headers=world.headers)
    assert (reply.status_code, reply.json()["detail"]) == (
        404,
        "This resident has no sms contact that follows your council.",
    )
    unknown = client.post("/api/v1/suppressions", json=asked | {"subscriber": str(uuid4())}, headers=world.headers)
    assert unknown.status_code == 404
    empty = client.post("/api/v1/suppressions", json=asked | {"reason": ""}, headers=world.headers)
    assert empty.status_code in (400, 422)
    viewer = make_key(world, Role.VIEWER)
    assert client.get("/api/v1/suppressions", headers=viewer).status_code == 403
