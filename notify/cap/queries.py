"""Reads about CAP messages and flood warnings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.cap.floods import Flood
from notify.cap.message import Reference
from notify.cap.models import WAITING, CapMessage, FloodWarning
from notify.places.models import ReleaseKind
from notify.places.queries import active_release
from notify.staff.models import Council
from notify.subscribers.models import Topic, TopicPurpose

_RELEASES = text("""
    SELECT DISTINCT ON (a.code) a.code, a.kind, r.version
    FROM area a JOIN geo_release r ON r.id = a.release_id
    WHERE a.code = ANY(:codes) AND r.activated_at IS NOT NULL
    ORDER BY a.code, r.retired_at IS NULL DESC, r.id DESC
""")
_KNOWN = text("""
    SELECT asked.at FROM unnest(CAST(:codes AS text[]), CAST(:severities AS text[]), CAST(:moments AS timestamptz[]))
        WITH ORDINALITY AS asked (code, severity, moment, at)
    WHERE (SELECT bool_and(f.note <> :waiting) FROM flood_warning f
           WHERE f.area_code = asked.code AND f.severity = asked.severity AND f.changed_at = asked.moment)
""")


def received(session: Session, council_id: UUID, *, is_test: bool, sender: str, identifier: str) -> CapMessage | None:
    """The message with this name, if it came before."""
    return session.get(CapMessage, (council_id, is_test, sender, identifier))


def hold_name(session: Session, council_id: UUID, *, sender: str, identifier: str) -> None:
    """Until the transaction ends nobody else reads the same message: it would make a second draft."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"cap {council_id} {sender},{identifier}"},
    )


def referred(
    session: Session, council_id: UUID, *, is_test: bool, references: Sequence[Reference]
) -> Sequence[tuple[CapMessage, Alert]]:
    """The received messages that share sender and identifier with any of these, newest first, with their drafts."""
    names = {(one.sender, one.identifier) for one in references}
    statement = (
        select(CapMessage, Alert)
        .join(Alert, col(Alert.id) == col(CapMessage.alert_id))
        .where(
            CapMessage.council_id == council_id,
            col(CapMessage.is_test).is_(is_test),
            col(CapMessage.identifier).in_([identifier for _, identifier in names]),
        )
        .order_by(col(CapMessage.sent).desc(), col(CapMessage.received_at).desc())
        .limit(1000)
    )
    return [row for row in session.exec(statement).all() if (row[0].sender, row[0].identifier) in names]


def emergency_topic(session: Session, council_id: UUID) -> Topic | None:
    """The council's topic for emergencies; the first by short name where it has several."""
    statement = (
        select(Topic)
        .where(Topic.council_id == council_id, Topic.purpose == TopicPurpose.EMERGENCY, col(Topic.closes_at).is_(None))
        .order_by(Topic.slug)
        .limit(1)
    )
    return session.exec(statement).first()


def versions_by_code(session: Session, codes: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """The kind, `ward` or `district`, and the version of the release that each code is from."""
    rows = session.execute(_RELEASES, {"codes": list(codes)})
    return {row.code: (row.kind, row.version) for row in rows}


def following(session: Session, alert: Alert, *, before: datetime) -> Sequence[Alert]:
    """What was sent about an alert before a moment, oldest first."""
    statement = (
        select(Alert)
        .where(
            Alert.follows_id == alert.id,
            col(Alert.expanded_at).is_not(None),
            col(Alert.is_test) == alert.is_test,
            col(Alert.approved_at) < before,
        )
        .order_by(col(Alert.approved_at), col(Alert.id))
        .limit(1000)
    )
    return session.exec(statement).all()


def unread(session: Session, floods: Sequence[Flood]) -> Sequence[Flood]:
    """Those that were not looked at before as they are now, or that wait for a decision, in their order."""
    rows = session.execute(
        _KNOWN,
        {
            "waiting": WAITING,
            "codes": [flood.code for flood in floods],
            "severities": [flood.severity.value for flood in floods],
            "moments": [flood.changed_at for flood in floods],
        },
    )
    known = set(rows.scalars())
    return [flood for at, flood in enumerate(floods, start=1) if at not in known]


def noted(session: Session, flood: Flood, council_id: UUID | None) -> FloodWarning | None:
    """What was noted of this warning, as it is now, for this council."""
    statement = select(FloodWarning).where(
        FloodWarning.area_code == flood.code,
        FloodWarning.severity == flood.severity.value,
        FloodWarning.changed_at == flood.changed_at,
        FloodWarning.council_id == council_id,
    )
    return session.exec(statement).first()


def last_flood(session: Session, council_id: UUID, area_code: str) -> tuple[FloodWarning, Alert] | None:
    """The newest warning for this area that became a draft for this council, and the draft."""
    statement = (
        select(FloodWarning, Alert)
        .join(Alert, col(Alert.id) == col(FloodWarning.alert_id))
        .where(FloodWarning.council_id == council_id, FloodWarning.area_code == area_code)
        .order_by(col(FloodWarning.changed_at).desc(), col(FloodWarning.read_at).desc())
        .limit(1)
    )
    found = session.exec(statement).first()
    return (found[0], found[1]) if found else None


def councils_warned(session: Session, area_code: str) -> Sequence[Council]:
    """The councils that have a draft of a warning for this area, by name."""
    warned = select(FloodWarning.council_id).where(
        FloodWarning.area_code == area_code, col(FloodWarning.alert_id).is_not(None)
    )
    return session.exec(select(Council).where(col(Council.id).in_(warned)).order_by(Council.name).limit(100)).all()


def districts_within(session: Session, shape: BaseGeometry) -> Sequence[str]:
    """The districts that have a postcode within this area, EPSG:27700."""
    release = active_release(session, ReleaseKind.POSTCODE)
    west, south, east, north = shape.bounds
    rows = session.execute(
        text("""
            SELECT district_code, easting, northing FROM postcode
            WHERE release_id = :release AND district_code IS NOT NULL AND ended_on IS NULL
              AND easting BETWEEN :west AND :east AND northing BETWEEN :south AND :north
        """),
        {"release": release.id if release else None, "west": west, "east": east, "south": south, "north": north},
    ).all()
    inside = shapely.contains_xy(shape, [row.easting for row in rows], [row.northing for row in rows])
    return sorted({row.district_code for row, is_in in zip(rows, inside, strict=True) if is_in})
