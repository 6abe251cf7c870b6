"""Reading many subscribers at once: audited, limited by a daily quota, and reported to administrators."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from notify.core import clock, jobs
from notify.core.errors import TooMany
from notify.core.limit_settings import limit_settings
from notify.staff.models import ResidentsRead
from notify.staff.rights import Principal
from notify.staff.service import audit

log = logging.getLogger(__name__)

MANY = 50  # fewer are a day's work, and add up
FEW_ON_TOP = 2  # a day's work goes on beyond the quota, up to so many times of it
ALARM_SHARE = 0.5
KEPT = timedelta(days=2)


class TooManyResidentsRead(TooMany):
    """So many subscribers in a day are an export, which a person takes who has just confirmed that it is them."""

    title = "You have read too many subscribers today"


def note_reading(
    session: Session, by: Principal, people: int, what: str, *, is_export: bool = False, has_ids_only: bool = False
) -> None:
    """Note that an answer holds so many subscribers. `is_export`: taken by a person with a fresh second factor.

    All count for the day's quota, which an export may pass, and answers of fewer than fifty up to twice of it. Fifty
    or more leave a line in the audit trail, at once or few by few.
    Administrators are told once a day when someone has read half of the quota. What holds nothing but ids is written
    down and not counted.
    Raises: TooManyResidentsRead.
    """
    if not people:
        return
    if has_ids_only:
        if people >= MANY:
            _audit(session, by, "residents.read", what, people)
        return
    most, now = limit_settings().residents_per_day, clock.now()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    read = _count(session, by.actor, day, people)
    allowed = most if people >= MANY else FEW_ON_TOP * most
    if read > allowed and not is_export:
        log.warning("reading refused", extra={"reason": "residents-quota", "actor": by.actor, "people": people})
        wait = int((day + timedelta(days=1) - now).total_seconds()) + 1
        raise TooManyResidentsRead(
            f"At most {most:,} a day. An administrator can take an export, or set NOTIFY_LIMIT_RESIDENTS_PER_DAY.",
            retry_after=wait,
        )
    if people >= MANY or read // MANY > (read - people) // MANY:
        _audit(session, by, "residents.read", what, people if people >= MANY else MANY)
    if read - people < ALARM_SHARE * most <= read:
        log.warning("many subscribers read", extra={"reason": "residents-alarm", "actor": by.actor, "people": read})
        _audit(session, by, "residents.alarm", what, read)
        jobs.note(session, jobs.Job.TELL_STAFF, f"reading {by.council_id}", lane=jobs.Lane.TRANSACTIONAL)


def _audit(session: Session, by: Principal, action: str, what: str, people: int) -> None:
    audit(session, council_id=by.council_id, actor=by.actor, action=action, subject=what, people=people)


def _count(session: Session, actor: str, day: datetime, people: int) -> int:
    """Add to what this actor read today, and return the sum."""
    session.execute(delete(ResidentsRead).where(col(ResidentsRead.day) < day - KEPT))
    statement = insert(ResidentsRead).values(actor=actor, day=day, people=people)
    added = statement.on_conflict_do_update(
        index_elements=["actor", "day"], set_={"people": ResidentsRead.people + statement.excluded.people}
    )
    return int(session.execute(added.returning(col(ResidentsRead.people))).scalar_one())
