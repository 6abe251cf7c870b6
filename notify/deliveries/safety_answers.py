"""What residents answer to “are you safe?”: kept once a person and alert, whether it came by a link or by text."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.deliveries.models import Answer

# whether nobody reads answers to the alert `a` any more
IS_OVER = """(coalesce(a.expires_at <= business_now(), false) OR EXISTS (
    SELECT FROM alert f WHERE f.follows_id = a.id AND f.follow_up = 'all-clear'
      AND f.expanded_at IS NOT NULL AND (a.is_test OR NOT f.is_test)))"""
_OPEN = f"""
    SELECT a.id, d.number, d.subscriber_id, d.contact_id
    FROM alert a
    JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id AND d.contact_id = ANY(:contacts)
    WHERE a.asks_reply AND NOT a.is_test AND a.expanded_at > business_now() - interval '14 days' AND NOT {IS_OVER}
    ORDER BY a.expanded_at DESC, a.id DESC LIMIT 1
"""  # noqa: S608 - our own words
_NEEDS_HELP = "SELECT answer = 'help' FROM reply WHERE alert_id = :alert AND subscriber_id = :subscriber"
_KEEP = """
    WITH kept AS (
        INSERT INTO reply (alert_id, subscriber_id, month, number, answer, at)
        SELECT :alert, id, :month, :number, :answer, business_now() FROM subscriber WHERE id = :subscriber
        ON CONFLICT (alert_id, subscriber_id) DO UPDATE
            SET number = excluded.number, answer = excluded.answer, at = excluded.at
            WHERE reply.answer <> excluded.answer
        RETURNING 1
    )
    INSERT INTO event (month, at, alert_id, number, kind, detail)
    SELECT :month, business_now(), :alert, :number, 'replied', jsonb_build_object('answer', CAST(:answer AS text))
        FROM kept
"""


def keep(session: Session, alert: Alert, *, number: int, subscriber_id: UUID, answer: Answer) -> None:
    """Write down the answer of who got this delivery; the last one counts, and the same once more changes nothing."""
    values = {"alert": alert.id, "month": alert.ledger_month, "number": number, "answer": answer.value}
    session.execute(text(_KEEP), values | {"subscriber": subscriber_id})


def answer_by_text(session: Session, contact_ids: Sequence[UUID], answer: str, is_plain: bool) -> UUID | None:
    """Take what a number texted for the answer to the newest question that it was asked and that is still open; the
    contact which was asked. None where nothing is open, and then nothing is written.

    Words that are not plain, such as “ok”, may be a first answer. They never take back that somebody needs help.
    """
    row = session.execute(text(_OPEN), {"contacts": list(contact_ids)}).first()
    if row is None:
        return None
    who = {"alert": row.id, "subscriber": row.subscriber_id}
    if not is_plain and session.execute(text(_NEEDS_HELP), who).scalar():
        return None
    alert = session.get_one(Alert, row.id)
    keep(session, alert, number=row.number, subscriber_id=row.subscriber_id, answer=Answer(answer))
    contact_id: UUID = row.contact_id
    return contact_id
