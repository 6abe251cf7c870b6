"""A release is loaded beside the active one, whole or not at all."""

import gzip
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.places.archives import SourceUnreadable
from notify.places.models import ReleaseKind
from notify.places.population import NoWardsLoaded, load_population
from notify.places.queries import active_release, areas_by_code, releases, resolve_postcodes
from notify.places.release_loading import KindsMixed, NothingLoaded, PostcodeTwice, load_areas, load_postcodes
from tests.places.invented import (
    DISTRICT,
    EAST,
    POSTCODES,
    WEST,
    district_file,
    load,
    postcode_file,
    put_in_force,
    ward_file,
)

pytestmark = pytest.mark.usefixtures("database")


def test_a_loaded_release_counts_for_nothing_until_it_is_activated(tmp_path: Path) -> None:
    report = load(postcode_file(tmp_path / "zz.csv"))
    areas = load(ward_file(tmp_path / "wards.geojson"))
    assert (report.kind, report.rows) == (ReleaseKind.POSTCODE, 5)
    with transaction() as session:
        assert active_release(session, ReleaseKind.POSTCODE) is None
        assert resolve_postcodes(session, ["ZZ11AA"]) == {}
        assert areas_by_code(session, [WEST]) == {}
        assert [(state.id, state.state) for state in releases(session)] == [
            (report.release_id, "loaded"),
            (areas.release_id, "loaded"),
        ]


def test_every_column_arrives(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "zz.csv"))
    with transaction() as session:
        found = resolve_postcodes(session, ["ZZ11AB"])["ZZ11AB"]
    assert (found.easting, found.northing, found.ward_code, found.district_code) == (555_600, 344_600, WEST, DISTRICT)
    assert found.large_user is None
    assert found.ended_on is None


def test_the_report_counts_gaps_and_names_the_line_of_what_is_left_out(tmp_path: Path) -> None:
    file = postcode_file(tmp_path / "zz.csv", [*POSTCODES, ("ZZ9 9ZZ", 0, 0, WEST), ("ZZ9 9ZY", 555_000, 344_000, "")])
    with file.open("a") as lines:
        lines.write('"not one",10,1,1,"","","","","",""\n')
    report = load(file)
    assert (report.rows, report.refused, report.without_location, report.without_ward) == (7, 1, 1, 1)
    assert report.refusals[0].line == 8
    assert "not one" in report.refusals[0].reason


def test_progress_is_told_the_rows_so_far(tmp_path: Path) -> None:
    letters = "ABCDEFGHIJ"
    rows = [
        (f"ZZ{area}{outward} {sector}{a}{b}", 555_000, 344_000, WEST)
        for area in range(1, 10) for outward in range(10) for sector in range(10) for a in letters for b in letters[:5]
    ]  # fmt: skip
    told: list[int] = []
    report = load_postcodes(
        postcode_file(tmp_path / "zz.csv", rows), product="p", version="v", attribution="a", progress=told.append
    )
    assert told == [20_000, 40_000, 45_000]
    assert report.rows == 45_000


def nothing_is_left() -> bool:
    with transaction() as session:
        tables = session.execute(text("SELECT to_regclass('postcode_r' || generate_series(1, 9))")).scalars().all()
        return not releases(session) and not any(tables)


@pytest.fixture
def no_partitions(database: None) -> None:
    """Tables of earlier tests out of the way."""
    with transaction() as session:
        for number in range(1, 10):
            session.execute(text(f"DROP TABLE IF EXISTS postcode_r{number}"))


@pytest.mark.usefixtures("no_partitions")
def test_a_postcode_with_two_rows_leaves_nothing(tmp_path: Path) -> None:
    file = postcode_file(tmp_path / "zz.csv", [*POSTCODES, POSTCODES[0]])
    with pytest.raises(PostcodeTwice, match="ZZ11AA"):
        load(file)
    assert nothing_is_left()


@pytest.mark.usefixtures("no_partitions")
def test_a_file_cut_short_leaves_nothing(tmp_path: Path) -> None:
    whole = gzip.compress(postcode_file(tmp_path / "zz.csv", POSTCODES * 5_000).read_bytes())
    short = tmp_path / "zz.csv.gz"
    short.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceUnreadable, match="cut short"):
        load_postcodes(short, product="p", version="v", attribution="a")
    assert nothing_is_left()


