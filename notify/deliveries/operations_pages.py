"""Pages of what runs: the queue and its holds, failed deliveries, providers, and webhook receivers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session, col, select

from notify.alerts import queries as alerts
from notify.alerts.models import Alert, AlertState
from notify.core.db import transaction
from notify.core.errors import Conflict, Invalid
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.core.jobs import Lane
from notify.deliveries import holds, queries
from notify.deliveries import webhook_receivers as endpoints
from notify.deliveries.manual_retries import retry
from notify.deliveries.metrics_exposition import workers_seen
from notify.deliveries.models import DeliveryState, Hold
from notify.deliveries.provider_health import provider_health
from notify.deliveries.webhook_receiver_views import own_receiver, receivers
from notify.staff.budgets import money, set_budget
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH, WEBHOOKS = "/staff/operations", "/staff/webhooks"
SHOWN = 200
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be held or released: a lane, an alert, or with neither everything."""

    lane: Lane | None = None
    alert_id: UUID | None = None

    @classmethod
    def read(cls, said: str) -> "Scope":
        """What a form says: `everything`, a lane, or the id of an alert. Raises: ValueError."""
        if said == EVERYTHING:
            return cls()
        return cls(lane=Lane(said)) if said in set(Lane) else cls(alert_id=UUID(said))


@staff_get(PATH, Requires(Right.SEE_WORK))
def show_operations(request: StaffRequest) -> Response[object]:
    """What waits, what is on hold, what failed, and whether the providers work."""
    with transaction() as session:
        return _page(session, request.user, EMPTY)


def _page(
    session: Session, user: Principal, form: Form, field_errors: Sequence[FieldError] = (), *, said: str = ""
) -> Response[object]:
    in_force = holds.in_force(session, council_id=user.council_id)
    going = select(Alert).where(
        Alert.council_id == user.council_id,
        col(Alert.state).in_([AlertState.APPROVED, AlertState.SCHEDULED, AlertState.SENDING]),
    )
    return staff_page(
        user,
        "operations/operations.html",
        at=PATH,
        status=422 if field_errors else 200,
        lanes=queries.lane_depths(session),
        workers=workers_seen(session),
        holds=[(hold, _name_of(session, hold), _scope_of(hold)) for hold in in_force],
        alerts=session.exec(going.order_by(col(Alert.id).desc()).limit(SHOWN)).all(),
        all_lanes=list(Lane),
        failed=queries.failed_alerts(session, user.council_id),
        providers=provider_health(session),
        money=money(session, user.council_id),
        may_change_budget=user.may(Right.CHANGE_BUDGET),
        may_steer=user.may(Right.STEER_QUEUE),
        may_retry=user.may(Right.WRITE_ALERTS),
        may_see_subscribers=user.may(Right.SEE_SUBSCRIBERS),
        may_see_figures=user.may(Right.SEE_FIGURES),
        form=form,
        said=said,
        field_errors=field_errors,
    )


def _scope_of(hold: Hold) -> str:
    return str(hold.alert_id or hold.lane or EVERYTHING)


def _name_of(session: Session, hold: Hold) -> str:
    if hold.alert_id:
        return f"“{session.get_one(Alert, hold.alert_id).title}”"
    return f"All {hold.lane} alerts" if hold.lane else "Everything"


@staff_post(f"{PATH}/hold", RequiresLive(Right.STEER_QUEUE))
def put_on_hold(request: StaffRequest, body: RawBody) -> Response[object]:
    """Send nothing of an alert, a lane or everything from about a second from now."""
    form, user = read_form(body), request.user
    try:
        scope = Scope.read(form.one("scope"))
    except ValueError:
        return _refused(user, form, [FieldError("scope", "Choose what to put on hold.")])
    if len(form.one("reason")) < 3:
        return _refused(user, form, [FieldError("reason", "Enter a reason. People who find the hold read it.")])
    try:
        with transaction() as session:
            reason = form.one("reason")[:500]
            holds.hold_for(session, by=user, reason=reason, lane=scope.lane, alert_id=scope.alert_id)
    except holds.QueueIsShared as error:
        return _refused(user, form, [FieldError("scope", error.detail)])
    return Redirect(PATH, status_code=303)


