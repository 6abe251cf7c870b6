"""What staff are told about as it happens: alerts that are let go, holds that the engine set, money that runs out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlmodel import Session, col, select

from notify.alerts import lateness
from notify.alerts.models import Alert, AlertState, Priority
from notify.db import transaction
from notify.deliveries.content import email_headers
from notify.deliveries.models import Hold
from notify.jobs import Lane
from notify.providers import registry
from notify.providers.base import Accepted, Channel, Message
from notify.rendering import mime_skeleton
from notify.settings import settings
from notify.staff.models import AuditEntry, Budget, Officer, Role
from notify.staff.money import money
from notify.staff.queries import council
from notify.staff.telling import tell_staff
from notify.subscribers.bounces import burst_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """What to tell: a line and what stands behind it. `urgent` wakes people."""

    title: str
    body: str
    urgent: bool = False
    addresses: Sequence[str] = ()  # of officers who are also written to


def tell(what: str) -> None:
    """Tell staff of `alert <id>`, `late <id>`, `hold <id>` or `budget <council's id>`; of what is gone, nothing."""
    kind, _, identity = what.partition(" ")
    with transaction() as session:
        news = TELLERS[kind](session, UUID(identity))
        mails = [_mail(news, address) for address in news.addresses] if news else []
    if news:
        tell_staff(news.title, news.body, urgent=news.urgent)
    if mails:
        providers = registry.providers_for(Channel.EMAIL, Lane.TRANSACTIONAL)
        for provider, outcome in registry.hand_over(providers, mails, lane=Lane.TRANSACTIONAL):
            if not isinstance(outcome, Accepted):
                log.error("officer not told", extra={"provider": provider.name})


def _mail(news: News, address: str) -> Message:
    reference = uuid4().hex
    compiled = mime_skeleton(
        headers=email_headers(news.title, "") | {"Auto-Submitted": "auto-generated"},
        text=news.body,
        html_text=None,
        language="en",
        names=("to", "message_id"),
    )
    return Message(reference, address, news.title, "", compiled.fill({"to": address, "message_id": reference}))


def _alert(session: Session, alert_id: UUID) -> News | None:
    alert = session.get(Alert, alert_id)
    if alert is None or alert.is_test:
        return None
    is_emergency = alert.priority == Priority.EMERGENCY
    sender = council(session, alert.council_id).name
    title = f"{'EMERGENCY ALERT' if is_emergency else 'Alert'} sent by {sender}: {alert.title}"
    return News(title, f"{alert.body}\n\nProgress: {settings().base_url}/staff/alerts/{alert.id}", is_emergency)


def _glass(session: Session, alert_id: UUID) -> News | None:
    """That somebody sent an emergency alone: for every administrator of the council."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        return None
    told = session.exec(
        select(AuditEntry)
        .where(AuditEntry.action == "alert.break-glass", AuditEntry.subject == str(alert_id))
        .order_by(col(AuditEntry.id).desc())
    ).first()
    reason = told.detail.get("reason", "") if told else ""
    who = told.actor if told else alert.created_by
    return News(
        f"An emergency was sent by one person alone: {alert.title}",
        f"{who} sent it without a second person.\n\nReason: {reason}\n\n{settings().base_url}/staff/alerts/{alert.id}",
        urgent=True,
        addresses=_administrators(session, alert.council_id),
    )


def _late(session: Session, alert_id: UUID) -> News | None:
    """That an alert is held because its time has passed: for its author and its approvers."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.is_test or not lateness.is_held(alert):
        return None
    waits = alert.state == AlertState.SUBMITTED
    what = (
        "It still needs approval. Approve it and send it late, or choose another time"
        if waits
        else ("It is approved. Send it now, or choose another time")
    )
    return News(
        f"Late and not sent: {alert.title}",
        f"The time to send this alert has passed, so we have not sent it.\n\n{what}:\n"
        f"{settings().base_url}/staff/alerts/{alert.id}",
        urgent=True,
        addresses=lateness.addresses(session, alert),
    )


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


def _bounces(session: Session, bounce_id: UUID) -> News | None:
    found = burst_of(session, bounce_id)
    if found is None:
        return None
    council_id, burst = found
    return News(
        f"{burst.addresses:,} addresses of {council(session, council_id).name} were refused for one reason",
        f"None of them is suppressed before somebody has looked. The reason: {burst.cause}\n\n"
        f"{settings().base_url}/staff/suppressions",
        urgent=True,
    )


def _reading(session: Session, council_id: UUID) -> News | None:
    """That somebody reads very many subscribers: for every administrator of the council."""
    noted = session.exec(
        select(AuditEntry)
        .where(AuditEntry.action == "residents.alarm", AuditEntry.council_id == council_id)
        .order_by(col(AuditEntry.id).desc())
    ).first()
    if noted is None:
        return None
    return News(
        f"Somebody reads many subscribers of {council(session, council_id).name}",
        f"{noted.actor} has read the details of {noted.detail.get('people')} subscribers today, most recently "
        f"{noted.subject}. If you do not know why, end their session or revoke the key.\n\n"
        f"{settings().base_url}/staff/audit?q=residents.read",
        urgent=True,
        addresses=_administrators(session, council_id),
    )


def _administrators(session: Session, council_id: UUID) -> Sequence[str]:
    active = select(Officer.email).where(Officer.council_id == council_id, Officer.role == Role.ADMIN)
    return session.exec(active.where(col(Officer.active))).all()


TELLERS = {
    "alert": _alert,
    "glass": _glass,
    "late": _late,
    "hold": _hold,
    "budget": _budget,
    "bounces": _bounces,
    "reading": _reading,
}
