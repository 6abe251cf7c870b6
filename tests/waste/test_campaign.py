"""A change of rounds told once to everyone whose days differ, and letters for the homes that no message reaches."""

import csv
import io
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from tests.waste.council import DECEMBER, HOME, Client, as_json, it_is, put_into_force, schedule, upload, weekly
from tests.waste.test_reminders import STREAMS, remind
from tests.world import World, add_resident, make_world, signed_in


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """Two homes of one postcode on round R1, one of another on R2, and subscribers for each."""
    made = make_world()
    it_is(DECEMBER)
    put_into_force(client, made, homes("Tue", "Thu"))
    yield made
    clock.use(None)


def homes(first: str, second: str) -> dict[str, object]:
    """The file with these weekdays of R1 and R2."""
    file = schedule(weekly("refuse", first), weekly("food", "Mon"), streams=STREAMS)
    file["rounds"].append({"code": "R2", "rules": [weekly("refuse", second)]})
    for uprn, postcode, code in (("2", "ZZ1 1AA", "R1"), ("3", "ZZ1 1AB", "R2")):
        file["properties"].append(
            {"uprn": uprn, "address": f"{uprn} Invented Lane", "postcode": postcode, "rounds": [code]}
        )
    return file


def test_each_subscriber_whose_days_differ_is_told_once_with_the_old_and_the_new_day(
    client: Client, world: World
) -> None:
    remind(world, "sam@example.org")
    add_resident(world, "kim@example.org", postcodes=["ZZ1 1AA", "ZZ1 1AB"], topics=["bins"])
    add_resident(world, "lee@example.org", postcodes=["ZZ1 1AB"], topics=["bins"])
    add_resident(world, "ann@example.org", postcodes=["ZZ1 1AA"], topics=["road-closures"])
    officer = signed_in(world.council_id)
    loaded = upload(client, world, {"new.json": as_json(homes("Wed", "Thu"))}).json()["id"]
    page = client.get(f"/staff/bins/releases/{loaded}", headers=officer).text
    assert "<dt>Subscribers concerned</dt><dd>2</dd>" in page
    assert "Northside 1" in page
    path = f"/staff/bins/releases/{loaded}"
    assert client.post(f"{path}/tell", headers=officer, follow_redirects=False).status_code == 409
    client.post(f"{path}/activate", headers=officer)
    assert client.post(f"{path}/tell", headers=officer, follow_redirects=False).status_code == 303
    assert client.post(f"{path}/tell", headers=officer, follow_redirects=False).status_code == 409
    with transaction() as session:
        rows = session.execute(text(WHO)).all()
    assert [row.address for row in rows] == ["kim@example.org", "sam@example.org"]
    assert {row.title for row in rows} == {"Your bin collection days are changing"}
    expected = "Refuse (black bin): collected on Wednesday 2 December instead of Tuesday 1 December."
    assert all(row.body.startswith(expected) for row in rows)
    listed = client.get(f"{path}/letters.csv", headers=officer)
    letters = list(csv.DictReader(io.StringIO(listed.text)))
    assert [(one["reference"], one["old day"], one["new day"]) for one in letters] == [
        ("2", "2026-12-01", "2026-12-02")
    ]
    assert HOME not in listed.text


def test_a_postcode_whose_homes_change_in_different_ways_is_led_to_the_page(client: Client, world: World) -> None:
    file = homes("Tue", "Thu")
    file["properties"][1]["rounds"] = ["R2"]  # type: ignore[index]
    add_resident(world, "kim@example.org", postcodes=["ZZ1 1AA"], topics=["bins"])
    put_into_force(client, world, file)
    release = client.get("/api/v1/collections/releases", headers=world.headers).json()["releases"][0]["id"]
    officer = signed_in(world.council_id)
    client.post(f"/staff/bins/releases/{release}/tell", headers=officer, follow_redirects=False)
    with transaction() as session:
        [row] = session.execute(text(WHO)).all()
    assert row.body == "Check your collection days on our page."


def test_a_resident_of_two_homes_that_change_in_different_ways_is_led_to_the_page(client: Client, world: World) -> None:
    add_resident(world, "kim@example.org", postcodes=["ZZ1 1AA", "ZZ1 1AB"], topics=["bins"])
    put_into_force(client, world, homes("Wed", "Fri"))
    release = client.get("/api/v1/collections/releases", headers=world.headers).json()["releases"][0]["id"]
    officer = signed_in(world.council_id)
    client.post(f"/staff/bins/releases/{release}/tell", headers=officer, follow_redirects=False)
    with transaction() as session:
        [row] = session.execute(text(WHO)).all()
    assert row.body == "Check your collection days on our page."


WHO = """
    SELECT c.address, a.title, a.body FROM delivery d
    JOIN contact c ON c.id = d.contact_id JOIN alert a ON a.id = d.alert_id ORDER BY c.address
"""
