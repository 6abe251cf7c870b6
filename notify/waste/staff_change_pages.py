"""Officers' pages of what changes: “something happened today”, and the holiday table with a preview."""

from collections.abc import Sequence
from typing import Any

from litestar import Response
from litestar.params import RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.staff.guards import Principal, RequiresLive, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.waste import events, home_days, messages, queries, service, words
from notify.waste.bank_holidays import Nation, bank_holidays
from notify.waste.date_text import DayNotReadable, read_day
from notify.waste.events import Concerned, NewEvent
from notify.waste.models import EventKind
from notify.waste.service import NewMove
from notify.web.dates import day
from notify.web.forms import read_form

PATH = "/staff/bins"
MAY_CHANGE = RequiresLive(Right.CHANGE_COLLECTIONS)
KINDS = {
    EventKind.MOVED.value: "Delayed or moved to another day",
    EventKind.NOT_COMPLETED.value: "Not completed",
    EventKind.CANCELLED.value: "Cancelled",
}
HINTS = {
    "kind": "Choose what happened.",
    "day": "Enter a day like 3 December 2027 or 3/12/2027.",
    "new_day": "Enter the new day, at most 28 days from the planned one.",
    "cause": "Choose a reason.",
}
PLAIN = ("kind", "day", "new_day", "round", "stream", "usrn", "postcode", "cause")
NONE_WORDS = ("", "none", "-", "cancelled")


@staff_get(f"{PATH}/happened", MAY_CHANGE)
def ask_what_happened(request: StaffRequest) -> Response[object]:
    """An empty form, for today."""
    with transaction() as session:
        return _event_page(session, request.user, EMPTY)


@staff_post(f"{PATH}/happened", MAY_CHANGE, status_code=200)
def say_what_happened(request: StaffRequest, body: RawBody) -> Response[object]:
    """Count who is concerned and show what they will read; tell them once that was seen."""
    form, user = read_form(body), request.user
    with transaction() as session:
        if form.one("step") == "edit":
            return _event_page(session, user, form)
        try:
            new = _event_of(form)
            if form.one("step") != "tell":
                return _check_page(session, user, form, new)
            events.add(session, user.council_id, new, actor=user.actor)
        except ValidationError as error:
            fields = {str(one["loc"][0]) if one["loc"] else "new_day" for one in error.errors(include_url=False)}
            return _event_page(
                session, user, form, [FieldError(name, HINTS.get(name, "Check this.")) for name in sorted(fields)]
            )
        except DayNotReadable as error:
            return _event_page(session, user, form, [FieldError("day", f"Enter a day: {error.detail}.")])
        except Invalid as error:
            return _event_page(session, user, form, [FieldError("round", error.detail)])
    return Redirect(PATH, status_code=303)


def _event_of(form: Form) -> NewEvent:
    today = home_days.today()
    said: dict[str, Any] = {name: form.one(name) for name in ("kind", "round", "stream", "cause")}
    said["day"] = read_day(form.one("day"), today) if form.has("day") else today
    said["new_day"] = read_day(form.one("new_day"), today) if form.has("new_day") else None
    return NewEvent.model_validate(said | {name: form.one(name) or None for name in ("usrn", "postcode")})


