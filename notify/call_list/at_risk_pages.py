"""Pages of people at risk beside an emergency, and the page on which a council turns lists on."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.call_list import at_risk, attempts
from notify.call_list.at_risk_file import COLUMNS, MOST_BYTES, NEEDS, AtRiskFileNotValid
from notify.call_list.at_risk_models import NewAssessment
from notify.call_list.attempt_form import read_attempt
from notify.call_list.models import OUTCOME_NAMES
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.core.typed_text import read_day
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.rights import Principal
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import MOST_BYTES as MOST_FORM_BYTES
from notify.web.forms import read_form

SETTING, LIST = "/staff/at-risk", "/staff/alerts/{alert_id:uuid}/at-risk"
ONE = f"{LIST}/{{person_id:uuid}}"
SEES = Requires(Right.SEE_AT_RISK)
BACK = {"back": "/staff/alerts/{alert_id}/at-risk"}
WRONG = {
    "done_on": "Enter the day of the assessment, such as 3 March 2027.",
    "reference": "Enter where the assessment is kept, such as its number.",
    "person": "Enter who is responsible for it.",
}


@staff_get(SETTING, Requires(Right.CHANGE_SETTINGS))
def show_setting(request: StaffRequest) -> Response[object]:
    """Whether lists are on, and the impact assessment behind that."""
    with transaction() as session:
        return _setting_page(session, request.user, EMPTY, [])


def _setting_page(
    session: Session, user: Principal, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    return staff_page(
        user,
        "call_list/setting.html",
        at=SETTING,
        status=422 if field_errors else 200,
        noted=at_risk.assessment(session, user.council_id),
        form=form,
        field_errors=field_errors,
    )


@staff_post(SETTING, RequiresLive(Right.CHANGE_SETTINGS), status_code=200)
def keep_setting(request: StaffRequest, body: RawBody) -> Response[object]:
    """Note the assessment, and turn lists on or off."""
    form, user = read_form(body), request.user
    with transaction() as session:
        try:
            new = NewAssessment(
                is_on=form.has("is_on"),
                done_on=_day(form.one("done_on")),
                reference=form.one("reference"),
                person=form.one("person"),
            )
        except ValidationError as error:
            fields = sorted({str(one["loc"][0]) for one in error.errors()})
            wrong = [FieldError(field, WRONG.get(field, "Enter less.")) for field in fields]
            return _setting_page(session, user, form, wrong)
        except ValueError as error:
            return _setting_page(session, user, form, [FieldError("done_on", str(error))])
        at_risk.assess(session, by=user, new=new)
    return Redirect(SETTING, status_code=303)


def _day(typed: str) -> date:
    if not typed:
        raise ValueError(WRONG["done_on"])
    return read_day(typed, is_ahead=False)


@staff_get(LIST, SEES, opt=BACK)
def show_list(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Who is at risk, those who have not answered first."""
    with transaction() as session:
        return _list_page(session, request.user, alert_id, [])


def _list_page(
    session: Session, user: Principal, alert_id: UUID, field_errors: Sequence[FieldError]
) -> Response[object]:
    alert = at_risk.require_open(session, user, alert_id)
    people = at_risk.look(session, by=user, alert_id=alert_id)
    return staff_page(
        user,
        "call_list/at-risk.html",
        at="",
        status=422 if field_errors else 200,
        alert=alert,
        kept=at_risk.list_of(session, alert_id),
        people=people,
        silent=sum(not one.has_answered for one in people),
        outcomes=OUTCOME_NAMES,
        columns=list(COLUMNS),
        needs=NEEDS,
        field_errors=field_errors,
    )


async def uploaded(request: StaffRequest) -> bytes:
    """The file of this request."""
    upload = (await request.form()).get("file")
    return await upload.read() if isinstance(upload, UploadFile) else b""


@staff_post(
    LIST,
    SEES,
    opt=BACK,
    request_max_body_size=MOST_BYTES + MOST_FORM_BYTES,
    dependencies={"sent": Provide(uploaded)},
    status_code=200,
)
def upload_list(request: StaffRequest, alert_id: FromPath[UUID], sent: NamedDependency[bytes]) -> Response[object]:
    """Lay a list beside the emergency, in the place of an earlier one."""
    with transaction() as session:
        try:
            at_risk.upload(session, by=request.user, alert_id=alert_id, file=sent)
        except AtRiskFileNotValid as error:
            return _list_page(session, request.user, alert_id, [FieldError("file", error.detail)])
    return Redirect(f"/staff/alerts/{alert_id}/at-risk", status_code=303)


@staff_post(f"{LIST}/destroy", SEES, opt=BACK)
def destroy_list(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Destroy the list now."""
    with transaction() as session:
        at_risk.end_list(session, by=request.user, alert_id=alert_id)
    return Redirect(f"/staff/alerts/{alert_id}/at-risk", status_code=303)


@staff_get(ONE, SEES, opt=BACK)
def show_person(request: StaffRequest, alert_id: FromPath[UUID], person_id: FromPath[UUID]) -> Response[object]:
    """One person at risk, and what was found there so far."""
    with transaction() as session:
        return _person_page(session, request.user, alert_id, person_id, EMPTY, [])


def _person_page(
    session: Session,
    user: Principal,
    alert_id: UUID,
    person_id: UUID,
    form: Form,
    field_errors: Sequence[FieldError],
    *,
    status: int = 422,
) -> Response[object]:
    alert = at_risk.require_open(session, user, alert_id)
    found = attempts.attempts_at(session, alert.id, person_id, at_risk=True)
    people = at_risk.look(session, by=user, alert_id=alert_id)
    known = next((one for one in people if one.id == person_id), None)
    if known is None:
        raise attempts.NotOnTheList("There is no such person on the list of this emergency.")
    return staff_page(
        user,
        "call_list/person.html",
        at="",
        status=status if field_errors else 200,
        alert=alert,
        person=known,
        attempts=found,
        seen=found[0].number if found else 0,
        outcomes=OUTCOME_NAMES,
        here=f"/staff/alerts/{alert.id}/at-risk/{person_id}",
        back=f"/staff/alerts/{alert.id}/at-risk",
        may_record=True,
        form=form,
        field_errors=field_errors,
    )


@staff_post(ONE, SEES, opt=BACK, status_code=200)
def record_attempt(
    request: StaffRequest, alert_id: FromPath[UUID], person_id: FromPath[UUID], body: RawBody
) -> Response[object]:
    """Note what was found; where somebody else did meanwhile, say so first."""
    form, user = read_form(body), request.user
    new, field_errors = read_attempt(form)
    with transaction() as session:
        if new is None:
            return _person_page(session, user, alert_id, person_id, form, field_errors)
        try:
            at_risk.record(session, by=user, alert_id=alert_id, person_id=person_id, new=new)
        except attempts.AttemptedMeanwhile as error:
            wrong = [FieldError("outcome", error.detail)]
            return _person_page(session, user, alert_id, person_id, form, wrong, status=409)
    return Redirect(f"/staff/alerts/{alert_id}/at-risk#person-{person_id}", status_code=303)


MENU_ITEMS = (MenuItem("People at risk", SETTING, Right.CHANGE_SETTINGS, 92),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_setting,
    keep_setting,
    show_list,
    upload_list,
    destroy_list,
    show_person,
    record_attempt,
)
