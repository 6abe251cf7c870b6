"""Areas and shapes from the files of mapping programs, in whatever coordinates they say they are in."""

import gzip
import io
import sqlite3
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from notify.core.errors import Invalid
from notify.places.archives import SourceUnreadable
from notify.places.boundaries import AreaKind, AreaReport, read_areas
from notify.places.file_recognition import SourceKind, kind_of
from notify.places.geometry import ShapeTypeNotAccepted, parse_shape
from notify.places.reference_systems import ReferenceSystemNotKnown
from notify.places.shape_files import ShapeFileNotReadable, shape_in
from tests.places import map_files
from tests.places.map_files import CODE, METRES, NAME, geojson, write_geojson

WARD = shapely.Polygon(METRES)
# the grid files of PROJ may be missing, and without them OSGB36 lies up to 3 m elsewhere
NEAR_M = 3.0

SYSTEMS = [
    (4326, "urn:ogc:def:crs:OGC:1.3:CRS84"),
    (4326, "EPSG:4326"),
    (4258, "urn:ogc:def:crs:EPSG::4258"),
    (3857, "urn:ogc:def:crs:EPSG::3857"),
    (3857, "EPSG:900913"),
    (4277, "http://www.opengis.net/def/crs/EPSG/0/4277"),
    (27700, "urn:ogc:def:crs:EPSG:9.6.2:27700"),
    (27700, "EPSG:27700"),
]


def is_the_ward(shape: BaseGeometry) -> bool:
    (only,) = shapely.get_parts([shape])
    return float(shapely.hausdorff_distance(WARD.boundary, only.boundary)) < NEAR_M


@pytest.mark.parametrize(("epsg", "name"), SYSTEMS)
def test_the_system_that_a_file_or_a_shape_names_is_heeded(tmp_path: Path, epsg: int, name: str) -> None:
    (ward,) = read_areas(write_geojson(tmp_path / "w.geojson", epsg, name))
    assert is_the_ward(ward.geometry)
    assert is_the_ward(parse_shape(geojson(epsg, name)))


@pytest.mark.parametrize("name", ["EPSG:29902", "urn:ogc:def:crs:EPSG::32630", "Mars 2000"])
def test_other_systems_are_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReferenceSystemNotKnown, match=name):
        list(read_areas(write_geojson(tmp_path / "w.geojson", 4326, name)))
    with pytest.raises(ReferenceSystemNotKnown, match="27700"):
        parse_shape(geojson(4326, name))


def test_metres_off_the_national_grid_are_no_ward(tmp_path: Path) -> None:
    report = AreaReport()
    assert list(read_areas(write_geojson(tmp_path / "w.geojson", 3857), report)) == []
    assert "not on the National Grid" in report.refusals[0].reason


def test_a_system_named_after_the_features_is_refused(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "w.geojson", 27700)
    crs = '"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}'
    path.write_text(path.read_text().rstrip("}") + "}, " + crs)
    with pytest.raises(SourceUnreadable, match="before"):
        list(read_areas(path))


