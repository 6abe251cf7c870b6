"""The officers' pages of collection days."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from httpx import Response
from sqlalchemy import text

from notify.core import clock, jobs
from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff.models import Role
from notify.waste import upload_runs
from tests.waste.council import DECEMBER, HOME, Client, as_json, dates, it_is, put_into_force, read, schedule, weekly
from tests.waste.test_reminders import EVE, STREAMS, look, remind
from tests.world import World, make_other_council, make_world, signed_in


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council with refuse and food on Tuesdays, and garden waste for those who pay on Wednesdays."""
    made = make_world()
    it_is(DECEMBER)
    streams = [*STREAMS, {"code": "garden", "name": "Garden waste", "availability": "subscribers"}]
    file = schedule(weekly("refuse", "Tue"), weekly("food", "Tue"), weekly("garden", "Wed"), streams=streams)
    file["properties"][0]["services"] = {"garden": ["2026-01-01", "2027-12-31"]}
    put_into_force(client, made, file)
    yield made
    clock.use(None)


@pytest.fixture
def officer(world: World) -> dict[str, str]:
    """Somebody who may change collection days, at the desk."""
    return signed_in(world.council_id)


Sent = dict[str, str] | None
Files = list[tuple[str, tuple[str, io.BytesIO]]] | None


def press(client: Client, officer: dict[str, str], path: str, data: Sent = None, files: Files = None) -> Response:
    """Send a form, and go where it leads as a browser does, with the cookie."""
    answer = client.post(f"/staff/bins{path}", headers=officer, follow_redirects=False, data=data, files=files)
    return look_at(client, officer, answer.headers["location"]) if answer.status_code == 303 else answer


def look_at(client: Client, officer: dict[str, str], path: str) -> Response:
    """Open a page, and go where it leads."""
    answer = client.get(path, headers=officer, follow_redirects=False)
    return look_at(client, officer, answer.headers["location"]) if answer.status_code == 303 else answer


def test_the_overview_shows_rounds_streams_and_how_old_they_are(
    client: Client, world: World, officer: dict[str, str]
) -> None:
    text = client.get("/staff/bins", headers=officer).text
    assert "Tuesday, every week" in text
    assert "Those who pay" in text
    assert "Zed Council, Tuesday 1 December 2026" in text
    assert (
        "Something happened today"
        not in client.get("/staff/bins", headers=signed_in(world.council_id, Role.VIEWER)).text
    )


def test_a_round_has_a_calendar_with_what_only_subscribers_have(
    client: Client, world: World, officer: dict[str, str]
) -> None:
    text = client.get("/staff/bins/round", params={"code": "R1"}, headers=officer).text
    assert text.count("<caption>") == 4
    assert "Garden waste" in text
    assert client.get("/staff/bins/round", params={"code": "R9"}, headers=officer).status_code == 404


def test_a_home_is_found_with_its_rounds_and_what_it_pays_for(
    client: Client, world: World, officer: dict[str, str]
) -> None:
    text = client.get("/staff/bins/find", params={"postcode": "zz1 1aa"}, headers=officer).text
    assert "R1, garden: Wednesday, every week" in text
    assert "Garden waste: Wednesday 2 December 2026" in text
    nowhere = client.get("/staff/bins/find", params={"postcode": "ZZ2 1AA"}, headers=officer)
    assert nowhere.status_code == 422


def test_something_that_happened_is_counted_shown_and_told(
    client: Client, world: World, officer: dict[str, str]
) -> None:
    remind(world, "sam@example.org")
    look(EVE, 18)
    it_is(EVE)
    officer = signed_in(world.council_id)
    form = {
        "kind": "moved",
        "day": "29/12/2026",
        "new_day": "31 December 2026",
        "round": "R1",
        "stream": "food",
        "cause": "breakdown",
    }
    checked = press(client, officer, "/happened", data=form | {"step": "check"})
    assert "<strong>1</strong> homes, of which subscribers with reminders: <strong>1</strong>" in checked.text
    assert "collected on Thursday 31 December instead of Tuesday 29 December" in checked.text
    assert "a vehicle broke down" in checked.text
    done = press(client, officer, "/happened", data=form | {"step": "tell"})
    assert "Within a minute" in done.text
    assert look(EVE, 19) == ["Change to your bin collection on Tuesday 29 December"]
    officer = signed_in(world.council_id)
    assert "Within a minute" not in client.get("/staff/bins", headers=officer).text
    assert "2026-12-31" in dates(read(client, **{"from": "2026-12-28", "to": "2027-01-03"}), "food")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": ""}, "Choose what happened."),
        ({"day": "someday"}, "Enter a day: no date."),
        ({"new_day": ""}, "Enter the new day"),
        ({"day": "28/12/2026"}, "has such a collection planned"),
        ({"cause": ""}, "Choose a reason."),
    ],
)
def test_what_cannot_be_told_is_asked_again(
    client: Client, world: World, officer: dict[str, str], changes: dict[str, str], words: str
) -> None:
    form = {"kind": "moved", "day": "29/12/2026", "new_day": "30/12/2026", "cause": "weather", "step": "tell"}
    answer = press(client, officer, "/happened", data=form | changes)
    assert answer.status_code == 422
    assert words in answer.text


