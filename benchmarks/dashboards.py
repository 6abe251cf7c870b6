"""Pages of figures after ten million events, while more come in: how long an officer waits.

    python -m benchmarks.dashboards [--events 10000000] [--rounds 20]

A year of alerts, and the rollups of as many events as asked for; one web process on embedded servers, durable as in
production. Every page is fetched in turn, first in quiet, then while two processes tell events as fast as they can.
The reference is the officer's list of alerts in the same run, which shows no figures.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Sequence
from uuid import UUID

import httpx
import numpy as np
from sqlalchemy import text

from benchmarks.event_world import ALERTS, Events, add_ledger, begun, make_events
from benchmarks.events import tell_on
from benchmarks.figures import percentile, tell
from benchmarks.installation import installation, make_council
from benchmarks.processes import started
from notify.core import clock, db
from notify.core.settings import settings
from notify.insight import rollups
from notify.staff import service as staff
from notify.staff.models import Role
from notify.staff.sign_in import sessions
from notify.subscribers.models import NewTopic

BAR_P95_MS = 300.0
PLAIN = "/staff"


def measure(*, events: int, rounds: int, earlier: int) -> dict[str, object]:
    """Every figure of this benchmark."""
    with installation() as folder:
        council_id, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True))
        start, each = begun(), events * 2 // 5 // ALERTS
        with db.transaction() as session:
            alerts = add_ledger(session, council_id, each, start)
        world = make_events(alerts, each, events, start)
        _write_rollups(world)
        _add_a_year(earlier)
        cookie = _sign_in(council_id)
        with started(folder, key, workers={}, threads=1) as running:
            pages = _pages(alerts)
            quiet = _times(str(running.client.base_url), cookie, pages, rounds)
            tell("p95 in quiet", {path: percentile(times, 0.95) for path, times in quiet.items()})
            db.engine().dispose()
            feeder = multiprocessing.get_context("fork").Process(target=tell_on, args=(world,))
            feeder.start()
            busy = _times(str(running.client.base_url), cookie, pages, rounds)
            feeder.terminate()
            feeder.join()
            tell("p95 while events come in", {path: percentile(times, 0.95) for path, times in busy.items()})
    reference = percentile(quiet.pop(PLAIN), 0.95)
    busy.pop(PLAIN)
    p95 = percentile([ms for times in quiet.values() for ms in times], 0.95)
    p95_busy = percentile([ms for times in busy.values() for ms in times], 0.95)
    return {
        "benchmark": "dashboards",
        "events": events,
        "alerts": ALERTS + earlier,
        "p95_ms": round(p95, 1),
        "p95_ms_while_events_come_in": round(p95_busy, 1),
        "plain_page_p95_ms": round(reference, 1),
        "ratio": round(p95 / reference, 2),
        "slowest": max(quiet, key=lambda path: percentile(quiet[path], 0.95)),
        "within_bars": max(p95, p95_busy) < BAR_P95_MS,
    }


def _write_rollups(world: Events) -> None:
    """What the events add up to, straight into the rollups: taking them in one by one is measured elsewhere."""
    hours = world.at // 3_600_000
    keys, times = np.unique((world.alert * 2 + world.kind) * 100 + hours, return_counts=True)
    values = {
        "alerts": [world.alerts[key // 200] for key in keys.tolist()],
        "kinds": [("clicked", "opened")[key // 100 % 2] for key in keys.tolist()],
        "hours": [int(key % 100) for key in keys.tolist()],
        "times": times.tolist(),
        "start": world.start,
    }
    with db.transaction() as session:
        session.execute(text(HITS), values)
    for alert in world.alerts:
        with db.transaction() as session:
            rollups.count_alert(session, alert)
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _add_a_year(many: int) -> None:
    """As many earlier alerts with the figures of those that are there, spread over a year; their ledgers are gone."""
    with db.transaction() as session:
        session.execute(text(COPIES), {"many": many})
        for table in ("alert", *rollups.TABLES, "rollup_hit", "rollup_people"):
            session.execute(text(COPY.format(table=table, key="id" if table == "alert" else "alert_id")))
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


COPIES = """
    CREATE TEMP TABLE copies ON COMMIT DROP AS
    SELECT o.id AS old, uuidv7() AS new, 1000000 + n AS reply_code, make_interval(hours => 8700 * n / :many) AS ago
    FROM generate_series(1, :many) AS n
    JOIN (SELECT id, row_number() OVER () - 1 AS place, count(*) OVER () AS of FROM alert) o ON o.place = n % o.of
"""
COPY = """
    INSERT INTO {table}
    SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t) || jsonb_build_object(
        '{key}', c.new, 'reply_code', c.reply_code, 'created_at', now() - c.ago, 'approved_at', now() - c.ago,
        'expanded_at', now() - c.ago, 'started_at', now() - c.ago, 'detail_removed_at', now()
    ))).*
    FROM {table} t JOIN copies c ON c.old = t.{key}
"""


def _sign_in(council_id: UUID) -> str:
    with db.transaction() as session:
        officer = staff.create_officer(
            session, council_id=council_id, email="officer@example.org", name="Olwen", role=Role.ADMIN
        )
        return f"{settings().cookie_name('officer')}={sessions.open_session(session, officer, mfa_at=clock.now())}"


def _pages(alerts: Sequence[UUID]) -> Sequence[str]:
    figures = ("", "/topics", "/topics/bins", "/wards", "/channels", "/providers", "/languages")
    return [PLAIN, *(f"/staff/figures{page}" for page in figures), f"/staff/alerts/{alerts[0]}/figures"]


def _times(base_url: str, cookie: str, pages: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each answer, by page; the first of each is not counted."""
    times: dict[str, list[float]] = {page: [] for page in pages}
    with httpx.Client(base_url=base_url, headers={"Cookie": cookie}, timeout=60) as client:
        for number in range(rounds + 1):
            for page in pages:
                began = time.perf_counter()
                reply = client.get(page)
                if reply.status_code != 200:
                    raise RuntimeError(f"{page} answered {reply.status_code}")
                if number:
                    times[page].append((time.perf_counter() - began) * 1000)
    return times


HITS = """
    INSERT INTO rollup_hit (alert_id, kind, verdict, channel, link, device, hour, times)
    SELECT alert, kind, 'human', 'email', 0, device,
           date_trunc('hour', CAST(:start AS timestamptz)) + hour * interval '1 hour', times
    FROM unnest(CAST(:alerts AS uuid[]), CAST(:kinds AS text[]), CAST(:hours AS integer[]), CAST(:times AS bigint[]))
        AS h (alert, kind, hour, times), unnest(ARRAY['phone', 'computer', 'tablet']) AS device
"""


def main() -> None:
    """Measure, and print the figures as one line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=20, help="how often each page is fetched")
    parser.add_argument("--earlier", type=int, default=2_000, help="other alerts of the year, with figures")
    print(json.dumps(measure(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
