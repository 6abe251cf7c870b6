"""The pages on which an alert is read before it goes: by its author, by who approves it, by one person alone."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from litestar import MediaType, Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts import approval, queries, remit
from notify.alerts.models import Alert
from notify.core.db import transaction
from notify.core.form_fields import FieldError
from notify.deliveries.models import UpdateGroup
from notify.drafting import previews
from notify.drafting.review import review
from notify.drafting.route_options import (
    ALERT,
    APPROVES,
    BROADCASTS,
    SEES,
    WRITES,
    see_other,
)
from notify.staff.guards import Principal
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in.step_up import coming_back, forget_words, kept_words
from notify.web.forms import read_form
from notify.web.headers import FRAMED_BY_US, FRAMING_US

DECIDE, ALONE = "alerts/approve.html", "alerts/send-alone.html"
SHORTEST_REASON, LONGEST_REASON = 3, 500


def _review_page(
    user: Principal, name: str, alert_id: UUID, *, reason: str = "", field_errors: Sequence[FieldError] = ()
) -> Response[object]:
    with transaction() as session:
        return staff_page(
            user,
            name,
            at="",
            status=422 if field_errors else 200,
            headers=FRAMING_US,
            review=review(session, user, alert_id),
            reason=reason,
            field_errors=field_errors,
        )


@staff_get(f"{ALERT}/decide", APPROVES)
def read_before_deciding(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """What is asked for: the words, whom they reach, and two buttons."""
    return _review_page(request.user, DECIDE, alert_id)


@staff_get(f"{ALERT}/check", WRITES)
def check_before_sending(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """A stored draft as its author reads it once more: an update, an all-clear, or one that came by API or CAP."""
    return _review_page(request.user, "alerts/check.html", alert_id)


@staff_get(f"{ALERT}/preview/{{language:str}}", SEES)
def preview(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    language: FromPath[str],
    group: FromQuery[UpdateGroup | None] = None,
) -> Response[str]:
    """The email as it arrives, for the frames of these pages; of an update with another area as this group gets it."""
    with transaction() as session:
        alert = queries.alert(session, request.user, alert_id)
        queries.require_kind(request.user, alert)
        html = previews.email_html(previews.content_of_alert(session, alert).of_group(group), language)
    return Response(html, media_type=MediaType.HTML, headers=FRAMED_BY_US)


@staff_post(f"{ALERT}/approve", APPROVES, opt={"back": "/staff/alerts/{alert_id}/decide"})
def say_yes(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Agree to what was read. An emergency asks for the second factor first, where that is older than five minutes."""
    seen, user = read_form(body).one("seen"), request.user
    with transaction() as session:
        approval.approve(session, by=user, alert=remit.own(session, user, alert_id), seen=seen)
    return see_other(f"/staff/alerts/{alert_id}")


@staff_post(f"{ALERT}/reject", APPROVES)
def say_no(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Send it back to its author, with a reason."""
    return _refuse(request.user, alert_id, read_form(body).one("reason"), approval.reject)


@staff_post(f"{ALERT}/return", APPROVES)
def give_back(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Return it to its author for changes, with a reason."""
    return _refuse(request.user, alert_id, read_form(body).one("reason"), approval.return_for_changes)


class _Refusal(Protocol):
    def __call__(self, session: Session, *, by: Principal, alert: Alert, reason: str) -> Alert: ...


def _refuse(user: Principal, alert_id: UUID, reason: str, refusal: _Refusal) -> Response[object]:
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        field_error = FieldError("reason", f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters")
        return _review_page(user, DECIDE, alert_id, reason=reason, field_errors=[field_error])
    with transaction() as session:
        refusal(session, by=user, alert=remit.own(session, user, alert_id), reason=reason)
    return see_other(f"/staff/alerts/{alert_id}")


@staff_get(f"{ALERT}/alone", BROADCASTS)
def read_before_breaking_the_glass(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """What it means to send an emergency without a second person."""
    return _review_page(request.user, ALONE, alert_id, reason=kept_words(request, request.user))


@staff_post(f"{ALERT}/alone", BROADCASTS)
def break_glass(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Let an emergency go alone, with a reason; every administrator is written to."""
    form, user = read_form(body), request.user
    reason = form.one("reason")
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        field_error = FieldError(
            "reason", f"Say why nobody else can approve it, in {SHORTEST_REASON} to {LONGEST_REASON} characters"
        )
        return _review_page(user, ALONE, alert_id, reason=reason, field_errors=[field_error])
    with coming_back(request.url.path, words=reason), transaction() as session:
        alert = remit.own(session, user, alert_id)
        approval.break_glass(session, by=user, alert=alert, seen=form.one("seen"), reason=reason)
    return forget_words(see_other(f"/staff/alerts/{alert_id}"))


HANDLERS: Sequence[ControllerRouterHandler] = (
    read_before_deciding,
    check_before_sending,
    preview,
    say_yes,
    say_no,
    give_back,
    read_before_breaking_the_glass,
    break_glass,
)
