"""Which rules serve which home: for each stream those of the assignments that fit the home narrowest.

The home itself is narrower than house numbers or a building, these than a street, and that than a postcode.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Row, text
from sqlmodel import Session

from notify.waste.entries import made_reference, spoken_postcode
from notify.waste.models import CollectionRelease

MOST_HOMES_OF_A_SPAN = 400


def settle(session: Session, release: CollectionRelease) -> None:
    """Keep the homes that were read, make those of spans and postcodes where none are listed, and serve each."""
    values = {"release": release.id}
    session.execute(text(KEEP_HOMES), values)
    made = list(_homes_of_spans(session, values))
    if made:
        session.execute(text(ADD_HOME), [values | home for home in made])
    for statement in (KEEP_SERVICES, GATHER_LISTS, KEEP_LISTS, "ANALYZE collection_home, collection_assignment", SERVE):
        session.execute(text(statement), values)
    release.homes, release.rules = session.execute(text(COUNT), values).one()


def _homes_of_spans(session: Session, values: Mapping[str, object]) -> Iterator[dict[str, object]]:
    rows = session.execute(text(WITHOUT_HOMES), values).all()
    streams: dict[str, set[str]] = defaultdict(set)
    for code, stream in session.execute(text(STREAMS_OF_ROUNDS), values):
        streams[code].add(stream)
    by_postcode: dict[str, list[Row[tuple[object, ...]]]] = defaultdict(list)
    for row in rows:
        by_postcode[row.postcode].append(row)
    for postcode, of_postcode in by_postcode.items():
        spans = [row for row in of_postcode if row.building or row.number_from is not None]
        for row in spans:
            yield from _homes_of_span(row)
        if not spans:
            yield from _homes_of_postcode(postcode, of_postcode, streams)


def _homes_of_span(row: Row[tuple[object, ...]]) -> Iterator[dict[str, object]]:
    first, last = row.number_from or 1, row.number_to or row.number_from or 1
    if row.side and first % 2 != (row.side == "odd"):
        first += 1
    for number in list(range(first, last + 1, 2 if row.side else 1))[:MOST_HOMES_OF_A_SPAN]:
        label = f"{number} {row.building}".strip()
        made = _made(row.postcode, made_reference(row.postcode, label), label)
        yield made | {"building": row.building, "number": number}


def _homes_of_postcode(
    postcode: str, rows: Sequence[Row[tuple[object, ...]]], streams: Mapping[str, set[str]]
) -> Iterator[dict[str, object]]:
    """One home, or one for each round where rounds collect the same stream: then nobody knows which it is."""
    label = spoken_postcode(postcode)
    rivals = [
        row
        for row in rows
        if any(row.round != other.round and streams[row.round] & streams[other.round] for other in rows)
    ]
    for row in rivals:
        made = _made(postcode, made_reference(postcode, row.round), f"{label}, {row.round}")
        yield made | {"assignment": row.id}
    if not rivals:
        yield _made(postcode, postcode, label)


def _made(postcode: str, reference: str, label: str) -> dict[str, object]:
    plain: dict[str, object] = {"building": "", "number": None, "assignment": None}
    return {"reference": reference, "label": label, "postcode": postcode, **plain}


KEEP_HOMES = """
    INSERT INTO collection_home (release_id, reference, label, postcode, usrn, building, number, rules)
    SELECT DISTINCT ON (n.reference) :release, n.reference, n.label, n.postcode, n.usrn, n.building, n.number, '{}'
    FROM new_home n ORDER BY n.reference, n.at
"""
ADD_HOME = """
    WITH made AS (
        INSERT INTO collection_home (release_id, reference, label, postcode, building, number, rules)
        VALUES (:release, :reference, :label, :postcode, :building, :number, '{}')
        ON CONFLICT DO NOTHING RETURNING reference
    )
    UPDATE collection_assignment a SET home = made.reference FROM made WHERE a.id = CAST(:assignment AS bigint)
"""
WITHOUT_HOMES = """
    SELECT a.id, a.round, a.postcode, a.building, a.number_from, a.number_to, a.side FROM collection_assignment a
    WHERE a.release_id = :release AND a.postcode IS NOT NULL AND a.home IS NULL
      AND NOT EXISTS (SELECT FROM collection_home h WHERE h.release_id = :release AND h.postcode = a.postcode)
    ORDER BY a.id
