"""What links in messages are about, and leaving by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.alerts.reply_request import read_stop_token
from notify.core import tokens
from notify.core.tokens import LinkNotValid, Purpose
from notify.deliveries.message_content import HIDDEN
from notify.deliveries.models import EventKind
from notify.subscribers.access_models import ContactBefore
from notify.subscribers.models import Contact, Topic
from notify.subscribers.queries import contacts_by_fingerprint
from notify.subscribers.service import unsubscribe
from notify.subscribers.topic_queries import topics_now
from notify.tracking.models import ALERT_LINK, CANARY


@dataclass(frozen=True, slots=True)
class Source:
    """Which alert a link belongs to, which of its links, and which delivery if the person agreed to be counted."""

    alert_id: UUID
    number: int | None
    link: int = ALERT_LINK


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who would leave which topics by an unsubscribe link; `alert` is what they were sent, if it was one."""

    topics: Sequence[Topic]
    contact: Contact | None
    alert: Alert | None = None

    @property
    def topic_names(self) -> str:
        """What would stop, in the language that is spoken."""
        return ", ".join(topic.words.name for topic in self.topics)


def read_source(purpose: Purpose, token: str) -> Source:
    """What a click or open link is about. Raises: LinkNotValid."""
    payload = tokens.read(purpose, token)
    if len(payload) == 16:
        return Source(UUID(bytes=payload), None)
    if payload[16:] == HIDDEN:
        return Source(UUID(bytes=payload[:16]), None, CANARY)
    if len(payload) == 20:
        return Source(UUID(bytes=payload[:16]), int.from_bytes(payload[16:], "big"))
    raise LinkNotValid("The link is incomplete.")


def link_of(session: Session, source: Source) -> str:
    """The address stored with the alert, the only place a link of ours leads to. Raises: LinkNotValid."""
    alert = session.get(Alert, source.alert_id)
    if alert is None or alert.link is None:
        raise LinkNotValid("The alert that this link belonged to has been removed.")
    return alert.link


def note(session: Session, alert: Alert, number: int | None, kind: EventKind) -> None:
    """Add an event, in the month of the alert's ledger so that it lives and goes with it."""
    if alert.ledger_month is None:
        return
    session.execute(
        text("""
            INSERT INTO event (month, at, alert_id, number, kind)
            SELECT CAST(:month AS date), business_now(), :alert, CAST(:number AS integer), :kind
            FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            -- a mail is left long after its month is gone; that must never fail
            WHERE inhparent = 'event'::regclass AND relname = 'event_' || to_char(CAST(:month AS date), 'YYYYMM')
        """),
        {"month": alert.ledger_month, "alert": alert.id, "number": number, "kind": kind},
    )


def read_leaving(session: Session, token: str) -> Leaving:
    """Who would leave what by this link. Raises: LinkNotValid."""
    payload = tokens.read(Purpose.UNSUBSCRIBE, token)
    if len(payload) < 32 or len(payload) % 16:
        raise LinkNotValid("The link is incomplete.")
    contact_id, *named = [UUID(bytes=payload[start : start + 16]) for start in range(0, len(payload), 16)]
    if alert := session.get(Alert, named[0]):
        contact = _contact_of(session, contact_id, alert.council_id)
        return Leaving(topics_now(session, [session.get_one(Topic, alert.topic_id)]), contact, alert)
    found = session.exec(select(Topic).where(col(Topic.id).in_(named))).all()  # a message told of topics
    if not found:
        raise LinkNotValid("The alert that this link belonged to has been removed.")
    now = topics_now(session, found)
    return Leaving(now, _contact_of(session, contact_id, now[0].council_id))


def _contact_of(session: Session, contact_id: UUID, council_id: UUID) -> Contact | None:
    """The council's contact that a link names; None when it was erased.

    Links in mails from when councils shared contacts name one that is another council's now.
    """
    contact = session.get(Contact, contact_id)
    if contact is not None and contact.council_id == council_id:
        return contact
    before = session.get(ContactBefore, (contact_id, council_id))
    return session.get(Contact, before.contact_id) if before else None


def read_stopping(token: str) -> UUID:
    """The contact whose texts a link would stop. Raises: LinkNotValid."""
    return read_stop_token(token)


def stop_texts(session: Session, contact_id: UUID) -> None:
    """Stop every text to this contact's number, of every council. Safe to repeat, and for who was erased."""
    contact = session.get(Contact, contact_id)
    for one in contacts_by_fingerprint(session, contact.address_hash) if contact else ():
        unsubscribe(session, contact_id=one.id, topic_id=None, source="text-link")


def leave(session: Session, leaving: Leaving, *, all_topics: bool, source: str) -> None:
    """Stop the topic, or everything of every council that writes to this address. Safe to repeat."""
    if leaving.contact is None:
        return  # erased already: there is nothing left to stop
    if not all_topics:
        contact_id = leaving.contact.id
        stopped = [
            unsubscribe(session, contact_id=contact_id, topic_id=one.id, source=source) for one in leaving.topics
        ]
    else:
        everywhere = contacts_by_fingerprint(session, leaving.contact.address_hash)
        stopped = [unsubscribe(session, contact_id=one.id, topic_id=None, source=source) for one in everywhere]
    if leaving.alert is None or not any(stopped):
        return
    number = session.execute(
        text("SELECT number FROM delivery WHERE month = :month AND alert_id = :alert AND contact_id = :contact"),
        {"month": leaving.alert.ledger_month, "alert": leaving.alert.id, "contact": leaving.contact.id},
    ).scalar()
    note(session, leaving.alert, number, EventKind.UNSUBSCRIBED)
