"""The life of an alert: created, approved, sent or scheduled, cancelled. Every change is one conditional UPDATE."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from notify import clock, jobs
from notify.alerts.hazard import Hazard
from notify.alerts.models import (
    Alert,
    AlertContent,
    AlertState,
    Approval,
    FollowUp,
    FollowUpContent,
    NewAlert,
    Priority,
)
from notify.alerts.queries import allowed_channels
from notify.errors import Conflict, Forbidden, Invalid
from notify.places import targeting
from notify.staff import queries, telling
from notify.staff.queries import council
from notify.staff.service import audit
from notify.subscribers import queries as subscribers
from notify.subscribers.models import ApprovalRule, Topic

APPROVALS_NEEDED = {ApprovalRule.NONE: 0, ApprovalRule.ONE: 1, ApprovalRule.TWO: 2}


class AlreadyExpired(Invalid):
    """The alert would be over before it began."""

    title = "The alert has already expired"


class NothingComesFirst(Invalid):
    """Every channel is kept for later."""

    title = "The alert would not be sent at first"


class WrongState(Conflict):
    """The alert's state does not allow this any more, or not yet."""

    title = "The alert is not in a state for this"


class AuthorCannotApprove(Forbidden):
    """Somebody else must look at an alert before it is sent; a council's own keys are all one somebody."""

    title = "The author cannot approve the alert"


class OnlyInAnEmergency(Forbidden):
    """What can wait waits for a second person."""

    title = "Only an emergency may be sent by one person alone"


def lane_of(priority: Priority) -> jobs.Lane:
    """The queue that carries alerts of this priority."""
    return jobs.Lane(priority.value)


def create(session: Session, *, council_id: UUID, actor: str, new: AlertContent, is_test: bool = False) -> Alert:
    """A draft with its audience resolved and everything bound by one hash.

    Raises: UnknownTopic, ChannelNotAllowed, AlreadyExpired, and what `targeting.resolve` raises.
    """
    topic = subscribers.topic(session, council_id, new.topic)
    targets = targeting.resolve(
        session,
        new.audience,
        district_codes=council(session, council_id).district_codes,
        is_emergency=new.priority == Priority.EMERGENCY,
    )
    _require_not_over(new.expires_at)
    channels, escalation = _in_turn(topic, new)
    alert = Alert(
        council_id=council_id,
        topic_id=topic.id,
        priority=new.priority,
        title=new.title,
        body=new.body,
        link=new.link,
        sms=new.sms,
        translations={code: words.model_dump(exclude_none=True) for code, words in new.translations.items()},
        audience=new.audience.model_dump(mode="json", by_alias=True, exclude_none=True) if new.audience else None,
        targets=targets.as_json(),
        channels=channels,
        reference=new.reference,
        state=AlertState.DRAFT,
        is_test=is_test or new.training,
        is_training=new.training,
        asks_reply=new.asks_reply,
        escalation=escalation,
        content_hash=b"",
        created_by=actor,
        send_at=new.send_at,
        expires_at=new.expires_at,
        **_hazard(new.cap),
    )
    return _store(session, alert, actor)


def _hazard(cap: Hazard | None) -> dict[str, Any]:
    return cap.model_dump() if cap else {}


def _in_turn(topic: Topic, new: AlertContent) -> tuple[list[str], dict[str, object] | None]:
    """The channels to begin with, and how to go on where nobody is reached. Raises: NothingComesFirst."""
    if new.escalate is None:
        return [one.value for one in allowed_channels(topic, new.channels, new.priority)], None
    first = [one for one in new.channels if one not in new.escalate.channels]
    if not first:
        raise NothingComesFirst("Name a channel in `channels` that is not in `escalate`: it is sent that way first.")
    later = allowed_channels(topic, new.escalate.channels, new.priority)
    channels = [one.value for one in allowed_channels(topic, first, new.priority)]
    return channels, {"after_minutes": new.escalate.after_minutes, "channels": [one.value for one in later]}


def _store(session: Session, alert: Alert, actor: str) -> Alert:
    alert.content_hash = content_hash(alert)
    session.add(alert)
    session.flush()
    audit(session, council_id=alert.council_id, actor=actor, action="alert.create", subject=str(alert.id))
    return alert


def _require_not_over(expires_at: datetime | None) -> None:
    if expires_at and expires_at <= clock.now():
        raise AlreadyExpired("expires_at lies in the past: choose a later moment.")


