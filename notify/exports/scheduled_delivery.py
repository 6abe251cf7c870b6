"""Sends scheduled exports that are due and records the result.

A claim is committed before anything leaves, so that nothing is sent twice: a process that dies in between leaves a
sending of which nobody knows whether it arrived, and that is what its history then says.
"""

import base64
import io
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.core.rendering import mime_with_file
from notify.core.settings import settings
from notify.deliveries.message_content import email_headers
from notify.exports import catalogue, regular_report, schedules
from notify.exports.dataset import SCHEMA_VERSION
from notify.exports.dataset_reader import Window, rows
from notify.exports.file_formats import MEDIA_TYPES, Format, write
from notify.exports.models import ExportRun, ExportSchedule, RunState
from notify.providers import registry
from notify.providers.base import Accepted, Channel, Deferred, Message, Refused
from notify.staff.council_settings.effective import council_settings
from notify.staff.queries import council

log = logging.getLogger(__name__)

MOST_BYTES = 5_000_000  # what is larger is named by its address
MOST_TRIES = 6
PATIENCE = timedelta(minutes=10)  # longer than any send takes
INTERRUPTED = "It was interrupted. We do not know whether it arrived. Send it again if it did not."
GONE = "The officer does not work here any more or may not see figures."
INTERRUPT = """
    UPDATE export_run SET state = 'unsure', finished_at = :now, problem = :why
    WHERE state = 'sending' AND lease_until < :now
"""
CLAIM = """
    UPDATE export_run SET state = 'sending', attempts = attempts + 1, lease_until = :until
    WHERE id = (
        SELECT r.id FROM export_run r WHERE r.state = 'due' AND r.retry_at <= :now
        ORDER BY r.retry_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out: the file, or where to take it when it is too large, and the words of an e-mail."""

    name: str
    media_type: str
    content: bytes | None
    rows: int
    subject: str
    words: str


def send_due() -> int:
    """Send everything that is due; how many sendings."""
    make_due()
    count = 0
    while (run_id := _claim()) is not None:
        _send(run_id)
        count += 1
    return count


def make_due() -> None:
    """Turn schedules that are due into sendings, each turn once; and say of the interrupted that nobody knows."""
    with transaction() as session:
        now = clock.now()
        due = select(ExportSchedule).where(col(ExportSchedule.next_at) <= now).with_for_update(skip_locked=True)
        for one in session.exec(due).all():
            assert one.next_at is not None  # noqa: S101 - the statement says so
            schedules.add_runs(session, one, one.next_at)
            one.next_at = schedules.next_due(one.rhythm, now)
        session.execute(text(INTERRUPT), {"now": now, "why": INTERRUPTED})


def _claim() -> UUID | None:
    now = clock.now()
    with transaction() as session:
        found: UUID | None = session.execute(text(CLAIM), {"now": now, "until": now + PATIENCE}).scalar()
        return found


def _send(run_id: UUID) -> None:
    message, state, problem, count = None, RunState.FAILED, "", None
    try:
        with transaction() as session:
            message, channel, count = _ready(session, run_id)
            whose = session.get_one(ExportSchedule, session.get_one(ExportRun, run_id).schedule_id).council_id
            chosen = council_settings(session, whose).providers_for(channel)
    except CannotBeSent as error:
        problem = str(error)
    except Exception as error:  # nothing has left yet, so that trying again does no harm
        log.exception("export not made")
        state, problem = RunState.DUE, f"It could not be made: {type(error).__name__}."
    if message is not None:
        providers = registry.providers_for(channel, Lane.ROUTINE, chosen=chosen)
        [(_, outcome)] = registry.send_with_failover(providers, [message], lane=Lane.ROUTINE)
        state, problem = _became(outcome)
    with transaction() as session:
        _record(session, run_id, state, problem, count)


class CannotBeSent(Exception):
    """There is nobody to send it to, or it is not wanted any more."""


def _ready(session: Session, run_id: UUID) -> tuple[Message, Channel, int]:
    """The message of a sending, how it goes, and its rows. Raises: CannotBeSent."""
    run = session.get_one(ExportRun, run_id)
    one = session.get_one(ExportSchedule, run.schedule_id)
    if one.removed_at or one.paused_at:
        raise CannotBeSent("It was paused or removed before it was sent.")
    parcel = make(session, one, run)
    if run.receiver == "webhook":
        return _call(session, one, run, parcel), Channel.WEBHOOK, parcel.rows
    return _mail(session, one, run, parcel), Channel.EMAIL, parcel.rows


