"""Shapes that people draw or send."""

import json
import math
import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, shape

from notify.core.errors import Invalid
from notify.places import geometry as g
from notify.places import projection as p

SQUARE = [[0.1, 52.1], [0.12, 52.1], [0.12, 52.12], [0.1, 52.12], [0.1, 52.1]]
HOLE = [[0.105, 52.105], [0.115, 52.105], [0.115, 52.115], [0.105, 52.115], [0.105, 52.105]]
BOWTIE = [[0.1, 52.1], [0.12, 52.12], [0.12, 52.1], [0.1, 52.12], [0.1, 52.1]]
NAN, INF = float("nan"), float("inf")


def polygon(*rings: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {}, "geometry": geometry}


def test_a_square_comes_out_in_metres() -> None:
    square = g.parse_shape(polygon(SQUARE))
    assert square.area == pytest.approx(1_370 * 2_226, rel=0.01)
    easting, northing = g.to_national_grid(0.11, 52.11)
    assert square.contains(shapely.Point(easting, northing))


@pytest.mark.parametrize(
    "sent",
    [
        polygon(SQUARE[::-1]),
        polygon([[*position, 12.5] for position in SQUARE]),
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        feature(polygon(SQUARE)),
        {"type": "FeatureCollection", "features": [feature(polygon(SQUARE)), polygon(SQUARE)]},
        polygon([tuple(position) for position in SQUARE]),
    ],
)
def test_winding_heights_and_wrapping_make_no_difference(sent: object) -> None:
    difference = g.parse_shape(sent).symmetric_difference(g.parse_shape(polygon(SQUARE)))
    assert difference.area == pytest.approx(0, abs=1)


def test_a_hole_stays_a_hole() -> None:
    ring = g.parse_shape(polygon(SQUARE, HOLE))
    assert not ring.contains(shapely.Point(g.to_national_grid(0.11, 52.11)))
    assert ring.area == pytest.approx(0.75 * g.parse_shape(polygon(SQUARE)).area, rel=1e-3)


def test_overlapping_parts_are_joined() -> None:
    moved = [[x + 0.01, y] for x, y in SQUARE]
    joined = g.parse_shape({"type": "MultiPolygon", "coordinates": [[SQUARE], [moved]]})
    assert joined.geom_type == "Polygon"
    assert joined.area == pytest.approx(1.5 * g.parse_shape(polygon(SQUARE)).area, rel=1e-3)


def test_a_margin_grows_the_shape_and_narrows_its_holes() -> None:
    plain, grown = g.parse_shape(polygon(SQUARE, HOLE)), g.parse_shape(polygon(SQUARE, HOLE), buffer_m=100)
    assert shapely.hausdorff_distance(*shapely.get_exterior_ring([plain, grown])) == pytest.approx(100, abs=0.5)
    assert shapely.hausdorff_distance(*shapely.get_interior_ring([plain, grown], 0)) == pytest.approx(141, abs=1)


def test_a_margin_round_a_long_outline_matches_the_simple_method() -> None:
    turns = np.linspace(0, 2 * np.pi, 3_000, endpoint=False)
    reach = 0.05 + 0.01 * np.sin(40 * turns)
    ring = np.column_stack([0.1 + reach * np.cos(turns), 52.1 + reach * np.sin(turns)]).tolist()
    far = [[x + 0.3, y] for x, y in SQUARE]
    sent = {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]], HOLE], [far]]}
    plain, grown = g.parse_shape(sent), g.parse_shape(sent, buffer_m=100)
    assert grown.is_valid
    assert grown.symmetric_difference(plain.buffer(100)).area < 1e-3 * grown.area
    assert grown.boundary.distance(plain) == pytest.approx(100, abs=0.2)


def test_an_edge_straight_in_degrees_stays_where_it_was_drawn() -> None:
    wide = g.parse_shape(polygon([[-1.0, 52.0], [1.0, 52.0], [1.0, 52.5], [-1.0, 52.5], [-1.0, 52.0]]))
    middle = shapely.Point(g.to_national_grid(0.0, 52.0))
    assert wide.distance(middle) < 1
    assert wide.boundary.distance(middle) < 1


