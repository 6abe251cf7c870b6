"""What speaks against activating a release. Published releases have had holes: wards missing for 77,000 postcodes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlmodel import Session

from notify.places.models import ReleaseKind

MOST_BLANK_WARDS = 0.01  # share of live postcodes; 0.06% is normal
MOST_VANISHED = 0.02  # share of the councils' own postcodes; 0.1-0.2% a quarter is normal
CODES_NAMED = 5

Covered = Mapping[str, Sequence[str]]
"""The districts that each council covers, by the council's short name."""


_COMPARED = """
    SELECT CASE WHEN GROUPING(o.district_code) = 0 THEN o.district_code ELSE n.district_code END AS district_code,
           GROUPING(o.district_code) = 0 AS is_before, GROUPING(n.district_code) = 0 AS is_after,
           count(*) FILTER (WHERE o.key IS NULL) AS added,
           count(*) FILTER (WHERE n.key IS NULL) AS removed,
           count(*) FILTER (WHERE o.ward_code <> n.ward_code) AS moved_ward,
           count(n.key) AS live,
           count(n.key) FILTER (WHERE n.ward_code IS NULL) AS blank,
           count(o.key) AS before
    FROM (SELECT * FROM postcode WHERE release_id = :old AND ended_on IS NULL) o
    FULL JOIN (SELECT * FROM postcode WHERE release_id = :new AND ended_on IS NULL) n ON n.key = o.key
    GROUP BY GROUPING SETS ((), (o.district_code), (n.district_code))
    HAVING GROUPING(o.district_code, n.district_code) = 3
        OR GROUPING(o.district_code) = 0 AND o.district_code = ANY(:districts)
        OR GROUPING(n.district_code) = 0 AND n.district_code = ANY(:districts)
"""
_WENT_TO = """
    SELECT n.district_code AS code, count(*) AS postcodes
    FROM postcode o JOIN postcode n ON n.release_id = :new AND n.key = o.key AND n.ended_on IS NULL
    WHERE o.release_id = :old AND o.district_code = :district AND o.ended_on IS NULL AND n.district_code IS NOT NULL
    GROUP BY 1 ORDER BY 2 DESC
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """A release compared with the one it would replace; ended postcodes count as absent.

    `own_before` and `own_vanished` count postcodes in the councils' districts, all together. `objections` are sentences
    council by council: what one loses is not lost in what the others keep.
    """

    added: int
    removed: int
    moved_ward: int
    blank_wards: int
    own_before: int
    own_vanished: int
    objections: Sequence[str]

    def unopposed(self) -> "Findings":
        """The same counts, for a release that need not be asked about."""
        return replace(self, objections=())


def compare_postcodes(session: Session, *, new_id: int, old_id: int | None, covered: Covered) -> Findings:
    """How a postcode release differs from the active one, and what an administrator must decide."""
    total, by_district = _compared(
        session, new_id, old_id, sorted({one for codes in covered.values() for one in codes})
    )
    objections = _too_many("live postcodes have no ward", total["blank"], total["live"], MOST_BLANK_WARDS)
    own = Counter[str]()
    for slug, districts in covered.items():
        its = sum((by_district[code] for code in districts), Counter[str]())
        own += its
        objections += [
            *_too_many(f"postcodes of {slug} have no ward", its["own_blank"], its["own"], MOST_BLANK_WARDS),
            *_too_many(f"postcodes of {slug} are gone", its["own_vanished"], its["own_before"], MOST_VANISHED),
            *_vanished_districts(session, new_id, old_id, slug, districts, by_district),
        ]
    objections += [
        *_listed("with residents have no successor", _wards_without_successor(session, new_id, old_id)),
        *_listed("named by alerts not yet sent are missing", _missing_from_postcodes(session, new_id)),
    ]
    return Findings(
        total["added"],
        total["removed"],
        total["moved_ward"],
        total["blank"],
        own["own_before"],
        own["own_vanished"],
        objections,
    )


def _compared(
    session: Session, new_id: int, old_id: int | None, districts: Sequence[str]
) -> tuple[Counter[str], defaultdict[str, Counter[str]]]:
    """Counts of all postcodes, and those of each district as it was before and as it is now."""
    total, by_district = Counter[str](), defaultdict[str, Counter[str]](Counter)
    rows = session.execute(text(_COMPARED), {"new": new_id, "old": old_id, "districts": list(districts)})
    for row in rows:
        if row.is_before:
            by_district[row.district_code].update(own_before=row.before, own_vanished=row.removed)
        elif row.is_after:
            by_district[row.district_code].update(own=row.live, own_blank=row.blank)
        else:
            counted = ("added", "removed", "moved_ward", "live", "blank")
            total.update({name: getattr(row, name) for name in counted})
    return total, by_district


def _vanished_districts(
    session: Session,
    new_id: int,
    old_id: int | None,
    slug: str,
    districts: Sequence[str],
    counts: Mapping[str, Counter[str]],
) -> list[str]:
    """A sentence for each district of a council that has no postcode left, unless it covers where they went."""
    found = []
    for district in districts:
        if counts[district]["own"] or not counts[district]["own_before"]:
            continue
        rows = session.execute(text(_WENT_TO), {"new": new_id, "old": old_id, "district": district}).all()
        went = [row.code for row in rows if row.postcodes >= MOST_VANISHED * counts[district]["own_before"]]
        if went and set(went) <= set(districts):
            continue
        remedy = f"`notify council districts {slug} {' '.join(f'--add {code}' for code in went)}`"
        found.append(
            f"district {district} of {slug} has ended: its postcodes are now in {', '.join(went)}. "
            f"Say first that {slug} covers them, with {remedy}, or merge it with `notify council merge`"
            if went
            else f"district {district} of {slug} has no postcodes any more"
        )
    return found


def compare_areas(
    session: Session, *, kind: ReleaseKind, new_id: int, old_id: int | None, covered: Covered
) -> Findings:
    """How a ward or district release differs from the active one, and what an administrator must decide."""
    row = session.execute(
        text("""
            SELECT count(*) FILTER (WHERE o.code IS NULL) AS added, count(*) FILTER (WHERE n.code IS NULL) AS removed
            FROM (SELECT code FROM area WHERE release_id = :old) o
            FULL JOIN (SELECT code FROM area WHERE release_id = :new) n ON n.code = o.code
        """),
        {"new": new_id, "old": old_id},
    ).one()
    alerted = _codes_of_pending_alerts(session, f"{kind}s")
    missing: list[str] = []
    for slug, districts in covered.items():
        its = set(_published_codes(session, kind, districts))
        if kind == ReleaseKind.DISTRICT and old_id is not None:
            its |= set(districts) - set(_not_among_areas(session, old_id, districts))
        missing += _listed(f"of {slug}'s postcodes are missing", _not_among_areas(session, new_id, sorted(its)))
    objections = [
        *missing,
        *_listed("named by alerts not yet sent are missing", _not_among_areas(session, new_id, alerted)),
    ]
    return Findings(row.added, row.removed, 0, 0, 0, 0, objections)


def _too_many(what: str, found: int, of: int, most: float) -> list[str]:
    if not of or found <= of * most:
        return []
    return [f"{found:,} {what} ({found / of:.1%}; {most:.0%} is the limit)"]


def _listed(what: str, codes: Sequence[str]) -> list[str]:
    if not codes:
        return []
    named = ", ".join(codes[:CODES_NAMED]) + (", …" if len(codes) > CODES_NAMED else "")
    return [f"{len(codes):,} area codes {what} ({named})"]


def _wards_without_successor(session: Session, new_id: int, old_id: int | None) -> Sequence[str]:
    """Wards that residents' places are in, absent from the release, none of whose postcodes it puts anywhere."""
    statement = text("""
        WITH used AS (SELECT DISTINCT ward_code AS code FROM place WHERE ward_code IS NOT NULL)
        SELECT code FROM used
        WHERE code NOT IN (SELECT ward_code FROM postcode WHERE release_id = :new AND ward_code IS NOT NULL)
          AND code NOT IN (SELECT o.ward_code FROM postcode o
                           JOIN postcode n ON n.release_id = :new AND n.key = o.key AND n.ward_code IS NOT NULL
                           WHERE o.release_id = :old AND o.ward_code IN (SELECT code FROM used))
        ORDER BY code
    """)
    return session.execute(statement, {"new": new_id, "old": old_id}).scalars().all()


