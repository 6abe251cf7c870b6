"""One message to one subscriber once more, because they ask for it. It reaches nobody else."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert, AlertState
from notify.channels import CHANNELS
from notify.core import clock, jobs
from notify.core.errors import Conflict, NotFound
from notify.core.jobs import Lane
from notify.deliveries.manual_retries import RETRY
from notify.deliveries.models import Delivery, DeliveryState
from notify.providers.base import Channel
from notify.staff.rights import Principal, Right
from notify.staff.service import audit
from notify.subscribers.models import Topic
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.suppression.service import is_suppressed

# all but what waits, and what was withdrawn or over before it was sent
AGAIN = (
    DeliveryState.SENT,
    DeliveryState.DELIVERED,
    DeliveryState.UNKNOWN,
    DeliveryState.SUPPRESSED,
    DeliveryState.TEMPORARY_FAILURE,
    DeliveryState.TECHNICAL_FAILURE,
    DeliveryState.PERMANENT_FAILURE,
)
MOST_IN_A_DAY = 3
_LATELY = text("""
    SELECT count(*) FROM event
    WHERE month = :month AND alert_id = :alert AND number = :number AND kind = 'created' AND detail ? 'again_after'
      AND at > business_now() - make_interval(hours => 24)
""")


class UnknownMessage(NotFound):
    """This subscriber was sent no such message, or it is not kept any more."""

    title = "There is no such message"


class NotSentAgain(Conflict):
    """The alert is over, or the subscriber does not get it this way any more; the message says which."""

    title = "The message cannot be sent again"


def send_again(session: Session, user: Principal, record: SubscriberRecord, alert_id: UUID, number: int) -> None:
    """Send one message of an alert to its subscriber again, by the same channel, within a minute or so.

    Only while the alert is in force and they follow its topic by that channel; at most three times a day. The alert's
    own state and times stay. Raises: Forbidden, UnknownMessage, NotSentAgain.
    """
    user.require(Right.CHANGE_SUBSCRIBERS)
    alert, message = _message(session, user, record, alert_id, number)
    _require_alive(alert)
    _require_wanted(session, record, alert, message)
    which = {
        "month": alert.ledger_month,
        "alert": alert.id,
        "states": [str(state) for state in AGAIN],
        "number": number,
    }
    if session.execute(_LATELY, which).scalar_one() >= MOST_IN_A_DAY:
        raise NotSentAgain(f"It was sent again {MOST_IN_A_DAY} times in the last day. Check their address with them.")
    opened = session.execute(text(RETRY), which).all()
    if not opened:
        raise NotSentAgain("It is waiting to be sent, or was withdrawn.")
    audit(
        session,
        council_id=user.council_id,
        actor=user.actor,
        action="subscriber.resend",
        subject=str(record.subscriber.id),
        alert=str(alert.id),
        number=number,
    )
    for batch in opened:
        jobs.note(session, jobs.Job.SEND_NEXT, batch.lane, lane=Lane(batch.lane))


def _message(
    session: Session, user: Principal, record: SubscriberRecord, alert_id: UUID, number: int
) -> tuple[Alert, Delivery]:
    """Raises: UnknownMessage."""
    alert = session.get(Alert, alert_id)
    found = None
    if alert and alert.council_id == user.council_id and alert.ledger_month and not alert.is_test:
        found = session.get(Delivery, (alert.ledger_month, alert.id, number))
    if alert is None or found is None or found.subscriber_id != record.subscriber.id:
        raise UnknownMessage("This subscriber was sent no such message, or it is not kept any more.")
    return alert, found


def _require_alive(alert: Alert) -> None:
    """Raises: NotSentAgain."""
    if alert.state not in (AlertState.SENT, AlertState.SENDING):
        raise NotSentAgain(f"The alert is {alert.state}.")
    if alert.expires_at and alert.expires_at <= clock.now():
        raise NotSentAgain("The alert has expired, so what it says may not be true any more.")


def _require_wanted(session: Session, record: SubscriberRecord, alert: Alert, message: Delivery) -> None:
    """Raises: NotSentAgain."""
    channel = Channel(message.channel)
    by = CHANNELS[channel].in_sentence
    contact = next((one for one in record.contacts if one.id == message.contact_id and one.confirmed_at), None)
    if contact is None:
        raise NotSentAgain("The contact it was sent to is not theirs any more, or is not confirmed.")
    topic = session.get_one(Topic, alert.topic_id)
    follows = {one.topic_id for one, _ in record.subscriptions if channel in one.channels}
    if alert.topic_id not in follows:
        raise NotSentAgain(f"They do not follow {topic.name} by {by}.")
    if is_suppressed(session, contact):
        raise NotSentAgain("The address is suppressed.")
    paused = record.subscriber.paused_until
    if paused and paused > clock.now() and alert.priority != "emergency":
        raise NotSentAgain("They paused their alerts.")
