"""Administrators upload a release, see what it changes and for how many residents, and put it into force, on pages."""

import gzip
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from notify.core import clock, jobs
from notify.core.db import transaction
from notify.places import archives, release_loading, release_tasks
from notify.staff.models import Officer, Role
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.places.invented import load, postcode_file, ward_file
from tests.places.map_files import zipped
from tests.tracking.reading import part
from tests.world import World, add_resident, at_the_desk, make_key, make_other_council, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
Work = Callable[[], None]
PAGE, API = "/staff/places/releases", "/api/v1/place-releases"
ROWS = (
    ("ZZ1 1AA", 555_500, 344_500, "Z05000002"),
    ("ZZ1 1AB", 555_600, 344_600, "Z05000001"),
    ("ZZ1 1AD", 555_990, 344_500, "Z05000001"),
    ("ZZ2 1AA", 556_500, 344_500, "Z05000002"),
    ("ZZ2 1AB", 556_900, 344_900, "Z05000002"),
)


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    client.follow_redirects = False
    yield make_world()
    clock.use(None)


@pytest.fixture
def file(tmp_path: Path) -> bytes:
    """The postcodes of the tests' world, one of which is in another ward."""
    return postcode_file(tmp_path / "zz.csv", ROWS).read_bytes()


def newest(client: Client, world: World) -> dict[str, object]:
    found: dict[str, object] = client.get(API, headers=world.headers).json()["tasks"][0]
    return found


def test_a_release_is_read_compared_and_put_into_force(client: Client, world: World, file: bytes, work: Work) -> None:
    add_resident(world, "ann@example.org", postcodes=["ZZ1 1AA"])
    headers = at_the_desk(make_key(world, Role.ADMIN))
    sent = client.post(PAGE, files={"file": ("ONSPD_NOV_2026.csv", file)}, headers=headers)
    assert sent.headers["location"] == PAGE
    waiting = client.get(PAGE, headers=headers)
    assert (waiting.headers["refresh"], "is being read" in waiting.text) == ("3", True)
    work()
    read = newest(client, world)
    assert (read["state"], read["outcome"]) == ("done", {"rows": 5, "refused": 0}), read
    one = f"{PAGE}/{read['release']}"
    page = client.get(one, headers=headers).text
    assert "ONS Postcode Directory November 2026" in page
    assert "<td>Northside</td><td>Southside</td>" in page
    compared = client.get(f"{API}/{read['release']}/comparison", headers=world.headers).json()
    assert compared["moves"] == [{"old_ward": "Northside", "new_ward": "Southside", "places": 1}]
    assert client.post(f"{one}/activate", headers=headers).status_code == 303
    work()
    assert newest(client, world)["state"] == "done"
    found = client.get("/api/v1/postcodes/ZZ1 1AA", headers=world.headers).json()
    assert found["ward"]["code"] == "Z05000002"
    assert "1 places came into another ward" in client.get(PAGE, headers=headers).text


def test_a_release_with_objections_is_put_into_force_only_by_who_checked_them(
    client: Client, world: World, file: bytes, work: Work
) -> None:
    headers = at_the_desk(make_key(world, Role.ADMIN))
    hole = b"\n".join(file.splitlines()[:2])
    client.post(API, files={"file": ("ONSPD_NOV_2026.csv", hole)}, headers=world.headers)
    work()
    one = newest(client, world)["release"]
    assert "postcodes of zed are gone" in client.get(f"{PAGE}/{one}", headers=headers).text
    assert client.post(f"{PAGE}/{one}/activate", headers=headers).status_code == 422
    refused = client.post(f"{API}/{one}/activate", headers=world.headers)
    assert refused.json()["type"] == "/problems/release-needs-confirmation"
    assert client.post(f"{PAGE}/{one}/activate", data={"sure": "yes"}, headers=headers).status_code == 303
    work()
    assert newest(client, world)["state"] == "done"


def test_what_cannot_be_read_is_told_and_leaves_nothing_on_the_disk(client: Client, world: World, work: Work) -> None:
    headers = at_the_desk(make_key(world, Role.ADMIN))
    assert client.post(PAGE, headers=headers).status_code == 422
    sent = client.post(PAGE, files={"file": ("../../notes.txt", b"Hello.")}, headers=headers)
    assert sent.status_code == 303
    work()
    failed = newest(client, world)
    assert (failed["state"], "notes.txt holds no CSV" in str(failed["failure"])) == ("failed", True), failed
    assert "notes.txt could not be read" in client.get(PAGE, headers=headers).text
    with transaction() as session:
        [task] = release_tasks.tasks(session, world.council_id)
        assert not release_tasks.folder_of(task.id).exists()
        release_tasks.note_forgotten(session)
        assert list(jobs.noted(session)) == []


