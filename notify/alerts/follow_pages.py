"""What an officer does with an alert that is under way or out: stop it, write again, say that it is over."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from notify.alerts import deciding, service
from notify.alerts.models import Alert, FollowUp, FollowUpContent
from notify.db import transaction
from notify.staff.desk import Fault, staff_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.rights import ProveYourselfAgain
from notify.web.forms import EMPTY, Form, from_our_pages, read_form

AnyRequest = Request[Principal, None, State]

TITLES: Mapping[FollowUp, str] = {FollowUp.UPDATE: "Write an update", FollowUp.ALL_CLEAR: "Say that it is over"}
FIELDS = ("title", "body", "sms")


@post(
    "/staff/alerts/{alert_id:uuid}/cancel",
    guards=[from_our_pages, Requires(Right.WRITE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
    opt={"back": "/staff/alerts/{alert_id}"},
)
def stop(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Stop an alert: what was not handed over yet never will be."""
    with transaction() as session:
        service.cancel(session, by=request.user, alert=deciding.within(session, request.user, alert_id))
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


@post(
    "/staff/alerts/{alert_id:uuid}/submit",
    guards=[from_our_pages, Requires(Right.WRITE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
    opt={"back": "/staff/alerts/{alert_id}"},
)
def submit(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Ask for a draft to be sent: at once where the topic needs no approval."""
    with transaction() as session:
        service.submit(session, by=request.user, alert=deciding.own(session, request.user, alert_id))
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


@get(
    "/staff/alerts/{alert_id:uuid}/follow-up",
    guards=[Requires(Right.WRITE_ALERTS)],
    sync_to_thread=True,
    include_in_schema=False,
)
def ask_what_is_new(
    request: AnyRequest, alert_id: FromPath[UUID], kind: FromQuery[FollowUp] = FollowUp.UPDATE
) -> Response[object]:
    """What is new, for exactly those who got the alert?"""
    with transaction() as session:
        first = deciding.own(session, request.user, alert_id)
        return _page(request.user, first, kind, EMPTY, [])


def _page(user: Principal, first: Alert, kind: FollowUp, form: Form, faults: Sequence[Fault]) -> Response[object]:
    return staff_page(
        user,
        "staff-follow-up.html",
        at="",
        status=422 if faults else 200,
        first=first,
        kind=kind.value,
        heading=TITLES[kind],
        form=form,
        faults=faults,
    )


@post(
    "/staff/alerts/{alert_id:uuid}/follow-up",
    guards=[from_our_pages, Requires(Right.WRITE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
)
def write_again(request: AnyRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Send it to exactly those who got the first, or ask for approval where the topic needs it."""
    form, user = read_form(body), request.user
    kind = FollowUp(form.one("kind")) if form.one("kind") in set(FollowUp) else FollowUp.UPDATE
    faults: Sequence[Fault] = []
    try:
        content = FollowUpContent.model_validate({name: form.one(name) for name in FIELDS if form.one(name)})
        return Redirect(f"/staff/alerts/{_follow_up(user, alert_id, kind, content)}", status_code=303)
    except ValidationError as error:
        faults = [Fault(str(detail["loc"][0]), _in_words(detail["type"], detail["msg"])) for detail in error.errors()]
    except (service.WrongState, service.AlreadyExpired) as error:
        faults = [Fault("title", error.detail)]
    with transaction() as session:
        return _page(user, deciding.own(session, user, alert_id), kind, form, faults)


def _follow_up(user: Principal, alert_id: UUID, kind: FollowUp, content: FollowUpContent) -> UUID:
    """The alert that follows. Who must prove themselves again first finds it as a draft afterwards.

    Raises: ProveYourselfAgain, and NotifyError where this alert is not theirs, or is not one to be followed.
    """
    try:
        with transaction() as session:
            first = deciding.own(session, user, alert_id)
            return service.follow_up(session, by=user, first=first, kind=kind, content=content).id
    except ProveYourselfAgain as error:
        if user.is_key:
            raise
        with transaction() as session:
            first = deciding.own(session, user, alert_id)
            draft = service.draft_follow_up(session, by=user, first=first, kind=kind, content=content)
            back = f"/staff/alerts/{draft.id}"
        raise ProveYourselfAgain(error.detail, back=back) from None


def _in_words(kind: str, message: str) -> str:
    return "Fill this in." if kind == "missing" else message.removeprefix("Value error, ")


HANDLERS: Sequence[ControllerRouterHandler] = (stop, submit, ask_what_is_new, write_again)
