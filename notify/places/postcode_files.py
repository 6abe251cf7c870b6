"""Postcodes as their publishers write them, one row at a time.

Understood: Code-Point Open (ten columns, no header), the compact layout `postcode,pq,e,n,lad,ward`, and the ONS
Postcode Directory and National Statistics Postcode Lookup with the column names of 2018 to 2025. Rows are named tuples
because a frozen dataclass takes three times as long to make, and a national file has 1.7 million.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from notify.core.errors import NotifyError
from notify.core.typed_text import without_invisible
from notify.places.archives import Member, SourceReport, SourceUnreadable, members
from notify.places.postcodes import KEY_PATTERN
from notify.places.projection import GRID_EAST, GRID_NORTH, to_national_grid

NO_LOCATION = 90
_UNDERSTOOD = (
    "Code-Point Open (ten columns, no header), `postcode,pq,e,n,lad,ward`, the ONS Postcode Directory "
    "(pcds or pcd7, oseast1m or east1m, osward or wd25cd, …) and the National Statistics Postcode Lookup (ward, laua)"
)
# Codes such as E99999999 and L99999999 mean "none here".
_NO_AREA = "99999999"


class PostcodeRow(NamedTuple):
    """One postcode of a release. Metres in EPSG:27700; None for whatever the source does not know.

    `quality` is on Code-Point's scale: 10 best to 60, 90 no location; the directory's 1 to 9 is multiplied by ten.
    `ended_on` is the first of the month in which the postcode ended.
    """

    key: str
    easting: int | None
    northing: int | None
    quality: int | None
    large_user: bool | None
    ward_code: str | None
    district_code: str | None
    ended_on: date | None


@dataclass(slots=True)
class PostcodeReport(SourceReport):
    """What became of a postcode source; `read` counts rows, the refused included."""

    without_location: int = 0
    without_ward: int = 0
    ended: int = 0


class _Layout(NamedTuple):
    """Where each column is; -1 for one the layout lacks."""

    width: int
    postcode: int
    quality: int
    quality_step: int
    easting: int
    northing: int
    district: int
    ward: int
    large_user: int = -1
    ended: int = -1
    lon: int = -1
    lat: int = -1


class _RowRefused(Exception):
    """Why one row is left out."""


_CODE_POINT = _Layout(10, 0, 1, 1, 2, 3, 8, 9)


def read_postcodes(path: Path, report: PostcodeReport | None = None) -> Iterator[PostcodeRow]:
    """Every postcode of a file, folder or zip, in its order; what is left out goes into `report`.

    Northern Ireland's directory rows give Irish Grid metres, so their points come from their longitude and
    latitude instead.
    Raises: SourceNotFound, SourceUnreadable, which for an unknown layout names the columns seen.
    """
    report = PostcodeReport() if report is None else report
    for member in members(path, (".csv",)):
        yield from _read_member(member, report)


def _read_member(member: Member, report: PostcodeReport) -> Iterator[PostcodeRow]:
    layout: _Layout | None = None
    with member.text() as lines:
        for number, line in enumerate(lines, start=1):
            # No publisher puts a comma or a line break inside quotes, and a stray quote must not swallow rows.
            cells = line.rstrip("\r\n").replace('"', "").split(",")
            if layout is None:
                layout, is_header = _layout_of(cells, member.name)
                if is_header:
                    continue
            elif cells == [""]:
                continue
            report.read += 1
            try:
                row = _row(cells, layout)
            except _RowRefused as refused:
                report.refuse(member.name, number, str(refused))
                continue
            _count(row, report)
            yield row
    if layout is None:
        raise SourceUnreadable(f"{member.name} is empty.")


def _count(row: PostcodeRow, report: PostcodeReport) -> None:
    if row.easting is None:
        report.without_location += 1
    if row.ward_code is None:
        report.without_ward += 1
    if row.ended_on is not None:
        report.ended += 1


def _row(cells: list[str], layout: _Layout) -> PostcodeRow:
    if len(cells) != layout.width:
        raise _RowRefused(f"{len(cells)} columns where {layout.width} were expected")
    key = without_invisible(cells[layout.postcode]).replace(" ", "").upper()
    if not KEY_PATTERN.fullmatch(key):
        raise _RowRefused(f"“{cells[layout.postcode][:20]}” is not a postcode")
    quality = _number(cells[layout.quality], "positional quality")
    if quality is not None:
        quality *= layout.quality_step
    easting, northing = (None, None) if quality == NO_LOCATION else _location(key, cells, layout)
    return PostcodeRow(
        key,
        easting,
        northing,
        quality,
        _whole(cells[layout.large_user]) == "1" if layout.large_user >= 0 else None,
        _code(cells[layout.ward]),
        _code(cells[layout.district]),
        _month(cells[layout.ended]) if layout.ended >= 0 else None,
    )


def _location(key: str, cells: list[str], layout: _Layout) -> tuple[int | None, int | None]:
    if layout.lon >= 0 and key.startswith("BT"):
        return _from_degrees(cells[layout.lon], cells[layout.lat])
    easting = _number(cells[layout.easting], "easting")
    northing = _number(cells[layout.northing], "northing")
    if not easting and not northing:
        return None, None
    if easting is None or northing is None or not (0 < easting < GRID_EAST and 0 < northing < GRID_NORTH):
        raise _RowRefused(f"{easting}, {northing} is not on the National Grid")
    return easting, northing


def _from_degrees(lon: str, lat: str) -> tuple[int | None, int | None]:
    if not lon or not lat or lat.startswith("99.9"):
        return None, None
    try:
        easting, northing = to_national_grid(float(lon), float(lat))
    except (ValueError, NotifyError) as error:
        raise _RowRefused(f"{lat}, {lon} is not a place in the United Kingdom") from error
    return round(easting), round(northing)


def _number(text: str, name: str) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        pass
    try:
        # a file that went through a spreadsheet or a data frame says 385386.0
        return round(float(text)) if text.strip() else None
    except (ValueError, OverflowError):
        raise _RowRefused(f"{name} “{text[:20]}” is not a number") from None


def _whole(text: str) -> str:
    """`1` for `1.0`, which is what data frames write where a column has gaps."""
    return text.strip().removesuffix(".0")


def _code(text: str) -> str | None:
    code = text.strip()
    return None if not code or code.endswith(_NO_AREA) else code


@lru_cache(maxsize=1_000)
def _month(written: str) -> date | None:
    text = _whole(written)
    if not text:
        return None
    try:
        return date(int(text[:4]), int(text[4:]), 1)
    except ValueError:
        raise _RowRefused(f"“{text[:20]}” is not a month written YYYYMM") from None


def _layout_of(first: Sequence[str], file: str) -> tuple[_Layout, bool]:
    """The layout, and whether the first line is a header."""
    if len(first) == _CODE_POINT.width and KEY_PATTERN.fullmatch(first[0].replace(" ", "")):
        return _CODE_POINT, False
    names = [name.strip().lower() for name in first]
    if names == ["pc", "pq", "ea", "no", "cy", "rh", "lh", "cc", "dc", "wc"]:
        return _CODE_POINT, True
    if names == ["postcode", "pq", "e", "n", "lad", "ward"]:
        return _Layout(6, 0, 1, 1, 2, 3, 4, 5), True
    return _directory_layout(names, file), True


def _directory_layout(names: list[str], file: str) -> _Layout:
    patterns = {
        "postcode": r"pcds|pcd7?",
        "quality": r"osgrdind|gridind",
        "easting": r"oseast1m|east1m",
        "northing": r"osnrth1m|north1m",
        "district": r"oslaua|laua|lad\d\dcd",
        "ward": r"osward|ward|wd\d\dcd",
        "large_user": r"usertype|usrtypind",
        "ended": r"doterm",
        "lon": r"long",
        "lat": r"lat",
    }
    places = {name: _place(names, pattern) for name, pattern in patterns.items()}
    if None in places.values():
        seen = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        raise SourceUnreadable(f"{file} begins with the columns {seen[:300]}. Understood are {_UNDERSTOOD}.")
    found = {name: place for name, place in places.items() if place is not None}
    return _Layout(width=len(names), quality_step=10, **found)


def _place(names: list[str], pattern: str) -> int | None:
    return next((place for place, name in enumerate(names) if re.fullmatch(pattern, name)), None)
