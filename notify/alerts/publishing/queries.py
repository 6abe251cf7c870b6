"""Reads public alerts: never drafts, tests or recipients.

Alerts to single postcodes stay private, unless they are emergencies: their words may tell of one household.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text, true
from sqlmodel import Session, col, select

from notify.alerts.incidents.models import Incident
from notify.alerts.models import Alert, AlertState, FollowUp, Priority
from notify.core import clock
from notify.core.errors import NotFound
from notify.languages import spoken
from notify.places.models import ReleaseKind
from notify.places.queries import Resolved, active_release, areas_by_code
from notify.staff.council_settings.effective import settings_of
from notify.staff.councils import former_names, speaking_for
from notify.staff.models import Council
from notify.subscribers.models import Topic

# an alert that names no end is news for so long
NEWS = timedelta(days=14)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
PUBLIC = (AlertState.SENDING, AlertState.SENT, AlertState.CANCELLED)
PAGE = 20
# a digest repeats what is public already, and what goes to single postcodes alone concerns nobody else
PRIVATE = """(a.parts IS NOT NULL OR EXISTS (
    SELECT FROM alert f
    WHERE f.id = coalesce(a.follows_id, a.id) AND f.priority <> 'emergency' AND f.targets -> 'everywhere' = 'false'
      AND jsonb_array_length(f.targets -> 'included' -> 'wards') = 0
      AND jsonb_array_length(f.targets -> 'included' -> 'districts') = 0
      AND jsonb_array_length(f.targets -> 'included' -> 'sectors') = 0
      AND f.audience -> 'polygon' IS NULL AND f.audience -> 'circle' IS NULL
))"""
_CURRENT = f"""
    WITH here AS MATERIALIZED (
        SELECT coalesce(array_agg(p.key), '{{}}') AS postcodes,
               coalesce(array_agg(DISTINCT left(p.key, length(p.key) - 2)), '{{}}') AS sectors
        FROM postcode p
        WHERE p.release_id = :release AND p.district_code = CAST(:district AS text) AND p.ward_code = :ward
          AND (:postcode = '' OR p.key = :postcode)
    )
    SELECT a.id
    FROM alert a JOIN topic t ON t.id = a.topic_id JOIN council c ON c.id = a.council_id CROSS JOIN here
         CROSS JOIN LATERAL (SELECT coalesce((
             SELECT f.targets FROM alert f
             WHERE f.follows_id = coalesce(a.follows_id, a.id) AND f.group_words IS NOT NULL
               AND f.expanded_at IS NOT NULL AND NOT f.is_test AND f.state <> 'cancelled'
             ORDER BY f.expanded_at DESC, f.id DESC LIMIT 1
         ), (SELECT r.targets FROM alert r WHERE r.id = coalesce(a.follows_id, a.id))) AS targets) area
    WHERE a.state IN ('sending', 'sent') AND a.expanded_at IS NOT NULL AND NOT a.is_test AND NOT {PRIVATE}
      AND coalesce(a.expires_at > :now, a.approved_at > :since)
      AND NOT EXISTS (SELECT FROM alert f
                      WHERE (f.follows_id = a.id OR f.follows_id = a.follows_id AND f.id > a.id)
                        AND f.follow_up = 'all-clear' AND f.expanded_at IS NOT NULL AND NOT f.is_test)
      AND (:anywhere OR a.council_id = ANY(:councils)) AND (:topic = '' OR t.slug = :topic)
      AND (:ward = '' OR (
              ((area.targets ->> 'everywhere')::boolean AND CAST(:district AS text) = ANY(c.district_codes)
               OR area.targets -> 'included' -> 'wards' ? :ward
               OR (area.targets ->> 'near_boundary')::boolean AND area.targets -> 'included' -> 'wards' ?| :near
               OR area.targets -> 'included' -> 'districts' ? CAST(:district AS text)
               OR area.targets -> 'included' -> 'postcodes' ?| here.postcodes
               OR area.targets -> 'included' -> 'sectors' ?| here.sectors)
              AND NOT area.targets -> 'excluded' -> 'wards' ? :ward
              AND NOT (:postcode <> '' AND (area.targets -> 'excluded' -> 'postcodes' ?| here.postcodes
                                            OR area.targets -> 'excluded' -> 'sectors' ?| here.sectors))
              AND NOT coalesce(area.targets -> 'excluded' -> 'districts' ? CAST(:district AS text), false)))
    ORDER BY a.priority = 'emergency' AND a.follow_up IS DISTINCT FROM 'all-clear' DESC, a.approved_at DESC, a.id
    LIMIT :most OFFSET :passed
