"""Replies to an emergency: who was asked, whether replies are still read, and recording them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.alerts.reply_request import read_reply_token
from notify.core.errors import Gone
from notify.core.tokens import LinkNotValid
from notify.deliveries.models import Answer
from notify.languages import _, later
from notify.staff.queries import council

ASKED = """
    SELECT a.id, d.subscriber_id, r.answer,
           coalesce(a.expires_at <= business_now(), false) OR EXISTS (
               SELECT FROM alert f WHERE f.follows_id = a.id AND f.follow_up = 'all-clear'
                 AND f.expanded_at IS NOT NULL AND (a.is_test OR NOT f.is_test)) AS is_over
    FROM alert a
    JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id AND d.number = :number
    JOIN subscriber s ON s.id = d.subscriber_id AND s.council_id = a.council_id
    LEFT JOIN reply r ON r.alert_id = a.id AND r.subscriber_id = d.subscriber_id
    WHERE a.reply_code = :code AND a.asks_reply
"""


class AlertIsOver(Gone):
    """Nobody reads answers to this alert any more."""

    title = later("This alert is over")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked by which alert, and what they answered last; `is_over`: nobody reads it any more."""

    alert: Alert
    council_name: str
    number: int
    subscriber_id: UUID
    answer: Answer | None
    is_over: bool


def asked_by(session: Session, token: str) -> Asked:
    """What a link for replies is about. Raises: LinkNotValid, also when the reader was erased."""
    code, number = read_reply_token(token)
    row = session.execute(text(ASKED), {"code": code, "number": number}).first()
    if row is None:
        raise LinkNotValid(_("The alert that this link belonged to has been removed."))
    alert = session.get_one(Alert, row.id)
    return Asked(
        alert=alert,
        council_name=council(session, alert.council_id).name,
        number=number,
        subscriber_id=row.subscriber_id,
        answer=Answer(row.answer) if row.answer else None,
        is_over=row.is_over,
    )


def take_answer(session: Session, asked: Asked, answer: Answer) -> None:
    """Write the answer down; the last one counts, and the same once more changes nothing. Raises: AlertIsOver."""
    if asked.is_over:
        raise AlertIsOver(_("No one reads replies to it any more. If you are in danger, call 999."))
    session.execute(
        text(ANSWER),
        {
            "alert": asked.alert.id,
            "subscriber": asked.subscriber_id,
            "month": asked.alert.ledger_month,
            "number": asked.number,
            "answer": answer.value,
        },
    )


ANSWER = """
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
