"""API routes of an alert's report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.alerts import queries as alerts
from notify.alerts.models import AlertState
from notify.core.db import transaction
from notify.insight import labels, queries
from notify.insight.alert.charts import links_of
from notify.insight.alert.report import Hits, OneAlert, one_alert
from notify.insight.council.slices import By, Slice, slices
from notify.insight.period import between
from notify.insight.queries import NamedTally, Tally
from notify.places.queries import names_by_code
from notify.staff.budgets import PENNY
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest
from notify.subscribers.queries import topic as topic_of

Since = Annotated[date | None, QueryParameter(description="The first day; else eleven months before the last's.")]
Until = Annotated[date | None, QueryParameter(description="The last day, included; else today.")]


class TallyView(SQLModel):
    """Deliveries by result."""

    recipients: int
    sent: int = Field(description="Sent to a provider. Nobody can promise the handset.")
    delivered: int = Field(description="Reported as delivered by a provider that reports it.")
    failed: int
    suppressed: int = Field(description="Not sent: unsubscribed, erased or suppressed after the audience was fixed.")
    cancelled: int = Field(description="Not sent: cancelled or expired before sending.")
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


class HitsView(SQLModel):
    """Clicks by who made them, as far as can be told."""

    human: int = Field(description="Estimated to be people.")
    machine: int = Field(description="Scanners, previews, proxies.")
    unknown: int


class NamedHitsView(HitsView):
    """The same for one link or one kind of device."""

    code: str
    name: str


class AnalyticsView(TallyView):
    """What became of an alert. Times are seconds from approval to send."""

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
    counted_at: datetime | None = Field(description="When what follows was counted; null: not yet.")
    clicks_by_verdict: HitsView
    opens_by_verdict: HitsView = Field(description="Of readers who agreed to be counted: indicative only.")
    by_link: list[NamedHitsView] = Field(description="Clicks by the link that was stored with the alert.")
    by_device: list[NamedHitsView]
    complained: int = Field(description="Reported by mail services as spam.")
    cost_pence: float | None = Field(description="Null where no provider has a price.")
    unpriced: int = Field(description="Messages without a price, which the cost leaves out.")


def _group(group: NamedTally) -> GroupView:
    return GroupView(code=group.code, name=group.name, **asdict(group.tally))


def _tally(tally: Tally) -> dict[str, Any]:
    return asdict(tally)


def _counted(found: OneAlert | None, links: Mapping[int, str]) -> dict[str, Any]:
    """What is kept beside the ledger; nought before the first count."""
    hits = (found.clicks, found.opens) if found else (Hits(), Hits())
    by_link = found.by_link if found else {}
    by_device = found.by_device if found else {}
    is_priced = found is not None and found.total.sent > found.total.unpriced
    return {
        "counted_at": found.total.counted_at if found else None,
        "clicks_by_verdict": HitsView(**asdict(hits[0])),
        "opens_by_verdict": HitsView(**asdict(hits[1])),
        "by_link": [_named(str(link), links.get(link, ""), of) for link, of in by_link.items()],
        "by_device": [_named(kind, labels.device(kind), of) for kind, of in by_device.items()],
        "complained": found.total.complained if found else 0,
        "cost_pence": found.total.cost / PENNY if found and is_priced else None,
        "unpriced": found.total.unpriced if found else 0,
    }


def _named(code: str, name: str, hits: Hits) -> NamedHitsView:
    return NamedHitsView(code=code, name=name, **asdict(hits))


@get("/alerts/{alert_id:uuid}/analytics", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["analytics"])
def read_analytics(request: StaffRequest, alert_id: FromPath[UUID]) -> AnalyticsView:
    """How many were reached, how fast, and what they did as far as they agreed to be counted."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        alerts.require_kind(request.user, alert)
        found = queries.figures(session, alert)
        replies = queries.replies(session, alert) if alert.asks_reply else {}
        kept = one_alert(session, alert)
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
        **_counted(kept, links_of(alert.link, alert.parts)),
    )


class FiguresLine(SQLModel):
    """One line of the council's figures."""

    key: str = Field(description="The topic's slug, a ward's code, a month as 2026-11, an alert's id, …")
    name: str
    alerts: int
    recipients: int = Field(description="Messages to the audience: one for each person and channel.")
    sent: int = Field(description="Sent to a provider, whatever came after.")
    delivered: int = Field(description="Reported as delivered by a provider that reports it.")
    failed: int
    unknown: int = Field(description="Nobody knows whether they were sent.")
    suppressed: int
    cancelled: int = Field(description="Stopped or too late.")
    waiting: int
    cost_pence: float | None = Field(description="Null where no message had a price.")
    unpriced: int = Field(description="Sent without a price, and not in the cost.")
    unsubscribed: int | None = Field(description="Null where it cannot be told by this breakdown, as below.")
    complained: int | None
    clicks_human: int | None = Field(description="Estimated to be people.")
    clicks_machine: int | None
    clicks_unknown: int | None
    opens: int | None = Field(description="Of readers who agreed to be counted: indicative only.")
    people_clicked: int | None = Field(description="People who agreed to be counted and clicked.")


class FiguresView(SQLModel):
    """The council's figures of some days, broken down by one thing. Tests, exercises and digests are left out."""

    by: By
    since: date
    until: date
    figures: list[FiguresLine]


@get("/figures", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["analytics"])
def read_figures(
    request: StaffRequest,
    by: Annotated[By, QueryParameter(description="What the lines are.")] = By.MONTH,
    since: Since = None,
    until: Until = None,
    topic: Annotated[str, QueryParameter(description="Only this topic's.")] = "",
    ward: Annotated[str, QueryParameter(description="Only what went to this ward.")] = "",
) -> FiguresView:
    """What the council sent, its result, what people did and what it cost, read from what is kept counted."""
    days = between(since, until)
    first, last = days.since, days.until
    council_id = request.user.council_id
    with transaction() as session:
        topic_id = topic_of(session, council_id, topic).id if topic else None
        found = slices(session, council_id, by=by, since=first, until=last, topic_id=topic_id, ward=ward or None)
        names = names_by_code(session, [one.key for one in found]) if by == By.WARD else {}
    return FiguresView(
        by=by, since=first, until=last, figures=[_line(one, names.get(one.key, one.name)) for one in found]
    )


def _line(one: Slice, name: str) -> FiguresLine:
    values = {field: getattr(one, field) for field in FiguresLine.model_fields if field not in ("name", "cost_pence")}
    return FiguresLine(**values, name=name, cost_pence=one.cost / PENNY if one.sent > one.unpriced else None)


HANDLERS: Sequence[ControllerRouterHandler] = (read_analytics, read_figures)
