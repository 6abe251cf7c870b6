"""Clicks at 1,000 a second: how long a reader waits for the redirect, and whether every click is counted.

    python -m benchmarks.redirect [--rate 1000] [--seconds 20] [--runs 3]

One web process on embedded servers, durable as in production. Requests leave at their planned moments over kept
connections whether or not earlier ones were answered; time counts from the planned moment, so no stall is hidden.
The reference is /health/live in the same run at the same rate: the same server and client with nothing to do.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text

from benchmarks.event_world import add_ledger, begun
from benchmarks.figures import percentile, spread, tell
from benchmarks.installation import installation, make_council
from benchmarks.processes import started
from notify.core import db, tokens
from notify.core.tokens import Purpose
from notify.subscribers.models import NewTopic

BAR_P99_MS = 20.0
CONNECTIONS = 64
READERS = 10_000
AGENT = "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36"
SHARES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}


async def _connection(where: str, asks: "asyncio.Queue[tuple[float, str] | None]", expected: bytes) -> list[float]:
    """Ask over one connection until told to stop; milliseconds from each planned moment to its answer."""
    host, _, port = where.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    times: list[float] = []
    while ask := await asks.get():
        planned, path = ask
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {where}\r\nUser-Agent: {AGENT}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 " + expected):
            raise RuntimeError(f"{path} answered {head[:60]!r}")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.split(b":")[1]))
        times.append((time.perf_counter() - planned) * 1000)
    writer.close()
    return times


async def _measure(base_url: str, paths: Sequence[str], expected: bytes, *, rate: float, seconds: float) -> list[float]:
    asks: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    where = urlsplit(base_url).netloc
    crew = [asyncio.create_task(_connection(where, asks, expected)) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    for number in range(round(rate * seconds)):
        planned = start + number / rate
        if (early := planned - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        asks.put_nowait((planned, paths[number % len(paths)]))
    for _ in crew:
        asks.put_nowait(None)
    return [ms for times in await asyncio.gather(*crew) for ms in times]


def measure(*, rate: float, seconds: float, runs: int) -> dict[str, object]:
    """Every figure of this benchmark."""
    with installation() as folder:
        council_id, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True))
        with db.transaction() as session:
            alerts = add_ledger(session, council_id, READERS, begun())
        found: list[dict[str, float]] = []
        with started(folder, key, workers={}, threads=1) as running:
            base_url, paths = str(running.client.base_url), _links(alerts)
            asyncio.run(_measure(base_url, paths, b"302", rate=rate / 2, seconds=2))  # connected, remembered
            for number in range(runs):
                times = asyncio.run(_measure(base_url, paths, b"302", rate=rate, seconds=seconds))
                nothing = asyncio.run(_measure(base_url, ["/health/live"], b"200", rate=rate, seconds=seconds))
                figures = {name: percentile(times, share) for name, share in SHARES.items()}
                figures["nothing_p99_ms"] = percentile(nothing, 0.99)
                figures["ratio_p99"] = figures["p99_ms"] / figures["nothing_p99_ms"]
                found.append(figures)
                tell(f"run {number + 1}", figures)
        clicks = round(rate / 2 * 2) + runs * round(rate * seconds)
        with db.transaction() as session:
            counted = session.execute(text("SELECT sum(times) FROM rollup_hit")).scalar_one()
    return {
        "benchmark": "redirect",
        "rate": rate,
        **{name: spread([figures[name] for figures in found], 2) for name in found[0]},
        "clicks": clicks,
        "uncounted": clicks - int(counted),
        "within_bars": clicks == counted and sorted(figures["p99_ms"] for figures in found)[runs // 2] < BAR_P99_MS,
    }


def _links(alerts: Sequence[UUID]) -> list[str]:
    """Links of every alert, for those who agreed to be counted and for everybody."""
    personal = [alert.bytes + (number * 2 + 1).to_bytes(4, "big") for alert in alerts for number in range(50)]
    return [f"/c/{tokens.sign(Purpose.CLICK, who)}" for who in [*personal, *(alert.bytes for alert in alerts)]]


def main() -> None:
    """Measure, and print the figures as one line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=1000.0, help="clicks a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=3)
    print(json.dumps(measure(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