def _became(outcome: object) -> tuple[RunState, str]:
    if isinstance(outcome, Accepted):
        return RunState.SENT, ""
    if isinstance(outcome, Refused):
        return RunState.FAILED, outcome.reason
    if isinstance(outcome, Deferred):
        return RunState.DUE, outcome.reason
    return RunState.UNSURE, str(getattr(outcome, "reason", "")) or INTERRUPTED


def _record(session: Session, run_id: UUID, state: RunState, problem: str, count: int | None = None) -> None:
    run = session.get_one(ExportRun, run_id, with_for_update=True)
    if state == RunState.DUE and run.attempts >= MOST_TRIES:
        state = RunState.FAILED
    run.state, run.problem, run.rows, run.lease_until = state, problem, count, None
    if state == RunState.DUE:
        run.retry_at = clock.now() + timedelta(minutes=5 * 3 ** (run.attempts - 1))
        return
    run.finished_at = clock.now()
    if state != RunState.SENT:
        log.warning("export not sent", extra={"run": str(run_id), "state": state.value})


def make(session: Session, one: ExportSchedule, run: ExportRun) -> Parcel:
    """What this sending consists of. Reads figures only."""
    owner = council(session, one.council_id)
    days = f"{run.since:%-d %B %Y} to {run.until:%-d %B %Y}"
    if one.what == schedules.REPORT:
        found = regular_report.make(session, one.council_id, run.since, run.until)
        name, media_type = f"report-{run.since}-{run.until}.csv", MEDIA_TYPES[Format.CSV]
        return Parcel(name, media_type, found.table, found.rows, f"Report of {days}", found.words)
    data = catalogue.DATA_SETS[one.what]
    kind = Format(one.format)
    file = io.BytesIO()
    window = Window(run.since, run.until) if data.at else Window()
    count = write(data, rows(session, one.council_id, data, window), kind, file)
    content = file.getvalue() if file.tell() <= MOST_BYTES else None
    about = f" from {days}" if data.at else ""
    words = f"{data.title} of {owner.name}{about}: {count:,} rows."
    if content is None:
        words += f"\n\nThe file is too large for an e-mail. Take it at {settings().base_url}/staff/exports"
    return Parcel(f"{data.name}-{run.until}.{kind}", MEDIA_TYPES[kind], content, count, data.title + about, words)


def _call(session: Session, one: ExportSchedule, run: ExportRun, parcel: Parcel) -> Message:
    return Message(run.id.hex, one.webhook, parcel.subject, _body(session, one, run, parcel), secret=one.secret)


def _mail(session: Session, one: ExportSchedule, run: ExportRun, parcel: Parcel) -> Message:
    officer = schedules.receiver_of(session, one.council_id, UUID(run.receiver))
    if officer is None:
        raise CannotBeSent(GONE)
    manage = f"{settings().base_url}/staff/exports/schedules"
    mime = mime_with_file(
        headers=email_headers(parcel.subject, council_settings(session, one.council_id))
        | {"Auto-Submitted": "auto-generated"},
        words=f"{parcel.words}\n\nThis comes {one.rhythm.value}. To pause or end it: {manage}\n",
        file=(parcel.name, parcel.media_type, parcel.content) if parcel.content is not None else None,
        names=("to", "message_id"),
    )
    return Message(
        run.id.hex, officer.email, parcel.subject, "", mime.fill({"to": officer.email, "message_id": run.id.hex})
    )


def _body(session: Session, one: ExportSchedule, run: ExportRun, parcel: Parcel) -> str:
    """What is posted: always JSON, with the file as text or, where it is none, in base64."""
    is_text = Format(one.format) != Format.XLSX or one.what == schedules.REPORT
    said: dict[str, object] = {
        "type": "export",
        "id": run.id.hex,
        "council": council(session, one.council_id).slug,
        "what": one.what,
        "schema_version": SCHEMA_VERSION,
        "since": run.since.isoformat(),
        "until": run.until.isoformat(),
        "rows": parcel.rows,
        "file_name": parcel.name,
        "media_type": parcel.media_type,
    }
    if parcel.content is None:
        return json.dumps(said | {"take_it_at": _address(one.what)})
    content = parcel.content.decode() if is_text else base64.b64encode(parcel.content).decode()
    return json.dumps(said | {"encoding": "text" if is_text else "base64", "content": content}, ensure_ascii=False)


def _address(what: str) -> str:
    return f"{settings().base_url}/api/v1/extracts/{what}"
