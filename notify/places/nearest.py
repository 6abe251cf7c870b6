"""The postcode nearest to a point, for readers who give their device's location instead of a postcode."""

from sqlalchemy import text
from sqlmodel import Session

from notify.core.errors import NotFound
from notify.languages import _, later
from notify.places.geometry import to_national_grid

REACH_M = 2000.0  # beyond it the nearest postcode says nothing about where someone is
_NEAREST = text("""
    SELECT p.key FROM postcode p
    JOIN geo_release r ON r.id = p.release_id AND r.kind = 'postcode'
         AND r.activated_at IS NOT NULL AND r.retired_at IS NULL
    WHERE p.district_code IN (SELECT unnest(c.district_codes) FROM council c WHERE c.closed_at IS NULL)
      AND p.ended_on IS NULL AND p.ward_code IS NOT NULL AND NOT coalesce(p.large_user, false)
      AND p.easting BETWEEN :west AND :east AND p.northing BETWEEN :south AND :north
    ORDER BY (p.easting - :x) * (p.easting - :x) + (p.northing - :y) * (p.northing - :y), p.key LIMIT 1
""")


class NoPostcodeNear(NotFound):
    """No postcode that a council here serves is within REACH_M of the point."""

    title = later("We do not know a postcode near you")


def nearest_postcode(session: Session, lon: float, lat: float) -> str:
    """The key of the nearest postcode in use that a council of this installation serves.

    Raises: NoPostcodeNear, and what `geometry.to_national_grid` raises for a point outside the United Kingdom.
    """
    x, y = to_national_grid(lon, lat)
    box = {"west": x - REACH_M, "east": x + REACH_M, "south": y - REACH_M, "north": y + REACH_M}
    key = session.execute(_NEAREST, {"x": x, "y": y, **box}).scalar()
    if key is None:
        raise NoPostcodeNear(_("No council here serves the place where you are. Enter a postcode instead."))
    return str(key)