def _missing_from_postcodes(session: Session, new_id: int) -> Sequence[str]:
    missing: list[str] = []
    for parts, column in (("wards", "ward_code"), ("districts", "district_code")):
        statement = text(f"""
            SELECT code FROM unnest(CAST(:codes AS text[])) AS code
            WHERE code NOT IN (SELECT {column} FROM postcode WHERE release_id = :new AND {column} IS NOT NULL)
            ORDER BY code
        """)  # noqa: S608 - our own column names
        codes = _codes_of_pending_alerts(session, parts)
        if codes:
            missing += session.execute(statement, {"new": new_id, "codes": list(codes)}).scalars()
    return missing


def _codes_of_pending_alerts(session: Session, parts: str) -> Sequence[str]:
    """The codes under `parts` (wards or districts) that alerts still to be sent include or leave out.

    The table is named because alerts stand above places and cannot be imported here.
    """
    statement = text("""
        SELECT DISTINCT code
        FROM alert
        CROSS JOIN LATERAL (VALUES (targets->'included'), (targets->'excluded')) side (places)
        CROSS JOIN LATERAL jsonb_array_elements_text(side.places->CAST(:parts AS text)) code
        WHERE state IN ('draft', 'submitted', 'approved', 'scheduled')
        ORDER BY code
    """)
    return session.execute(statement, {"parts": parts}).scalars().all()


def _published_codes(session: Session, kind: ReleaseKind, districts: Sequence[str]) -> Sequence[str]:
    """The codes of this kind that the active postcodes of these districts carry."""
    column = "ward_code" if kind == ReleaseKind.WARD else "district_code"
    statement = text(f"""
        SELECT DISTINCT {column} FROM postcode
        WHERE district_code = ANY(:districts) AND ended_on IS NULL AND {column} IS NOT NULL
          AND release_id = (SELECT id FROM geo_release
                            WHERE kind = 'postcode' AND activated_at IS NOT NULL AND retired_at IS NULL)
    """)  # noqa: S608 - our own column names
    return session.execute(statement, {"districts": list(districts)}).scalars().all()


def _not_among_areas(session: Session, release_id: int, codes: Sequence[str]) -> Sequence[str]:
    statement = text("""
        SELECT code FROM unnest(CAST(:codes AS text[])) AS code
        WHERE code NOT IN (SELECT code FROM area WHERE release_id = :release)
        ORDER BY code
    """)
    return session.execute(statement, {"release": release_id, "codes": list(codes)}).scalars().all()
