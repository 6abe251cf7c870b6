"""Which postcodes lie near a ward, and near which wards: kept with the postcodes when a release changes."""

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Row, text
from sqlmodel import Session

from notify.places.spatial_index import edge_distances

REACH_M = 50.0
_OWN = text("""
    SELECT key, easting, northing, ward_code FROM postcode
    WHERE release_id = :release AND district_code = ANY(:districts)
      AND easting IS NOT NULL AND ward_code IS NOT NULL
""")
# one pass over a release for each ward would be slow: the boxes of all of a council's wards are joined where they meet
_AROUND = text("""
    SELECT DISTINCT p.key, p.easting, p.northing, p.ward_code
    FROM postcode p
    JOIN unnest(CAST(:west AS float[]), CAST(:south AS float[]), CAST(:east AS float[]), CAST(:north AS float[]))
         AS box (west, south, east, north)
      ON p.easting BETWEEN box.west AND box.east AND p.northing BETWEEN box.south AND box.north
    WHERE p.release_id = :release AND p.ward_code IS NOT NULL AND NOT p.district_code = ANY(:districts)
""")


def measure(session: Session, *, postcodes_id: int, wards_id: int | None, districts: Sequence[str]) -> int:
    """How many of the districts' postcodes got a distance to their ward's edge.

    They also get every other ward within reach, and so do postcodes of other districts that lie so near; further
    ones get nothing. A ward of these districts without outline in `wards_id` gives its postcodes neither, because
    where a code's own outline is missing the outlines are of another year.
    """
    _forget(session, postcodes_id)
    rows = session.execute(_OWN, {"release": postcodes_id, "districts": list(districts)}).all()
    if not rows or wards_id is None:
        return 0
    outlines = _outlines(session, postcodes_id, wards_id, rows)
    own_wards = {row.ward_code for row in rows}
    around = _around(session, postcodes_id, districts, [shape for code, shape in outlines if code in own_wards])
    keys, eastings, northings, codes = zip(*rows, *around, strict=True)
    east, north = np.array(eastings, dtype=float), np.array(northings, dtype=float)
    found = edge_distances(east, north, codes, outlines, reach_m=REACH_M)
    known = ~np.isnan(found.distance_m)
    own = np.arange(len(keys)) < len(rows)
    kept = [at for at in range(len(keys)) if known[at] and (own[at] or found.neighbours[at])]
    kept += [at for at in range(len(rows), len(keys)) if not known[at] and found.neighbours[at]]
    _store(
        session,
        postcodes_id,
        [keys[at] for at in kept],
        [round(float(found.distance_m[at]), 1) if known[at] else None for at in kept],
        [",".join(found.neighbours[at]) or None for at in kept],
    )
    return int((known & own).sum())


def _around(
    session: Session, postcodes_id: int, districts: Sequence[str], wards: Sequence[BaseGeometry]
) -> Sequence[Row[tuple[str, int, int, str]]]:
    """Located postcodes of other districts in or near the boxes that hold these wards."""
    if not wards:
        return []
    boxes = shapely.union_all([shapely.box(*ward.bounds).buffer(REACH_M, join_style="mitre") for ward in wards])
    west, south, east, north = shapely.bounds(shapely.get_parts([boxes])).T.tolist()
    boxed = {"west": west, "south": south, "east": east, "north": north}
    return session.execute(_AROUND, {"release": postcodes_id, "districts": list(districts), **boxed}).all()


def fill_districts(session: Session, *, postcodes_id: int, wards_id: int) -> None:
    """Give wards whose file did not say so the district that most of their postcodes are published with."""
    session.execute(
        text("""
            UPDATE area SET district_code = published.district_code
            FROM (SELECT ward_code, mode() WITHIN GROUP (ORDER BY district_code) AS district_code
                  FROM postcode
                  WHERE release_id = :postcodes AND ward_code IN
                        (SELECT code FROM area WHERE release_id = :wards AND district_code IS NULL)
                  GROUP BY ward_code) published
            WHERE area.release_id = :wards AND area.code = published.ward_code AND area.district_code IS NULL
        """),
        {"postcodes": postcodes_id, "wards": wards_id},
    )


def _forget(session: Session, postcodes_id: int) -> None:
    session.execute(
        text("""
            UPDATE postcode SET edge_m = NULL, alt_ward_code = NULL, near_ward_codes = NULL
            WHERE release_id = :release AND (edge_m IS NOT NULL OR near_ward_codes IS NOT NULL)
        """),
        {"release": postcodes_id},
    )


def _outlines(
    session: Session, postcodes_id: int, wards_id: int, points: Sequence[Row[tuple[str, int, int, str]]]
) -> list[tuple[str, BaseGeometry]]:
    """The wards that postcodes are published with and that come near any of these points."""
    rows = session.execute(
        text("""
            SELECT code, geom FROM area
            WHERE release_id = :wards AND geom IS NOT NULL
              AND code IN (SELECT ward_code FROM postcode WHERE release_id = :postcodes)
        """),
        {"wards": wards_id, "postcodes": postcodes_id},
    )
    reach = shapely.MultiPoint([(point.easting, point.northing) for point in points]).envelope.buffer(REACH_M)
    shapes = ((row.code, shapely.from_wkb(row.geom)) for row in rows)
    return [(code, outline) for code, outline in shapes if outline.intersects(reach)]


def _store(
    session: Session,
    postcodes_id: int,
    keys: list[str],
    distances: list[float | None],
    neighbours: list[str | None],
) -> None:
    session.execute(
        text("""
            UPDATE postcode SET edge_m = measured.edge_m, alt_ward_code = split_part(measured.neighbours, ',', 1),
                                near_ward_codes = string_to_array(measured.neighbours, ',')
            FROM unnest(CAST(:keys AS text[]), CAST(:distances AS float[]), CAST(:neighbours AS text[]))
                 AS measured (key, edge_m, neighbours)
            WHERE postcode.release_id = :release AND postcode.key = measured.key
        """),
        {"release": postcodes_id, "keys": keys, "distances": distances, "neighbours": neighbours},
    )