@pytest.mark.usefixtures("no_partitions")
def test_a_value_that_cannot_be_stored_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="cannot be stored"):
        load(postcode_file(tmp_path / "zz.csv", [("ZZ1 1AA", 555_500, 344_500, "Z\0")]))
    assert nothing_is_left()


@pytest.mark.usefixtures("no_partitions")
@pytest.mark.parametrize(
    ("name", "content"), [("zz.csv", '"no",1,2,3,4,5,6,7,8,9\n'), ("w.geojson", '{"features":[]}')]
)
def test_a_source_without_one_usable_row_is_refused(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(NotifyError):
        load(file)
    assert nothing_is_left()


def test_an_empty_collection_says_that_nothing_was_loaded(tmp_path: Path) -> None:
    file = tmp_path / "wards.geojson"
    file.write_text('{"type":"FeatureCollection","features":[]}')
    with pytest.raises(NothingLoaded, match=r"wards\.geojson"):
        load(file)


def test_a_table_left_by_a_restored_database_is_replaced(tmp_path: Path) -> None:
    with transaction() as session:
        following = (
            session.execute(text("SELECT nextval(pg_get_serial_sequence('geo_release', 'id'))")).scalar_one() + 1
        )
        session.execute(text(f"DROP TABLE IF EXISTS postcode_r{following}"))
        session.execute(text(f"CREATE TABLE postcode_r{following} PARTITION OF postcode FOR VALUES IN ({following})"))
        session.execute(text(f"INSERT INTO postcode (release_id, key) VALUES ({following}, 'ZZ11AA')"))
    report = put_in_force(postcode_file(tmp_path / "zz.csv"))
    assert report.release_id == following
    assert report.added == 5


def test_mended_outlines_are_reported_and_names_kept(tmp_path: Path) -> None:
    file = ward_file(tmp_path / "wards.geojson")
    document = json.loads(file.read_text())
    ring = document["features"][0]["geometry"]["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]  # a bow tie
    file.write_text(json.dumps(document))
    report = load(file)
    assert [code for code, _ in report.repaired] == [WEST]
    assert "Self-intersection" in report.repaired[0][1]
    with transaction() as session:
        session.execute(text("UPDATE geo_release SET activated_at = business_now()"))
        areas = areas_by_code(session, [WEST, EAST])
    assert (areas[EAST].name, areas[EAST].name_cy, areas[EAST].district_code) == ("Ward 2", "Ward Gymraeg 2", DISTRICT)


def test_districts_are_a_release_of_their_own_and_do_not_mix_with_wards(tmp_path: Path) -> None:
    assert load(district_file(tmp_path / "a.geojson")).kind == ReleaseKind.DISTRICT
    ward_file(tmp_path / "b.geojson")
    with pytest.raises(KindsMixed):
        load_areas(tmp_path, product="p", version="v", attribution="a")


def population_file(folder: Path) -> Path:
    file = folder / "persons.csv.gz"
    file.write_bytes(gzip.compress(f"ward,0,1,2\n{WEST},1,20,300\n{EAST},2,,5\nZ05999999,9,9,9\n".encode()))
    return file


def test_population_is_the_sum_of_a_wards_ages(tmp_path: Path) -> None:
    put_in_force(ward_file(tmp_path / "wards.geojson"))
    with transaction() as session:
        report = load_population(session, population_file(tmp_path))
        wards = areas_by_code(session, [WEST, EAST])
    assert (report.wards, report.people, report.unknown) == (2, 328, 1)
    assert {code: ward.population for code, ward in wards.items()} == {WEST: 321, EAST: 7}


def test_population_without_wards_or_of_another_layout_is_explained(tmp_path: Path) -> None:
    with transaction() as session, pytest.raises(NoWardsLoaded):
        load_population(session, population_file(tmp_path))
    other = tmp_path / "other.csv"
    other.write_text("area,people\nZ05000001,12\n")
    with transaction() as session, pytest.raises(SourceUnreadable, match="area,people"):
        load_population(session, other, release_id=1)
    other.write_text("ward,0\nZ05000001,many\n")
    with transaction() as session, pytest.raises(SourceUnreadable, match="Z05000001"):
        load_population(session, other, release_id=1)
