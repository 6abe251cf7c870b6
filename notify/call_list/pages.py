"""The page of one person of a call list, for a phone at the door: what was found, by everyone who called or visited."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts import queries as alerts
from notify.call_list import attempts, queries
from notify.call_list.attempt_form import read_attempt
from notify.call_list.models import OUTCOME_NAMES
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.page_frame import staff_page
from notify.staff.read_quota import note_reading
from notify.staff.rights import Principal
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in.step_up import page_with
from notify.web.forms import read_form

ONE = "/staff/alerts/{alert_id:uuid}/missed/{subscriber_id:uuid}"


@staff_get(ONE, Requires(Right.SEE_SUBSCRIBERS))
def show_person(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    subscriber_id: FromPath[UUID],
    show: FromQuery[str] = "",
    sort: FromQuery[str] = "",
) -> Response[object]:
    """Who to call or visit, and what was found there so far."""
    with transaction() as session:
        note_reading(session, request.user, 1, f"call list of {alert_id}")
        return _page(session, request.user, alert_id, subscriber_id, EMPTY, [], shown=_shown(show, sort))


def _shown(show: str, sort: str) -> str:
    """The part of the list that they came from, as the end of an address."""
    return page_with("", {"show": show, "sort": sort})


def _page(
    session: Session,
    user: Principal,
    alert_id: UUID,
    subscriber_id: UUID,
    form: Form,
    field_errors: Sequence[FieldError],
    *,
    shown: str,
    status: int = 422,
) -> Response[object]:
    alert = alerts.alert(session, user, alert_id)
    found = attempts.attempts_at(session, alert.id, subscriber_id)
    return staff_page(
        user,
        "call_list/person.html",
        at="",
        status=status if field_errors else 200,
        alert=alert,
        person=queries.person(session, alert, subscriber_id),
        attempts=found,
        seen=found[0].number if found else 0,
        outcomes=OUTCOME_NAMES,
        here=f"/staff/alerts/{alert.id}/missed/{subscriber_id}{shown}",
        back=f"/staff/alerts/{alert.id}/missed{shown}",
        may_record=user.may(Right.CHANGE_SUBSCRIBERS),
        form=form,
        field_errors=field_errors,
    )


@staff_post(ONE, RequiresLive(Right.SEE_SUBSCRIBERS), status_code=200)
def record_attempt(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    subscriber_id: FromPath[UUID],
    body: RawBody,
    show: FromQuery[str] = "",
    sort: FromQuery[str] = "",
) -> Response[object]:
    """Note what was found; where somebody else did meanwhile, say so first."""
    form, user = read_form(body), request.user
    new, field_errors = read_attempt(form)
    shown = _shown(show, sort)
    with transaction() as session:
        if new is None:
            return _page(session, user, alert_id, subscriber_id, form, field_errors, shown=shown)
        alert = alerts.alert(session, user, alert_id)
        try:
            attempts.record(session, by=user, alert=alert, subscriber_id=subscriber_id, new=new)
        except attempts.AttemptedMeanwhile as error:
            wrong = [FieldError("outcome", error.detail)]
            return _page(session, user, alert_id, subscriber_id, form, wrong, shown=shown, status=409)
    return Redirect(f"/staff/alerts/{alert_id}/missed{shown}#person-{subscriber_id}", status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (show_person, record_attempt)
