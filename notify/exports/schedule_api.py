"""API routes of scheduled exports."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, Session, SQLModel

from notify.core.db import Input, transaction
from notify.exports import schedules
from notify.exports.file_formats import Format
from notify.exports.models import ExportSchedule, Rhythm, RunState
from notify.exports.schedules import Plan
from notify.staff.guards import Principal, Requires, Right
from notify.staff.routes import StaffRequest

PATH = "/export-schedules"
ONE = f"{PATH}/{{schedule_id:uuid}}"


class NewSchedule(Input):
    """What to send regularly."""

    what: str = Field(max_length=60, description="A data set without personal data, or `report`.")
    format: Format = Format.CSV
    rhythm: Rhythm
    emails: list[str] = Field(default_factory=list, max_length=20, description="Officers who may see figures.")
    webhook: str = Field(default="", max_length=500, description="An https address; administrators only.")


class ScheduleView(SQLModel):
    """Something that is sent regularly."""

    id: UUID
    what: str
    format: str
    rhythm: Rhythm
    officers: list[UUID]
    webhook: str
    created_by: str
    created_at: datetime
    next_at: datetime | None
    paused_at: datetime | None


class MadeSchedule(ScheduleView):
    """The same when it was made."""

    secret: str = Field(description="Signs what is posted (`whsec_…`); shown this once. Empty without a webhook.")


class RunView(SQLModel):
    """One sending to one receiver."""

    id: UUID
    schedule: UUID
    due_at: datetime
    receiver: str = Field(description="An officer's id, or `webhook`.")
    since: date
    until: date
    state: RunState
    attempts: int
    rows: int | None
    finished_at: datetime | None
    problem: str


class SchedulesView(SQLModel):
    """What is sent regularly, and the last fifty sendings."""

    schedules: list[ScheduleView]
    runs: list[RunView]


def _view(one: ExportSchedule) -> ScheduleView:
    return ScheduleView.model_validate(one.model_dump(exclude={"secret", "council_id", "removed_at"}))


@get(PATH, guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["extracts"])
def list_schedules(request: StaffRequest) -> SchedulesView:
    """What is sent regularly to whom, and the result of the last sendings."""
    with transaction() as session:
        found = schedules.schedules(session, request.user.council_id)
        runs = schedules.runs(session, request.user.council_id)
    views = [
        RunView(schedule=run.schedule_id, **run.model_dump(exclude={"schedule_id", "lease_until", "retry_at"}))
        for run, _, _ in runs
    ]
    return SchedulesView(schedules=[_view(one) for one in found], runs=views)


@post(PATH, guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["extracts"])
def begin_schedule(request: StaffRequest, data: JSONBody[NewSchedule]) -> MadeSchedule:
    """Send something regularly: each Monday, or on the first of each month, at seven in the morning."""
    user = request.user
    if data.webhook:
        user.require(Right.CHANGE_FIGURES)
    plan = Plan(data.what, data.format, data.rhythm, data.emails, data.webhook)
    with transaction() as session:
        made = schedules.begin(session, council_id=user.council_id, actor=user.actor, plan=plan)
        return MadeSchedule(secret=made.secret, **_view(made).model_dump())


def _own(session: Session, user: Principal, schedule_id: UUID) -> ExportSchedule:
    """One's own, or any as an administrator. Raises: UnknownSchedule, Forbidden."""
    one = schedules.schedule(session, user.council_id, schedule_id)
    if one.created_by != user.actor:
        user.require(Right.CHANGE_FIGURES)
    return one


@post(f"{ONE}/pause", guards=[Requires(Right.SEE_FIGURES)], status_code=200, sync_to_thread=True, tags=["extracts"])
def pause_schedule(request: StaffRequest, schedule_id: FromPath[UUID]) -> ScheduleView:
    """Send it no more for now."""
    with transaction() as session:
        one = _own(session, request.user, schedule_id)
        schedules.pause(session, one, actor=request.user.actor)
        return _view(one)


@post(f"{ONE}/go-on", guards=[Requires(Right.SEE_FIGURES)], status_code=200, sync_to_thread=True, tags=["extracts"])
def go_on_with_schedule(request: StaffRequest, schedule_id: FromPath[UUID]) -> ScheduleView:
    """Send it again from the next turn on."""
    with transaction() as session:
        one = _own(session, request.user, schedule_id)
        schedules.go_on(session, one, actor=request.user.actor)
        return _view(one)


@post(f"{ONE}/send", guards=[Requires(Right.SEE_FIGURES)], status_code=200, sync_to_thread=True, tags=["extracts"])
def send_schedule(request: StaffRequest, schedule_id: FromPath[UUID]) -> ScheduleView:
    """Send it once beside its turns."""
    with transaction() as session:
        one = _own(session, request.user, schedule_id)
        schedules.send_now(session, one, actor=request.user.actor)
        return _view(one)


@post(f"{ONE}/remove", guards=[Requires(Right.SEE_FIGURES)], status_code=200, sync_to_thread=True, tags=["extracts"])
def remove_schedule(request: StaffRequest, schedule_id: FromPath[UUID]) -> ScheduleView:
    """Never send it again; its history stays."""
    with transaction() as session:
        one = _own(session, request.user, schedule_id)
        schedules.remove(session, one, actor=request.user.actor)
        return _view(one)


HANDLERS: Sequence[ControllerRouterHandler] = (
    *(list_schedules, begin_schedule, pause_schedule, go_on_with_schedule, send_schedule, remove_schedule),
)
