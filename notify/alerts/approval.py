"""A second person's answer to an alert, who is asked for it, and the one person alone who sends an emergency."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from notify.alerts import remit
from notify.alerts.councillors import require_no_election
from notify.alerts.late_alerts import may_approve
from notify.alerts.models import Alert, AlertState, Approval, Priority
from notify.alerts.service import WrongState, approvals_needed, move, release, require_not_over, require_seen
from notify.core import jobs
from notify.core.errors import Forbidden
from notify.staff.models import Officer
from notify.staff.queries import maker_of_key, person
from notify.staff.rights import Principal, Right, SecondFactorNeeded
from notify.staff.service import audit


class AuthorCannotApprove(Forbidden):
    """Who wrote an alert, changed it last or made the key that did is not the one to approve it."""

    title = "The author cannot approve the alert"


class OnlyInAnEmergency(Forbidden):
    """What can wait waits for a second person."""

    title = "Only an emergency may be sent by one person alone"


def approve(session: Session, *, by: Principal, alert: Alert, seen: str | None = None) -> Alert:
    """One person's yes to what has the hash `seen`; with the last one needed the alert goes.

    An emergency that waits needs one yes at least, whatever its topic says, because a key asked for it.
    Raises: what `remit.own` raises, SecondFactorNeeded, AuthorCannotApprove, WrongState, AlreadyExpired,
    NotBeforeElection for a councillor's alert.
    """
    by.require(Right.APPROVE_ALERTS)
    remit.require_own(session, by, alert)
    remit.require_presence(by, alert)
    _require_another(session, by, alert)
    _lock_submitted(session, alert)
    require_seen(alert, seen)
    _require_another(session, by, alert)  # who may have changed it before it was held
    if alert.is_councillors:
        require_no_election(session, alert.council_id, alert.send_at)
    require_not_over(alert.expires_at)
    _record_opinion(session, alert, by, approved=True, reason="")
    agreed = session.exec(
        select(func.count()).where(
            Approval.alert_id == alert.id,
            Approval.submission == alert.submission,
            Approval.content_hash == alert.content_hash,
            col(Approval.approved),
        )
    ).one()
    if agreed >= approvals_needed(session, alert):
        release(session, alert, by)
    return alert


def is_agreed(session: Session, alert: Alert) -> bool:
    """Whether it goes or went to its people by more than its author's word: it is sent, or another person approved it.

    What one person alone schedules, cancels or sends back is not.
    """
    if alert.state in (AlertState.SENDING, AlertState.SENT):
        return True
    yes = select(func.count()).where(
        Approval.alert_id == alert.id,
        Approval.submission == alert.submission,
        Approval.content_hash == alert.content_hash,
        col(Approval.approved),
    )
    return alert.state in (AlertState.APPROVED, AlertState.SCHEDULED) and session.exec(yes).one() > 0


def why_not(session: Session, by: Principal, alert: Alert) -> str | None:
    """Why someone else must approve this version, in a sentence; None where this person may.

    It is not for who wrote it, who changed it last, or who made the key that did either. The last may all the same
    where the topic lets one person send alone.
    """
    who = person(session, by.actor)
    if who == person(session, alert.created_by):
        return "Someone other than the author must approve this alert. Keys of the council itself count as one person."
    if alert.changed_by and who == person(session, alert.changed_by):
        return "You made the last change to this alert. Someone else must approve this version."
    makers = {maker_of_key(session, actor) for actor in (alert.created_by, alert.changed_by) if actor}
    if who in makers and approvals_needed(session, alert):
        return "This alert comes from an API key that you made. Someone else must approve it."
    return None


def _require_another(session: Session, by: Principal, alert: Alert) -> None:
    reason = why_not(session, by, alert)
    if reason:
        raise AuthorCannotApprove(reason)


def break_glass(session: Session, *, by: Principal, alert: Alert, seen: str, reason: str) -> Alert:
    """One person alone lets an emergency go that has the hash `seen`, because nobody else can be reached.

    All administrators are told at once.
    Raises: what `remit.own` raises, OnlyInAnEmergency, SecondFactorNeeded, WrongState, AlreadyExpired.
    """
    by.require(Right.BROADCAST)
    remit.require_own(session, by, alert)
    if alert.priority != Priority.EMERGENCY:
        raise OnlyInAnEmergency("This alert is not an emergency: someone else must approve it.")
    remit.require_presence(by, alert)
    _lock_submitted(session, alert)
    require_seen(alert, seen)
    require_not_over(alert.expires_at)
    audit(
        session,
        council_id=alert.council_id,
        actor=by.actor,
        action="alert.break-glass",
        subject=str(alert.id),
        reason=reason,
    )
    jobs.note(session, jobs.Job.TELL_STAFF, f"glass {alert.id}", lane=jobs.Lane.TRANSACTIONAL)
    return release(session, alert, by)


def reject(session: Session, *, by: Principal, alert: Alert, reason: str) -> Alert:
    """One person's no, with a reason for the author. No key says it of an emergency.

    Raises: what `remit.own` raises, SecondFactorNeeded, WrongState.
    """
    by.require(Right.APPROVE_ALERTS)
    remit.require_own(session, by, alert)
    if by.is_key and remit.is_live_emergency(alert):
        raise SecondFactorNeeded("A key drafts and submits emergencies only. Sign in and send it back there.")
    _lock_submitted(session, alert)
    _record_opinion(session, alert, by, approved=False, reason=reason)
    return move(session, alert, [AlertState.SUBMITTED], AlertState.REJECTED)


def return_for_changes(session: Session, *, by: Principal, alert: Alert, reason: str) -> Alert:
    """Give it back to its author with a reason: it is a draft again, with its words, and the author is told.

    No key does so with an emergency. Raises: what `remit.own` raises, SecondFactorNeeded, WrongState.
    """
    by.require(Right.APPROVE_ALERTS)
    remit.require_own(session, by, alert)
    if by.is_key and remit.is_live_emergency(alert):
        raise SecondFactorNeeded("A key drafts and submits emergencies only. Sign in and return it there.")
    _lock_submitted(session, alert)
    _record_opinion(session, alert, by, approved=False, reason=reason, is_return=True)
    jobs.note(session, jobs.Job.TELL_STAFF, f"returned {alert.id}", lane=jobs.Lane.TRANSACTIONAL)
    return move(session, alert, [AlertState.SUBMITTED], AlertState.DRAFT)


def approvers(session: Session, alert: Alert) -> Sequence[Officer]:
    """Who may approve what waits: everyone who has the right and the remit, except for whose words they are.

    Where a plan says which role is asked, only those of them who have it, if there are any.
    """
    statement = select(Officer).where(Officer.council_id == alert.council_id, col(Officer.active))
    authors = {person(session, actor) for actor in (alert.created_by, alert.changed_by) if actor}
    found = [
        one
        for one in session.exec(statement.order_by(Officer.email)).all()
        if f"officer:{one.id}" not in authors and may_approve(session, one, alert)
    ]
    return [one for one in found if one.role == alert.approver_role] or found


def _lock_submitted(session: Session, alert: Alert) -> None:
    """Hold the alert against others who decide at the same moment. Raises: WrongState."""
    move(session, alert, [AlertState.SUBMITTED], AlertState.SUBMITTED)


def _record_opinion(
    session: Session, alert: Alert, by: Principal, *, approved: bool, reason: str, is_return: bool = False
) -> None:
    action = "alert.approve" if approved else "alert.return" if is_return else "alert.reject"
    audit(session, council_id=alert.council_id, actor=by.actor, action=action, subject=str(alert.id), reason=reason)
    session.add(
        Approval(
            alert_id=alert.id,
            content_hash=alert.content_hash,
            submission=alert.submission,
            actor=person(session, by.actor),  # two keys of one officer, or of nobody, are one opinion
            approved=approved,
            reason=reason,
            is_return=is_return,
        )
    )
    try:
        session.flush()
    except IntegrityError:
        raise WrongState("You have given your answer to this alert already.") from None
