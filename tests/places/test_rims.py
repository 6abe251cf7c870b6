"""Who lies within 50 m of a ward, and in a circle or shape, at the corners of councils and far in the south-west."""

import gzip
import json
import lzma
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import shapely
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.places import activation, audience_areas, ward_edges
from notify.places.geometry import to_geojson
from notify.places.models import AudienceSpec, Circle
from notify.places.queries import resolve_postcodes
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic, TopicPurpose
from tests.places.invented import DISTRICT, FAR_DISTRICT, found_council, postcode_file, put_in_force, settle, ward_file

pytestmark = pytest.mark.usefixtures("database")

A, B, C, FAR = "Z05000001", "Z05000002", "Z05000003", "Z05000004"
# three wards of the council meet at one corner, and a neighbour's lies to the north of the first
CORNERS = {
    A: (555_000, 344_000, 556_000, 345_000),
    B: (556_000, 344_000, 557_000, 345_000),
    C: (556_000, 343_000, 557_000, 344_000),
}
AT_THE_CORNER = ("ZZ1 1AA", 555_980, 344_030, A)
BEYOND, FURTHER = ("ZZ9 1AA", 555_500, 345_020, FAR), ("ZZ9 1AB", 555_500, 345_090, FAR)


@pytest.fixture
def council(tmp_path: Path) -> UUID:
    """A council whose wards meet, with a topic for emergencies; its neighbour's outlines are not loaded."""
    council_id = found_council(DISTRICT)
    put_in_force(ward_file(tmp_path / "w.geojson", CORNERS))
    own = [AT_THE_CORNER, ("ZZ1 1AB", 556_500, 344_500, B), ("ZZ1 1AD", 556_500, 343_500, C)]
    lines = postcode_file(tmp_path / "own.csv", own).read_text()
    lines += postcode_file(tmp_path / "far.csv", [BEYOND, FURTHER], FAR_DISTRICT).read_text()
    (tmp_path / "all.csv").write_text(lines)
    put_in_force(tmp_path / "all.csv")
    with transaction() as session:
        topic = NewTopic(slug="emergencies", name="Emergencies", purpose=TopicPurpose.EMERGENCY)
        subscribers.create_topic(session, council_id=council_id, actor="test", new=topic)
    return council_id


def test_every_ward_within_50_m_is_remembered_nearest_first(council: UUID) -> None:
    with transaction() as session:
        found = resolve_postcodes(session, ["ZZ11AA", "ZZ91AA", "ZZ91AB"])
    assert found["ZZ11AA"].near_ward_codes == [B, C]
    assert (found["ZZ11AA"].alt_ward_code, found["ZZ11AA"].edge_m) == (B, 20.0)
    # another council's resident lives within 50 m of the ward all the same
    assert (found["ZZ91AA"].near_ward_codes, found["ZZ91AB"].near_ward_codes) == ([A], [])


def test_a_postcode_says_all_wards_near_it(client: TestClient[Litestar], council: UUID) -> None:
    answer = client.get("/api/v1/postcodes/ZZ1 1AA").json()
    assert [ward["code"] for ward in answer["nearby_wards"]] == [B, C]
    assert (answer["alternative_ward"]["code"], answer["near_boundary"]) == (B, True)


@pytest.mark.parametrize(("ward", "reached"), [(A, 2), (B, 1), (C, 1)])
def test_an_emergency_takes_in_everybody_within_50_m_of_the_ward(council: UUID, ward: str, reached: int) -> None:
    for postcode, own in (("ZZ1 1AA", A), ("ZZ9 1AA", FAR), ("ZZ9 1AB", FAR)):
        settle(postcode, own)
    with transaction() as session:
        release = session.execute(text("SELECT max(id) FROM geo_release WHERE kind = 'postcode'")).scalar_one()
        activation.activate(session, release)
        reaches = session.execute(
            text("SELECT count(*) FROM place WHERE ward_code = :ward OR near_ward_codes && ARRAY[CAST(:ward AS text)]"),
            {"ward": ward},
        ).scalar_one()
    assert reaches == reached