def content_hash(alert: Alert) -> bytes:
    """Binds words, audience, channels, urgency, time and expiry together; any difference is another hash."""
    bound = alert.model_dump(
        mode="json",
        include={
            "council_id", "topic_id", "priority", "title", "body", "link", "sms", "translations", "audience",
            "targets", "channels", "send_at", "expires_at", "follows_id", "follow_up", "asks_reply", "escalation",
            "is_training", *Hazard.model_fields,
        },
    )  # fmt: skip
    return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).digest()


def submit(session: Session, *, alert: Alert, actor: str) -> Alert:
    """Ask for the alert to be sent. Where the topic needs nobody's approval it goes at once, or at its time.

    Raises: WrongState, AlreadyExpired.
    """
    _require_not_over(alert.expires_at)
    if alert.follows_id:
        _require_known_readers(session.get_one(Alert, alert.follows_id, populate_existing=True))
    _stop_what_is_over(session, alert, actor)
    topic = session.get_one(Topic, alert.topic_id)
    _move(session, alert, [AlertState.DRAFT, AlertState.REJECTED], AlertState.SUBMITTED)
    alert.submission += 1  # a new round: earlier answers do not count in it
    audit(session, council_id=alert.council_id, actor=actor, action="alert.submit", subject=str(alert.id))
    if APPROVALS_NEEDED[topic.approval] == 0:
        _release(session, alert)
    return alert


def _require_known_readers(first: Alert) -> None:
    if first.detail_removed_at:
        raise WrongState("It was so long ago that nobody can say any more who got the first alert: write a new one.")


def _stop_what_is_over(session: Session, alert: Alert, actor: str) -> None:
    """Nobody is to get the warning after the all-clear."""
    if alert.follow_up != FollowUp.ALL_CLEAR or alert.follows_id is None:
        return
    first = session.get_one(Alert, alert.follows_id)
    is_rehearsal = alert.is_test and not first.is_test  # it reaches nobody, so it must not stop what does
    if first.state == AlertState.SENDING and not is_rehearsal:
        cancel(session, alert=first, actor=actor)


def approve(session: Session, *, alert: Alert, actor: str) -> Alert:
    """One person's yes to exactly this content; with the last one needed the alert goes.

    Raises: AuthorCannotApprove, WrongState, AlreadyExpired.
    """
    if queries.person(session, actor) == queries.person(session, alert.created_by):
        raise AuthorCannotApprove(
            "Somebody other than the author must approve this alert. Keys of the council itself count as one person."
        )
    _require_not_over(alert.expires_at)
    _lock_submitted(session, alert)
    _record_opinion(session, alert, actor, approved=True, reason="")
    agreed = session.exec(
        select(func.count()).where(
            Approval.alert_id == alert.id,
            Approval.submission == alert.submission,
            Approval.content_hash == alert.content_hash,
            col(Approval.approved),
        )
    ).one()
    if agreed >= APPROVALS_NEEDED[session.get_one(Topic, alert.topic_id).approval]:
        _release(session, alert)
    return alert


def break_glass(session: Session, *, alert: Alert, actor: str, reason: str) -> Alert:
    """One person alone lets an emergency go, because nobody else can be reached. All administrators are told at once.

    Raises: OnlyInAnEmergency, WrongState, AlreadyExpired.
    """
    if alert.priority != Priority.EMERGENCY:
        raise OnlyInAnEmergency("This alert is not an emergency: somebody else must approve it.")
    _require_not_over(alert.expires_at)
    _lock_submitted(session, alert)
    audit(
        session,
        council_id=alert.council_id,
        actor=actor,
        action="alert.break-glass",
        subject=str(alert.id),
        reason=reason,
    )
    jobs.note(session, jobs.Job.TELL_STAFF, f"glass {alert.id}", lane=jobs.Lane.TRANSACTIONAL)
    _release(session, alert)
    return alert


def reject(session: Session, *, alert: Alert, actor: str, reason: str) -> Alert:
    """One person's no, with a reason for the author. Raises: WrongState."""
    _lock_submitted(session, alert)
    _record_opinion(session, alert, actor, approved=False, reason=reason)
    return _move(session, alert, [AlertState.SUBMITTED], AlertState.REJECTED)


def _lock_submitted(session: Session, alert: Alert) -> None:
    """Hold the alert against others who decide at the same moment. Raises: WrongState."""
    _move(session, alert, [AlertState.SUBMITTED], AlertState.SUBMITTED)


