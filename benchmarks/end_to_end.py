"""From POST to every e-mail accepted and recorded, into the mail catcher, beside smtplib alone in the same run."""

import json
import os
import time
from pathlib import Path

from benchmarks import ledger
from benchmarks.installation import add_places, add_residents, installation, make_council
from benchmarks.plain_smtp import RECIPIENT, smtplib_rate
from benchmarks.processes import started
from notify.core import db
from notify.core.jobs import Lane
from notify.devserver import mail_catcher
from notify.providers.base import Channel
from notify.subscribers.models import NewTopic

RECIPIENTS = 20_000
POSTCODES = 3_900


def run() -> list[dict[str, object]]:
    """One row: rates of the engine and of smtplib alone on four connections, and their ratio."""
    with installation() as folder, mail_catcher.start(folder / "mail") as caught:
        os.environ["NOTIFY_SMTP_HOST"], os.environ["NOTIFY_SMTP_PORT"] = caught.host, str(caught.port)
        _, key = make_council(NewTopic(slug="bins", name="Bins", tracking_allowed=True, channels=[Channel.EMAIL]))
        with db.transaction() as session:
            add_places(session, POSTCODES)
        with db.transaction() as session:
            add_residents(session, RECIPIENTS, postcodes=POSTCODES, phones=False)
        seconds, posted = _send(key, folder)
        reference = smtplib_rate(caught.host, caught.port, messages=RECIPIENTS // 4, threads=4)
        got = len({json.loads(line)["to"] for line in caught.file.read_text().splitlines()} - {RECIPIENT})
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
    with started(folder, key, workers={Lane.ROUTINE: 1}, threads=4) as running:
        posted = running.post("bins")
        ledger.wait_until_sent(posted.alert_id, seconds=300)
        return time.monotonic() - posted.at, posted.seconds


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
