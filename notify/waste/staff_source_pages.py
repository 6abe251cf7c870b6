"""Officers' pages of what comes from others, and of figures: sources that are fetched, contractors, and use."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, QueryParameter, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import Conflict, Invalid
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.core.settings import settings
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.waste import contractors, figures, home_days, sources, words
from notify.waste.figures import LOOK_UPS_A_CALL
from notify.waste.moved_days import EARLIEST, LATEST
from notify.waste.sources import NewSource
from notify.web.dates import day, moment
from notify.web.forms import read_form

AT = "/staff/bins"
SOURCES, CONTRACTORS = f"{AT}/sources", f"{AT}/contractors"
MAY_SEE, MAY_CHANGE = Requires(Right.CHANGE_COLLECTIONS), RequiresLive(Right.CHANGE_COLLECTIONS)
HINTS = {
    "address": "Enter an address that begins with https://, or “folder”.",
    "name": "Enter who the days come from.",
    "every_hours": "Enter a number of hours from 1 to 744.",
    "most_changes": "Enter a number of homes, or leave it empty.",
}


@staff_get(SOURCES, MAY_SEE)
def show_sources(request: StaffRequest) -> Response[object]:
    """What is fetched, what became of it, and a form for one more."""
    with transaction() as session:
        return _sources_page(session, request.user, EMPTY)


@staff_post(SOURCES, MAY_CHANGE, status_code=200)
def add_source(request: StaffRequest, body: RawBody) -> Response[object]:
    """Fetch one more source from now on."""
    form, user = read_form(body), request.user
    said = {name: form.one(name).strip() for name in ("address", "name", "licence")}
    numbers = {name: form.one(name).strip() for name in ("every_hours", "most_changes") if form.has(name)}
    paid = [one.strip() for one in form.one("paid").split(",") if one.strip()]
    with transaction() as session:
        try:
            new = NewSource.model_validate({**said, **numbers, "paid": paid})
            sources.add(session, user.council_id, new, actor=user.actor)
        except ValidationError as error:
            wrong = sorted({str(one["loc"][0]) for one in error.errors(include_url=False)})
            field_errors = [FieldError(name, HINTS.get(name, "Check this.")) for name in wrong]
            return _sources_page(session, user, form, field_errors)
        except Invalid as error:
            return _sources_page(session, user, form, [FieldError("address", error.detail)])
    return Redirect(SOURCES, status_code=303)


def _sources_page(
    session: Session, user: Principal, form: Form, field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    return staff_page(
        user,
        "waste/staff-sources.html",
        at=AT,
        status=422 if field_errors else 200,
        form=form,
        field_errors=field_errors,
        sources=sources.sources(session, user.council_id),
        moment=moment,
    )


@staff_post(f"{SOURCES}/{{source_id:uuid}}/fetch", MAY_CHANGE)
def fetch_source(request: StaffRequest, source_id: FromPath[UUID]) -> Response[object]:
    """Have a source fetched within a minute."""
    with transaction() as session:
        sources.fetch_soon(session, request.user.council_id, source_id)
    return Redirect(SOURCES, status_code=303)


@staff_post(f"{SOURCES}/{{source_id:uuid}}/remove", MAY_CHANGE)
def remove_source(request: StaffRequest, source_id: FromPath[UUID]) -> Response[object]:
    """Fetch a source no more."""
    user = request.user
    with transaction() as session:
        sources.remove(session, user.council_id, source_id, actor=user.actor)
    return Redirect(SOURCES, status_code=303)


@staff_get(CONTRACTORS, MAY_SEE)
def show_contractors(request: StaffRequest) -> Response[object]:
    """Whose calls are taken, where they are sent to, and a form for one more."""
    with transaction() as session:
        return _contractors_page(session, request.user)


@staff_post(CONTRACTORS, MAY_CHANGE, status_code=200)
def add_contractor(request: StaffRequest, body: RawBody) -> Response[object]:
    """Take the calls of one more contractor, and show its secret once."""
    form, user = read_form(body), request.user
    try:
        with transaction() as session:
            made = contractors.add(session, user.council_id, form.one("name"), actor=user.actor)
            return _contractors_page(session, user, secret=(made.name, made.secret))
    except (Invalid, Conflict) as error:
        with transaction() as session:
            return _contractors_page(session, user, field_errors=[FieldError("name", error.detail)], form=form)


def _contractors_page(
    session: Session,
    user: Principal,
    *,
    secret: tuple[str, str] | None = None,
    field_errors: Sequence[FieldError] = (),
    form: Form = EMPTY,
) -> Response[object]:
    own = council(session, user.council_id)
    return staff_page(
        user,
        "waste/staff-contractors.html",
        at=AT,
        status=422 if field_errors else 200,
        form=form,
        field_errors=field_errors,
        secret=secret,
        contractors=contractors.contractors(session, user.council_id),
        address=f"{settings().base_url}/api/v1/webhooks/collections/{own.slug}",
        moment=moment,
    )


@staff_get(f"{AT}/figures", Requires(Right.SEE_FIGURES))
def show_figures(
    request: StaffRequest,
    first: Annotated[str, QueryParameter(name="from", max_length=20)] = "",
    last: Annotated[str, QueryParameter(name="to", max_length=20)] = "",
    share: Annotated[str, QueryParameter(max_length=6)] = "",
) -> Response[object]:
    """Use, reminders and what was missed in a period, the last 90 days if none is given."""
    user, field_errors = request.user, []
    end = home_days.today()
    begin, a_call = end - timedelta(days=89), LOOK_UPS_A_CALL
    try:
        begin, end = date.fromisoformat(first or f"{begin}"), date.fromisoformat(last or f"{end}")
        a_call = int(share or LOOK_UPS_A_CALL)
        if not (EARLIEST <= begin <= end <= LATEST and 1 <= a_call <= 1_000):
            raise ValueError
    except ValueError:
        field_errors.append(
            FieldError("from", "Enter two days like 2027-01-31, the first of them first, and 1 to 1000.")
        )
        end = home_days.today()
        begin, a_call = end - timedelta(days=89), LOOK_UPS_A_CALL
    with transaction() as session:
        shown = figures.figures(session, user.council_id, begin, end)
    return staff_page(
        user,
        "waste/staff-figures.html",
        at=AT,
        status=422 if field_errors else 200,
        field_errors=field_errors,
        shown=shown,
        share=a_call,
        avoided=shown.calls_avoided(a_call),
        words=words,
        day=day,
    )


@staff_post(f"{CONTRACTORS}/{{contractor_id:uuid}}/remove", MAY_CHANGE)
def remove_contractor(request: StaffRequest, contractor_id: FromPath[UUID]) -> Response[object]:
    """Take no more calls of a contractor."""
    user = request.user
    with transaction() as session:
        contractors.remove(session, user.council_id, contractor_id, actor=user.actor)
    return Redirect(CONTRACTORS, status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (
    show_sources,
    add_source,
    fetch_source,
    remove_source,
    show_contractors,
    add_contractor,
    remove_contractor,
    show_figures,
)
