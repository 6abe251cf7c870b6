"""The life of an alert: created, approved, sent or scheduled, cancelled. Every change is one conditional UPDATE."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from notify.alerts import councillors, ended_areas, late_alerts, remit
from notify.alerts.hazard import Hazard
from notify.alerts.incidents import service as incidents
from notify.alerts.models import Alert, AlertContent, AlertState, FollowUp, NewAlert, Priority
from notify.alerts.queries import allowed_channels
from notify.core import clock, jobs
from notify.core.errors import Conflict, Invalid
from notify.places import audience_areas, succession
from notify.places.models import AudienceSpec, Targets
from notify.staff import notification_channels
from notify.staff.queries import council
from notify.staff.rights import Actor, Right
from notify.staff.service import audit
from notify.subscribers import queries as subscribers
from notify.subscribers.models import ApprovalRule, Topic
from notify.subscribers.topic_queries import require_open
from notify.zones import audience as zoned

# what an approval is about; the page for approval shows each of them
BOUND_FIELDS = (
    "council_id", "topic_id", "priority", "title", "body", "link", "sms", "translations", "audience",
    "targets", "channels", "send_at", "expires_at", "follows_id", "follow_up", "asks_reply", "escalation",
    "is_training", "group_words", *Hazard.model_fields,
)  # fmt: skip
ADDED_LATER = frozenset({"effective", "onset", "group_words"})
EMERGENCY_LASTS = timedelta(hours=24)  # unless its author says otherwise
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


def lane_of(priority: Priority) -> jobs.Lane:
    """The queue that carries alerts of this priority."""
    return jobs.Lane(priority.value)


def create(
    session: Session, *, by: Actor, new: AlertContent, is_test: bool = False, is_received: bool = False
) -> Alert:
    """A draft with its audience resolved and everything bound by one hash. What a test key makes is a test.

    With `is_received` others wrote it, and who may not broadcast may draft their emergency too, but not submit it.
    Raises: Forbidden, OutsideYourRemit, UnknownTopic, TopicClosed, ChannelNotAllowed, AlreadyExpired, what
    `councillors.require_allowed` raises, what `incidents.require_joinable` raises, and what `targeting.resolve` raises.
    """
    if not is_received:
        remit.require_broadcast(by, new.priority)
    alert = Alert(
        council_id=by.council_id,
        state=AlertState.DRAFT,
        is_test=is_test or by.is_test or new.training,
        content_hash=b"",
        created_by=by.actor,
        **content_fields(session, by=by, new=new),
    )
    alert.is_councillors = councillors.is_councillor(by)
    return store(session, alert, by)


def content_fields(session: Session, *, by: Actor, new: AlertContent) -> dict[str, Any]:
    """The columns of an alert that keep what `new` says, with its audience resolved. Raises: what `create` raises."""
    new = new.model_copy(update={"audience": zoned.shaped(session, by.council_id, new.audience)})
    remit.require_content(by, new)
    councillors.require_allowed(session, by, new)
    topic = subscribers.topic(session, by.council_id, new.topic)
    require_open(session, topic, new.send_at)
    targets = targets_of(session, by.council_id, new.audience, new.priority)
    require_not_over(new.expires_at)
    channels, escalation = _in_turn(topic, new)
    if new.incident:
        is_test = by.is_test or new.training
        incidents.require_joinable(session, by, new.incident, is_training=new.training, is_test=is_test)
    return {
        "topic_id": topic.id,
        **new.model_dump(include={"priority", "title", "body", "link", "sms", "reference", "asks_reply", "send_at"}),
        "translations": {code: words.model_dump(exclude_none=True) for code, words in new.translations.items()},
        "audience": new.audience.as_stored() if new.audience else None,
        "targets": targets.as_json(),
        "ended_areas": [one.code for one in succession.ended(session, succession.codes_of(targets))] or None,
        "channels": channels,
        "is_training": new.training,
        "escalation": escalation,
        "expires_at": end_of(new.priority, new.expires_at, new.send_at),
        **({"incident_id": new.incident} if new.incident else {}),
        **hazard_fields(new.cap),
    }


def targets_of(session: Session, council_id: UUID, audience: AudienceSpec | None, priority: Priority) -> Targets:
    """The places that an audience comes to in this council's area. Raises: what `audience_areas.resolve` raises."""
    districts = council(session, council_id).district_codes
    is_emergency = priority == Priority.EMERGENCY
    return audience_areas.resolve(session, audience, district_codes=districts, is_emergency=is_emergency)


def end_of(priority: Priority, said: datetime | None, send_at: datetime | None = None) -> datetime | None:
    """When it is over: every emergency is some time, because it is sent until then."""
    if said or priority != Priority.EMERGENCY:
        return said
    return (send_at or clock.now().replace(microsecond=0)) + EMERGENCY_LASTS


def hazard_fields(cap: Hazard | None) -> dict[str, Any]:
    """The columns of an alert that keep its CAP grades; none where it has none."""
    return cap.model_dump() if cap else {}


