"""Alerts whose wards or districts have ended since they were written: held until a person says where they go instead.

Emergencies are not held. They go to what has taken over, and staff are told.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert, AlertState, Priority
from notify.core import clock, jobs
from notify.places import succession
from notify.places.models import Targets
from notify.places.succession import EndedArea
from notify.staff.service import audit

ACTOR = "engine:areas"
WAITING = (AlertState.SUBMITTED, AlertState.SCHEDULED)
BEFORE_SENDING = (AlertState.DRAFT, AlertState.REJECTED, *WAITING)
_WAITING = """
    SELECT a.id FROM alert a
    WHERE a.state IN ('submitted', 'scheduled') AND a.targets IS NOT NULL AND a.follows_id IS NULL
      AND (a.ended_areas IS NOT NULL
           OR a.targets->'included'->'wards' <> '[]' OR a.targets->'included'->'districts' <> '[]'
           OR a.targets->'excluded'->'wards' <> '[]' OR a.targets->'excluded'->'districts' <> '[]')
    ORDER BY a.id FOR UPDATE SKIP LOCKED
"""


def find(session: Session, alert: Alert) -> Sequence[EndedArea]:
    """The areas of its audience that are not in force now. An update has none: it goes to who got the first alert."""
    if alert.targets is None or alert.follows_id is not None:
        return []
    return succession.ended(session, succession.codes_of(Targets.from_json(alert.targets)))


def shown(session: Session, alert: Alert) -> Sequence[EndedArea]:
    """The same for a page: of what is sent already, those that had ended by then."""
    if alert.state in BEFORE_SENDING:
        return find(session, alert)
    return succession.ended(session, alert.ended_areas or [])


def is_held(alert: Alert) -> bool:
    """Whether it waits for a person to say where it goes instead."""
    return bool(alert.ended_areas) and alert.state in WAITING and alert.priority != Priority.EMERGENCY


def hold(session: Session, alert: Alert, found: Sequence[EndedArea]) -> None:
    """Note that a routine alert is not sent by itself any more, and have the people told whose alert it is."""
    codes = [one.code for one in found]
    if alert.ended_areas == codes:
        return
    _note(session, alert, codes, "alert.areas-ended")


def note_followed(session: Session, alert: Alert) -> None:
    """Write down, of an emergency that is sent now, which of its areas had ended, and have people told."""
    if codes := [one.code for one in find(session, alert)]:
        _note(session, alert, codes, "alert.areas-followed")


def _note(session: Session, alert: Alert, codes: list[str], action: str) -> None:
    alert.ended_areas = codes
    alert.changed_at = clock.now()
    session.add(alert)
    session.flush()
    audit(session, council_id=alert.council_id, actor=ACTOR, action=action, subject=str(alert.id), areas=codes)
    jobs.note(session, jobs.Job.TELL_STAFF, f"areas {alert.id}", lane=jobs.Lane.TRANSACTIONAL)


def look(session: Session) -> None:
    """Check what waits against the release in force: hold what names an area that ended, and let go on what names such
    an area no more because a release was taken back. Emergencies are checked when they are sent.
    """
    for alert_id in session.execute(text(_WAITING)).scalars().all():
        alert = session.get_one(Alert, alert_id, populate_existing=True)
        if alert.priority == Priority.EMERGENCY:
            continue
        found = find(session, alert)
        if found:
            hold(session, alert, found)
        elif alert.ended_areas:
            let_go(session, alert)


def let_go(session: Session, alert: Alert) -> None:
    """Let it be sent again as it stands."""
    alert.ended_areas = None
    alert.changed_at = clock.now()
    session.add(alert)
    audit(session, council_id=alert.council_id, actor=ACTOR, action="alert.areas-in-force", subject=str(alert.id))


def of(session: Session, alert_id: UUID) -> tuple[Alert, Sequence[EndedArea]] | None:
    """The alert and what staff are to be told of its areas; None where there is nothing to tell any more."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.is_test or not alert.ended_areas:
        return None
    return alert, succession.ended(session, alert.ended_areas)
