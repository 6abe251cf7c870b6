"""Who may write, change or decide about an alert. Services check here, so that every page and API route is covered."""

from uuid import UUID

from sqlmodel import Session

from notify.alerts import councillors, queries, visibility
from notify.alerts.models import Alert, AlertContent, AlertState, Priority
from notify.core.errors import Forbidden
from notify.staff.queries import person
from notify.staff.rights import Actor, Right, SecondFactorNeeded

UNSENT = (AlertState.DRAFT, AlertState.REJECTED)
UNDECIDED = (*UNSENT, AlertState.SUBMITTED)


class TestKeyCannotSend(Forbidden):
    """Nothing that a test key does may reach anyone."""

    title = "A test key cannot decide about a live alert"


def require_content(by: Actor, new: AlertContent) -> None:
    """Refuse what this actor may not write. Raises: Forbidden, OutsideYourRemit."""
    by.require(Right.WRITE_ALERTS)
    visibility.require_content(by.remit, new)


def within(session: Session, by: Actor, alert_id: UUID) -> Alert:
    """The alert, if it lies wholly within this actor's remit: touching it is enough to look, not to write.

    Raises: UnknownAlert, OutsideYourRemit, TestKeyCannotSend, NotForCouncillors.
    """
    alert = queries.alert(session, by, alert_id)
    require_within(session, by, alert)
    return alert


def own(session: Session, by: Actor, alert_id: UUID) -> Alert:
    """The alert, if it is this actor's to decide about. Raises: what `within` raises, Forbidden."""
    alert = within(session, by, alert_id)
    require_broadcast(by, alert.priority)
    return alert


def require_within(session: Session, by: Actor, alert: Alert) -> None:
    """The same as `within` for an alert at hand."""
    _require_reach(session, by, alert)
    councillors.require_theirs(session, by, alert)
    if by.is_test and not alert.is_test:
        raise TestKeyCannotSend("Use a live key, or create the alert with the test key.")


def require_own(session: Session, by: Actor, alert: Alert) -> None:
    """The same as `own` for an alert at hand."""
    require_within(session, by, alert)
    require_broadcast(by, alert.priority)


def require_may_follow(session: Session, by: Actor, first: Alert) -> None:
    """The same for what an update or all-clear follows; a test key may rehearse one of a live alert."""
    _require_reach(session, by, first)
    visibility.require_within_line(session, by.remit, first)
    require_broadcast(by, first.priority)


def _require_reach(session: Session, by: Actor, alert: Alert) -> None:
    if alert.council_id != by.council_id:
        raise queries.UnknownAlert("Your council has no alert with this id.")
    visibility.require_within_alert(session, by.remit, alert)


def require_presence(by: Actor, alert: Alert) -> None:
    """Refuse a decision about an emergency, except to a person who proved a moment ago who they are.

    What reaches nobody, a test or an exercise, needs no proof. Raises: SecondFactorNeeded.
    """
    if is_live_emergency(alert):
        by.require_fresh_mfa()


def require_may_cancel(session: Session, by: Actor, alert: Alert) -> None:
    """Refuse to cancel an emergency that someone decided to send, unless a person does who is there.

    Before that a person needs no proof, and a key may take back what it drafted or submitted itself. Who may not
    broadcast takes back only a draft of their own, which came as a CAP message.
    Raises: what `within` raises, Forbidden, SecondFactorNeeded.
    """
    require_within(session, by, alert)
    is_own = person(session, by.actor) == person(session, alert.created_by)
    if not (is_own and alert.state in UNSENT):
        require_broadcast(by, alert.priority)
    if not is_live_emergency(alert) or alert.state in (AlertState.SENT, AlertState.CANCELLED):
        return
    if alert.state not in UNDECIDED:
        by.require_fresh_mfa()
    elif by.is_key and not is_own:
        raise SecondFactorNeeded("A key cancels only the emergencies that it drafted. Sign in and cancel it there.")


def is_live_emergency(alert: Alert) -> bool:
    """Whether it is an emergency that is to reach people."""
    return alert.priority == Priority.EMERGENCY and not alert.is_test


def require_broadcast(by: Actor, priority: Priority) -> None:
    """Refuse an emergency to who may not broadcast. Raises: Forbidden."""
    if priority == Priority.EMERGENCY:
        by.require(Right.BROADCAST)
