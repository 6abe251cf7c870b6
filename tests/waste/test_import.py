"""Files of collection days in the shapes that councils and contractors give."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from notify.cli import main
from notify.core import clock
from notify.staff.models import Role
from tests.waste.council import (
    DECEMBER,
    HOME,
    Client,
    as_json,
    csv_of,
    dates,
    it_is,
    put_into_force,
    read,
    read_as,
    schedule,
    upload,
    weekly,
)
from tests.world import World, council_key, make_other_council, make_world

ROUNDS = csv_of(
    ("round", "stream", "weekday", "every_weeks", "anchor", "suspended", "container"),
    ("R1", "refuse", "Tuesday", 2, "2026-12-01", "", "black bin"),
    ("G1", "garden", "Wed", 2, "2026-12-02", "2026-12-14 to 2027-01-31", "brown bin"),
    ("R2", "refuse", "Noday", 1, "", "", ""),
)
PROPERTIES = csv_of(
    ("uprn", "address", "postcode", "usrn", "rounds", "garden_from", "garden_until"),
    (HOME, "1 Invented Lane", "ZZ1 1AA", "7", "R1;G1", "2026-01-01", "2026-12-31"),
    ("10000000002", "3 Invented Lane", "ZZ1 1AB", "7", "R1", "", ""),
    ("10000000003", "5 Invented Lane", "CB1", "7", "R1", "", ""),
)


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council on 1 December 2026, a Tuesday."""
    made = make_world()
    it_is(DECEMBER)
    yield made
    clock.use(None)


def test_rounds_and_properties_are_read_from_csv_and_what_is_wrong_is_named(client: Client, world: World) -> None:
    made = upload(client, world, {"rounds.csv": ROUNDS, "homes.csv": PROPERTIES}).json()
    assert (made["homes"], made["rules"], made["refused"]) == (2, 2, 2)
    assert made["refusals"][0].startswith("rounds.csv, line 4: ")
    assert made["refusals"][1].startswith("homes.csv, line 4: ")
    client.post(f"/api/v1/collections/releases/{made['id']}/activate", headers=world.headers)
    shown = read_as(world.headers, client, to="2026-12-31")
    assert dates(shown, "refuse") == ["2026-12-01", "2026-12-15", "2026-12-29"]
    assert dates(shown, "garden") == ["2026-12-02"]
    assert shown["source"]["name"] == "Zed Council"


def test_what_ukbincollectiondata_answers_is_read_for_the_home_named_beside_it(client: Client, world: World) -> None:
    bins = [
        {"type": "Black Bin", "collectionDate": "15/12/2026"},
        {"type": "Black Bin", "collectionDate": "01/12/2026"},
        {"type": "Blue Bin", "collectionDate": "Tuesday 8 December 2026"},
    ]
    file = {"days.json": as_json({"bins": bins})}
    assert upload(client, world, file).json()["type"].endswith("schedule-not-readable")
    put_into_force(client, world, file, postcode="ZZ1 1AA", uprn=HOME)
    assert dates(read(client), "black-bin") == ["2026-12-01", "2026-12-15"]
    # a list that has ended says nothing about what comes after it
    it_is(date(2026, 12, 16))
    later = read(client)
    assert (dates(later), later["without_fresh_source"]) == ([], ["black-bin", "blue-bin"])