@pytest.mark.parametrize(
    ("sent", "error", "says"),
    [
        (polygon([[y, x] for x, y in SQUARE]), p.AxesSwapped, "longitude first"),
        (polygon([[545e3, 258e3], [546e3, 258e3], [546e3, 259e3], [545e3, 258e3]]), p.EastingsSentAsDegrees, "Convert"),
        (polygon([[x + 40, y] for x, y in SQUARE]), p.OutsideTheUk, "minus sign"),
        (polygon([*SQUARE[:-1], [0.1, 62.0], SQUARE[0]]), p.OutsideTheUk, "0.1, 62"),
        (polygon(SQUARE[:-1]), g.RingNotClosed, "Repeat its first position"),
        (polygon(SQUARE, HOLE[:-1]), g.RingNotClosed, "Ring 2 of polygon 1"),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), g.RingTooShort, "at least four"),
        (polygon([]), g.RingTooShort, "0 positions"),
        (polygon([*SQUARE[:2], [NAN, 52.1], SQUARE[0]]), p.CoordinatesNotFinite, "finite"),
        (polygon([*SQUARE[:2], [INF, 52.1], SQUARE[0]]), p.CoordinatesNotFinite, "finite"),
        (polygon([*SQUARE[:2], [10**400, 52.1], SQUARE[0]]), p.CoordinatesNotFinite, "finite"),
        (polygon([*SQUARE[:2], ["0.1", 52.1], SQUARE[0]]), p.CoordinatesNotFinite, "finite"),
        (polygon([*SQUARE[:2], [None, 52.1], SQUARE[0]]), p.CoordinatesNotFinite, "finite"),
        (polygon([*SQUARE[:2], [True, 52.1], SQUARE[0]]), p.CoordinatesNotFinite, "finite"),
        (polygon([*SQUARE[:2], [0.1], SQUARE[0]]), p.CoordinatesNotFinite, "pair"),
        (polygon(*SQUARE), p.CoordinatesNotFinite, "brackets"),
        (polygon(), g.ShapeIsEmpty, "no positions"),
        ({"type": "MultiPolygon", "coordinates": []}, g.ShapeIsEmpty, "no positions"),
        ({"type": "FeatureCollection", "features": []}, g.ShapeIsEmpty, "no positions"),
        (feature(None), g.ShapeIsEmpty, "Draw"),
        (polygon([[0.1, 52.1], [0.2, 52.2], [0.3, 52.3], [0.1, 52.1]]), g.ShapeIsEmpty, "on a line"),
        (polygon([[0.1, 52.1]] * 5), g.ShapeIsEmpty, "one spot"),
        ({"type": "Point", "coordinates": [0.1, 52.1]}, g.ShapeTypeNotAccepted, "circle"),
        (feature({"type": "LineString", "coordinates": SQUARE}), g.ShapeTypeNotAccepted, "areas"),
        ({"type": "Polygon"}, g.ShapeTypeNotAccepted, "lists"),
        ({"type": "Polygon", "coordinates": "0.1 52.1"}, g.ShapeTypeNotAccepted, "lists"),
        ({"type": ["Polygon"], "coordinates": []}, g.ShapeTypeNotAccepted, "Send a GeoJSON"),
        (polygon(SQUARE, 7), g.ShapeTypeNotAccepted, "lists"),
        (None, g.ShapeTypeNotAccepted, "Send a GeoJSON"),
        ([SQUARE], g.ShapeTypeNotAccepted, "Send a GeoJSON"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(sent: object, error: type[Invalid], says: str) -> None:
    with pytest.raises(error, match=says) as refused:
        g.parse_shape(sent)
    assert type(refused.value) is error
    assert refused.value.title != Invalid.title


def test_a_crossing_outline_is_refused_with_a_repair_that_is_accepted() -> None:
    with pytest.raises(g.ShapeCrossesItself, match=r"near longitude 0\.11000, latitude 52\.11000") as refused:
        g.parse_shape(polygon(BOWTIE))
    offered = refused.value.fields["repaired"]
    json.dumps(offered)
    assert g.parse_shape(offered).area == pytest.approx(0.5 * g.parse_shape(polygon(SQUARE)).area, rel=0.01)


degrees = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda xy: [0.1 + xy[0] / 1e3, 52.1 + xy[1] / 1e3])


@settings(max_examples=150, deadline=None)
@given(st.lists(degrees, min_size=3, max_size=12))
def test_every_scribble_is_accepted_repaired_or_empty(positions: list[list[float]]) -> None:
    try:
        accepted = g.parse_shape(polygon([*positions, positions[0]]))
    except g.ShapeIsEmpty:
        return
    except g.ShapeCrossesItself as refused:
        accepted = g.parse_shape(refused.fields["repaired"])
    assert accepted.is_valid
    assert accepted.area > 0
    assert accepted.geom_type in ("Polygon", "MultiPolygon")


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=5),
        max_leaves=20,
    ),
    st.sampled_from(["Polygon", "MultiPolygon", "Feature", "FeatureCollection", "Point"]),
    st.sampled_from(["coordinates", "geometry", "features"]),
)
def test_no_sent_value_escapes_as_anything_but_a_refusal(value: object, kind: str, member: str) -> None:
    with pytest.raises(Invalid):
        g.parse_shape({"type": kind, member: value})


