"""Service level objectives: how soon alerts should be sent. A council starts with two."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from sqlmodel import Session, col, select

from notify.alerts.models import Priority
from notify.core import clock
from notify.core.errors import Invalid
from notify.insight.performance_models import NewTarget, ServiceLevelObjective
from notify.staff.service import audit

# until a council says otherwise: seconds after approval, and per cent of the messages
DEFAULTS: Mapping[Priority, tuple[int, float]] = MappingProxyType(
    {Priority.EMERGENCY: (60, 95.0), Priority.ROUTINE: (900, 95.0)}
)


class TargetNotMeasured(Invalid):
    """Figures are kept by the second to a minute, then by ten seconds to ten minutes, then by the minute."""

    title = "This target cannot be measured"


def targets(session: Session, council_id: UUID) -> Mapping[Priority, NewTarget]:
    """What is promised now."""
    found = session.exec(
        select(ServiceLevelObjective)
        .where(ServiceLevelObjective.council_id == council_id)
        .order_by(col(ServiceLevelObjective.valid_from))
    )
    latest = {one.priority: NewTarget(priority=one.priority, seconds=one.seconds, percent=one.percent) for one in found}
    return {
        priority: latest.get(priority, NewTarget(priority=priority, seconds=seconds, percent=percent))
        for priority, (seconds, percent) in DEFAULTS.items()
    }


def set_target(session: Session, *, council_id: UUID, actor: str, new: NewTarget) -> None:
    """Promise this from now on; alerts of before are judged by what was promised then. Raises: TargetNotMeasured."""
    step = 1 if new.seconds <= 60 else 10 if new.seconds <= 600 else 60
    if new.seconds % step:
        raise TargetNotMeasured("Choose whole tens of seconds above a minute, and whole minutes above ten minutes.")
    if targets(session, council_id)[new.priority] == new:
        return
    session.add(ServiceLevelObjective(council_id=council_id, valid_from=clock.now(), **new.model_dump()))
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="target.change",
        subject=new.priority,
        seconds=new.seconds,
        percent=new.percent,
    )


def history(session: Session, council_id: UUID) -> Sequence[ServiceLevelObjective]:
    """Every promise this council ever set, the newest first."""
    return session.exec(
        select(ServiceLevelObjective)
        .where(ServiceLevelObjective.council_id == council_id)
        .order_by(col(ServiceLevelObjective.valid_from).desc())
        .limit(50)
    ).all()
