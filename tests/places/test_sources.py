"""Postcode and boundary files in every layout, whole and damaged."""

import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import shapely
from shapely.geometry import mapping

from notify.places.archives import SourceNotFound, SourceUnreadable
from notify.places.boundaries import AreaKind, AreaReport, read_areas
from notify.places.postcode_files import PostcodeReport, read_postcodes
from notify.places.projection import to_national_grid

CODE_POINT = (
    '"ZZ1 1AA",10,546182,257043,"E92000001","E19000001","E18000006","E10000003","E07999001","E05999001"\n'
    '"ZZ11AB ",90,0,0,"E92000001","","","","",""\n'
)
COMPACT = "postcode,pq,e,n,lad,ward\nZZ11AA,10,546182,257043,E07999001,E05999001\n"
DIRECTORY_2018 = "pcd,pcds,dointr,doterm,oslaua,osward,usertype,oseast1m,osnrth1m,osgrdind,lat,long\n"
DIRECTORY_2025 = "pcd7,pcds,dointr,doterm,lad25cd,wd25cd,usrtypind,east1m,north1m,gridind,lat,long\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_code_point_open_has_no_header_and_no_location_is_none(tmp_path: Path) -> None:
    report = PostcodeReport()
    found, lost = read_postcodes(written(tmp_path, "zz.csv", CODE_POINT), report)
    assert found == ("ZZ11AA", 546182, 257043, 10, None, "E05999001", "E07999001", None)
    assert lost == ("ZZ11AB", None, None, 90, None, None, None, None)
    assert (report.read, report.refused, report.without_location, report.without_ward) == (2, 0, 1, 1)


@pytest.mark.parametrize("header", [DIRECTORY_2018, DIRECTORY_2025])
def test_the_directory_is_read_whatever_the_year_calls_its_columns(tmp_path: Path, header: str) -> None:
    rows = (
        '"ZZ1 1AA","ZZ1 1AA","199001","","E07999001","E05999001","0","546182","0257043","1",52.19,0.13\n'
        '"ZZ1 1AB","ZZ1 1AB","199001","199606","E07999001","E05999001","1","546182","0257043","8",52.19,0.13\n'
        '"JE2 4WD","JE2 4WD","199507","","L99999999","L99999999","0","","","9",99.999999,0.000000\n'
    )
    report = PostcodeReport()
    live, ended, jersey = read_postcodes(written(tmp_path, "onspd.csv", header + rows), report)
    assert live == ("ZZ11AA", 546182, 257043, 10, False, "E05999001", "E07999001", None)
    assert (ended.ended_on, ended.large_user, ended.quality) == (date(1996, 6, 1), True, 80)
    assert jersey == ("JE24WD", None, None, 90, False, None, None, None)
    assert (report.ended, report.without_location, report.without_ward) == (1, 1, 1)


def test_the_lookup_of_national_statistics_is_read_too(tmp_path: Path) -> None:
    header = "pcd,pcd2,pcds,dointr,doterm,usertype,oseast1m,osnrth1m,osgrdind,laua,ward,lat,long\n"
    row = '"ZZ1 1AA","ZZ1  1AA","ZZ1 1AA","199001","","0","546182","0257043","1","E07999001","E05999001",52.19,0.13\n'
    (found,) = read_postcodes(written(tmp_path, "NSPL21_FEB_2024_UK.csv", header + row))
    assert found == ("ZZ11AA", 546182, 257043, 10, False, "E05999001", "E07999001", None)


def test_numbers_that_went_through_a_spreadsheet_are_whole(tmp_path: Path) -> None:
    rows = (
        'ZZ1 1AA,ZZ1 1AA,199001.0,,E07999001,E05999001,0.0,546182.0,"257043.0",1.0,52.19,0.13\n'
        "ZZ1 1AB,ZZ1 1AB,199001.0,199606.0,E07999001,E05999001,1.0,546182.4,257042.6,1,52.19,0.13\n"
        "ZZ1 1AD,ZZ1 1AD,199001,,E07999001,E05999001,0,nan,257043,1,52.19,0.13\n"
    )
    report = PostcodeReport()
    live, ended = read_postcodes(written(tmp_path, "onspd.csv", DIRECTORY_2025 + rows), report)
    assert live == ("ZZ11AA", 546182, 257043, 10, False, "E05999001", "E07999001", None)
    assert (ended.easting, ended.northing, ended.ended_on, ended.large_user) == (546182, 257043, date(1996, 6, 1), True)
    assert "easting “nan”" in report.refusals[0].reason


