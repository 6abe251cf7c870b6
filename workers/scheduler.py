"""What runs when: `python -m workers.scheduler`. Any number may run; a database lock lets one of them act."""

import logging
import math
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from notify.alerts import ended_areas, late_alerts
from notify.alerts import service as alerts
from notify.call_list import at_risk
from notify.cap import flood_feed
from notify.core import logs
from notify.core.db import engine, transaction
from notify.core.private_files import keep_private
from notify.core.settings import settings
from notify.deliveries import (
    bounce_brake,
    budgets,
    digests,
    escalation,
    holds,
    process_metrics,
    reconciliation,
    restore_hold,
    service,
    webhook_receivers,
)
from notify.drafting import recurrence, recurring_ended_areas
from notify.exports import retention, scheduled_delivery
from notify.insight import rollups
from notify.insight.costs import prices
from notify.insight.growth import daily, fatigue
from notify.insight.open_data import publication
from notify.insight.service_levels import results as service_levels_results
from notify.places import ended_remits, release_tasks
from notify.staff import audit as staff_audit
from notify.subscribers import cleanup, known_elsewhere
from notify.subscribers.imports import import_runs, import_service
from notify.subscribers.place_reviews import service as place_reviews_service
from notify.topics import closure
from notify.waste import reminders, sources, upload_runs
from workers.network_jobs import NetworkJob

log = logging.getLogger("workers.scheduler")

LOOK_SECONDS = 1.0
QUIET_SECONDS = 10.0
SENT_SECONDS = 60.0  # receipts and prices of what was sent come in for so long
_flood_reader = NetworkJob("floods", flood_feed.read_warnings)
_counter = NetworkJob("rollups", rollups.keep_up)
_grower = NetworkJob("growth", daily.keep_up)
_tired = NetworkJob("fatigue", fatigue.keep_up)
_sender = NetworkJob("exports", scheduled_delivery.send_due)
_remover = NetworkJob("retention", retention.run)
_fetcher = NetworkJob("collection sources", sources.fetch_due)
# what there is to do, in one look a second: most tasks need no transaction of their own to find nothing
LOOK = """
    SELECT EXISTS (SELECT FROM alert WHERE state = 'sending') AS sending,
           EXISTS (SELECT FROM alert WHERE state = 'scheduled' AND send_at <= business_now()) AS scheduled,
           EXISTS (SELECT FROM audit_entry
                   WHERE id > (SELECT COALESCE(max(entry_id), 0) FROM audit_seal)) AS unsealed
"""


class Sign(StrEnum):
    """What a look shows: something is being sent or was a moment ago, something is due, or the trail is not sealed."""

    SENDING = "sending"
    SCHEDULED = "scheduled"
    UNSEALED = "unsealed"


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """Something to do every so many seconds; each run is one transaction.

    A task with a `sign` runs so often while that is seen, and every QUIET_SECONDS while it is not.
    """

    name: str
    every_seconds: float
    work: Callable[[Session], object]
    sign: Sign | None = None


def _finish_alerts(session: Session) -> None:
    for alert_id in reconciliation.alerts_to_finish(session):
        service.finish_alert(session, alert_id)


def _make_partitions(session: Session) -> None:
    session.execute(text("SELECT make_month_partitions(3)"))


def _notice_restore(_: Session) -> None:
    restore_hold.look()  # in a transaction of its own: it also asks Redis, which must not be waited for in one


def _reconcile(session: Session) -> None:
    if noted := reconciliation.reconcile(session):
        process_metrics.add(session, "notify_reconciled_jobs_total", noted)


def _read_floods(_: Session) -> None:
    if settings().flood_feed:
        _flood_reader.go()  # the network may be slow, and alerts become due every second


def _count_alerts(_: Session) -> None:
    _counter.go()  # a million deliveries take seconds to count


def _count_people(_: Session) -> None:
    _grower.go()
    _tired.go()


def _send_exports(_: Session) -> None:
    _sender.go()  # the network may be slow


def _fetch_collections(_: Session) -> None:
    _fetcher.go()  # the network may be slow


def _remove_detail(_: Session) -> None:
    _remover.go()  # a few million rows take minutes


def _judge() -> None:
    with transaction() as session:
        service_levels_results.judge(session)


_judge_alerts = NetworkJob("service levels", _judge)


def _judge_service(_: Session) -> None:
    _judge_alerts.go()  # who was reached is read from the ledger, once an alert


