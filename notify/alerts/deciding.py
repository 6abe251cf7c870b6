"""Whether exactly this alert is somebody's to decide about, and their yes or no: for programs and for the pages."""

from uuid import UUID

from sqlmodel import Session

from notify.alerts import queries, service, visibility
from notify.alerts.models import Alert, AlertState, Priority
from notify.errors import Forbidden
from notify.staff.rights import Principal, Right


class TestKeyCannotSend(Forbidden):
    """Nothing that a test key does may reach anybody."""

    title = "A test key cannot decide about a live alert"


def require_broadcast(user: Principal, priority: Priority) -> None:
    """Refuse an emergency to who may not broadcast. Raises: Forbidden."""
    if priority == Priority.EMERGENCY:
        user.require(Right.BROADCAST)


def require_presence(user: Principal, alert: Alert) -> None:
    """Refuse an emergency that just went without a second person's yes, unless whoever sent it is there.

    A key sends what its topic lets it send: an administrator chose both. Raises: ProveYourselfAgain.
    """
    is_going = alert.state in (AlertState.SCHEDULED, AlertState.SENDING) and not alert.is_test
    if is_going and alert.priority == Priority.EMERGENCY and not user.is_key:
        user.require_fresh_mfa()


def own(session: Session, user: Principal, alert_id: UUID) -> Alert:
    """The alert, if it is this principal's to decide about.

    Raises: UnknownAlert, OutsideYourRemit, Forbidden, TestKeyCannotSend.
    """
    alert = queries.alert(session, user.council_id, alert_id, user.remit)
    visibility.require_within_alert(session, user.remit, alert)
    require_broadcast(user, alert.priority)
    if user.is_test and not alert.is_test:
        raise TestKeyCannotSend("Use a live key, or create the alert with the test key.")
    return alert


def approve(session: Session, user: Principal, alert_id: UUID, *, seen: str | None = None) -> Alert:
    """A yes to what has the hash `seen`; for an emergency, by somebody who proved a moment ago who they are.

    Raises: what `own` and `service.approve` raise, ProveYourselfAgain, WrongState.
    """
    alert = own(session, user, alert_id)
    if alert.priority == Priority.EMERGENCY:
        user.require_fresh_mfa()
    if seen is not None and seen != alert.content_hash.hex():
        raise service.WrongState("The alert is not what you read any more. Read it again.")
    return service.approve(session, alert=alert, actor=user.actor)


def break_glass(session: Session, user: Principal, alert_id: UUID, reason: str) -> Alert:
    """One person alone lets an emergency go, moments after they proved who they are.

    Raises: what `own` and `service.break_glass` raise, ProveYourselfAgain.
    """
    alert = own(session, user, alert_id)
    user.require(Right.BROADCAST)
    user.require_fresh_mfa()
    return service.break_glass(session, alert=alert, actor=user.actor, reason=reason)


def reject(session: Session, user: Principal, alert_id: UUID, reason: str) -> Alert:
    """A no with a reason for the author. Raises: what `own` and `service.reject` raise."""
    return service.reject(session, alert=own(session, user, alert_id), actor=user.actor, reason=reason)