def test_northern_irish_points_come_from_degrees_because_their_metres_are_irish(tmp_path: Path) -> None:
    row = "BT1 5GS,BT1 5GS,199001,,N09000003,N08000001,0,333900,374000,1,54.5965,-5.9290\n"
    (belfast,) = read_postcodes(written(tmp_path, "onspd.csv", DIRECTORY_2025 + row))
    assert (belfast.easting, belfast.northing) == tuple(map(round, to_national_grid(-5.9290, 54.5965)))
    assert belfast.easting is not None
    assert belfast.easting < 200_000


def test_a_bad_row_is_reported_and_reading_goes_on(tmp_path: Path) -> None:
    bad = [
        "ZZ11A,10,546182,257043,E07999001,E05999001",
        "ZZ11AB,10,546182,257043,E07999001",
        "ZZ11AC,ten,546182,257043,E07999001,E05999001",
        "ZZ11AD,10,,257043,E07999001,E05999001",
        "ZZ11AE,10,9546182,257043,E07999001,E05999001",
        '"ZZ11AF,10,54x,257043,E07999001,E05999001',
    ]
    report = PostcodeReport()
    last = "ZZ11AZ,10,546182,257043,E07999001,E05999001\n"
    path = written(tmp_path, "zz.csv", COMPACT + "\n".join(bad) + "\n\n" + last)
    assert [row.key for row in read_postcodes(path, report)] == ["ZZ11AA", "ZZ11AZ"]
    assert (report.read, report.refused) == (8, 6)
    assert [refusal.line for refusal in report.refusals] == [3, 4, 5, 6, 7, 8]
    assert "not a postcode" in report.refusals[0].reason
    assert "5 columns where 6" in report.refusals[1].reason
    assert "positional quality" in report.refusals[2].reason
    assert "National Grid" in report.refusals[4].reason


def test_only_the_first_thousand_refusals_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    report = PostcodeReport()
    path = written(tmp_path, "zz.csv", COMPACT + "x,,,,,\n" * 1_500)
    assert len(list(read_postcodes(path, report))) == 1
    assert (report.refused, len(report.refusals)) == (1_500, 1_000)


def test_a_bad_month_is_refused(tmp_path: Path) -> None:
    row = "ZZ1 1AA,ZZ1 1AA,199001,199613,E07999001,E05999001,0,546182,257043,1,52.19,0.13\n"
    report = PostcodeReport()
    assert list(read_postcodes(written(tmp_path, "onspd.csv", DIRECTORY_2025 + row), report)) == []
    assert "YYYYMM" in report.refusals[0].reason


def test_an_unknown_layout_says_what_was_seen_and_what_is_understood(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"uprn, street.*Code-Point Open") as refused:
        list(read_postcodes(written(tmp_path, "zz.csv", "UPRN,street\n1,x\n")))
    assert refused.value.status == 422


@pytest.mark.parametrize("text", ["", "\n", "\x00\x01binary"])
def test_an_empty_or_foreign_file_is_not_taken_for_no_postcodes(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceUnreadable):
        list(read_postcodes(written(tmp_path, "zz.csv", text)))


def packed_gzip(folder: Path) -> Path:
    path = folder / "zz.csv.gz"
    path.write_bytes(gzip.compress(COMPACT.encode()))
    return path


def packed_xz(folder: Path) -> Path:
    path = folder / "zz.csv.xz"
    path.write_bytes(lzma.compress(COMPACT.encode()))
    return path


def packed_zip(folder: Path) -> Path:
    path = folder / "codepo_gb.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Doc/Code-Point_Open_Column_Headers.csv", "PC,PQ\n")
        archive.writestr("Data/CSV/zz.csv", CODE_POINT.splitlines()[0])
    return path


def laid_out_as_published(folder: Path) -> Path:
    written(folder, "Doc/Code-Point_Open_Column_Headers.csv", "PC,PQ\n")
    written(folder, "Data/CSV/zz.csv", CODE_POINT.splitlines()[0])
    return folder


def directory_with_split_copy(folder: Path) -> Path:
    row = "ZZ1 1AA,ZZ1 1AA,199001,,E07999001,E05999001,0,546182,257043,1,52.19,0.13\n"
    written(folder, "Data/ONSPD_NOV_2025_UK.csv", DIRECTORY_2025 + row)
    written(folder, "Data/multi_csv/ONSPD_NOV_2025_UK_ZZ.csv", DIRECTORY_2025 + row)
    written(folder, "Documents/LA names and codes.csv", "LAD25CD,LAD25NM\n")
    return folder


