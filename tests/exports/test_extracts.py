"""Data sets say what the ledger says, in every format, page by page, and nothing that changes is ever missed."""

import csv
import io
import json
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core.db import engine, transaction
from notify.exports import catalogue, dataset_reader
from notify.insight import rollups
from notify.staff import service as staff
from notify.staff.models import AuditEntry, KeyMode, Role
from tests.alerts.calls import created
from tests.world import NORTH, SOUTH, World, add_resident, administrator, at_the_desk, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


@pytest.fixture
def sent(client: Client, world: World, work: Work) -> str:
    """An alert that went to three residents, counted."""
    add_resident(world, "a@example.org", topics=["bins"], postcodes=["ZZ1 1AA"], name="=1+1")
    add_resident(world, "b@example.org", topics=["bins"], postcodes=["ZZ2 1AA"], language="cy")
    add_resident(world, "c@example.org", phone="07700 900001", topics=["bins"], postcodes=["ZZ2 1AB"])
    alert = created(client, world.headers, topic="bins", title="=HYPERLINK(0)", send=True)
    work()
    rollups.keep_up()
    return str(alert["id"])


def rows(client: Client, world: World, name: str, **asked: str) -> list[dict[str, object]]:
    reply = client.get(f"/api/v1/extracts/{name}", headers=administrator(world), params=asked)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, object]] = reply.json()["rows"]
    return found


def test_every_data_set_has_the_columns_that_it_declares_in_every_format(
    client: Client, world: World, sent: str
) -> None:
    headers = administrator(world)
    described = client.get("/api/v1/extracts", headers=headers).json()
    assert [one["name"] for one in described] == list(catalogue.DATA_SETS)
    for one in described:
        names = [column["name"] for column in one["columns"]]
        assert all(column["description"].endswith((".", "?")) and column["type"] for column in one["columns"])
        page = rows(client, world, one["name"])
        files = {
            kind: client.get(f"/api/v1/extracts/{one['name']}?format={kind}", headers=headers)
            for kind in ("csv", "json", "jsonl", "xlsx")
        }
        assert {reply.status_code for reply in files.values()} == {200}, one["name"]
        table = list(csv.DictReader(io.StringIO(files["csv"].text)))
        lines = [json.loads(line) for line in files["jsonl"].text.splitlines()]
        if one["name"] == "audit-entries":  # each of these looks is in it
            continue
        assert page == files["json"].json() == lines
        assert files["csv"].text.splitlines()[0].split(",") == names
        assert len(table) == len(page) == int(files["csv"].headers["Extract-Rows"])
        assert sheet(files["xlsx"].content)[0] == names
        assert len(sheet(files["xlsx"].content)) == len(page) + 1
        assert all(list(row) == names for row in page)


