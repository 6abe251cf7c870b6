"""The readers and the index against real postcodes and boundaries; figures from the publishers and SOURCES.md."""

import csv
import gzip
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from notify.places import geometry
from notify.places.boundaries import AreaKind, AreaReport, AreaRow, read_areas
from notify.places.postcode_files import PostcodeReport, PostcodeRow, read_postcodes
from notify.places.spatial_index import PostcodeIndex, edge_distances, keys_by_area, points_to_areas

CAMBRIDGE, DOVER = "E07000008", "E07000108"
# Measured apart from the interpreter and its libraries: reads every row into the arrays an index needs.
READ_ALL = """
import sys
from array import array
from pathlib import Path
from notify.places.postcode_files import read_postcodes
def peak_mb():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024
before, rows, metres = peak_mb(), 0, array("i")
for row in read_postcodes(Path(sys.argv[1])):
    rows += 1
    if row.easting is not None:
        metres.extend((row.easting, row.northing))
print(rows, len(metres) // 2, peak_mb() - before)
"""


def read(path: Path) -> tuple[list[PostcodeRow], PostcodeReport]:
    report = PostcodeReport()
    return list(read_postcodes(path, report)), report


def index_of(rows: list[PostcodeRow]) -> PostcodeIndex:
    located = [(row.key, row.easting, row.northing) for row in rows if row.easting is not None]
    keys, eastings, northings = zip(*located, strict=True)
    return PostcodeIndex(keys, eastings, northings)


@pytest.fixture(scope="module")
def wards_2013(real_data: Path) -> tuple[list[AreaRow], AreaReport]:
    report = AreaReport()
    return list(read_areas(real_data / "wards_2013" / "wards13_england_wales_6dp.geojsonl.gz", report)), report


@pytest.mark.parametrize(("year", "rows", "cambridge"), [(2014, 10_250, 2_756), (2024, 11_018, 2_947)])
def test_code_point_open_of_ten_years_apart(real_data: Path, year: int, rows: int, cambridge: int) -> None:
    found, report = read(real_data / f"postcodes_{year}" / "cb.csv")
    assert (len(found), report.refused, report.without_location, report.without_ward) == (rows, 0, 0, 0)
    assert Counter(row.district_code for row in found)[CAMBRIDGE] == cambridge
    assert len({row.key for row in found}) == rows


@pytest.mark.parametrize(("vintage", "ended", "lost"), [("may2018", 3, 2), ("aug2024", 3, 2), ("nov2025", 4, 1)])
def test_three_vintages_of_the_directory(real_data: Path, vintage: str, ended: int, lost: int) -> None:
    found, report = read(real_data / "onspd" / f"onspd_{vintage}.csv")
    assert (len(found), report.refused, report.ended, report.without_location) == (4, 0, ended, lost)
    assert all((row.easting is None) == row.key.startswith("IM") for row in found)


def test_aberdeens_directory_with_its_ended_postcodes(real_data: Path) -> None:
    found, report = read(real_data / "onspd" / "postcodesio_seed_onspd_AB1.csv.gz")
    assert (len(found), report.refused, report.ended) == (8_048, 0, 3_811)
    assert {row.key for row in found if row.easting is None} == {"JE24WD", "AB113AG"}
    jersey = next(row for row in found if row.key == "JE24WD")
    assert (jersey.ward_code, jersey.district_code, jersey.ended_on) == (None, None, None)


def test_degrees_and_metres_of_the_directory_agree(real_data: Path) -> None:

    with gzip.open(real_data / "onspd" / "postcodesio_seed_onspd_AB1.csv.gz", "rt") as lines:
        located = [row for row in csv.DictReader(lines) if row["oseast1m"]]
    apart = [
        np.hypot(east - float(row["oseast1m"]), north - float(row["osnrth1m"]))
        for row in located
        for east, north in [geometry.to_national_grid(float(row["long"]), float(row["lat"]))]
    ]
    assert np.median(apart) < 1.0
    assert np.percentile(apart, 99) < 2.5


def test_every_postcode_of_great_britain_streams_in_little_memory(real_data: Path) -> None:
    path = real_data / "postcodes_2024" / "national_compact.csv.xz"
    done = subprocess.run([sys.executable, "-c", READ_ALL, str(path)], capture_output=True, text=True, check=True)
    rows, located, grown_mb = done.stdout.split()
    assert (int(rows), int(located)) == (1_738_225, 1_737_310)
    assert float(grown_mb) < 60


