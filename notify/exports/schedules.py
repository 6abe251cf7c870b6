"""Scheduled exports: what is sent, to which address, how often, and the result of each run.

Only aggregates go out by themselves. Whoever gets them by e-mail is an officer who may see figures; what is posted to
an address is signed, and only administrators name one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core import clock, tokens
from notify.core.clock import LONDON
from notify.core.errors import Conflict, Invalid, NotFound
from notify.core.typed_text import email_key
from notify.exports.catalogue import DATA_SETS
from notify.exports.file_formats import Format
from notify.exports.models import ExportRun, ExportSchedule, Rhythm, RunState
from notify.providers.addresses import AddressNotValid, normalise
from notify.providers.base import Channel
from notify.staff.models import Officer
from notify.staff.queries import find_officer
from notify.staff.remit import EVERYTHING, remit_of
from notify.staff.rights import RIGHTS, Right
from notify.staff.service import audit

REPORT = "report"
HOUR = time(7)  # on the UK clock
MOST_OFFICERS, MOST_SCHEDULES = 20, 50
# what may go out, and what it is called
CHOICES: Mapping[str, str] = {
    REPORT: "Report: figures in all and by topic",
    **{name: data.title for name, data in DATA_SETS.items() if not data.is_personal},
}


class UnknownSchedule(NotFound):
    """There is none of this id, or it was removed."""

    title = "There is no such schedule"


class ScheduleNotValid(Invalid):
    """What was asked for cannot go out regularly; `field` says where to fix it."""

    title = "This cannot be sent regularly"


class ScheduleIsPaused(Conflict):
    """What is paused is not sent."""

    title = "The schedule is paused"


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes out, as what, how often, and to whom."""

    what: str
    kind: Format
    rhythm: Rhythm
    emails: Sequence[str] = ()
    webhook: str = ""


def next_due(rhythm: Rhythm, after: datetime) -> datetime:
    """The next Monday or first of a month after a moment, at seven in the morning in this country."""
    day = after.astimezone(LONDON).date()
    while True:
        day += timedelta(days=1)
        if (day.weekday() == 0) if rhythm == Rhythm.WEEKLY else (day.day == 1):
            return datetime.combine(day, HOUR, LONDON)


def days_of(rhythm: Rhythm, due: datetime) -> tuple[date, date]:
    """The first and last day of the last whole week or month before a moment."""
    day = due.astimezone(LONDON).date()
    end = day - timedelta(days=day.weekday()) if rhythm == Rhythm.WEEKLY else day.replace(day=1)
    last = end - timedelta(days=1)
    return (end - timedelta(days=7) if rhythm == Rhythm.WEEKLY else last.replace(day=1)), last


def begin(session: Session, *, council_id: UUID, actor: str, plan: Plan) -> ExportSchedule:
    """Send this from now on; the first time at the next turn. Raises: ScheduleNotValid."""
    if plan.what not in CHOICES:
        raise ScheduleNotValid("Choose one of the data sets without personal data, or the report.", field="what")
    officers = [_officer(session, council_id, email) for email in dict.fromkeys(map(email_key, plan.emails))]
    webhook = _address(plan.webhook) if plan.webhook else ""
    if not officers and not webhook:
        raise ScheduleNotValid("Say who gets it: officers by e-mail, or a web address.", field="emails")
    if len(officers) > MOST_OFFICERS:
        raise ScheduleNotValid(f"Name at most {MOST_OFFICERS} officers.", field="emails")
    if len(schedules(session, council_id)) >= MOST_SCHEDULES:
        raise ScheduleNotValid(f"There are {MOST_SCHEDULES} already: remove one.", field="what")
    schedule = ExportSchedule(
        council_id=council_id,
        what=plan.what,
        format=plan.kind.value,
        rhythm=plan.rhythm,
        officers=[officer.id for officer in officers],
        webhook=webhook,
        secret=tokens.webhook_secret() if webhook else "",
        created_by=actor,
        next_at=next_due(plan.rhythm, clock.now()),
    )
    session.add(schedule)
    session.flush()
    _note(session, schedule, actor, "create", data=plan.what, rhythm=plan.rhythm.value, webhook=webhook)
    return schedule


def receiver_of(session: Session, council_id: UUID, officer_id: UUID) -> Officer | None:
    """The officer, if they work here and may see figures still."""
    officer = session.get(Officer, officer_id)
    if officer is None or officer.council_id != council_id or not officer.active:
        return None
    return officer if Right.SEE_FIGURES in RIGHTS[officer.role] and remit_of(officer) == EVERYTHING else None


