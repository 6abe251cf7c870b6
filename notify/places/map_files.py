"""Areas in the files of mapping programs, as GeoJSON features: KML, Shapefile and GeoPackage.

Everything is read by what the file says of itself: no driver opens another file or an address that it names.
Source: OGC 07-147r2 (KML), ESRI's Shapefile description of 1998, OGC 12-128r19 (GeoPackage).
"""

import re
import sqlite3
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element, ParseError

import shapely
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from shapely.geometry import mapping

from notify.core.errors import NotifyError, SetUpError
from notify.packaged import extra_missing
from notify.places.archives import Member, SourceUnreadable, unpacked_name
from notify.places.reference_systems import System, described, named

if TYPE_CHECKING:
    from shapefile import Reader

_MOST_VALUE_BYTES = 200_000_000
_MOST_WORDS = 100_000  # of a file that names a system or an encoding
_MOST_STEPS = 2_000_000_000
_STEPS_PER_LOOK = 10_000_000
_MOST_ELEMENTS = 200_000  # of one area in KML: tens of thousands of holes
_WORD = re.compile(r"\S+")
_DAMAGE = (
    *(struct.error, sqlite3.Error, ParseError, DefusedXmlException),
    *(ValueError, TypeError, LookupError, EOFError, OSError, ArithmeticError, shapely.errors.ShapelyError),
)


class Layer(NamedTuple):
    """One layer: the system its coordinates are in, and its features, to be read once and in this order."""

    system: System
    features: Iterator[dict[str, object]]


def layers(member: Member) -> Iterator[Layer]:
    """The layers of a KML, Shapefile or GeoPackage file, one after the other.

    Raises: SourceUnreadable, ReferenceSystemNotKnown, also while features are read.
    """
    read = next(reader for suffix, reader in _READERS.items() if _suffix(member) == suffix)
    with TemporaryDirectory(prefix="notify-map-") as folder:
        try:
            for layer in read(member, Path(folder)):
                yield Layer(layer.system, _guarded(layer.features, member.name))
        except NotifyError:
            raise
        except _DAMAGE as error:
            raise _unreadable(member.name, error) from error


def _guarded(features: Iterator[dict[str, object]], file: str) -> Iterator[dict[str, object]]:
    try:
        yield from features
    except _DAMAGE as error:
        raise _unreadable(file, error) from error


def _unreadable(file: str, error: Exception) -> SourceUnreadable:
    return SourceUnreadable(f"{file} is damaged or cut short ({str(error)[:200]}). Download or export it again.")


def _suffix(member: Member) -> str:
    name = unpacked_name(member.name.lower())
    return name[name.rfind(".") :]


def _shapefile(member: Member, folder: Path) -> Iterator[Layer]:
    main = member.copied_to(folder)
    parts = {suffix: found for suffix in (".dbf", ".shx", ".prj", ".cpg") if (found := member.beside(suffix))}
    if ".dbf" not in parts:
        raise SourceUnreadable(f"{member.name} came without its .dbf file. Zip all files of the shapefile together.")
    if ".prj" not in parts:
        raise SourceUnreadable(
            f"{member.name} came without its .prj file, which says what its coordinates are. Zip all files of the "
            "shapefile together."
        )
    files = {suffix: part.copied_to(folder) for suffix, part in parts.items()}
    system = described(_beginning(files[".prj"]))
    with main.open("rb") as shp, files[".dbf"].open("rb") as dbf:
        # without its index, which is often stale, records are read one after the other
        with warnings.catch_warnings(), _damage_as_value_error():
            warnings.simplefilter("ignore")
            reader = _reader(shp=shp, dbf=dbf, encoding=_encoding(files.get(".cpg")), encodingErrors="replace")
        yield Layer(system, _shapefile_features(reader))


def _reader(**how: object) -> "Reader":
    try:
        from shapefile import Reader
    except ImportError:
        raise SetUpError(extra_missing("A Shapefile", "geo")) from None
    return Reader(**how)


