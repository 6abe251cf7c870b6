"""Ward and district boundaries as their publishers write them, in metres and repaired.

Understood: GeoJSON FeatureCollection, one GeoJSON feature a line, TopoJSON, KML, Shapefile and GeoPackage. Columns
change name every year and are found by pattern. A file's coordinates are what it says they are; one that says nothing
is WGS84, or, as has happened, British National Grid: coordinates tell.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
import shapely
from shapely import GeometryCollection, MultiPolygon, Polygon
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from notify.core.errors import Invalid
from notify.places import map_files, topojson
from notify.places.archives import Member, SourceReport, SourceUnreadable, members, rest_of, unpacked_name
from notify.places.geometry import repair
from notify.places.projection import looks_like_metres, project, require_uk
from notify.places.reference_systems import System, of_member, require_grid, to_metres

SUFFIXES = (".geojson", ".geojsonl", ".json", ".topojson", *map_files.SUFFIXES)
_CHUNK = 1 << 20
_TOPOLOGY = re.compile(r'"type"\s*:\s*"Topology"|^\s*\{\s*"(?:arcs|objects|transform)"')
_COLLECTION = re.compile(r'"features"\s*:\s*\[')
_MEMBER = re.compile(r'"crs"\s*:\s*')
_FEATURE = re.compile(r'"type"\s*:\s*"Feature"')
_UNDERSTOOD = "a GeoJSON FeatureCollection, one GeoJSON feature a line, TopoJSON, KML, Shapefile and GeoPackage"
_Found = tuple[System | None, int, object]  # the system, the number of the feature or line, and the feature


class AreaKind(StrEnum):
    """What an area is."""

    WARD = "ward"
    DISTRICT = "district"


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One ward or district. `geometry` is a valid Polygon or MultiPolygon, EPSG:27700.

    `repaired` says what was wrong with the published outline and by how much the area changed; None if nothing.
    """

    kind: AreaKind
    code: str
    name: str
    name_cy: str | None
    district_code: str | None
    geometry: BaseGeometry
    repaired: str | None


@dataclass(slots=True)
class AreaReport(SourceReport):
    """What became of a boundary source; `read` counts features, `repairs` holds (code, what was repaired)."""

    repairs: list[tuple[str, str]] = field(default_factory=list)


class _Columns(NamedTuple):
    kind: AreaKind
    code: str
    name: str | None
    name_cy: str | None
    district: str | None


class _FeatureRefused(Exception):
    """Why one feature is left out."""


def read_areas(path: Path, report: AreaReport | None = None) -> Iterator[AreaRow]:
    """Every ward or district of a file, folder or zip; what is left out or repaired goes into `report`.

    A file that has both ward and district columns holds wards.
    Raises: SourceNotFound, SourceUnreadable, which for an unknown layout names what was seen, and
        ReferenceSystemNotKnown.
    """
    report = AreaReport() if report is None else report
    codes: set[str] = set()
    for member in members(path, SUFFIXES):
        for system, number, feature in _features(member, report):
            report.read += 1
            try:
                row = _area(feature, system)
                if row.code in codes:
                    raise _FeatureRefused(f"{row.code} came before; merge its parts into one feature")
            except _FeatureRefused as refused:
                report.refuse(member.name, number, str(refused))
                continue
            codes.add(row.code)
            if row.repaired:
                report.repairs.append((row.code, row.repaired))
            yield row


def _area(feature: object, system: System | None) -> AreaRow:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(properties, dict):
        raise _FeatureRefused("not a feature with properties")
    columns = _columns_of(tuple(properties))
    if columns is None:
        raise _FeatureRefused(_without_code(properties))
    code = _text(properties, columns.code)
    if code is None:
        raise _FeatureRefused(f"no code in {columns.code}")
    geometry, repaired = _repaired(_in_metres(feature.get("geometry"), code, system), code)
    return AreaRow(
        columns.kind,
        code,
        _text(properties, columns.name) or code,
        _text(properties, columns.name_cy),
        _text(properties, columns.district),
        geometry,
        repaired,
    )


@lru_cache(maxsize=64)
def _columns_of(names: tuple[str, ...]) -> _Columns | None:
    ward, district = _find(names, r"WD\d\dCD"), _find(names, r"LAD\d\dCD")
    if ward is not None:
        stem = ward[:-2]
        return _Columns(
            AreaKind.WARD,
            ward,
            _find(names, rf"{stem}NM"),
            _find(names, rf"{stem}NMW"),
            district or _find(names, "LAD"),
        )
    if district is not None:
        stem = district[:-2]
        return _Columns(AreaKind.DISTRICT, district, _find(names, rf"{stem}NM"), _find(names, rf"{stem}NMW"), None)
    return None


def _find(names: tuple[str, ...], pattern: str) -> str | None:
    return next((name for name in names if re.fullmatch(pattern, name, re.IGNORECASE)), None)


def _text(properties: dict[str, object], column: str | None) -> str | None:
    value = properties.get(column) if column else None
    return value.strip() or None if isinstance(value, str) else None


def _without_code(properties: Mapping[str, object]) -> str:
    """What to do about a feature that only has a name, as mapping programs write them, or that has no known column."""
    name = next((str(value) for key, value in properties.items() if key.lower() == "name" and value), "")
    if not name:
        return f"no column such as WD25CD or LAD25CD among {', '.join(properties)[:200]}"
    return (
        f"“{name[:60]}” has a name and no code. Add a column WD25CD (LAD25CD for a district) with its code from the "
        'Office for National Statistics, in KML as <Data name="WD25CD">. For one alert to this area, upload the file '
        "as the shape of its audience instead"
    )