CHORES = (
    ScheduledTask("notice a restored database", 5, _notice_restore),
    ScheduledTask("start due alerts", 1, alerts.start_due, Sign.SCHEDULED),
    ScheduledTask("destroy lists of people at risk", 60, at_risk.destroy_due),
    ScheduledTask("hold late alerts, and remind people of them", 30, late_alerts.look),
    ScheduledTask("hold alerts whose areas have ended", 60, ended_areas.look),
    ScheduledTask("tell of recurring alerts whose areas have ended", 60, recurring_ended_areas.look),
    ScheduledTask("tell of remits whose areas have ended", 60, ended_remits.look),
    ScheduledTask("note forgotten jobs", 2, _reconcile),
    ScheduledTask("write another way to who was not reached", 5, escalation.escalate_due),
    ScheduledTask("brake on bounces", 2, bounce_brake.look, Sign.SENDING),
    ScheduledTask("mind the budgets", 2, budgets.look, Sign.SENDING),
    ScheduledTask("finish alerts", 5, _finish_alerts, Sign.SENDING),
    ScheduledTask("lift needless holds", 5, holds.lift_needless),
    ScheduledTask("say that the scheduler runs", 5, process_metrics.scheduler_ran),
    ScheduledTask("seal the audit trail", 3, staff_audit.seal, Sign.UNSEALED),
    ScheduledTask("anchor the audit trail", 60, staff_audit.anchor),
    ScheduledTask("count dead deliveries", 30, process_metrics.tally_dead),
    ScheduledTask("end changes of webhook secrets", 60, webhook_receivers.end_rotations),
    ScheduledTask("make alerts that come again", 60, recurrence.make_due),
    ScheduledTask("end topics whose last day has passed", 60, closure.end_due),
    ScheduledTask("send digests that are due", 30, digests.send_due),
    ScheduledTask("tell of changed collections", 10, reminders.for_every_council(reminders.tell_changes)),
    ScheduledTask("remind of collections", 30, reminders.for_every_council(reminders.send_due)),
    ScheduledTask("correct reminders", 120, reminders.for_every_council(reminders.correct)),
    ScheduledTask("fetch collection days", 30, _fetch_collections),
    ScheduledTask("load collection days that wait", 20, upload_runs.note_forgotten),
    ScheduledTask("forget uploads of collection days", 3600, upload_runs.clean_up),
    ScheduledTask("forget old reminders", 3600, reminders.remove_old),
    ScheduledTask("disable receivers that fail", 3600, webhook_receivers.disable_overdue),
    ScheduledTask("count what became of alerts", 1, _count_alerts, Sign.SENDING),
    ScheduledTask("count who came and went, and who got how much", 20, _count_people),
    ScheduledTask("compare alerts with the targets", 60, _judge_service),
    ScheduledTask("write down new prices", 3600, prices.note_settings),
    ScheduledTask("renew published figures", 600, publication.renew),
    ScheduledTask("read flood warnings", 300, _read_floods),
    ScheduledTask("ask residents about places that a release left open", 60, place_reviews_service.ask),
    ScheduledTask(
        "tell residents whom a release put outside of their council", 60, place_reviews_service.settle_outside
    ),
    ScheduledTask("remove what is old", 600, cleanup.sweep),
    ScheduledTask("note imports that wait for a worker", 5, import_runs.note_forgotten),
    ScheduledTask("note work on releases that waits for a worker", 15, release_tasks.note_forgotten),
    ScheduledTask("remove imported files", 600, import_service.clean_up),
    ScheduledTask("tell whom another council enrolled", 60, known_elsewhere.tell),
    ScheduledTask("make partitions", 3600, _make_partitions),
    ScheduledTask("send what is sent regularly", 30, _send_exports),
    ScheduledTask("remove what is about single recipients", 3600, _remove_detail),
)


def main() -> None:
    """Do the chores until SIGTERM, while holding the lock."""
    logs.configure()
    keep_private()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    serve(stop)


def serve(stop: threading.Event) -> None:
    """Do the chores until told to stop, while holding the lock."""
    while not stop.is_set():
        try:
            with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                _act_while_holding_the_lock(connection, stop)
        except OperationalError:
            log.warning("database away, trying again")
        stop.wait(LOOK_SECONDS)


def _act_while_holding_the_lock(connection: Connection, stop: threading.Event) -> None:
    """Take the lock if it is free and do what is due until told to stop. The lock ends with the connection."""
    # the server, too, must notice when this host has vanished, or the lock would be kept for hours
    connection.execute(
        text("SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3")
    )
    if not connection.execute(text("SELECT pg_try_advisory_lock(hashtext('notify.scheduler'))")).scalar_one():
        return
    log.info("scheduler ready")
    done = dict.fromkeys(CHORES, -math.inf)
    quiet_from = -math.inf
    while not stop.wait(LOOK_SECONDS):
        # raises when the connection, and so the lock, is gone
        seen = connection.execute(text(LOOK)).mappings().one()
        if seen[Sign.SENDING]:
            quiet_from = time.monotonic() + SENT_SECONDS
        signs = {Sign(name) for name, is_there in seen.items() if is_there}
        if time.monotonic() <= quiet_from:
            signs.add(Sign.SENDING)
        for task in CHORES:
            is_quiet = task.sign is not None and task.sign not in signs
            every = max(task.every_seconds, QUIET_SECONDS) if is_quiet else task.every_seconds
            if time.monotonic() >= done[task] + every:
                done[task] = time.monotonic()
                run(task)


def run(task: ScheduledTask) -> None:
    """Do one chore now; a failure is logged and the others go on."""
    try:
        with transaction() as session:
            task.work(session)
    except Exception as error:  # the worker's edge: one chore that fails must not stop the others
        log.warning("chore failed", extra={"chore": task.name, "error": type(error).__name__})


if __name__ == "__main__":
    main()
