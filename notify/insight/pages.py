"""The officer's page of one alert with its progress."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.alerts import approval, ended_areas
from notify.alerts import queries as alerts
from notify.alerts.late_alerts import is_held
from notify.alerts.models import AlertState
from notify.alerts.publishing.area import area_of
from notify.core.clock import uk_time
from notify.core.db import transaction
from notify.drafting.pending_alert import waiting
from notify.insight.alert.progress import progress_of
from notify.staff.guards import Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get
from notify.subscribers.models import Topic
from notify.web.headers import map_headers


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
        waits = waiting(session, alert)
        asked = approval.approvers(session, alert) if alert.state == AlertState.SUBMITTED else ()
        may_decide = request.user.may(Right.APPROVE_ALERTS) and not approval.why_not(session, request.user, alert)
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
        may_decide=may_decide,
        asked=[one.name for one in asked],
        may_broadcast=may(Right.BROADCAST),
        sent_back=sent_back,
        waiting=waits,
        first=first,
        updates=updates,
        ended_areas=[str(one) for one in ended],
        can_replace=all(one.successors for one in ended) and alert.state in ended_areas.BEFORE_SENDING,
        late_at=uk_time(alert.send_at) if is_held(alert) and alert.send_at else "",
        **shown,
    )


HANDLERS: Sequence[ControllerRouterHandler] = (show_alert,)
