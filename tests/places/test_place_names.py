"""Streets and places by name: loaded from OS Open Names, found by what somebody types at three in the morning."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.places.commands import geodata
from notify.places.place_names.keys import key_of
from notify.staff.models import Role
from tests.drafting.desk import draw_wards
from tests.world import World, make_other_council, make_world, signed_in

Client = TestClient[Litestar]
ROWS = (
    ("Mill Lane", "", "transportNetwork", "Named Road", 555_600, 344_500, "Zedholm"),
    ("Mill Lane", "", "transportNetwork", "Named Road", 555_900, 344_900, "Harbour End"),
    ("Millfield Road", "", "transportNetwork", "Named Road", 555_700, 344_700, "Zedholm"),
    ("St Mary’s Close", "", "transportNetwork", "Named Road", 556_100, 344_500, "Zedholm"),
    ("Harbour End", "Pen yr Harbwr", "populatedPlace", "Village", 556_000, 344_800, ""),
    ("Zedholm Hospital", "", "other", "Hospital", 555_800, 344_300, "Zedholm"),
    ("ZZ1 1AA", "", "other", "Postcode", 555_500, 344_500, "Zedholm"),
    ("Mill Lane", "", "transportNetwork", "Named Road", 250_000, 60_000, "Far Away"),
)


def names_file(path: Path, *, columns: int = 34) -> Path:
    """A file as Ordnance Survey publishes it: 34 columns and no header."""
    lines = []
    for number, (name, other, kind, local, x, y, near) in enumerate(ROWS):
        cells = [f"osgb{number}", "", name, "", other, "", kind, local, str(x), str(y), "", ""]
        cells += [str(x - 50), str(y - 20), str(x + 50), str(y + 20), "ZZ1", "", near, "", "", "Zedholm", "", ""]
        lines.append(",".join((cells + [""] * columns)[:columns]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


@pytest.fixture
def world(database: None) -> World:
    """The invented council."""
    return make_world()


@pytest.fixture
def names(world: World, tmp_path: Path) -> World:
    """The invented council with some names round it."""
    draw_wards()
    result = CliRunner().invoke(geodata, ["load", str(names_file(tmp_path / "opname_csv_gb.csv"))])
    assert result.exit_code == 0, result.output
    assert "7 of 8 names of OS Open Names" in result.output  # seven rows with two names: not the postcode, not far away
    return world


def found(client: Client, world: World, typed: str) -> list[tuple[str, str, str]]:
    answer = client.get("/api/v1/places", params={"q": typed}, headers=world.headers)
    assert answer.status_code == 200, answer.text
    return [(one["name"], one["kind"], one["where"]) for one in answer.json()["places"]]


@pytest.mark.parametrize("typed", ["Mill Lane", "mill la", "MIL LANE", "mill lnae", "Mill  Lane."])
def test_a_street_is_found_however_it_is_typed(typed: str, names: World, client: Client) -> None:
    streets = [one for one in found(client, names, typed) if one[1] == "street"]
    assert streets[:2] == [("Mill Lane", "street", "Harbour End"), ("Mill Lane", "street", "Zedholm")]


def test_apostrophes_and_other_languages_do_not_hide_a_name(names: World, client: Client) -> None:
    assert found(client, names, "st marys close")[0][0] == "St Mary’s Close"
    assert found(client, names, "pen yr harb")[0] == ("Pen yr Harbwr", "village", "Zedholm")
    assert key_of("Tŷ’r Eglwys") == "tyr eglwys"


def test_postcodes_wards_and_what_is_there_are_found_too(names: World, client: Client) -> None:
    assert found(client, names, "zz11ab") == [("ZZ1 1AB", "postcode", "Northside")]
    assert [name for name, _kind, _where in found(client, names, "ZZ1")] == ["ZZ1 1AA", "ZZ1 1AB", "ZZ1 1AD"]
    assert found(client, names, "north")[0] == ("Northside", "ward", "")
    assert found(client, names, "hospital")[0][1] == "hospital"


def test_a_place_has_a_point_and_a_box_to_show(names: World, client: Client) -> None:
    answer = client.get("/api/v1/places", params={"q": "Northside"}, headers=names.headers).json()
    ward = answer["places"][0]
    west, south, east, north = ward["bounds"]
    assert ward["code"] == "Z05000001"
    assert west < ward["point"][0] < east
    assert south < ward["point"][1] < north
    assert answer["attribution"].startswith("Contains OS data")


@pytest.mark.parametrize("typed", ["far away", "qqqq", "?", "%", "x" * 100])
def test_what_is_not_in_the_council_is_not_found(typed: str, names: World, client: Client) -> None:
    assert found(client, names, typed) == []


def test_a_council_elsewhere_finds_none_of_it(names: World, client: Client) -> None:
    other = make_other_council(districts=["Z07000009"])
    assert found(client, other, "Mill Lane") == []
    assert found(client, other, "ZZ1 1AA") == []


def test_the_map_of_staff_asks_the_same(names: World, client: Client) -> None:
    viewer = signed_in(names.council_id, Role.VIEWER)
    answer = client.get("/staff/places/search", params={"q": "hospital"}, headers=viewer)
    assert answer.json()["places"][0]["name"] == "Zedholm Hospital"
    wards = client.get("/staff/places/wards.geojson", headers=viewer)
    assert [one["properties"]["name"] for one in wards.json()["features"]] == ["Northside", "Southside"]
    again = client.get("/staff/places/wards.geojson", headers=viewer | {"If-None-Match": wards.headers["etag"]})
    assert again.status_code == 304


def test_names_are_replaced_as_a_whole_and_a_wrong_file_changes_nothing(names: World, tmp_path: Path) -> None:
    wrong = CliRunner().invoke(geodata, ["load", str(names_file(tmp_path / "open_names.csv", columns=30))])
    assert "has 30 columns; OS Open Names has 34" in wrong.output
    again = CliRunner().invoke(geodata, ["load", str(names_file(tmp_path / "opname_2026.csv"))])
    assert again.exit_code == 0, again.output
    with transaction() as session:
        assert session.execute(text("SELECT count(*), max(row_count) FROM named_place, named_place_edition")).one() == (
            7,
            7,
        )
