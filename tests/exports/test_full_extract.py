"""Everything held for a council leaves in open formats: complete, its own, and nothing that lets somebody in."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import SQLModel

from notify.cli import main
from notify.core.db import transaction
from notify.exports.dictionary import TABLES
from notify.exports.full_extract import columns_of
from notify.insight import rollups
from notify.staff.models import Role
from tests.alerts.calls import created, neighbour
from tests.house import dictionary_page
from tests.world import World, add_resident, at_the_desk, council_key, make_key, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client, work: Work) -> World:
    """A council that wrote to two residents, beside another one that wrote to one."""
    dictionary_page.know_every_table()
    world = make_world()
    add_resident(world, "a@example.org", topics=["bins"], name="=1+1")
    add_resident(world, "b@example.org", phone="07700 900001", topics=["bins"])
    created(client, world.headers, topic="bins", send=True)
    theirs = neighbour()
    yon = World(UUID(int=0), theirs["Authorization"].removeprefix("Bearer "))
    with transaction() as session:
        council_id = session.execute(text("SELECT id FROM council WHERE slug <> 'zed'")).scalar_one()
    add_resident(World(council_id, yon.key), "yonder@example.org")
    created(client, theirs, send=True)
    work()
    rollups.keep_up()
    return world


def taken(client: Client, world: World) -> zipfile.ZipFile:
    """The archive, as an administrator takes it at the desk."""
    desk = at_the_desk(make_key(world, Role.ADMIN))
    reply = client.post("/staff/exports/everything", headers=desk)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(reply.content))


def lines(archive: zipfile.ZipFile, table: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in archive.read(f"{table}.jsonl").splitlines()]


def test_the_manifest_is_true_and_every_table_is_there_or_says_why_not(client: Client, world: World) -> None:
    archive = taken(client, world)
    manifest = json.loads(archive.read("manifest.json"))
    for one in manifest["files"]:
        content = archive.read(one["file"])
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert (one["rows"], one["bytes"]) == (content.count(b"\n"), len(content))
    named = {one["table"] for one in manifest["files"]} | set(manifest["tables_left_out"])
    assert named == set(SQLModel.metadata.tables)
    assert {"password_hash", "totp_secret"} <= set(manifest["columns_left_out"]["officer"])
    assert manifest["council"]["slug"] == "zed"
    assert {table["name"] for table in json.loads(archive.read("dictionary.json"))["tables"]} == named


def test_it_is_complete_and_the_council_s_own(client: Client, world: World) -> None:
    archive = taken(client, world)
    assert {row["address"] for row in lines(archive, "contact")} == {"a@example.org", "b@example.org", "+447700900001"}
    assert len(lines(archive, "delivery")) == 3
    assert len(lines(archive, "alert")) == 1
    assert {row["council_id"] for row in lines(archive, "audit_entry")} == {str(world.council_id)}
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"yonder@example.org" not in everything


def test_no_secret_leaves(client: Client, world: World) -> None:
    council_key(world, Role.ADMIN)
    with transaction() as session:
        session.execute(text("UPDATE officer SET password_hash = 'argon-secret', totp_secret = 'totp-secret'"))
        session.execute(text("UPDATE contact SET secret = 'whsec_secret'"))
        secrets = [
            str(value)
            for name, entry in TABLES.items()
            for column in entry.secrets
            if entry.scope and column not in ("totp_step", "lease")
            for value in session.execute(
                text(f"SELECT {column}::text FROM {name} WHERE {column} IS NOT NULL")
            ).scalars()
        ]
    archive = taken(client, world)
    everything = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".jsonl")).decode()
    assert len(secrets) > 4
    assert [one for one in secrets if one and one in everything] == []
    for name, entry in TABLES.items():
        if entry.scope:
            assert not set(columns_of(name, entry)) & set(entry.secrets)


def test_only_administrators_take_it_and_it_is_written_down(client: Client, world: World) -> None:
    for role in set(Role) - {Role.ADMIN}:
        assert client.post("/staff/exports/everything", headers=at_the_desk(make_key(world, role))).status_code == 403
    taken(client, world)
    with transaction() as session:
        actions = session.execute(text("SELECT action FROM audit_entry WHERE action LIKE 'extract.%'")).scalars().all()
    assert actions == ["extract.everything"]


def test_the_command_writes_a_folder_with_tables_for_spreadsheets_too(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "zed"
    asked = ["export", "everything", "--council", "zed", "--to", str(folder), "--csv"]
    done = CliRunner().invoke(main, asked, obj=nullcontext)
    assert done.exit_code == 0, done.output
    with (folder / "subscriber.csv").open(newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == {"'=1+1", ""}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {one["file"] for one in manifest["files"]} >= {"subscriber.csv", "subscriber.jsonl"}
    again = CliRunner().invoke(main, asked, obj=nullcontext)
    assert again.exit_code == 2
    assert "not empty" in again.output


def test_the_commands_take_a_data_set_and_say_what_would_be_removed(world: World, tmp_path: Path) -> None:
    def call(*asked: str) -> str:
        done = CliRunner().invoke(main, list(asked), obj=nullcontext)
        assert done.exit_code == 0, done.output
        return done.output

    assert "alert-figures" in call("export", "list", "--columns")
    out = tmp_path / "figures.csv"
    said = call("export", "take", "alert-figures", "--council", "zed", "--out", str(out))
    assert "1 rows. Next time: --changed-since 20" in said
    assert len(out.read_text().splitlines()) == 2
    assert "Nothing was removed" in call("retention", "--dry-run")
    call("retention")  # other tests leave months behind that nothing lies in
    assert "Nothing is old enough" in call("retention")
    refused = CliRunner().invoke(main, ["export", "take", "nothing", "--council", "zed"], obj=nullcontext)
    assert "There is no such data set" in refused.output
