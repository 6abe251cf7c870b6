"""Residents' pages at 100 requests a second: how long the server takes, and how much a first visit weighs.

    python -m benchmarks.pages [--rate 100] [--seconds 20] [--runs 3]

One web process on embedded servers with a council and 200,000 residents. Requests leave at their planned moments
whether or not earlier ones were answered, and time counts from the planned moment, so a stall is not hidden. The
reference is /health/live in the same run at the same rate: the same server and client with nothing to do.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from benchmarks.figures import percentile, spread, tell
from benchmarks.installation import add_places, add_residents, installation, make_council
from benchmarks.processes import started
from notify.core import db
from notify.subscribers.models import NewTopic

POSTCODES = 3_900
RESIDENTS = 200_000
BAR_P95_MS = 50.0
BAR_FIRST_PAGE_BYTES = 100_000
SHARES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: a page, or a form sent to it."""

    path: str
    form: Mapping[str, str] | None = None


# what a resident who signs up asks for, step by step, and what the public reads
PAGES = (
    Ask("/"),
    Ask("/sign-up"),
    Ask("/sign-up/answers", {"step": "postcode", "postcode": "ZZ1 1AA"}),
    Ask("/manage"),
    Ask("/alerts"),
    Ask("/topics"),
)
NOTHING = (Ask("/health/live"),)


async def _answer_ms(client: httpx.AsyncClient, ask: Ask, planned: float) -> float:
    if ask.form is None:
        reply = await client.get(ask.path)
    else:
        reply = await client.post(ask.path, data=dict(ask.form))
    if reply.status_code != 200:
        raise RuntimeError(f"{ask.path} answered {reply.status_code}: {reply.text[:300]}")
    return (time.perf_counter() - planned) * 1000


async def _measure(base_url: str, asks: Sequence[Ask], *, rate: float, seconds: float) -> Mapping[str, list[float]]:
    """Milliseconds from each request's planned moment to its answer, by path."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=base_url, limits=limits, timeout=30) as client:
        tasks: list[tuple[str, asyncio.Task[float]]] = []
        start = time.perf_counter()
        for number in range(round(rate * seconds)):
            planned = start + number / rate
            await asyncio.sleep(max(0.0, planned - time.perf_counter()))
            ask = asks[number % len(asks)]
            tasks.append((ask.path, asyncio.create_task(_answer_ms(client, ask, planned))))
        times: dict[str, list[float]] = {}
        for path, task in tasks:
            times.setdefault(path, []).append(await task)
    return times


class _Assets(HTMLParser):
    """What a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = (
            given.get("href") if tag == "link" and given.get("rel") in ("stylesheet", "icon") else given.get("src")
        )
        if address:
            self.addresses.append(address)


def _weight(base_url: str, path: str) -> int:
    """The bytes on the wire of a page and of everything it shows, for a browser that has nothing of it yet."""
    with httpx.Client(base_url=base_url, headers={"Accept-Encoding": "gzip"}) as client:
        page = client.get(path)
        assets = _Assets()
        assets.feed(page.text)
        replies = [page, *(client.get(urljoin(path, address)) for address in dict.fromkeys(assets.addresses))]
    return sum(reply.num_bytes_downloaded + sum(len(k) + len(v) + 4 for k, v in reply.headers.raw) for reply in replies)


def measure(*, rate: float, seconds: float, runs: int) -> dict[str, object]:
    """Every figure of this benchmark."""
    with installation() as folder:
        _council_id, key = make_council(NewTopic(slug="bins", name="Bins"))
        with db.transaction() as session:
            add_places(session, POSTCODES)
            add_residents(session, RESIDENTS, postcodes=POSTCODES)
        with started(folder, key, workers={}, threads=1, env={"NOTIFY_NETWORK_LIMITS": "0"}) as running:
            base_url = str(running.client.base_url)
            found: list[dict[str, float]] = []
            for number in range(runs):
                asyncio.run(_measure(base_url, PAGES, rate=rate, seconds=2))  # compiled, connected
                pages = asyncio.run(_measure(base_url, PAGES, rate=rate, seconds=seconds))
                nothing = asyncio.run(_measure(base_url, NOTHING, rate=rate, seconds=seconds))
                every = [ms for times in pages.values() for ms in times]
                figures = {name: percentile(every, share) for name, share in SHARES.items()}
                figures["nothing_p95_ms"] = percentile(nothing["/health/live"], 0.95)
                found.append(figures)
                tell(f"run {number + 1}", figures)
                tell("  p95 by page", {path: percentile(times, 0.95) for path, times in pages.items()})
            weights = {ask.path: _weight(base_url, ask.path) for ask in PAGES if ask.form is None}
            tell("bytes of a first visit", weights)
    return {
        "benchmark": "pages",
        "rate": rate,
        **{name: spread([figures[name] for figures in found], 1) for name in found[0]},
        "heaviest_first_visit_bytes": max(weights.values()),
        "within_bars": max(weights.values()) < BAR_FIRST_PAGE_BYTES
        and sorted(figures["p95_ms"] for figures in found)[len(found) // 2] < BAR_P95_MS,
    }


def main() -> None:
    """Measure, and print the figures as one line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=3)
    print(json.dumps(measure(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
