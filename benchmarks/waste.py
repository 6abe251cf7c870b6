"""Collection days: an import of 100,000 homes, look-ups, an evening of 17,000 reminders, and a campaign to 95,800.

    python -m benchmarks.waste [--homes 100000] [--people 17000] [--campaign 95800] [--seconds 10]

One installation on embedded servers, durable as in production. The import is CSV with 100 rounds of three streams.
Look-ups come at 100 a second whether or not the last one was answered. Evening and campaign are measured from their
trigger until every message is recorded as sent to an SMTP server that keeps nothing.
"""

import argparse
import io
import json
import os
import resource
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from uuid import UUID

import httpx
from sqlalchemy import text

from benchmarks import smtp_sink
from benchmarks.figures import percentile, tell
from benchmarks.installation import add_places, add_residents, installation, make_council
from benchmarks.processes import routine_workers, started
from notify.core import clock, db
from notify.core.clock import LONDON
from notify.core.jobs import Lane
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from notify.waste import campaign, release_loading, releases, reminders
from notify.waste.file_shapes import Source
from notify.waste.release_loading import LoadingOptions
from tests.running import free_port

ROUNDS, HOMES_OF_A_POSTCODE, POSTCODES = 100, 20, 3_900
A_SECOND = 100
BAR_LOAD_S, BAR_MB, BAR_P95_MS = 60.0, 300.0, 30.0
SECONDS_EACH = 0.01  # patience: 100 messages a second


def run(homes: int, people: int, concerned: int, seconds: int) -> dict[str, object]:
    """Every figure of this benchmark."""
    workers, threads = routine_workers()
    port = free_port()
    with smtp_sink.sink(port), installation() as folder:
        os.environ |= {"NOTIFY_SMTP_HOST": "127.0.0.1", "NOTIFY_SMTP_PORT": str(port)}
        os.environ |= {"NOTIFY_NETWORK_LIMITS": "0", "NOTIFY_LIMIT_API_PER_MINUTE": "0"}
        council_id, key = make_council(NewTopic(slug="bins", name="Bins", channels=[Channel.EMAIL]))
        loaded = _load(council_id, homes)
        tell("import", loaded)
        with db.transaction() as session:
            add_places(session, POSTCODES)
        with db.transaction() as session:
            add_residents(session, max(people, concerned), postcodes=POSTCODES, phones=False)
        with db.transaction() as session:
            session.execute(text(REMINDERS), {"homes": homes, "people": people})
        with started(folder, key, workers={Lane.ROUTINE: workers}, threads=threads) as running:
            looked_up = _look_up(str(running.client.base_url), homes, seconds)
            tell("look-ups", looked_up)
            evening = _evening(people)
            tell("evening", evening)
            changed = _campaign(council_id, homes, concerned)
            tell("campaign", changed)
    is_within = loaded["load_seconds"] < BAR_LOAD_S and loaded["peak_mb"] < BAR_MB
    return {
        "benchmark": "waste",
        "homes": homes,
        **loaded,
        **looked_up,
        **evening,
        **changed,
        "within_bars": is_within and looked_up["p95_ms"] < BAR_P95_MS,
    }


def _postcode(number: int) -> str:
    """An invented postcode for each twenty homes."""
    at = number // HOMES_OF_A_POSTCODE
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return f"ZZ{at // 4000 + 1} {at // 400 % 10}{letters[at // 20 % 20]}{letters[at % 20]}"


def _load(council_id: UUID, homes: int, *, shift: int = 0) -> Mapping[str, float]:
    monday = date(2026, 11, 30) + timedelta(days=shift)
    rounds = ["round,stream,weekday,every_weeks,anchor"]
    for number in range(ROUNDS):
        anchor = monday + timedelta(days=number % 5, weeks=number // 50)
        weekday = f"{anchor:%A}"
        rounds += [f"R{number},{stream},{weekday},2,{anchor}" for stream in ("refuse", "recycling")]
        rounds.append(f"R{number},food,{weekday},1,{anchor}")
    lines = ["uprn,address,postcode,rounds"]
    lines += [
        f"{number},{number % 20 + 1} Invented Lane,{_postcode(number)},R{number % ROUNDS}" for number in range(homes)
    ]
    sources = [Source("rounds.csv", io.BytesIO("\n".join(rounds).encode()))]
    sources.append(Source("homes.csv", io.BytesIO("\n".join(lines).encode())))
    start = time.monotonic()
    with db.transaction() as session:
        made = release_loading.load(session, council_id, sources, LoadingOptions("bench", "bench", "bench"))
    load_seconds = time.monotonic() - start
    start = time.monotonic()
    with db.transaction() as session:
        releases.activate(session, releases.release(session, council_id, str(made.id)), actor="bench")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "load_seconds": round(load_seconds, 1),
        "activate_seconds": round(time.monotonic() - start, 2),
        "peak_mb": round(peak),
    }


