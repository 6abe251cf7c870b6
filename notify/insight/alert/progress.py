"""An alert's progress as its page shows it, first whole and then as updates."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from notify.alerts.incidents.models import Incident
from notify.alerts.models import Alert, AlertState, Priority
from notify.core import clock
from notify.deliveries import bounce_brake, escalation, holds
from notify.deliveries.models import Hold
from notify.deliveries.queries import count_dead, dead_deliveries
from notify.insight import queries
from notify.insight.alert.wards import NONE_YET, SHADES, map_of, ward_rows
from notify.insight.queries import Figures, RepliesCount

DEAD_SHOWN = 20
BEFORE_THE_END = frozenset({AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED, AlertState.SENDING})
# receipts and replies come in after the last send, and the longest wait for another channel is two hours
WATCHED_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class HoldShown:
    """A hold in force: of `everything`, the `lane` or the `alert`."""

    scope: str
    reason: str
    at: datetime


def is_watched(alert: Alert) -> bool:
    """Whether its page still changes by itself: on its way, or an emergency that waits or ended a moment ago."""
    waits = alert.state == AlertState.SUBMITTED and alert.priority == Priority.EMERGENCY
    if waits or alert.state == AlertState.SENDING:
        return True
    ended = alert.finished_at
    is_emergency = alert.priority == Priority.EMERGENCY and alert.state == AlertState.SENT
    return is_emergency and ended is not None and clock.now() - ended < WATCHED_AFTER


def progress_of(session: Session, alert: Alert) -> dict[str, Any]:
    """What `staff-progress.html` shows of this alert now."""
    figures = queries.figures(session, alert)
    replies = queries.replies(session, alert) if alert.asks_reply else {}
    rows = ward_rows(figures, replies)
    bounces = bounce_brake.bounces(session, alert.id)
    return {
        "alert": alert,
        "incident": session.get(Incident, alert.incident_id) if alert.incident_id else None,
        "figures": _shown(figures),
        "by_channel": [{"channel": group.name, **asdict(group.tally)} for group in figures.by_channel],
        "by_ward": rows,
        "ward_map": map_of(session, rows),
        "shades": [*SHADES, (0.0, NONE_YET, "none yet")],
        "replies": _total(replies) if alert.asks_reply else None,
        "is_under_way": alert.state == AlertState.SENDING,
        "is_watched": is_watched(alert),
        "escalates_at": escalation.escalates_at(session, alert),
        "holds": [
            HoldShown(holds.scope_of(one).partition(" ")[0], one.reason, one.at) for one in _holds(session, alert)
        ],
        "bounces": bounces.words if bounces else None,
        "dead": dead_deliveries(session, alert_id=alert.id, limit=DEAD_SHOWN),
        "dead_count": sum(count_dead(session, alert_id=alert.id).values()),
    }


def _holds(session: Session, alert: Alert) -> Sequence[Hold]:
    """What keeps this alert back; nothing of one that is over waits for anyone's word."""
    return holds.keeping_back(session, alert) if alert.state in BEFORE_THE_END else []


def _shown(figures: Figures) -> dict[str, object]:
    """The total with what people did and how fast it went, flat, as the template reads it."""
    rest = ("unsubscribed", "clicks", "opens", "time_to_50", "time_to_95", "time_to_99")
    return asdict(figures.total) | {name: getattr(figures, name) for name in rest}


def _total(replies: Mapping[str | None, RepliesCount]) -> RepliesCount:
    every = replies.values()
    return RepliesCount(sum(one.asked for one in every), sum(one.safe for one in every), sum(one.help for one in every))