def test_too_much_detail_is_refused_before_any_work() -> None:
    long_ring = [[NAN, NAN]] * 50_001
    with pytest.raises(g.ShapeTooComplex, match="50,001 positions"):
        g.parse_shape(polygon(long_ring))
    with pytest.raises(g.ShapeTooComplex, match="1,001 parts"):
        g.parse_shape({"type": "MultiPolygon", "coordinates": [[SQUARE]] * 1_001})
    with pytest.raises(g.ShapeTooComplex, match="1,001 parts"):
        g.parse_shape({"type": "FeatureCollection", "features": [feature(None)] * 1_001})


def test_a_shape_made_to_exhaust_the_server_is_refused_soon() -> None:
    rng = np.random.default_rng(7)
    scribble = (rng.random((20_000, 2)) * 0.5 + [0.0, 52.0]).tolist()
    started = time.perf_counter()
    with pytest.raises(g.ShapeTooComplex, match="too often"):
        g.parse_shape(polygon([*scribble, scribble[0]]))
    turns = np.sort(rng.random(50_000)) * 2 * np.pi
    reach = rng.random(50_000) * 0.2 + 0.01
    star = np.column_stack([reach * np.cos(turns), 52.5 + reach * np.sin(turns)]).tolist()
    with pytest.raises(g.ShapeTooComplex, match="too often"):
        g.parse_shape(polygon([*star[:-1], star[0]]), buffer_m=1_000)
    assert time.perf_counter() - started < 5


def test_a_margin_is_refused_round_more_detail_than_it_can_follow() -> None:
    turns = np.linspace(0, 2 * np.pi, 30_000, endpoint=False)
    ring = np.column_stack([0.1 + 0.05 * np.cos(turns), 52.1 + 0.05 * np.sin(turns)]).tolist()
    assert g.parse_shape(polygon([*ring, ring[0]])).is_valid
    with pytest.raises(g.ShapeTooComplex, match="without a margin"):
        g.parse_shape(polygon([*ring, ring[0]]), buffer_m=1)


@pytest.mark.parametrize("margin_m", [-1, 1_000.1, NAN, INF])
def test_a_margin_out_of_range_is_refused(margin_m: float) -> None:
    with pytest.raises(g.MarginOutOfRange):
        g.parse_shape(polygon(SQUARE), buffer_m=margin_m)


@pytest.mark.parametrize("radius_m", [0, 0.9, 50_001, NAN, INF, -5])
def test_a_radius_out_of_range_is_refused(radius_m: float) -> None:
    with pytest.raises(g.RadiusOutOfRange):
        g.circle(545_000, 258_000, radius_m)


def test_a_circle_has_the_area_of_one() -> None:
    assert g.circle(545_000, 258_000, 1_000).area == pytest.approx(math.pi * 1e6, rel=1e-3)
    with pytest.raises(p.CoordinatesNotFinite):
        g.circle(NAN, 0, 10)


def test_geojson_is_written_anticlockwise_with_six_decimals_and_its_hole() -> None:
    written = g.to_geojson(g.parse_shape(polygon(SQUARE[::-1], HOLE)))
    assert written["type"] == "Polygon"
    outer, hole = shapely.get_rings(shape(written))
    assert outer.is_ccw
    assert not hole.is_ccw
    assert all(round(value, 6) == value for position in outer.coords for value in position)
    assert np.allclose(sorted(outer.coords), sorted(map(tuple, SQUARE)), atol=2e-6)


@given(st.floats(-8, 2), st.floats(49.5, 61))
def test_degrees_come_back_from_metres(lon: float, lat: float) -> None:
    assert g.to_lon_lat(*g.to_national_grid(lon, lat)) == pytest.approx((lon, lat), abs=1e-6)


def test_a_point_is_checked_like_a_shape() -> None:
    with pytest.raises(p.AxesSwapped):
        g.to_national_grid(52.2, 0.1)
    with pytest.raises(p.EastingsSentAsDegrees):
        g.to_national_grid(545_000, 258_000)
    with pytest.raises(p.CoordinatesNotFinite):
        g.to_national_grid(NAN, 52)


def test_repair_gives_polygons_or_nothing() -> None:
    assert g.repair(Polygon([(0, 0), (1, 1), (2, 2), (0, 0)])).is_empty
    assert g.repair(Polygon([(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)])).area == 2
