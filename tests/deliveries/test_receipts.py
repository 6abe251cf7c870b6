"""What providers report later, by a third party's adapter: believed when signed, and never backwards."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import worker_loop
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.pigeon import report
from tests.world import World, add_resident, make_world

pytestmark = pytest.mark.usefixtures("loft")

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def text_alert(client: Client, world: World) -> str:
    """The id of an alert that goes by text only."""
    identity: str = created(client, world.headers, channels=["sms"], send=True)["id"]
    return identity


def rows(client: Client, world: World, alert_id: str) -> list[dict[str, str]]:
    """The ledger of an alert."""
    found: list[dict[str, str]] = client.get(f"/api/v1/alerts/{alert_id}/deliveries", headers=world.headers).json()[
        "deliveries"
    ]
    return found


def receipt(alert_id: str, state: str, *, number: int = 1) -> dict[str, str]:
    return {"reference": f"{alert_id.replace('-', '')}-{number}", "state": state}


def suppressions() -> int:
    with transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM suppression")).scalar_one())


def test_a_receipt_turns_sent_into_delivered(client: Client, world: World, work: Work, loft: Path) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    work()
    [letter] = loft.iterdir()
    reply = report(client, {"reference": letter.name, "state": "delivered"})
    assert (reply.status_code, reply.json()) == (200, {"receipts": 1, "inbound": 0, "changed": 1})
    assert [row["state"] for row in rows(client, world, alert)] == ["delivered"]


# the strongest of what was reported stands, whatever the order and however often
@pytest.mark.parametrize(
    ("told", "stands"),
    [
        (["delivered"], "delivered"),
        (["temporary-failure", "delivered"], "delivered"),
        (["temporary-failure", "permanent-failure"], "permanent-failure"),
        (["temporary-failure", "delivered", "permanent-failure"], "permanent-failure"),
    ],
)
def test_receipts_in_any_order_and_number_end_in_the_same_state(
    client: Client, world: World, work: Work, told: list[str], stands: str
) -> None:
    orders = list(permutations(told))
    for number in range(len(orders)):
        add_resident(world, phone=f"07700 9000{number:02}")
    alert = text_alert(client, world)
    work()
    for number, order in enumerate(orders, start=1):
        for state in [*order, *order, order[0]]:
            assert report(client, receipt(alert, state, number=number)).status_code == 200
    assert {row["state"] for row in rows(client, world, alert)} == {stands}


def test_a_repeated_receipt_is_counted_and_changes_nothing(client: Client, world: World, work: Work) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    work()
    told = receipt(alert, "delivered")
    assert report(client, told, told).json() == {"receipts": 2, "inbound": 0, "changed": 1}
    assert report(client, told).json() == {"receipts": 1, "inbound": 0, "changed": 0}


def test_a_receipt_that_outruns_our_own_note_counts_as_sent_too(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    worker_loop.expand_alert(alert)  # type: ignore[arg-type]
    report(client, receipt(alert, "delivered"))
    work()
    figures = client.get(f"/api/v1/alerts/{alert}/analytics", headers=world.headers).json()
    assert (figures["recipients"], figures["sent"], figures["delivered"]) == (1, 1, 1)
    assert figures["state"] == "sent"


def test_a_number_that_is_dead_is_not_written_to_again(client: Client, world: World, work: Work, loft: Path) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    work()
    report(client, receipt(alert, "permanent-failure") | {"reason": "No such number."})
    [row] = rows(client, world, alert)
    assert (row["state"], row["reason"]) == ("permanent-failure", "No such number.")
    assert suppressions() == 1
    later = text_alert(client, world)
    work()
    assert rows(client, world, later) == []
    assert len(list(loft.iterdir())) == 1


def test_a_passing_failure_suppresses_nobody(client: Client, world: World, work: Work) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    work()
    report(client, receipt(alert, "temporary-failure"))
    assert (rows(client, world, alert)[0]["state"], suppressions()) == ("temporary-failure", 0)


@pytest.mark.parametrize("how", ["cancelled", "suppressed"])
def test_a_receipt_does_not_wake_what_was_never_sent(client: Client, world: World, work: Work, how: str) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    worker_loop.expand_alert(alert)  # type: ignore[arg-type]
    with transaction() as session:
        session.execute(text("UPDATE delivery SET state = :how"), {"how": how})
    assert report(client, receipt(alert, "delivered")).json()["changed"] == 0
    assert rows(client, world, alert)[0]["state"] == how


STRANGE = [
    "",
    "-",
    "1",
    "not ours at all",
    f"{uuid4().hex}-1",
    f"{uuid4().hex}-0",
    f"{uuid4().hex}-99999999999999999999",
    f"{uuid4().hex}-²",
    f"{uuid4().hex}",
    "z" * 32 + "-1",
    "'" * 32 + "-1",
]


def test_references_that_are_not_ours_are_ignored_and_hold_up_no_other(
    client: Client, world: World, work: Work
) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    work()
    strange = [{"reference": reference, "state": "delivered"} for reference in STRANGE]
    reply = report(client, *strange, receipt(alert, "delivered"))
    assert (reply.status_code, reply.json()) == (200, {"receipts": len(STRANGE) + 1, "inbound": 0, "changed": 1})
    assert rows(client, world, alert)[0]["state"] == "delivered"


def test_an_unsigned_receipt_changes_nothing(client: Client, world: World, work: Work) -> None:
    add_resident(world, phone="07700 900001")
    alert = text_alert(client, world)
    work()
    reply = report(client, receipt(alert, "permanent-failure"), ring="somebody else's")
    assert (reply.status_code, reply.json()["type"]) == (401, "/problems/receipt-refused")
    assert (rows(client, world, alert)[0]["state"], suppressions()) == ("sent", 0)


@pytest.mark.parametrize("name", ["carrier", "twilio", "..", "pigeon%00"])
def test_a_provider_that_is_not_in_use_has_no_door(client: Client, world: World, name: str) -> None:
    reply = client.post(f"/api/v1/webhooks/{name}", content=b"{}")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
