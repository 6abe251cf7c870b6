"""Where a subscriber to add lives: the postcode, the ward that counts, and what to check."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.languages import _
from notify.places import succession
from notify.places.postcodes import canonical, normalise, where_instead
from notify.places.queries import Resolved, resolve_postcodes
from notify.places.succession import EndedArea
from notify.staff.queries import council
from notify.subscribers.models import NewPlace, NewSubscriber, WardSource

_CODE = re.compile(r"[A-Z]\d{8}")


@dataclass(frozen=True, slots=True)
class Settled:
    """One place. `notes` are sentences about what was given and not used, and why."""

    key: str
    found: Resolved | None
    ward: str | None
    district: str | None
    source: WardSource
    notes: tuple[str, ...] = ()

    @property
    def needs_review(self) -> bool:
        """Whether the postcode is unknown, ended or without a ward, so that each release should try again."""
        return self.found is None or self.found.ended_on is not None or self.found.ward_code is None


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The postcodes and wards that some entries name. `wards`: the council's own in force, each with its district.
    `ended`: those that are not in force any more, each with what has taken over.
    """

    postcodes: Mapping[str, Resolved]
    wards: Mapping[str, str | None]
    ended: Mapping[str, EndedArea]

    @classmethod
    def open(
        cls, session: Session, council_id: UUID, people: Sequence[NewSubscriber], keys: Sequence[str]
    ) -> "Gazetteer":
        """What is known of all places of these people."""
        asked = {place.ward.strip() for person in people for place in person.places if place.ward}
        districts = council(session, council_id).district_codes if asked else []
        ended = {one.code: one for one in succession.ended(session, filter(_CODE.fullmatch, asked)) if one.is_known}
        wards = _own_wards(session, sorted(asked - ended.keys()), districts)
        return cls(resolve_postcodes(session, keys), wards, ended)

    def settle(self, place: NewPlace) -> Settled:
        """The place with its ward: the one given where it may be, else the postcode's. Raises: PostcodeNotValid."""
        key = normalise(place.postcode)
        found, ward = self.postcodes.get(key), (place.ward or "").strip()
        if found and ward and ward in (found.ward_code, *found.near_ward_codes):
            return Settled(key, found, ward, found.district_code, WardSource.RESIDENT)
        if found and found.ward_code:
            notes = (self._not_used(ward, canonical(key)),) if ward else ()
            return Settled(key, found, found.ward_code, found.district_code, WardSource.PUBLISHED, notes)
        why = () if found else (where_instead(key) or _("{postcode} is not known.", postcode=canonical(key)),)
        if ward in self.wards:
            district = (found.district_code if found else None) or self.wards[ward]
            return Settled(key, found, ward, district, WardSource.RESIDENT, why)
        notes = (*why, self._not_used(ward, canonical(key))) if ward else why
        return Settled(key, found, None, found.district_code if found else None, WardSource.PUBLISHED, notes)

    def _not_used(self, ward: str, postcode: str) -> str:
        if not _CODE.fullmatch(ward):
            return _("“{ward}” is not the code of a ward, such as E05013052, and was not used.", ward=ward)
        if ward in self.ended:
            return f"{self.ended[ward]} The ward was not used."
        if ward not in self.wards:
            return _("{ward} is not a ward of your council, and was not used.", ward=ward)
        return _("{postcode} does not lie in or near {ward}, which was not used.", postcode=postcode, ward=ward)


def _own_wards(session: Session, codes: Sequence[str], districts: Sequence[str]) -> Mapping[str, str | None]:
    """Which of these codes are wards of these districts, by the releases in force, and of which district each."""
    if not codes:
        return {}
    rows = session.execute(
        text("""
            WITH active AS MATERIALIZED (
                SELECT id, kind FROM geo_release WHERE activated_at IS NOT NULL AND retired_at IS NULL
            )
            SELECT code, district_code FROM area
            WHERE release_id = (SELECT id FROM active WHERE kind = 'ward')
              AND district_code = ANY(:districts) AND code = ANY(:codes)
            UNION
            SELECT ward_code, district_code FROM postcode
            WHERE release_id = (SELECT id FROM active WHERE kind = 'postcode')
              AND district_code = ANY(:districts) AND ward_code = ANY(:codes)
        """),
        {"codes": list(codes), "districts": list(districts)},
    )
    return {row.code: row.district_code for row in rows}
