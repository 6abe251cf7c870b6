"""What an audience looks like: its outline to draw, and the wards it lies in to read."""

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlmodel import Session

from notify.places import geometry
from notify.places.audience_areas import EMERGENCY_BUFFER_M, centre
from notify.places.models import AudiencePart, AudienceSpec, ReleaseKind, Targets
from notify.places.queries import active_release, areas_by_code

_WARDS = text("""
    WITH meant AS (
        SELECT unnest(CAST(:wards AS text[])) AS code
        UNION
        SELECT p.ward_code FROM postcode p WHERE p.release_id = :release AND p.key = ANY(:postcodes)
        UNION
        -- a range of the key, so that its index is used; longer keys of another sector lie in it too
        SELECT p.ward_code FROM unnest(CAST(:sectors AS text[])) AS s (sector)
        JOIN postcode p ON p.release_id = :release AND p.key BETWEEN s.sector || 'AA' AND s.sector || 'ZZ'
             AND left(p.key, length(p.key) - 2) = s.sector
    )
    SELECT DISTINCT ON (a.code) a.code, a.name, a.name_cy
    FROM area a JOIN geo_release r ON r.id = a.release_id
    WHERE a.code IN (SELECT code FROM meant) AND NOT a.code = ANY(:without) AND r.activated_at IS NOT NULL
    ORDER BY a.code, r.retired_at IS NULL DESC, r.id DESC
""")


def outline_of(session: Session, spec: AudienceSpec, *, is_emergency: bool) -> BaseGeometry | None:
    """The area an audience covers, EPSG:27700; None where it has no outline, as everyone or single postcodes."""
    margin_m = EMERGENCY_BUFFER_M if is_emergency else 0.0
    shape = _part(session, spec, margin_m)
    if shape is None or spec.excluded is None:
        return shape
    without = _part(session, spec.excluded, 0.0)
    left = shape.difference(without) if without else shape
    return None if left.is_empty else left


def _part(session: Session, part: AudiencePart, margin_m: float) -> BaseGeometry | None:
    buffer_m = margin_m if part.buffer_m is None else part.buffer_m
    found = areas_by_code(session, [*part.wards, *part.districts])
    shapes = [shapely.from_wkb(area.geom) for area in found.values() if area.geom]
    if part.polygon is not None:
        shapes.append(geometry.parse_shape(part.polygon, buffer_m=buffer_m))
    if part.circle is not None:
        shapes.append(geometry.circle(*centre(session, part.circle), part.circle.radius_m + buffer_m))
    return shapely.union_all(shapes) if shapes else None


def places_in_words(session: Session, targets: Targets, *, language: str) -> Sequence[str]:
    """The names of the wards and districts that an audience reaches, in their order; none where it is everywhere."""
    release = active_release(session, ReleaseKind.POSTCODE)
    found = session.execute(
        _WARDS,
        {
            "release": release.id if release else None,
            "wards": [*targets.included.wards, *targets.included.districts],
            "postcodes": list(targets.included.postcodes),
            "sectors": list(targets.included.sectors),
            "without": [*targets.excluded.wards, *targets.excluded.districts],
        },
    )
    return sorted({row.name_cy if language == "cy" and row.name_cy else row.name for row in found})
