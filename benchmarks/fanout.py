"""From POST to 100,000 personalised e-mails accepted and recorded, beside smtp-source into the same smtp-sink."""

import json
import os
import sys
import time
from pathlib import Path

import httpx

from benchmarks import smtp_sink
from benchmarks.installation import add_places, add_residents, installation, make_council
from notify import db
from notify.jobs import Lane
from notify.processes import scheduler_process, web_process, worker_process
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from tests.running import answers, free_port, running, wait_until

POSTCODES = 3_900
ALERT = {
    "topic": "bins",
    "title": "Your bin day moves to Tuesday",
    "body": "Because of the bank holiday your bins are emptied on Tuesday.\n\n" + "Please put them out by 6am. " * 25,
    "link": "https://example.org/bins",
    "send": True,
}


def run(recipients: int = 100_000) -> list[dict[str, object]]:
    """One row: the engine's rate, smtp-source's, their ratio, CPU a message and the worker's peak memory."""
    port = free_port()
    with smtp_sink.sink(port) as sink, installation() as folder:
        reference = smtp_sink.source_rate(port, messages=min(recipients, 50_000), size=5_000)
        os.environ |= {"NOTIFY_SMTP_HOST": "127.0.0.1", "NOTIFY_SMTP_PORT": str(port)}
        _, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True, channels=[Channel.EMAIL]))
        with db.transaction() as session:
            add_places(session, POSTCODES)
        with db.transaction() as session:
            add_residents(session, recipients, postcodes=POSTCODES, phones=False)
        before = _cpu_seconds(sink.pid)
        figures = _send(key, folder)
        sink_cpu = _cpu_seconds(sink.pid) - before
    assert figures["sent"] == recipients, figures
    rate = recipients / figures["seconds"]
    return [
        {
            "benchmark": "fanout",
            "recipients": recipients,
            "post_seconds": round(figures["post_seconds"], 3),
            "seconds": round(figures["seconds"], 2),
            "rate": round(rate),
            "smtp_source_rate": round(reference),
            "ratio": round(rate / reference, 3),
            "worker_peak_mb": round(figures["peak_mb"], 1),
            "worker_cpu_us": round(figures["worker_cpu"] / recipients * 1e6, 1),
            "sink_cpu_us": round(sink_cpu / recipients * 1e6, 1),
        }
    ]


def _send(key: str, folder: Path) -> dict[str, float]:
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    processes = [web_process("127.0.0.1", port), worker_process(Lane.ROUTINE, threads=2), scheduler_process()]
    with (
        running(processes, folder / "processes.log", {"NOTIFY_BASE_URL": base_url}) as (_, worker, _),
        httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client,
    ):
        wait_until(lambda: answers(base_url))
        wait_until(lambda: b"worker ready" in (folder / "processes.log").read_bytes())
        start = time.monotonic()
        reply = client.post("/api/v1/alerts", json=ALERT, headers={"Idempotency-Key": "bench"})
        posted = time.monotonic() - start
        address = f"/api/v1/alerts/{reply.json()['id']}"
        while client.get(address).json()["state"] != "sent":
            assert time.monotonic() - start < 600
            time.sleep(0.1)
        seconds = time.monotonic() - start
        sent = client.get(f"{address}/analytics").json()["sent"]
        return {
            "seconds": seconds,
            "post_seconds": posted,
            "sent": sent,
            "peak_mb": _peak_mb(worker.pid),
            "worker_cpu": _cpu_seconds(worker.pid),
        }


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    """The most memory a process ever held."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    for row in run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000):
        print(json.dumps(row))
