"""The report after an emergency: who did what and when, who was reached, and what they replied."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from notify.alerts.models import Alert, FollowUp
from notify.charts.areas import Area, areas
from notify.charts.words import pounds, whole
from notify.core.clock import LONDON
from notify.evidence.report import Report, Section
from notify.insight import queries
from notify.insight.alert.wards import land_of
from notify.insight.archive import queries as archive_queries
from notify.insight.models import RollupAlert
from notify.insight.performance_models import ServiceBreach, ServiceResult
from notify.staff.budgets import in_pounds
from notify.subscribers.models import Topic

Moment = tuple[datetime, str]
FOLLOWED = {FollowUp.UPDATE: "Update sent", FollowUp.ALL_CLEAR: "All-clear sent"}


def incident_report(session: Session, alert: Alert) -> Report:
    """What is known of this alert now; of one that has not gone out, how far it is."""
    kept = archive_queries.one(session, alert, session.get_one(Topic, alert.topic_id))
    figures = queries.figures(session, alert)
    counted = session.get(RollupAlert, alert.id)
    moments = sorted(_moments(session, kept, counted))
    total = figures.total
    reached = [
        ["Messages", f"{total.recipients:,}"],
        ["Sent", f"{total.sent:,}"],
        ["Reported as delivered", f"{total.delivered:,}"],
        ["Failed", f"{total.failed:,}"],
        ["Not sent: left, suppressed or erased since", f"{total.suppressed:,}"],
        ["Cancelled or expired", f"{total.cancelled:,}"],
        ["Waiting", f"{total.waiting:,}"],
        ["Cost of messages", pounds(in_pounds(counted.cost)) if counted else "not counted yet"],
    ]
    return Report(
        title=f"Report: {alert.title}",
        intro=f"{kept.topic.name}, {alert.priority.value}. Written by {kept.written_by}. Times are those of this country. "
        f"CAP identifier and archive: alert {alert.id}.",
        sections=[
            Section("What was said", alert.body),
            Section("What happened when", "", ("When", "What"), [[_said(at), words] for at, words in moments]),
            Section("Message status", _speed(counted), ("What", "How many"), reached),
            _wards(session, figures.by_ward),
            *_replies(session, alert),
            _promised(session, alert),
        ],
    )


def _wards(session: Session, found: Sequence[queries.NamedTally]) -> Section:
    """Where its people live, on a map and beside it."""
    land, width, height = land_of(session, [one.code for one in found if one.code])
    chart = areas(
        "By ward",
        [
            Area(
                one.name,
                one.tally.recipients,
                *land.get(one.code or "", ("", 0.0, 0.0)),
                more=(whole(one.tally.sent), whole(one.tally.delivered), whole(one.tally.failed)),
            )
            for one in found
        ],
        width=width,
        height=height,
        heads=("Ward", "On the map", "Messages", "Sent", "Delivered", "Failed"),
    )
    return Section("By ward", chart.about, chart.heads, [(row.label, *row.cells) for row in chart.rows], chart.svg)


def _moments(session: Session, kept: archive_queries.Kept, counted: RollupAlert | None) -> Iterator[Moment]:
    alert = kept.alert
    yield alert.created_at, f"Written by {kept.written_by}"
    for one in kept.agreed:
        yield one.at, "Sent alone, with a reason" if one.alone else f"Approved ({one.role or 'key'})"
    named = (
        (alert.expanded_at, "Its messages were written down, and the first went out"),
        (alert.escalated_at, "Another way to those who were not reached"),
        (alert.finished_at, "The last message was done with"),
    )
    yield from ((at, words) for at, words in named if at)
    if counted:
        for share, seconds in ((50, counted.time_to_50), (95, counted.time_to_95), (100, counted.time_to_100)):
            if seconds is not None:
                yield counted.started_at + timedelta(seconds=seconds), f"{share}% were sent"
    subscribers = session.exec(select(Alert).where(col(Alert.follows_id) == alert.id))
    for later in subscribers:
        if later.expanded_at and later.follow_up:
            yield later.expanded_at, f"{FOLLOWED[later.follow_up]}: {later.title}"


def _said(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%-d %B %Y, %H:%M:%S}"


def _speed(counted: RollupAlert | None) -> str:
    if counted is None or counted.time_to_95 is None:
        return "Nothing was sent yet."
    return f"95% were sent {counted.time_to_95:,.1f} seconds after it could go."


def _replies(session: Session, alert: Alert) -> Sequence[Section]:
    if not alert.asks_reply:
        return []
    found = queries.replies(session, alert)
    every = found.values()
    rows = [
        ["Asked", f"{sum(one.asked for one in every):,}"],
        ["Safe", f"{sum(one.safe for one in every):,}"],
        ["Need help", f"{sum(one.help for one in every):,}"],
    ]
    return [Section("What people replied", "", ("Answer", "People"), rows)]


def _promised(session: Session, alert: Alert) -> Section:
    """Whether the target was met, and why not."""
    result = session.get(ServiceResult, alert.id)
    if result is None:
        return Section("The service level", "It is judged once its time is over.")
    promise = f"Promised: {result.target_percent:g}% within {result.target_seconds} seconds. "
    if result.is_met:
        return Section("The service level", f"{promise}It was met.")
    breach = session.get(ServiceBreach, alert.id)
    causes = " ".join(one["words"] for one in breach.causes) if breach else ""
    return Section("The service level", f"{promise}It was missed. {causes} {breach.note if breach else ''}".strip())
