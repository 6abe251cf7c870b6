"""Everything a council holds about one subscriber, for their request under data protection law."""

from sqlmodel import Session, col

from notify.deliveries import queries
from notify.providers.base import Channel
from notify.subscribers.inbound_texts import service as inbound_texts
from notify.subscribers.models import Contact
from notify.subscribers.my import choices
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.suppression import service as suppressions

MOST = 5000  # messages, texts and suppressions each


def everything(session: Session, record: SubscriberRecord) -> dict[str, object]:
    """What subscribing stored, messages with what they did, their texts and what is suppressed, as plain values."""
    return choices.held_about(session, record) | {
        "reference": str(record.subscriber.id),
        "messages": messages_of(session, [record]),
        "texts_from_them": _texts(session, record),
        "suppressions": _suppressions(session, record),
    }


def messages_of(session: Session, records: list[SubscriberRecord]) -> list[dict[str, object]]:
    """Every message that these memberships were sent, with what its reader did."""
    subscribers = [record.subscriber.id for record in records]
    contacts = [contact.id for record in records for contact in record.contacts]
    messages = queries.sent_to(session, subscribers, contacts, most=MOST)
    done = queries.done_with(session, messages)
    return [
        {
            "at": (message.sent_at or message.created_at).isoformat(),
            "title": message.title,
            "topic": message.topic,
            "council": message.council,
            "channel": message.channel.value,
            "language": message.language,
            "outcome": message.state.value,
            "reason": message.reason or None,
            "events": [
                {"kind": kind, "at": at.isoformat()} for kind, at in done.get((message.alert_id, message.number), ())
            ],
        }
        for message in messages
    ]


def _texts(session: Session, record: SubscriberRecord) -> list[dict[str, object]]:
    whose = col(Contact.subscriber_id) == record.subscriber.id
    found = inbound_texts.of_council(session, record.subscriber.council_id, only=whose, also_moves=True, limit=MOST)
    return [{"at": one.at.isoformat(), "words": one.words} for one in found]


def _suppressions(session: Session, record: SubscriberRecord) -> list[dict[str, object]]:
    council_id, whose = record.subscriber.council_id, record.subscriber.id
    found = suppressions.suppressions(session, council_id, subscriber_id=whose, also_lifted=True, limit=MOST)
    return [
        {
            "at": one.at.isoformat(),
            "channel": Channel(one.suppression.channel).value,
            "address": one.address,
            "reason": one.suppression.reason.value,
            "lifted": one.suppression.lifted_at.isoformat() if one.suppression.lifted_at else None,
        }
        for one in found
    ]
