"""An alert's live progress, as server-sent events."""

from collections.abc import Sequence
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from litestar.response import ServerSentEvent
from litestar.types import ControllerRouterHandler

from notify.alerts import queries as alerts
from notify.core.db import transaction
from notify.core.errors import NotFound
from notify.insight.alert.progress import is_watched, progress_of
from notify.insight.live_stream import live
from notify.staff.guards import Principal, Requires, Right
from notify.staff.routes import StaffRequest
from notify.web.templates import part


@get(
    "/staff/alerts/{alert_id:uuid}/live",
    guards=[Requires(Right.SEE_ALERTS)],
    include_in_schema=False,
    is_stream=True,
)
async def watch_alert(request: StaffRequest, alert_id: FromPath[UUID]) -> ServerSentEvent:
    """The figures as server-sent events while they change."""

    def require() -> None:
        with transaction() as session:
            alerts.alert(session, request.user, alert_id)

    return await live(request, require, lambda user: _read(user, alert_id))


def _read(user: Principal, alert_id: UUID) -> tuple[str, bool] | None:
    """The figures as they stand on the page, and whether they still change. None: nobody may see them any more."""
    try:
        with transaction() as session:
            alert = alerts.alert(session, user, alert_id)
            shown = progress_of(session, alert)
    except NotFound:
        return None
    return part("alerts/progress.html", may_call=user.may(Right.SEE_SUBSCRIBERS), **shown), is_watched(alert)


HANDLERS: Sequence[ControllerRouterHandler] = (watch_alert,)
