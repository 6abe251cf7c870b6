"""The last lines of the consent ledger about residents who go."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.subscribers.models import Contact, Subscriber

NEVER_CONFIRMED = "never-confirmed"
IMPORT_UNDONE = "import-undone"


def withdraw_all(session: Session, subscriber_ids: Sequence[UUID], *, source: str) -> None:
    """Note that they follow nothing any more: before they are removed, `source` says why.

    The ledger is then the whole truth about who followed what when, without naming anyone.
    """
    if subscriber_ids:
        session.execute(
            text("""
                INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action,
                                     wording_version, language, source)
                SELECT :now, true, s.council_id, u.subscriber_id, u.topic_id, NULL, 'withdrawn', :source, s.language,
                       :source
                FROM subscription u JOIN subscriber s ON s.id = u.subscriber_id
                WHERE u.subscriber_id = ANY(:ids) AND u.ended_at IS NULL
                ORDER BY u.subscriber_id, u.topic_id
            """),
            {"now": clock.now(), "source": source, "ids": list(subscriber_ids)},
        )


def give_up(session: Session, subscriber_ids: Collection[UUID]) -> None:
    """Remove those of these memberships that have no address left."""
    if not subscriber_ids:
        return
    reachable = select(Contact.id).where(col(Contact.subscriber_id) == col(Subscriber.id)).exists()
    without = select(Subscriber.id).where(col(Subscriber.id).in_(subscriber_ids), ~reachable)
    given_up = session.exec(without).all()
    withdraw_all(session, given_up, source=NEVER_CONFIRMED)
    session.execute(delete(Subscriber).where(col(Subscriber.id).in_(given_up)))


def record_unsubscribe(session: Session, contact: Contact, *, source: str) -> None:
    """Note that nothing is sent by this contact any more, where that is so: a no to every topic, also to those that
    they never had, until they say otherwise. Safe to repeat.
    """
    session.flush()
    values = {"now": clock.now(), "contact": contact.id, "source": source}
    session.execute(text(LEAVING), values)


LEAVING = """
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT :now, true, s.council_id, s.id, NULL, c.channel, 'withdrawn', :source, s.language, :source
    FROM contact c JOIN subscriber s ON s.id = c.subscriber_id
    WHERE c.id = :contact
      AND NOT EXISTS (SELECT FROM subscription u WHERE u.subscriber_id = s.id AND u.ended_at IS NULL
                      AND c.channel = ANY(u.channels))
      AND NOT EXISTS (  -- said already, and nothing was agreed to since
          SELECT FROM consent l
          WHERE l.subscriber_id = s.id AND l.topic_id IS NULL AND l.action = 'withdrawn' AND l.channel = c.channel
            AND l.id > coalesce((SELECT max(g.id) FROM consent g WHERE g.subscriber_id = s.id
                                 AND g.action = 'given' AND g.channel = c.channel), 0))
"""
