"""Areas that ended: which codes are not in force any more, and which areas have taken over what was there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.core.errors import Invalid
from notify.places.models import Targets
from notify.places.queries import names_by_code

SUCCESSORS_NAMED = 5
LEAST_SHARE = 0.01  # less is a postcode that was measured again, not a part of the area
_ENDED = """
    SELECT e.code, s.code AS successor, s.share
    FROM (SELECT DISTINCT code FROM unnest(CAST(:codes AS text[])) AS code WHERE NOT area_is_current(code)) e
    LEFT JOIN LATERAL area_successors(e.code) s ON s.share >= :least
    ORDER BY e.code, s.share DESC, s.code
"""
_STILL_THERE = """
    SELECT o.old_code
    FROM (SELECT DISTINCT old_code FROM area_succession a
          WHERE EXISTS (SELECT FROM place WHERE ward_code = a.old_code)
             OR EXISTS (SELECT FROM place WHERE district_code = a.old_code)) o
    WHERE NOT area_is_current(o.old_code)
      AND EXISTS (SELECT FROM area_successors(o.old_code) s WHERE s.code = ANY(:codes))
    ORDER BY o.old_code
"""
_NOTE = """
    WITH gone AS MATERIALIZED (
        SELECT code FROM (SELECT DISTINCT {column} AS code FROM postcode
                          WHERE release_id = :old AND {column} IS NOT NULL) o
        WHERE NOT EXISTS (SELECT FROM postcode n WHERE n.release_id = :new AND n.{column} = o.code
                          AND n.ended_on IS NULL)
    )
    INSERT INTO area_succession (release_id, old_code, new_code, share, at)
    SELECT :new, o.{column}, n.{column}, count(*) / sum(count(*)) OVER (PARTITION BY o.{column}), :moment
    FROM postcode o
    JOIN postcode n ON n.release_id = :new AND n.key = o.key AND n.{column} IS NOT NULL
    WHERE o.release_id = :old AND o.{column} IN (SELECT code FROM gone)
    GROUP BY o.{column}, n.{column}
"""


class AreaEnded(Invalid):
    """A ward or district of an earlier release, where nobody is reached. `ended` names each with its successors."""

    title = "The area has ended"


@dataclass(frozen=True, slots=True)
class Successor:
    """An area in force that has taken over `share` of the postcodes of one that ended."""

    code: str
    name: str
    share: float


@dataclass(frozen=True, slots=True)
class EndedArea:
    """A code that is not in force. `successors`: the largest part first; none where no release knows."""

    code: str
    name: str
    successors: tuple[Successor, ...]

    @property
    def is_known(self) -> bool:
        """Whether a release ever had it: other codes are not in force either."""
        return bool(self.successors) or self.name != self.code

    def __str__(self) -> str:
        """A sentence that says what is there now."""
        ended = f"{self.name} ({self.code}) has ended."
        if not self.successors:
            return f"{ended} No loaded release says what has taken its place."
        named = [f"{one.name} ({one.code})" for one in self.successors[:SUCCESSORS_NAMED]]
        rest = len(self.successors) - len(named)
        return f"{ended} What was there is now in {', '.join(named)}{f' and {rest} more' if rest else ''}."


def ended(session: Session, codes: Iterable[str]) -> Sequence[EndedArea]:
    """Those of these codes that are not in force, each with the areas that have taken over what was there."""
    asked = list(codes)
    if not asked:
        return []
    rows = session.execute(text(_ENDED), {"codes": asked, "least": LEAST_SHARE}).all()
    names = names_by_code(session, [code for row in rows for code in (row.code, row.successor)])
    followed: defaultdict[str, list[Successor]] = defaultdict(list)
    for row in rows:
        taken_over = followed[row.code]
        if row.successor:
            taken_over.append(Successor(row.successor, names.get(row.successor, row.successor), row.share))
    return [EndedArea(code, names.get(code, code), tuple(found)) for code, found in followed.items()]


def require_current(session: Session, codes: Iterable[str]) -> None:
    """Refuse codes that are not in force, with what to use instead. Raises: AreaEnded."""
    refuse(ended(session, codes))


def require_wards_of_places(session: Session, wards: Iterable[str | None]) -> None:
    """Refuse wards that people name for their places and that have ended. Raises: AreaEnded."""
    known = names_by_code(session, wards)
    refuse(ended(session, known))


def refuse(found: Sequence[EndedArea]) -> None:
    """Refuse what uses these areas, if there are any. Raises: AreaEnded."""
    if found:
        raise AreaEnded(
            " ".join(str(one) for one in found[:SUCCESSORS_NAMED]) + " Use the codes in force.",
            ended=[
                {"code": one.code, "successors": [successor.code for successor in one.successors]}
                for one in found[:100]
            ],
        )


def codes_of(targets: Targets) -> Sequence[str]:
    """Every area that these targets include or leave out."""
    return [
        *targets.included.wards, *targets.included.districts, *targets.excluded.wards, *targets.excluded.districts
    ]  # fmt: skip


def reached(session: Session, targets: Targets, *, is_emergency: bool) -> Targets:
    """Where an alert for these targets goes if it is sent now: a routine one there.

    An emergency also goes to what has taken over areas that ended, and to areas that ended and that residents' places
    are still in, because nobody could say which part is theirs.

    What is left out stays as it is: a successor may be larger, and nobody in it may be missed.
    """
    if not is_emergency:
        return targets
    included = targets.included
    wards, districts = (_followed(session, codes) for codes in (included.wards, included.districts))
    return replace(targets, included=replace(included, wards=wards, districts=districts))


def _followed(session: Session, codes: Sequence[str]) -> tuple[str, ...]:
    if not codes:
        return ()
    new = [successor.code for area in ended(session, codes) for successor in area.successors]
    both = list(dict.fromkeys([*codes, *new]))
    return tuple(dict.fromkeys([*both, *session.execute(text(_STILL_THERE), {"codes": both}).scalars()]))


def replaced(found: Sequence[EndedArea], codes: Sequence[str]) -> list[str]:
    """These codes with the successors of those that ended in their place."""
    instead = {one.code: [successor.code for successor in one.successors] for one in found}
    return list(dict.fromkeys(new for code in codes for new in instead.get(code, [code])))


def note(session: Session, *, new_id: int, old_id: int | None) -> None:
    """Write down, of the areas whose postcodes the new release puts elsewhere, where to. It outlasts both releases."""
    if old_id is None or old_id == new_id:
        return
    session.execute(text("DELETE FROM area_succession WHERE release_id = :new"), {"new": new_id})
    for column in ("ward_code", "district_code"):
        statement = text(_NOTE.format(column=column))
        session.execute(statement, {"new": new_id, "old": old_id, "moment": clock.now()})