def _look_up(base: str, homes: int, seconds: int) -> Mapping[str, float]:
    with httpx.Client(base_url=base, limits=httpx.Limits(max_connections=32)) as client, ThreadPoolExecutor(32) as pool:
        ask(client, 0)
        begin = time.monotonic() + 0.2

        def at(turn: int) -> float:
            """How long this look-up took, counted from when it was due, in milliseconds."""
            due = begin + turn / A_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
            ask(client, turn * 7919 % homes)
            return (time.monotonic() - due) * 1000

        times = list(pool.map(at, range(seconds * A_SECOND)))
    return {
        "look_ups_a_second": A_SECOND,
        "p50_ms": round(percentile(times, 0.5), 1),
        "p95_ms": round(percentile(times, 0.95), 1),
    }


def ask(client: httpx.Client, number: int) -> None:
    """Look one home up, as everybody does."""
    answer = client.get("/api/v1/collections", params={"postcode": _postcode(number), "uprn": str(number)})
    assert answer.status_code == 200, answer.text


def _evening(people: int) -> Mapping[str, float]:
    """The homes with reminders are collected on Mondays: the next evening of a Sunday."""
    today = clock.now().astimezone(LONDON).date()
    eve = today + timedelta(days=(6 - today.weekday()) % 7 or 7)
    at = datetime.combine(eve, clock_time(18), LONDON).astimezone(UTC)
    clock.use(lambda: at)
    start = time.monotonic()
    with db.transaction() as session:
        reminders.for_every_council(reminders.send_due)(session)
    made = time.monotonic() - start
    clock.use(None)
    messages, seconds = _wait(start, people)
    return {
        "people_with_reminders": people,
        "reminders": messages,
        "ledger_seconds": round(made, 2),
        "evening_seconds": round(seconds, 1),
        "evening_rate": round(messages / seconds),
    }


def _campaign(council_id: UUID, homes: int, concerned: int) -> Mapping[str, float]:
    """Every round moves by a day, and everyone with a reminder is told."""
    _load(council_id, homes, shift=1)
    with db.transaction() as session:
        before = session.execute(text("SELECT count(*) FROM delivery")).scalar_one()
    start = time.monotonic()
    with db.transaction() as session:
        newest = releases.releases(session, council_id)[0]
        campaign.send(session, newest, actor="bench")
    made = time.monotonic() - start
    messages, seconds = _wait(start, concerned)
    told = messages - before
    return {
        "campaign": told,
        "campaign_ledger_seconds": round(made, 2),
        "campaign_seconds": round(seconds, 1),
        "campaign_rate": round(told / seconds),
    }


def _wait(start: float, people: int) -> tuple[int, float]:
    """Until everything in the ledger is recorded as sent: how many messages, and the seconds since `start`."""
    deadline = time.monotonic() + 60 + people * SECONDS_EACH
    while True:
        with db.transaction() as session:
            every, sent = session.execute(
                text("SELECT count(*), count(*) FILTER (WHERE state = 'sent') FROM delivery")
            ).one()
        if sent == every > 0:
            return every, time.monotonic() - start
        assert time.monotonic() < deadline, (sent, every)
        time.sleep(0.1)


REMINDERS = """
    INSERT INTO collection_reminder (id, council_id, subscriber_id, home, evening, morning, created_at)
    SELECT gen_random_uuid(), s.council_id, s.id, (s.n * 5 % :homes)::text, s.n <= :people, s.n > :people, now()
    FROM (SELECT id, council_id, row_number() OVER (ORDER BY id) AS n FROM subscriber) s
"""


def main() -> None:
    """Measure, and print one JSON object as the last line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waste", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--homes", type=int, default=100_000, help="homes that are imported (default %(default)s)")
    parser.add_argument("--people", type=int, default=17_000, help="people with reminders (default %(default)s)")
    parser.add_argument("--campaign", type=int, default=95_800, help="people whose round changes (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=10, help="how long homes are looked up (default %(default)s)")
    chosen = parser.parse_args()
    print(json.dumps(run(chosen.homes, chosen.people, chosen.campaign, chosen.seconds)))


if __name__ == "__main__":
    main()
