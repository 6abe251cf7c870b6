"""Staff notifications about sending: single approvals, automatic holds, budgets, late alerts."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from notify.alerts import ended_areas, late_alerts
from notify.alerts.approval import approvers
from notify.alerts.models import Alert, AlertState, Priority
from notify.core.clock import uk_time
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.core.rendering import mime_skeleton
from notify.core.settings import settings
from notify.deliveries.message_content import email_headers
from notify.deliveries.models import Hold
from notify.places import succession
from notify.places.succession import EndedArea
from notify.providers import registry
from notify.providers.base import Accepted, Channel, Message
from notify.staff.budgets import money
from notify.staff.council_settings.effective import CouncilSettings, council_settings, installation_settings
from notify.staff.invitations import mailed_link
from notify.staff.models import AuditEntry, Budget, Officer, Role
from notify.staff.notification_channels import tell_staff
from notify.staff.queries import council, person
from notify.subscribers.suppression.bounces import burst_of

log = logging.getLogger(__name__)

AREAS_NAMED = 20


@dataclass(frozen=True, slots=True)
class News:
    """What to tell: a line and what stands behind it. `urgent` wakes people."""

    title: str
    body: str
    urgent: bool = False
    officers: Sequence[Officer] = ()  # who are also written to
    text: str = ""  # what is texted to those of them who have a mobile number; empty: nothing
    is_personal: bool = False  # for these officers alone, and for no channel that others read


def tell(what: str) -> None:
    """Tell staff of one of `TELLERS` and an id, as in `late <alert's id>`; of what is gone, nothing."""
    kind, _, identity = what.partition(" ")
    with transaction() as session:
        news = TELLERS[kind](session, UUID(identity))
        own = _speaker(session, news)
        mails = [_mail(news, own, one.email) for one in news.officers] if news else []
        texts = [_text(news, own, one.phone) for one in news.officers if one.phone] if news else []
    if news and not news.is_personal:
        tell_staff(news.title, news.body, urgent=news.urgent)
    for channel, messages in ((Channel.EMAIL, mails), (Channel.SMS, texts)):
        if messages:
            _send(channel, own, messages)


def _speaker(session: Session, news: News | None) -> CouncilSettings:
    """Whose sender a notification comes from: that of the council whose staff it is for."""
    if news is None or not news.officers:
        return installation_settings()
    return council_settings(session, news.officers[0].council_id)


def _send(channel: Channel, own: CouncilSettings, messages: Sequence[Message]) -> None:
    providers = registry.providers_for(channel, Lane.TRANSACTIONAL, chosen=own.providers_for(channel))
    for provider, outcome in registry.send_with_failover(providers, messages, lane=Lane.TRANSACTIONAL):
        if not isinstance(outcome, Accepted):
            log.error("officer not told", extra={"provider": provider.name})


def _text(news: News, own: CouncilSettings, number: str) -> Message:
    return Message(uuid4().hex, number, "", news.text, sender=own.sms_sender)


def _mail(news: News, own: CouncilSettings, address: str) -> Message:
    reference = uuid4().hex
    compiled = mime_skeleton(
        headers=email_headers(news.title, own) | {"Auto-Submitted": "auto-generated"},
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
    """That someone sent an emergency alone: for every administrator of the council."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        return None
    told = _newest(session, "alert.break-glass", _about(alert_id))
    reason = told.detail.get("reason", "") if told else ""
    page = f"{settings().base_url}/staff/alerts/{alert.id}"
    who = told.actor if told else alert.created_by
    return News(
        f"An emergency was sent by one person alone: {alert.title}",
        f"{who} sent it without a second person.\n\nReason: {reason}\n\n{page}",
        urgent=True,
        officers=_administrators(session, alert.council_id),
        text=f"An emergency was sent by one person alone: {alert.title}. {page}",
    )


