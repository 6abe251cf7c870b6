"""Which alerts an officer's remit lets them see, and which they may write."""

from sqlalchemy import ColumnElement, literal_column, text
from sqlalchemy.sql.elements import TextClause
from sqlmodel import Session, col

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
    first = alert
    while first.follows_id:
        first = session.get_one(Alert, first.follows_id)
    audience = AudienceSpec.model_validate(first.audience) if first.audience else None
    require_within(remit, session.get_one(Topic, alert.topic_id).slug, audience)


def require_content(remit: Remit, new: AlertContent) -> None:
    """The same for what someone asks to write. Raises: OutsideYourRemit."""
    require_within(remit, new.topic, new.audience)
