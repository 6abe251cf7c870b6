"""Which postcodes lie near a ward's boundary, and what lies beyond: kept with the postcodes when a release changes."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlmodel import Session

from notify.places.index import edge_distances

REACH_M = 50.0


def measure(session: Session, *, postcodes_id: int, wards_id: int | None, districts: Sequence[str]) -> int:
    """How many of the districts' postcodes got a distance to their ward's edge; every other row has none.

    A ward without outline in `wards_id` gives its postcodes neither distance nor neighbour, because where a code's
    own outline is missing the outlines are of another year and a neighbour would be a code no longer in use.
    """
    _forget(session, postcodes_id)
    rows = session.execute(
        text("""
            SELECT key, easting, northing, ward_code FROM postcode
            WHERE release_id = :release AND district_code = ANY(:districts)
              AND easting IS NOT NULL AND ward_code IS NOT NULL
        """),
        {"release": postcodes_id, "districts": list(districts)},
    ).all()
    if not rows or wards_id is None:
        return 0
    keys, eastings, northings, codes = zip(*rows, strict=True)
    east, north = np.array(eastings, dtype=float), np.array(northings, dtype=float)
    nearby = _outlines(session, postcodes_id, wards_id, east, north)
    found = edge_distances(east, north, codes, nearby, reach_m=REACH_M)
    known = np.flatnonzero(~np.isnan(found.distance_m))
    _store(
        session,
        postcodes_id,
        [keys[at] for at in known],
        [round(float(found.distance_m[at]), 1) for at in known],
        [found.neighbour[at].decode() or None for at in known],
    )
    return len(known)


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
            UPDATE postcode SET edge_m = NULL, alt_ward_code = NULL
            WHERE release_id = :release AND (edge_m IS NOT NULL OR alt_ward_code IS NOT NULL)
        """),
        {"release": postcodes_id},
    )


def _outlines(
    session: Session, postcodes_id: int, wards_id: int, east: NDArray[np.float64], north: NDArray[np.float64]
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
    reach = shapely.box(east.min() - REACH_M, north.min() - REACH_M, east.max() + REACH_M, north.max() + REACH_M)
    shapes = ((row.code, shapely.from_wkb(row.geom)) for row in rows)
    return [(code, outline) for code, outline in shapes if outline.intersects(reach)]


def _store(
    session: Session, postcodes_id: int, keys: list[str], distances: list[float], neighbours: list[str | None]
) -> None:
    session.execute(
        text("""
            UPDATE postcode SET edge_m = measured.edge_m, alt_ward_code = measured.neighbour
            FROM unnest(CAST(:keys AS text[]), CAST(:distances AS float[]), CAST(:neighbours AS text[]))
                 AS measured (key, edge_m, neighbour)
            WHERE postcode.release_id = :release AND postcode.key = measured.key
        """),
        {"release": postcodes_id, "keys": keys, "distances": distances, "neighbours": neighbours},
    )