def _late(session: Session, alert_id: UUID) -> News | None:
    """That an alert is held because its time has passed: for its author and its approvers."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.is_test or not late_alerts.is_held(alert):
        return None
    waits = alert.state == AlertState.SUBMITTED
    page = f"{settings().base_url}/staff/alerts/{alert.id}"
    what = (
        "It still needs approval. Approve it and send it late, or choose another time"
        if waits
        else ("It is approved. Send it now, or choose another time")
    )
    return News(
        f"Late and not sent: {alert.title}",
        f"The time to send this alert has passed, so we have not sent it.\n\n{what}:\n{page}",
        urgent=True,
        officers=late_alerts.people(session, alert),
        text=f"Late and not sent: {alert.title}. Send it or choose another time: {page}",
    )


def _approval(session: Session, alert_id: UUID) -> News | None:
    """That an alert waits for approval: for everyone who may approve it, with a link to where they do."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.is_test or alert.state != AlertState.SUBMITTED:
        return None
    officers = approvers(session, alert)
    if not officers:
        return None
    is_emergency = alert.priority == Priority.EMERGENCY
    page = f"{settings().base_url}/staff/alerts/{alert.id}/decide"
    title = f"{'Emergency to approve' if is_emergency else 'Alert to approve'}: {alert.title}"
    goes = f"It is to be sent at {uk_time(alert.send_at)}" if alert.send_at else "It is sent after final approval"
    body = f"{alert.body}\n\n{goes}.\n\nRead and approve it, or return it for changes:\n{page}"
    return News(title, body, is_emergency, officers, text=f"{title}. {page}")


def _returned(session: Session, alert_id: UUID) -> News | None:
    """That an alert came back for changes: for its author, or for the administrators where that is no user."""
    alert = session.get(Alert, alert_id)
    told = _newest(session, "alert.return", _about(alert_id))
    if alert is None or alert.is_test or told is None or alert.state != AlertState.DRAFT:
        return None
    page = f"{settings().base_url}/staff/alerts/{alert.id}"
    reason = told.detail.get("reason", "")
    return News(
        f"Returned for changes: {alert.title}",
        f"Your alert was not approved yet.\n\nReason: {reason}\n\nChange it and ask for approval again:\n{page}",
        officers=_person_or_administrators(session, told, alert.changed_by or alert.created_by),
        text=f"Returned for changes: {alert.title}. {page}",
        is_personal=True,
    )


def _areas(session: Session, alert_id: UUID) -> News | None:
    """That areas of an alert have ended: it is held, or, an emergency, it went to the areas that have taken over."""
    found = ended_areas.of(session, alert_id)
    if found is None:
        return None
    alert, ended = found
    page = f"{settings().base_url}/staff/alerts/{alert.id}"
    is_emergency = alert.priority == Priority.EMERGENCY
    what = (
        "We sent it to the areas that have taken over. Check that this is what you meant"
        if is_emergency
        else "We have not sent it. Replace the areas, or cancel the alert"
    )
    return News(
        f"Areas have ended: {alert.title}",
        f"{_sentences(ended)}\n\n{what}:\n{page}",
        urgent=True,
        officers=late_alerts.people(session, alert),
        text=f"Areas have ended: {alert.title}. {what}: {page}",
    )


def _sentences(found: Sequence[EndedArea]) -> str:
    return "\n".join(str(one) for one in found[:AREAS_NAMED])


def _recurring_areas(session: Session, recurrence_id: UUID) -> News | None:
    """That areas of a recurring alert have ended: nothing more of it is sent until someone replaces them."""
    told = _newest(session, "recurrence.areas-ended", _about(recurrence_id))
    if told is None:
        return None
    return News(
        f"Areas have ended: {told.detail['title']}",
        f"{_sentences(_ended_in(session, told))}\n\nThis recurring alert is not sent until its areas are replaced:\n"
        f"{settings().base_url}/staff/calendar#again",
        urgent=True,
        officers=_person_or_administrators(session, told, str(told.detail["author"])),
    )