def _refused(user: Principal, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        return _page(session, user, form, field_errors)


@staff_post(f"{PATH}/release", RequiresLive(Right.STEER_QUEUE))
def let_go(request: StaffRequest, body: RawBody) -> Response[object]:
    """Let an alert, a lane or everything go on."""
    form, user = read_form(body), request.user
    try:
        scope = Scope.read(form.one("scope"))
        with transaction() as session:
            holds.release_for(session, by=user, lane=scope.lane, alert_id=scope.alert_id)
    except (ValueError, holds.QueueIsShared) as error:
        return _refused(user, EMPTY, [FieldError("holds", str(error) or "Choose a hold.")])
    return Redirect(PATH, status_code=303)


@staff_post(f"{PATH}/alerts/{{alert_id:uuid}}/retry", Requires(Right.WRITE_ALERTS), status_code=200)
def try_again(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Try failed deliveries of an alert again; those of which nobody knows only where that is ticked."""
    form, user = read_form(body), request.user
    states = [DeliveryState.TEMPORARY_FAILURE, DeliveryState.TECHNICAL_FAILURE]
    states += [DeliveryState.UNKNOWN] if form.has("unknown") else []
    with transaction() as session:
        alert = alerts.alert(session, user, alert_id)
        try:
            done = retry(session, by=user, alert=alert, states=states)
        except (Conflict, Invalid) as error:
            if user.may(Right.SEE_WORK):
                return _page(session, user, EMPTY, [FieldError("failed", error.detail)])
            raise
        session.flush()
        if user.may(Right.SEE_WORK):
            return _page(session, user, EMPTY, said=f"Messages that are tried again: {done.deliveries}.")
    return Redirect(f"/staff/alerts/{alert_id}/report", status_code=303)  # not everyone who may sees this page


@staff_post(f"{PATH}/budget", RequiresLive(Right.CHANGE_BUDGET))
def change_budget(request: StaffRequest, body: RawBody) -> Response[object]:
    """Say what may be spent each month; nothing typed: anything."""
    form, user = read_form(body), request.user
    typed = form.one("budget").removeprefix("£").replace(",", "")
    if typed and not re.fullmatch(r"\d{1,7}(\.\d\d)?", typed):
        return _refused(user, form, [FieldError("budget", "Enter an amount in pounds, like 1500 or 1500.50.")])
    pence = round(float(typed) * 100) if typed else None
    with transaction() as session:
        set_budget(session, council_id=user.council_id, actor=user.actor, monthly_pence=pence)
    return Redirect(PATH, status_code=303)


@staff_get(WEBHOOKS, Requires(Right.SEE_SUBSCRIBERS))
def show_receivers(request: StaffRequest) -> Response[object]:
    """The systems that get alerts by webhook, and how each fares."""
    with transaction() as session:
        return _receivers_page(session, request.user)


def _receivers_page(session: Session, user: Principal, secret: str = "") -> Response[object]:
    return staff_page(
        user,
        "operations/webhooks.html",
        at=PATH,
        receivers=receivers(session, user.council_id, limit=SHOWN),
        may_change=user.may(Right.CHANGE_MANY_SUBSCRIBERS),
        secret=secret,
    )


@staff_post(f"{WEBHOOKS}/{{contact:uuid}}/enable", RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS))
def enable_receiver(request: StaffRequest, contact: FromPath[UUID]) -> Response[object]:
    """Write to a receiver again."""
    with transaction() as session:
        own_receiver(session, request.user.council_id, contact)
        endpoints.enable(session, contact, actor=request.user.actor)
    return Redirect(WEBHOOKS, status_code=303)


@staff_post(f"{WEBHOOKS}/{{contact:uuid}}/disable", RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS))
def disable_receiver(request: StaffRequest, contact: FromPath[UUID]) -> Response[object]:
    """Write no more to a receiver."""
    with transaction() as session:
        own_receiver(session, request.user.council_id, contact)
        endpoints.disable(session, contact, actor=request.user.actor)
    return Redirect(WEBHOOKS, status_code=303)


@staff_post(
    f"{WEBHOOKS}/{{contact:uuid}}/secret",
    RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS),
    opt={"back": WEBHOOKS},
    status_code=200,
)
def change_receivers_secret(request: StaffRequest, contact: FromPath[UUID]) -> Response[object]:
    """A new signing secret, shown this once, for a person who is there."""
    request.user.require_fresh_mfa()
    with transaction() as session:
        own_receiver(session, request.user.council_id, contact)
        secret = endpoints.rotate_secret(session, contact, actor=request.user.actor)
        return _receivers_page(session, request.user, secret)


MENU_ITEMS = (MenuItem("Operations", PATH, Right.SEE_WORK, 95),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_operations,
    put_on_hold,
    let_go,
    try_again,
    change_budget,
    show_receivers,
    enable_receiver,
    disable_receiver,
    change_receivers_secret,
)