@pytest.mark.parametrize(
    "packed", [packed_gzip, packed_xz, packed_zip, laid_out_as_published, directory_with_split_copy]
)
def test_however_it_is_packed_each_postcode_comes_once(tmp_path: Path, packed: Callable[[Path], Path]) -> None:
    assert [row.key for row in read_postcodes(packed(tmp_path))] == ["ZZ11AA"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "zz.csv"
    path.write_bytes(b"\xef\xbb\xbf" + COMPACT.replace("\n", "\r\n").encode())
    assert [row.ward_code for row in read_postcodes(path)] == ["E05999001"]


@pytest.mark.parametrize("packed", [packed_gzip, packed_xz, packed_zip])
def test_a_file_cut_short_is_an_error_not_an_end(tmp_path: Path, packed: Callable[[Path], Path]) -> None:
    path = packed(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceUnreadable, match="again"):
        list(read_postcodes(path))


def test_a_missing_or_empty_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        list(read_postcodes(tmp_path / "nowhere.csv"))
    with pytest.raises(SourceNotFound, match=r"\.csv"):
        list(read_postcodes(tmp_path))


# Boundaries. A square of about 7 by 11 km with a hole, and its neighbour.
SQUARE = [[0.1, 52.1], [0.2, 52.1], [0.2, 52.2], [0.1, 52.2], [0.1, 52.1]]
HOLE = [[0.14, 52.14], [0.14, 52.16], [0.16, 52.16], [0.16, 52.14], [0.14, 52.14]]
BOWTIE = [[0.1, 52.1], [0.2, 52.2], [0.2, 52.1], [0.1, 52.2], [0.1, 52.1]]
WARD = {"WD25CD": "E05999001", "WD25NM": "Castle", "WD25NMW": "Y Castell", "LAD25CD": "E07999001"}


def feature(rings: list[list[list[float]]], **properties: object) -> dict[str, object]:
    shown = properties or dict(WARD)
    return {"type": "Feature", "properties": shown, "geometry": {"type": "Polygon", "coordinates": rings}}


def collection(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "name": "wards", "features": features})


def test_a_ward_file_gives_wards_with_their_district_and_welsh_name(tmp_path: Path) -> None:
    (ward,) = read_areas(written(tmp_path, "wards.geojson", collection(feature([SQUARE, HOLE]))))
    assert (ward.kind, ward.code, ward.name, ward.name_cy) == (AreaKind.WARD, "E05999001", "Castle", "Y Castell")
    assert (ward.district_code, ward.repaired) == ("E07999001", None)
    easting, northing = to_national_grid(0.1, 52.1)
    assert ward.geometry.bounds[:2] == pytest.approx((easting - 300, northing), abs=400)
    assert ward.geometry.area == pytest.approx(0.96 * 6_850 * 11_130, rel=0.01)
    assert shapely.get_num_interior_rings(ward.geometry) == 1


@pytest.mark.parametrize(
    ("properties", "kind", "district"),
    [
        ({"wd20cd": "E05999001", "wd20nm": "Castle", "wd20nmw": " "}, AreaKind.WARD, None),
        ({"WD13CD": "E05999001", "WD13CDO": "12UB", "LAD": "E07999001"}, AreaKind.WARD, "E07999001"),
        ({"LAD24CD": "E07999001", "LAD24NM": "Zedshire"}, AreaKind.DISTRICT, None),
    ],
)
def test_columns_are_found_whatever_the_year(
    tmp_path: Path, properties: dict[str, object], kind: AreaKind, district: str | None
) -> None:
    (area,) = read_areas(written(tmp_path, "a.geojson", collection(feature([SQUARE], **properties))))
    assert (area.kind, area.district_code, area.name_cy) == (kind, district, None)


def test_eastings_and_northings_in_geojson_are_recognised(tmp_path: Path) -> None:
    metres = [[[545000.0, 258000.0], [546000.0, 258000.0], [546000.0, 259000.0], [545000.0, 258000.0]]]
    (ward,) = read_areas(written(tmp_path, "wards.json", collection(feature(metres))))
    assert ward.geometry.bounds == (545000, 258000, 546000, 259000)


def test_a_crossing_outline_is_mended_and_reported(tmp_path: Path) -> None:
    report = AreaReport()
    (ward,) = read_areas(written(tmp_path, "wards.geojson", collection(feature([BOWTIE]))), report)
    assert ward.geometry.is_valid
    assert ward.geometry.geom_type == "MultiPolygon"
    assert ward.repaired is not None
    assert "m²" in ward.repaired
    assert report.repairs == [("E05999001", ward.repaired)]


