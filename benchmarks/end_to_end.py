"""From POST to every e-mail accepted and recorded, into the mail catcher, beside smtplib alone in the same run."""

import json
import os
import smtplib
import threading
import time
from pathlib import Path

import httpx

from benchmarks.installation import add_places, add_residents, installation, make_council
from notify import catcher, db
from notify.jobs import Lane
from notify.processes import scheduler_process, web_process, worker_process
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic
from tests.running import answers, free_port, running, wait_until

RECIPIENTS = 20_000
POSTCODES = 3_900
ALERT = {
    "topic": "bins",
    "title": "Your bin day moves to Tuesday",
    "body": "Because of the bank holiday your bins are emptied on Tuesday.\n\n" + "Please put them out by 6am. " * 40,
    "link": "https://example.org/bins",
    "send": True,
}  # fmt: skip


def run() -> list[dict[str, object]]:
    """One row: rates of the engine and of smtplib alone on four connections, and their ratio."""
    with installation() as folder, catcher.start(folder / "mail") as caught:
        os.environ["NOTIFY_SMTP_HOST"], os.environ["NOTIFY_SMTP_PORT"] = caught.host, str(caught.port)
        _, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True, channels=[Channel.EMAIL]))
        with db.transaction() as session:
            add_places(session, POSTCODES)
        with db.transaction() as session:
            add_residents(session, RECIPIENTS, postcodes=POSTCODES, phones=False)
        seconds, posted = _send(key, folder)
        message = b"Subject: x\r\n\r\n" + b"x" * 78 + b"\r\n" * 60
        reference = _smtplib_rate(caught.host, caught.port, message, RECIPIENTS // 4)
        got = len({json.loads(line)["to"] for line in caught.file.read_text().splitlines()} - {"reference@example.org"})
    rate = RECIPIENTS / seconds
    return [
        {
            "benchmark": "end_to_end",
            "recipients": RECIPIENTS,
            "received": got,
            "post_seconds": round(posted, 3),
            "seconds": round(seconds, 2),
            "rate": round(rate),
            "smtplib_rate": round(reference),
            "ratio": round(rate / reference, 3),
        }
    ]


def _send(key: str, folder: Path) -> tuple[float, float]:
    """Seconds from POST to the alert's end, and seconds of the POST alone."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    processes = [web_process("127.0.0.1", port), worker_process(Lane.ROUTINE, threads=4), scheduler_process()]
    with (
        running(processes, folder / "processes.log", {"NOTIFY_BASE_URL": base_url}),
        httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client,
    ):
        wait_until(lambda: answers(base_url))
        start = time.monotonic()
        reply = client.post("/api/v1/alerts", json=ALERT, headers={"Idempotency-Key": "bench"})
        posted = time.monotonic() - start
        address = f"/api/v1/alerts/{reply.json()['id']}"
        wait_until(lambda: client.get(address).json()["state"] == "sent", seconds=300)
        return time.monotonic() - start, posted


def _smtplib_rate(host: str, port: int, message: bytes, each: int) -> float:
    """Messages a second that smtplib alone hands to the same catcher over four connections."""

    def send() -> None:
        with smtplib.SMTP(host, port) as smtp:
            for _ in range(each // 4):
                smtp.sendmail("bench@example.org", ["reference@example.org"], message)

    threads = [threading.Thread(target=send) for _ in range(4)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return each / (time.monotonic() - start)


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
