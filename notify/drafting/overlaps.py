"""Whether two audiences overlap, compared ward by ward."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import text
from sqlmodel import Session

from notify.places.models import Targets

Key = TypeVar("Key", bound=Hashable)

# wards as such, those of districts, and those that postcodes and sectors lie in
WARDS = """
    WITH meant AS (
        SELECT number::int, targets->'included' AS inside, targets->'excluded'->'wards' AS without
        FROM jsonb_array_elements(CAST(:targets AS jsonb)) WITH ORDINALITY AS given (targets, number)
    ), active AS (
        SELECT kind, id FROM geo_release WHERE activated_at IS NOT NULL AND retired_at IS NULL
    ), touched AS (
        SELECT number, without, code FROM meant, jsonb_array_elements_text(inside->'wards') AS code
        UNION ALL
        SELECT number, without, a.code
        FROM meant, jsonb_array_elements_text(inside->'districts') AS district
        JOIN area a ON a.district_code = district AND a.release_id = (SELECT id FROM active WHERE kind = 'ward')
        UNION ALL
        SELECT number, without, p.ward_code
        FROM meant, jsonb_array_elements_text(inside->'postcodes') AS one
        JOIN postcode p ON p.key = one AND p.release_id = (SELECT id FROM active WHERE kind = 'postcode')
        UNION ALL
        SELECT number, without, p.ward_code
        FROM meant, jsonb_array_elements_text(inside->'sectors') AS sector
        JOIN postcode p ON p.key BETWEEN sector || 'AA' AND sector || 'ZZ' AND length(p.key) = length(sector) + 2
             AND p.release_id = (SELECT id FROM active WHERE kind = 'postcode')
    )
    SELECT DISTINCT number, code FROM touched WHERE code IS NOT NULL AND NOT jsonb_exists(without, code)
"""


@dataclass(frozen=True, slots=True)
class Places:
    """The wards that an audience touches; or every place, less the wards in `without`."""

    wards: frozenset[str]
    everywhere: bool
    without: frozenset[str]

    def meets(self, other: "Places") -> bool:
        """Whether someone may live in both."""
        if self.everywhere and other.everywhere:
            return True
        if self.everywhere:
            return bool(other.wards - self.without)
        return bool((self.wards - other.without) if other.everywhere else (self.wards & other.wards))


def places_of(session: Session, audiences: Mapping[Key, Targets]) -> Mapping[Key, Places]:
    """The places of each of these audiences, asked for together."""
    keys = list(audiences)
    found: dict[Key, set[str]] = {key: set() for key in keys}
    given = json.dumps([audiences[key].as_json() for key in keys])
    for row in session.execute(text(WARDS), {"targets": given}) if keys else ():
        found[keys[row.number - 1]].add(row.code)
    return {
        key: Places(frozenset(found[key]), targets.everywhere, frozenset(targets.excluded.wards))
        for key, targets in audiences.items()
    }