def _in_turn(topic: Topic, new: AlertContent) -> tuple[list[str], dict[str, object] | None]:
    """The channels to begin with, and how to go on where nobody is reached. Raises: NothingComesFirst."""
    if new.escalate is None:
        return [one.value for one in allowed_channels(topic, new.channels, new.priority)], None
    first = [one for one in new.channels if one not in new.escalate.channels]
    if not first:
        raise NothingComesFirst(
            "Name a channel in `channels` that is not in `escalate`: it is sent on that channel first."
        )
    later = allowed_channels(topic, new.escalate.channels, new.priority)
    channels = [one.value for one in allowed_channels(topic, first, new.priority)]
    return channels, {"after_minutes": new.escalate.after_minutes, "channels": [one.value for one in later]}


def store(session: Session, alert: Alert, by: Actor) -> Alert:
    """Keep a new alert with the hash of its content and a line in the audit trail."""
    bind(alert, by)
    session.add(alert)
    session.flush()
    audit(session, council_id=alert.council_id, actor=by.actor, action="alert.create", subject=str(alert.id))
    return alert


def bind(alert: Alert, by: Actor) -> None:
    """Take what the alert says now for a new version, by who changed it."""
    alert.changed_by = by.actor if by.actor != alert.created_by else None
    alert.content_hash = content_hash(alert)


def require_not_over(expires_at: datetime | None) -> None:
    """Refuse what would be over before it is sent. Raises: AlreadyExpired."""
    if expires_at and expires_at <= clock.now():
        raise AlreadyExpired("expires_at lies in the past: choose a later moment.")


def content_hash(alert: Alert) -> bytes:
    """Binds words, audience, channels, urgency, time and expiry together; any difference is another hash."""
    bound = alert.model_dump(mode="json", include=set(BOUND_FIELDS))
    # fields of later versions count where they are set, so that what was approved before them stays approved
    bound = {name: value for name, value in bound.items() if value is not None or name not in ADDED_LATER}
    return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).digest()


def submit(session: Session, *, by: Actor, alert: Alert, seen: str | None = None) -> Alert:
    """Ask for what has the hash `seen` to be sent. Where the topic needs no approval it goes at once, or at its time.

    An emergency that a key asks for waits for a person in any case. What waits needs no fresh second factor yet: the
    approval does.
    Raises: what `remit.own` raises, SecondFactorNeeded, WrongState, AlreadyExpired, TopicClosed, AreaEnded.
    """
    by.require(Right.WRITE_ALERTS)
    remit.require_own(session, by, alert)
    if alert.is_councillors:
        councillors.require_no_election(session, alert.council_id, alert.send_at)
    require_not_over(alert.expires_at)
    if alert.follows_id is None:
        require_open(session, session.get_one(Topic, alert.topic_id), alert.send_at)
    if alert.priority != Priority.EMERGENCY:
        succession.refuse(ended_areas.find(session, alert))
    if alert.follows_id:
        require_known_readers(session.get_one(Alert, alert.follows_id, populate_existing=True))
    if _goes(session, alert, by):
        remit.require_presence(by, alert)
    move(session, alert, [AlertState.DRAFT, AlertState.REJECTED], AlertState.SUBMITTED)
    require_seen(alert, seen)
    audit(session, council_id=alert.council_id, actor=by.actor, action="alert.submit", subject=str(alert.id))
    return ask(session, alert, by)


def require_seen(alert: Alert, seen: str | None) -> None:
    """Refuse to act on something else than was read. The row must be held. Raises: WrongState."""
    if seen is not None and seen != alert.content_hash.hex():
        raise WrongState("The alert is not what you read any more. Read it again.")


def ask(session: Session, alert: Alert, by: Actor) -> Alert:
    """Begin a new round of asking for what is submitted: it goes where nobody has to answer.

    Raises: SecondFactorNeeded, where it would go and nobody is there who says so.
    """
    alert.submission += 1  # earlier answers do not count in it
    if _goes(session, alert, by):
        return release(session, alert, by)
    jobs.note(session, jobs.Job.TELL_STAFF, f"approval {alert.id}", lane=jobs.Lane.TRANSACTIONAL)
    return alert


def _goes(session: Session, alert: Alert, by: Actor) -> bool:
    """Whether nobody else has to answer: no other person, and no person at all because a key asks."""
    waits_for_a_person = by.is_key and remit.is_live_emergency(alert)
    return not waits_for_a_person and approvals_needed(session, alert) == 0


def approvals_needed(session: Session, alert: Alert) -> int:
    """How many others have to agree: as many as the topic says, and one at least where a councillor wrote it."""
    by_topic = APPROVALS_NEEDED[session.get_one(Topic, alert.topic_id).approval]
    return max(by_topic, 1) if alert.is_councillors else by_topic


def require_known_readers(first: Alert) -> None:
    """Refuse to follow an alert of which nobody knows any more who got it. Raises: WrongState."""
    if first.detail_removed_at:
        raise WrongState("It was so long ago that we no longer know who got the first alert: write a new one.")


