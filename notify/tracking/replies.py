"""Replies to an emergency: who was asked, whether replies are still read, and recording them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.alerts.reply_request import read_reply_token
from notify.core.errors import Gone
from notify.core.tokens import LinkNotValid
from notify.deliveries import safety_answers
from notify.deliveries.models import Answer
from notify.languages import _, later
from notify.staff.queries import council

ASKED = f"""
    SELECT a.id, d.subscriber_id, r.answer, {safety_answers.IS_OVER} AS is_over
    FROM alert a
    JOIN delivery d ON d.month = a.ledger_month AND d.alert_id = a.id AND d.number = :number
    JOIN subscriber s ON s.id = d.subscriber_id AND s.council_id = a.council_id
    LEFT JOIN reply r ON r.alert_id = a.id AND r.subscriber_id = d.subscriber_id
    WHERE a.reply_code = :code AND a.asks_reply
"""  # noqa: S608 - our own words


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
    safety_answers.keep(session, asked.alert, number=asked.number, subscriber_id=asked.subscriber_id, answer=answer)
