"""What is drawn on the map reaches exactly the people that plain geometry finds, whichever way round it was drawn."""

import html
import json
import random
from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi, sin

import pytest
import shapely
from litestar import Litestar
from litestar.testing import TestClient
from pyproj import Transformer
from sqlalchemy import text

from notify.core.db import transaction
from notify.places.audience_areas import resolve
from notify.places.models import AudienceSpec
from tests.drafting.desk import Officer, sit_down
from tests.world import DISTRICT, NORTH, World, add_resident, make_world

Client = TestClient[Litestar]
Ring = list[tuple[float, float]]
MIDDLE = (555_750.0, 344_500.0)
TO_METRES = Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)
TO_DEGREES = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)
NEAR_M = 8.0  # so near an edge two ways of turning degrees into metres may differ
POINTS = 500


@pytest.fixture
def world(database: None) -> World:
    return make_world()


@pytest.fixture
def points(world: World) -> dict[str, tuple[int, int]]:
    """Many postcodes, scattered."""
    chance = random.Random(7)
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    keys = [f"ZZ9{digit}{one}{other}" for digit in range(2) for one in letters for other in letters][:POINTS]
    found = {key: (555_000 + chance.randrange(1500), 344_000 + chance.randrange(1000)) for key in keys}
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO postcode (release_id, key, easting, northing, ward_code, district_code)
                SELECT 1, key, easting, northing, :ward, :district
                FROM unnest(CAST(:keys AS text[]), CAST(:x AS int[]), CAST(:y AS int[])) AS row (key, easting, northing)
            """),
            {
                "keys": keys, "x": [x for x, _ in found.values()], "y": [y for _, y in found.values()],
                "ward": NORTH, "district": DISTRICT,
            },
        )  # fmt: skip
        rows = session.execute(text("SELECT key, easting, northing FROM postcode WHERE release_id = 1")).all()
    return {row.key: (row.easting, row.northing) for row in rows}


def blot(chance: random.Random, x: float, y: float, size: float) -> Ring:
    """A ring that does not cross itself, in degrees, clockwise or not."""
    count = chance.randrange(4, 14)
    turns = sorted(chance.uniform(0, 2 * pi) for _ in range(count))
    ring = [
        (x + size * chance.uniform(0.3, 1) * cos(turn), y + size * chance.uniform(0.3, 1) * sin(turn)) for turn in turns
    ]
    if chance.random() < 0.5:
        ring.reverse()
    degrees = [tuple(round(each, 6) for each in TO_DEGREES.transform(*point)) for point in ring]
    return [*degrees, degrees[0]]


def is_inside(point: tuple[float, float], rings: Sequence[Ring]) -> bool:
    """By counting the edges that a line to the east crosses."""
    x, y = point
    crossed = 0
    for ring in rings:
        corners = [TO_METRES.transform(*corner) for corner in ring]
        for (ax, ay), (bx, by) in pairwise(corners):
            if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
                crossed += 1
    return crossed % 2 == 1


def is_near(point: tuple[float, float], rings: Sequence[Ring]) -> bool:
    for ring in rings:
        corners = [TO_METRES.transform(*corner) for corner in ring]
        for (ax, ay), (bx, by) in pairwise(corners):
            length = (bx - ax) ** 2 + (by - ay) ** 2 or 1.0
            share = max(0.0, min(1.0, ((point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)) / length))
            if (ax + share * (bx - ax) - point[0]) ** 2 + (ay + share * (by - ay) - point[1]) ** 2 < NEAR_M**2:
                return True
    return False


def drawing(chance: random.Random) -> tuple[list[list[Ring]], list[list[Ring]]]:
    """What somebody drew: one to three areas, some with a hole, and perhaps one to leave out."""
    x, y = MIDDLE
    included = []
    for _ in range(chance.randrange(1, 4)):
        size = chance.uniform(120, 420)
        at = (x + chance.uniform(-500, 500), y + chance.uniform(-300, 300))
        included.append([blot(chance, *at, size)])
    if chance.random() < 0.5:
        square = [(x - 300, y - 300), (x + 300, y - 300), (x + 300, y + 300), (x - 300, y + 300)]
        outer = [tuple(round(each, 6) for each in TO_DEGREES.transform(*point)) for point in square]
        included = [[[*outer, outer[0]], blot(chance, x, y, 200)]]
    left_out = [[blot(chance, x, y, 250)]] if chance.random() < 0.5 else []
    return included, left_out


def as_geojson(polygons: list[list[Ring]]) -> dict[str, object]:
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def is_sound(polygons: list[list[Ring]]) -> bool:
    """Whether a map would let it be finished: no ring crosses itself."""
    shapes = [shapely.Polygon(rings[0], rings[1:]) for rings in polygons]
    return all(shape.is_valid for shape in shapes)


def test_random_drawings_choose_the_postcodes_that_plain_geometry_finds(
    world: World, points: dict[str, tuple[int, int]]
) -> None:
    chance = random.Random(1953)
    tried = 0
    while tried < 40:
        included, left_out = drawing(chance)
        if not (is_sound(included) and is_sound(left_out)):
            continue
        tried += 1
        said: dict[str, object] = {"polygon": as_geojson(included), "buffer_m": 0}
        said |= {"except": {"polygon": as_geojson(left_out)}} if left_out else {}
        with transaction() as session:
            targets = resolve(session, AudienceSpec.model_validate(said), district_codes=[DISTRICT], is_emergency=False)
        chosen = set(targets.included.postcodes) - set(targets.excluded.postcodes)
        for key, point in points.items():
            if any(is_near(point, rings) for rings in (*included, *left_out)):
                continue
            wanted = any(is_inside(point, rings) for rings in included)
            wanted = wanted and not any(is_inside(point, rings) for rings in left_out)
            assert (key in chosen) == wanted, (key, included, left_out)


def test_what_is_drawn_and_left_out_is_kept_sent_and_copied(client: Client, world: World) -> None:
    kim: Officer = sit_down(client, world)
    add_resident(world, "in@example.org", postcodes=["ZZ1 1AA"])
    add_resident(world, "out@example.org", postcodes=["ZZ1 1AB"])

    def square(x: float, y: float, half: float) -> str:
        corners = [(x - half, y - half), (x - half, y + half), (x + half, y + half), (x + half, y - half)]
        ring = [[round(each, 6) for each in TO_DEGREES.transform(*corner)] for corner in (*corners, corners[0])]
        return json.dumps({"type": "Polygon", "coordinates": [ring]})

    kim.begin()
    shape, without = square(555_550, 344_550, 200), square(555_600, 344_600, 30)
    assert kim.where(shape=shape, without_shape=without).status_code == 303
    kim.words()
    alert_id = kim.send()
    alert = client.get(f"/api/v1/alerts/{alert_id}", headers=world.headers).json()
    assert alert["audience"]["polygon"] == json.loads(shape)
    assert alert["audience"]["except"]["polygon"] == json.loads(without)
    with transaction() as session:
        targets = session.execute(text("SELECT targets FROM alert")).scalar_one()
    assert set(targets["included"]["postcodes"]) - set(targets["excluded"]["postcodes"]) == {"ZZ11AA"}
    copied = client.post(f"/staff/alerts/{alert_id}/copy").headers["location"].replace("/words", "/where")
    page = html.unescape(client.get(copied).text)
    assert all(json.dumps(json.loads(each)) in page for each in (shape, without))


def test_a_shape_to_leave_out_that_is_none_is_asked_for_again(client: Client, world: World) -> None:
    kim = sit_down(client, world)
    kim.begin()
    answer = kim.where(ward=[NORTH], without_shape="not a shape")
    assert answer.status_code == 422
    assert 'href="#without_shape"' in answer.text
