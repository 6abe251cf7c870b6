"""From a flood warning to drafts, one for each council that it concerns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from shapely.geometry.base import BaseGeometry
from sqlmodel import Session

from notify.alerts.hazard import Category, Certainty, Hazard, Severity, Urgency
from notify.alerts.models import AlertContent, FollowUp, Priority
from notify.alerts.service import WrongState
from notify.cap import queries
from notify.cap.alert_content import LONGEST_TITLE, cleaned, draft_content, priority_of, shortened
from notify.cap.drafts import Author, Drafted, follow, start
from notify.cap.floods import Flood, FloodSeverity
from notify.cap.models import WAITING, FloodWarning
from notify.core import clock
from notify.core.errors import NotifyError
from notify.core.settings import settings
from notify.places import geometry
from notify.places.audience_areas import EMERGENCY_BUFFER_M
from notify.staff.models import Council
from notify.staff.queries import councils_of_districts
from notify.staff.rights import SystemActor
from notify.subscribers.queries import topics_by_slug
from notify.subscribers.topic_queries import is_closed

ACTOR = "flood-feed"
ATTRIBUTION = "this uses Environment Agency flood and river level data from the real-time data API (Beta)"
DETAIL_M = 2.0
GRADES = {
    FloodSeverity.SEVERE: (Urgency.IMMEDIATE, Severity.SEVERE),
    FloodSeverity.WARNING: (Urgency.EXPECTED, Severity.MODERATE),
    FloodSeverity.ALERT: (Urgency.FUTURE, Severity.MINOR),
    FloodSeverity.OVER: (Urgency.PAST, Severity.MINOR),
}
WELSH = {
    FloodSeverity.SEVERE: "Rhybudd Llifogydd Difrifol",
    FloodSeverity.WARNING: "Rhybudd Llifogydd",
    FloodSeverity.ALERT: "Llifogydd: Byddwch yn Barod",
    FloodSeverity.OVER: "Rhybudd nad yw mewn grym bellach",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a warning holds, EPSG:27700; `is_rough` where only a point was known."""

    shape: BaseGeometry
    is_rough: bool = False


def draft_for_councils(session: Session, flood: Flood, ground: Ground | None) -> int:
    """How many drafts it made. It is noted either way, so that it is looked at once."""
    if flood.severity == FloodSeverity.OVER:
        concerned = queries.councils_warned(session, flood.code)
    else:
        concerned = councils_of_districts(session, _districts(session, flood, ground))
    if not concerned:
        note(
            session,
            flood,
            council_id=None,
            alert_id=None,
            why="" if ground else "Its area is not known, or nobody was warned of it.",
        )
    return sum(_draft_for(session, flood, council, ground) for council in concerned)


def _districts(session: Session, flood: Flood, ground: Ground | None) -> Sequence[str]:
    if ground is None:
        return []
    # the margin that the send itself will have
    is_emergency = priority_of(_hazard(flood)) == Priority.EMERGENCY
    shape = ground.shape.buffer(EMERGENCY_BUFFER_M) if is_emergency else ground.shape
    return queries.districts_within(session, shape)


def _draft_for(session: Session, flood: Flood, council: Council, ground: Ground | None) -> int:
    """One draft, or none and a note why. While someone decides about the one before it waits for the next run."""
    known = queries.noted(session, flood, council.id)
    if known is not None and known.note != WAITING:
        return 0
    try:
        with session.begin_nested():
            drafted = _drafted(session, flood, council, ground)
    except WrongState:
        note(session, flood, council_id=council.id, alert_id=None, why=WAITING)
        return 0
    except NotifyError as error:
        note(session, flood, council_id=council.id, alert_id=None, why=error.detail)
        return 0
    alert_id = drafted.alert.id if drafted else None
    note(session, flood, council_id=council.id, alert_id=alert_id, why="" if drafted else "Nothing to end.")
    return 1 if drafted else 0


def _drafted(session: Session, flood: Flood, council: Council, ground: Ground | None) -> Drafted | None:
    author = Author(SystemActor(ACTOR, council.id))
    last = queries.last_flood(session, council.id, flood.code)
    is_running = last is not None and last[0].severity != FloodSeverity.OVER
    if flood.severity == FloodSeverity.OVER and not is_running:
        return None
    content = content_of(flood, ground, topic=_topic(session, council))
    if last is None or not is_running:
        return start(session, author, content)
    kind = FollowUp.ALL_CLEAR if flood.severity == FloodSeverity.OVER else FollowUp.UPDATE
    return follow(session, author, earlier=last[1], kind=kind, content=content)


def _topic(session: Session, council: Council) -> str:
    chosen = settings().flood_topic
    known = topics_by_slug(session, council.id).get(chosen) if chosen else None
    if known is not None and not is_closed(known):
        return chosen
    found = queries.emergency_topic(session, council.id)
    return found.slug if found else chosen


def content_of(flood: Flood, ground: Ground | None, *, topic: str) -> AlertContent:
    """The draft's words and area. Raises: CapTextNotAccepted, and what `parse_shape` raises."""
    name = cleaned(flood.name)
    title = shortened(f"{flood.severity.value}: {name}", LONGEST_TITLE)
    welsh_title = shortened(f"{WELSH[flood.severity]}: {name}", LONGEST_TITLE)
    text, text_cy = cleaned(flood.text), cleaned(flood.text_cy)
    rough = ", area roughly known: 1 km round a point" if ground and ground.is_rough else ""
    return draft_content(
        topic=topic,
        words=(title, f"{text or title}\n\n{ATTRIBUTION}"),
        welsh=(welsh_title, f"{text_cy}\n\n{ATTRIBUTION}") if text_cy else None,
        hazard=_hazard(flood),
        audience={"polygon": _polygon(ground.shape)} if ground else None,
        reference=f"flood {flood.code}{rough}",
    )


def _hazard(flood: Flood) -> dict[str, object]:
    urgency, severity = GRADES[flood.severity]
    return Hazard(
        event=flood.severity.value,
        category=Category.MET,
        urgency=urgency,
        severity=severity,
        certainty=Certainty.LIKELY,
    ).model_dump()


def _polygon(shape: BaseGeometry) -> dict[str, object]:
    written = geometry.to_geojson(shape.simplify(DETAIL_M))
    try:
        geometry.parse_shape(written)
    except geometry.ShapeCrossesItself as error:  # rounding to six decimals can make two edges meet
        return cast(dict[str, object], error.fields["repaired"])
    return written


def note(session: Session, flood: Flood, *, council_id: UUID | None, alert_id: UUID | None, why: str) -> None:
    """Note that the warning was looked at as it is now, and what came of it for this council."""
    row = queries.noted(session, flood, council_id) or FloodWarning(
        area_code=flood.code, severity=flood.severity.value, changed_at=flood.changed_at, council_id=council_id
    )
    row.alert_id, row.note, row.read_at = alert_id, why, clock.now()
    session.add(row)