def _in_metres(geojson: object, code: str, system: System | None) -> BaseGeometry:
    if not isinstance(geojson, dict) or geojson.get("type") not in ("Polygon", "MultiPolygon", "GeometryCollection"):
        raise _FeatureRefused(f"{code} has no usable geometry")
    try:
        flat = _areas_in(shapely.force_2d(shape(geojson)))
        if flat.is_empty:
            raise _FeatureRefused(f"{code} has an empty geometry")
        geometry = _projected(flat, system)
    except Invalid as error:
        raise _FeatureRefused(f"{code}: {error.detail}") from error
    except (ValueError, TypeError, IndexError, KeyError, RecursionError, shapely.errors.ShapelyError) as error:
        raise _FeatureRefused(f"{code} has a broken geometry: {error}") from error
    if not np.isfinite(geometry.bounds).all():
        raise _FeatureRefused(f"{code} has coordinates outside the National Grid")
    return geometry


def _areas_in(geometry: BaseGeometry) -> BaseGeometry:
    """A collection's polygons as one shape; lines and points beside them are no ground and are left out."""
    if not isinstance(geometry, GeometryCollection):
        return geometry
    parts = [_areas_in(part) for part in geometry.geoms]
    return MultiPolygon([part for part in shapely.get_parts(parts) if isinstance(part, Polygon)])


def _projected(flat: BaseGeometry, system: System | None) -> BaseGeometry:
    if system is None and looks_like_metres(flat.bounds):
        system = System.NATIONAL_GRID
    if system in (None, System.DEGREES):
        require_uk(shapely.get_coordinates(flat))  # a file with swapped axes must not pass
        return shapely.transform(flat, project)
    geometry = shapely.transform(flat, lambda points: to_metres(points, cast(System, system)))
    require_grid(shapely.get_coordinates(geometry))
    return geometry


def _repaired(geometry: BaseGeometry, code: str) -> tuple[BaseGeometry, str | None]:
    if geometry.is_valid:
        return geometry, None
    whole = repair(geometry)
    if whole.is_empty or not isinstance(whole, Polygon | MultiPolygon):
        raise _FeatureRefused(f"{code} encloses no ground")
    change = whole.area - geometry.area
    return whole, f"{shapely.is_valid_reason(geometry)}; area changed by {round(change):+,} m²"


def _features(member: Member, report: AreaReport) -> Iterator[_Found]:
    if unpacked_name(member.name.lower()).endswith(map_files.SUFFIXES):
        yield from _mapped(member)
        return
    with member.text() as text:
        head = text.read(_CHUNK)
        start, single = _COLLECTION.search(head), _FEATURE.search(head)
        if _TOPOLOGY.search(head):
            areas = _topology(head + rest_of(text, member.name), member.name)
            yield from ((None, number, one) for number, one in enumerate(areas, 1))
        elif start and not (single and single.start() < start.start()):
            system = _system_in(head[: start.start()])
            yield from _collection(head[start.end() :], text, member.name, system)
        elif single:
            yield from _lines(head, text, member.name, report)
        else:
            seen = " ".join(head[:120].split())
            raise SourceUnreadable(f"{member.name} begins with {seen!r}. Understood are {_UNDERSTOOD}.")


def _mapped(member: Member) -> Iterator[_Found]:
    for layer in map_files.layers(member):
        yield from ((layer.system, number, feature) for number, feature in enumerate(layer.features, start=1))


def _system_in(text: str) -> System | None:
    """What the `crs` member in this part of a collection says; what cannot be read says nothing."""
    match = _MEMBER.search(text)
    if match is None:
        return None
    try:
        return of_member(json.JSONDecoder().raw_decode(text, match.end())[0])
    except (json.JSONDecodeError, RecursionError):
        return None


def _topology(document: str, file: str) -> Iterator[object]:
    try:
        yield from topojson.features(json.loads(document))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceUnreadable(f"{file} is not sound TopoJSON ({error}). Download it again.") from error


def _collection(buffer: str, rest: IO[str], file: str, system: System | None) -> Iterator[_Found]:
    """The features of a collection, holding little more than one at a time."""
    decoder, at, size, number = json.JSONDecoder(), 0, _CHUNK, 0
    while True:
        while at < len(buffer) and buffer[at] in " \t\r\n,":
            at += 1
        if at < len(buffer) and buffer[at] == "]":
            _require_said_before(buffer[at:] + rest.read(_CHUNK), file, system)
            return
        try:
            feature, at = decoder.raw_decode(buffer, at)
        except (json.JSONDecodeError, RecursionError) as error:
            more = rest.read(size)
            if not more:
                raise SourceUnreadable(f"{file} ends or breaks within a feature ({error}).") from error
            buffer, at, size = buffer[at:] + more, 0, size * 2
            continue
        number += 1
        yield system, number, feature
        size = _CHUNK


def _require_said_before(tail: str, file: str, system: System | None) -> None:
    """A `crs` after the features comes too late: they were read by then. Nothing of the file is kept."""
    said = _system_in(tail)
    if said not in (None, System.DEGREES, system):
        raise SourceUnreadable(f"{file} names its coordinate reference system last. Put “crs” before “features”.")


def _lines(head: str, rest: IO[str], file: str, report: AreaReport) -> Iterator[_Found]:
    first = (head + rest.readline()).split("\n")
    for number, line in enumerate(_chained(first, rest), start=1):
        written = line.strip().lstrip("\x1e")
        if not written:
            continue
        try:
            feature = json.loads(written)
        except (ValueError, RecursionError) as error:
            report.read += 1
            report.refuse(file, number, f"not JSON: {error}")
            continue
        yield of_member(feature.get("crs")) if isinstance(feature, dict) else None, number, feature


def _chained(first: list[str], rest: IO[str]) -> Iterator[str]:
    yield from first
    yield from rest
