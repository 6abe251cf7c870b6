"""Recurring alerts whose areas have ended: staff are notified, and one press replaces the areas."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from notify.alerts import area_replacement
from notify.alerts.models import NewAlert
from notify.alerts.visibility import require_within
from notify.core import clock, jobs
from notify.core.clock import LONDON
from notify.drafting import recurrence
from notify.drafting.models import Recurrence
from notify.places import succession
from notify.places.ended_remits import IS_TOLD
from notify.places.models import AudienceSpec
from notify.places.succession import EndedArea
from notify.staff.rights import Actor
from notify.staff.service import audit

ACTOR = "engine:areas"


def find(session: Session, one: Recurrence) -> Sequence[EndedArea]:
    """The areas of its audience that are not in force now."""
    audience = _audience(one)
    return succession.ended(session, _codes(audience)) if audience else []


def _audience(one: Recurrence) -> AudienceSpec | None:
    said = one.content.get("audience")
    return AudienceSpec.model_validate(said) if said else None


def _codes(audience: AudienceSpec) -> Sequence[str]:
    left_out = [*audience.excluded.wards, *audience.excluded.districts] if audience.excluded else []
    return [*audience.wards, *audience.districts, *left_out]


def ended_of(session: Session, these: Sequence[Recurrence]) -> Mapping[UUID, Sequence[EndedArea]]:
    """The same for each of these that has some."""
    return {one.id: found for one in these if (found := find(session, one))}


def replace_areas(session: Session, recurrence_id: UUID, *, by: Actor) -> None:
    """Have it go to the areas that have taken over. What is made already stays.

    Raises: what `recurrence.own` raises, OutsideYourRemit, CannotRecur where all are in force, AreaEnded where no
    release knows a successor.
    """
    one = recurrence.own(session, by, recurrence_id)
    audience, found = _audience(one), list(find(session, one))
    if audience is None or not found:
        raise recurrence.CannotRecur("All the areas of this alert are in force.")
    succession.refuse([area for area in found if not area.successors])
    now = area_replacement.audience_now(audience, found)
    new = NewAlert.model_validate(one.content | {"audience": now.model_dump(mode="json", by_alias=True)})
    require_within(by.remit, new.topic, now)
    one.content = one.content | {
        "audience": now.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    }
    session.add(one)
    audit(
        session,
        council_id=one.council_id,
        actor=by.actor,
        action="recurrence.replace-areas",
        subject=str(one.id),
        ended=[area.code for area in found],
    )


def look(session: Session) -> None:
    """Have staff told, once a release, of recurring alerts whose areas have ended."""
    today = clock.now().astimezone(LONDON).date()
    coming = select(Recurrence).where(col(Recurrence.ended_at).is_(None), col(Recurrence.last_day) >= today)
    for one in session.exec(coming.order_by(col(Recurrence.id))).all():
        codes = [area.code for area in find(session, one)]
        asked = {"action": "recurrence.areas-ended", "subject": str(one.id), "areas": json.dumps(codes)}
        if not codes or session.execute(IS_TOLD, asked).scalar_one():
            continue
        audit(
            session,
            council_id=one.council_id,
            actor=ACTOR,
            action="recurrence.areas-ended",
            subject=str(one.id),
            areas=codes,
            title=one.content["title"],
            author=one.created_by,
        )
        jobs.note(session, jobs.Job.TELL_STAFF, f"recurring-areas {one.id}", lane=jobs.Lane.TRANSACTIONAL)
