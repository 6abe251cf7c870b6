"""Saved zones: uploaded or drawn once, chosen by name, and the same in an alert whatever becomes of them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import shapely

from notify.staff.models import Role
from tests.alerts.calls import Client, created, neighbour
from tests.drafting.desk import draw_wards, sit_down
from tests.subscribers.html import Page
from tests.world import NORTH, World, add_residents, make_key, make_world, signed_in

# around the postcodes of the north ward, in eastings and northings, and far away
NORTHERN, FAR = shapely.box(555_400, 344_400, 555_700, 344_700), shapely.box(400_000, 100_000, 400_100, 100_100)
SOUTHERN = shapely.box(556_400, 344_400, 557_000, 345_000)
GRID = {"crs": {"type": "name", "properties": {"name": "EPSG:27700"}}}


def geojson(shape: shapely.Geometry) -> dict[str, Any]:
    return {**json.loads(shapely.to_geojson(shape)), **GRID}


def file_of(*areas: tuple[Mapping[str, object], shapely.Geometry]) -> bytes:
    features = [
        {"type": "Feature", "properties": said, "geometry": json.loads(shapely.to_geojson(shape))}
        for said, shape in areas
    ]
    return json.dumps({"type": "FeatureCollection", **GRID, "features": features}).encode()


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    draw_wards()
    return world


def upload(client: Client, key: dict[str, str], file: bytes, **asked: str) -> Any:  # noqa: ANN401 - JSON
    answer = client.post("/api/v1/zone-files", content=file, params=asked, headers=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def save(client: Client, key: dict[str, str], name: str, shape: shapely.Geometry, **fields: object) -> Any:  # noqa: ANN401 - JSON
    answer = client.post("/api/v1/zones", json={"name": name, "polygon": geojson(shape)} | fields, headers=key)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_file_of_flood_warning_areas_becomes_zones_with_their_codes_less_those_of_others(
    client: Client, world: World
) -> None:
    key = make_key(world, Role.PLANNER)
    mill = {"FWS_TACODE": "052FWF1", "TA_NAME": "River Zed at Mill Lane", "QDIAL": "1", "AREA": "Zedland"}
    file = file_of(
        (mill, NORTHERN),
        (mill, SOUTHERN),  # a second part of the same area
        ({"FWS_TACODE": "052FWF2", "TA_NAME": "River Zed at South Bank"}, SOUTHERN),
        ({"FWS_TACODE": "111FWF9", "TA_NAME": "Elsewhere"}, FAR),
    )
    loaded = upload(client, key, file)
    assert loaded == {
        "added": ["River Zed at Mill Lane", "River Zed at South Bank"],
        "changed": [],
        "unchanged": [],
        "elsewhere": ["Elsewhere"],
    }
    found = client.get("/api/v1/zones", headers=key).json()
    assert [(one["slug"], one["kind"], one["reference"], one["version"]) for one in found] == [
        ("river-zed-at-mill-lane", "flood-warning-area", "052FWF1", 1),
        ("river-zed-at-south-bank", "flood-warning-area", "052FWF2", 1),
    ]
    again = upload(client, key, file_of((mill, NORTHERN), ({"FWS_TACODE": "052FWF2", "TA_NAME": "South"}, SOUTHERN)))
    assert (again["changed"], again["unchanged"]) == (["River Zed at Mill Lane"], ["South"])


def test_an_area_without_a_name_is_refused_with_the_properties_that_there_are(client: Client, world: World) -> None:
    key = make_key(world, Role.PLANNER)
    file = file_of(({"Bezeichnung": "Nord", "AREA": 5}, NORTHERN))
    refused = client.post("/api/v1/zone-files", content=file, headers=key)
    assert (refused.status_code, "it has: AREA, Bezeichnung" in refused.json()["detail"]) == (422, True)
    assert upload(client, key, file, name_property="bezeichnung", kind="comah")["added"] == ["Nord"]


def test_an_alert_to_a_zone_reaches_who_lives_in_it_and_keeps_the_outline_it_was_made_with(
    client: Client, world: World
) -> None:
    add_residents(world, [f"n{number}@example.org" for number in range(12)], postcodes=["ZZ1 1AA"])
    add_residents(world, [f"s{number}@example.org" for number in range(23)], postcodes=["ZZ2 1AA"])
    key = make_key(world, Role.PLANNER)
    save(client, key, "Mill Lane", NORTHERN)
    ask = {"topic": "road-closures", "audience": {"zones": ["mill-lane"]}}
    assert client.post("/api/v1/audiences", json=ask, headers=key).json()["people"] == 10
    alert = created(client, key, audience={"zones": ["mill-lane"]})
    assert save(client, key, "Mill Lane", SOUTHERN)["version"] == 2
    assert client.post("/api/v1/audiences", json=ask, headers=key).json()["people"] == 20
    before = client.post("/api/v1/audiences", json=ask | {"audience": {"zones": ["mill-lane@1"]}}, headers=key).json()
    assert before["people"] == 10
    kept = client.get(f"/api/v1/alerts/{alert['id']}", headers=key).json()
    assert kept["content_hash"] == alert["content_hash"]
    feature = kept["audience"]["polygon"]["features"][0]
    assert feature["properties"] == {"zone": "mill-lane", "version": 1, "name": "Mill Lane"}
    assert "zones" not in kept["audience"]


def test_zones_are_joined_with_other_places_and_left_out_of_them(client: Client, world: World) -> None:
    add_residents(world, [f"n{number}@example.org" for number in range(12)], postcodes=["ZZ1 1AA"])
    add_residents(world, [f"s{number}@example.org" for number in range(23)], postcodes=["ZZ2 1AA"])
    key = make_key(world, Role.PLANNER)
    save(client, key, "North", NORTHERN)
    save(client, key, "South", SOUTHERN)
    for audience, people in (
        ({"zones": ["north", "south"]}, 40),
        ({"wards": [NORTH], "zones": ["south"]}, 40),
        ({"wards": [NORTH], "except": {"zones": ["north"]}}, 0),
        ({"polygon": geojson(NORTHERN), "zones": ["south"]}, 40),
        ({"zones": ["north", "south"], "except": {"zones": ["south"]}}, 10),
    ):
        ask = {"topic": "road-closures", "audience": audience}
        answer = client.post("/api/v1/audiences", json=ask, headers=key)
        assert answer.json()["people"] == people, audience


def test_another_council_has_no_such_zone(client: Client, world: World) -> None:
    key, theirs = make_key(world, Role.PLANNER), neighbour()
    save(client, key, "Mill Lane", NORTHERN)
    assert client.get("/api/v1/zones", headers=theirs).json() == []
    assert client.get("/api/v1/zones/mill-lane", headers=theirs).status_code == 404
    ask = {"topic": "road-closures", "audience": {"zones": ["mill-lane"]}}
    answer = client.post("/api/v1/audiences", json=ask, headers=theirs)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-zone")
    save(client, theirs, "Mill Lane", SOUTHERN)  # the same name is free there
    assert len(client.get("/api/v1/zones/mill-lane", headers=key).json()["versions"]) == 1


def test_planners_keep_zones_and_authors_only_use_them(client: Client, world: World) -> None:
    author = make_key(world, Role.AUTHOR)
    body = {"name": "Mill Lane", "polygon": geojson(NORTHERN)}
    assert client.post("/api/v1/zones", json=body, headers=author).status_code == 403
    key = make_key(world, Role.PLANNER)
    save(client, key, "Mill Lane", NORTHERN)
    assert created(client, author, audience={"zones": ["mill-lane"]})["state"] == "draft"
    outside = client.post("/api/v1/zones", json={"name": "Far", "polygon": geojson(FAR)}, headers=key)
    assert (outside.status_code, outside.json()["type"]) == (422, "/problems/zone-outside-council")


def test_an_archived_zone_is_offered_no_more_and_comes_back_with_a_new_outline(client: Client, world: World) -> None:
    key = make_key(world, Role.PLANNER)
    save(client, key, "Mill Lane", NORTHERN)
    renamed = client.patch("/api/v1/zones/mill-lane", json={"name": "Mill Road", "kind": "reservoir"}, headers=key)
    assert (renamed.json()["name"], renamed.json()["slug"]) == ("Mill Road", "mill-lane")
    assert client.delete("/api/v1/zones/mill-lane", headers=key).status_code == 204
    assert client.get("/api/v1/zones/mill-lane", headers=key).status_code == 404
    assert save(client, key, "Mill Lane", NORTHERN)["version"] == 2


def test_on_the_pages_a_zone_is_uploaded_read_and_chosen_by_name(client: Client, world: World) -> None:
    add_residents(
        world, [f"n{number}@example.org" for number in range(12)], postcodes=["ZZ1 1AA"], topics=["emergencies"]
    )
    desk = sit_down(client, world)
    file = {"file": ("areas.geojson", file_of(({"name": "Mill Lane"}, NORTHERN)))}
    loaded = client.post("/staff/new-zone/file", files=file, data={"kind": "reservoir"})
    assert "Mill Lane" in Page(loaded.text).text
    shown = Page(client.get("/staff/zones/mill-lane").text).text
    assert "Reservoir inundation zone" in shown
    assert "Subscribers to Emergencies 10" in shown
    assert "from areas.geojson" in shown
    desk.emergency()
    assert "zone-mill-lane-v1" in Page(client.get(f"{desk.draft}/where").text).ids
    counted = desk.where("count", zone="mill-lane@1")
    assert "10" in Page(counted.text).text
    assert Page(counted.text).boxes["zone-mill-lane-v1"]
    pasted = {"name": "South bank", "shape": json.dumps(geojson(SOUTHERN))}
    assert client.post("/staff/new-zone", data=pasted).headers["location"] == "/staff/zones/south-bank"
    wrong = client.post("/staff/new-zone", data={"name": "", "shape": "here"})
    assert wrong.status_code == 422
    assert client.post("/staff/zones/south-bank", data={"name": "South"}).status_code == 303
    assert client.post("/staff/zones/south-bank/archive").status_code == 303
    listed = client.get("/staff/zones", headers=signed_in(world.council_id)).text
    assert ("/staff/zones/mill-lane" in listed, "/staff/zones/south-bank" in listed) == (True, False)


def test_a_copy_of_an_alert_to_a_zone_names_the_version_that_it_went_to(client: Client, world: World) -> None:
    add_residents(world, ["n@example.org"])
    desk = sit_down(client, world)
    save(client, make_key(world, Role.PLANNER), "Mill Lane", NORTHERN)
    desk.begin()
    desk.where(zone="mill-lane@1", without_zone="mill-lane@1")
    desk.where(zone="mill-lane@1")
    desk.words()
    alert = desk.send()
    save(client, make_key(world, Role.PLANNER), "Mill Lane", SOUTHERN)
    client.post(f"/staff/alerts/{alert}/cancel")
    desk.draft = client.post(f"/staff/alerts/{alert}/copy").headers["location"].removesuffix("/words")
    boxes = Page(client.get(f"{desk.draft}/where").text).boxes
    assert (boxes["zone-mill-lane-v1"], boxes["zone-mill-lane-v2"]) == (True, False)


def test_a_shape_that_is_sent_is_not_called_a_zone_that_it_is_not(client: Client, world: World) -> None:
    key = make_key(world, Role.PLANNER)
    shape = save(client, key, "Mill Lane", NORTHERN)["versions"][0]["polygon"]
    claim = {"zone": "mill-lane", "version": 1, "name": "Mill Lane"}
    desk = signed_in(world.council_id)
    for outline, named in ((shape, True), (json.loads(json.dumps(geojson(SOUTHERN))), False)):
        crs = {"crs": outline.pop("crs")} if "crs" in outline else {}
        feature = {"type": "Feature", "properties": claim, "geometry": outline}
        sent = {"type": "FeatureCollection", **crs, "features": [feature]}
        alert = created(client, key, audience={"polygon": sent}, send=True, send_at="2099-03-03T14:05:00Z")
        page = client.get(f"/staff/alerts/{alert['id']}", headers=desk).text
        assert ("Mill Lane, version 1" in page) is named
        stored = client.get(f"/api/v1/alerts/{alert['id']}", headers=key).json()["audience"]["polygon"]
        assert ("zone" in json.dumps(stored)) is named


def test_the_area_of_an_emergency_changes_to_a_zone_and_from_one(client: Client, world: World, work: Any) -> None:  # noqa: ANN401
    add_residents(world, ["n@example.org"], postcodes=["ZZ1 1AA"], topics=["emergencies"])
    add_residents(world, ["s@example.org"], postcodes=["ZZ2 1AB"], topics=["emergencies"])
    key = make_key(world, Role.PLANNER)
    save(client, key, "North bank", NORTHERN)
    save(client, key, "South bank", SOUTHERN)
    flood = {"topic": "emergencies", "priority": "emergency", "audience": {"zones": ["north-bank"]}, "send": True}
    alert = created(client, key, **flood)["id"]
    work()
    both = {"title": "The water rises", "body": "Stay up.", "audience": {"zones": ["north-bank", "south-bank"]}}
    moved = client.post(f"/api/v1/alerts/{alert}/update", json=both, headers=signed_in(world.council_id))
    assert moved.status_code == 201, moved.text
    named = [one["properties"]["zone"] for one in moved.json()["audience"]["polygon"]["features"]]
    assert named == ["north-bank", "south-bank"]
    work()
    desk = sit_down(client, world)
    begun = client.post(f"/staff/alerts/{alert}/change-area")
    desk.draft = begun.headers["location"].removesuffix("/where")
    asked = desk.where(zone="south-bank@1").headers["location"]
    assert "Southside" in client.get(asked).text
    words = {"kind": "update", "has_area": "yes", "area": desk.draft.rpartition("/")[2], "title": "T", "body": "B"}
    kept = client.post(f"/staff/alerts/{alert}/follow-up", data=words)
    assert kept.status_code == 303, kept.text
    assert "South bank, version 1" in client.get(kept.headers["location"]).text


@pytest.mark.parametrize("version", ["1", 1.0, [1]])
def test_a_shape_is_called_no_zone_by_another_kind_of_number(client: Client, world: World, version: object) -> None:
    key = make_key(world, Role.PLANNER)
    save(client, key, "Mill Lane", NORTHERN)
    claim = {"zone": "mill-lane", "version": version, "name": "Mill Lane"}
    feature = {"type": "Feature", "properties": claim, "geometry": json.loads(shapely.to_geojson(SOUTHERN))}
    sent = {"type": "FeatureCollection", **GRID, "features": [feature]}
    alert = created(client, key, audience={"polygon": sent}, send=True, send_at="2099-03-03T14:05:00Z")
    page = client.get(f"/staff/alerts/{alert['id']}", headers=signed_in(world.council_id)).text
    assert "Mill Lane, version" not in page
