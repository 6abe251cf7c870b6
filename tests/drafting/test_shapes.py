"""Shapes in what people have: files of mapping programs and coordinates of other systems, by page and by API."""

import html
import json
import re
from pathlib import Path

import pytest
import shapely
from litestar import Litestar
from litestar.testing import TestClient

from notify.places.geometry import parse_shape, to_geojson
from notify.places.shape_files import MOST_CORNERS
from tests.drafting.desk import Officer, sit_down
from tests.places import map_files
from tests.places.map_files import METRES, geojson
from tests.subscribers.html import Page
from tests.world import NORTH, World, add_residents, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(database: None) -> World:
    return make_world()


@pytest.fixture
def kim(client: Client, world: World) -> Officer:
    """An officer, and twelve residents in the north."""
    add_residents(world, [f"n{number}@example.org" for number in range(12)])
    return sit_down(client, world)


def area_of_text(page: str, name: str) -> str:
    match = re.search(rf'<textarea[^>]* id="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert match
    return html.unescape(match[1])


def people(client: Client, world: World, polygon: object) -> int:
    answer = client.post(
        "/api/v1/audiences",
        json={"topic": "road-closures", "audience": {"polygon": polygon}, "channels": ["email"]},
        headers=world.headers,
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["people"])


@pytest.mark.parametrize("epsg", [4326, 3857, 4277, 27700])
def test_a_shape_is_kept_in_degrees_whatever_it_was_sent_in(client: Client, world: World, epsg: int) -> None:
    sent = geojson(epsg, f"EPSG:{epsg}")
    alert = {"topic": "road-closures", "title": "Closed", "body": "Until noon.", "audience": {"polygon": sent}}
    answer = client.post("/api/v1/alerts", json=alert, headers=world.headers | {"Idempotency-Key": str(epsg)})
    assert answer.status_code == 201, answer.text
    kept = client.get(f"/api/v1/alerts/{answer.json()['id']}", headers=world.headers).json()["audience"]["polygon"]
    assert "crs" not in kept
    assert shapely.hausdorff_distance(parse_shape(kept), shapely.Polygon(METRES)) < 3


def test_a_shape_in_another_system_is_refused_with_a_sentence(client: Client, world: World) -> None:
    sent = geojson(4326, "EPSG:29902")
    asked = {"topic": "road-closures", "audience": {"polygon": sent}}
    answer = client.post("/api/v1/audiences", json=asked, headers=world.headers)
    assert answer.status_code == 422
    assert "EPSG:29902" in answer.text


def test_a_file_becomes_the_polygon_of_an_audience(client: Client, world: World, kim: Officer, tmp_path: Path) -> None:
    for content in (map_files.kml(), map_files.shapefile_zip(), map_files.geopackage(tmp_path)):
        for sent in ({"content": content}, {"files": {"file": ("area.bin", content)}}):
            answer = client.post("/api/v1/shapes", headers=world.headers, **sent)
            assert answer.status_code == 200, answer.text
            assert people(client, world, answer.json()["polygon"]) == 10  # rounded
    answer = client.post("/api/v1/shapes", content=b"SQLite format 3\0" + bytes(300), headers=world.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_an_uploaded_file_becomes_the_shape_and_loses_nothing_that_was_typed(kim: Officer) -> None:
    kim.begin()
    typed = {"reach": "places", "ward": [NORTH], "postcodes": "ZZ2 1AA", "radius": ""}
    answer = kim.client.post(
        f"{kim.draft}/shape", data=typed, files={"shape_file": ("w.zip", map_files.shapefile_zip())}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{kim.draft}/where")
    page = kim.client.get(f"{kim.draft}/where").text
    assert "10 people" in Page(page).text
    assert area_of_text(page, "postcodes") == "ZZ2 1AA"
    assert area_of_text(page, "shape").startswith('{"type":"Polygon"')


def test_a_pasted_shape_in_metres_works_where_it_says_so_and_is_refused_where_nobody_knows_how(kim: Officer) -> None:
    kim.begin()
    known = kim.where(do="count", shape=json.dumps(geojson(27700, "urn:ogc:def:crs:EPSG::27700")))
    assert (known.status_code, "10 people" in Page(known.text).text) == (200, True)
    unknown = kim.where(do="count", shape=json.dumps(geojson(27700, "EPSG:29902")))
    assert unknown.status_code == 422
    assert "said to be in EPSG:29902" in unknown.text
    assert 'id="shape-error"' in unknown.text


def test_a_file_without_areas_is_named_at_its_field(kim: Officer) -> None:
    kim.begin()
    for content in (b"", b"%PDF-1.7", map_files.zipped({"a.txt": b"a"})):
        answer = kim.client.post(f"{kim.draft}/shape", data={"reach": "places"}, files={"shape_file": ("a", content)})
        assert answer.status_code == 422
        assert 'id="shape_file-error"' in answer.text


def test_a_long_outline_is_simplified_until_the_form_holds_it(kim: Officer) -> None:
    kim.begin()
    ragged = shapely.Point(555_500, 344_500).buffer(400, quad_segs=3_000)
    assert shapely.get_num_coordinates(ragged) > MOST_CORNERS
    content = json.dumps(to_geojson(ragged)).encode()
    assert kim.client.post(f"{kim.draft}/shape", data={}, files={"shape_file": ("a.json", content)}).status_code == 303
    shape = area_of_text(kim.client.get(f"{kim.draft}/where").text, "shape")
    kept = parse_shape(json.loads(shape))
    assert shapely.get_num_coordinates(kept) <= MOST_CORNERS
    assert kept.symmetric_difference(ragged).area / ragged.area < 0.01
    assert kim.where(do="count", shape=shape).status_code == 200
