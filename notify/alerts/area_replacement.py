"""Sending an alert whose areas have ended to the areas that have taken over."""

from sqlmodel import Session

from notify.alerts import ended_areas, remit, service
from notify.alerts.models import Alert, AlertState
from notify.places import audience_areas, succession
from notify.places.models import AudiencePart, AudienceSpec
from notify.places.succession import EndedArea
from notify.staff.queries import council
from notify.staff.rights import Actor, Right
from notify.staff.service import audit


def audience_now(audience: AudienceSpec, found: list[EndedArea]) -> AudienceSpec:
    """The audience with the successors of these areas in their place."""

    def renewed(part: AudiencePart) -> dict[str, object]:
        said = part.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"excluded"}, exclude_unset=True)
        return said | {
            name: succession.replaced(found, said[name]) for name in ("wards", "districts") if said.get(name)
        }

    without = {"except": renewed(audience.excluded)} if audience.excluded else {}
    return AudienceSpec.model_validate(renewed(audience) | without)


def replace_areas(session: Session, *, by: Actor, alert: Alert) -> Alert:
    """Put the areas that have taken over in the place of those that ended. That is another version: what was submitted
    is asked for again, where approval is needed; a draft stays a draft.

    Raises: what `remit.require_may_cancel` raises, OutsideYourRemit, WrongState where none has ended, AreaEnded
    where no release knows a successor.
    """
    by.require(Right.WRITE_ALERTS)
    session.flush()
    session.refresh(alert, with_for_update=True)
    remit.require_own(session, by, alert)
    remit.require_may_cancel(session, by, alert)
    found = list(ended_areas.find(session, alert))
    if not found or not alert.audience:
        raise service.WrongState("All the areas of this alert are in force.")
    succession.refuse([one for one in found if not one.successors])
    was_waiting = alert.state in ended_areas.WAITING
    if was_waiting:
        service.move(session, alert, ended_areas.WAITING, AlertState.SUBMITTED)
    else:
        service.move(session, alert, remit.UNSENT, AlertState.DRAFT)
    audience = audience_now(AudienceSpec.model_validate(alert.audience), found)
    targets = audience_areas.resolve(
        session,
        audience,
        district_codes=council(session, alert.council_id).district_codes,
        is_emergency=alert.priority == "emergency",
    )
    alert.audience = audience.as_stored()
    alert.targets, alert.ended_areas, alert.approved_at = targets.as_json(), None, None
    service.bind(alert, by)
    session.add(alert)
    remit.require_own(session, by, alert)  # the new areas are to lie within the remit too
    audit(
        session,
        council_id=alert.council_id,
        actor=by.actor,
        action="alert.replace-areas",
        subject=str(alert.id),
        ended=[one.code for one in found],
    )
    return service.ask(session, alert, by) if was_waiting else alert