def _record_opinion(session: Session, alert: Alert, actor: str, *, approved: bool, reason: str) -> None:
    action = "alert.approve" if approved else "alert.reject"
    audit(session, council_id=alert.council_id, actor=actor, action=action, subject=str(alert.id), reason=reason)
    session.add(
        Approval(
            alert_id=alert.id,
            content_hash=alert.content_hash,
            submission=alert.submission,
            actor=queries.person(session, actor),  # two keys of one officer, or of nobody, are one opinion
            approved=approved,
            reason=reason,
        )
    )
    try:
        session.flush()
    except IntegrityError:
        raise WrongState("You have given your answer to this alert already.") from None


def cancel(session: Session, *, alert: Alert, actor: str) -> Alert:
    """Stop the alert: what was not handed over yet never will be. Raises: WrongState once all was sent."""
    before_the_end = [state for state in AlertState if state not in (AlertState.SENT, AlertState.CANCELLED)]
    audit(session, council_id=alert.council_id, actor=actor, action="alert.cancel", subject=str(alert.id))
    return _move(session, alert, before_the_end, AlertState.CANCELLED)


def follow_up(
    session: Session, *, first: Alert, kind: FollowUp, actor: str, content: FollowUpContent, is_test: bool
) -> Alert:
    """An update or all-clear to exactly those who got the first alert. Raises: WrongState, AlreadyExpired."""
    alert = draft_follow_up(session, first=first, kind=kind, actor=actor, content=content, is_test=is_test)
    return submit(session, alert=alert, actor=actor)


def draft_follow_up(
    session: Session, *, first: Alert, kind: FollowUp, actor: str, content: FollowUpContent, is_test: bool
) -> Alert:
    """The same as a draft, which an officer looks at before it is sent. Raises: WrongState, AlreadyExpired."""
    if first.state not in (AlertState.SENDING, AlertState.SENT, AlertState.CANCELLED) or not first.ledger_month:
        raise WrongState("The first alert has not been sent to anybody yet: change or cancel it instead.")
    _require_known_readers(first)
    _require_not_over(content.expires_at)
    alert = Alert(
        council_id=first.council_id,
        topic_id=first.topic_id,
        priority=first.priority,
        channels=first.channels,
        is_test=is_test or first.is_training,
        is_training=first.is_training,
        state=AlertState.DRAFT,
        content_hash=b"",
        created_by=actor,
        follows_id=first.id,
        follow_up=kind,
        **content.model_dump(exclude={"translations", "cap"}),
        translations={code: words.model_dump(exclude_none=True) for code, words in content.translations.items()},
        **_hazard(content.cap),
    )
    return _store(session, alert, actor)


def _release(session: Session, alert: Alert) -> None:
    """Let an agreed alert go: now, or at its time."""
    alert.approved_at = clock.now()
    if alert.send_at and alert.send_at > clock.now():
        _move(session, alert, [AlertState.SUBMITTED], AlertState.SCHEDULED)
    else:
        _start(session, alert, [AlertState.SUBMITTED])


def _start(session: Session, alert: Alert, before: Sequence[AlertState]) -> None:
    _move(session, alert, before, AlertState.SENDING)
    jobs.note(session, jobs.Job.EXPAND_ALERT, str(alert.id), lane=lane_of(alert.priority))
    telling.note(session, "alert", alert.id)


def start_due(session: Session) -> int:
    """Start every scheduled alert whose time has come by the database's clock; how many."""
    due = session.exec(
        select(Alert)
        .where(Alert.state == AlertState.SCHEDULED, col(Alert.send_at) <= func.business_now())
        .order_by(col(Alert.send_at))
        .limit(100)
        .with_for_update(skip_locked=True)
    ).all()
    for alert in due:
        _start(session, alert, [AlertState.SCHEDULED])
    return len(due)


def _move(session: Session, alert: Alert, before: Sequence[AlertState], after: AlertState) -> Alert:
    """Change the state if it is still one of `before`; the row is held until the transaction ends.

    Raises: WrongState when somebody else was quicker or the state never allowed it.
    """
    session.flush()
    changed = session.execute(
        update(Alert)
        .where(col(Alert.id) == alert.id, col(Alert.state).in_(before))
        .values(state=after, changed_at=clock.now())
        .returning(col(Alert.id))
        .execution_options(synchronize_session="fetch")
    ).first()
    if changed is None:
        session.refresh(alert)
        raise WrongState(f"The alert is {alert.state}.")
    session.refresh(alert)
    return alert


def create_and_send(session: Session, *, council_id: UUID, actor: str, new: NewAlert, is_test: bool) -> Alert:
    """Create an alert and, if it says `send`, submit it."""
    alert = create(session, council_id=council_id, actor=actor, new=new, is_test=is_test)
    return submit(session, alert=alert, actor=actor) if new.send else alert
