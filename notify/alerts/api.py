"""API routes of alerts and audiences."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, Session

from notify.alerts import (
    approval,
    area_replacement,
    audience_counts,
    follow_ups,
    idempotency,
    queries,
    remit,
    reschedule,
    revision,
    service,
)
from notify.alerts.audience_counts import to_pay_for
from notify.alerts.models import (
    Alert,
    AlertContent,
    AlertState,
    DryRun,
    FollowUp,
    FollowUpContent,
    NewAlert,
    NewTime,
    Priority,
)
from notify.alerts.search import AlertSearch
from notify.alerts.views import AlertPage, AlertView, AudienceView
from notify.core.db import Input, transaction
from notify.core.errors import Invalid
from notify.core.zoned_time import aware
from notify.staff.guards import Principal, Requires, Right
from notify.staff.routes import StaffRequest
from notify.subscribers.models import Topic
from notify.web.api_document import answers, needs
from notify.web.conditional import POLLED

THE_ALERT = answers(201, AlertView, "The alert.")
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key", description="Your own name for this request, up to 255 characters.", max_length=255
    ),
]


class IdempotencyKeyMissing(Invalid):
    """Without a key, a repeated request would send twice."""

    status = 400
    title = "The Idempotency-Key header is missing"


class Reason(Input):
    """Why an alert is sent back or returned."""

    reason: str = Field(min_length=3, max_length=500)


@post("/audiences", guards=[Requires(Right.WRITE_ALERTS)], status_code=200, sync_to_thread=True, tags=["audiences"])
def count_audience(request: StaffRequest, data: JSONBody[DryRun]) -> AudienceView:
    """Dry run: how many people an alert would reach, counted by the send's own query, by channel, language and ward.

    Numbers are rounded to ten. Each question is written down, and so many different ones may be asked in an hour.
    """
    with transaction() as session:
        told = audience_counts.count_for(session, request.user, data)
    count = told.count
    share = round(count.people / count.population, 4) if count.population else None
    return AudienceView(
        **asdict(count),
        fewer_than_ten=told.fewer_than_ten,
        sms_parts_total=count.sms_parts * to_pay_for(count.by_channel["sms"]) if "sms" in count.by_channel else 0,
        over_budget=_is_over(count, data.priority),
        share_of_population=share,
    )


def _is_over(count: queries.AudienceCount, priority: Priority) -> bool:
    if priority == Priority.EMERGENCY or count.cost_pence is None or count.budget_left_pence is None:
        return False
    return count.cost_pence > count.budget_left_pence


@post(
    "/alerts",
    guards=[Requires(Right.WRITE_ALERTS)],
    sync_to_thread=True,
    tags=["alerts"],
    responses=THE_ALERT,
    opt=needs("Idempotency-Key"),
)
def create_alert(
    request: StaffRequest, data: JSONBody[NewAlert], idempotency_key: IdempotencyKey = None
) -> Response[object]:
    """Create an alert and, with `"send": true`, send it where the topic's approval rule allows.

    An emergency that a key sends stays `submitted` until a person with a fresh second factor approves it.
    The same key with the same body gets the same reply again and sends nothing twice; with another body it is
    refused (422); while the first request is running the answer is 409.
    """
    if not idempotency_key:
        raise IdempotencyKeyMissing("Send a header such as `Idempotency-Key: 7f3a…`, a new one for each alert.")
    user = request.user

    def create(session: Session) -> Alert:
        return service.create_and_send(session, by=user, new=data)

    return _once(user, idempotency_key, f"create {data.model_dump_json(by_alias=True)}", create)


def _once(user: Principal, key: str | None, asked: str, make: Callable[[Session], Alert]) -> Response[object]:
    """The alert that `make` makes; with a key, a repeated request gets the first one's reply instead."""
    # a rehearsal's key is not the real request's: neither must stand in the other's way
    key = f"test/{key}" if key and user.is_test else key
    body = f"{'test' if user.is_test else 'live'} {asked}".encode()
    with transaction() as session:
        known = idempotency.lock(session, council_id=user.council_id, key=key, body=body) if key else None
        if known is not None:
            return Response(known, status_code=201, headers={"Idempotent-Replay": "true"})
        reply = _view(session, make(session)).model_dump(mode="json")
        if key:
            idempotency.record(session, council_id=user.council_id, key=key, body=body, reply=reply)
    return Response(reply, status_code=201, headers={"Location": f"/api/v1/alerts/{reply['id']}"})


