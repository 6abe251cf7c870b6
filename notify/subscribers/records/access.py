"""Who may open a subscriber's record: each look is in the audit trail, and some roles say first what it is for."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Forbidden
from notify.staff.models import AuditEntry
from notify.staff.read_quota import note_reading
from notify.staff.rights import Principal
from notify.staff.service import audit
from notify.subscribers import test_people
from notify.subscribers.queries import SubscriberRecord

LOOK = "subscriber.see"
ONE_LOOK = timedelta(hours=1)  # a call is over by then, and the next one is another look
SHORTEST_REASON, LONGEST_REASON = 3, 200


class ReasonNeeded(Forbidden):
    """A role that works with residents only as they call says what each look at a record is for."""

    title = "Say why you need this record"


def open_record(session: Session, user: Principal, subscriber_id: UUID, *, reason: str = "") -> SubscriberRecord:
    """The record of this council's subscriber, with a line in the audit trail for each hour in which it is read.

    Counted in the day's quota. Raises: UnknownSubscriber, ReasonNeeded, TooManyResidentsRead.
    """
    found = test_people.seen(session, user, subscriber_id)
    note_look(session, user, subscriber_id, reason)
    note_reading(session, user, 1, "subscribers one by one")
    return found


def note_look(session: Session, user: Principal, subscriber_id: UUID, reason: str = "") -> None:
    """Write down that this user looks at this record, once an hour or with each reason. Raises: ReasonNeeded."""
    has_looked = _looked_lately(session, user, subscriber_id)
    if user.must_say_why and not has_looked and len(reason) < SHORTEST_REASON:
        raise ReasonNeeded(
            "Find the person and say why you need their record: at /staff/residents, or by API with `reason`. "
            "It counts for an hour."
        )
    if has_looked and not reason:
        return
    said = {"reason": reason[:LONGEST_REASON]} if reason else {}
    audit(session, council_id=user.council_id, actor=user.actor, action=LOOK, subject=str(subscriber_id), **said)
    session.flush()


def _looked_lately(session: Session, user: Principal, subscriber_id: UUID) -> bool:
    statement = select(AuditEntry.id).where(
        AuditEntry.subject == str(subscriber_id),
        AuditEntry.actor == user.actor,
        AuditEntry.action == LOOK,
        AuditEntry.at > clock.now() - ONE_LOOK,
    )
    return session.exec(statement.order_by(col(AuditEntry.id).desc()).limit(1)).first() is not None