@contextmanager
def _damage_as_value_error() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if type(error).__name__ == "ShapefileException":  # the library is not there for everyone
            raise ValueError(str(error)) from error
        raise


def _beginning(file: Path) -> str:
    with file.open(errors="replace") as text:
        return text.read(_MOST_WORDS)


def _encoding(code_page: Path | None) -> str:
    name = _beginning(code_page).strip() if code_page else "utf-8"
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return "utf-8"
    return name or "utf-8"


def _shapefile_features(reader: "Reader") -> Iterator[dict[str, object]]:
    with _damage_as_value_error():
        for found in reader.iterShapeRecords():
            geometry = found.shape.__geo_interface__ if found.shape.shapeType else None  # 0 is a shape of nothing
            yield {"type": "Feature", "properties": found.record.as_dict(), "geometry": geometry}


def _geopackage(member: Member, folder: Path) -> Iterator[Layer]:
    file = member.copied_to(folder)
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        _restrain(database)
        if database.execute("SELECT 1 FROM sqlite_master WHERE type = 'view' AND lower(name) LIKE 'gpkg_%'").fetchone():
            raise SourceUnreadable(f"{member.name} is no GeoPackage as the standard has them. Export it again.")
        found = database.execute(
            """
            SELECT g.table_name, g.column_name, s.organization, s.organization_coordsys_id, s.definition
            FROM gpkg_geometry_columns g
            JOIN gpkg_contents c ON c.table_name = g.table_name AND c.data_type = 'features'
            JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
            -- a view may compute for ever, and a virtual table may read other files
            JOIN sqlite_master m ON m.name = g.table_name AND m.type = 'table' AND m.rootpage > 0
            ORDER BY g.table_name LIMIT 100
            """
        ).fetchall()
        if not found:
            raise SourceUnreadable(f"{member.name} holds no layer of features.")
        for table, column, organization, number, definition in found:
            is_listed = str(organization).upper() in ("EPSG", "ESRI")
            system = named(f"{organization}:{number}") if is_listed else described(str(definition))
            yield Layer(system, _geopackage_features(database, table, column))


def _restrain(database: sqlite3.Connection) -> None:
    """Nothing that a stranger put into the file is run, and no question to it takes for ever."""
    database.execute("PRAGMA trusted_schema = OFF")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE_BYTES)
    left = [_MOST_STEPS // _STEPS_PER_LOOK]

    def is_enough() -> int:
        left[0] -= 1
        return int(left[0] < 0)

    database.set_progress_handler(is_enough, _STEPS_PER_LOOK)


def _geopackage_features(database: sqlite3.Connection, table: str, column: str) -> Iterator[dict[str, object]]:
    # without the columns that are computed for each row: a few bytes of a file would become any number
    stored = database.execute("SELECT name FROM pragma_table_info(?)", (table,))
    names = [name for (name,) in stored]
    at = names.index(column)
    wanted = ", ".join(_quoted(name) for name in names)
    rows = database.execute(f"SELECT {wanted} FROM {_quoted(table)}")  # noqa: S608 - names cannot be bound; quoted
    for row in rows:
        properties = {name: value for name, value in zip(names, row, strict=True) if name != column}
        yield {"type": "Feature", "properties": properties, "geometry": _of_blob(row[at])}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _of_blob(blob: object) -> Mapping[str, object] | None:
    """A GeoPackage's geometry: a header, an envelope as long as its flags say, then WKB."""
    if not isinstance(blob, bytes):
        return None
    if blob[:2] != b"GP":
        raise ValueError("a geometry does not begin as GeoPackage's do")
    envelope = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}[blob[3] >> 1 & 7]
    geometry: Mapping[str, object] = mapping(shapely.force_2d(shapely.from_wkb(blob[8 + envelope :])))
    return geometry


