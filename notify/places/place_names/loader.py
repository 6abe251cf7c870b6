"""Loads OS Open Names: the names within reach of this installation's councils, in place of those before."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.places.archives import SourceUnreadable, members
from notify.places.place_names.keys import key_of, parts_of
from notify.places.queries import councils_bounds

COLUMNS = 34  # of the published files, which have no header
MARGIN_M = 3_000
ROWS_AT_ONCE = 5_000
# columns, counted from nought, as the product's technical specification lists them
NAME, OTHER_NAME, LOCAL_TYPE, EASTING, NORTHING = 2, 4, 7, 8, 9
WEST, SOUTH, EAST, NORTH = 12, 13, 14, 15
POPULATED_PLACE, DISTRICT = 18, 21
LEFT_OUT = {"Postcode"}  # the postcode release has them, with their wards
KINDS = {
    "Named Road": "street", "Section Of Named Road": "street", "Numbered Road": "road",
    "Section Of Numbered Road": "road", "Other Settlement": "place", "Suburban Area": "suburb",
}  # fmt: skip
_INSERT = text("""
    INSERT INTO named_place (name, key, kind, near, easting, northing, west, south, east, north, parts)
    SELECT name, key, kind, near, easting, northing, west, south, east, north, string_to_array(parts, '|')
    FROM unnest(CAST(:name AS text[]), CAST(:key AS text[]), CAST(:kind AS text[]), CAST(:near AS text[]),
                CAST(:easting AS int[]), CAST(:northing AS int[]), CAST(:west AS int[]), CAST(:south AS int[]),
                CAST(:east AS int[]), CAST(:north AS int[]), CAST(:parts AS text[]))
         AS row (name, key, kind, near, easting, northing, west, south, east, north, parts)
""")
_FIELDS = ("name", "key", "kind", "near", "easting", "northing", "west", "south", "east", "north", "parts")
Row = tuple[str, str, str, str, int, int, int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class NamesLoaded:
    """How many names were kept, and how many the files hold."""

    kept: int
    read: int


def load_names(session: Session, path: Path, *, product: str, version: str, attribution: str) -> NamesLoaded:
    """Keep the names within reach of the councils. Raises: SourceNotFound, SourceUnreadable."""
    boxes = [
        (west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M)
        for west, south, east, north in councils_bounds(session)
    ]
    if not boxes:
        raise SourceUnreadable("Create a council and load its postcodes first: names are kept for its area only.")
    session.execute(text("DELETE FROM named_place"))
    kept, read, waiting = 0, 0, list[Row]()
    for cells in _lines(path):
        read += 1
        rows = _rows(cells, boxes)
        waiting += rows
        kept += len(rows)
        if len(waiting) >= ROWS_AT_ONCE:
            _write(session, waiting)
            waiting.clear()
    _write(session, waiting)
    session.execute(
        text("""
            INSERT INTO named_place_edition (id, product, version, attribution, row_count, loaded_at)
            VALUES (1, :product, :version, :attribution, :count, :now)
            ON CONFLICT (id) DO UPDATE SET product = excluded.product, version = excluded.version,
                attribution = excluded.attribution, row_count = excluded.row_count, loaded_at = excluded.loaded_at
        """),
        {"product": product, "version": version, "attribution": attribution, "count": kept, "now": clock.now()},
    )
    return NamesLoaded(kept, read)


def _lines(path: Path) -> Iterator[list[str]]:
    for member in members(path, (".csv",)):
        with member.text() as opened:
            for number, cells in enumerate(csv.reader(opened), start=1):
                if len(cells) != COLUMNS:
                    raise SourceUnreadable(
                        f"{member.name} line {number} has {len(cells)} columns; OS Open Names has {COLUMNS}."
                    )
                if cells[EASTING] != "GEOMETRY_X":  # the header file, where somebody joined it
                    yield cells


def _rows(cells: Sequence[str], boxes: Sequence[tuple[float, float, float, float]]) -> list[Row]:
    if cells[LOCAL_TYPE] in LEFT_OUT:
        return []
    try:
        easting, northing = round(float(cells[EASTING])), round(float(cells[NORTHING]))
        box = [round(float(cells[at] or cells[EASTING + at % 2])) for at in (WEST, SOUTH, EAST, NORTH)]
    except ValueError:
        return []
    if not any(west <= easting <= east and south <= northing <= north for west, south, east, north in boxes):
        return []
    kind = KINDS.get(cells[LOCAL_TYPE], cells[LOCAL_TYPE].lower())
    near = cells[POPULATED_PLACE] or cells[DISTRICT]
    names = [name for name in dict.fromkeys((cells[NAME], cells[OTHER_NAME])) if key_of(name)]
    return [
        (name, key_of(name), kind, near, easting, northing, box[0], box[1], box[2], box[3], _joined(name))
        for name in names
    ]


def _joined(name: str) -> str:
    return "|".join(sorted(parts_of(key_of(name))))


def _write(session: Session, rows: Sequence[Row]) -> None:
    if rows:
        session.execute(_INSERT, dict(zip(_FIELDS, map(list, zip(*rows, strict=True)), strict=True)))
