"""What an officer means, as sets of published codes and postcodes."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import shapely

from notify.core.db import transaction
from notify.places import audience_areas
from notify.places.audience_areas import CircleNeedsCentre, NoPostcodesLoaded, OutsideCouncil, UnknownArea
from notify.places.geometry import to_geojson
from notify.places.models import AudienceSpec, Targets
from notify.places.postcodes import PostcodeNotValid
from notify.places.projection import to_lon_lat
from tests.places.invented import (
    DISTRICT,
    EAST,
    FAR_DISTRICT,
    NEW_EAST,
    POSTCODES,
    WEST,
    postcode_file,
    put_in_force,
    settle,
    ward_file,
)

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def places(database: None, tmp_path: Path) -> None:
    """Two wards, five postcodes and one without a location."""
    put_in_force(ward_file(tmp_path / "w.geojson"))
    put_in_force(postcode_file(tmp_path / "zz.csv", [*POSTCODES, ("ZZ9 9ZZ", 0, 0, WEST)]))


def resolve(*, is_emergency: bool = False, districts: Sequence[str] = (DISTRICT,), **asked: object) -> Targets:
    with transaction() as session:
        spec = AudienceSpec.model_validate(asked)
        return audience_areas.resolve(session, spec, district_codes=districts, is_emergency=is_emergency)


def square(
    west: float, south: float, east: float, north: float, *, hole: tuple[float, float, float, float] | None = None
) -> dict[str, object]:
    """GeoJSON of a box in metres."""
    box = shapely.box(west, south, east, north)
    return to_geojson(box.difference(shapely.box(*hole)) if hole else box)


WEST_HALF = (555_400, 344_400, 555_995, 344_700)


def test_an_absent_audience_is_everywhere() -> None:
    with transaction() as session:
        targets = audience_areas.resolve(session, None, district_codes=[DISTRICT], is_emergency=False)
    assert targets.everywhere
    assert not targets.included
    assert not targets.excluded
    assert resolve(excluded={"wards": [WEST]}).everywhere


def test_wards_and_districts_stay_codes_named_once() -> None:
    targets = resolve(wards=[EAST, WEST, EAST])
    assert (targets.included.wards, targets.included.postcodes, targets.everywhere) == ((EAST, WEST), (), False)


def test_postcodes_and_sectors_are_told_apart() -> None:
    included = resolve(postcodes=["zz1 1aa", "ZZ1 1AA", "ZZ2 1"]).included
    assert (included.postcodes, included.sectors) == (("ZZ11AA",), ("ZZ21",))
    with pytest.raises(PostcodeNotValid):
        resolve(postcodes=["ZZ2"])


def test_a_circle_round_a_postcode_or_a_point_takes_true_distance() -> None:
    assert resolve(circle={"postcode": "zz11ad", "radius_m": 50}).included.postcodes == ("ZZ11AD", "ZZ21AA")
    assert resolve(circle={"postcode": "ZZ1 1AD", "radius_m": 49}).included.postcodes == ("ZZ11AD",)
    lon, lat = to_lon_lat(555_990, 344_500)
    assert resolve(circle={"lon": lon, "lat": lat, "radius_m": 51}).included.postcodes == ("ZZ11AD", "ZZ21AA")


@pytest.mark.parametrize(
    "circle",
    [
        {"radius_m": 50},
        {"postcode": "ZZ1 1AD", "lon": 0.3, "lat": 52.9, "radius_m": 50},
        {"lon": 0.3, "radius_m": 50},
        {"postcode": "ZZ9 9ZZ", "radius_m": 50},
        {"postcode": "ZZ8 8ZZ", "radius_m": 50},
    ],
)
def test_a_circle_needs_exactly_one_known_centre(circle: dict[str, object]) -> None:
    with pytest.raises(CircleNeedsCentre):
        resolve(circle=circle)


def test_a_polygon_selects_the_postcodes_inside_it() -> None:
    assert resolve(polygon=square(*WEST_HALF)).included.postcodes == ("ZZ11AA", "ZZ11AB", "ZZ11AD")


def test_a_hole_stays_a_hole() -> None:
    holed = square(*WEST_HALF, hole=(555_450, 344_450, 555_550, 344_550))
    assert resolve(polygon=holed).included.postcodes == ("ZZ11AB", "ZZ11AD")


def test_emergencies_take_a_margin_of_100_metres_unless_told_otherwise() -> None:
    shape = square(*WEST_HALF)
    emergency = resolve(polygon=shape, is_emergency=True)
    assert emergency.included.postcodes == ("ZZ11AA", "ZZ11AB", "ZZ11AD", "ZZ21AA")
    assert emergency.near_boundary
    assert resolve(polygon=shape, buffer_m=0, is_emergency=True).included.postcodes == ("ZZ11AA", "ZZ11AB", "ZZ11AD")
    routine = resolve(polygon=shape, buffer_m=50)
    assert routine.included.postcodes == ("ZZ11AA", "ZZ11AB", "ZZ11AD", "ZZ21AA")
    assert not routine.near_boundary


def test_the_margin_widens_circles_too() -> None:
    circle = {"postcode": "ZZ1 1AD", "radius_m": 5}
    assert resolve(circle=circle).included.postcodes == ("ZZ11AD",)
    assert resolve(circle=circle, is_emergency=True).included.postcodes == ("ZZ11AD", "ZZ21AA")


def test_what_is_left_out_gets_no_margin() -> None:
    targets = resolve(is_emergency=True, wards=[WEST], excluded={"polygon": square(*WEST_HALF)})
    assert targets.excluded.postcodes == ("ZZ11AA", "ZZ11AB", "ZZ11AD")


def test_parts_are_a_union() -> None:
    targets = resolve(wards=[EAST], postcodes=["ZZ1 1AA"], circle={"postcode": "ZZ2 1AB", "radius_m": 10})
    assert (targets.included.wards, targets.included.postcodes) == ((EAST,), ("ZZ11AA", "ZZ21AB"))


def test_an_unknown_ward_is_named() -> None:
    with pytest.raises(UnknownArea, match="Z05999999") as refused:
        resolve(wards=[WEST, "Z05999999"])
    assert refused.value.fields["unknown"] == ["Z05999999"]


def test_a_code_that_only_residents_places_carry_is_known() -> None:
    settle("ZZ1 1AA", NEW_EAST)
    assert resolve(wards=[NEW_EAST]).included.wards == (NEW_EAST,)


def test_shapes_outside_the_council_are_refused() -> None:
    with pytest.raises(OutsideCouncil):
        resolve(polygon=square(400_000, 300_000, 401_000, 301_000))
    with pytest.raises(OutsideCouncil):
        resolve(circle={"lon": -1.5, "lat": 52.5, "radius_m": 500})


def test_a_council_without_postcodes_cannot_draw() -> None:
    with pytest.raises(NoPostcodesLoaded):
        resolve(polygon=square(*WEST_HALF), districts=[FAR_DISTRICT])


def test_a_new_release_is_seen_at_once(tmp_path: Path) -> None:
    shape = square(*WEST_HALF)
    assert len(resolve(polygon=shape).included.postcodes) == 3
    put_in_force(postcode_file(tmp_path / "new.csv", POSTCODES[1:]))
    assert resolve(polygon=shape).included.postcodes == ("ZZ11AB", "ZZ11AD")


def test_targets_survive_the_database() -> None:
    targets = resolve(is_emergency=True, wards=[WEST], postcodes=["ZZ2 1"], excluded={"postcodes": ["ZZ1 1AA"]})
    assert Targets.from_json(targets.as_json()) == targets
