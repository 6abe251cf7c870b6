"""Which alerts an officer's remit lets them see, and which they may write."""

from sqlalchemy import ColumnElement, literal_column, text
from sqlalchemy.sql.elements import TextClause
from sqlmodel import Session, col, select

from notify.alerts.models import Alert, AlertContent
from notify.places.models import AudienceSpec
from notify.staff.remit import Remit
from notify.subscribers.models import Topic

# an update goes where the alert went that began it all, unless it has an area of its own
TOUCHES = """
EXISTS (
    WITH RECURSIVE line AS (
        SELECT a.follows_id, a.targets FROM alert a WHERE a.id = alert.id
        UNION ALL
        SELECT f.follows_id, f.targets FROM alert f JOIN line ON f.id = line.follows_id
    ), near AS (
        SELECT a.code, a.district_code FROM area a JOIN geo_release r ON r.id = a.release_id
        WHERE r.activated_at IS NOT NULL AND (a.code = ANY(:areas) OR a.district_code = ANY(:areas))
        UNION ALL
        SELECT code, NULL FROM unnest(CAST(:areas AS text[])) AS code
    )
    SELECT 1 FROM line WHERE (line.follows_id IS NULL OR line.targets IS NOT NULL) AND (
        line.targets IS NULL
        OR (line.targets->>'everywhere')::boolean
        OR jsonb_exists_any(line.targets->'included'->'wards', ARRAY(SELECT code::text FROM near))
        OR jsonb_exists_any(line.targets->'included'->'districts',
               ARRAY(SELECT code::text FROM near UNION SELECT district_code::text FROM near))
        OR EXISTS (
            SELECT 1 FROM postcode p JOIN geo_release r ON r.id = p.release_id
            WHERE r.activated_at IS NOT NULL AND r.retired_at IS NULL
              AND (p.ward_code = ANY(:areas) OR p.district_code = ANY(:areas))
              AND (jsonb_exists(line.targets->'included'->'postcodes', p.key)
                   OR jsonb_exists(line.targets->'included'->'sectors', left(p.key, -2)))
        )
    )
)
"""


def visible(remit: Remit) -> list[ColumnElement[bool] | TextClause]:
    """Conditions on a SELECT of alerts joined with their topics: only what this remit has to do with."""
    conditions: list[ColumnElement[bool] | TextClause] = []
    if remit.topics is not None:
        conditions.append(col(Topic.slug).in_(remit.topics))
    if remit.areas is not None:
        conditions.append(text(TOUCHES).bindparams(areas=list(remit.areas)) if remit.areas else literal_column("false"))
    return conditions


def require_within(remit: Remit, topic: str, audience: AudienceSpec | None) -> None:
    """Refuse to count or write an alert that is not wholly inside the remit. Raises: OutsideYourRemit."""
    remit.require_topic(topic)
    wanted = audience or AudienceSpec()
    shapes = wanted.polygon or wanted.circle or wanted.postcodes
    remit.require_areas([*wanted.wards, *wanted.districts], only_codes=not shapes)


def require_within_alert(session: Session, remit: Remit, alert: Alert) -> None:
    """The same for an alert that exists: seeing that it touches one's area is not enough to decide about it.

    Raises: OutsideYourRemit.
    """
    slug = session.get_one(Topic, alert.topic_id).slug
    one = alert
    while one.follows_id:
        if one.group_words is not None:
            _require_area(remit, slug, one)
        one = session.get_one(Alert, one.follows_id)
    _require_area(remit, slug, one)
    if alert.follows_id:
        require_within_line(session, remit, one)


def require_within_line(session: Session, remit: Remit, first: Alert) -> None:
    """Refuse to write to whom updates of this alert have taken in, if any lies beyond. Raises: OutsideYourRemit."""
    if remit.areas is None:
        return
    widened = select(Alert).where(
        Alert.follows_id == first.id, col(Alert.group_words).is_not(None), col(Alert.expanded_at).is_not(None)
    )
    slug = session.get_one(Topic, first.topic_id).slug
    for one in session.exec(widened):
        _require_area(remit, slug, one)


def _require_area(remit: Remit, slug: str, alert: Alert) -> None:
    require_within(remit, slug, AudienceSpec.model_validate(alert.audience) if alert.audience else None)


def require_content(remit: Remit, new: AlertContent) -> None:
    """The same for what someone asks to write. Raises: OutsideYourRemit."""
    require_within(remit, new.topic, new.audience)
