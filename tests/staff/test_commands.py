"""`notify officer`, `key` and `audit` as whoever runs the service types them."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlmodel import select

from notify.core import clock, db
from notify.core.db import transaction
from notify.staff import audit as staff_audit
from notify.staff import queries, service
from notify.staff.commands import audit, key, officer
from notify.staff.models import Officer, Role
from notify.staff.sign_in import password_hashing
from tests.world import World, make_other_council, make_world
from workers.scheduler import CHORES, run

SAM = ("zed", "sam@example.org", "Sam Officer")
PASSWORD = "four words nobody guesses"


def typed(command: Command, *words: str, said: str = "") -> Result:
    return CliRunner().invoke(command, words, input=said, obj=nullcontext)


@pytest.fixture
def world(database: None) -> World:
    return make_world()


@pytest.fixture
def anchors(world: World) -> Iterator[Path]:
    path = staff_audit.anchors_file()
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def test_help_teaches_roles_ways_in_and_examples() -> None:
    said = typed(officer, "create", "--help").output
    for role in Role:
        assert f"  {role} " in said
    for words in ("--role councillor --area", "--password", "NOTIFY_OIDC_ISSUER", "ten minutes", "/staff/officers"):
        assert words in said


def test_an_officer_is_made_with_a_link_limits_and_a_line_in_the_trail(world: World) -> None:
    made = typed(officer, "create", *SAM, "--role", "councillor", "--area", "Z05000001", "--topic", "bins")
    assert "/staff/sign-in/" in made.output
    assert "sam@example.org\tSam Officer\tcouncillor\tactive\tbins Z05000001" in typed(officer, "list", "zed").output
    again = typed(officer, "create", *SAM, "--role", "viewer")
    assert "officer already" in str(again.exception)


def test_a_password_is_asked_for_twice_and_opens_with_an_apps_code(world: World) -> None:
    made = typed(officer, "create", *SAM, "--role", "planner", "--password", said=f"{PASSWORD}\n{PASSWORD}\n")
    assert "otpauth://totp/" in made.output
    assert PASSWORD not in made.output
    short = typed(officer, "password", "sam@example.org", said="short\nshort\n")
    assert isinstance(short.exception, password_hashing.PasswordTooShort)


def test_a_key_is_made_for_an_officer_listed_and_ended(world: World) -> None:
    typed(officer, "create", *SAM, "--role", "author")
    made = typed(key, "create", "zed", "website", "--role", "author", "--officer", "sam@example.org").output.strip()
    prefix = made.split("_")[2]
    [line] = [line for line in typed(key, "list", "zed").output.splitlines() if line.startswith(prefix)]
    assert line.split("\t")[1:6] == ["website", "author", "live", "Sam Officer", "never used"]
    assert "has not worked since" in typed(key, "revoke", prefix).output
    with transaction() as session:
        assert queries.live_key(session, prefix) is None


def test_a_councillors_key_belongs_to_a_councillor(world: World) -> None:
    typed(officer, "create", *SAM, "--role", "author")
    for owner in ((), ("--officer", "sam@example.org")):
        made = typed(key, "create", "zed", "website", "--role", "councillor-sender", *owner)
        assert isinstance(made.exception, service.KeyWithoutWards)


def test_an_officers_address_is_known_however_it_is_typed(world: World) -> None:
    typed(officer, "create", *SAM, "--role", "author")
    made = typed(key, "create", "zed", "CRM", "--role", "author", "--officer", " Sam\u200b@EXAMPLE.org\u00ad")
    assert made.output.startswith("notify_live_")


def test_a_council_that_has_merged_gets_no_officers_and_keys(world: World) -> None:
    make_other_council()
    with transaction() as session:
        session.execute(text("UPDATE council SET merged_into_id = :zed WHERE slug = 'far'"), {"zed": world.council_id})
    for made in (
        typed(officer, "create", "far", *SAM[1:], "--role", "author"),
        typed(key, "create", "far", "CRM", "--role", "author"),
    ):
        assert str(made.exception) == "Far Council has become part of Zed Council. Use 'zed' instead."


def task(name: str) -> None:
    [found] = [task for task in CHORES if task.name == name]
    run(found)


def test_the_scheduler_seals_within_seconds_and_anchors_every_hour(world: World, anchors: Path) -> None:
    every = {task.name: task.every_seconds for task in CHORES}
    assert every["seal the audit trail"] <= 5
    assert every["anchor the audit trail"] == 60
    task("seal the audit trail")
    task("anchor the audit trail")
    [line] = anchors.read_text().splitlines()
    assert json.loads(line)["position"] == 5  # the council, three topics and a key


DONE = {
    "altered": "UPDATE audit_entry SET actor = 'somebody-else' WHERE action = 'key.create'",
    "removed": "DELETE FROM audit_entry WHERE action = 'council.create'",
    "reordered": "UPDATE audit_seal SET entry_id = -entry_id WHERE position IN (2, 3);"
    "UPDATE audit_seal s SET entry_id = -o.entry_id FROM audit_seal o "
    "WHERE s.position + o.position = 5 AND s.position IN (2, 3)",
    "cut": "DELETE FROM audit_entry e USING audit_seal s WHERE s.entry_id = e.id AND s.position > 3;"
    "DELETE FROM audit_seal WHERE position > 3",
}
SAID = {
    "altered": "not as it was written",
    "removed": "was removed",
    "reordered": "not as it was",
    "cut": "tail was cut",
}


@pytest.mark.parametrize("kind", DONE)
def test_verify_catches_what_was_done_with_all_rights_to_the_database(world: World, anchors: Path, kind: str) -> None:
    task("seal the audit trail")
    task("anchor the audit trail")
    whole = typed(audit, "verify")
    assert (whole.exit_code, whole.output) == (0, "5 entries sealed, 0 waiting, 1 anchors compared.\n")
    with db.engine().begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in DONE[kind].split(";"):
            connection.execute(text(statement))
    found = typed(audit, "verify")
    assert found.exit_code == 1
    assert SAID[kind] in found.output


def test_a_copy_of_the_anchors_sees_a_cut_that_took_the_anchors_along(
    world: World, anchors: Path, tmp_path: Path
) -> None:
    task("seal the audit trail")
    task("anchor the audit trail")
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(anchors.read_bytes())
    with db.engine().begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in DONE["cut"].split(";"):
            connection.execute(text(statement))
    anchors.write_text("")
    task("anchor the audit trail")
    assert typed(audit, "verify").exit_code == 0  # this is why copies are kept
    assert typed(audit, "verify", "--anchors", str(copy)).exit_code == 1


def test_an_entry_slipped_in_without_a_seal_is_seen_after_two_minutes(world: World, anchors: Path) -> None:
    task("seal the audit trail")
    task("anchor the audit trail")
    typed(officer, "create", *SAM, "--role", "author")
    assert typed(audit, "verify").exit_code == 0
    later = clock.now() + timedelta(minutes=3)
    clock.use(lambda: later)
    assert "not sealed" in typed(audit, "verify").output
    with transaction() as session:
        assert session.exec(select(Officer.role).where(Officer.email == SAM[1])).one() == Role.AUTHOR