def test_a_calendar_is_read_with_what_repeats_and_without_what_was_cancelled(client: Client, world: World) -> None:
    events = [
        "SUMMARY:Refuse\r\nDTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nEXDATE;VALUE=DATE:20261208",
        "SUMMARY:Glass\r\nDTSTART:20261204T070000Z",
        "SUMMARY:Glass\r\nDTSTART:20261211T070000Z\r\nSTATUS:CANCELLED",
    ]
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{event}\r\nEND:VEVENT\r\n" for n, event in enumerate(events))
    file = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n{body}END:VCALENDAR\r\n".encode()
    put_into_force(client, world, {"days.ics": file}, postcode="ZZ1 1AA", uprn=HOME)
    shown = read(client)
    assert dates(shown, "refuse") == ["2026-12-01", "2026-12-15"]
    assert dates(shown, "glass") == ["2026-12-04"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("days.txt", b"x"),
        ("days.csv", b"colour,size\nred,2\n"),
        ("days.csv", "uprn,postcode,stream,date\n1,ZZ1 1AA,Caf\xe9,1 Jan 2027\n".encode("latin-1")),
        ("days.json", b"{"),
        ("days.json", b'{"rounds": 3}'),
        ("days.ics", b"not a calendar"),
        ("days.csv", b"uprn,postcode,stream,date\n1,ZZ1 1AA,refuse,never\n"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(
    client: Client, world: World, name: str, content: bytes
) -> None:
    refused = upload(client, world, {name: content}, postcode="ZZ1 1AA")
    assert refused.status_code == 422, refused.text
    assert refused.json()["detail"]


def test_the_narrowest_assignment_wins_for_each_stream(client: Client, world: World) -> None:
    rounds = [
        {"code": "POSTCODE", "rules": [weekly("refuse", "Mon"), weekly("food", "Mon")]},
        {"code": "STREET", "rules": [weekly("refuse", "Tue")]},
        {"code": "SPAN", "rules": [weekly("refuse", "Wed")]},
        {"code": "HOME", "rules": [weekly("refuse", "Thu")]},
    ]
    assignments = [
        {"round": "POSTCODE", "postcode": "ZZ1 1AA"},
        {"round": "STREET", "usrn": "7"},
        {"round": "SPAN", "usrn": "7", "from": 1, "to": 9, "side": "odd"},
        {"round": "HOME", "uprn": "c"},
    ]
    homes = [
        {"uprn": "a", "address": "2 Invented Lane", "postcode": "ZZ1 1AA", "usrn": "7"},
        {"uprn": "b", "address": "3 Invented Lane", "postcode": "ZZ1 1AA", "usrn": "7"},
        {"uprn": "c", "address": "5 Invented Lane", "postcode": "ZZ1 1AA", "usrn": "7"},
        {"uprn": "d", "address": "Flat 3, Mill House", "postcode": "ZZ1 1AA", "usrn": "7"},
        {"uprn": "e", "address": "1 Other Lane", "postcode": "ZZ1 1AA"},
    ]
    put_into_force(client, world, {"rounds": rounds, "assignments": assignments, "properties": homes})
    week = {"from": "2026-12-07", "to": "2026-12-13"}
    found = {home: dates(read(client, uprn=home, **week), "refuse") for home in "abcde"}
    assert found == {
        "a": ["2026-12-08"],
        "b": ["2026-12-09"],
        "c": ["2026-12-10"],
        "d": ["2026-12-08"],
        "e": ["2026-12-07"],
    }
    assert all(dates(read(client, uprn=home, **week), "food") == ["2026-12-07"] for home in "abcde")


def test_a_postcode_with_two_rounds_for_a_stream_asks_which(client: Client, world: World) -> None:
    rounds = [{"code": code, "rules": [weekly("refuse", day)]} for code, day in (("NORTH", "Mon"), ("SOUTH", "Tue"))]
    rounds.append({"code": "FOOD", "rules": [weekly("food", "Fri")]})
    file = {"rounds": rounds, "assignments": [{"round": one["code"], "postcode": "ZZ1 1AA"} for one in rounds]}
    put_into_force(client, world, file)
    choices = read(client)["choices"]
    assert [one["label"] for one in choices] == ["ZZ1 1AA, NORTH", "ZZ1 1AA, SOUTH"]
    shown = read(client, uprn=choices[1]["uprn"], **{"from": "2026-12-07", "to": "2026-12-13"})
    assert dates(shown) == ["2026-12-08", "2026-12-11"]


def test_a_release_is_compared_before_it_counts_and_keeps_the_past_of_a_round(client: Client, world: World) -> None:
    put_into_force(client, world, schedule(weekly("refuse", "Tue"), weekly("food", "Tue")))
    second = {"uprn": "2", "address": "2 Invented Lane", "postcode": "ZZ1 1AB", "rounds": ["R1"]}
    changed = schedule(
        weekly("refuse", "Tue", until="2026-12-31"),
        weekly("refuse", "Wed", **{"from": "2027-01-01"}),
        weekly("food", "Tue"),
    )
    changed["properties"].append(second)
    made = upload(client, world, {"new.json": as_json(changed)}).json()
    path = f"/api/v1/collections/releases/{made['id']}"
    compared = client.get(f"{path}/comparison", headers=world.headers).json()
    counts = {name: compared[name] for name in ("new", "gone", "changed", "same", "by_stream")}
    assert counts == {"new": 1, "gone": 0, "changed": 1, "same": 0, "by_stream": {"refuse": 1}}
    days = {"from": "2026-12-29", "to": "2027-01-12"}
    assert dates(read(client, **days), "refuse") == ["2026-12-29", "2027-01-05", "2027-01-12"]
    assert client.post(f"{path}/activate", headers=world.headers).json() == compared
    assert dates(read(client, **days), "refuse") == ["2026-12-29", "2027-01-06"]
    assert client.post(f"{path}/activate", headers=world.headers).status_code == 409
    states = [
        bool(one["ended_at"])
        for one in client.get("/api/v1/collections/releases", headers=world.headers).json()["releases"]
    ]
    assert states == [False, True]


def test_without_a_fresh_source_no_date_is_stated(client: Client, world: World) -> None:
    put_into_force(client, world, schedule(weekly("refuse", "Tue")), fetched_at="2026-11-01", fresh_days="40")
    assert dates(read(client))
    it_is(date(2026, 12, 12))
    stale = read(client)
    assert (dates(stale), stale["source"]["is_fresh"], stale["without_fresh_source"]) == ([], False, ["refuse"])


def test_the_table_moves_days_and_a_line_can_be_taken_back(client: Client, world: World) -> None:
    put_into_force(client, world, schedule(weekly("refuse", "Tue"), weekly("food", "Tue")))
    line = {"usual": "2026-12-29", "revised": "2026-12-30"}

    def put(*lines: Mapping[str, object]) -> int:
        answer = client.put("/api/v1/collections/moves", json=list(lines), headers=world.headers)
        return len(answer.json()["moves"]) if answer.status_code == 200 else answer.status_code

    days = {"from": "2026-12-28", "to": "2027-01-03"}
    assert put(line, line | {"stream": "food", "revised": None}) == 2
    shown = read(client, **days)
    assert dates(shown) == ["2026-12-30"]
    assert [(one["stream"], one["status"]) for one in shown["collections"]] == [
        ("food", "cancelled"),
        ("refuse", "moved"),
    ]
    assert put(line | {"is_withdrawn": True}, line | {"stream": "food", "is_withdrawn": True}) == 0
    assert dates(read(client, **days)) == ["2026-12-29", "2026-12-29"]
    assert put(line | {"revised": "2027-06-01"}) == 422


def test_open_data_holds_rounds_and_no_home_and_nothing_that_is_paid_for(client: Client, world: World) -> None:
    put_into_force(client, world, {"rounds.csv": ROUNDS, "homes.csv": PROPERTIES})
    answer = client.get("/api/v1/rounds", params={"council": "zed"})
    assert [(one["round"], one["stream"]) for one in answer.json()["rounds"]] == [("R1", "refuse")]
    assert "Invented Lane" not in answer.text


def test_the_nth_and_last_weekday_and_a_nations_holidays_are_words_in_the_file(client: Client, world: World) -> None:
    file = schedule(
        {"stream": "glass", "weekday": "Fri", "nth": ["first", "last"]},
        weekly("refuse", "Friday"),
        holidays={"rule": "week-slides", "nation": "england", "works_on": ["2027-01-01"]},
    )
    put_into_force(client, world, file)
    shown = read(client, **{"from": "2026-12-01", "to": "2027-01-31"})
    assert dates(shown, "glass") == ["2026-12-04", "2026-12-26", "2027-01-02", "2027-01-29"]
    assert dates(shown, "refuse")[3:6] == ["2026-12-26", "2027-01-02", "2027-01-08"]
    put_into_force(client, world, schedule(weekly("refuse", "Friday"), holidays="none move"))
    assert "2026-12-25" in dates(read(client))


def test_another_councils_release_is_not_there(client: Client, world: World) -> None:
    made = upload(client, world, {"new.json": as_json(schedule(weekly("refuse", "Tue")))}).json()
    other = make_other_council()
    path = f"/api/v1/collections/releases/{made['id']}"
    assert client.get(f"{path}/comparison", headers=other.headers).status_code == 404
    assert client.post(f"{path}/activate", headers=council_key(world, Role.AUTHOR)).status_code == 403


def test_files_are_loaded_and_put_into_force_by_command(client: Client, world: World, tmp_path: Path) -> None:
    for name, content in (("rounds.csv", ROUNDS), ("homes.csv", PROPERTIES)):
        (tmp_path / name).write_bytes(content)

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, ["waste", *words])
        assert done.exit_code == 0, done.output
        return done.output

    loaded = run("load", "zed", str(tmp_path / "rounds.csv"), str(tmp_path / "homes.csv"))
    assert "2 homes, 2 rules, 2 rows left out" in loaded
    assert "2 homes new, 0 change day" in loaded
    number = run("list", "zed").split()[0]
    assert run("compare", "zed", number) == run("activate", "zed", number)
    assert dates(read(client), "refuse")[0] == "2026-12-01"


def test_files_of_eight_councils_are_read_and_say_that_they_are_old(
    client: Client, world: World, real_data: Path
) -> None:
    for path in sorted((real_data / "bins").glob("*.json")):
        content = path.read_bytes()
        made = put_into_force(client, world, {path.name: content}, postcode="ZZ1 1AA", uprn=HOME)
        assert made.status_code == 200, path.name
        shown = read(client)
        assert dates(shown) == []
        assert len(shown["without_fresh_source"]) == len({one["type"].lower() for one in json.loads(content)["bins"]})
        past = read(client, **{"from": "2023-06-01", "to": "2024-06-01"})
        assert dates(past) == []
    assert len(list((real_data / "bins").glob("*.json"))) == 8


def test_dates_of_a_stream_that_is_paid_for_show_only_to_who_may_see_them(client: Client, world: World) -> None:
    days = csv_of(
        ("uprn", "address", "postcode", "stream", "date"),
        (HOME, "1 Invented Lane", "ZZ1 1AA", "Refuse", "2026-12-08"),
        (HOME, "1 Invented Lane", "ZZ1 1AA", "Garden Waste", "2026-12-09"),
        ("10000000002", "3 Invented Lane", "ZZ1 1AB", "Refuse", "2026-12-08"),
    )
    put_into_force(client, world, {"days.csv": days}, paid="garden waste")
    assert dates(read(client)) == ["2026-12-08"]
    assert dates(read_as(world.headers, client)) == ["2026-12-08", "2026-12-09"]
    put_into_force(client, world, {"days.csv": days})
    assert dates(read(client)) == ["2026-12-08"], "what was paid for stays so in the next release"


def test_a_paid_stream_that_the_files_do_not_name_is_refused(client: Client, world: World) -> None:
    answer = upload(client, world, {"rounds.csv": ROUNDS, "homes.csv": PROPERTIES}, paid="glass")
    assert answer.status_code == 422
    assert "They name: garden, refuse." in answer.json()["detail"]