"""


class AlertNotPublished(NotFound):
    """No alert with this id was ever sent to residents."""

    title = "There is no such alert"


@dataclass(frozen=True, slots=True)
class Published:
    """An alert with its topic and council, and the incident that it is part of. `sender` is what the council was called
    when it went out, in the language that is spoken if it is still called so.
    """

    alert: Alert
    topic: Topic
    council: Council
    sender: str
    incident: Incident | None = None

    @property
    def at(self) -> datetime:
        """When it was approved, and so went out."""
        return self.alert.approved_at or self.alert.created_at

    @property
    def is_urgent(self) -> bool:
        """Whether an emergency goes on: an all-clear, urgent as it was, says that it does not."""
        return self.alert.priority == Priority.EMERGENCY and not self.is_all_clear

    @property
    def is_all_clear(self) -> bool:
        """Whether it says that another alert has ended."""
        return self.alert.follow_up == FollowUp.ALL_CLEAR

    @property
    def status(self) -> str:
        """What cards show it as, in this order: `withdrawn`, `ended`, `emergency`, `updated`, `in-force`."""
        if self.alert.state == AlertState.CANCELLED:
            return "withdrawn"
        if self.is_all_clear:
            return "ended"
        if self.is_urgent:
            return "emergency"
        return "updated" if self.alert.follow_up else "in-force"


def words_of(one: Published) -> tuple[str, str, str]:
    """The title, the text and the language they are in: the visitor's where the council translated the alert."""
    translated = one.alert.translations.get(spoken(), {})
    if translated.get("title") and translated.get("body"):
        return translated["title"], translated["body"], spoken()
    return one.alert.title, one.alert.body, "en"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts someone asks for: of one council and topic by short name, for one ward by code, or for one `place`
    by its postcode; empty: all.
    """

    council: str = ""
    topic: str = ""
    ward: str = ""
    place: Resolved | None = None


def current(session: Session, wanted: Wanted, *, page: int = 1, most: int = PAGE) -> Sequence[Published]:
    """The alerts that hold now, emergencies first, then the newest; one more than `most` where more follow."""
    now = clock.now()
    found = session.execute(
        text(_CURRENT),
        {
            **_where(session, wanted),
            "now": now,
            "since": now - NEWS,
            "anywhere": not wanted.council,
            "councils": list(speaking_for(session, wanted.council)) if wanted.council else [],
            "topic": wanted.topic,
            "most": most + 1,
            "passed": (page - 1) * most,
        },
    )
    ids = list(found.scalars())
    by_id = {published.alert.id: published for published in published_of(session, ids)}
    return [by_id[alert_id] for alert_id in ids]


def newest_at(session: Session, wanted: Wanted) -> datetime:
    """When the newest public alert of the council asked for went out, whether or not it has ended; 1970 where none did.

    So that a feed's own time never goes back when an alert ends.
    """
    found = session.execute(
        text(f"""
            SELECT max(a.approved_at) FROM alert a
            WHERE a.state IN ('sending', 'sent') AND a.expanded_at IS NOT NULL AND NOT a.is_test AND NOT {PRIVATE}
              AND (:anywhere OR a.council_id = ANY(:councils))
        """),
        {
            "anywhere": not wanted.council,
            "councils": list(speaking_for(session, wanted.council)) if wanted.council else [],
        },
    ).scalar()
    return found if isinstance(found, datetime) else BEGINNING


def _where(session: Session, wanted: Wanted) -> Mapping[str, object]:
    """The ward or the postcode that is asked about, as the statement takes it."""
    if place := wanted.place:
        return {
            "release": place.release_id, "postcode": place.key, "ward": place.ward_code or "",
            "near": list(place.near_ward_codes), "district": place.district_code,
        }  # fmt: skip
    ward = areas_by_code(session, [wanted.ward]).get(wanted.ward) if wanted.ward else None
    release = active_release(session, ReleaseKind.POSTCODE) if ward else None
    return {
        "release": release.id if release else None, "postcode": "", "ward": wanted.ward, "near": [],
        "district": ward.district_code if ward else None,
    }  # fmt: skip


def published_of(session: Session, ids: Sequence[UUID]) -> Sequence[Published]:
    """These alerts with their topics, councils and incidents, in no order; whether they are public is not asked."""
    statement = (
        select(Alert, Topic, Council, Incident)
        .join(Topic, col(Topic.id) == col(Alert.topic_id))
        .join(Council, col(Council.id) == col(Alert.council_id))
        .outerjoin(Incident, col(Incident.id) == col(Alert.incident_id))
        .where(col(Alert.id).in_(ids))
    )
    found = session.exec(statement).all()
    senders = {one.id for _alert, _topic, one, _incident in found}
    called, own = former_names(session, senders), settings_of(session, list(senders))

    def sender(alert: Alert, council: Council) -> str:
        name = called.at(council, alert.approved_at or alert.created_at)
        return own[council.id].spoken_name if name == council.name else name

    return [Published(alert, topic, one, sender(alert, one), incident) for alert, topic, one, incident in found]


def published(session: Session, alert_id: UUID) -> Published:
    """An alert that went out, also when it has ended or was withdrawn. Raises: AlertNotPublished."""
    for found in published_of(session, [alert_id]):
        alert = found.alert
        if alert.state in PUBLIC and alert.expanded_at and not alert.is_test and not is_private(session, alert_id):
            return found
    raise AlertNotPublished("It may have been removed, or the address is incomplete.")


def is_private(session: Session, alert_id: UUID) -> bool:
    """Whether this alert has no public page, however it was sent."""
    return bool(session.execute(text(f"SELECT {PRIVATE} FROM alert a WHERE a.id = :id"), {"id": alert_id}).scalar())


def news_about(session: Session, alert: Alert) -> Sequence[Published]:
    """The updates and the all-clear of an alert, the newest first."""
    statement = select(Alert.id).where(
        Alert.follows_id == alert.id, col(Alert.expanded_at).is_not(None), col(Alert.is_test).is_(False)
    )
    found = published_of(session, session.exec(statement).all())
    return sorted(found, key=lambda one: one.at, reverse=True)


def has_ended(session: Session, alert: Alert) -> bool:
    """Whether the alert holds no longer: over, withdrawn, or followed by an all-clear, as its first alert may be."""
    if alert.state == AlertState.CANCELLED or (alert.expires_at and alert.expires_at <= clock.now()):
        return True
    about = news_about(session, alert)
    if alert.follows_id:
        first = session.get_one(Alert, alert.follows_id)
        about = [*about, *(one for one in news_about(session, first) if one.alert.id > alert.id)]
    return any(one.is_all_clear for one in about)


def first_of(session: Session, alert: Alert) -> Published | None:
    """The alert that this one follows, if everyone may read it."""
    if alert.follows_id is None:
        return None
    try:
        return published(session, alert.follows_id)
    except AlertNotPublished:
        return None


def directory(session: Session, *, only: str = "") -> Sequence[tuple[Council, Sequence[Topic]]]:
    """Every council with its topics, by name, or the one with the short name `only`."""
    rows = session.exec(
        select(Council, Topic)
        .join(Topic, col(Topic.council_id) == col(Council.id))
        .where(
            col(Council.merged_into_id).is_(None),
            col(Council.closed_at).is_(None),
            Council.slug == only if only else true(),
            col(Topic.closes_at).is_(None),
            col(Topic.merged_into_id).is_(None),
        )
        .order_by(Council.name, col(Topic.position), Topic.name)
    ).all()
    councils: dict[UUID, tuple[Council, list[Topic]]] = {}
    for council, topic in rows:
        councils.setdefault(council.id, (council, []))[1].append(topic)
    return list(councils.values())
