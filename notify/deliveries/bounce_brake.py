"""The brake: when too many addresses of an alert are refused for good, something is wrong with the list or with us.

A routine alert is put on hold until someone has looked; an emergency alert goes on and says so.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Priority
from notify.core.settings import settings
from notify.deliveries import holds, process_metrics
from notify.deliveries.models import Hold
from notify.staff import notification_channels
from notify.staff.models import AuditEntry
from notify.staff.service import audit

log = logging.getLogger(__name__)

BRAKE = "engine:brake"
WARNING = "alert.bounces"
BOUNCING = """
    SELECT a.id, a.council_id, a.priority, sum(b.sent) AS sent, sum(b.bounced) AS bounced
    FROM alert a JOIN batch b ON b.alert_id = a.id
    WHERE {which}
    GROUP BY a.id
    HAVING sum(b.sent + b.bounced) >= :after
       AND sum(b.bounced) * 100 >= :percent * sum(b.sent + b.bounced)
    ORDER BY a.id LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Bounces:
    """An alert of which too many deliveries were refused for good."""

    alert_id: UUID
    council_id: UUID
    priority: Priority
    sent: int
    bounced: int

    @property
    def words(self) -> str:
        """The figures in a sentence."""
        of = self.sent + self.bounced
        return f"{self.bounced:,} of {of:,} messages were refused for good ({100 * self.bounced / of:.1f}%)."


def look(session: Session) -> None:
    """Brake, or warn of, every alert under way that bounces too much. Each is braked or warned of once.

    An alert whose brake was released is left alone: someone looked and decided.
    """
    for found in _bouncing(session, "a.state = 'sending' AND NOT a.is_test"):
        if found.priority == Priority.EMERGENCY:
            _warn(session, found)
        else:
            _brake(session, found)


def bounces(session: Session, alert_id: UUID) -> Bounces | None:
    """This alert's figures if they are past the limit, under way or not."""
    return next(iter(_bouncing(session, "a.id = :alert", alert=alert_id)), None)


def _bouncing(session: Session, which: str, **values: object) -> Sequence[Bounces]:
    chosen = settings()
    limits = {"percent": chosen.brake_percent, "after": chosen.brake_after}
    rows = session.execute(text(BOUNCING.format(which=which)), limits | values)
    return [Bounces(row.id, row.council_id, Priority(row.priority), int(row.sent), int(row.bounced)) for row in rows]


def _brake(session: Session, found: Bounces) -> None:
    braked = select(Hold.id).where(Hold.alert_id == found.alert_id, Hold.actor == BRAKE)
    if session.exec(braked).first():
        return
    reason = (
        f"{found.words} Look at where these addresses came from and at what the providers say, "
        f"then release or cancel: notify release --alert {found.alert_id}"
    )
    held = holds.hold(session, actor=BRAKE, reason=reason, alert_id=found.alert_id)
    if held.actor == BRAKE:  # not yet where someone else was quicker
        notification_channels.note(session, "hold", held.id)
        process_metrics.add(session, "notify_bounce_brakes_total")
        log.warning("alert on hold for its bounces", extra=_figures(found))


def _warn(session: Session, found: Bounces) -> None:
    warned = select(AuditEntry.id).where(
        AuditEntry.council_id == found.council_id,
        col(AuditEntry.action) == WARNING,
        AuditEntry.subject == str(found.alert_id),
    )
    if session.exec(warned).first():
        return
    audit(
        session,
        council_id=found.council_id,
        actor=BRAKE,
        action=WARNING,
        subject=str(found.alert_id),
        sent=found.sent,
        bounced=found.bounced,
    )
    process_metrics.add(session, "notify_bounce_warnings_total")
    log.warning("emergency alert bounces", extra=_figures(found))


def _figures(found: Bounces) -> dict[str, object]:
    return {"alert": found.alert_id, "sent": found.sent, "bounced": found.bounced}