def test_the_national_ward_file_needs_one_repair(wards_2013: tuple[list[AreaRow], AreaReport]) -> None:
    wards, report = wards_2013
    assert (len(wards), report.read, report.refused) == (8_533, 8_533, 0)
    assert [code for code, _ in report.repairs] == ["E05004205"]
    assert "Self-intersection" in report.repairs[0][1]
    assert all(ward.kind is AreaKind.WARD and ward.district_code for ward in wards)
    shapes = [ward.geometry for ward in wards]
    assert shapely.is_valid(shapes).all()
    assert sum(shapely.get_num_interior_rings(shapely.get_parts(shape)).any() for shape in shapes) == 12


def test_cambridges_wards_hold_the_postcodes_published_with_them(
    real_data: Path, wards_2013: tuple[list[AreaRow], AreaReport]
) -> None:
    rows, _ = read(real_data / "postcodes_2014" / "cb.csv")
    wards = [(ward.code, ward.geometry) for ward in wards_2013[0]]
    published = {row.key: row.ward_code for row in rows if row.district_code == CAMBRIDGE}
    lying = dict(points_to_areas(index_of(rows), wards))
    assert len(published) == 2_756
    assert sum(lying.get(key) != code for key, code in published.items()) == 5
    by_pair = sum(len(keys) for _, keys in keys_by_area(index_of(rows), wards))
    assert by_pair == len(lying)


def test_the_edges_of_cambridges_wards(real_data: Path, wards_2013: tuple[list[AreaRow], AreaReport]) -> None:
    rows = [row for row in read(real_data / "postcodes_2014" / "cb.csv")[0] if row.district_code == CAMBRIDGE]
    wards = [(ward.code, ward.geometry) for ward in wards_2013[0]]
    eastings, northings = np.array([(row.easting, row.northing) for row in rows], dtype=np.float64).T
    edges = edge_distances(eastings, northings, [row.ward_code or "" for row in rows], wards)
    assert np.isfinite(edges.distance_m).all()
    # 5.3, 18.7 and 32.7% of the city's postcodes lie within 25, 50 and 100 m of their ward's edge.
    shares = [float(np.mean(edges.distance_m <= reach)) for reach in (25, 50, 100)]
    assert shares == pytest.approx([0.053, 0.187, 0.327], abs=0.002)
    assert np.mean([bool(codes) for codes in edges.neighbours]) == pytest.approx(0.187, abs=0.005)


def test_cambridges_present_wards(real_data: Path) -> None:
    wards = list(read_areas(real_data / "wards_2021" / f"{CAMBRIDGE}.geojson"))
    assert [ward.code for ward in wards] == [f"E050130{number}" for number in range(50, 64)]
    assert {ward.district_code for ward in wards} == {CAMBRIDGE}
    old = list(read_areas(real_data / "wards_2013" / f"{CAMBRIDGE}.json"))
    assert len(old) == 14
    assert shapely.union_all([ward.geometry for ward in old]).area == pytest.approx(40.7e6, rel=0.01)


def test_every_district_is_joined_from_topojson_and_mended(real_data: Path) -> None:
    report = AreaReport()
    districts = list(read_areas(real_data / "districts", report))
    assert (len(districts), report.refused) == (361, 0)
    assert all(district.kind is AreaKind.DISTRICT and district.geometry.is_valid for district in districts)
    assert {district.geometry.geom_type for district in districts} <= {"Polygon", "MultiPolygon"}
    assert 90 <= len(report.repairs) <= 140
    assert DOVER in {code for code, _ in report.repairs}
    assert sum(district.geometry.area for district in districts) == pytest.approx(244_000e6, rel=0.02)


def test_a_real_flood_polygon_of_thousands_of_positions_takes_a_margin(real_data: Path) -> None:
    written = (real_data / "cap" / "govuk_windemere.xml").read_text(encoding="utf-8")
    rings = [
        [[float(value) for value in pair.split(",")][::-1] for pair in polygon.split()]
        for polygon in re.findall(r"<(?:\w+:)?polygon>([^<]+)<", written)
    ]
    shape: dict[str, object] = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
    assert max(map(len, rings)) == 6_773
    plain, grown = geometry.parse_shape(shape), geometry.parse_shape(shape, buffer_m=100)
    assert grown.covers(plain)
    assert shapely.distance(grown.boundary, plain) == pytest.approx(100, abs=0.2)
