"""When a council's budget runs out: staff are notified at 80%, routine alerts wait, emergencies are sent."""

import logging
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.channels import Channel
from notify.core import clock
from notify.core.settings import settings
from notify.deliveries import holds, process_metrics
from notify.staff import notification_channels
from notify.staff.budgets import PENNY
from notify.staff.service import audit

log = logging.getLogger(__name__)

BUDGET = "engine:budget"
WARN_AT = 0.8
NEARLY_SPENT = """
    SELECT b.council_id, b.monthly_pence, b.warned_month, b.stopped_month,
           CAST(coalesce(sum(s.cost), 0) AS bigint) AS spent
    FROM budget b LEFT JOIN spend s ON s.council_id = b.council_id AND s.month = :month
    GROUP BY b.council_id
    HAVING coalesce(sum(s.cost), 0) >= :share * :penny * b.monthly_pence
    ORDER BY b.council_id
"""
NOTED = {
    "warned_month": "UPDATE budget SET warned_month = :month WHERE council_id = :council",
    "stopped_month": "UPDATE budget SET stopped_month = :month WHERE council_id = :council",
}


def look(session: Session) -> None:
    """Warn of every budget that is nearly spent, once a month, and hold the routine alerts of those that are.

    An alert that someone released is left alone: they looked and decided.
    """
    month = clock.first_of_month(clock.now())
    for row in session.execute(text(NEARLY_SPENT), {"month": month, "share": WARN_AT, "penny": PENNY}).all():
        if row.warned_month != month:
            _note(session, row.council_id, "budget.warning", month, spent=row.spent, budget=row.monthly_pence)
        if row.spent < row.monthly_pence * PENNY:
            continue
        if row.stopped_month != month:
            _note(session, row.council_id, "budget.spent", month, spent=row.spent, budget=row.monthly_pence)
        _hold_routine(session, row.council_id, row.monthly_pence)


def _note(session: Session, council_id: UUID, action: str, month: date, *, spent: int, budget: int) -> None:
    what = "warned_month" if action == "budget.warning" else "stopped_month"
    session.execute(text(NOTED[what]), {"council": council_id, "month": month})
    figures = {"spent_pence": spent / PENNY, "budget_pence": budget}
    audit(session, council_id=council_id, actor=BUDGET, action=action, subject=str(council_id), **figures)
    process_metrics.add(session, "notify_budget_warnings_total")
    notification_channels.note(session, "budget", council_id)
    log.warning(action, extra={"council": council_id, **figures})


def _hold_routine(session: Session, council_id: UUID, monthly_pence: int) -> None:
    """Hold what would cost more. Alerts whose channels are all free of charge go on."""
    priced = [
        channel.value
        for channel in Channel
        if any(choice.name in settings().prices for choice in settings().providers_for(channel))
    ]
    rows = session.execute(text(COSTLY), {"council": council_id, "channels": priced, "actor": BUDGET})
    reason = (
        f"This month's budget of £{monthly_pence / 100:,.2f} is spent. Raise it (PUT /api/v1/budget) and release, "
        "release as it is, or cancel."
    )
    for alert_id in rows.scalars().all():
        notification_channels.note(
            session, "hold", holds.hold(session, actor=BUDGET, reason=reason, alert_id=alert_id).id
        )


COSTLY = """
    SELECT a.id FROM alert a
    WHERE a.council_id = :council AND a.state = 'sending' AND a.priority = 'routine' AND NOT a.is_test
      AND EXISTS (SELECT 1 FROM batch b WHERE b.alert_id = a.id AND b.state IN ('queued', 'leased')
                    AND b.channel = ANY(:channels))
      AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.alert_id = a.id AND (h.lifted_at IS NULL OR h.actor = :actor))
    ORDER BY a.id LIMIT 100
"""