@get("/alerts", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["alerts"], opt=POLLED)
def list_alerts(
    request: StaffRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    after: FromQuery[UUID | None] = None,
    changed_since: FromQuery[datetime | None] = None,
    q: Annotated[
        str, QueryParameter(max_length=200, description="Words of an alert, or a part of its title or reference.")
    ] = "",
    in_state: Annotated[AlertState | None, QueryParameter(name="state")] = None,
    topic: FromQuery[str] = "",
    ward: Annotated[str, QueryParameter(max_length=20, description="Code of a ward that it went or goes to.")] = "",
    since: Annotated[date | None, QueryParameter(description="The first day on which it was written.")] = None,
    until: Annotated[date | None, QueryParameter(description="The last day on which it was written.")] = None,
    author: Annotated[UUID | None, QueryParameter(description="Id of the user who wrote it.")] = None,
) -> AlertPage:
    """The council's alerts, newest first; those that fit all of what is asked."""
    search = AlertSearch(q.replace("\0", ""), in_state, topic, ward, since, until, author)
    changed = aware(changed_since)
    with transaction() as session:
        found = queries.alerts(session, request.user, after=after, changed_since=changed, search=search, limit=limit)
        views = [AlertView.of(alert, topic) for alert, topic in found]
    return AlertPage(alerts=views, next=views[-1].id if len(views) == limit else None)


@get("/alerts/{alert_id:uuid}", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["alerts"], opt=POLLED)
def read_alert(request: StaffRequest, alert_id: FromPath[UUID]) -> AlertView:
    """One alert and its state."""
    with transaction() as session:
        return _view(session, queries.alert(session, request.user, alert_id))


@put("/alerts/{alert_id:uuid}", guards=[Requires(Right.WRITE_ALERTS)], sync_to_thread=True, tags=["alerts"])
def change_alert(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[AlertContent]) -> AlertView:
    """Have a draft, or an alert that was sent back or returned, say this instead. It is a draft afterwards."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, revision.revise(session, by=request.user, alert=alert, new=data))


@post(
    "/alerts/{alert_id:uuid}/submit",
    guards=[Requires(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def submit_alert(request: StaffRequest, alert_id: FromPath[UUID]) -> AlertView:
    """Ask for a draft to be sent: at once where the topic needs no approval, except that a key's emergency waits."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, service.submit(session, by=request.user, alert=alert))