def test_a_collection_of_polygons_is_an_area_and_a_shape(tmp_path: Path) -> None:
    (ward,) = read_areas(write_geojson(tmp_path / "w.geojson", kind="GeometryCollection"))
    assert is_the_ward(ward.geometry)
    assert is_the_ward(parse_shape(geojson(4326, kind="GeometryCollection")))
    with pytest.raises(ShapeTypeNotAccepted, match="lines or points"):
        parse_shape({"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 52]}]})


def kml(_: Path) -> tuple[str, bytes]:
    return "wd26.kml", map_files.kml()


def kmz(_: Path) -> tuple[str, bytes]:
    return "wd26.kmz", map_files.zipped({"doc.kml": map_files.kml()})


def zipped_shapefile(_: Path) -> tuple[str, bytes]:
    return "wards.zip", map_files.shapefile_zip()


def geopackage(folder: Path) -> tuple[str, bytes]:
    return "wards 2026 #1?.gpkg", map_files.geopackage(folder)


@pytest.mark.parametrize("made", [kml, kmz, zipped_shapefile, geopackage])
def test_map_files_are_read_as_areas_and_as_shapes(tmp_path: Path, made: Callable[[Path], tuple[str, bytes]]) -> None:
    name, content = made(tmp_path)
    path = tmp_path / name
    path.write_bytes(content)
    assert kind_of(path) == SourceKind.AREAS
    (ward,) = read_areas(path)
    assert (ward.kind, ward.code, ward.name, ward.district_code) == (AreaKind.WARD, CODE, NAME, "Z07000001")
    assert is_the_ward(ward.geometry)
    assert is_the_ward(shape_in(content))


def test_a_ward_with_a_name_and_no_code_is_told_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "wd26.kml"
    path.write_bytes(map_files.kml({}))
    report = AreaReport()
    assert list(read_areas(path, report)) == []
    [refused] = report.refusals
    assert "“Castle” has a name and no code. Add a column WD25CD" in refused.reason
    assert "upload the file as the shape of its audience instead" in refused.reason
    assert is_the_ward(shape_in(map_files.kml({})))


@pytest.mark.parametrize("within", ["<Placemark><Polygon>{}</Polygon></Placemark>", "{}"])
def test_a_document_of_very_many_elements_does_not_fill_the_memory(within: str) -> None:
    content = f"<kml><Document>{within.format('<a/>' * 200_001)}</Document></kml>".encode()
    with pytest.raises(SourceUnreadable, match="200,000 elements"):
        shape_in(content)


def test_an_unpacked_shapefile_is_read_with_the_files_beside_it(tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(map_files.shapefile_zip())).extractall(tmp_path)
    (ward,) = read_areas(tmp_path / "wards")
    assert ward.code == CODE


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


BROKEN: list[tuple[str, Callable[[Path], bytes]]] = [
    ("w.kml", lambda _: cut(map_files.kml())),
    ("w.kml", lambda _: b"<OGRVRTDataSource><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTDataSource>"),
    ("w.kml", lambda _: b'<!DOCTYPE kml [<!ENTITY a "b">]><kml>&a;</kml>'),
    ("w.kml", lambda _: map_files.kml().replace(b",0 ", b",x ").replace(b"0.", b"zero.")),
    ("w.zip", lambda _: cut(map_files.shapefile_zip())),
    ("w.zip", lambda _: map_files.shapefile_zip(without="dbf")),
    ("w.zip", lambda _: map_files.shapefile_zip(without="prj")),
    ("w.zip", lambda _: map_files.shapefile_zip(prj="\0" * 100)),
    ("w.zip", lambda _: map_files.shapefile_zip(prj=map_files.GRID.replace("400000.0", "500000.0"))),
    ("w.zip", lambda _: map_files.zipped({f"w.{suffix}": bytes(100) for suffix in ("shp", "shx", "dbf", "prj")})),
    ("w.zip", lambda _: map_files.zipped({"w.shp": b"", "w.dbf": b"", "w.prj": map_files.GRID.encode()})),
    ("w.zip", lambda _: map_files.zipped({"readme.txt": b"Nothing here."})),
    ("w.gpkg", lambda folder: cut(map_files.geopackage(folder))),
    ("w.gpkg", lambda _: b"SQLite format 3\0" + bytes(200)),
    ("w.gpkg", lambda folder: map_files.geopackage(folder, srs=29902)),
    ("w.gpkg", lambda folder: map_files.geopackage(folder).replace(b"GP\0\x03", b"XX\0\x03")),
    ("w.gpkg", lambda folder: map_files.geopackage(folder).replace(b"features", b"tiles   ")),
]


@pytest.mark.parametrize(("name", "made"), BROKEN)
def test_a_broken_file_gets_a_sentence(tmp_path: Path, name: str, made: Callable[[Path], bytes]) -> None:
    content = made(tmp_path)
    path = tmp_path / name
    path.write_bytes(content)
    for read in (lambda: list(read_areas(path)), lambda: shape_in(content)):
        with pytest.raises(Invalid) as refused:
            read()
        assert refused.value.detail.rstrip().endswith(".")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\x00\x00\x27\x0a" + bytes(96), "Zip all files"),
        (b"%PDF-1.7", "none of these"),
        (b'{"type": "Polygon', "breaks off"),
        (b"[" * 100_000, "breaks off"),
        (b"x" * 10_000_001, "larger than"),
    ],
)
def test_what_holds_no_shape_is_refused_before_anything_is_computed(content: bytes, why: str) -> None:
    with pytest.raises(ShapeFileNotReadable, match=why):
        shape_in(content)


def test_a_small_zip_of_much_is_not_unpacked() -> None:
    bomb = map_files.zipped({"w.kml": bytes(70_000_000)})
    assert len(bomb) < 100_000
    with pytest.raises(ShapeFileNotReadable, match="60 MB"):
        shape_in(bomb)


def test_what_is_packed_twice_is_not_unpacked() -> None:
    bomb = gzip.compress(b'{"a": "' + bytes(30_000_000), 1)
    for name, content in (("w.geojson.gz", bomb), ("w.kml", bytes(10_000_001)), ("w.json", bytes(10_000_001))):
        with pytest.raises(ShapeFileNotReadable, match=r"packed twice|larger than"):
            shape_in(map_files.zipped({name: content}))


def of_a_geopackage(folder: Path, sql: str) -> bytes:
    path = folder / "w.gpkg"
    path.write_bytes(map_files.geopackage(folder))
    with closing(sqlite3.connect(path)) as database:
        database.executescript(sql)
    return path.read_bytes()


def test_what_a_geopackage_computes_is_not_read(tmp_path: Path) -> None:
    """A kilobyte of columns that are computed, or of views that never end, would take all memory and time."""
    computed = "ALTER TABLE wards ADD COLUMN big BLOB GENERATED ALWAYS AS (zeroblob(190000000)) VIRTUAL;"
    file = of_a_geopackage(tmp_path, computed)
    tracemalloc.start()
    try:
        assert is_the_ward(shape_in(file))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    endless = """
        ALTER TABLE gpkg_geometry_columns RENAME TO kept;
        CREATE VIEW gpkg_geometry_columns AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
            SELECT k.* FROM n, kept k WHERE i < 0;  -- never ends
    """
    with pytest.raises(SourceUnreadable, match="no GeoPackage"):
        shape_in(of_a_geopackage(tmp_path, endless))
