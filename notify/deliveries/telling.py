"""What staff are told about as it happens: alerts that are let go, holds that the engine set, money that runs out."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from notify.alerts.models import Alert, Priority
from notify.db import transaction
from notify.deliveries.models import Hold
from notify.settings import settings
from notify.staff.models import Budget
from notify.staff.money import money
from notify.staff.queries import council
from notify.staff.telling import tell_staff


@dataclass(frozen=True, slots=True)
class News:
    """What to tell: a line and what stands behind it. `urgent` wakes people."""

    title: str
    body: str
    urgent: bool = False


def tell(what: str) -> None:
    """Tell staff of `alert <id>`, `hold <id>` or `budget <council's id>`; of what is gone meanwhile, nothing."""
    kind, _, identity = what.partition(" ")
    with transaction() as session:
        news = TELLERS[kind](session, UUID(identity))
    if news:
        tell_staff(news.title, news.body, urgent=news.urgent)


def _alert(session: Session, alert_id: UUID) -> News | None:
    alert = session.get(Alert, alert_id)
    if alert is None or alert.is_test:
        return None
    is_emergency = alert.priority == Priority.EMERGENCY
    sender = council(session, alert.council_id).name
    title = f"{'EMERGENCY ALERT' if is_emergency else 'Alert'} sent by {sender}: {alert.title}"
    return News(title, f"{alert.body}\n\nProgress: {settings().base_url}/staff/alerts/{alert.id}", is_emergency)


def _hold(session: Session, hold_id: UUID) -> News | None:
    held = session.get(Hold, hold_id)
    if held is None or held.lifted_at is not None:
        return None
    where = f"\n\n{settings().base_url}/staff/alerts/{held.alert_id}" if held.alert_id else ""
    return News("An alert is on hold" if held.alert_id else "Sending is on hold", held.reason + where, urgent=True)


def _budget(session: Session, council_id: UUID) -> News | None:
    if session.get(Budget, council_id) is None:
        return None
    month = money(session, council_id)
    body = f"£{month.spent_pence / 100:,.2f} of £{(month.budget_pence or 0) / 100:,.2f} is spent this month."
    return News(f"The budget of {council(session, council_id).name} is nearly or wholly spent", body)


TELLERS = {"alert": _alert, "hold": _hold, "budget": _budget}
