"""The pages on which an alert is read before it goes: by its author, by who approves it, by one person alone."""

from collections.abc import Sequence
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.alerts import approval, deciding, queries
from notify.composing import audiences, previews
from notify.composing.review import review
from notify.db import transaction
from notify.staff.desk import Fault, staff_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.step_up import coming_back, forget_words, kept_words
from notify.web.forms import from_our_pages, read_form
from notify.web.headers import FRAMED_BY_US, FRAMING_US

AnyRequest = Request[Principal, object, State]

SHORTEST_REASON, LONGEST_REASON = 3, 500


def _decide_page(
    user: Principal, alert_id: UUID, *, reason: str = "", faults: Sequence[Fault] = ()
) -> Response[object]:
    return _review_page(user, "staff-decide.html", alert_id, reason, faults)


def _review_page(user: Principal, name: str, alert_id: UUID, reason: str, faults: Sequence[Fault]) -> Response[object]:
    with transaction() as session:
        return staff_page(
            user,
            name,
            at="",
            status=422 if faults else 200,
            headers=FRAMING_US,
            review=review(session, user, alert_id),
            in_words=audiences.in_words,
            reason=reason,
            faults=faults,
        )


@get(
    "/staff/alerts/{alert_id:uuid}/decide",
    guards=[Requires(Right.APPROVE_ALERTS)],
    sync_to_thread=True,
    include_in_schema=False,
)
def read_before_deciding(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """What is asked for: the words, whom they reach, and two buttons."""
    return _decide_page(request.user, alert_id)


@get(
    "/staff/alerts/{alert_id:uuid}/check",
    guards=[Requires(Right.WRITE_ALERTS)],
    sync_to_thread=True,
    include_in_schema=False,
)
def check_before_sending(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """A stored draft as its author reads it once more: an update, an all-clear, or one that came by API or CAP."""
    return _review_page(request.user, "staff-check.html", alert_id, "", ())


@get(
    "/staff/alerts/{alert_id:uuid}/preview/{language:str}",
    guards=[Requires(Right.SEE_ALERTS)],
    sync_to_thread=True,
    include_in_schema=False,
)
def preview(request: AnyRequest, alert_id: FromPath[UUID], language: FromPath[str]) -> Response[str]:
    """The email as it arrives, for the frames of these pages."""
    with transaction() as session:
        alert = queries.alert(session, request.user, alert_id)
        queries.require_kind(request.user, alert)
        html = previews.email_html(previews.content_of_alert(session, alert), language)
    return Response(html, media_type=MediaType.HTML, headers=FRAMED_BY_US)


@post(
    "/staff/alerts/{alert_id:uuid}/approve",
    guards=[from_our_pages, Requires(Right.APPROVE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
    opt={"back": "/staff/alerts/{alert_id}/decide"},
)
def say_yes(request: AnyRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Agree to what was read. An emergency asks for the second factor first, where that is older than five minutes."""
    seen, user = read_form(body).one("seen"), request.user
    with transaction() as session:
        approval.approve(session, by=user, alert=deciding.own(session, user, alert_id), seen=seen)
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


@post(
    "/staff/alerts/{alert_id:uuid}/reject",
    guards=[from_our_pages, Requires(Right.APPROVE_ALERTS)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
)
def say_no(request: AnyRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Send it back to its author, with a reason."""
    reason = read_form(body).one("reason")
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        fault = Fault("reason", f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters")
        return _decide_page(request.user, alert_id, reason=reason, faults=[fault])
    with transaction() as session:
        alert = deciding.own(session, request.user, alert_id)
        approval.reject(session, by=request.user, alert=alert, reason=reason)
    return Redirect(f"/staff/alerts/{alert_id}", status_code=303)


@get(
    "/staff/alerts/{alert_id:uuid}/alone",
    guards=[Requires(Right.BROADCAST)],
    sync_to_thread=True,
    include_in_schema=False,
)
def read_before_breaking_the_glass(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """What it means to send an emergency without a second person."""
    return _alone_page(request.user, alert_id, reason=kept_words(request, request.user))


def _alone_page(user: Principal, alert_id: UUID, *, reason: str = "", faults: Sequence[Fault] = ()) -> Response[object]:
    return _review_page(user, "staff-alone.html", alert_id, reason, faults)


@post(
    "/staff/alerts/{alert_id:uuid}/alone",
    guards=[from_our_pages, Requires(Right.BROADCAST)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
)
def break_glass(request: AnyRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Let an emergency go alone, with a reason; every administrator is written to."""
    form, user = read_form(body), request.user
    reason = form.one("reason")
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        fault = Fault(
            "reason", f"Say why nobody else can approve it, in {SHORTEST_REASON} to {LONGEST_REASON} characters"
        )
        return _alone_page(user, alert_id, reason=reason, faults=[fault])
    with coming_back(request.url.path, words=reason), transaction() as session:
        alert = deciding.own(session, user, alert_id)
        approval.break_glass(session, by=user, alert=alert, seen=form.one("seen"), reason=reason)
    return forget_words(Redirect(f"/staff/alerts/{alert_id}", status_code=303))


HANDLERS: Sequence[ControllerRouterHandler] = (
    read_before_deciding,
    check_before_sending,
    preview,
    say_yes,
    say_no,
    read_before_breaking_the_glass,
    break_glass,
)
