"""An area for an audience from a file: GeoJSON, KML or KMZ, a zipped Shapefile, or a GeoPackage."""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import shapely
from shapely.geometry.base import BaseGeometry

from notify.core.errors import Invalid
from notify.places import map_files
from notify.places.archives import Member, SourceUnreadable, members
from notify.places.geometry import MOST_PARTS, MOST_POSITIONS, ShapeCrossesItself, ShapeTooComplex, parse_shape

MOST_BYTES = 10_000_000
MOST_UNPACKED_BYTES = 60_000_000
MOST_FILES = 200
_PLAIN = (".geojson", ".json")
_TEXTS = (*_PLAIN, ".kml")
_PACKED = (".gz", ".xz", ".zip", ".kmz")
_KINDS = "GeoJSON, KML or KMZ, a zipped Shapefile, or a GeoPackage"
# 10 metres of detail is ample; a field of a form holds about 2,000 corners
MOST_CORNERS = 2_000
_TOLERANCES_M = (1.0, 2.0, 5.0, 10.0)


class ShapeFileNotReadable(Invalid):
    """The file is too large, empty, or of a kind that holds no areas."""

    title = "The file of a shape cannot be read"


def shape_in(file: bytes) -> BaseGeometry:
    """All areas of the file as one shape, EPSG:27700.

    Raises: ShapeFileNotReadable, SourceNotFound, SourceUnreadable, ReferenceSystemNotKnown and what
    `geometry.parse_shape` raises.
    """
    if not file.strip():
        raise ShapeFileNotReadable("The file is empty. Choose another.")
    if len(file) > MOST_BYTES:
        raise ShapeFileNotReadable(f"The file is larger than {MOST_BYTES // 1_000_000} MB. Leave out what is far away.")
    suffix = _suffix(file)
    if suffix in _PLAIN:
        return parse_shape(_parsed(file, "The file"))
    with TemporaryDirectory(prefix="notify-shape-") as folder:
        path = Path(folder) / f"The file{suffix}"
        path.write_bytes(file)
        if suffix == ".zip":
            _require_small(path)
        shapes = [shape for member in members(path, (*map_files.SUFFIXES, *_PLAIN)) for shape in _shapes(member)]
    return shapely.union_all(shapes)


@dataclass(frozen=True, slots=True)
class Feature:
    """One area of a file with what the file says of it. The shape is EPSG:27700."""

    properties: Mapping[str, object]
    shape: BaseGeometry


def features_in(file: bytes) -> Iterator[Feature]:
    """Each area of the file by itself, those without ground left out. An outline that crosses itself is repaired.

    Raises: what `shape_in` raises, also while they are read.
    """
    if not file.strip():
        raise ShapeFileNotReadable("The file is empty. Choose another.")
    if len(file) > MOST_BYTES:
        raise ShapeFileNotReadable(f"The file is larger than {MOST_BYTES // 1_000_000} MB. Leave out what is far away.")
    suffix = _suffix(file)
    if suffix in _PLAIN:
        yield from _apart(_parsed(file, "The file"))
        return
    with TemporaryDirectory(prefix="notify-shape-") as folder:
        path = Path(folder) / f"The file{suffix}"
        path.write_bytes(file)
        if suffix == ".zip":
            _require_small(path)
        for member in members(path, (*map_files.SUFFIXES, *_PLAIN)):
            if not member.name.lower().endswith(map_files.SUFFIXES):
                with member.text() as text:
                    yield from _apart(_parsed(text.read().encode(), member.name))
                continue
            for layer in map_files.layers(member):
                crs = {"type": "name", "properties": {"name": f"EPSG:{layer.system}"}}
                yield from _apart({"type": "FeatureCollection", "crs": crs, "features": layer.features})


def _apart(geojson: object) -> Iterator[Feature]:
    """The features of a collection, or the one area that it is, each with the collection's system."""
    collection = geojson if isinstance(geojson, dict) else {}
    listed = collection.get("features") if collection.get("type") == "FeatureCollection" else [geojson]
    crs = {"crs": collection["crs"]} if collection.get("crs") else {}
    for number, one in enumerate(listed if isinstance(listed, Iterable) else [], start=1):
        if number > MOST_PARTS:
            raise ShapeTooComplex(f"More than {MOST_PARTS:,} areas. Choose those that you need and save only these.")
        said = one.get("properties") if isinstance(one, Mapping) else None
        geometry = one.get("geometry", one) if isinstance(one, Mapping) else one
        if geometry is None:
            continue
        whole = {"type": "FeatureCollection", **crs, "features": [{"type": "Feature", "geometry": geometry}]}
        yield Feature(said if isinstance(said, Mapping) else {}, _read_or_repaired(whole))


