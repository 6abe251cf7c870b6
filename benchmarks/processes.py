"""The product's processes for a measurement, by role, and an officer's client at their door."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlmodel import select

from benchmarks import proc
from notify.core import db
from notify.core.jobs import Lane
from notify.devserver import embedded
from notify.processes.command_lines import scheduler_process, service_processes, web_process, worker_process
from notify.staff.models import Council
from tests import running
from tests.world import signed_in

# a message of the usual kind: two languages, a link, a few paragraphs
WORDS = "Please put your bins out by 6am, lids closed. "
ALERT: Mapping[str, object] = {
    "title": "Your bin day moves to Tuesday",
    "body": "Because of the bank holiday your bins are emptied on Tuesday.\n\n" + WORDS * 15,
    "link": "https://example.org/bins",
    "translations": {
        "cy": {
            "title": "Mae eich diwrnod biniau yn symud i ddydd Mawrth",
            "body": "Oherwydd gŵyl y banc caiff eich biniau eu gwagio ddydd Mawrth.\n\n"
            + "Rhowch eich biniau allan erbyn 6yb, gyda'r caeadau ar gau. " * 12,
        }
    },
    "send": True,
}


@dataclass(frozen=True, slots=True)
class Posted:
    """An alert that was sent: when the POST that let it go left, how long its answer took, and when it was approved.

    Both moments are on `time.monotonic`.
    """

    alert_id: str
    at: float
    seconds: float
    approved: float


@dataclass(frozen=True, slots=True)
class Running:
    """Process ids by role: web, worker 1, worker 2 …, scheduler; and the servers they use."""

    roles: Mapping[str, int]
    servers: Mapping[str, int]
    client: httpx.Client

    def post(self, topic: str, **more: object) -> Posted:
        """Send the alert to everybody who follows the topic. What waits for a person a planner approves."""
        start, seconds, reply = self._timed(
            "/api/v1/alerts", json={**ALERT, "topic": topic, **more}, headers={"Idempotency-Key": str(uuid4())}
        )
        if reply.json()["state"] == "submitted":
            with db.transaction() as session:
                council_id = session.exec(select(Council.id)).one()
            headers = signed_in(council_id) | {"Authorization": ""}
            start, seconds, reply = self._timed(f"/api/v1/alerts/{reply.json()['id']}/approve", headers=headers)
        said = reply.json()
        ago = time.time() - datetime.fromisoformat(said["approved_at"]).timestamp()
        return Posted(said["id"], start, seconds, time.monotonic() - ago)

    def _timed(self, path: str, **more: Any) -> tuple[float, float, httpx.Response]:  # noqa: ANN401 - as httpx takes it
        """When a POST left, how long its answer took, and the answer, which is a success."""
        start = time.monotonic()
        reply = self.client.post(path, **more)
        seconds = time.monotonic() - start
        reply.raise_for_status()
        return start, seconds, reply

    def workers(self) -> list[int]:
        """The worker processes, without any role's name."""
        return [pid for role, pid in self.roles.items() if "worker" in role]

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far of each part."""
        others = [pid for role, pid in self.roles.items() if "worker" not in role]
        return {
            "workers": proc.cpu_seconds(*self.workers()),
            "web and scheduler": proc.cpu_seconds(*others),
            **{name: proc.cpu_seconds(pid) for name, pid in self.servers.items()},
        }

    def peaks_mb(self) -> dict[str, float]:
        """The most memory each process held so far."""
        return {role: proc.peak_mb(pid) for role, pid in self.roles.items()}


def routine_workers() -> tuple[int, int]:
    """How many routine worker processes an installation runs, and with how many threads each."""
    found = [command.argv for command in service_processes(0) if Lane.ROUTINE.value in command.argv]
    threads = [int(argv[list(argv).index("--threads") + 1]) for argv in found if "--threads" in argv]
    return len(found) or 2, threads[0] if threads else 4


@contextmanager
def started(
    folder: Path, key: str, *, workers: Mapping[Lane, int], threads: int, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Web, scheduler and this many workers a lane, once all of them are ready. `env` is theirs alone."""
    port = running.free_port()
    base_url = f"http://127.0.0.1:{port}"
    commands = {"web": web_process("127.0.0.1", port)}
    for lane, count in workers.items():
        names = f"{lane} worker" if len(workers) > 1 else "worker"
        commands |= {f"{names} {number + 1}": worker_process(lane, threads) for number in range(count)}
    commands["scheduler"] = scheduler_process()
    log = folder / f"processes-{port}.log"
    servers = embedded.status(folder)
    with (
        running.running(list(commands.values()), log, {"NOTIFY_BASE_URL": base_url, **(env or {})}) as children,
        httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client,
    ):
        running.wait_until(lambda: running.answers(base_url), what="the web process")
        expected = sum(workers.values())
        running.wait_until(lambda: log.read_bytes().count(b"worker ready") >= expected, what=f"workers; see {log}")
        yield Running(
            roles={role: child.pid for role, child in zip(commands, children, strict=True)},
            servers={"database": servers.database_pid or 0, "queue": servers.queue_pid or 0},
            client=client,
        )
