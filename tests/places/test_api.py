"""The public doors of postcodes and areas."""

from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.places.invented import (
    DISTRICT,
    EAST,
    NEW_EAST,
    POSTCODES,
    SQUARES,
    WEST,
    district_file,
    found_council,
    postcode_file,
    put_in_force,
    ward_file,
)

GEOJSON = {"Accept": "application/geo+json"}


@pytest.fixture
def loaded(client: TestClient[Litestar], tmp_path: Path) -> TestClient[Litestar]:
    """The same client, with a council, its wards, district and postcodes."""
    found_council(DISTRICT)
    put_in_force(ward_file(tmp_path / "w.geojson"))
    put_in_force(district_file(tmp_path / "d.geojson"))
    put_in_force(postcode_file(tmp_path / "zz.csv"))
    return client


@pytest.mark.parametrize("typed", ["ZZ1 1AD", "zz11ad", "%20zz1%201ad", "ZZ1-1AD"])
def test_a_postcode_is_answered_however_it_was_typed(loaded: TestClient[Litestar], typed: str) -> None:
    reply = loaded.get(f"/api/v1/postcodes/{typed}")
    assert reply.status_code == 200
    answer = reply.json()
    assert (round(answer.pop("lon"), 2), round(answer.pop("lat"), 2)) == (0.32, 52.98)
    assert answer == {
        "postcode": "ZZ1 1AD",
        "ward": {"code": WEST, "name": "Ward 1"},
        "district": {"code": DISTRICT, "name": "Zedholm"},
        "councils": [{"slug": "zed", "name": "Zed Council"}],
        "near_boundary": True,
        "edge_m": 10.0,
        "alternative_ward": {"code": EAST, "name": "Ward 2"},
        "nearby_wards": [{"code": EAST, "name": "Ward 2"}],
        "large_user": None,
        "release": {"product": "Invented", "version": "1", "attribution": "Nobody’s."},
    }


def test_a_postcode_in_the_middle_of_its_ward_is_near_nothing(loaded: TestClient[Litestar]) -> None:
    answer = loaded.get("/api/v1/postcodes/ZZ1 1AA").json()
    assert (answer["near_boundary"], answer["edge_m"], answer["alternative_ward"]) == (False, 500.0, None)


def test_positions_have_at_most_six_decimals(loaded: TestClient[Litestar]) -> None:
    answer = loaded.get("/api/v1/postcodes/ZZ2 1AB").json()
    assert all(len(str(answer[axis]).partition(".")[2]) <= 6 for axis in ("lon", "lat"))


def test_without_boundaries_there_are_codes_without_names(client: TestClient[Litestar], tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "zz.csv", [*POSTCODES, ("ZZ9 9ZZ", 0, 0, "")]))
    answer = client.get("/api/v1/postcodes/ZZ1 1AA").json()
    assert answer["ward"] == {"code": WEST, "name": None}
    assert (answer["near_boundary"], answer["edge_m"], answer["councils"]) == (False, None, [])
    nowhere = client.get("/api/v1/postcodes/ZZ9 9ZZ").json()
    assert (nowhere["lon"], nowhere["lat"], nowhere["ward"]) == (None, None, None)


def test_an_unknown_postcode_is_a_problem_of_its_own(loaded: TestClient[Litestar]) -> None:
    reply = loaded.get("/api/v1/postcodes/ZZ9 9ZZ")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/unknown-postcode")
    assert "ZZ9 9ZZ" in reply.json()["detail"]


def test_before_anything_is_loaded_every_postcode_is_unknown(client: TestClient[Litestar]) -> None:
    assert client.get("/api/v1/postcodes/ZZ1 1AA").json()["type"] == "/problems/unknown-postcode"


def test_what_is_no_postcode_is_not_valid(client: TestClient[Litestar]) -> None:
    reply = client.get("/api/v1/postcodes/Harbour Street")
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/postcode-not-valid")


