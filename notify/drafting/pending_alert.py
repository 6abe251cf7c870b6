"""An alert that is submitted or scheduled, as its page shows it: when it goes, who gets it, its words, who agreed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from notify.alerts.models import Alert, AlertState, Approval
from notify.alerts.service import approvals_needed
from notify.core.clock import uk_time
from notify.drafting.approval_version import Fact, facts_of
from notify.drafting.review import name_of


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is to happen with it. `approved` are sentences, the first yes first; `missing` counts those to come."""

    when: str
    author: str
    changed_by: str
    approved: Sequence[str]
    missing: int
    facts: Sequence[Fact]


def waiting(session: Session, alert: Alert) -> Waiting | None:
    """The alert while it waits; None before it was submitted, and once it goes out."""
    if alert.state not in (AlertState.SUBMITTED, AlertState.SCHEDULED):
        return None
    yes = select(Approval).where(
        Approval.alert_id == alert.id, Approval.submission == alert.submission, col(Approval.approved)
    )
    approved = [
        f"{name_of(session, one.actor)} at {uk_time(one.at)}" for one in session.exec(yes.order_by(col(Approval.at)))
    ]
    at = uk_time(alert.send_at) if alert.send_at else ""
    missing = max(0, approvals_needed(session, alert) - len(approved)) if alert.state == AlertState.SUBMITTED else 0
    return Waiting(
        when=at or "As soon as it is approved",
        author=name_of(session, alert.created_by),
        changed_by=name_of(session, alert.changed_by) if alert.changed_by else "",
        approved=approved,
        missing=missing,
        facts=facts_of(session, alert),
    )
