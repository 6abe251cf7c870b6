"""Closes a council: nobody signs up with it and nothing is sent any more. What it holds is kept until retention.

Closing can be undone until the retention period is over; then the details of its residents are erased.
"""

from dataclasses import dataclass

from sqlmodel import Session

from notify.alerts import closure as alerts
from notify.alerts.merger import require_quiet
from notify.core import clock
from notify.core.errors import Conflict
from notify.deliveries import digests
from notify.drafting import closure as drafting
from notify.exports.merger import end_schedules
from notify.staff.models import Council
from notify.staff.queries import lock_council, require_open, require_own_life
from notify.staff.service import audit


class CouncilIsOpen(Conflict):
    """The council sends alerts here as ever."""

    title = "The council is open"


@dataclass(frozen=True, slots=True)
class Closure:
    """What closing a council ended: alerts that waited, and recurring ones."""

    alerts: int
    recurring: int


def close(session: Session, council: Council, *, actor: str) -> Closure:
    """Close a council. Its users may look, export and say who else may, and its residents see and erase what is held.

    Raises: CouncilMerged, CouncilClosed, CouncilIsSending.
    """
    lock_council(session, council.id)
    session.refresh(council)
    require_open(session, council)
    require_quiet(session, council)
    ended = Closure(
        alerts.cancel_waiting(session, council, actor=actor),
        drafting.end_recurring(session, council),
    )
    digests.drop_waiting(session, council.id)
    end_schedules(session, council)
    council.closed_at = clock.now()
    session.add(council)
    session.flush()
    audit(
        session,
        council_id=council.id,
        actor=actor,
        action="council.close",
        subject=council.slug,
        alerts=ended.alerts,
        recurring=ended.recurring,
    )
    return ended


def reopen(session: Session, council: Council, *, actor: str) -> None:
    """Open a closed council again. What closing ended is begun anew by its users.

    Raises: CouncilMerged, CouncilIsOpen.
    """
    lock_council(session, council.id)
    session.refresh(council)
    require_own_life(session, council)
    if council.closed_at is None:
        raise CouncilIsOpen(f"{council.name} is open.")
    before, council.closed_at = council.closed_at, None
    session.add(council)
    session.flush()
    audit(
        session,
        council_id=council.id,
        actor=actor,
        action="council.reopen",
        subject=council.slug,
        before=before.isoformat(),
    )
