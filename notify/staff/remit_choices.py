"""What an administrator may choose for a user to work with, by name: topics, wards and districts, and a map of them.

Topics and places stand above and cannot be imported: the database itself knows their names, and the feature that draws
maps registers how.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.staff.queries import council

_TOPICS = text("""
    SELECT slug, name FROM topic WHERE council_id = :council AND closed_at IS NULL AND merged_into_id IS NULL
    ORDER BY name, slug
""")
_AREAS = text("""
    SELECT a.code, a.name, a.kind FROM area a JOIN geo_release r ON r.id = a.release_id
    WHERE r.activated_at IS NOT NULL AND r.retired_at IS NULL
      AND (a.kind = 'ward' AND a.district_code = ANY(:districts) OR a.kind = 'district' AND a.code = ANY(:districts))
    ORDER BY a.kind, a.name, a.code
""")


@dataclass(frozen=True, slots=True)
class Choices:
    """Topics by short name, wards and districts by code, each with its name, and a drawing of the wards or None."""

    topics: Mapping[str, str]
    wards: Mapping[str, str]
    districts: Mapping[str, str]
    chart: object | None

    def name_of(self, code: str) -> str:
        """What people read for a short name or code; itself where it is not offered any more."""
        return self.topics.get(code) or self.wards.get(code) or self.districts.get(code) or code

    def left_over(self, topics: Sequence[str], areas: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        """Those of a user's topics and areas that are not offered any more, so that saving does not drop them."""
        there = {**self.wards, **self.districts}
        return [one for one in topics if one not in self.topics], [one for one in areas if one not in there]


Draw = Callable[[Session, Sequence[str]], object | None]
_draw: list[Draw] = []


def draw_with(draw: Draw) -> None:
    """Have maps of wards drawn by this: it gets the codes of districts, and gives a drawing or None."""
    _draw[:] = [draw]


def choices(session: Session, council_id: UUID, *, with_map: bool = True) -> Choices:
    """What users of this council may work with."""
    districts = list(council(session, council_id).district_codes)
    areas = session.execute(_AREAS, {"districts": districts}).all()
    return Choices(
        topics={row.slug: row.name for row in session.execute(_TOPICS, {"council": council_id})},
        wards={row.code: row.name for row in areas if row.kind == "ward"},
        districts={row.code: row.name for row in areas if row.kind == "district"},
        chart=_draw[0](session, districts) if with_map and _draw else None,
    )
