"""Bin reminders of residents whose council becomes part of another. The reference of a home stays: reminders go on when
the new council's release names it.
"""

from sqlalchemy import text
from sqlmodel import Session

from notify.staff.models import Council


def keep_reminders(session: Session, old: Council) -> None:
    """Put the reminders aside, with what was sent, before memberships change hands or become one with another."""
    for statement in (KEEP, KEEP_SENT, "DELETE FROM collection_reminder WHERE council_id = :old"):
        session.execute(text(statement), {"old": old.id})


def move_reminders(session: Session, new: Council) -> None:
    """Give the reminders to the new council's memberships: the same, or those that they became one with."""
    for statement in (MOVE, MOVE_SENT):
        session.execute(text(statement), {"new": new.id})


KEEP = """
    CREATE TEMP TABLE merger_reminder ON COMMIT DROP AS
    SELECT r.*, ARRAY(SELECT c.address_hash FROM contact c
                      WHERE c.subscriber_id = r.subscriber_id AND c.confirmed_at IS NOT NULL) AS hashes
    FROM collection_reminder r WHERE r.council_id = :old
"""
KEEP_SENT = """
    CREATE TEMP TABLE merger_reminder_sent ON COMMIT DROP AS
    SELECT n.* FROM collection_reminder_sent n JOIN collection_reminder r ON r.id = n.reminder_id
    WHERE r.council_id = :old
"""
MOVE = """
    INSERT INTO collection_reminder (id, council_id, subscriber_id, home, evening, morning, created_at)
    SELECT DISTINCT ON (s.id, k.home) k.id, :new, s.id, k.home, k.evening, k.morning, k.created_at
    FROM merger_reminder k
    JOIN subscriber s ON s.council_id = :new AND (s.id = k.subscriber_id OR s.id IN (
        SELECT c.subscriber_id FROM contact c WHERE c.council_id = :new AND c.address_hash = ANY(k.hashes)))
    ORDER BY s.id, k.home, k.created_at
    ON CONFLICT DO NOTHING
"""
MOVE_SENT = """
    INSERT INTO collection_reminder_sent (reminder_id, day, slot, alert_id, streams, at)
    SELECT n.reminder_id, n.day, n.slot, n.alert_id, n.streams, n.at
    FROM merger_reminder_sent n JOIN collection_reminder r ON r.id = n.reminder_id
"""
