"""Collection days that are fetched by themselves, from an address and from a folder."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from notify.core import clock
from notify.core.db import transaction
from notify.core.settings import Settings
from notify.waste import release_loading, sources
from tests.waste.council import DECEMBER, Client, as_json, dates, it_is, put_into_force, read, schedule, weekly
from tests.world import World, make_other_council, make_world, signed_in

API = "/api/v1/collections/sources"
TUESDAYS, THURSDAYS = schedule(weekly("refuse", "Tue")), schedule(weekly("refuse", "Thu"))


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    """A council whose refuse is collected on Tuesdays."""
    made = make_world()
    it_is(DECEMBER)
    put_into_force(client, made, TUESDAYS)
    yield made
    clock.use(None)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and writes nothing. What is below /together/ is served to two at the same moment only."""

    together = threading.Barrier(2, timeout=10)

    def do_GET(self) -> None:
        """Send the file."""
        if self.path.startswith("/together/"):
            self.together.wait()
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def site(tmp_path: Path, choose: Callable[..., None]) -> Iterator[tuple[str, Path]]:
    """The address of a web server of the contractor's, and the folder it serves."""
    choose(COLLECTIONS_ALLOWED_HOSTS="127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", tmp_path
    server.shutdown()
    thread.join()
    server.server_close()


def add(client: Client, world: World, address: str, **more: object) -> dict[str, Any]:
    """Add a source."""
    body = {"address": address, "name": "Zed Waste", **more}
    answer = client.post(API, json=body, headers=world.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def state(client: Client, world: World) -> dict[str, Any]:
    """The one source there is."""
    [one] = client.get(API, headers=world.headers).json()["sources"]
    found: dict[str, Any] = one
    return found


def test_a_source_that_is_slow_does_not_hold_up_the_others(
    client: Client, world: World, site: tuple[str, Path]
) -> None:
    address, folder = site
    (folder / "together").mkdir()
    for name in ("one", "two"):
        (folder / "together" / f"{name}.json").write_bytes(as_json(THURSDAYS))
        add(client, world, f"{address}/together/{name}.json")
    assert sources.fetch_due() == 2
    told = client.get(API, headers=world.headers).json()["sources"]
    assert [one["is_failing"] for one in told] == [False, False]


def test_a_new_file_waits_for_a_person_unless_it_changes_few_homes(
    client: Client, world: World, site: tuple[str, Path]
) -> None:
    address, folder = site
    (folder / "days.json").write_bytes(as_json(THURSDAYS))
    add(client, world, f"{address}/days.json")
    assert sources.fetch_due() == 1
    assert state(client, world)["result"].endswith("waits for you: 0 homes new, 1 change day, 0 gone.")
    assert dates(read(client, to="2026-12-08")) == ["2026-12-01", "2026-12-08"]
    assert sources.fetch_due() == 0, "not before its next turn"


def test_a_small_change_is_put_into_force_by_itself(client: Client, world: World, site: tuple[str, Path]) -> None:
    address, folder = site
    (folder / "days.json").write_bytes(as_json(THURSDAYS))
    add(client, world, f"{address}/days.json", most_changes=1)
    sources.fetch_due()
    assert "was put into force" in state(client, world)["result"]
    assert dates(read(client, to="2026-12-08")) == ["2026-12-03"]


def test_the_same_file_again_makes_the_days_fresh_and_no_release(
    client: Client, world: World, site: tuple[str, Path]
) -> None:
    address, folder = site
    (folder / "days.json").write_bytes(as_json(THURSDAYS))
    add(client, world, f"{address}/days.json", most_changes=1)
    sources.fetch_due()
    until = read(client)["source"]["fresh_until"]
    it_is(DECEMBER + timedelta(days=1))
    sources.fetch_due()
    assert state(client, world)["result"] == "Nothing new."
    assert read(client)["source"]["fresh_until"] > until


def test_what_cannot_be_fetched_or_read_says_why_and_changes_nothing(
    client: Client, world: World, site: tuple[str, Path]
) -> None:
    address, folder = site
    made = add(client, world, f"{address}/days.csv")
    sources.fetch_due()
    assert state(client, world)["is_failing"]
    assert state(client, world)["result"] == "The address answered with status 404."
    (folder / "days.csv").write_text("nothing,known\n1,2\n")
    client.post(f"{API}/{made['id']}/fetch", headers=world.headers)
    sources.fetch_due()
    assert "headings are of no shape" in state(client, world)["result"]
    assert dates(read(client, to="2026-12-01")) == ["2026-12-01"]


def test_a_source_that_breaks_in_an_unexpected_way_says_so_and_keeps_no_other_waiting(
    client: Client, world: World, site: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(release_loading, "load", broken)
    address, folder = site
    (folder / "days.json").write_bytes(as_json(THURSDAYS))
    for _ in range(2):
        add(client, world, f"{address}/days.json")
    assert sources.fetch_due() == 2
    said = [one["result"] for one in client.get(API, headers=world.headers).json()["sources"]]
    assert said == ["It could not be read: ZeroDivisionError."] * 2


@pytest.mark.parametrize("ended", ["closed_at = business_now()", "merged_into_id = :other"])
def test_the_sources_of_a_council_that_has_ended_are_not_fetched(client: Client, world: World, ended: str) -> None:
    add(client, world, "folder")
    values = {"own": world.council_id, "other": make_other_council().council_id}
    with transaction() as session:
        session.execute(text(f"UPDATE council SET {ended} WHERE id = :own"), values)
    assert sources.fetch_due() == 0


def test_an_address_inside_is_not_called(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")  # alerts may be posted there; answers are not read
    add(client, world, "https://127.0.0.1/days.json")
    sources.fetch_due()
    assert "not a public one" in state(client, world)["result"]


def test_a_network_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"10\.20\.0\.1/16"):
        Settings(collections_allowed_hosts="rounds.example.org, 10.20.0.1/16")


def test_the_newest_file_of_the_councils_folder_is_read(
    client: Client, world: World, tmp_path: Path, choose: Callable[..., None]
) -> None:
    add(client, world, "folder", most_changes=1)
    sources.fetch_due()
    assert "No folder is set up" in state(client, world)["result"]
    choose(COLLECTIONS_FOLDER=str(tmp_path))
    own = tmp_path / "zed"
    own.mkdir()
    (own / "days.json").write_bytes(as_json(THURSDAYS))
    client.post(f"{API}/{state(client, world)['id']}/fetch", headers=world.headers)
    sources.fetch_due()
    assert dates(read(client, to="2026-12-08")) == ["2026-12-03"]


def test_another_councils_source_is_not_there(client: Client, world: World) -> None:
    made = add(client, world, "folder")
    other = make_other_council()
    assert client.delete(f"{API}/{made['id']}", headers=other.headers).status_code == 404
    assert client.delete(f"{API}/{made['id']}", headers=world.headers).status_code == 204
    assert client.get(API, headers=world.headers).json()["sources"] == []


def test_the_page_adds_shows_and_removes_a_source(client: Client, world: World) -> None:
    desk = signed_in(world.council_id)
    form = {"address": "ftp://example.org/x", "name": "Zed Waste", "every_hours": "24"}
    wrong = client.post("/staff/bins/sources", data=form, headers=desk)
    assert wrong.status_code == 422
    assert "begins with https://" in wrong.text
    sent = client.post("/staff/bins/sources", data=form | {"address": "folder"}, headers=desk, follow_redirects=False)
    assert sent.status_code == 303
    shown = client.get("/staff/bins/sources", headers=desk).text
    assert "The council’s folder" in shown
    client.post(f"/staff/bins/sources/{state(client, world)['id']}/remove", headers=desk)
    assert client.get(API, headers=world.headers).json()["sources"] == []