def _officer(session: Session, council_id: UUID, email: str) -> Officer:
    found = find_officer(session, email, council_id)
    officer = receiver_of(session, council_id, found.id) if found else None
    if officer is None:
        raise ScheduleNotValid(f"{email} is no officer of your council who may see figures.", field="emails")
    return officer


def _address(webhook: str) -> str:
    try:
        return normalise(Channel.WEBHOOK, webhook)
    except AddressNotValid as error:
        raise ScheduleNotValid(error.detail, field="webhook") from None


def schedules(session: Session, council_id: UUID) -> Sequence[ExportSchedule]:
    """What is sent regularly, or paused, in the order in which it was begun."""
    statement = select(ExportSchedule).where(
        ExportSchedule.council_id == council_id, col(ExportSchedule.removed_at).is_(None)
    )
    return session.exec(statement.order_by(col(ExportSchedule.id)).limit(MOST_SCHEDULES)).all()


def schedule(session: Session, council_id: UUID, schedule_id: UUID) -> ExportSchedule:
    """One of them, held until the transaction ends. Raises: UnknownSchedule."""
    found = session.get(ExportSchedule, schedule_id, with_for_update=True)
    if found is None or found.council_id != council_id or found.removed_at:
        raise UnknownSchedule("It may have been removed. The page of schedules lists what there is.")
    return found


def runs(session: Session, council_id: UUID, *, limit: int = 50) -> Sequence[tuple[ExportRun, ExportSchedule, str]]:
    """The last sendings with their schedules and who got them, the newest first; also of what was removed since."""
    statement = (
        select(ExportRun, ExportSchedule)
        .join(ExportSchedule, col(ExportSchedule.id) == col(ExportRun.schedule_id))
        .where(ExportSchedule.council_id == council_id)
        .order_by(col(ExportRun.due_at).desc(), col(ExportRun.id).desc())
        .limit(limit)
    )
    found = session.exec(statement).all()
    names = names_of(session, [one.receiver for one, _ in found])
    return [(run, of, names.get(run.receiver, of.webhook)) for run, of in found]


def names_of(session: Session, ids: Sequence[str | UUID]) -> Mapping[str, str]:
    """Officers' names by id as text."""
    known = [UUID(str(one)) for one in ids if str(one) != "webhook"]
    found = session.exec(select(Officer).where(col(Officer.id).in_(known)))
    return {str(officer.id): officer.name for officer in found}


def pause(session: Session, one: ExportSchedule, *, actor: str) -> None:
    """Send nothing more for now; what is under way still arrives."""
    if one.paused_at is None:
        one.paused_at, one.next_at = clock.now(), None
        _note(session, one, actor, "pause")


def go_on(session: Session, one: ExportSchedule, *, actor: str) -> None:
    """Send it again from the next turn on; what was passed over is not made up for."""
    if one.paused_at is not None:
        one.paused_at, one.next_at = None, next_due(one.rhythm, clock.now())
        _note(session, one, actor, "go-on")


def remove(session: Session, one: ExportSchedule, *, actor: str) -> None:
    """Never send it again. Its history stays."""
    one.removed_at, one.next_at = clock.now(), None
    _note(session, one, actor, "remove")


def send_now(session: Session, one: ExportSchedule, *, actor: str) -> None:
    """Send it once more beside its turns, about the last whole week or month. Raises: ScheduleIsPaused."""
    if one.paused_at:
        raise ScheduleIsPaused("Let it go on first.")
    add_runs(session, one, clock.now())
    _note(session, one, actor, "send-now")


def add_runs(session: Session, one: ExportSchedule, due_at: datetime) -> None:
    """A sending to each receiver."""
    since, until = days_of(one.rhythm, due_at)
    receivers = [*(str(officer) for officer in one.officers), *(["webhook"] if one.webhook else [])]
    for receiver in receivers:
        session.add(
            ExportRun(
                schedule_id=one.id, due_at=due_at, receiver=receiver, since=since, until=until, state=RunState.DUE
            )
        )
    session.flush()


def _note(session: Session, one: ExportSchedule, actor: str, verb: str, **detail: object) -> None:
    audit(
        session,
        council_id=one.council_id,
        actor=actor,
        action=f"export-schedule.{verb}",
        subject=str(one.id),
        **{name: value for name, value in detail.items() if value},
    )
