"""Updates and all-clears: alerts that go to exactly those who got the first one."""

from sqlmodel import Session

from notify.alerts import area_updates, remit
from notify.alerts.councillors import refuse_councillor
from notify.alerts.models import Alert, AlertState, FollowUp, FollowUpContent
from notify.alerts.service import (
    WrongState,
    bind,
    end_of,
    hazard_fields,
    move,
    require_known_readers,
    require_not_over,
    store,
    submit,
)
from notify.staff.rights import Actor, Right
from notify.staff.service import audit

AREA_FIELDS = ("audience", "new", "left")


def follow_up(session: Session, *, by: Actor, first: Alert, kind: FollowUp, content: FollowUpContent) -> Alert:
    """An update or all-clear to exactly those who got the first alert.

    Raises: what `draft_follow_up` and `submit` raise.
    """
    return submit(session, by=by, alert=draft_follow_up(session, by=by, first=first, kind=kind, content=content))


def draft_follow_up(
    session: Session, *, by: Actor, first: Alert, kind: FollowUp, content: FollowUpContent, is_test: bool = False
) -> Alert:
    """The same as a draft, which an officer looks at before it is sent. What follows a test is a test.

    A test key may rehearse an all-clear of a live alert, which then ends nothing.
    Raises: UnknownAlert, OutsideYourRemit, Forbidden, WrongState, AlreadyExpired, what `area_updates.set_area` raises.
    """
    by.require(Right.WRITE_ALERTS)
    refuse_councillor(by, "send updates")
    remit.require_may_follow(session, by, first)
    if first.state not in (AlertState.SENDING, AlertState.SENT, AlertState.CANCELLED) or not first.ledger_month:
        raise WrongState("The first alert has not been sent to anybody yet: change or cancel it instead.")
    require_known_readers(first)
    require_not_over(content.expires_at)
    first = area_updates.root_of(session, first)
    alert = Alert(
        council_id=first.council_id,
        topic_id=first.topic_id,
        priority=first.priority,
        channels=first.channels,
        is_test=is_test or by.is_test or first.is_test,
        is_training=first.is_training,
        state=AlertState.DRAFT,
        content_hash=b"",
        created_by=by.actor,
        follows_id=first.id,
        follow_up=kind,
        incident_id=first.incident_id if by.is_test == first.is_test or first.is_training else None,
        **content.model_dump(exclude={"translations", "cap", "expires_at", *AREA_FIELDS}),
        expires_at=end_of(first.priority, content.expires_at),
        translations={code: words.model_dump(exclude_none=True) for code, words in content.translations.items()},
        **hazard_fields(content.cap),
    )
    area_updates.set_area(session, by=by, first=first, alert=alert, content=content)
    return store(session, alert, by)


def change_follow_up(session: Session, *, by: Actor, alert: Alert, content: FollowUpContent) -> Alert:
    """Other words for an update or all-clear that nobody has been asked to send yet; what is unset stays as it is.

    Raises: what `remit.own` raises, WrongState, AlreadyExpired.
    """
    by.require(Right.WRITE_ALERTS)
    refuse_councillor(by, "change updates")
    remit.require_own(session, by, alert)
    if alert.follows_id is None:
        raise WrongState("This alert follows no other one.")
    require_not_over(content.expires_at)
    move(session, alert, remit.UNSENT, AlertState.DRAFT)
    for name, value in content.model_dump(exclude={"translations", "cap", *AREA_FIELDS}, exclude_unset=True).items():
        setattr(alert, name, value)
    alert.translations = {code: words.model_dump(exclude_none=True) for code, words in content.translations.items()}
    first = session.get_one(Alert, alert.follows_id)
    if content.audience or not alert.group_words:
        area_updates.set_area(session, by=by, first=first, alert=alert, content=content)
    else:
        area_updates.set_words(first, alert, content)
    alert.created_by = by.actor  # whose words they are now, so that someone else approves them
    alert.expires_at = end_of(alert.priority, alert.expires_at)
    bind(alert, by)
    session.add(alert)
    audit(session, council_id=alert.council_id, actor=by.actor, action="alert.change", subject=str(alert.id))
    return alert
