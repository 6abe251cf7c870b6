"""What service messages about topics say: one that ends, one that became part of another, one that was split."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core import tokens
from notify.core.settings import settings
from notify.deliveries.service_message_words import INSTEAD
from notify.languages import speaking
from notify.subscribers.models import Contact, ServiceMessage, ServiceMessageKind, Subscriber, Topic

ABOUT_TOPICS = (ServiceMessageKind.TOPIC_CLOSED, ServiceMessageKind.TOPIC_MERGED, ServiceMessageKind.TOPIC_SPLIT)


@dataclass(frozen=True, slots=True)
class TopicNews:
    """A topic's name, what there is `now` in its place, its last day, and a link that stops what is there now."""

    what: str
    now: str
    day: str
    unsubscribe_url: str


def topic_news(session: Session, queued: ServiceMessage, contact: Contact) -> TopicNews | None:
    """What this message tells of a topic, in its reader's language; None where it is about something else."""
    if queued.kind not in ABOUT_TOPICS or queued.about is None:
        return None
    topic = session.get_one(Topic, queued.about)
    language = session.get_one(Subscriber, contact.subscriber_id).language
    after = session.exec(select(Topic).where(col(Topic.id).in_(topic.instead_ids)).order_by(col(Topic.position))).all()
    with speaking(language):
        now = ", ".join(one.words.name for one in after)
        day = topic.last_day
    if queued.kind == ServiceMessageKind.TOPIC_CLOSED:
        offered = INSTEAD.get(language, INSTEAD["en"]).format(now=now) if now else ""
        return TopicNews(topic.words_in(language).name, offered, day, "")
    url = f"{settings().base_url}/u/{topics_token(contact.id, [one.id for one in after])}"
    return TopicNews(topic.words_in(language).name, now, day, url)


def topics_token(contact_id: UUID, topic_ids: Sequence[UUID]) -> str:
    """The part of an unsubscribe link that says who stops these topics."""
    return tokens.sign(tokens.Purpose.UNSUBSCRIBE, b"".join(one.bytes for one in (contact_id, *topic_ids)))
