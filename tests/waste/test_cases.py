"""The acceptance cases, through the import and the public JSON. `cases.json` holds invented rounds and tables."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from notify.core import clock
from tests.waste.council import Client, dates, it_is, put_into_force, read, read_as, schedule, upload, weekly
from tests.world import World, make_world

CASES = {case["id"]: case for case in json.loads((Path(__file__).parent / "cases.json").read_text())["cases"]}
SLIDES = "week-slides"


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council."""
    yield make_world()
    clock.use(None)


def rule_of(rule: dict[str, Any]) -> dict[str, Any]:
    """A case's rule as the import takes it."""
    return {"stream": "refuse", **{name: value for name, value in rule.items() if name != "round"}}


def file_of(case: dict[str, Any]) -> dict[str, Any]:
    """The case as a file: a home for each round, numbered as the rounds are."""
    codes = list(dict.fromkeys(rule.get("round", "R1") for rule in case["rules"]))
    rounds = [
        {"code": code, "rules": [rule_of(rule) for rule in case["rules"] if rule.get("round", "R1") == code]}
        for code in codes
    ]
    homes = [{"uprn": code, "address": f"{code} House", "postcode": "ZZ1 1AA", "rounds": [code]} for code in codes]
    said = case.get("holidays", "none move")
    holidays: dict[str, Any] = {}
    if isinstance(said, dict) and "moves" in said:
        holidays = {"moves": said["moves"]}
    elif isinstance(said, dict):
        holidays = {"rule": SLIDES, "dates": said["dates"]}
    return {"rounds": rounds, "properties": homes, "holidays": holidays}


@pytest.mark.parametrize("case", ["B1-alternate-weeks", "B3-week-slides", "B5-christmas-table", "B8-round-change"])
def test_every_date_of_the_case_is_right(client: Client, world: World, case: str) -> None:
    said = CASES[case]
    first, last = said["window"]
    it_is(date.fromisoformat(first))
    assert put_into_force(client, world, file_of(said)).status_code == 200
    for name, expected in said["expected"].items():
        words = name.split()
        code = words[0] if words[0].isupper() else "R1"
        stream = words[-1] if not words[-1].isupper() else "refuse"
        shown = read(client, "ZZ1 1AA", uprn=code, **{"from": first, "to": last})
        assert dates(shown, stream) == expected, name


def test_a_paid_service_is_collected_while_it_is_paid_for_and_told_to_nobody_else(client: Client, world: World) -> None:
    case = CASES["B6-garden-subscription"]
    first, last = case["window"]
    it_is(date.fromisoformat(first))
    homes = [
        {"uprn": address, "address": address, "postcode": "ZZ1 1AA", "rounds": ["R1"], "services": paid}
        for address, paid in case["addresses"].items()
    ]
    file = schedule(rule_of(case["rules"][0]) | {"stream": "garden"}, weekly("refuse", "Mon"), properties=homes)
    put_into_force(client, world, file)
    for address, expected in case["expected"].items():
        days = {"uprn": address, "from": first, "to": last}
        assert dates(read_as(world.headers, client, **days), "garden") == expected
        everybody = read(client, "ZZ1 1AA", **days)
        assert dates(everybody, "garden") == []
        assert [one["code"] for one in everybody["streams"]] == ["refuse"]


def test_a_split_postcode_states_no_date_until_the_home_is_known(client: Client, world: World) -> None:
    case = CASES["B7-split-postcode"]
    first, last = case["window"]
    it_is(date.fromisoformat(first))
    rounds = [{"code": rule["round"], "rules": [rule_of(rule)]} for rule in case["rules"]]
    assignments = [
        {"round": "ODD", "postcode": "ZZ1 2AB", "from": 1, "to": 39, "side": "odd"},
        {"round": "EVEN", "postcode": "ZZ1 2AB", "from": 2, "to": 40, "side": "even"},
        {"round": "FLATS", "postcode": "ZZ1 2AB", "building": "Mill House", "from": 1, "to": 12},
    ]
    put_into_force(client, world, {"rounds": rounds, "assignments": assignments})
    window = {"from": first, "to": last}
    asked = read(client, "ZZ1 2AB", **window)
    assert asked["collections"] == []
    assert len(asked["choices"]) == 20 + 20 + 12
    by_label = {one["label"]: one["uprn"] for one in asked["choices"]}
    for label, code in (("7", "ODD"), ("40", "EVEN"), ("7 Mill House", "FLATS")):
        assert dates(read(client, "ZZ1 2AB", uprn=by_label[label], **window)) == case["expected"][code]


def test_dates_are_read_in_every_format_or_refused_with_the_row(client: Client, world: World) -> None:
    case = CASES["B10-lists-of-dates"]
    it_is(date.fromisoformat(case["today"]))
    rows = "\n".join(f'10000000001,1 Invented Lane,ZZ1 1AA,refuse,"{text}"' for text in case["input"])
    file = f"uprn,address,postcode,stream,date\n{rows}\n".encode()
    made = upload(client, world, {"days.csv": file}).json()
    refused = [one.removeprefix("refused: ") for one in case["expected"] if one.startswith("refused")]
    assert [one.rpartition(": ")[2] for one in made["refusals"]] == refused
    assert [one.partition(":")[0] for one in made["refusals"]] == [f"days.csv, line {n}" for n in (8, 9, 10, 11)]
    client.post(f"/api/v1/collections/releases/{made['id']}/activate", headers=world.headers)
    shown = read(client, "ZZ1 1AA", **{"from": "2026-12-24", "to": "2027-12-31"})
    wanted = sorted({one for one in case["expected"] if not one.startswith("refused")})
    assert dates(shown) == wanted
