"""API routes of drafts, message templates, recurring alerts and the calendar."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.alerts import remit
from notify.core import clock
from notify.core.clock import LONDON, midnight
from notify.core.db import Input, transaction
from notify.core.errors import Invalid
from notify.drafting import calendar, queries, recurrence, service
from notify.drafting.calendar import rule_in_words
from notify.drafting.models import Draft, MessageTemplate, Recurrence, Rule
from notify.drafting.recurrence import Plan
from notify.drafting.route_options import SEES, WRITES
from notify.staff.guards import RequiresLive
from notify.staff.rights import Right
from notify.staff.routes import StaffRequest

LONGEST_CALENDAR_DAYS = 92
# a test key rehearses alerts, and changes nothing that another person would find changed
CHANGES = RequiresLive(Right.WRITE_ALERTS)
COMES_AGAIN = "/recurrences/{recurrence_id:uuid}"


class DaysTooMany(Invalid):
    """The calendar is read a quarter at a time."""

    title = "Too many days at once"


class DraftView(SQLModel):
    """What an officer has begun on a page and not sent. `fields` are as they were typed, right or wrong."""

    id: UUID
    topic: str
    priority: str
    fields: dict[str, list[str]]
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, draft: Draft) -> "DraftView":
        """The fields of a draft that its officer sees."""
        return cls.model_validate(draft.model_dump(exclude={"council_id", "officer_id", "alert_id"}))


class TemplateView(SQLModel):
    """The newest version of a text to be used again; `((name))` in it stands for what is filled in."""

    id: UUID
    name: str
    version: int
    fields: dict[str, list[str]]
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, template: MessageTemplate) -> "TemplateView":
        """The fields of a template."""
        return cls.model_validate(template.model_dump(exclude={"council_id", "retired_at"}))


class NewTemplate(Input):
    """A template, or a new version of the one of this name."""

    name: str = Field(min_length=1, max_length=80)
    title: str = Field(min_length=1, max_length=120)
    body: str = Field(min_length=1, max_length=5000)
    sms: str = Field(default="", max_length=1000)
    title_cy: str = Field(default="", max_length=120)
    body_cy: str = Field(default="", max_length=5000)


class RecurrenceView(SQLModel):
    """An alert that comes again."""

    id: UUID
    alert: UUID = Field(description="The alert that it repeats.")
    title: str
    topic: str
    rule: Rule
    every: int
    at_time: time
    first_day: date
    last_day: date
    weekdays: list[int] = Field(description="Of a weekly one, 0 for Monday.")
    paused_at: datetime | None
    in_words: str

    @classmethod
    def of(cls, one: Recurrence) -> "RecurrenceView":
        """The public fields of a recurring alert."""
        kept = one.model_dump(include=set(cls.model_fields))
        content = one.content
        said = {"title": content["title"], "topic": content["topic"], "in_words": rule_in_words(one)}
        return cls.model_validate(kept | said | {"alert": one.alert_id})


class NewRecurrence(Input):
    """How often an alert is repeated, in UK time."""

    rule: Rule
    every: int = Field(default=1, ge=1, le=52, description="Every so many days, weeks or months.")
    at: time
    first_day: date
    last_day: date
    weekdays: list[Annotated[int, Field(ge=0, le=6)]] = Field(default_factory=list, max_length=7)


class CalendarEntry(SQLModel):
    """One alert on the calendar: sent, scheduled, planned or not sent."""

    id: UUID
    at: datetime
    title: str
    topic: str
    state: str
    is_emergency: bool
    is_follow_up: bool
    problem: str = Field(description="Why it was not sent; may be empty.")
    clashes: list[str] = Field(description="Titles of alerts for the same places that come close to it.")


@get("/drafts", guards=[WRITES], sync_to_thread=True, tags=["drafts"])
def list_drafts(request: StaffRequest) -> list[DraftView]:
    """What you, or the user whose key it is, have begun on pages and not sent, the newest first."""
    with transaction() as session:
        return [DraftView.of(one) for one in queries.drafts(session, request.user.officer_id)]


@get("/drafts/{draft_id:uuid}", guards=[WRITES], sync_to_thread=True, tags=["drafts"])
def read_draft(request: StaffRequest, draft_id: FromPath[UUID]) -> DraftView:
    """One of your drafts."""
    with transaction() as session:
        return DraftView.of(queries.draft(session, request.user.officer_id, draft_id))


@delete("/drafts/{draft_id:uuid}", guards=[CHANGES], sync_to_thread=True, tags=["drafts"])
def delete_draft(request: StaffRequest, draft_id: FromPath[UUID]) -> None:
    """Delete one of your drafts."""
    with transaction() as session:
        service.delete_draft(session, queries.draft(session, request.user.officer_id, draft_id))


@get("/message-templates", guards=[WRITES], sync_to_thread=True, tags=["message templates"])
def list_templates(request: StaffRequest) -> list[TemplateView]:
    """The newest version of each template in use, by name."""
    with transaction() as session:
        return [TemplateView.of(one) for one in queries.templates(session, request.user.council_id)]


@post("/message-templates", guards=[CHANGES], sync_to_thread=True, tags=["message templates"])
def save_template(request: StaffRequest, data: JSONBody[NewTemplate]) -> TemplateView:
    """Keep a template: the first of its name, or a new version."""
    welsh = {"title-cy": data.title_cy, "body-cy": data.body_cy}
    words = {"title": data.title, "body": data.body, "sms": data.sms} | welsh
    fields = {name: [said] for name, said in words.items() if said}
    with transaction() as session:
        return TemplateView.of(service.save_template(session, by=request.user, name=data.name, fields=fields))


@delete("/message-templates/{template_id:uuid}", guards=[CHANGES], sync_to_thread=True, tags=["message templates"])
def archive_template(request: StaffRequest, template_id: FromPath[UUID]) -> None:
    """Offer a template no longer. What was written with it stays."""
    with transaction() as session:
        service.retire_template(session, by=request.user, template_id=template_id)


@get("/recurrences", guards=[SEES], sync_to_thread=True, tags=["recurring alerts"])
def list_recurrences(request: StaffRequest) -> list[RecurrenceView]:
    """Alerts that come again, paused or not."""
    user = request.user
    with transaction() as session:
        return [RecurrenceView.of(one) for one, _ in recurrence.running(session, user.council_id, user.remit)]


@post("/alerts/{alert_id:uuid}/recurrence", guards=[CHANGES], sync_to_thread=True, tags=["recurring alerts"])
def begin_recurrence(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[NewRecurrence]) -> RecurrenceView:
    """Have a routine alert come again for the same audience."""
    plan = Plan(data.rule, data.every, data.at, data.first_day, data.last_day, data.weekdays)
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return RecurrenceView.of(recurrence.begin(session, alert, by=request.user, plan=plan))


@post(
    f"{COMES_AGAIN}/pause",
    guards=[CHANGES],
    sync_to_thread=True,
    tags=["recurring alerts"],
    status_code=200,
)
def pause_recurrence(request: StaffRequest, recurrence_id: FromPath[UUID]) -> RecurrenceView:
    """Let it come no more for now. What is scheduled already stays."""
    with transaction() as session:
        recurrence.pause(session, recurrence_id, by=request.user)
        return RecurrenceView.of(recurrence.own(session, request.user, recurrence_id))


@post(
    f"{COMES_AGAIN}/go-on",
    guards=[CHANGES],
    sync_to_thread=True,
    tags=["recurring alerts"],
    status_code=200,
)
def resume_recurrence(request: StaffRequest, recurrence_id: FromPath[UUID]) -> RecurrenceView:
    """Let it come again from now on."""
    with transaction() as session:
        recurrence.go_on(session, recurrence_id, by=request.user)
        return RecurrenceView.of(recurrence.own(session, request.user, recurrence_id))


@delete(COMES_AGAIN, guards=[CHANGES], sync_to_thread=True, tags=["recurring alerts"])
def end_recurrence(request: StaffRequest, recurrence_id: FromPath[UUID]) -> None:
    """Let it come no more. What is scheduled already stays."""
    with transaction() as session:
        recurrence.end(session, recurrence_id, by=request.user)


@get("/calendar", guards=[SEES], sync_to_thread=True, tags=["recurring alerts"])
def read_calendar(
    request: StaffRequest,
    since: Annotated[date | None, QueryParameter(description="The first day; unset: today.")] = None,
    until: Annotated[date | None, QueryParameter(description="At most 92 days later; unset: 31 days.")] = None,
) -> list[CalendarEntry]:
    """What was sent, is scheduled and comes again in these days, in its order."""
    first = since or clock.now().astimezone(LONDON).date()
    last = until or first + timedelta(days=31)
    if not 0 <= (last - first).days <= LONGEST_CALENDAR_DAYS:
        raise DaysTooMany(f"Ask for at most {LONGEST_CALENDAR_DAYS} days, the first before the last.")
    user = request.user
    with transaction() as session:
        begins, ends = midnight(first), midnight(last + timedelta(days=1))
        found = calendar.entries(session, user.council_id, user.remit, begins, ends)
    return [CalendarEntry.model_validate(one, from_attributes=True) for one in found]


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_drafts,
    read_draft,
    delete_draft,
    list_templates,
    save_template,
    archive_template,
    list_recurrences,
    begin_recurrence,
    pause_recurrence,
    resume_recurrence,
    end_recurrence,
    read_calendar,
)
