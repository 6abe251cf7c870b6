"""Recurring alerts of a council that closes."""

from sqlalchemy import update
from sqlmodel import Session, col

from notify.core import clock
from notify.drafting.models import Recurrence
from notify.staff.models import Council


def end_recurring(session: Session, council: Council) -> int:
    """Let nothing come again; how many recurring alerts ended."""
    running = update(Recurrence).where(col(Recurrence.council_id) == council.id, col(Recurrence.ended_at).is_(None))
    ended = session.execute(running.values(ended_at=clock.now()).returning(col(Recurrence.id)))
    return len(ended.all())