@post(
    "/alerts/{alert_id:uuid}/approve",
    guards=[Requires(Right.APPROVE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def approve_alert(
    request: StaffRequest, alert_id: FromPath[UUID], content_hash: FromQuery[str | None] = None
) -> AlertView:
    """Agree to exactly this content. The author cannot, and of an emergency nobody without a fresh second factor.

    With `content_hash`, as the alert showed it, the approval is refused where the alert has changed since.
    """
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, approval.approve(session, by=request.user, alert=alert, seen=content_hash))


@post(
    "/alerts/{alert_id:uuid}/reject",
    guards=[Requires(Right.APPROVE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def reject_alert(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[Reason]) -> AlertView:
    """Send a submitted alert back to its author with a reason."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, approval.reject(session, by=request.user, alert=alert, reason=data.reason))


@post(
    "/alerts/{alert_id:uuid}/return",
    guards=[Requires(Right.APPROVE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def return_alert(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[Reason]) -> AlertView:
    """Return a submitted alert to its author for changes. It is a draft again, and its author is told the reason."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, approval.return_for_changes(session, by=request.user, alert=alert, reason=data.reason))


@post(
    "/alerts/{alert_id:uuid}/cancel",
    guards=[Requires(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def cancel_alert(request: StaffRequest, alert_id: FromPath[UUID]) -> AlertView:
    """Stop an alert: what was not sent within a few seconds never will be.

    A key stops no emergency that someone decided to send, and before that only its own.
    """
    with transaction() as session:
        alert = remit.within(session, request.user, alert_id)
        return _view(session, service.cancel(session, by=request.user, alert=alert))


@post(
    "/alerts/{alert_id:uuid}/send-late",
    guards=[Requires(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def send_late(request: StaffRequest, alert_id: FromPath[UUID]) -> AlertView:
    """Send an approved alert that is held as late (`late_since`), now and as it was approved."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, reschedule.send_late(session, by=request.user, alert=alert))


@post(
    "/alerts/{alert_id:uuid}/reschedule",
    guards=[Requires(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def reschedule_alert(request: StaffRequest, alert_id: FromPath[UUID], data: JSONBody[NewTime]) -> AlertView:
    """Give an alert that waits another time. Where its topic needs approval, it is `submitted` again."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, reschedule.reschedule(session, by=request.user, alert=alert, send_at=data.send_at))


@post(
    "/alerts/{alert_id:uuid}/replace-areas",
    guards=[Requires(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["alerts"],
)
def replace_areas(request: StaffRequest, alert_id: FromPath[UUID]) -> AlertView:
    """Send it to the areas that have taken over those of its audience that ended. Approval is asked for again."""
    with transaction() as session:
        alert = remit.own(session, request.user, alert_id)
        return _view(session, area_replacement.replace_areas(session, by=request.user, alert=alert))


@post(
    "/alerts/{alert_id:uuid}/update",
    guards=[Requires(Right.WRITE_ALERTS)],
    sync_to_thread=True,
    tags=["alerts"],
    responses=THE_ALERT,
)
def update_alert(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    data: JSONBody[FollowUpContent],
    idempotency_key: IdempotencyKey = None,
) -> Response[object]:
    """Write again to exactly those who got this alert. What a key writes about an emergency waits for a person."""
    return _follow_up(request.user, alert_id, data, FollowUp.UPDATE, idempotency_key)


@post(
    "/alerts/{alert_id:uuid}/all-clear",
    guards=[Requires(Right.WRITE_ALERTS)],
    sync_to_thread=True,
    tags=["alerts"],
    responses=THE_ALERT,
)
def all_clear(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    data: JSONBody[FollowUpContent],
    idempotency_key: IdempotencyKey = None,
) -> Response[object]:
    """Tell exactly those who got this alert that it is over. What was not sent of it yet never will be.

    What a key writes about an emergency waits for a person, and the emergency goes on until then.
    """
    return _follow_up(request.user, alert_id, data, FollowUp.ALL_CLEAR, idempotency_key)


def _follow_up(
    user: Principal, alert_id: UUID, content: FollowUpContent, kind: FollowUp, key: str | None
) -> Response[object]:
    def create(session: Session) -> Alert:
        first = queries.alert(session, user, alert_id)
        return follow_ups.follow_up(session, by=user, first=first, kind=kind, content=content)

    return _once(user, key, f"{kind} {alert_id} {content.model_dump_json()}", create)


def _view(session: Session, alert: Alert) -> AlertView:
    return AlertView.of(alert, session.get_one(Topic, alert.topic_id))


HANDLERS: Sequence[ControllerRouterHandler] = (
    count_audience,
    create_alert,
    list_alerts,
    read_alert,
    submit_alert,
    approve_alert,
    reject_alert,
    return_alert,
    change_alert,
    cancel_alert,
    send_late,
    reschedule_alert,
    replace_areas,
    update_alert,
    all_clear,
)
