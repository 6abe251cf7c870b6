"""The JSON door of an alert's figures."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from litestar import Request, get
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.alerts import queries as alerts
from notify.alerts.models import AlertState
from notify.analytics import queries
from notify.analytics.queries import NamedTally, Tally
from notify.db import transaction
from notify.staff.guards import Principal, Requires, Right

AnyRequest = Request[Principal, None, State]


class TallyView(SQLModel):
    """Deliveries by what became of them."""

    recipients: int
    sent: int = Field(description="Handed over to a provider. Nobody can promise the handset.")
    delivered: int = Field(description="Reported as delivered by a provider that reports it.")
    failed: int
    suppressed: int = Field(description="Not sent: unsubscribed, erased or suppressed after the audience was fixed.")
    cancelled: int = Field(description="Not sent: cancelled or expired before the hand-over.")
    waiting: int


class GroupView(TallyView):
    """The same for one channel, language or ward."""

    code: str | None
    name: str


class RepliesView(SQLModel):
    """The last answers of people to an emergency that asked for them. Each counts once."""

    code: str | None = Field(description="The ward; null where it is not known.")
    asked: int
    safe: int
    help: int


class AnalyticsView(TallyView):
    """What became of an alert. Times are seconds from approval to hand-over."""

    alert: UUID
    state: AlertState
    unsubscribed: int
    clicks: int = Field(description="Clicks on the tracked link, whoever it was; 0 where the topic is not tracked.")
    clicks_people: int = Field(description="People who agreed to be counted and clicked.")
    opens: int = Field(description="People who agreed to be counted and opened: indicative only.")
    time_to_50: float | None
    time_to_95: float | None
    time_to_99: float | None
    by_channel: list[GroupView]
    by_language: list[GroupView]
    by_ward: list[GroupView]
    replies_by_ward: list[RepliesView] = Field(description="Empty where the alert does not ask for replies.")


def _group(group: NamedTally) -> GroupView:
    return GroupView(code=group.code, name=group.name, **asdict(group.tally))


def _tally(tally: Tally) -> dict[str, int]:
    return asdict(tally)


@get("/alerts/{alert_id:uuid}/analytics", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["analytics"])
def read_analytics(request: AnyRequest, alert_id: FromPath[UUID]) -> AnalyticsView:
    """How many were reached, how fast, and what they did as far as they agreed to be counted."""
    with transaction() as session:
        alert = alerts.alert(session, request.user.council_id, alert_id, request.user.remit)
        found = queries.figures(session, alert)
        replies = queries.replies(session, alert) if alert.asks_reply else {}
    return AnalyticsView(
        replies_by_ward=[RepliesView(code=code, **asdict(count)) for code, count in replies.items()],
        alert=alert.id,
        state=alert.state,
        **_tally(found.total),
        unsubscribed=found.unsubscribed,
        clicks=found.clicks,
        clicks_people=found.clicks_by_people_who_agreed,
        opens=found.opens,
        time_to_50=found.time_to_50,
        time_to_95=found.time_to_95,
        time_to_99=found.time_to_99,
        by_channel=[_group(group) for group in found.by_channel],
        by_language=[_group(group) for group in found.by_language],
        by_ward=[_group(group) for group in found.by_ward],
    )


HANDLERS: Sequence[ControllerRouterHandler] = (read_analytics,)
