"""Ten million events, a fifth of them told twice, shuffled, some malformed: how fast they are in, and counted how well.

    python -m benchmarks.events [--events 10000000] [--feeders 2]

Half are receipts of providers, half clicks and opens; 40 alerts, four deliveries for ten events. Every batch is one
transaction on a durable PostgreSQL, with verdicts and rollups in it. Afterwards every count is compared with what an
independent model says. The reference is COPY of the same number of bare rows into a table without an index.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import text

from benchmarks.event_world import ALERTS, Events, add_ledger, begun, make_events
from benchmarks.figures import tell
from benchmarks.installation import installation, make_council
from notify.core import db
from notify.deliveries import receipts
from notify.insight import rollups
from notify.providers.base import Receipt, ReceiptState
from notify.subscribers.models import NewTopic
from notify.tracking import event_recorder
from notify.tracking.event_recorder import Seen
from notify.tracking.models import HitKind

BATCH = 5_000
BAR = 20_000.0
REPEATED, MALFORMED = 0.2, 0.01


def measure(*, events: int, feeders: int) -> dict[str, object]:
    """Every figure of this benchmark. Raises: AssertionError where a count is not the model's."""
    with installation():
        council_id, _ = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True))
        start, each = begun(), events * 2 // 5 // ALERTS
        with db.transaction() as session:
            alerts = add_ledger(session, council_id, each, start)
        _vacuum()
        world = make_events(alerts, each, events, start)
        reference = _copy_rate(min(events, 1_000_000))
        told = _arrivals(world.total)
        began = time.perf_counter()
        _feed(alerts, each, events, start, told, feeders)
        seconds = time.perf_counter() - began
        tell("intake", {"events": len(told), "seconds": round(seconds), "rate": round(len(told) / seconds)})
        began = time.perf_counter()
        with db.transaction() as session:
            for alert in alerts:
                rollups.count_alert(session, alert)
        counting = time.perf_counter() - began
        faults = _field_errors(world)
    return {
        "benchmark": "events",
        "told": len(told),
        "different": world.total,
        "rate": round(len(told) / seconds),
        "copy_rate": round(reference),
        "ratio": round(len(told) / seconds / reference, 3),
        "seconds_to_count_the_alerts": round(counting, 1),
        "wrong_counts": faults,
        "within_bars": not faults and len(told) / seconds > BAR,
    }


def _arrivals(total: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """In which order events are told: all of them, a fifth again, and some that mean nothing (below 0), shuffled."""
    dice = np.random.default_rng(8)
    again = dice.integers(0, total, int(total * REPEATED))
    nonsense = -1 - np.arange(int(total * MALFORMED))
    return dice.permutation(np.concatenate([np.arange(total), again, nonsense]))


def _feed(
    alerts: list[UUID],
    each: int,
    events: int,
    start: datetime,
    told: np.ndarray[Any, np.dtype[np.int64]],
    feeders: int,
) -> None:
    db.engine().dispose()
    crew = multiprocessing.get_context("fork")
    world = make_events(alerts, each, events, start)
    children = [crew.Process(target=_feeder, args=(world, told[number::feeders])) for number in range(feeders)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise RuntimeError("a feeder failed")


def _feeder(world: Events, told: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    for at in range(0, len(told), BATCH):
        hits: list[Seen] = []
        news: list[Receipt] = []
        for e in told[at : at + BATCH].tolist():
            if e < 0:
                _add_nonsense(world, e, hits, news)
            elif e < world.receipts:
                news.append(world.receipt(e))
            else:
                hits.append(world.hit(e - world.receipts))
        with db.transaction() as session:
            event_recorder.take(session, hits)
        with db.transaction() as session:
            receipts.take_receipts(session, news)


def tell_on(world: Events) -> None:
    """Tell these events for as long as the process lives."""
    while True:
        _feeder(world, _arrivals(world.total))


def _add_nonsense(world: Events, e: int, hits: list[Seen], news: list[Receipt]) -> None:
    """What nobody can have meant: references that are none, deliveries and alerts that there are not."""
    match e % 4:
        case 0:
            news.append(Receipt("not a reference", ReceiptState.DELIVERED, ""))
        case 1:
            news.append(Receipt(f"{world.alerts[0].hex}-{world.each + 5}", ReceiptState.PERMANENT_FAILURE, ""))
        case 2:
            hits.append(Seen(UUID(int=-e), world.start, UUID(int=1), 1, HitKind.CLICKED, 0, "", b"nobody"))
        case _:
            hits.append(Seen(UUID(int=-e), world.start, world.alerts[0], 2**31 - 1, HitKind.OPENED, 0, "", None))


def _field_errors(world: Events) -> list[str]:
    """Every count that is not the model's, in words."""
    with db.transaction() as session:
        hits = session.execute(
            text("SELECT alert_id, kind, verdict, sum(times) AS n FROM rollup_hit WHERE times <> 0 GROUP BY 1, 2, 3")
        )
        counted: dict[str, Mapping[Any, int]] = {
            "hits": {(row.alert_id, row.kind, row.verdict): int(row.n) for row in hits}
        }
        people = session.execute(text("SELECT alert_id, kind, sum(people) AS n FROM rollup_people GROUP BY 1, 2"))
        counted["people"] = {(row.alert_id, row.kind): int(row.n) for row in people if row.n}
        states = session.execute(
            text("SELECT sum(delivered) AS delivered, sum(permanent_failure) AS failed FROM rollup_alert")
        ).one()
        counted["states"] = {"delivered": int(states.delivered), "permanent-failure": int(states.failed)}
        kept = session.execute(text("SELECT count(*) FROM hit")).scalar_one()
    expected = world.expected()
    faults = [
        f"{name}: {_differences(counted[name], expected[name])}" for name in expected if counted[name] != expected[name]
    ]
    if kept != sum(expected["hits"].values()):
        faults.append(f"{kept} hits are kept")
    return faults


def _differences(counted: Mapping[Any, int], expected: Mapping[Any, int]) -> Sequence[str]:
    keys = {*counted, *expected}
    return [
        f"{key}: {counted.get(key)} for {expected.get(key)}" for key in keys if counted.get(key) != expected.get(key)
    ][:5]


def _copy_rate(rows: int) -> float:
    """Rows a second that COPY takes into a bare table."""
    with db.engine().connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        cursor = driver.cursor()
        cursor.execute("CREATE TEMP TABLE bare (at timestamptz, alert_id uuid, number integer, kind text)")
        row = (datetime.fromisoformat("2026-11-01T00:00:00Z"), UUID(int=5), 7, "clicked")
        began = time.perf_counter()
        with cursor.copy("COPY bare FROM STDIN") as copy:
            for _ in range(rows):
                copy.write_row(row)
        driver.commit()
        return rows / (time.perf_counter() - began)


def _vacuum() -> None:
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def main() -> None:
    """Measure, and print the figures as one line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000, help="different ones")
    parser.add_argument("--feeders", type=int, default=2, help="processes that tell them")
    print(json.dumps(measure(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