"""
STREAMS_OF_ROUNDS = "SELECT DISTINCT round, stream FROM collection_rule WHERE release_id = :release"
KEEP_SERVICES = """
    INSERT INTO collection_service (release_id, reference, stream, starts, ends)
    SELECT :release, reference, stream, starts, max(ends) FROM new_service WHERE ends >= starts
    GROUP BY reference, stream, starts
"""
# a list that is the same for many homes is one rule; its name is the same in every release
GATHER_LISTS = """
    CREATE TEMP TABLE new_list ON COMMIT DROP AS
    SELECT d.reference, d.stream, array_agg(DISTINCT d.day ORDER BY d.day) AS days,
           CAST('' AS text) AS round
    FROM new_day d GROUP BY d.reference, d.stream
"""
KEEP_LISTS = """
    WITH named AS (
        UPDATE new_list SET round = 'list-' || substr(md5(stream || days::text), 1, 12) RETURNING round, stream, days
    )
    INSERT INTO collection_rule (release_id, round, stream, pattern)
    SELECT DISTINCT ON (round, stream) :release, round, stream, jsonb_build_object('dates', to_jsonb(days)) FROM named
"""
SERVE = """
    WITH fits AS (
        SELECT a.home AS reference, a.round, NULL AS stream, 4 AS width FROM collection_assignment a
        WHERE a.release_id = :release AND a.home IS NOT NULL
        UNION ALL SELECT l.reference, l.round, l.stream, 4 FROM new_list l
        UNION ALL
        SELECT h.reference, a.round, NULL,
               CASE WHEN a.building <> '' OR a.number_from IS NOT NULL THEN 3 WHEN a.usrn IS NOT NULL THEN 2 ELSE 1 END
        FROM collection_home h
        JOIN collection_assignment a ON a.release_id = :release AND a.home IS NULL AND a.usrn IS NULL
             AND a.postcode = h.postcode
        WHERE h.release_id = :release AND {fits}
        UNION ALL
        SELECT h.reference, a.round, NULL,
               CASE WHEN a.building <> '' OR a.number_from IS NOT NULL THEN 3 WHEN a.usrn IS NOT NULL THEN 2 ELSE 1 END
        FROM collection_home h
        JOIN collection_assignment a ON a.release_id = :release AND a.home IS NULL AND a.usrn = h.usrn
             AND coalesce(a.postcode, h.postcode) = h.postcode
        WHERE h.release_id = :release AND {fits}
    ), ranked AS (
        SELECT f.reference, r.stream, r.round, r.id, f.width,
               max(f.width) OVER (PARTITION BY f.reference, r.stream) AS narrowest
        FROM fits f JOIN collection_rule r ON r.release_id = :release AND r.round = f.round
             AND (f.stream IS NULL OR f.stream = r.stream)
    ), sure AS (
        SELECT reference, array_agg(DISTINCT id) AS rules
        FROM (SELECT k.*, min(k.round) OVER w <> max(k.round) OVER w AS is_split
              FROM ranked k WHERE k.width = k.narrowest WINDOW w AS (PARTITION BY k.reference, k.stream)) one
        WHERE width >= 3 OR NOT is_split  -- two rounds for one postcode or street: nobody knows which it is
        GROUP BY reference
    )
    UPDATE collection_home h SET rules = sure.rules FROM sure
    WHERE h.release_id = :release AND h.reference = sure.reference
""".replace(
    "{fits}",
    """CASE WHEN a.building <> '' THEN lower(a.building) = lower(h.building)
                 OR h.building = '' AND position(lower(a.building) IN lower(h.label)) > 0
              ELSE a.number_from IS NULL OR h.building = '' END
         AND (a.number_from IS NULL OR h.number BETWEEN a.number_from AND coalesce(a.number_to, a.number_from))
         AND (a.side = '' OR h.number % 2 = CASE a.side WHEN 'odd' THEN 1 ELSE 0 END)""",
)
COUNT = """
    SELECT (SELECT count(*) FROM collection_home WHERE release_id = :release AND rules <> '{}'),
           (SELECT count(*) FROM collection_rule WHERE release_id = :release)
"""
