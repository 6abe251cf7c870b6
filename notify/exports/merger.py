"""What a council that becomes part of another sends regularly."""

from sqlalchemy import update
from sqlmodel import Session, col

from notify.exports.models import ExportSchedule
from notify.staff.models import Council


def end_schedules(session: Session, old: Council) -> None:
    """End every schedule: its receivers were meant for one council's data. The new council sets up its own."""
    statement = update(ExportSchedule).where(col(ExportSchedule.council_id) == old.id)
    session.execute(statement.values(next_at=None))
