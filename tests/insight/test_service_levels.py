"""Service levels: each alert is held against the promise of its day, and why it missed it is written down in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.alerts.models import Alert
from notify.core import clock
from notify.core.db import transaction
from notify.deliveries import holds
from notify.deliveries.budgets import BUDGET
from notify.insight import rollups
from notify.insight.service_levels import results as service_levels_results
from notify.staff.models import KeyMode, Role
from tests import moments
from tests.alerts.calls import created, neighbour
from tests.insight.desk import submit
from tests.world import World, add_resident, add_residents, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
LATER = timedelta(hours=2)


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    add_residents(world, [f"r{number}@example.org" for number in range(20)], topics=["bins", "emergencies"])
    return world


def send(client: Client, world: World, work: Work, **fields: object) -> UUID:
    """An alert that is sent and counted."""
    alert = created(client, world.headers, **({"topic": "bins", "send": True} | fields))
    work()
    rollups.keep_up()
    return UUID(alert["id"])


def delay(alert_id: UUID, seconds: float, *, only: int = 20) -> None:
    """As if so many of its messages had been handed over so late."""
    with transaction() as session:
        session.execute(
            text("""
                UPDATE delivery d SET sent_at = greatest(a.approved_at, a.send_at) + make_interval(secs => :late)
                FROM alert a WHERE a.id = :alert AND d.alert_id = a.id AND d.number <= :only
            """),
            {"alert": alert_id, "late": seconds, "only": only},
        )
        rollups.count_alert(session, alert_id)


def judge() -> int:
    """As the scheduler does, two hours later."""
    later = clock.now() + LATER
    clock.use(lambda: later)
    try:
        with transaction() as session:
            return service_levels_results.judge(session)
    finally:
        moments.restore()


def read(client: Client, world: World) -> Any:  # noqa: ANN401 - JSON
    return client.get("/api/v1/service-levels", headers=world.headers).json()


def test_attainment_says_what_the_ledger_says(client: Client, world: World, work: Work) -> None:
    quick, slow = send(client, world, work), send(client, world, work)
    urgent = send(client, world, work, topic="emergencies", priority="emergency")
    delay(slow, 1000, only=2)  # nine in ten were in time
    delay(urgent, 59)
    assert judge() == 3
    found = read(client, world)
    months = {one["priority"]: (one["alerts"], one["met"]) for one in found["months"]}
    assert months == {"routine": (2, 1), "emergency": (1, 1)}
    [breach] = found["breaches"]
    assert (breach["alert"], breach["due"], breach["in_time"]) == (str(slow), 20, 18)
    with transaction() as session:
        direct = session.execute(
            text("""
                SELECT count(*) FILTER (WHERE d.sent_at <= a.approved_at + interval '900 seconds'), count(*)
                FROM delivery d JOIN alert a ON a.id = d.alert_id WHERE a.id = :alert
            """),
            {"alert": slow},
        ).one()
    assert tuple(direct) == (breach["in_time"], breach["due"])
    assert [one["alert"] for one in found["breaches"]] != [str(quick)]


def test_the_last_message_of_the_promised_share_may_come_at_the_last_moment(
    client: Client, world: World, work: Work
) -> None:
    alert = send(client, world, work, topic="emergencies", priority="emergency")
    delay(alert, 300, only=1)  # nineteen of twenty are ninety-five per cent
    delay_met = judge()
    assert delay_met == 1
    assert read(client, world)["breaches"] == []
    delay(alert, 300, only=2)
    with transaction() as session:  # counted again later
        session.execute(text("UPDATE rollup_alert SET counted_at = business_now() + interval '3 hours'"))
    judge()
    assert [one["in_time"] for one in read(client, world)["breaches"]] == [18]


def test_an_alert_is_judged_once_its_time_is_over_and_again_only_with_news(
    client: Client, world: World, work: Work
) -> None:
    send(client, world, work)
    with transaction() as session:
        assert service_levels_results.judge(session) == 0
    assert judge() == 1
    assert judge() == 0


def test_causes_are_read_from_holds_budgets_batches_and_approval(client: Client, world: World, work: Work) -> None:
    alert = send(client, world, work)
    with transaction() as session:
        held = holds.hold(session, actor=BUDGET, reason="This month's budget is spent.", alert_id=alert)
        by_hand = holds.hold(session, actor="officer:1", reason="Wrong date?", lane=None)
        for one in (held, by_hand):
            one.lifted_at = one.at + timedelta(minutes=20)
        session.execute(text("UPDATE batch SET attempts = 5, deaths = 2 WHERE alert_id = :id"), {"id": alert})
        sent = session.get_one(Alert, alert)
        assert sent.approved_at
        sent.send_at = sent.approved_at - timedelta(minutes=14)
    delay(alert, 1300)
    judge()
    [breach] = read(client, world)["breaches"]
    words = {cause["kind"]: cause["words"] for cause in breach["causes"]}
    assert words["budget"] == "On hold for 20 min: This month's budget is spent."
    assert words["hold"] == "On hold for 20 min: Wrong date?"
    assert words["late approval"] == "It was approved 14 min after it was to go out."
    assert "tried up to 5 times" in words["provider"]
    assert words["workers"] == "Workers died 2 times with messages by email in hand."


def test_what_nothing_explains_is_said_to_be_so(client: Client, world: World, work: Work) -> None:
    alert = send(client, world, work)
    delay(alert, 1300)
    judge()
    [breach] = read(client, world)["breaches"]
    assert [cause["kind"] for cause in breach["causes"]] == ["unknown"]


def test_a_breach_and_its_causes_outlive_the_ledger(client: Client, world: World, work: Work) -> None:
    alert = send(client, world, work)
    delay(alert, 1300)
    judge()
    before = read(client, world)
    with transaction() as session:
        session.execute(text("DELETE FROM batch"))
        session.execute(text("DELETE FROM delivery"))
        session.execute(
            text(
                "UPDATE rollup_alert SET detail_removed_at = business_now(), "
                "counted_at = business_now() + interval '3 hours'"
            )
        )
    judge()
    assert read(client, world) == before


def test_a_new_target_holds_from_now_on(client: Client, world: World, work: Work) -> None:
    before = send(client, world, work)
    new = {"priority": "routine", "seconds": 5, "percent": 99.5}
    assert client.put("/api/v1/service-levels/targets", json=new, headers=world.headers).status_code == 200
    after = send(client, world, work)
    for alert in (before, after):
        delay(alert, 30)
    judge()
    found = read(client, world)
    assert new in found["targets"]
    assert [one["alert"] for one in found["breaches"]] == [str(after)]
    with transaction() as session:
        noted = session.execute(text("SELECT detail FROM audit_entry WHERE action = 'target.change'")).scalars().all()
    assert noted == [{"seconds": 5, "percent": 99.5}]


@pytest.mark.parametrize(("seconds", "is_measured"), [(59, True), (65, False), (70, True), (610, False), (660, True)])
def test_a_target_that_no_figure_could_tell_is_refused(
    client: Client, world: World, seconds: int, is_measured: bool
) -> None:
    new = {"priority": "emergency", "seconds": seconds, "percent": 95}
    answer = client.put("/api/v1/service-levels/targets", json=new, headers=world.headers)
    assert answer.is_success is is_measured


def test_tests_and_those_who_were_reached_another_way_later_do_not_count(
    client: Client, world: World, work: Work
) -> None:
    add_resident(world, "delivered@simulator.example.org", topics=["bins"])
    send(client, World(world.council_id, _test_key(world)), work)
    later = {"after_minutes": 5, "channels": ["sms"]}
    ways = {"escalate": later}
    alert = send(client, world, work, topic="emergencies", priority="emergency", **ways)
    with transaction() as session:
        session.execute(text("UPDATE alert SET escalated_at = business_now() WHERE id = :id"), {"id": alert})
        session.execute(
            text("UPDATE delivery SET channel = 'sms', sent_at = sent_at + interval '5 min' "
                 "WHERE alert_id = :id AND number > 10"),
            {"id": alert},
        )  # fmt: skip
        rollups.count_alert(session, alert)
    judge()
    found = read(client, world)
    assert [(one["priority"], one["alerts"], one["met"]) for one in found["months"]] == [("emergency", 1, 1)]


def _test_key(world: World) -> str:
    return make_key(world, Role.ADMIN, mode=KeyMode.TEST)["Authorization"].removeprefix("Bearer ")


def test_an_officer_says_what_happened_and_another_council_cannot(client: Client, world: World, work: Work) -> None:
    alert = send(client, world, work)
    delay(alert, 1300)
    desk = at_the_desk(make_key(world, Role.AUTHOR))
    path = f"/staff/figures/service-levels/{alert}"
    assert client.post(path, data={"note": "Too early."}, headers=desk, follow_redirects=False).status_code == 404
    judge()
    said = client.post(path, data={"note": "A cable was <cut>."}, headers=desk, follow_redirects=False)
    assert said.status_code == 303
    shown = client.get("/staff/figures/service-levels", headers=desk).text
    assert "A cable was &lt;cut&gt;." in shown
    assert "0 of 20 messages were sent in time" in shown
    note = {"note": "Ours."}
    refused = client.put(f"/api/v1/alerts/{alert}/breach-note", json=note, headers=neighbour())
    assert refused.status_code == 404
    assert read(client, world)["breaches"][0]["note"] == "A cable was <cut>."


def test_the_page_says_what_is_wrong_with_a_target(client: Client, world: World) -> None:
    desk = at_the_desk(make_key(world, Role.ADMIN))
    bad = {"priority": "emergency", "seconds": "soon", "percent": "95"}
    answer = client.post("/staff/figures/service-levels", data=bad, headers=desk)
    assert answer.status_code == 422
    assert "Write whole seconds from 1 to 7200." in answer.text
    good = {"priority": "emergency", "seconds": "45", "percent": "99"}
    assert "99% within 45 s" in submit(client, "/staff/figures/service-levels", good, desk).text