def _kml(member: Member, folder: Path) -> Iterator[Layer]:
    file = member.copied_to(folder)
    with file.open("rb") as document:
        yield Layer(System.DEGREES, _placemarks(iterparse(document, events=("start", "end"), forbid_dtd=True)))


class _Open:
    """The elements that have begun and not ended, the outermost first, and the placemark among them."""

    def __init__(self) -> None:
        self._elements: list[Element] = []
        self._placemark: Element | None = None
        self._since = 0  # how many elements have begun since the last placemark did, or ended

    def begin(self, element: Element) -> None:
        """Raises: ValueError where there are too many for one area, or it is no KML."""
        if not self._elements and _name(element) not in ("kml", "Document", "Folder", "Placemark"):
            raise ValueError(f"it begins with <{_name(element)[:40]}>, not with <kml>")
        self._elements.append(element)
        if self._placemark is None and _name(element) == "Placemark":
            self._placemark, self._since = element, 0
        self._since += 1
        if self._since > _MOST_ELEMENTS:
            raise ValueError(f"more than {_MOST_ELEMENTS:,} elements describe one area")

    def is_placemark(self, element: Element) -> bool:
        """Whether this is the whole placemark, which ends here."""
        return element is self._placemark

    def end(self, element: Element) -> None:
        """Let go of what has been read, or is no area: a document may be much larger than each of its areas."""
        self._elements.pop()
        if self.is_placemark(element):
            self._placemark, self._since = None, 0
        if self._placemark is None:
            element.clear()
            if self._elements:
                del self._elements[-1][-1]


def _placemarks(events: Iterator[tuple[str, Element]]) -> Iterator[dict[str, object]]:
    above = _Open()
    for event, element in events:
        if event == "start":
            above.begin(element)
            continue
        if above.is_placemark(element):
            yield {"type": "Feature", "properties": _kml_properties(element), "geometry": _kml_geometry(element)}
        above.end(element)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _kml_properties(placemark: Element) -> dict[str, object]:
    """The placemark's own name, and its extended data in both of the ways KML has."""
    found: dict[str, object] = {"name": _text_of(placemark, "name")}
    for element in placemark.iter():
        if _name(element) == "SimpleData":
            found[element.get("name") or ""] = (element.text or "").strip()
        elif _name(element) == "Data":
            found[element.get("name") or ""] = _text_of(element, "value")
    return found


def _text_of(parent: Element, name: str) -> str | None:
    return next(((child.text or "").strip() for child in parent if _name(child) == name), None)


def _kml_geometry(placemark: Element) -> dict[str, object] | None:
    polygons = [_kml_polygon(element) for element in placemark.iter() if _name(element) == "Polygon"]
    if polygons:
        return {"type": "MultiPolygon", "coordinates": polygons}
    return None


def _kml_polygon(polygon: Element) -> list[list[tuple[float, float]]]:
    """Rings, the outer one first: KML allows the boundaries in any order."""
    rings: dict[str, list[list[tuple[float, float]]]] = {"outerBoundaryIs": [], "innerBoundaryIs": []}
    for boundary in polygon:
        if _name(boundary) in rings:
            rings[_name(boundary)] += [
                _kml_ring(element.text or "") for element in boundary.iter() if _name(element) == "coordinates"
            ]
    return rings["outerBoundaryIs"] + rings["innerBoundaryIs"]


def _kml_ring(text: str) -> list[tuple[float, float]]:
    """Positions `lon,lat[,height]` with white space between. Some programs put spaces after the commas too."""
    positions = (found[0].split(",") for found in _WORD.finditer(text.replace(", ", ",")))
    return [(float(position[0]), float(position[1])) for position in positions]


_READERS: Mapping[str, Callable[[Member, Path], Iterator[Layer]]] = {
    ".shp": _shapefile,
    ".gpkg": _geopackage,
    ".kml": _kml,
}
SUFFIXES = tuple(_READERS)
