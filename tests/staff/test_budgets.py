"""What messages cost: a dry run in pounds, a ledger of spending, and a budget that stops routine alerts only."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import worker_loop
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import created
from tests.deliveries.test_holds import in_force, run_chore
from tests.world import World, add_resident, add_residents, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
Choose = Callable[..., None]


@pytest.fixture
def world(client: Client, loft: Path, choose: Choose) -> World:
    choose(PROVIDER_PRICES="pigeon=2.5, smtp=0.01", BATCH_SIZE="2")
    return make_world()


def budget(client: Client, world: World) -> dict[str, object]:
    found: dict[str, object] = client.get("/api/v1/budget", headers=world.headers).json()
    return found


def set_budget(client: Client, world: World, pence: int | None) -> None:
    reply = client.put("/api/v1/budget", json={"monthly_pence": pence}, headers=world.headers)
    assert reply.status_code == 200, reply.text


def count(client: Client, world: World, **asked: object) -> dict[str, object]:
    words: dict[str, object] = {"topic": "road-closures", "channels": ["sms"]}
    found: dict[str, object] = client.post("/api/v1/audiences", json=words | asked, headers=world.headers).json()
    return found


def text_everybody(client: Client, world: World, words: str = "Mill Road is closed.", **fields: object) -> str:
    identity: str = created(client, world.headers, channels=["sms"], sms=words, send=True, **fields)["id"]
    return identity


def test_a_dry_run_shows_what_it_costs(client: Client, world: World, choose: Choose) -> None:
    add_residents(
        world, [f"a{number}@example.org" for number in range(4)], phones=[f"07700 90000{number}" for number in range(4)]
    )
    assert count(client, world, sms="Closed.")["cost_pence"] == 10 * 2.5  # so few count as ten
    assert count(client, world, sms="x" * 200)["cost_pence"] == 10 * 2 * 2.5
    both = count(client, world, sms="Closed.", channels=["sms", "email"])
    assert both["cost_pence"] == 10 * 2.5 + 10 * 0.01
    assert (both["budget_left_pence"], both["over_budget"]) == (None, False)
    choose(SMS_PROVIDERS="pigeon:75,file:25")  # the file costs nothing
    assert count(client, world, sms="Closed.")["cost_pence"] == 10 * 2.5 * 0.75
    choose(SMS_PROVIDERS="file")
    assert count(client, world, sms="Closed.")["cost_pence"] is None


def test_a_dry_run_names_the_letter_that_makes_a_text_dearer(client: Client, world: World) -> None:
    add_resident(world, phone="07700 900001")
    found = count(client, world, sms="Mae'r ffordd i Dŷ Mawr ar gau heddiw oherwydd llifogydd difrifol iawn.")
    assert found["sms_parts"] == 3  # with the link that stops them
    assert "ŷ" in str(found["sms_advice"])


def test_what_was_sent_is_counted_once_by_provider_and_part(client: Client, world: World, work: Work) -> None:
    for number in range(3):
        add_resident(world, phone=f"07700 90000{number}")
    alert = text_everybody(client, world, "x" * 200)
    work()
    work()
    found = budget(client, world)
    assert found["spent_pence"] == 3 * 2 * 2.5
    assert found["by_provider"] == [{"channel": "sms", "provider": "pigeon", "messages": 3, "pence": 15.0}]
    with transaction() as session:
        costs = session.execute(text("SELECT cost FROM delivery WHERE alert_id = :id"), {"id": alert}).scalars().all()
    assert costs == [5000] * 3  # thousandths of a penny


def test_a_rehearsal_costs_nothing(client: Client, world: World, work: Work) -> None:
    add_resident(world, phone="07700 900001")
    created(client, make_key(world, Role.ADMIN, mode=KeyMode.TEST), channels=["sms"], send=True)
    work()
    assert budget(client, world)["spent_pence"] == 0


def test_a_spent_budget_holds_routine_alerts_until_somebody_decides(client: Client, world: World) -> None:
    for number in range(8):
        add_resident(world, phone=f"07700 90000{number}")
    set_budget(client, world, 9)
    assert count(client, world, sms="Closed.")["over_budget"] is True
    alert = text_everybody(client, world)
    worker_loop.expand_alert(UUID(alert))
    assert worker_loop.send_next(Lane.ROUTINE)  # two texts, five pence
    run_chore("mind the budgets")
    assert in_force() == []
    assert worker_loop.send_next(Lane.ROUTINE)  # ten pence
    run_chore("mind the budgets")
    run_chore("mind the budgets")
    [held] = in_force()
    assert (str(held.alert_id), held.actor) == (alert, "engine:budget")
    assert "£0.09" in held.reason
    assert not worker_loop.send_next(Lane.ROUTINE)
    with transaction() as session:
        actions = session.execute(text("SELECT action FROM audit_entry WHERE action LIKE 'budget.%' ORDER BY id"))
        assert actions.scalars().all() == ["budget.change", "budget.warning", "budget.spent"]
    client.post("/api/v1/queue/release", json={"alert": alert}, headers=world.headers)
    run_chore("mind the budgets")  # somebody looked and decided
    assert in_force() == []
    assert worker_loop.send_next(Lane.ROUTINE)


def test_an_emergency_goes_on_when_the_money_is_spent(client: Client, world: World, work: Work, loft: Path) -> None:
    add_resident(world, phone="07700 900001", topics=["emergencies"])
    set_budget(client, world, 0)
    asked = {"topic": "emergencies", "priority": "emergency", "sms": "Flood."}
    assert count(client, world, **asked)["over_budget"] is False
    text_everybody(client, world, topic="emergencies", priority="emergency")
    run_chore("mind the budgets")
    work()
    assert in_force() == []
    assert len(list(loft.iterdir())) == 1


def test_eighty_percent_is_warned_of_once_a_month_and_holds_nothing(client: Client, world: World) -> None:
    for number in range(4):
        add_resident(world, phone=f"07700 90000{number}")
    set_budget(client, world, 12)
    alert = text_everybody(client, world)
    worker_loop.expand_alert(UUID(alert))
    while worker_loop.send_next(Lane.ROUTINE):
        run_chore("mind the budgets")
    run_chore("mind the budgets")
    assert in_force() == []
    with transaction() as session:
        warned = session.execute(text("SELECT count(*) FROM audit_entry WHERE action = 'budget.warning'")).scalar_one()
    assert warned == 1


def test_only_administrators_change_the_budget_and_bad_sums_are_refused(client: Client, world: World) -> None:
    author = make_key(world, Role.AUTHOR)
    assert client.put("/api/v1/budget", json={"monthly_pence": 1}, headers=author).status_code == 403
    for wrong in (-1, 1.5, "much", 10**12):
        reply = client.put("/api/v1/budget", json={"monthly_pence": wrong}, headers=world.headers)
        assert reply.status_code in (400, 422), wrong
    set_budget(client, world, 500)
    set_budget(client, world, None)
    assert budget(client, world)["budget_pence"] is None
