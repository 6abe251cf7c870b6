"""One invented ward in the files of mapping programs, written by the tests that read them."""

import io
import json
import sqlite3
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import shapefile
import shapely
from pyproj import Transformer

CODE, NAME = "E05999001", "Castle"
PROPERTIES = {"WD26CD": CODE, "WD26NM": NAME, "LAD26CD": "Z07000001"}
# easting and northing; the western half of the first invented ward
METRES = [[555_400, 344_400], [555_995, 344_400], [555_995, 344_700], [555_400, 344_700], [555_400, 344_400]]
GRID = (
    'PROJCS["British_National_Grid",GEOGCS["GCS_OSGB_1936",DATUM["D_OSGB_1936",SPHEROID["Airy_1830",6377563.396,'
    '299.3249646]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["False_Easting",400000.0],PARAMETER["False_Northing",-100000.0],PARAMETER["Central_Meridian",-2.0],'
    'PARAMETER["Scale_Factor",0.9996012717],PARAMETER["Latitude_Of_Origin",49.0],UNIT["Meter",1.0]]'
)


def ring_in(epsg: int) -> list[list[float]]:
    """The ward's ring in another system, by PROJ's own choice of transformation."""
    across = Transformer.from_crs(27700, epsg, always_xy=True)
    return [list(across.transform(east, north)) for east, north in METRES]


def geojson(epsg: int | None, name: str = "", kind: str = "Polygon") -> dict[str, object]:
    """A collection with the ward; `name` is what its `crs` member says, and none if empty."""
    ring = METRES if epsg == 27700 else ring_in(epsg or 4326)
    area: dict[str, object] = {"type": "Polygon", "coordinates": [ring]}
    if kind == "GeometryCollection":
        area = {"type": kind, "geometries": [area]}
    feature = {"type": "Feature", "properties": PROPERTIES, "geometry": area}
    crs = {"crs": {"type": "name", "properties": {"name": name}}} if name else {}
    return {"type": "FeatureCollection", **crs, "features": [feature]}


def write_geojson(path: Path, epsg: int | None = None, name: str = "", kind: str = "Polygon") -> Path:
    """`geojson` as a file."""
    path.write_text(json.dumps(geojson(epsg, name, kind)))
    return path


def kml(properties: Mapping[str, str] = PROPERTIES) -> bytes:
    """A KML document with the ward, its hole first, as KML allows."""
    ring = " ".join(f"{lon:.8f},{lat:.8f},0" for lon, lat in ring_in(4326))
    data = "".join(f'<SimpleData name="{name}">{value}</SimpleData>' for name, value in properties.items())
    return (
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>Castle</name>'
        f'<ExtendedData><SchemaData schemaUrl="#w">{data}</SchemaData></ExtendedData><MultiGeometry><Polygon>'
        f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
        "</Polygon></MultiGeometry></Placemark></Document></kml>"
    ).encode()


def shapefile_zip(*, prj: str = GRID, without: str = "") -> bytes:
    """A zipped Shapefile with the ward; `without` is the suffix of a file that was left out."""
    parts = {suffix: io.BytesIO() for suffix in ("shp", "shx", "dbf")}
    with shapefile.Writer(**parts) as writer:
        for name in PROPERTIES:
            writer.field(name, "C", 20)
        writer.poly([METRES[::-1]])
        writer.record(**PROPERTIES)
    return zipped(
        {
            f"wards/Wards_2026.{suffix}": content
            for suffix, content in {
                **{suffix: part.getvalue() for suffix, part in parts.items()},
                "prj": prj.encode(),
                "cpg": b"UTF-8",
            }.items()
            if suffix != without
        }
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def geopackage(folder: Path, *, srs: int = 27700) -> bytes:
    """A GeoPackage with the ward: the three tables that say what there is, and its layer."""
    path = folder / "made.gpkg"
    wkb = shapely.to_wkb(shapely.Polygon(METRES))
    blob = b"GP\0\x03" + struct.pack("<i4d", srs, 0, 0, 0, 0) + wkb
    with sqlite3.connect(path) as database:
        database.executescript(f"""
            CREATE TABLE gpkg_spatial_ref_sys (srs_name, srs_id PRIMARY KEY, organization, organization_coordsys_id,
                                               definition, description);
            INSERT INTO gpkg_spatial_ref_sys VALUES ('a', {srs}, 'EPSG', {srs}, 'undefined', '');
            CREATE TABLE gpkg_contents (table_name, data_type, identifier, srs_id);
            INSERT INTO gpkg_contents VALUES ('wards', 'features', 'wards', {srs});
            CREATE TABLE gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m);
            INSERT INTO gpkg_geometry_columns VALUES ('wards', 'geom', 'POLYGON', {srs}, 0, 0);
            CREATE TABLE wards (fid INTEGER PRIMARY KEY, geom BLOB, WD26CD TEXT, WD26NM TEXT, LAD26CD TEXT);
        """)
        database.execute("INSERT INTO wards VALUES (1, ?, ?, ?, ?)", (blob, *PROPERTIES.values()))
    database.close()
    content = path.read_bytes()
    path.unlink()
    return content
