"""Hits are counted exactly, repeated or shuffled or malformed, in any portions, as a plain model counts them."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.tracking import event_recorder
from notify.tracking.bot_detection import opinion, read_agent
from notify.tracking.event_recorder import Seen
from notify.tracking.models import CANARY, HitKind, Verdict
from tests import moments
from tests.alerts.calls import created
from tests.tracking.reading import PHONE
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
Counts = tuple[Counter[object], Counter[object]]

AGENTS = (PHONE, "Mozilla/5.0", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "curl/8")
READERS = 3


@pytest.fixture
def alerts(client: Client, work: Work) -> list[UUID]:
    world: World = make_world()
    for n in range(READERS):
        add_resident(world, f"r{n}@example.org", topics=["bins"], tracking_consent=n > 0)
    found = [UUID(created(client, world.headers, topic="bins", link="https://example.org/x", send=True)["id"])]
    found.append(UUID(created(client, world.headers, topic="bins", link="https://example.org/y", send=True)["id"]))
    work()
    return found


def drawn(alerts: list[UUID], random: Random, times: int) -> list[Seen]:
    """Hits of few visitors close together, so that much happens at the edges of a second and of ten."""
    start = moments.present() + timedelta(minutes=1)
    strange = [*alerts, UUID(int=7)]  # no alert of ours
    hits = []
    for _ in range(times):
        kind = random.choice(list(HitKind))
        hits.append(
            Seen(
                UUID(int=random.getrandbits(128)),
                start
                + timedelta(milliseconds=random.choice([0, 1, 500, 999, 1000, 1001, 9000, 10000, 10001]))
                + timedelta(seconds=random.choice([0, 0, 30])),
                random.choices(strange, [10, 10, 1])[0],
                random.choice([None, 1, 2, 3, 2**31 - 1]),
                kind,
                random.choices([0, CANARY], [20, 1])[0] if kind == HitKind.CLICKED else 0,
                random.choice(AGENTS),
                random.choice([None, b"v1", b"v2"]),
            )
        )
    return hits


def model(
    hits: list[Seen], alerts: list[UUID], agreed: dict[UUID, set[int]]
) -> tuple[Counter[object], Counter[object]]:
    """What should be counted, worked out hit by hit against all others."""
    kept: dict[UUID, Seen] = {}
    for hit in hits:
        is_readers = hit.number in agreed.get(hit.alert_id, set())
        if hit.alert_id in alerts and (hit.kind == HitKind.CLICKED or is_readers):
            kept.setdefault(hit.id, hit)
    times: Counter[object] = Counter()
    readers = set()
    for hit in kept.values():
        verdict = opinion(hit.kind, hit.link, read_agent(hit.agent), hit.at, None).verdict
        for other in kept.values():
            apart = abs(other.at - hit.at)
            if hit.visitor is None or other.visitor != hit.visitor or other.kind != HitKind.CLICKED:
                continue
            differs = (other.alert_id, other.link) != (hit.alert_id, hit.link)
            is_quick = hit.kind == HitKind.CLICKED and differs and apart <= timedelta(seconds=1)
            if is_quick or (other.link == CANARY and apart <= timedelta(seconds=10)):
                verdict = Verdict.MACHINE
        times[hit.alert_id, hit.kind, verdict, hit.at.replace(minute=0, second=0, microsecond=0)] += 1
        if hit.number in agreed.get(hit.alert_id, set()) and verdict != Verdict.MACHINE:
            readers.add((hit.alert_id, hit.kind, hit.number))
    return times, Counter((alert, kind) for alert, kind, _ in readers)


def counted() -> Counts:
    with transaction() as session:
        sums = "SELECT alert_id, channel, kind, verdict, sum(times) FROM {} GROUP BY 1, 2, 3, 4"
        apart = text(f"({sums.format('rollup_hit')}) EXCEPT ({sums.format('rollup_hit_total')})")
        assert session.execute(apart).all() == []
        rows = session.execute(
            text("SELECT alert_id, kind, verdict, hour, sum(times) AS n FROM rollup_hit GROUP BY 1, 2, 3, 4")
        ).all()
        people = session.execute(text("SELECT alert_id, kind, sum(people) AS n FROM rollup_people GROUP BY 1, 2")).all()
    return (
        Counter({(row.alert_id, row.kind, row.verdict, row.hour): int(row.n) for row in rows if row.n}),
        Counter({(row.alert_id, row.kind): int(row.n) for row in people if row.n}),
    )


def agreed_numbers(alerts: list[UUID]) -> dict[UUID, set[int]]:
    with transaction() as session:
        rows = session.execute(
            text("""
                SELECT alert_id, number FROM delivery d
                JOIN subscriber s ON s.id = d.subscriber_id AND tracking_consent
            """)
        ).all()
    found: dict[UUID, set[int]] = {alert: set() for alert in alerts}
    for row in rows:
        found[row.alert_id].add(row.number)
    return found


def empty() -> None:
    with transaction() as session:
        for table in ("hit", "reader", "rollup_hit", "rollup_hit_total", "rollup_people"):
            session.execute(text(f"DELETE FROM {table}"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=some.integers(0, 2**32), portion=some.integers(1, 60))
def test_whatever_order_and_portion_they_come_in_they_are_counted_as_a_plain_model_counts(
    alerts: list[UUID], seed: int, portion: int
) -> None:
    empty()
    random = Random(seed)
    hits = drawn(alerts, random, 60)
    arriving = [*hits, *random.sample(hits, 12)]
    random.shuffle(arriving)
    for at in range(0, len(arriving), portion):
        with transaction() as session:
            event_recorder.take(session, arriving[at : at + portion])
    assert counted() == model(hits, alerts, agreed_numbers(alerts))


def test_the_same_portion_again_is_nothing_new(alerts: list[UUID]) -> None:
    hits = drawn(alerts, Random(1), 200)
    with transaction() as session:
        first = event_recorder.take(session, hits)
    before = counted()
    with transaction() as session:
        assert (first > 100, event_recorder.take(session, hits)) == (True, 0)
    assert counted() == before


def looked_at(plan: Any) -> float:  # noqa: ANN401 - JSON
    """How many rows a plan touched, over all its loops."""
    rows = sum(plan.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return float(rows * plan["Actual Loops"]) + sum(looked_at(one) for one in plan.get("Plans", []))


def test_each_click_of_a_busy_visitor_is_compared_with_few_others(alerts: list[UUID]) -> None:
    start = moments.present() + timedelta(minutes=1)
    hits = [
        Seen(UUID(int=n), start + timedelta(milliseconds=n), alerts[n % 2], None, HitKind.CLICKED, 0, PHONE, b"busy")
        for n in range(10_000)
    ]
    with transaction() as session:
        event_recorder.take(session, hits)
    new = {"visitors": [b"busy"], "first": hits[-100].at, "last": hits[-1].at}
    with transaction() as session:
        session.execute(text("ANALYZE hit"))
        session.execute(text("UPDATE hit SET verdict = 'unknown' WHERE at >= :first"), new)
        explained = session.execute(
            text(f"EXPLAIN (ANALYZE, FORMAT JSON) {event_recorder.LOOK_AGAIN}"), new
        ).scalar_one()
        session.rollback()
    assert looked_at(explained[0]["Plan"]) < 100_000  # each with ten seconds of the others: 900,000
