"""The last lines of the consent ledger about residents who go."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify import clock

NEVER_CONFIRMED = "never-confirmed"


def withdraw_all(session: Session, subscriber_ids: Sequence[UUID], *, source: str) -> None:
    """Note that they follow nothing any more: before they are removed, `source` says why.

    The ledger is then the whole truth about who followed what when, without naming anybody.
    """
    if subscriber_ids:
        session.execute(
            text("""
                INSERT INTO consent (at, council_id, subscriber_id, topic_id, channel, action, wording_version,
                                     language, source)
                SELECT :now, s.council_id, u.subscriber_id, u.topic_id, NULL, 'withdrawn', :source, s.language, :source
                FROM subscription u JOIN subscriber s ON s.id = u.subscriber_id
                WHERE u.subscriber_id = ANY(:ids) AND u.ended_at IS NULL
                ORDER BY u.subscriber_id, u.topic_id
            """),
            {"now": clock.now(), "source": source, "ids": list(subscriber_ids)},
        )
