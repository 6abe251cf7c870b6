"""Choosing postcodes by shape, and areas by point."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from notify.places.spatial_index import PostcodeIndex, edge_distances, keys_by_area, points_to_areas

metre = st.integers(0, 40)
points_of = st.lists(st.tuples(metre, metre), min_size=0, max_size=60)


def key_of(number: int) -> str:
    return f"ZZ{number // 10}{number % 10}AA"


def index_of(points: list[tuple[int, int]]) -> PostcodeIndex:
    return PostcodeIndex(
        [key_of(number) for number in range(len(points))], [x for x, _ in points], [y for _, y in points]
    )


@st.composite
def areas(draw: st.DrawFn) -> Polygon:
    corners = draw(st.lists(st.tuples(metre, metre), min_size=3, max_size=8, unique=True))
    hull = MultiPolygon([box(*draw(st.tuples(metre, metre)), 20, 20)]).union(shapely.MultiPoint(corners).convex_hull)
    holed = hull.difference(Point(draw(st.tuples(metre, metre))).buffer(draw(st.integers(1, 8))))
    return holed.buffer(0)


@settings(deadline=None)
@given(points_of, areas())
def test_a_shape_chooses_what_a_plain_loop_chooses(points: list[tuple[int, int]], area: Polygon) -> None:
    naive = {key_of(number) for number, (x, y) in enumerate(points) if area.intersects(Point(x, y))}
    chosen = index_of(points).within(area)
    assert set(chosen) == naive
    assert len(chosen) == len(naive)


@settings(deadline=None)
@given(points_of, st.tuples(metre, metre), st.integers(1, 30))
def test_a_circle_chooses_by_true_distance(points: list[tuple[int, int]], centre: tuple[int, int], radius: int) -> None:
    x0, y0 = centre
    naive = {key_of(i) for i, (x, y) in enumerate(points) if (x - x0) ** 2 + (y - y0) ** 2 <= radius**2}
    assert set(index_of(points).within_circle(x0, y0, radius)) == naive


def test_points_on_the_boundary_and_on_corners_count() -> None:
    index = index_of([(0, 0), (10, 5), (10, 10), (11, 5)])
    assert index.within(box(0, 0, 10, 10)) == [key_of(0), key_of(1), key_of(2)]


def test_a_point_in_a_hole_is_outside_and_on_its_edge_inside() -> None:
    ring = box(0, 0, 10, 10).difference(box(4, 4, 6, 6))
    assert index_of([(5, 5), (4, 5), (2, 2)]).within(ring) == [key_of(2), key_of(1)]


def test_postcodes_that_share_a_point_all_come() -> None:
    assert len(index_of([(5, 5)] * 7).within(box(0, 0, 10, 10))) == 7


def test_an_empty_shape_or_index_chooses_nothing() -> None:
    assert index_of([(1, 1)]).within(Polygon()) == []
    assert index_of([]).within(box(0, 0, 1, 1)) == []
    assert index_of([]).within_circle(0, 0, 5) == []
    assert len(index_of([])) == 0


def test_a_point_exactly_at_the_radius_counts() -> None:
    assert index_of([(3, 4), (3, 5)]).within_circle(0, 0, 5) == [key_of(0)]


def test_seven_character_postcodes_keep_their_last_letter() -> None:
    assert PostcodeIndex(["DN551PT"], [1], [1]).within(box(0, 0, 2, 2)) == ["DN551PT"]


def test_every_point_comes_with_each_area_it_lies_in() -> None:
    index = index_of([(5, 5), (10, 5), (15, 5), (50, 50)])
    wards = [("E05000002", box(10, 0, 20, 10)), ("E05000001", box(0, 0, 10, 10))]
    assert sorted(points_to_areas(index, wards)) == [
        (key_of(0), "E05000001"),
        (key_of(1), "E05000001"),
        (key_of(1), "E05000002"),
        (key_of(2), "E05000002"),
    ]
    assert {code: len(keys) for code, keys in keys_by_area(index, wards)} == {"E05000001": 2, "E05000002": 2}


WEST, EAST, NORTH = box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000), box(0, 1000, 2000, 2000)
WARDS = [("E05000003", NORTH), ("E05000002", EAST), ("E05000001", WEST)]


def test_edges_are_measured_to_the_own_area_and_the_neighbours_named_nearest_first() -> None:
    edges = edge_distances(
        [500, 970, 990, 1030, 5, 1200],
        [500, 500, 995, 500, 500, 500],
        ["E05000001", "E05000001", "E05000001", "E05000001", "E05000001", "E05000009"],
        WARDS,
    )
    assert edges.distance_m[:5].tolist() == [500, 30, 5, 30, 5]
    assert np.isnan(edges.distance_m[5])
    east, north = "E05000002", "E05000003"
    assert edges.neighbours == [(), (east,), (north, east), (east,), (), (east,)]


def test_the_lower_code_wins_between_equally_near_neighbours() -> None:
    edges = edge_distances([980], [980], ["E05000001"], WARDS)
    assert edges.neighbours[0][0] == "E05000002"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(-100, 2100), st.integers(-100, 2100), st.sampled_from(WARDS)), max_size=30))
def test_edges_match_a_plain_loop(asked: list[tuple[int, int, tuple[str, Polygon]]]) -> None:
    edges = edge_distances([x for x, _, _ in asked], [y for _, y, _ in asked], [w[0] for _, _, w in asked], WARDS)
    for place, (x, y, (code, area)) in enumerate(asked):
        point = Point(x, y)
        assert edges.distance_m[place] == pytest.approx(area.boundary.distance(point), rel=1e-5)
        near = sorted((other.distance(point), name) for name, other in WARDS if name != code)
        assert edges.neighbours[place] == tuple(name for metres, name in near if metres <= 50)
