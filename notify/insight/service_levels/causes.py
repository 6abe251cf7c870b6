"""Why an alert was late, read from what the engine wrote down while it sent it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert, Priority
from notify.channels import info
from notify.charts.words import seconds
from notify.core import clock
from notify.deliveries.bounce_brake import BRAKE
from notify.deliveries.budgets import BUDGET
from notify.deliveries.restore_hold import RESTORE
from notify.insight.performance_models import ServiceResult

Cause = dict[str, str]
KINDS = {BUDGET: "budget", BRAKE: "bounces", RESTORE: "restore"}
UNKNOWN = "Nothing that was written down explains it: the queue had other work, or too few workers."
REASONS_TOLD = 3


def causes_of(session: Session, alert: Alert, result: ServiceResult) -> Sequence[Cause]:
    """What kept this alert back, as `kind` and `words`; never empty."""
    until = _until(result)
    found = [
        *_holds(session, alert, result, until),
        *_waited(session, alert, result, until),
        *_batches(session, alert, result),
        *_not_taken(session, alert),
    ]
    return [{"kind": kind, "words": words} for kind, words in found or [("unknown", UNKNOWN)]]


def _until(result: ServiceResult) -> datetime:
    """When the promised share was sent at last, or now."""
    if result.took_seconds is None:
        return clock.now()
    return result.started_at + timedelta(seconds=result.took_seconds)


def _holds(session: Session, alert: Alert, result: ServiceResult, until: datetime) -> Iterator[tuple[str, str]]:
    about = {"alert": alert.id, "lane": alert.priority, "start": result.started_at, "until": until}
    for row in session.execute(text(HOLDS), about):
        held = seconds(((row.lifted_at or until) - row.at).total_seconds())
        yield KINDS.get(row.actor, "hold"), f"On hold for {held}: {row.reason}"


def _waited(session: Session, alert: Alert, result: ServiceResult, until: datetime) -> Iterator[tuple[str, str]]:
    """What it had to wait for before and while it went out."""
    if alert.send_at and alert.approved_at and alert.approved_at > alert.send_at:
        late = seconds((alert.approved_at - alert.send_at).total_seconds())
        yield "late approval", f"It was approved {late} after it was to go out."
    if (
        alert.expanded_at
        and (listed := (alert.expanded_at - result.started_at).total_seconds()) > result.target_seconds
    ):
        yield "late start", f"Its list of recipients was only made after {seconds(listed)}."
    first = session.get(Alert, alert.follows_id) if alert.follows_id else None
    if first and first.finished_at and first.finished_at > result.started_at:
        waited = seconds((first.finished_at - result.started_at).total_seconds())
        yield "follows", f"It waited {waited} for the alert that it follows."
    if alert.priority == Priority.ROUTINE:
        about = {"start": result.started_at, "until": until}
        if many := session.execute(text(EMERGENCIES), about).scalar_one():
            yield "emergency", f"{many} emergenc{'y' if many == 1 else 'ies'} went first."


def _batches(session: Session, alert: Alert, result: ServiceResult) -> Iterator[tuple[str, str]]:
    late = result.started_at + timedelta(seconds=result.target_seconds)
    for row in session.execute(text(BATCHES), {"alert": alert.id, "late": late}):
        way = info(row.channel).in_sentence
        if row.quiet:
            yield "quiet hours", f"{row.quiet:,} people wanted nothing by {way} before their quiet hours end."
        if row.again:
            yield (
                "provider",
                f"By {way}, {row.again:,} messages were tried up to {row.attempts} times: a provider failed, "
                "asked for a pause or had reached its rate.",
            )
        if row.deaths:
            yield "workers", f"Workers died {row.deaths} times with messages by {way} in hand."


def _not_taken(session: Session, alert: Alert) -> Iterator[tuple[str, str]]:
    about = {"month": alert.ledger_month, "alert": alert.id, "most": REASONS_TOLD}
    for row in session.execute(text(NOT_TAKEN), about):
        way = info(row.channel).in_sentence
        why = f" ({row.reason})" if row.reason else ""
        yield "not sent", f"{row.messages:,} messages by {way} never were: {row.state}{why}."


HOLDS = """
    SELECT at, lifted_at, reason, actor FROM hold
    WHERE (alert_id IS NULL OR alert_id = :alert) AND (lane IS NULL OR lane = :lane)
      AND at < :until AND coalesce(lifted_at, 'infinity') > :start
    ORDER BY at LIMIT 10
"""
EMERGENCIES = """
    SELECT count(*) FROM alert
    WHERE priority = 'emergency' AND expanded_at < :until AND coalesce(finished_at, 'infinity') > :start
"""
# whoever was not tried before the target was over, and is due later, has quiet hours
BATCHES = """
    SELECT channel, max(attempts) AS attempts, sum(deaths) AS deaths,
           coalesce(sum(number_to - number_from + 1) FILTER (WHERE attempts > 1), 0) AS again,
           coalesce(sum(number_to - number_from + 1) FILTER (WHERE attempts <= 1 AND due_at > :late), 0) AS quiet
    FROM batch WHERE alert_id = :alert GROUP BY channel ORDER BY channel
"""
NOT_TAKEN = """
    SELECT channel, state, reason, count(*) AS messages FROM delivery
    WHERE month = :month AND alert_id = :alert AND sent_at IS NULL
      AND state NOT IN ('created', 'suppressed', 'cancelled')
    GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT :most
"""
