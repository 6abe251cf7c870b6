"""Taking an import back within a day: people it added go, what it added to others ends, who did anything since stays.

Withdrawals go into the consent ledger, so that it says who followed what when. People count as changed by anyone:
themselves, staff, another list, or a link or code with which they said that the address is theirs.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import delete, text
from sqlmodel import Session, col

from notify.core import clock
from notify.core.db import transaction
from notify.subscribers.consent.ledger import IMPORT_UNDONE, withdraw_all
from notify.subscribers.imports.import_lease import renew
from notify.subscribers.models import Subscriber

AT_ONCE = 5_000


def steps(import_id: UUID, lease: UUID) -> Iterator[None]:
    """Take back some thousand people after another, each lot in a transaction. Raises: LeaseLost."""
    is_through = False
    while not is_through:
        with transaction() as session:
            is_through = not _take_back(session, import_id, lease)
        yield


def _take_back(session: Session, import_id: UUID, lease: UUID) -> int:
    """Take back the next people; how many there were."""
    held = renew(session, import_id, lease)
    values = {"import": import_id, "most": AT_ONCE, "now": clock.now(), "source": IMPORT_UNDONE}
    people = session.execute(text(NEXT), values).all()
    added = [one.subscriber_id for one in people if one.is_untouched and one.is_added]
    changed = [one.subscriber_id for one in people if one.is_untouched and not one.is_added]
    withdraw_all(session, added, source=IMPORT_UNDONE)
    session.execute(delete(Subscriber).where(col(Subscriber.id).in_(added)))
    if changed:
        for statement in OF_OTHERS:
            session.execute(text(statement), values | {"people": changed})
    session.execute(text(FORGET), values | {"people": [one.subscriber_id for one in people]})
    gone = len(added) + len(changed)
    held.counts = held.counts | {
        "undone": held.counts.get("undone", 0) + gone,
        "stayed": held.counts.get("stayed", 0) + len(people) - gone,
    }
    held.tries = 0
    session.add(held)
    return len(people)


NEXT = """
    WITH brought AS (
        SELECT subscriber_id, max(at) AS last, bool_or(outcome = 'created') AS is_added
        FROM subscriber_import_row WHERE import_id = :import AND subscriber_id IS NOT NULL
        GROUP BY subscriber_id ORDER BY subscriber_id LIMIT :most
    )
    SELECT b.subscriber_id, b.is_added,
           coalesce(s.changed_at = b.last, false)
               AND NOT EXISTS (SELECT FROM contact c WHERE c.subscriber_id = s.id AND c.confirmed_by IN ('link', 'code')
                               AND (b.is_added OR c.confirmed_at > b.last)) AS is_untouched
    FROM brought b LEFT JOIN subscriber s ON s.id = b.subscriber_id
"""
FORGET = "DELETE FROM subscriber_import_row WHERE import_id = :import AND subscriber_id = ANY(CAST(:people AS uuid[]))"
_BROUGHT = """(SELECT DISTINCT subscriber_id, at FROM subscriber_import_row
               WHERE import_id = :import AND subscriber_id = ANY(CAST(:people AS uuid[]))) m"""
END_TOPICS = f"""
    WITH ended AS (
        UPDATE subscription u SET ended_at = :now, ended_reason = :source
        FROM {_BROUGHT} WHERE u.subscriber_id = m.subscriber_id AND u.started_at = m.at AND u.ended_at IS NULL
        RETURNING u.council_id, u.subscriber_id, u.topic_id
    )
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT :now, true, e.council_id, e.subscriber_id, e.topic_id, NULL, 'withdrawn', :source, s.language, :source
    FROM ended e JOIN subscriber s ON s.id = e.subscriber_id
    ORDER BY e.subscriber_id, e.topic_id
"""  # noqa: S608 - our own words
# after END_TOPICS: what the list began itself has ended by then
END_CHANNELS = """
    WITH gone AS (
        SELECT DISTINCT u.id, u.council_id, u.subscriber_id, u.topic_id, split_part(a.added, ':', 2) AS channel
        FROM subscriber_import_row m
        CROSS JOIN unnest(m.added) AS a (added)
        JOIN subscription u ON u.subscriber_id = m.subscriber_id AND u.ended_at IS NULL
                           AND u.topic_id = CAST(split_part(a.added, ':', 1) AS uuid)
                           AND split_part(a.added, ':', 2) = ANY(u.channels)
        WHERE m.import_id = :import AND m.subscriber_id = ANY(CAST(:people AS uuid[]))
    ), less AS (
        UPDATE subscription u SET channels = ARRAY(
            SELECT way FROM unnest(u.channels) AS way
            WHERE NOT EXISTS (SELECT FROM gone g WHERE g.id = u.id AND g.channel = way) ORDER BY way)
        WHERE u.id IN (SELECT id FROM gone)
    )
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT :now, true, g.council_id, g.subscriber_id, g.topic_id, g.channel, 'withdrawn', :source, s.language, :source
    FROM gone g JOIN subscriber s ON s.id = g.subscriber_id
    ORDER BY g.subscriber_id, g.topic_id, g.channel
"""
# whose proof was the list's word
UNCONFIRM = f"""
    UPDATE contact c SET confirmed_at = NULL, confirmed_by = NULL
    FROM {_BROUGHT}
    WHERE c.subscriber_id = m.subscriber_id AND c.confirmed_by = 'council' AND c.confirmed_at = m.at
"""  # noqa: S608 - our own words
REMOVE_PLACES = f"""
    DELETE FROM place p USING {_BROUGHT} WHERE p.subscriber_id = m.subscriber_id AND p.resolved_at = m.at
"""  # noqa: S608 - our own words
# asked for while the chunk was taken, which takes seconds
REMOVE_REQUESTS = f"""
    DELETE FROM consent_request q USING {_BROUGHT}, contact c
    WHERE c.subscriber_id = m.subscriber_id AND q.contact_id = c.id AND NOT q.is_own
      AND q.asked_at BETWEEN m.at AND m.at + interval '1 minute'
"""  # noqa: S608 - our own words
REMOVE_CONTACT_REQUESTS = f"""
    DELETE FROM contact_request q USING {_BROUGHT} WHERE q.subscriber_id = m.subscriber_id AND q.asked_at = m.at
"""  # noqa: S608 - our own words
TOUCH = "UPDATE subscriber SET changed_at = :now WHERE id = ANY(CAST(:people AS uuid[]))"
OF_OTHERS = (
    END_TOPICS,
    END_CHANNELS,
    UNCONFIRM,
    REMOVE_PLACES,
    REMOVE_REQUESTS,
    REMOVE_CONTACT_REQUESTS,
    TOUCH,
)
