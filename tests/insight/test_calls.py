"""Calls: taken in from a file row by row, replaced by the same hours, and laid beside alerts."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.insight.calls.commands import calls_command
from notify.insight.calls.csv_file import CallsNotReadable, read_calls
from notify.staff.models import Role
from tests.alerts.calls import created, neighbour
from tests.insight.desk import submit
from tests.world import World, add_resident, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def take_in(client: Client, headers: dict[str, str], file: str) -> Any:  # noqa: ANN401 - JSON
    answer = client.post("/api/v1/calls/import", content=file.encode(), headers=headers | {"Content-Type": "text/csv"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def stored() -> list[tuple[str, datetime, bool, int]]:
    with transaction() as session:
        rows = session.execute(text("SELECT category, starts_at, is_whole_day, calls FROM call_volume ORDER BY 1, 2"))
        return [tuple(row) for row in rows]


def test_every_row_is_kept_or_refused_with_a_reason(client: Client, world: World) -> None:
    report = take_in(
        client,
        world.headers,
        "Date;Hour;Queue;Calls\n"
        "24/11/2026;09:00;Missed  bins;41\n"
        "24/11/2026;9;Missed bins;38\n"
        "\n"
        "24/11/2026;25;Missed bins;1\n"
        "yesterday;10;Missed bins;1\n"
        "24/11/2026;10:30;Missed bins;1\n"
        "24/11/2026;11;;1\n"
        "24/11/2026;12;Missed bins;many\n"
        "24/11/2026;;Missed bins;400\n"
        "25/11/2026;;Council tax;1,204\n",
    )
    assert (report["rows"], report["added"], report["replaced"], report["refused"]) == (9, 2, 0, 7)
    assert {one["row"]: one["reason"] for one in report["problems"]} == {
        3: "Row 2 has the calls of this category and time already.",
        5: "'25' is no hour such as 9 or 09:00.",
        6: "'yesterday' cannot be read. Enter a date like 3 December 2027 or 3/12/2027.",
        7: "Calls are counted by whole hours: 09:00, not 09:30.",
        8: "The category must have 1 to 80 letters.",
        9: "'many' is no number of calls.",
        10: "The file has this day both in hours and as a whole.",
    }  # fmt: skip
    assert stored() == [
        ("Council tax", datetime(2026, 11, 25, tzinfo=UTC), True, 1204),
        ("Missed bins", datetime(2026, 11, 24, 9, tzinfo=UTC), False, 41),
    ]


def test_the_same_hours_again_are_replaced_and_nothing_counts_twice(client: Client, world: World) -> None:
    file = "date,hour,category,calls\n2026-07-01,9,Bins,10\n2026-07-01,10,Bins,20\n"
    take_in(client, world.headers, file)
    again = take_in(client, world.headers, file.replace(",20", ",25"))
    assert (again["added"], again["replaced"]) == (0, 2)
    assert [calls for *_, calls in stored()] == [10, 25]
    assert stored()[0][1] == datetime(2026, 7, 1, 8, tzinfo=UTC)  # summer time
    take_in(client, world.headers, "date,category,calls\n2026-07-01,Bins,90\n")  # the whole day instead
    assert [(whole, calls) for _, _, whole, calls in stored()] == [(True, 90)]
    take_in(client, world.headers, file)
    assert [(whole, calls) for _, _, whole, calls in stored()] == [(False, 10), (False, 20)]


def test_moments_may_carry_their_zone_for_the_night_when_an_hour_comes_twice(client: Client, world: World) -> None:
    report = take_in(
        client,
        world.headers,
        "interval start,queue,offered\n2026-10-25T01:00+01:00,Bins,3\n2026-10-25T01:00+00:00,Bins,4\n"
        "2026-10-26 09:00,Bins,5\n26/10/2026 10:00,Bins,6\n",
    )
    assert report["refused"] == 0
    assert [(at.day, at.hour, calls) for _, at, _, calls in stored()] == [
        *((25, 0, 3), (25, 1, 4)),
        *((26, 9, 5), (26, 10, 6)),
    ]


@pytest.mark.parametrize("file", ["", "a,b\n1,2\n", "date,category\n2026-01-01,Bins\n", "date,date,category,calls\n"])
def test_a_file_that_makes_no_sense_is_refused_as_a_whole(client: Client, world: World, file: str) -> None:
    answer = client.post("/api/v1/calls/import", content=file.encode(), headers=world.headers)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/calls-not-readable"
    assert stored() == []


@given(st.binary(max_size=300))
def test_no_file_breaks_the_reader(file: bytes) -> None:
    for start in (b"", b"date,hour,category,calls\n", b"\xff\xfe"):
        try:
            rows = list(read_calls(start + file))
        except CallsNotReadable:
            continue
        assert all((row.calls is None) == bool(row.reason) for row in rows)


def test_calls_are_laid_beside_the_alerts_of_their_topic(client: Client, world: World, work: Work) -> None:
    add_resident(world, "a@example.org", topics=["bins"])
    alert = created(client, world.headers, topic="bins", send=True)["id"]
    work()
    began = clock.now().replace(minute=0, second=0, microsecond=0)
    lines = ["date,category,calls"]
    for weeks, many in ((0, 50), (1, 10), (2, 20)):
        at = began - timedelta(weeks=weeks)
        lines += [f"{at.isoformat()},Bins,{many}", f"{at.isoformat()},Parking,1000"]
    take_in(client, world.headers, "\n".join(lines))
    every = client.get(f"/api/v1/alerts/{alert}/calls", headers=world.headers).json()
    [hour] = [one for one in every["hours"] if one["calls"] is not None]
    assert (every["categories"], hour["calls"], hour["usual"]) == ([], 1050, 1015.0)
    about = {"category": "Bins", "topic": "bins"}
    assert client.put("/api/v1/calls/categories", json=about, headers=world.headers).status_code == 204
    own = client.get(f"/api/v1/alerts/{alert}/calls", headers=world.headers).json()
    [hour] = [one for one in own["hours"] if one["calls"] is not None]
    assert (own["categories"], hour["calls"], hour["usual"]) == (["Bins"], 50, 15.0)
    assert len(own["hours"]) == 72
    shown = client.get(f"/staff/figures/calls/{alert}", headers=at_the_desk(make_key(world, Role.VIEWER))).text
    assert "In the 1 of the 24 hours from the alert of which calls are known there were 50 calls; as usual" in shown
    unknown = {"category": "Trees", "topic": "bins"}
    assert client.put("/api/v1/calls/categories", json=unknown, headers=world.headers).status_code == 404


def test_the_page_takes_a_file_and_says_which_topic_each_category_is_about(client: Client, world: World) -> None:
    desk = at_the_desk(make_key(world, Role.ADMIN))
    path = "/staff/figures/calls"
    month = clock.now().strftime("%Y-%m")
    file = f"date,hour,category,calls\n{month}-01,9,Bins <b>,41\n{month}-01,9,Tax,x\n".encode()
    shown = client.post(path, files={"file": ("calls.csv", file, "text/csv")}, headers=desk).text
    assert "1 hours or days were added and 0 replaced, 1 of 2 rows were refused." in shown
    assert "&#39;x&#39; is no number of calls." in shown
    assert "Bins &lt;b&gt;" in shown
    said = submit(client, f"{path}/topics", {"category": "Bins <b>", "topic": "bins"}, desk).text
    assert '<option value="bins" selected>' in said
    assert client.post(path, files={}, headers=desk).status_code == 422
    months = client.get("/api/v1/calls", headers=world.headers).json()["months"]
    assert months == [{"month": month, "category": "Bins <b>", "calls": 41}]


def test_another_council_sees_none_of_it(client: Client, world: World) -> None:
    take_in(client, world.headers, "date,category,calls\n2026-11-01,Bins,10\n")
    theirs = neighbour()
    assert client.get("/api/v1/calls", headers=theirs).json()["categories"] == []
    take_in(client, theirs, "date,category,calls\n2026-11-01,Bins,3\n")
    own = client.get("/api/v1/calls?since=2026-01-01&until=2026-12-31", headers=world.headers).json()
    assert own["months"][0]["calls"] == 10


@pytest.mark.usefixtures("world")
def test_the_command_says_what_it_refused_and_fails_where_it_did(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"

    def typed(lines: str) -> tuple[int, str]:
        file.write_text("date,category,calls\n" + lines)
        result = CliRunner().invoke(calls_command, ["import", "zed", str(file)], obj=nullcontext)
        return result.exit_code, result.output

    assert typed("2026-11-01,Bins,10\n") == (0, "1 rows: 1 added, 0 replaced, 0 refused.\n")
    code, said = typed("2026-11-01,Bins,12\n2026-11-02,Bins,-1\n")
    assert code == 1
    assert "Row 3 is refused: '-1' is no number of calls." in said
    assert "2 rows: 0 added, 1 replaced, 1 refused." in said