def test_a_council_at_the_grid_s_south_west_corner_has_shapes_and_circles(tmp_path: Path) -> None:
    found_council(DISTRICT)
    rows = [("ZZ1 1AA", 90_300, 10_500, A), ("ZZ1 1AB", 92_600, 15_900, A), ("ZZ1 1AD", 87_900, 14_800, A)]
    put_in_force(postcode_file(tmp_path / "zz.csv", rows))
    box = shapely.box(90_000, 10_000, 93_000, 16_000)
    for asked, expected in (
        ({"circle": {"postcode": "ZZ1 1AA", "radius_m": 500}}, ["ZZ11AA"]),
        ({"polygon": to_geojson(box)}, ["ZZ11AA", "ZZ11AB"]),
    ):
        with transaction() as session:
            found = audience_areas.resolve(
                session, AudienceSpec.model_validate(asked), district_codes=[DISTRICT], is_emergency=False
            )
        assert list(found.included.postcodes) == expected


# The same with real data, against loops that share nothing with the index.

COUNCILS = {"cambridge": "E07000008", "dover": "E07000108", "scilly": "E06000053"}
POSTCODE_AREAS = ("CB", "CT", "TR")  # which hold these councils and what surrounds them
Row = tuple[str, float, float, str, str]  # key, easting, northing, district, ward


@pytest.fixture
def real_rows(real_data: Path, tmp_path: Path) -> list[Row]:
    """The real postcodes of three councils and around, in force with the wards that lie there."""
    for slug, district in COUNCILS.items():
        found_council(district, slug=slug)
    with lzma.open(real_data / "postcodes_2024" / "national_compact.csv.xz", "rt") as national:
        lines = [next(national), *(line for line in national if line.startswith(POSTCODE_AREAS))]
    (tmp_path / "codepo.csv").write_text("".join(lines))
    cells = [line.strip().split(",") for line in lines[1:]]
    used = {ward for *_, ward in cells}
    with gzip.open(real_data / "wards_2021" / "wards21_uk.geojson.gz") as file:
        wards = json.load(file)
    wards["features"] = [one for one in wards["features"] if one["properties"]["WD21CD"] in used]
    (tmp_path / "wards.geojson").write_text(json.dumps(wards))
    put_in_force(tmp_path / "wards.geojson")
    put_in_force(tmp_path / "codepo.csv")
    return [(key, float(e), float(n), lad, ward) for key, quality, e, n, lad, ward in cells if quality != "90" and ward]


def test_rims_and_circles_equal_loops_over_the_real_postcodes(real_rows: list[Row]) -> None:
    east, north = (np.array([row[at] for row in real_rows], dtype=float) for at in (1, 2))
    with transaction() as session:
        near = {
            row.key: row.near_ward_codes for row in session.execute(text("SELECT key, near_ward_codes FROM postcode"))
        }
        outlines = session.execute(
            text("SELECT code, geom FROM area WHERE district_code = ANY(:own)"), {"own": list(COUNCILS.values())}
        ).all()
    assert len(outlines) == 14 + 17 + 5
    for code, geom in outlines:
        ward = shapely.from_wkb(geom)
        west, south, right, top = ward.buffer(ward_edges.REACH_M + 1).bounds
        close = np.flatnonzero((east >= west) & (east <= right) & (north >= south) & (north <= top))
        distances = [ward.distance(shapely.Point(east[at], north[at])) for at in close]
        expected = {
            real_rows[at][0] for at, metres in zip(close, distances, strict=True) if metres <= ward_edges.REACH_M
        }
        expected -= {key for key, *_, own in real_rows if own == code}
        assert {key for key, codes in near.items() if code in (codes or ())} == expected, code
    assert sum(len(codes or ()) > 1 for codes in near.values()) > 20
    for district in COUNCILS.values():
        own = [at for at, row in enumerate(real_rows) if row[3] == district]
        for at, radius_m in zip(own[:: len(own) // 8], (50, 100, 500, 750, 1_000, 2_000, 3_000, 5_000), strict=False):
            key = real_rows[at][0]
            asked = AudienceSpec(circle=Circle(postcode=key, radius_m=radius_m))
            inside = np.hypot(east - east[at], north - north[at]) <= radius_m
            with transaction() as session:
                found = audience_areas.resolve(session, asked, district_codes=[district], is_emergency=False)
            assert set(found.included.postcodes) == {real_rows[one][0] for one in np.flatnonzero(inside)}, key