def cancel(session: Session, *, by: Actor, alert: Alert) -> Alert:
    """Stop the alert: what was not sent yet never will be.

    Raises: what `remit.require_may_cancel` raises, WrongState once all was sent.
    """
    by.require(Right.WRITE_ALERTS)
    session.flush()
    session.refresh(alert, with_for_update=True)  # nobody decides about it between the question and the answer
    remit.require_may_cancel(session, by, alert)
    return _cancel(session, alert, by)


def _cancel(session: Session, alert: Alert, by: Actor) -> Alert:
    before_the_end = [state for state in AlertState if state not in (AlertState.SENT, AlertState.CANCELLED)]
    audit(session, council_id=alert.council_id, actor=by.actor, action="alert.cancel", subject=str(alert.id))
    return move(session, alert, before_the_end, AlertState.CANCELLED)


def release(session: Session, alert: Alert, by: Actor) -> Alert:
    """Let an agreed alert go, now or at its time: an emergency only where a person is there who says so.

    One whose time passed too long ago is held for a person to send or reschedule, and a routine one whose areas have
    ended for a person to say where it goes instead.

    Raises: SecondFactorNeeded, WrongState.
    """
    remit.require_presence(by, alert)
    alert.approved_at = clock.now()
    is_late = late_alerts.is_late(session, alert, clock.now()) and not _was_meant_at_once(session, alert)
    is_held = is_late or _holds_for_areas(session, alert)
    if is_held or (alert.send_at and alert.send_at > clock.now()):
        move(session, alert, [AlertState.SUBMITTED], AlertState.SCHEDULED)
    else:
        start(session, alert, [AlertState.SUBMITTED])
    if is_late:
        late_alerts.hold(session, alert)
    _stop_what_is_over(session, alert, by)
    return alert


def _was_meant_at_once(session: Session, alert: Alert) -> bool:
    """Whether its time had passed when it was written, and it waited for nobody: its author means now."""
    has_waited = approvals_needed(session, alert) > 0
    return not has_waited and alert.send_at is not None and alert.send_at <= alert.created_at


def _stop_what_is_over(session: Session, alert: Alert, by: Actor) -> None:
    """Nobody is to get the warning after the all-clear."""
    if alert.follow_up != FollowUp.ALL_CLEAR or alert.follows_id is None:
        return
    first = session.get_one(Alert, alert.follows_id, with_for_update=True, populate_existing=True)
    is_rehearsal = alert.is_test and not first.is_test  # it reaches nobody, so it must not stop what does
    if is_rehearsal:
        return
    widened = select(Alert).where(Alert.follows_id == first.id, col(Alert.group_words).is_not(None))
    for one in (first, *session.exec(widened.with_for_update()).all()):
        if one.state == AlertState.SENDING:
            _cancel(session, one, by)


def _holds_for_areas(session: Session, alert: Alert) -> bool:
    """Hold a routine alert that would reach nobody in areas that have ended; whether it did."""
    found = ended_areas.find(session, alert) if alert.priority != Priority.EMERGENCY else []
    if found:
        ended_areas.hold(session, alert, found)
    return bool(found)


def start(session: Session, alert: Alert, before: Sequence[AlertState]) -> Alert:
    """Have it sent now. Raises: WrongState unless it is in one of the states `before`, AreaEnded."""
    if alert.priority == Priority.EMERGENCY:
        ended_areas.note_followed(session, alert)
    else:
        succession.refuse(ended_areas.find(session, alert))
    move(session, alert, before, AlertState.SENDING)
    incidents.take_started(session, alert)
    jobs.note(session, jobs.Job.EXPAND_ALERT, str(alert.id), lane=lane_of(alert.priority))
    notification_channels.note(session, "alert", alert.id)
    return alert


def start_due(session: Session) -> int:
    """Start every scheduled alert whose time has come by the database's clock; how many. What is late is held."""
    due = session.exec(
        select(Alert)
        .where(
            Alert.state == AlertState.SCHEDULED,
            col(Alert.send_at) <= func.business_now(),
            col(Alert.late_since).is_(None),
            col(Alert.ended_areas).is_(None),
        )
        .order_by(col(Alert.send_at))
        .limit(100)
        .with_for_update(skip_locked=True)
    ).all()
    now = session.execute(select(func.business_now())).scalar_one()
    started = 0
    for alert in due:
        if late_alerts.is_late(session, alert, now):
            late_alerts.hold(session, alert)
        elif not _holds_for_areas(session, alert):
            start(session, alert, [AlertState.SCHEDULED])
            started += 1
    return started


def move(session: Session, alert: Alert, before: Sequence[AlertState], after: AlertState) -> Alert:
    """Change the state if it is still one of `before`; the row is held until the transaction ends.

    Raises: WrongState when someone else was quicker or the state never allowed it.
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


def create_and_send(session: Session, *, by: Actor, new: NewAlert) -> Alert:
    """Create an alert and, if it says `send`, submit it. Raises: what `create` and `submit` raise."""
    alert = create(session, by=by, new=new)
    return submit(session, by=by, alert=alert) if new.send else alert
