"""The importers and activation on real releases of 2014, 2021 and 2024."""

import subprocess
import sys
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.places import activation
from notify.places.activation import ActivationReport, ReleaseNeedsConfirmation
from notify.places.release_loading import load_areas, load_postcodes
from tests.places.invented import found_council, place, settle

pytestmark = pytest.mark.usefixtures("database")

CAMBRIDGE = "E07000008"
OLD_ABBEY = "E05002702"
OLD_CASTLE, NEW_CASTLE = "E05002704", "E05013052"
OLD_CHERRY_HINTON, NEW_CHERRY_HINTON = "E05002705", "E05013053"
GONE_IN_CHERRY_HINTON = "CB1 9NL"


def in_force(path: Path, *, confirmed: bool = False) -> ActivationReport:
    read = load_postcodes if path.name.endswith(".csv") else load_areas
    loaded = read(path, product="Real", version=path.parent.name, attribution="OGL")
    with transaction() as session:
        return activation.activate(session, loaded.release_id, confirmed=confirmed)


def test_cambridge_of_2024(client: TestClient[Litestar], real_data: Path) -> None:
    found_council(CAMBRIDGE, slug="cambridge")
    in_force(real_data / "postcodes_2024" / "cb.csv")
    wards = in_force(real_data / "wards_2021" / "E07000008.geojson")
    assert wards.edges == 2_947

    answer = client.get("/api/v1/postcodes/cb12ex").json()
    assert (answer["postcode"], answer["district"]["code"]) == ("CB1 2EX", CAMBRIDGE)
    assert answer["ward"] == {"code": "E05013057", "name": "Market"}
    assert (round(answer["lon"], 1), round(answer["lat"], 1)) == (0.1, 52.2)
    assert [council["slug"] for council in answer["councils"]] == ["cambridge"]
    assert client.get("/api/v1/postcodes/CB9 9ZZ").status_code == 404

    collection = client.get(
        "/api/v1/areas", params={"council": "cambridge"}, headers={"Accept": "application/geo+json"}
    ).json()
    assert [f["properties"]["code"] for f in collection["features"]] == [f"E050130{n}" for n in range(50, 64)]


def test_the_national_wards_load_whole(real_data: Path) -> None:
    loaded = load_areas(
        real_data / "wards_2013" / "wards13_england_wales_6dp.geojsonl.gz", product="p", version="2013", attribution=""
    )
    assert (loaded.rows, loaded.refused) == (8_533, 0)
    assert [code for code, _ in loaded.repaired] == ["E05004205"]


def test_ten_years_of_change_in_cambridge(real_data: Path) -> None:
    found_council(CAMBRIDGE, slug="cambridge")
    in_force(real_data / "wards_2013" / "E07000008.json")
    assert in_force(real_data / "postcodes_2014" / "cb.csv").edges == 2_756
    mover = settle("CB3 0AA", OLD_CASTLE)
    gone_from_abbey = settle("CB1 0AP", OLD_ABBEY)  # Abbey was split, so nobody can say where it went
    gone_from_cherry_hinton = settle(GONE_IN_CHERRY_HINTON, OLD_CHERRY_HINTON)  # which went whole into the new one

    with pytest.raises(ReleaseNeedsConfirmation) as refused:
        in_force(real_data / "postcodes_2024" / "cb.csv")
    assert (refused.value.fields["own_vanished"], refused.value.fields["own_before"]) == (183, 2_756)
    with transaction() as session:
        report = activation.activate(session, 3, confirmed=True)

    assert (report.moved_ward, report.places_changed, report.needing_review) == (9_763, 2, 2)
    assert (place(mover).ward_code, place(mover).needs_review) == (NEW_CASTLE, False)
    assert (place(gone_from_abbey).ward_code, place(gone_from_abbey).needs_review) == (OLD_ABBEY, True)
    moved_along = place(gone_from_cherry_hinton)
    assert (moved_along.ward_code, moved_along.needs_review) == (NEW_CHERRY_HINTON, True)
    with transaction() as session:
        changes = session.execute(text("SELECT place_id, old_ward_code, new_ward_code FROM place_change")).all()
    assert set(changes) == {
        (mover, OLD_CASTLE, NEW_CASTLE),
        (gone_from_cherry_hinton, OLD_CHERRY_HINTON, NEW_CHERRY_HINTON),
    }


def test_ended_postcodes_of_the_directory_say_when(client: TestClient[Litestar], real_data: Path) -> None:
    loaded = load_postcodes(
        real_data / "onspd" / "postcodesio_seed_onspd_AB1.csv.gz", product="ONSPD", version="1", attribution=""
    )
    assert (loaded.rows, loaded.ended) == (8_048, 3_811)
    with transaction() as session:
        activation.activate(session, loaded.release_id)
    reply = client.get("/api/v1/postcodes/AB1 0AA")
    assert (reply.status_code, reply.json()["ended_on"]) == (410, "1996-06-01")


MEASURE = """
import sys
from pathlib import Path
from notify.places.release_loading import load_postcodes
report = load_postcodes(Path(sys.argv[1]), product="p", version="v", attribution="a")
# ru_maxrss would begin with the size of the process that started this one
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(report.rows, round(report.seconds, 1), int(peak.split()[1]) // 1024)
"""


def test_all_of_great_britain_streams_in_under_300_mb(real_data: Path) -> None:
    source = real_data / "postcodes_2024" / "national_compact.csv.xz"
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(source)], check=True, capture_output=True, text=True, timeout=120
    )
    rows, _, peak_mb = done.stdout.split()
    assert int(rows) == 1_738_225
    assert int(peak_mb) < 300
