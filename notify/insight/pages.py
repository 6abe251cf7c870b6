"""The officer's pages: the council's alerts, and one alert with its progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.alerts import ended_areas
from notify.alerts import queries as alerts
from notify.alerts.late_alerts import is_held
from notify.alerts.models import Alert
from notify.alerts.publishing.area import area_of
from notify.core.clock import uk_time
from notify.core.db import transaction
from notify.guided_start.steps import steps
from notify.insight.alert.progress import progress_of
from notify.staff.guards import Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get
from notify.subscribers.models import Topic
from notify.web.headers import map_headers


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """What the list shows of an alert."""

    id: UUID
    title: str
    topic: str
    state: str
    priority: str
    is_training: bool
    is_late: bool
    has_ended_areas: bool
    created_at: datetime
    recipients: int | None


def _summary(alert: Alert, topic: Topic) -> AlertSummary:
    return AlertSummary(
        id=alert.id,
        title=alert.title,
        topic=topic.name,
        state=alert.state.value,
        priority=alert.priority.value,
        is_training=alert.is_training,
        is_late=is_held(alert),
        has_ended_areas=ended_areas.is_held(alert),
        created_at=alert.created_at,
        recipients=alert.recipients,
    )


@staff_get("/staff", Requires(Right.SEE_ALERTS))
def list_alerts(request: StaffRequest) -> Response[object]:
    """The council's newest alerts."""
    with transaction() as session:
        found = alerts.alerts(session, request.user, limit=100)
        summaries = [_summary(alert, topic) for alert, topic in found]
        to_do = steps(session, request.user.council_id) if request.user.may(Right.WRITE_ALERTS) else []
    may = request.user.may
    return staff_page(
        request.user,
        "alerts/list.html",
        at="/staff",
        alerts=summaries,
        to_do=to_do,
        may_put_away=may(Right.MANAGE_STAFF),
        may_write=may(Right.WRITE_ALERTS),
        may_broadcast=may(Right.BROADCAST),
    )


@staff_get("/staff/alerts/{alert_id:uuid}", Requires(Right.SEE_ALERTS))
def show_alert(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """One alert and how far it is; a small script renews the figures as long as they change."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        topic = session.get_one(Topic, alert.topic_id)
        shown = progress_of(session, alert)
        first, updates = alerts.linked(session, request.user, alert)
        ended = ended_areas.shown(session, alert)
        sent_back = alerts.sent_back_because(session, alert)
        extent = area_of(session, alert, language="en").extent if alert.targets else None
    may = request.user.may
    return staff_page(
        request.user,
        "alerts/alert.html",
        at="",
        headers=map_headers() if extent else {},
        map=extent,
        topic=topic.name,
        may_call=may(Right.SEE_SUBSCRIBERS),
        may_write=may(Right.WRITE_ALERTS),
        may_decide=may(Right.APPROVE_ALERTS),
        may_broadcast=may(Right.BROADCAST),
        sent_back=sent_back,
        first=first,
        updates=updates,
        ended_areas=[str(one) for one in ended],
        can_replace=all(one.successors for one in ended) and alert.state in ended_areas.BEFORE_SENDING,
        late_at=uk_time(alert.send_at) if is_held(alert) and alert.send_at else "",
        **shown,
    )


MENU_ITEMS = (MenuItem("Alerts", "/staff", Right.SEE_ALERTS, 10),)
HANDLERS: Sequence[ControllerRouterHandler] = (list_alerts, show_alert)