def test_the_holiday_table_previews_every_date_that_it_moves(
    client: Client, world: World, officer: dict[str, str]
) -> None:
    form = {"lines": "29 December 2026 to 30 December 2026\n5/1/2027 to none"}
    preview = press(client, officer, "/holidays", data=form).text
    moved = preview.partition("What this moves")[2].partition("</table>")[0]
    assert re.findall(r"<td>(\w+)</td><td>([^<]+)</td><td>([^<]+)</td>", moved) == [
        ("food", "Tuesday 29 December 2026", "Wednesday 30 December 2026"),
        ("refuse", "Tuesday 29 December 2026", "Wednesday 30 December 2026"),
        ("food", "Tuesday 5 January 2027", "Not collected"),
        ("refuse", "Tuesday 5 January 2027", "Not collected"),
    ]
    days = {"from": "2026-12-28", "to": "2027-01-10"}
    assert dates(read(client, **days), "food") == ["2026-12-29", "2027-01-05"]
    saved = press(client, officer, "/holidays", data=form | {"step": "save"}).text
    assert dates(read(client, **days), "food") == ["2026-12-30"]
    line = re.findall(r'name="take_back" value="([^"]+)"', saved)[0]
    press(client, officer, "/holidays", data={"take_back": line})
    assert dates(read(client, **days), "food") == ["2026-12-29"]


@pytest.mark.parametrize("line", ["29 December 2026", "29 December 2026 to someday", "", "1/12/2026 to 1/3/2027"])
def test_a_line_that_says_nothing_clear_is_asked_again(
    client: Client, world: World, officer: dict[str, str], line: str
) -> None:
    assert press(client, officer, "/holidays", data={"lines": line}).status_code == 422


def test_files_are_uploaded_compared_and_put_into_force(
    client: Client, world: World, officer: dict[str, str], work: Callable[[], None]
) -> None:
    file = as_json(schedule(weekly("refuse", "Fri"), weekly("food", "Tue"), weekly("garden", "Wed")))
    parts = [("files", ("days.json", io.BytesIO(file)))]
    waiting = press(client, officer, "/upload", files=parts, data={"source": "Depot"})
    assert "Waiting for a worker." in waiting.text
    kept = settings().data_dir / "collections" / waiting.url.path.rpartition("/")[2]
    assert kept.is_dir()
    work()
    shown = look_at(client, officer, waiting.url.path)
    assert "Tuesday to Friday" in shown.text
    assert dates(read(client), "refuse")[0] == "2026-12-01"
    release = shown.url.path.rpartition("/")[2]
    press(client, officer, f"/releases/{release}/activate")
    assert dates(read(client), "refuse")[0] == "2026-12-04"
    assert not kept.exists(), "the files go once they are loaded"
    wrong = press(client, officer, "/upload", data={"source": "Depot"})
    assert (wrong.status_code, "Choose one file or more." in wrong.text) == (422, True)


def test_files_that_cannot_be_loaded_say_why_and_change_nothing(
    client: Client, world: World, officer: dict[str, str], work: Callable[[], None]
) -> None:
    parts = [("files", ("days.csv", io.BytesIO(b"one,two\n1,2\n")))]
    waiting = press(client, officer, "/upload", files=parts, data={"source": "Depot"})
    work()
    shown = client.get(waiting.url.path, headers=officer).text
    assert "The files were not loaded" in shown
    assert "headings are of no shape" in shown
    other = signed_in(make_other_council().council_id)
    assert client.get(waiting.url.path, headers=other).status_code == 404


def test_an_upload_whose_worker_died_is_loaded_by_the_next(
    client: Client, world: World, officer: dict[str, str], work: Callable[[], None]
) -> None:
    parts = [("files", ("days.json", io.BytesIO(as_json(schedule(weekly("refuse", "Fri"))))))]
    path = press(client, officer, "/upload", files=parts, data={"source": "Depot"}).url.path
    with transaction() as session:
        session.execute(
            text("UPDATE collection_upload SET state = 'loading', lease_until = :past"),
            {"past": DECEMBER - timedelta(hours=1)},
        )
    jobs.sending_broker().client.flushall()
    with transaction() as session:
        upload_runs.note_forgotten(session)
    work()
    assert "/releases/" in look_at(client, officer, path).url.path


def test_homes_that_are_missed_three_times_in_eight_weeks_are_listed(
    client: Client, world: World, officer: dict[str, str]
) -> None:
    it_is(date(2027, 1, 6))
    officer = signed_in(world.council_id)
    for day in ("2026-12-01", "2026-12-15", "2027-01-05"):
        assert "Missed again" not in client.get("/staff/bins", headers=officer).text
        event = {"kind": "not-completed", "day": day, "home": HOME, "stream": "refuse", "cause": "blocked-road"}
        client.post("/api/v1/waste-events", json=event, headers=world.headers)
    assert "Missed again" in client.get("/staff/bins", headers=officer).text
    it_is(date(2027, 1, 28))
    officer = signed_in(world.council_id)
    assert "Missed again" not in client.get("/staff/bins", headers=officer).text


def test_a_report_reaches_the_desk_and_is_closed(client: Client, world: World, officer: dict[str, str]) -> None:
    client.post(f"/bins/zed/{HOME}/wrong", data={"words": "Ours is Friday"}, headers={"Sec-Fetch-Site": "same-origin"})
    text = client.get("/staff/bins", headers=officer).text
    assert "Ours is Friday" in text
    report = re.findall(r"/staff/bins/reports/([0-9a-f-]+)/done", text)[0]
    assert "Ours is Friday" not in press(client, officer, f"/reports/{report}/done").text


def test_the_words_of_a_stream_are_changed_in_each_language(
    client: Client, world: World, officer: dict[str, str]
) -> None:
    assert 'value="Gwastraff"' in client.get("/staff/bins/stream", params={"code": "refuse"}, headers=officer).text
    form = {"code": "refuse", "names_en": "Rubbish", "names_cy": "Sbwriel", "containers_en": "green bin"}
    press(client, officer, "/stream", data=form)
    assert "Rubbish (green bin)" in client.get(f"/bins/zed/{HOME}").text
    assert press(client, officer, "/stream", data={"code": "none"}).status_code == 404
