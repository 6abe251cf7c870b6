"""The page on which a second person reads an alert and says yes or no."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts import approval, deciding, queries
from notify.alerts.models import Alert, AlertState, DryRun
from notify.db import transaction
from notify.staff.desk import Fault, staff_page
from notify.staff.guards import Principal, Requires, Right
from notify.staff.step_up import coming_back, forget_words, kept_words
from notify.subscribers.models import Topic
from notify.web.forms import from_our_pages, read_form

AnyRequest = Request[Principal, object, State]

FEWEST_SHOWN = 10
SHORTEST_REASON, LONGEST_REASON = 3, 500


@dataclass(frozen=True, slots=True)
class ToDecide:
    """An alert as the second person reads it. `seen` is the hash of everything that their yes is about."""

    id: UUID
    title: str
    body: str
    sms: str | None
    topic: str
    is_emergency: bool
    waits: bool
    whom: str
    seen: str


def _to_decide(session: Session, user: Principal, alert_id: UUID) -> ToDecide:
    alert = deciding.own(session, user, alert_id)
    topic = session.get_one(Topic, alert.topic_id)
    return ToDecide(
        id=alert.id,
        title=alert.title,
        body=alert.body,
        sms=alert.sms,
        topic=topic.name,
        is_emergency=alert.priority == "emergency",
        waits=alert.state == AlertState.SUBMITTED,
        whom=_whom(session, user, alert, topic),
        seen=alert.content_hash.hex(),
    )


def _whom(session: Session, user: Principal, alert: Alert, topic: Topic) -> str:
    """In words, whom a send would reach now."""
    if alert.follows_id:
        return "It goes to exactly those who got the alert that it follows."
    asked = {"topic": topic.slug, "audience": alert.audience, "channels": alert.channels, "priority": alert.priority}
    count = queries.count_audience(session, user, DryRun.model_validate(asked))
    wards = [ward.name for ward in count.by_ward if ward.code]
    where = f" in {', '.join(wards[:10])}{' and other wards' if len(wards) > 10 else ''}" if wards else ""
    if not count.people:
        return "It would reach nobody now."
    if count.people < FEWEST_SHOWN:
        return f"It would reach fewer than {FEWEST_SHOWN} people now."
    return f"It would reach {count.people:,} people now{where}."


def _decide_page(
    user: Principal, alert_id: UUID, *, reason: str = "", faults: Sequence[Fault] = ()
) -> Response[object]:
    with transaction() as session:
        alert = _to_decide(session, user, alert_id)
    status = 422 if faults else 200
    return staff_page(user, "staff-decide.html", at="", status=status, alert=alert, reason=reason, faults=faults)


@get(
    "/staff/alerts/{alert_id:uuid}/decide",
    guards=[Requires(Right.APPROVE_ALERTS)],
    sync_to_thread=True,
    include_in_schema=False,
)
def read_before_deciding(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """What is asked for: the words, whom they reach, and two buttons."""
    return _decide_page(request.user, alert_id)


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
    with transaction() as session:
        alert = _to_decide(session, user, alert_id)
    status = 422 if faults else 200
    return staff_page(user, "staff-alone.html", at="", status=status, alert=alert, reason=reason, faults=faults)


@post(
    "/staff/alerts/{alert_id:uuid}/alone",
    guards=[from_our_pages, Requires(Right.BROADCAST)],
    status_code=303,
    sync_to_thread=True,
    include_in_schema=False,
)
def break_glass(request: AnyRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Let an emergency go alone, with a reason; every administrator is written to."""
    reason, user = read_form(body).one("reason"), request.user
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        fault = Fault(
            "reason", f"Say why nobody else can approve it, in {SHORTEST_REASON} to {LONGEST_REASON} characters"
        )
        return _alone_page(user, alert_id, reason=reason, faults=[fault])
    with coming_back(request.url.path, words=reason), transaction() as session:
        approval.break_glass(session, by=user, alert=deciding.own(session, user, alert_id), reason=reason)
    return forget_words(Redirect(f"/staff/alerts/{alert_id}", status_code=303))


HANDLERS: Sequence[ControllerRouterHandler] = (
    read_before_deciding,
    say_yes,
    say_no,
    read_before_breaking_the_glass,
    break_glass,
)
