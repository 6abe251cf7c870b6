"""The officer's pages: the council's alerts, and one alert with its live progress."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts import queries as alerts
from notify.alerts.models import Alert, AlertState
from notify.analytics import queries
from notify.analytics.queries import Figures
from notify.db import transaction
from notify.deliveries import brake, holds
from notify.deliveries.models import Hold
from notify.deliveries.queries import count_dead, dead_deliveries
from notify.staff.desk import staff_page
from notify.staff.guards import Principal, Requires, Right
from notify.subscribers.models import Topic

AnyRequest = Request[Principal, None, State]

DEAD_SHOWN = 20
BEFORE_THE_END = frozenset({AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED, AlertState.SENDING})


@dataclass(frozen=True, slots=True)
class HoldShown:
    """A hold in force: of `everything`, the `lane` or the `alert`."""

    scope: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """What the officer's pages show of an alert."""

    id: UUID
    title: str
    body: str
    topic: str
    state: str
    priority: str
    created_at: datetime
    approved_at: datetime | None
    expires_at: datetime | None
    recipients: int | None


def _summary(alert: Alert, topic: Topic) -> AlertSummary:
    return AlertSummary(
        id=alert.id,
        title=alert.title,
        body=alert.body,
        topic=topic.name,
        state=alert.state.value,
        priority=alert.priority.value,
        created_at=alert.created_at,
        approved_at=alert.approved_at,
        expires_at=alert.expires_at,
        recipients=alert.recipients,
    )


@get("/staff", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, include_in_schema=False)
def list_alerts(request: AnyRequest) -> Response[object]:
    """The council's newest alerts."""
    with transaction() as session:
        found = alerts.alerts(session, request.user.council_id, request.user.remit, limit=100)
        summaries = [_summary(alert, topic) for alert, topic in found]
    may = request.user.may
    return staff_page(
        request.user,
        "alerts.html",
        at="/staff",
        alerts=summaries,
        may_write=may(Right.WRITE_ALERTS),
        may_broadcast=may(Right.BROADCAST),
    )


@get("/staff/alerts/{alert_id:uuid}", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, include_in_schema=False)
def show_alert(request: AnyRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """One alert and how far it is; a small script renews the figures until everything was handed over."""
    with transaction() as session:
        alert = alerts.alert(session, request.user.council_id, alert_id, request.user.remit)
        summary = _summary(alert, session.get_one(Topic, alert.topic_id))
        figures = queries.figures(session, alert)
        kept_back = [
            HoldShown(holds.scope_of(one).partition(" ")[0], one.reason, one.at) for one in _holds(session, alert)
        ]
        bounces = brake.bounces(session, alert.id)
        dead = dead_deliveries(session, alert_id=alert.id, limit=DEAD_SHOWN)
        sent_back = alerts.sent_back_because(session, alert)
        dead_count = sum(count_dead(session, alert_id=alert.id).values())
    return staff_page(
        request.user,
        "alert.html",
        at="",
        alert=summary,
        figures=_shown(figures),
        by_channel=[{"channel": group.name, **asdict(group.tally)} for group in figures.by_channel],
        by_ward=[
            {"code": group.code, "name": group.name, "people": group.tally.recipients, **asdict(group.tally)}
            for group in figures.by_ward
        ],
        is_under_way=alert.state == AlertState.SENDING,
        holds=kept_back,
        bounces=bounces.words if bounces else None,
        dead=dead,
        dead_count=dead_count,
        may_write=request.user.may(Right.WRITE_ALERTS),
        sent_back=sent_back,
        may_broadcast=request.user.may(Right.BROADCAST),
        may_decide=request.user.may(Right.APPROVE_ALERTS),
    )


def _holds(session: Session, alert: Alert) -> Sequence[Hold]:
    """What keeps this alert back; nothing of one that is over waits for anybody's word."""
    return holds.keeping_back(session, alert) if alert.state in BEFORE_THE_END else []


def _shown(figures: Figures) -> dict[str, object]:
    """The total with what people did and how fast it went, flat, as the template reads it."""
    rest = ("unsubscribed", "clicks", "opens", "time_to_50", "time_to_95", "time_to_99")
    return asdict(figures.total) | {name: getattr(figures, name) for name in rest}


HANDLERS: Sequence[ControllerRouterHandler] = (list_alerts, show_alert)
