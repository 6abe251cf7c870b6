"""A council's own receivers of webhooks at the door: how they fare, another chance, a new secret, what they missed."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from standardwebhooks import Webhook

from notify.core.db import transaction
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import created
from tests.providers.receiver import Receiver, receiving
from tests.world import World, add_resident, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def receiver(choose: Callable[..., None]) -> Iterator[Receiver]:
    """A receiver on this machine, which is allowed."""
    choose(WEBHOOK_ALLOWED_HOSTS="127.0.0.1")
    with receiving(Receiver()) as listening:
        yield listening


def contact_of(world: World, address: str) -> UUID:
    """The contact of a new resident who receives webhooks only."""
    resident = add_resident(world, webhook=address)
    with transaction() as session:
        asked = text("SELECT id FROM contact WHERE subscriber_id = :s")
        found: UUID = session.execute(asked, {"s": resident}).scalar_one()
    return found


def listed(client: Client, headers: dict[str, str]) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = client.get("/api/v1/webhook-endpoints", headers=headers).json()["endpoints"]
    return found


def test_a_receiver_that_was_gone_is_enabled_and_gets_what_it_missed(
    client: Client, world: World, work: Work, receiver: Receiver
) -> None:
    contact = contact_of(world, receiver.address)
    assert [one["contact"] for one in listed(client, world.headers)] == [str(contact)]
    receiver.status = 410
    alert = created(client, world.headers, send=True)["id"]
    work()
    [gone] = listed(client, world.headers)
    assert gone["disabled_at"] is not None
    door = f"/api/v1/webhook-endpoints/{contact}"
    early = client.post(f"{door}/replay", json={"alert": alert}, headers=world.headers)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/webhook-receiver-suppressed")
    receiver.status = 200
    enabled = client.post(f"{door}/enable", headers=world.headers)
    assert (enabled.status_code, enabled.json()["disabled_at"]) == (200, None)
    calls = len(receiver.calls)
    since = {"since": "2020-01-01T00:00:00Z"}
    assert client.post(f"{door}/replay", json=since, headers=world.headers).json() == {"deliveries": 1}
    work()
    assert len(receiver.calls) == calls + 1
    assert client.post(f"{door}/replay", json={"alert": alert}, headers=world.headers).json() == {"deliveries": 0}


def test_a_new_secret_signs_at_once_and_the_former_one_for_a_day(
    client: Client, world: World, work: Work, receiver: Receiver
) -> None:
    contact = contact_of(world, receiver.address)
    door = f"/api/v1/webhook-endpoints/{contact}/secret"
    first = client.post(door, headers=world.headers).json()["secret"]
    second = client.post(door, headers=world.headers).json()["secret"]
    assert first != second
    [view] = listed(client, world.headers)
    assert view["old_secret_until"] is not None
    assert first not in str(view)
    created(client, world.headers, send=True)
    work()
    [(_, headers, body)] = receiver.calls
    for secret in (first, second):
        Webhook(secret).verify(body, {name.lower(): value for name, value in dict(headers).items()})


def test_another_council_reaches_no_receiver_and_viewers_change_nothing(
    client: Client, world: World, receiver: Receiver
) -> None:
    contact = contact_of(world, receiver.address)
    with transaction() as session:
        other = staff.create_council(session, slug="why", name="Why Council", district_codes=["Z07000009"])
        key = staff.create_key(session, council_id=other.id, name="test", role=Role.ADMIN, mode=KeyMode.LIVE)
    stranger = {"Authorization": f"Bearer {key}"}
    assert listed(client, stranger) == []
    viewer, trial = make_key(world, Role.VIEWER), make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    for verb, body in (("enable", None), ("secret", None), ("replay", {"alert": str(uuid4())})):
        door = f"/api/v1/webhook-endpoints/{contact}/{verb}"
        assert client.post(door, json=body, headers=stranger).status_code == 404, verb
        assert client.post(door, json=body, headers=viewer).status_code == 403, verb
        assert client.post(door, json=body, headers=trial).status_code == 403, verb


@pytest.mark.parametrize(
    "body",
    [{}, {"alert": str(uuid4()), "since": "2026-01-01T00:00:00Z"}, {"since": "2026-01-01T00:00:00"},
     {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}],
)  # fmt: skip
def test_a_replay_says_clearly_of_what(client: Client, world: World, receiver: Receiver, body: dict[str, str]) -> None:
    contact = contact_of(world, receiver.address)
    reply = client.post(f"/api/v1/webhook-endpoints/{contact}/replay", json=body, headers=world.headers)
    assert reply.status_code in (400, 422)