def _read_or_repaired(geojson: Mapping[str, object]) -> BaseGeometry:
    try:
        return parse_shape(geojson)
    except ShapeCrossesItself as error:  # published outlines touch themselves, and nobody can draw them again
        return parse_shape(error.fields["repaired"])


def with_fewer_corners(shape: BaseGeometry) -> BaseGeometry:
    """The shape with at most 2,000 corners, none of them moved by more than 10 m. Raises: ShapeTooComplex."""
    for tolerance_m in (0.0, *_TOLERANCES_M):
        simple = shape.simplify(tolerance_m) if tolerance_m else shape
        if shapely.get_num_coordinates(simple) <= MOST_CORNERS and not simple.is_empty:
            return simple
    raise ShapeTooComplex(
        f"The shape has more than {MOST_CORNERS:,} corners even with 10 metres of detail. Send a simpler outline, or "
        "send this one by API."
    )


def _suffix(file: bytes) -> str:
    """The kind of file, by how it begins: names are often wrong."""
    start = file.removeprefix(b"\xef\xbb\xbf").lstrip()
    if file.startswith(b"PK"):
        return ".zip"
    if file.startswith(b"SQLite format 3\0"):
        return ".gpkg"
    if start.startswith(b"<"):
        return ".kml"
    if start.startswith((b"{", b"[")):
        return ".geojson"
    if file.startswith((b"\x00\x00\x27\x0a", b"\x1f\x8b")):
        raise ShapeFileNotReadable("Zip all files of the shapefile (.shp, .dbf, .prj and so on) and choose the zip.")
    raise ShapeFileNotReadable(f"The file is none of these: {_KINDS}.")


def _require_small(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceUnreadable("The file is not a whole zip file. Download or export it again.") from error
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_UNPACKED_BYTES:
        raise ShapeFileNotReadable(
            f"Unpacked, the file holds more than {MOST_FILES} files or {MOST_UNPACKED_BYTES // 1_000_000} MB."
        )
    for entry in entries:
        name = entry.filename.lower()
        if name.endswith(_PACKED):  # how large it becomes is known only once it is unpacked
            raise ShapeFileNotReadable(f"{entry.filename} is packed twice. Unpack it, and choose what is in it.")
        if name.endswith(_TEXTS) and entry.file_size > MOST_BYTES:
            raise ShapeFileNotReadable(
                f"Unpacked, {entry.filename} is larger than {MOST_BYTES // 1_000_000} MB. Leave out what is far away."
            )


def _shapes(member: Member) -> Iterator[BaseGeometry]:
    if not member.name.lower().endswith(map_files.SUFFIXES):
        with member.text() as text:
            yield parse_shape(_parsed(text.read().encode(), member.name))
        return
    for layer in map_files.layers(member):
        features, positions = [], 0
        for feature in layer.features:
            geometry = feature["geometry"]
            features.append({"type": "Feature", "geometry": geometry})
            positions += _positions(geometry)
            if len(features) > MOST_PARTS or positions > MOST_POSITIONS:
                raise ShapeTooComplex(
                    f"More than {MOST_PARTS:,} areas, or {MOST_POSITIONS:,} positions. Choose the areas that you need "
                    "and save only these."
                )
        crs = {"type": "name", "properties": {"name": f"EPSG:{layer.system}"}}
        yield parse_shape({"type": "FeatureCollection", "crs": crs, "features": features})


def _positions(geometry: object) -> int:
    """How many a geometry of a reader has, each of them a sequence of numbers."""
    inner = geometry.get("coordinates", ()) if isinstance(geometry, Mapping) else geometry
    if not isinstance(inner, list | tuple):
        return 0
    return 1 if inner and isinstance(inner[0], float | int) else sum(_positions(part) for part in inner)


def _parsed(text: bytes, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ShapeFileNotReadable(f"{name} is no GeoJSON: it breaks off or is not JSON. Export it again.") from None
