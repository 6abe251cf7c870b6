"""How many of the people who live in each ward follow the council, and where too few do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.insight.open_data.disclosure import FEWEST_SHOWN
from notify.staff.queries import council

FEW = f"fewer than {FEWEST_SHOWN}"
GAP = 0.5  # a ward with half of the median or less is a gap


def in_words(people: int) -> str:
    """A number of people as it may be shown of a small place."""
    return FEW if 0 < people < FEWEST_SHOWN else f"{people:,}"


@dataclass(frozen=True, slots=True)
class WardReach:
    """A ward, who follows, and who lives there; `population` None: nobody told us."""

    code: str
    name: str
    people: int
    population: int | None

    @property
    def per_1000(self) -> float | None:
        """Followers for each 1,000 residents; None where it is not known or would tell of a few people."""
        if not self.population or 0 < self.people < FEWEST_SHOWN:
            return None
        return 1000 * self.people / self.population

    @property
    def said(self) -> str:
        """What stands in place of the rate where there is none."""
        if not self.population:
            return "population not known"
        return FEW if 0 < self.people < FEWEST_SHOWN else ""


@dataclass(frozen=True, slots=True)
class Reach:
    """The council's wards, the weakest first, those who live elsewhere or nowhere known, and languages."""

    wards: Sequence[WardReach]
    elsewhere: int
    languages: Mapping[str, int]

    @property
    def people(self) -> int:
        """Everyone who follows."""
        return sum(self.languages.values())

    @property
    def population(self) -> int:
        """Everyone who lives in wards whose population is known."""
        return sum(ward.population or 0 for ward in self.wards)

    @property
    def median(self) -> float | None:
        """The rate in the middle of the wards' rates."""
        rates = [ward.per_1000 for ward in self.wards if ward.per_1000 is not None]
        return median(rates) if rates else None

    def gaps(self) -> Sequence[str]:
        """The wards that are missed, each in a sentence, the weakest first."""
        middle = self.median
        if not middle:
            return []
        return [
            f"{ward.name} has {_rate(ward)} for each 1,000 residents, {_share(ward, middle)} of the council’s median "
            f"of {middle:.0f}."
            for ward in self.wards
            if ward.population and _rate_at_most(ward) <= GAP * middle
        ]

    def unknown(self) -> Sequence[str]:
        """The names of wards without a population."""
        return [ward.name for ward in self.wards if not ward.population]


def _rate_at_most(ward: WardReach) -> float:
    return 1000 * max(ward.people, FEWEST_SHOWN if ward.people else 0) / (ward.population or 1)


def _rate(ward: WardReach) -> str:
    if ward.people == 0:
        return "nobody"
    return f"{ward.per_1000:.0f}" if ward.per_1000 is not None else f"{FEW} people"


def _share(ward: WardReach, middle: float) -> str:
    if ward.per_1000 is None:
        return "less than half"
    share = ward.per_1000 / middle
    return "half" if 0.45 <= share <= GAP else f"{share:.0%}"


def reach(session: Session, council_id: UUID, topic: str = "") -> Reach:
    """Who follows this topic, or anything of the council, by ward and by language."""
    values = {"council": council_id, "topic": topic, "districts": list(council(session, council_id).district_codes)}
    rows = session.execute(text(BY_WARD), values).all()
    languages = session.execute(text(BY_LANGUAGE), values).all()
    wards = [WardReach(row.code, row.name, int(row.people), row.population) for row in rows]
    by_language = {row.language: int(row.people) for row in languages}
    found = Reach(wards, sum(by_language.values()) - sum(ward.people for ward in wards), by_language)
    return Reach(sorted(found.wards, key=_weakness), found.elsewhere, found.languages)


def subscribers_by_topic(session: Session, council_id: UUID) -> Mapping[str, int]:
    """How many follow each topic now, by its short name."""
    rows = session.execute(text(BY_TOPIC), {"council": council_id})
    return {row.topic: int(row.people) for row in rows}


def _weakness(ward: WardReach) -> tuple[bool, float, str]:
    return not ward.population, _rate_at_most(ward), ward.name


BY_WARD = """
    SELECT a.code, a.name, a.population, coalesce(sum(r.people), 0) AS people
    FROM area a
    JOIN geo_release g ON g.id = a.release_id AND g.kind = 'ward' AND g.activated_at IS NOT NULL
         AND g.retired_at IS NULL
    LEFT JOIN rollup_reach r ON r.ward_code = a.code AND r.council_id = :council AND r.topic = :topic
    WHERE a.kind = 'ward' AND a.district_code = ANY(:districts)
    GROUP BY a.code, a.name, a.population ORDER BY a.name
"""
BY_LANGUAGE = """
    SELECT language, sum(people) AS people FROM rollup_reach
    WHERE council_id = :council AND topic = :topic GROUP BY 1 ORDER BY 2 DESC, 1
"""
BY_TOPIC = """
    SELECT topic, sum(people) AS people FROM rollup_reach WHERE council_id = :council AND topic <> '' GROUP BY 1
"""