def sheet(content: bytes) -> list[list[str]]:
    """The cells of the first sheet, as they are stored."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    found = []
    for row in root.iter(f"{space}row"):
        assert not list(row.iter(f"{space}f")), "a formula"
        found.append(["".join(cell.itertext()) for cell in row.iter(f"{space}c")])
    return found


def test_figures_are_those_of_the_ledger(client: Client, world: World, sent: str) -> None:
    (figures,) = rows(client, world, "alert-figures")
    assert (figures["alert_id"], figures["topic"], figures["recipients"], figures["sent"]) == (sent, "bins", 4, 4)
    cells = rows(client, world, "alert-cells")
    assert sum(int(str(cell["sent"])) for cell in cells) == 4
    assert {(cell["ward_code"], cell["ward_name"]) for cell in cells} == {(NORTH, "Northside"), (SOUTH, "Southside")}
    assert sum(int(str(hour["sent"])) for hour in rows(client, world, "alert-hours")) == 4
    assert {(ward["ward_code"], ward["population"]) for ward in rows(client, world, "wards")} == {
        (NORTH, 1000),
        (SOUTH, 2000),
    }


def test_no_cell_is_a_formula(client: Client, world: World, sent: str) -> None:
    reply = client.get("/api/v1/extracts/alerts?format=csv", headers=world.headers)
    (row,) = csv.DictReader(io.StringIO(reply.text))
    assert row["title"] == "'=HYPERLINK(0)"
    people = client.get("/api/v1/extracts/subscribers?format=csv", headers=administrator(world))
    assert "'=1+1" in people.text
    assert sheet(client.get("/api/v1/extracts/subscribers?format=xlsx", headers=administrator(world)).content)


def test_pages_together_are_the_whole(client: Client, world: World, sent: str) -> None:
    headers = administrator(world)
    for name in catalogue.DATA_SETS:
        if name == "audit-entries":
            continue
        whole = rows(client, world, name)
        paged: list[dict[str, object]] = []
        after: str | None = ""
        until = set()
        while after is not None:
            asked = {"limit": "1", **({"after": after} if after else {})}
            page = client.get(f"/api/v1/extracts/{name}", headers=headers, params=asked).json()
            paged += page["rows"]
            after = page["next"]
            until.add(page["changed_until"])
        assert paged == whole, name
        assert len(until) == 1, "the first page's moment holds for all of them"


def test_topics_say_how_often_they_write(client: Client, world: World) -> None:
    new = {"slug": "parks", "name": "Parks", "frequency": "About once a month."}
    assert client.post("/api/v1/topics", json=new, headers=world.headers).status_code == 201
    [parks] = [row for row in rows(client, world, "topics") if row["topic"] == "parks"]
    assert parks["frequency"] == "About once a month."


def test_only_who_may_takes_what_names_people_and_it_is_written_down(client: Client, world: World, sent: str) -> None:
    viewer = make_key(world, Role.VIEWER)
    offered = {one["name"] for one in client.get("/api/v1/extracts", headers=viewer).json()}
    assert offered == {name for name, data in catalogue.DATA_SETS.items() if not data.is_personal}
    for name in set(catalogue.DATA_SETS) - offered:
        assert client.get(f"/api/v1/extracts/{name}?format=csv", headers=viewer).status_code == 403
    monitoring = at_the_desk(make_key(world, Role.MONITORING))
    assert client.get("/api/v1/extracts/audit-entries?format=csv", headers=monitoring).status_code == 200
    assert client.get("/api/v1/extracts/consents?format=csv", headers=monitoring).status_code == 403
    client.get("/api/v1/extracts/subscribers?format=csv&since=2026-01-01", headers=administrator(world))
    with transaction() as session:
        taken = session.exec(select(AuditEntry).where(AuditEntry.action == "extract.take")).all()
    assert {(one.subject, one.detail["format"]) for one in taken} == {("audit-entries", "csv"), ("subscribers", "csv")}


def test_another_council_gets_nothing_of_it(client: Client, world: World, sent: str) -> None:
    with transaction() as session:
        other = staff.create_council(session, slug="other", name="Other", district_codes=["Z07000009"])
        key = staff.create_key(session, council_id=other.id, name="k", role=Role.ADMIN, mode=KeyMode.LIVE)
    theirs = World(other.id, key)
    for name in catalogue.DATA_SETS:
        if name != "audit-entries":
            assert rows(client, theirs, name) == [], name


@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        ("topics?since=2026-01-01", "extract-not-possible"),
        ("wards?changed_since=2026-01-01T00:00:00Z", "extract-not-possible"),
        ("alerts?since=2026-02-01&until=2026-01-01", "extract-not-possible"),
        ("alerts?after=nonsense", "extract-not-possible"),
        ("alerts?changed_since=2026-01-01T00:00:00", "moment-without-zone"),
        ("nothing", "unknown-data-set"),
        ("alerts?format=parquet", "not-valid"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(client: Client, world: World, asked: str, slug: str) -> None:
    reply = client.get(f"/api/v1/extracts/{asked}", headers=world.headers)
    assert reply.status_code in (400, 404, 422)
    assert slug in reply.json()["type"]


def test_a_change_whose_transaction_ends_after_the_reading_comes_with_the_next_one(
    client: Client, world: World, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row's moment lies before the reading, the commit after it: whoever took a clock for a mark would lose it."""
    monkeypatch.setattr(dataset_reader, "OVERLAP", timedelta(0))  # what is for clocks that differ must not help here
    began, read = threading.Event(), threading.Event()

    def write() -> None:
        with engine().begin() as connection:
            connection.execute(text("UPDATE alert SET changed_at = business_now() WHERE id = :id"), {"id": sent})
            began.set()
            read.wait(10)

    with transaction() as session:  # long ago, so that only the change counts
        session.execute(text("UPDATE alert SET changed_at = business_now() - interval '1 day'"))
    writer = threading.Thread(target=write)
    writer.start()
    began.wait(10)
    first = client.get("/api/v1/extracts/alerts", headers=world.headers).json()
    file = client.get("/api/v1/extracts/alerts?format=jsonl", headers=world.headers)
    read.set()
    writer.join()
    for mark in (first["changed_until"], file.headers["Extract-Changed-Until"]):
        assert [row["alert_id"] for row in rows(client, world, "alerts", changed_since=mark)] == [sent]