def _remit_areas(session: Session, officer_id: UUID) -> News | None:
    """That areas given to an officer have ended."""
    told = _newest(session, "officer.areas-ended", _about(officer_id))
    if told is None:
        return None
    officer = session.get_one(Officer, officer_id)
    others = [one for one in _administrators(session, officer.council_id) if one.id != officer.id]
    return News(
        f"Areas given to {officer.name} have ended",
        f"{_sentences(_ended_in(session, told))}\n\nAn administrator can change them:\n"
        f"{settings().base_url}/staff/officers/{officer.id}",
        officers=[officer, *others],
    )


def _invitation(session: Session, officer_id: UUID) -> News | None:
    """The link by which someone who was invited begins."""
    officer = session.get(Officer, officer_id)
    link = mailed_link(session, officer) if officer else None
    if officer is None or link is None:
        return None
    return News(
        f"{council(session, officer.council_id).name} has invited you to its alerts",
        f"Open this link and sign in. It works once, for {'seven days' if 'invitation' in link else 'ten minutes'}:\n"
        f"{link}\n\nIf you did not expect this, ignore this email.",
        officers=[officer],
        is_personal=True,
    )


def _merger(session: Session, old_id: UUID) -> News | None:
    """That a council has become part of another: for every user of the new one."""
    old = council(session, old_id)
    if old.merged_into_id is None:
        return None
    new = council(session, old.merged_into_id)
    users = select(Officer).where(Officer.council_id == new.id, col(Officer.active)).order_by(Officer.email)
    return News(
        f"{old.name} is now part of {new.name}",
        f"Residents, topics, waiting and recurring alerts, templates, users and API keys of {old.name} are now with "
        f"{new.name}. Sign in again. What {old.name} sent stays readable under its name. API keys work as before.\n\n"
        f"{settings().base_url}/staff",
        officers=session.exec(users).all(),
    )


def _about(subject: UUID) -> ColumnElement[bool]:
    return col(AuditEntry.subject) == str(subject)


def _newest(session: Session, action: str, which: ColumnElement[bool]) -> AuditEntry | None:
    statement = select(AuditEntry).where(AuditEntry.action == action, which)
    return session.exec(statement.order_by(col(AuditEntry.id).desc())).first()


def _ended_in(session: Session, told: AuditEntry) -> Sequence[EndedArea]:
    areas = told.detail["areas"]
    return succession.ended(session, [str(code) for code in areas]) if isinstance(areas, list) else []


def _administrators(session: Session, council_id: UUID) -> Sequence[Officer]:
    statement = select(Officer).where(Officer.council_id == council_id, Officer.role == Role.ADMIN, col(Officer.active))
    return session.exec(statement.order_by(Officer.email)).all()


def _person_or_administrators(session: Session, told: AuditEntry, actor: str) -> Sequence[Officer]:
    kind, _, identity = person(session, actor).partition(":")
    author = session.get(Officer, UUID(identity)) if kind == "officer" else None
    if author and author.active:
        return [author]
    return _administrators(session, told.council_id) if told.council_id else []


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
    """That someone reads very many subscribers: for every administrator of the council."""
    noted = _newest(session, "residents.alarm", col(AuditEntry.council_id) == council_id)
    if noted is None:
        return None
    return News(
        f"Somebody reads many subscribers of {council(session, council_id).name}",
        f"{noted.actor} has read the details of {noted.detail.get('people')} subscribers today, most recently "
        f"{noted.subject}. If you do not know why, end their session or revoke the key.\n\n"
        f"{settings().base_url}/staff/audit?q=residents.read",
        urgent=True,
        officers=_administrators(session, council_id),
    )


TELLERS = {
    "alert": _alert,
    "glass": _glass,
    "approval": _approval,
    "returned": _returned,
    "late": _late,
    "areas": _areas,
    "recurring-areas": _recurring_areas,
    "remit-areas": _remit_areas,
    "invitation": _invitation,
    "merger": _merger,
    "hold": _hold,
    "budget": _budget,
    "bounces": _bounces,
    "reading": _reading,
}