def test_an_ended_postcode_is_gone_and_says_when(client: TestClient[Litestar], tmp_path: Path) -> None:
    file = tmp_path / "onspd.csv"
    file.write_text(
        "pcds,doterm,usertype,oseast1m,osnrth1m,osgrdind,oslaua,osward,lat,long\n"
        f"ZZ1 1AA,202306,1,555500,344500,1,{DISTRICT},{WEST},52.97,0.33\n"
        f"ZZ1 1AB,,1,555500,344500,1,{DISTRICT},{WEST},52.97,0.33\n"
    )
    put_in_force(file)
    reply = client.get("/api/v1/postcodes/ZZ1 1AA")
    assert reply.status_code == 410
    assert (reply.json()["type"], reply.json()["ended_on"]) == ("/problems/ended-postcode", "2023-06-01")
    assert "June 2023" in reply.json()["detail"]
    assert client.get("/api/v1/postcodes/ZZ1 1AB").json()["large_user"] is True


def test_areas_are_listed_by_code_page_by_page(loaded: TestClient[Litestar]) -> None:
    first = loaded.get("/api/v1/areas", params={"type": "ward", "limit": 1}).json()
    assert first["areas"] == [
        {
            "code": WEST,
            "name": "Ward 1",
            "name_cy": "Ward Gymraeg 1",
            "type": "ward",
            "district_code": DISTRICT,
            "population": None,
        }
    ]
    assert first["release"]["attribution"] == "Nobody’s."
    second = loaded.get("/api/v1/areas", params={"limit": 1, "after": first["next"]}).json()
    assert [area["code"] for area in second["areas"]] == [EAST]
    last = loaded.get("/api/v1/areas", params={"limit": 1, "after": second["next"]}).json()
    assert (last["areas"], last["next"]) == ([], None)


def test_areas_can_be_narrowed_to_a_council(loaded: TestClient[Litestar]) -> None:
    found_council("Z07000009", slug="far")

    def codes(**asked: str) -> list[str]:
        return [area["code"] for area in loaded.get("/api/v1/areas", params=asked).json()["areas"]]

    assert codes(council="zed") == [WEST, EAST]
    assert codes(council="zed", type="district") == [DISTRICT]
    assert codes(council="far") == codes(council="far", type="district") == []
    unknown = loaded.get("/api/v1/areas", params={"council": "nowhere"})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-council")


@pytest.mark.parametrize("asked", [{"type": "parish"}, {"limit": "0"}, {"limit": "501"}])
def test_other_types_and_limits_are_refused(loaded: TestClient[Litestar], asked: dict[str, str]) -> None:
    assert loaded.get("/api/v1/areas", params=asked).status_code == 422


def test_a_councils_wards_come_as_geojson_in_one_go(loaded: TestClient[Litestar]) -> None:
    reply = loaded.get("/api/v1/areas", params={"council": "zed"}, headers=GEOJSON)
    assert reply.headers["content-type"].startswith("application/geo+json")
    assert "Accept" in reply.headers["vary"].split(",")
    collection = reply.json()
    assert collection["type"] == "FeatureCollection"
    assert [feature["properties"]["code"] for feature in collection["features"]] == [WEST, EAST]
    (ring,) = collection["features"][0]["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    assert all(0.3 < lon < 0.35 and 52.9 < lat < 53 for lon, lat in ring)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, application/geo+json;q=0.5"])
def test_who_does_not_ask_for_geojson_gets_json(loaded: TestClient[Litestar], accept: str) -> None:
    reply = loaded.get("/api/v1/areas", headers={"Accept": accept})
    assert reply.headers["content-type"].startswith("application/json")


def test_one_area_is_read_by_its_code(loaded: TestClient[Litestar]) -> None:
    area = loaded.get(f"/api/v1/areas/{EAST}").json()
    assert (area["name"], area["type"], area["release"]["product"]) == ("Ward 2", "ward", "Invented")
    feature = loaded.get(f"/api/v1/areas/{DISTRICT}", headers=GEOJSON).json()
    assert (feature["type"], feature["properties"]["name"]) == ("Feature", "Zedholm")
    assert feature["geometry"]["type"] == "Polygon"


def test_a_retired_area_can_still_be_read(loaded: TestClient[Litestar], tmp_path: Path) -> None:
    put_in_force(ward_file(tmp_path / "new.geojson", {WEST: SQUARES[WEST], NEW_EAST: SQUARES[EAST]}))
    assert loaded.get(f"/api/v1/areas/{EAST}").json()["name"] == "Ward 2"
    assert EAST not in [area["code"] for area in loaded.get("/api/v1/areas").json()["areas"]]


def test_an_unknown_area_is_a_problem_of_its_own(loaded: TestClient[Litestar]) -> None:
    reply = loaded.get("/api/v1/areas/Z05999999")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/area-not-found")
