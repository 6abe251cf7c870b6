"""How many people live in each ward, from the national table of persons by ward and age."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from notify.core.errors import Conflict
from notify.places.archives import Member, SourceNotFound, SourceUnreadable
from notify.places.models import ReleaseKind
from notify.places.queries import active_release


class NoWardsLoaded(Conflict):
    """Population belongs to wards, and there are none."""

    title = "No wards are loaded"


@dataclass(frozen=True, slots=True)
class PopulationReport:
    """`wards` of the release got a figure, `people` in all; `unknown` codes of the file are not in the release."""

    release_id: int
    wards: int
    people: int
    unknown: int


def load_population(session: Session, path: Path, *, release_id: int | None = None) -> PopulationReport:
    """Give the wards of a release, by default the active one, the sum of their row's ages.

    Raises: NoWardsLoaded, SourceNotFound, SourceUnreadable.
    """
    if release_id is None:
        active = active_release(session, ReleaseKind.WARD)
        if active is None or active.id is None:
            raise NoWardsLoaded("Load and activate wards first: `notify geodata load wards.geojson --activate`.")
        release_id = active.id
    people = read_population(path)
    matched = session.execute(
        text("""
            UPDATE area SET population = counted.people
            FROM unnest(CAST(:codes AS text[]), CAST(:people AS integer[])) AS counted (code, people)
            WHERE area.release_id = :release AND area.code = counted.code
            RETURNING area.population
        """),
        {"release": release_id, "codes": list(people), "people": list(people.values())},
    ).scalars()
    found = matched.all()
    return PopulationReport(release_id, len(found), sum(found), len(people) - len(found))


def read_population(path: Path) -> Mapping[str, int]:
    """People by ward code, from a CSV whose first column is `ward` and whose others are counts by age.

    Raises: SourceNotFound, SourceUnreadable.
    """
    if not path.is_file():
        raise SourceNotFound(f"{path} does not exist, or is not a file.")
    with Member(path.name, path).text() as lines:
        rows = csv.reader(lines)
        header = next(rows, [])
        if [cell.strip().lower() for cell in header[:1]] != ["ward"]:
            raise SourceUnreadable(
                f"{path.name} begins with {','.join(header)[:80]!r}. Understood is `ward,0,1,2,…`: "
                "a ward code, then people by year of age."
            )
        return {row[0]: _people(row, path) for row in rows if row}


def _people(row: list[str], path: Path) -> int:
    try:
        return sum(int(cell) for cell in row[1:] if cell)
    except ValueError as error:
        raise SourceUnreadable(f"{path.name}: the row of {row[0]} holds something that is not a count.") from error