def test_features_that_cannot_be_used_are_reported(tmp_path: Path) -> None:
    broken: list[object] = [
        {"type": "Feature", "properties": WARD, "geometry": None},
        {"type": "Feature", "properties": WARD, "geometry": {"type": "Point", "coordinates": [0, 52]}},
        {"type": "Feature", "properties": WARD, "geometry": {"type": "Polygon", "coordinates": [[["x", 1]]]}},
        feature([SQUARE], WD25CD=None),
        feature([SQUARE], name="Castle"),
        feature([[[0.1, 52.1], [0.2, 52.1], [0.1, 52.1], [0.1, 52.1]]]),
        feature([SQUARE]),
        feature([SQUARE]),
        7,
    ]
    report = AreaReport()
    assert len(list(read_areas(written(tmp_path, "wards.geojson", collection(*broken)), report))) == 1
    assert (report.read, report.refused) == (9, 8)
    assert [refusal.line for refusal in report.refusals] == [1, 2, 3, 4, 5, 6, 8, 9]
    assert "came before" in report.refusals[6].reason


def test_features_one_a_line_are_read_and_a_bad_line_is_reported(tmp_path: Path) -> None:
    one, two = feature([SQUARE]), feature([SQUARE], WD25CD="E05999002")
    report = AreaReport()
    path = written(tmp_path, "w.geojsonl", json.dumps(one) + "\n{broken\n\n" + json.dumps(two) + "\n")
    assert [ward.code for ward in read_areas(path, report)] == ["E05999001", "E05999002"]
    assert [refusal.line for refusal in report.refusals] == [2]


def test_a_collection_longer_than_one_read_comes_whole(tmp_path: Path) -> None:
    wards = [feature([SQUARE], WD25CD=f"E0599{number:04}", note="n" * 60_000) for number in range(60)]
    text = json.dumps({"features": wards, "type": "FeatureCollection"}, indent=2)
    assert len(text) > 3_000_000
    report = AreaReport()
    assert len(list(read_areas(written(tmp_path, "wards.geojson", text), report))) == 60
    assert (report.read, report.refused) == (60, 0)


def test_a_collection_cut_short_is_an_error_not_an_end(tmp_path: Path) -> None:
    text = collection(feature([SQUARE]), feature([SQUARE], WD25CD="E05999002"))
    with pytest.raises(SourceUnreadable, match="within a feature"):
        list(read_areas(written(tmp_path, "wards.geojson", text[:-60])))


@pytest.mark.parametrize("text", ["", "[]", "<html>", '{"type": "GeometryCollection"}', '{"type":"Topology"}'])
def test_an_unknown_boundary_layout_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceUnreadable):
        list(read_areas(written(tmp_path, "wards.json", text)))


def topology() -> dict[str, object]:
    """Two squares that share an edge, quantised: arc 0 is the shared edge, northwards; ~0 takes it back."""
    return {
        "type": "Topology",
        "transform": {"scale": [0.01, 0.01], "translate": [0.1, 52.1]},
        "arcs": [[[10, 0], [0, 10]], [[10, 10], [-10, 0], [0, -10], [10, 0]], [[10, 0], [10, 0], [0, 10], [-10, 0]]],
        "objects": {
            "lads": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Polygon", "arcs": [[0, 1]], "properties": {"LAD24CD": "E07999001"}},
                    {"type": "MultiPolygon", "arcs": [[[-1, 2]]], "properties": {"LAD24CD": "E07999002"}},
                    {"type": "Polygon", "arcs": [[9]], "properties": {"LAD24CD": "E07999003"}},
                    {"type": None, "properties": {"LAD24CD": "E07999004"}},
                ],
            }
        },
    }


def test_topojson_is_joined_from_shared_arcs(tmp_path: Path) -> None:
    report = AreaReport()
    west, east = read_areas(written(tmp_path, "lads.topojson", json.dumps(topology())), report)
    assert [west.code, east.code] == ["E07999001", "E07999002"]
    assert west.geometry.is_valid
    assert east.geometry.is_valid
    assert west.geometry.touches(east.geometry)
    assert west.geometry.area == pytest.approx(east.geometry.area, rel=0.01)
    assert [refusal.reason for refusal in report.refusals] == [
        "E07999003 has no usable geometry",
        "E07999004 has no usable geometry",
    ]


def test_topojson_without_quantising_is_read(tmp_path: Path) -> None:
    plain = {
        "type": "Topology",
        "arcs": [SQUARE],
        "objects": {"a": {"type": "Polygon", "arcs": [[0]], "properties": {"LAD24CD": "E07999001"}}},
    }
    (area,) = read_areas(written(tmp_path, "lads.json", json.dumps(plain)))
    assert area.geometry.geom_type == "Polygon"
    assert len(mapping(area.geometry)["coordinates"][0]) == 5