def test_many_writers_and_a_reader_who_only_asks_for_changes_end_with_the_same(client: Client, world: World) -> None:
    ids = [created(client, world.headers, topic="bins", title=f"Alert {n}")["id"] for n in range(8)]
    with transaction() as session:
        session.execute(text("UPDATE alert SET expanded_at = business_now(), state = 'sending', reference = ''"))
    stop = threading.Event()

    def write(alert_id: str) -> None:
        for _ in range(15):
            with engine().begin() as connection:
                connection.execute(
                    text(
                        "UPDATE alert SET recipients = coalesce(recipients, 0) + 1, changed_at = business_now() "
                        "WHERE id = :id"
                    ),
                    {"id": alert_id},
                )
                stop.wait(0.005)

    writers = [threading.Thread(target=write, args=[one]) for one in ids]
    for one in writers:
        one.start()
    held: dict[str, object] = {}
    mark = None
    for _ in range(30):
        asked: dict[str, str] = {"changed_since": mark} if mark else {}
        page = client.get("/api/v1/extracts/alerts", headers=world.headers, params=asked).json()
        held |= {row["alert_id"]: row["changed_at"] for row in page["rows"]}
        mark = page["changed_until"]
        if not any(one.is_alive() for one in writers):
            break
    for one in writers:
        one.join()
    page = client.get("/api/v1/extracts/alerts", headers=world.headers, params={"changed_since": mark}).json()
    held |= {row["alert_id"]: row["changed_at"] for row in page["rows"]}
    assert held == {row["alert_id"]: row["changed_at"] for row in rows(client, world, "alerts")}


def test_the_page_hands_out_a_file_and_says_what_is_wrong(client: Client, world: World, sent: str) -> None:
    desk = at_the_desk(make_key(world, Role.VIEWER))
    page = client.get("/staff/exports", headers=desk)
    assert page.status_code == 200
    assert "Figures of alerts" in page.text
    assert 'value="subscribers"' not in page.text
    reply = client.post("/staff/exports/file", data={"data": "alerts", "format": "csv"}, headers=desk)
    assert reply.headers["content-disposition"].startswith('attachment; filename="alerts-')
    assert sent in reply.text
    wrong = client.post("/staff/exports/file", data={"since": "soon"}, headers=desk)
    assert wrong.status_code == 422
    assert "Choose a data set" in wrong.text
    assert "Enter a date like" in wrong.text
    assert client.post("/staff/exports/file", data={"data": "subscribers"}, headers=desk).status_code == 403


def test_the_dictionary_is_at_the_api_too(client: Client, world: World) -> None:
    found = client.get("/api/v1/extracts/dictionary", headers=world.headers).json()
    contact = next(table for table in found["tables"] if table["name"] == "contact")
    assert contact["about"] == "resident"
    assert {column["name"]: column["left_out"] for column in contact["columns"]}["secret"] is True
