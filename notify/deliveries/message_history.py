"""What one subscriber was sent by their council, in words that staff can read out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core.clock import LONDON, uk_day, uk_time
from notify.deliveries import queries
from notify.deliveries.message_resend import AGAIN
from notify.deliveries.models import DeliveryState
from notify.deliveries.queries import Sent
from notify.subscribers.queries import SubscriberRecord

# what people did with a message that an officer may talk with them about; opens and clicks are theirs
SAID = {
    "unsubscribed": "They unsubscribed",
    "complained": "They marked it as spam",
    "replied safe": "They replied that they are safe",
    "replied help": "They replied that they need help",
}
# of messages that did not arrive, and why in the words of the ledger
FAILED: Mapping[DeliveryState, str] = {
    DeliveryState.PERMANENT_FAILURE: "Failed: the address does not accept messages",
    DeliveryState.TEMPORARY_FAILURE: "Failed: tried for a day",
    DeliveryState.TECHNICAL_FAILURE: "Failed for a technical reason",
    DeliveryState.CANCELLED: "Not sent: the alert was cancelled",
    DeliveryState.EXPIRED: "Not sent: the alert had expired",
    DeliveryState.SUPPRESSED: "Not sent",
}
_RESENT = text("""
    SELECT e.alert_id, e.number FROM event e
    JOIN unnest(CAST(:months AS date[]), CAST(:alerts AS uuid[]), CAST(:numbers AS integer[]))
        AS m (month, alert, number)
      ON e.month = m.month AND e.alert_id = m.alert AND e.number = m.number
    WHERE e.kind = 'created' AND e.detail ? 'again_after'
""")


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One message: what the ledger holds, in words, and whether it may be asked for once more."""

    message: Sent
    outcome: str
    said: Sequence[str]
    may_be_resent: bool


def history(session: Session, record: SubscriberRecord, *, passed: int = 0, most: int) -> Sequence[HistoryLine]:
    """The messages of this subscriber's council to the contacts they have, the newest first."""
    contacts = [contact.id for contact in record.contacts]
    messages = queries.sent_to(session, [record.subscriber.id], contacts, passed=passed, most=most)
    done = queries.done_with(session, messages)
    resent = _resent(session, messages)
    return [
        HistoryLine(
            one,
            ("Sent again. " if (one.alert_id, one.number) in resent else "") + outcome_of(one),
            [
                f"{SAID[kind]} at {uk_time(at)}."
                for kind, at in done.get((one.alert_id, one.number), ())
                if kind in SAID
            ],
            one.state in AGAIN,
        )
        for one in messages
    ]


def _resent(session: Session, messages: Sequence[Sent]) -> set[tuple[UUID, int]]:
    values = {
        "months": [one.month for one in messages],
        "alerts": [one.alert_id for one in messages],
        "numbers": [one.number for one in messages],
    }
    return {(row.alert_id, row.number) for row in session.execute(_RESENT, values)}


def outcome_of(message: Sent) -> str:
    """Its state with UK times: “Sent 14:05, delivered 14:06 on 3 March 2027.”"""
    state, sent_at = message.state, message.sent_at
    if state in FAILED:
        because = f" ({message.reason.rstrip('.')})" if message.reason else ""
        return f"{FAILED[state]}{because}, {uk_time(message.changed_at)}."
    if sent_at is None or state in (DeliveryState.CREATED, DeliveryState.SENDING):
        return "Waiting to be sent."
    if state is DeliveryState.DELIVERED:
        return _sent_and_delivered(sent_at, message.changed_at)
    return f"Sent {uk_time(sent_at)}. No receipt, so we do not know if it arrived."


def _sent_and_delivered(sent_at: datetime, delivered_at: datetime) -> str:
    if uk_day(sent_at) == uk_day(delivered_at):
        return f"Sent {sent_at.astimezone(LONDON):%H:%M}, delivered {uk_time(delivered_at)}."
    return f"Sent {uk_time(sent_at)}, delivered {uk_time(delivered_at)}."