def _event_page(
    session: Session, user: Principal, form: Form, field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    release = queries.active_release(session, user.council_id)
    rules = queries.rules_of(session, release.id or 0) if release else []
    return staff_page(
        user,
        "waste/staff-happened.html",
        at=PATH,
        status=422 if field_errors else 200,
        form=form,
        field_errors=field_errors,
        kinds=KINDS,
        causes=words.CAUSES,
        rounds=sorted({rule.round for rule in rules if not rule.round.startswith("list-")}),
        streams=list(queries.streams(session, user.council_id).values()),
        today=day(home_days.today()),
        words=words,
    )


def _check_page(session: Session, user: Principal, form: Form, new: NewEvent) -> Response[object]:
    event = events.as_event(user.council_id, new, actor=user.actor)
    found: Concerned = events.concerned(session, event)
    if not found.homes:
        raise events.NobodyConcerned("No home has such a collection planned on that day. Check day, round and place.")
    streams = dict(queries.streams(session, user.council_id))
    sample = events.sample(session, event, streams)
    return staff_page(
        user,
        "waste/staff-happened-check.html",
        at=PATH,
        form=form,
        fields=PLAIN,
        concerned=found,
        said=messages.change(event, sample, streams),
        has_topic=messages.topic_of(session, user.council_id) is not None,
    )


@staff_get(f"{PATH}/holidays", MAY_CHANGE)
def show_table(request: StaffRequest) -> Response[object]:
    """The holiday table, and a form for lines."""
    with transaction() as session:
        return _table_page(session, request.user, EMPTY)


@staff_post(f"{PATH}/holidays", MAY_CHANGE, status_code=200)
def change_table(request: StaffRequest, body: RawBody) -> Response[object]:
    """Show every date that the lines move; put them into the table once that was seen. Or take lines back."""
    form, user = read_form(body), request.user
    with transaction() as session:
        if form.has("take_back"):
            _take_back(session, user, form.one("take_back"))
            return Redirect(f"{PATH}/holidays", status_code=303)
        try:
            lines = _lines_of(form)
        except (DayNotReadable, Invalid) as error:
            return _table_page(session, user, form, [FieldError("lines", error.detail)])
        except ValidationError:
            return _table_page(session, user, form, [FieldError("lines", "A collection moves by at most 28 days.")])
        if form.one("step") != "save":
            return _table_page(session, user, form, preview=lines)
        service.set_moves(session, user.council_id, lines, actor=user.actor)
    return Redirect(f"{PATH}/holidays", status_code=303)


def _take_back(session: Session, user: Principal, identity: str) -> None:
    line = next((one for one in service.table(session, user.council_id) if str(one.id) == identity), None)
    if line:
        taken = NewMove(usual=line.usual, revised=line.revised, round=line.round, stream=line.stream, is_withdrawn=True)
        service.set_moves(session, user.council_id, [taken], actor=user.actor)


def _lines_of(form: Form) -> Sequence[NewMove]:
    """Lines like `25 December 2026 to 24 December 2026`, or `to none`. Raises: DayNotReadable, ValidationError."""
    today, made = home_days.today(), []
    for number, line in enumerate(filter(None, (one.strip() for one in form.one("lines").splitlines())), start=1):
        usual, arrow, revised = line.partition(" to ")
        if not arrow:
            raise DayNotReadable(f"Line {number}: write the usual day, “to”, and the revised day or “none”.")
        try:
            first = read_day(usual, today)
            second = None if revised.strip().lower() in NONE_WORDS else read_day(revised, today)
        except DayNotReadable as error:
            raise DayNotReadable(f"Line {number}: {error.detail}.") from None
        made.append(NewMove(usual=first, revised=second, round=form.one("round"), stream=form.one("stream")))
    if not made:
        raise DayNotReadable("Write at least one line.")
    return made


def _table_page(
    session: Session,
    user: Principal,
    form: Form,
    field_errors: Sequence[FieldError] = (),
    preview: Sequence[NewMove] = (),
) -> Response[object]:
    today = home_days.today()
    release = queries.active_release(session, user.council_id)
    rules = queries.rules_of(session, release.id or 0) if release else []
    years = (today.year, today.year + 1)
    holidays = {at: name for year in years for at, name in bank_holidays(Nation.ENGLAND, year).items() if at >= today}
    return staff_page(
        user,
        "waste/staff-holidays.html",
        at=PATH,
        status=422 if field_errors else 200,
        form=form,
        field_errors=field_errors,
        is_preview=bool(preview),
        moved=service.preview_moves(session, user.council_id, preview),
        table=service.table(session, user.council_id),
        holidays=sorted(holidays.items())[:10],
        rounds=sorted({rule.round for rule in rules if not rule.round.startswith("list-")}),
        streams=list(queries.streams(session, user.council_id).values()),
        words=words,
    )


HANDLERS: Sequence[ControllerRouterHandler] = (ask_what_happened, say_what_happened, show_table, change_table)