def test_where_councils_share_an_installation_none_uploads_or_puts_a_release_into_force(
    client: Client, world: World, tmp_path: Path
) -> None:
    make_other_council()
    headers = at_the_desk(make_key(world, Role.ADMIN))
    files = {"file": ("ONSPD_NOV_2026.csv", b"")}
    for path, by in ((API, world.headers), (PAGE, headers)):
        assert client.post(path, files=files, headers=by).status_code == 409
    assert "Ask an operator" in client.get(PAGE, headers=headers).text
    assert client.get(API, headers=world.headers).json()["tasks"] == []
    one = load(postcode_file(tmp_path / "zz.csv", ROWS)).release_id
    assert client.post(f"{API}/{one}/activate", headers=world.headers).status_code == 409
    assert "Ask your system administrator" in client.get(f"{PAGE}/{one}", headers=headers).text
    assert client.get(f"{PAGE}/nothing", headers=headers).status_code == 404


def test_an_operator_uploads_for_all_councils(client: Client, world: World, file: bytes, work: Work) -> None:
    make_other_council()
    headers = at_the_desk(make_key(world, Role.ADMIN))
    with transaction() as session:
        session.execute(update(Officer).values(is_operator=True))
    assert "Upload a release" in client.get(PAGE, headers=headers).text
    sent = client.post(PAGE, files={"file": ("ONSPD_NOV_2026.csv", file)}, headers=headers)
    assert sent.status_code == 303, sent.text
    work()
    assert newest(client, world)["state"] == "done"


def test_a_release_that_is_only_loaded_names_no_ward(
    client: Client, world: World, tmp_path: Path, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "ann@example.org", postcodes=["ZZ1 1AA"])
    load(ward_file(tmp_path / "wards.geojson"))
    one = load(postcode_file(tmp_path / "zz.csv", ROWS)).release_id
    compared = client.get(f"{API}/{one}/comparison", headers=world.headers).json()
    assert compared["moves"] == [{"old_ward": "Northside", "new_ward": "Southside", "places": 1}]
    created(client, world.headers, send=True)
    work()
    [mail] = inbox.messages()
    words = part(mail, "plain")
    assert ("Northside" in words, "Ward 1" in words) == (True, False)


def test_a_small_file_that_becomes_very_large_is_not_unpacked(
    client: Client, world: World, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 100_000)
    map_file = zipped({"wards.kml": bytes(100_001)})
    for name, content in (("wards.zip", map_file), ("ONSPD_NOV_2026.csv.gz", gzip.compress(bytes(100_001)))):
        headers = world.headers | {"Content-Type": "application/zip"}
        sent = client.post(API, params={"file_name": name}, content=content, headers=headers)
        assert sent.status_code == 202, sent.text
        work()
        failed = newest(client, world)
        assert (failed["state"], "Unpacked, " in str(failed["failure"])) == ("failed", True), failed


def uploaded(client: Client, world: World, file: bytes) -> UUID:
    """The id of the task that is to read this file."""
    assert client.post(API, files={"file": ("ONSPD_NOV_2026.csv", file)}, headers=world.headers).status_code == 202
    with transaction() as session:
        return release_tasks.tasks(session, world.council_id)[0].id


def wait(minutes: int) -> None:
    """It is so many minutes later; after 15 the lease of a worker that says nothing has run out."""
    at = clock.now() + timedelta(minutes=minutes)
    clock.use(lambda: at)


def test_while_the_database_is_away_the_file_stays_for_the_next_worker(
    client: Client, world: World, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception())

    task_id = uploaded(client, world, file)
    with monkeypatch.context() as broken:
        broken.setattr(release_loading, "load_postcodes", away)
        with pytest.raises(OperationalError):
            release_tasks.run(task_id)
    wait(16)
    release_tasks.run(task_id)
    assert newest(client, world)["state"] == "done"
    assert not release_tasks.folder_of(task_id).exists()


def test_what_nobody_expected_is_told_by_its_type(
    client: Client, world: World, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(release_loading, "load_postcodes", broken)
    release_tasks.run(uploaded(client, world, file))
    assert newest(client, world)["failure"] == "It could not be done: ZeroDivisionError."


def test_of_two_workers_the_slow_one_gives_up(
    client: Client, world: World, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = uploaded(client, world, file)
    read = release_loading.load_postcodes

    def slow(path: Path, *, progress: Callable[[int], None], **_: str) -> None:
        wait(16)
        monkeypatch.setattr(release_loading, "load_postcodes", read)
        release_tasks.run(task_id)
        progress(1)
        raise AssertionError("it went on")

    monkeypatch.setattr(release_loading, "load_postcodes", slow)
    release_tasks.run(task_id)
    done = newest(client, world)
    assert (done["state"], done["outcome"], done["failure"]) == ("done", {"rows": 5, "refused": 0}, "")


def test_a_worker_that_tells_how_far_it_is_keeps_its_task(
    client: Client, world: World, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = uploaded(client, world, file)
    read = release_loading.load_postcodes

    def steady(path: Path, *, progress: Callable[[int], None], **how: str) -> release_loading.LoadReport:
        for rows in (1, 2):
            wait(10)
            progress(rows)
            release_tasks.run(task_id)
        return read(path, progress=progress, **how)

    monkeypatch.setattr(release_loading, "load_postcodes", steady)
    release_tasks.run(task_id)
    assert len(client.get(API, headers=world.headers).json()["releases"]) == 3
