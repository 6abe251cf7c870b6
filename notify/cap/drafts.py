"""Drafts that follow earlier ones: of alerts that were sent, and of drafts that never were."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from notify.alerts import follow_ups, remit
from notify.alerts import service as alerts
from notify.alerts.models import Alert, AlertContent, AlertState, FollowUp, FollowUpContent, Priority
from notify.staff.rights import Actor

ON_ITS_WAY = (AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED)

# what follows goes to those who got the first: an officer, and no message, changes its area
WORDS_OF_FOLLOW_UP = set(FollowUpContent.model_fields) - set(follow_ups.AREA_FIELDS)


class Outcome(StrEnum):
    """What a draft is to the earlier one."""

    ALERT = "alert"
    UPDATE = "update"
    ALL_CLEAR = "all-clear"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, what it is, and the unsent draft it takes the place of."""

    alert: Alert
    outcome: Outcome
    replaces: UUID | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Whose draft it is, and whether it is a rehearsal, as everything of a test key's is."""

    by: Actor
    is_test: bool = False


def start(session: Session, author: Author, content: AlertContent) -> Drafted:
    """A draft of a new alert. Raises what `alerts.create` raises."""
    alert = alerts.create(session, by=author.by, new=content, is_test=author.is_test, is_received=True)
    return Drafted(alert, Outcome.ALERT)


def follow(session: Session, author: Author, *, earlier: Alert, kind: FollowUp, content: AlertContent) -> Drafted:
    """A draft of what follows `earlier`.

    Where the first alert was sent, an update or all-clear to exactly those who got it. Where it never was, an update
    is a draft in its place, and an all-clear withdraws it. What becomes an emergency is a new alert: it goes by
    another lane, and to everyone in its area.

    Raises: what `remit.own` or, of a draft, `remit.require_may_cancel` raises of the earlier one, WrongState
    while someone decides about it, and what `alerts.create`, `alerts.cancel` and `alerts.draft_follow_up` raise.
    """
    _require_may_follow(session, author.by, earlier)
    first = first_of(session, earlier)
    replaced = _withdraw(session, author, earlier)
    is_graver = content.priority == Priority.EMERGENCY and first.priority == Priority.ROUTINE
    if first.ledger_month and not (is_graver and kind == FollowUp.UPDATE):
        alert = follow_ups.draft_follow_up(
            session,
            by=author.by,
            first=first,
            kind=kind,
            content=FollowUpContent(**content.model_dump(include=WORDS_OF_FOLLOW_UP)),
            is_test=author.is_test,
        )
        return Drafted(alert, Outcome(kind.value), replaced)
    if kind == FollowUp.ALL_CLEAR:
        return Drafted(earlier, Outcome.WITHDRAWN)
    return Drafted(start(session, author, content).alert, Outcome.ALERT, replaced)


def first_of(session: Session, alert: Alert) -> Alert:
    """The alert that this one follows, or itself."""
    while alert.follows_id:
        alert = session.get_one(Alert, alert.follows_id)
    return alert


def _require_may_follow(session: Session, by: Actor, earlier: Alert) -> None:
    if earlier.state in remit.UNSENT:
        remit.require_may_cancel(session, by, earlier)
    else:
        remit.require_own(session, by, earlier)


def _withdraw(session: Session, author: Author, earlier: Alert) -> UUID | None:
    if earlier.state in ON_ITS_WAY:
        raise alerts.WrongState(
            f"The draft of the message before is {earlier.state}. Reject, cancel or send it; then send this one again."
        )
    if earlier.state not in remit.UNSENT:
        return None
    alerts.cancel(session, by=author.by, alert=earlier)
    return earlier.id
