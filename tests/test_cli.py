"""The `notify` command as a person types it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from notify.cli import COMMANDS, LazyCommand, main
from notify.core import settings
from notify.core.db import transaction
from notify.demo import council as demo_council
from notify.demo import history as demo_history
from notify.exports.dictionary import TABLES
from notify.providers.smtp.provider import SmtpProvider
from notify.staff.council_settings.models import OwnSettings
from tests.mailbox import Mailbox
from tests.world import add_resident, make_world

pytestmark = pytest.mark.usefixtures("database")


HEAVY = {"alembic", "dramatiq", "litestar", "numpy", "pydantic", "shapely", "sqlalchemy"}
MODULES_AFTER = """
import json, sys
from notify.cli import main
main(sys.argv[1:], standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""


def notify(*arguments: str) -> Result:
    """What the command says and how it ends."""
    return CliRunner().invoke(main, arguments)


def notify_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own, which has imported only what this command imports."""
    program = Path(sys.executable).with_name("notify")
    return subprocess.run(
        [program, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


def test_a_council_gets_an_officer_a_key_and_a_link() -> None:
    assert notify("council", "create", "cambridge", "Cambridge", "--district", "E07000008").exit_code == 0
    made = notify("officer", "create", "cambridge", "sam@example.org", "Sam", "--role", "admin")
    assert "/staff/sign-in/" in made.output
    assert "/staff/sign-in/" in notify("officer", "link", "sam@example.org").output
    assert notify("key", "create", "cambridge", "Comms", "--role", "author").output.startswith("notify_live_")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("council", "create", "Bad Slug!", "X", "--district", "E07000008"), "small letters"),
        (("council", "create", "x", "X", "--district", "CAMBRIDGE"), "E07000008"),
        (("officer", "create", "zed", "nomail", "Sam", "--role", "admin"), "not an e-mail address"),
        (("officer", "create", "nowhere", "sam@example.org", "Sam", "--role", "admin"), "nowhere"),
        (("officer", "link", "nobody@example.org"), "notify officer create"),
        (("demo",), "another NOTIFY_DATA_DIR"),
        (("demo-history",), "another NOTIFY_DATA_DIR"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(arguments: tuple[str, ...], words: str) -> None:
    make_world()
    result = notify(*arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output


def test_no_other_council_can_be_given_an_invented_past() -> None:
    make_world()
    with pytest.raises(demo_council.NotForDemonstrations):
        demo_history.fill(lambda _words: None)
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM alert")).scalar_one() == 0


def test_an_officer_who_is_here_already_is_told_apart_from_a_broken_database() -> None:
    make_world()
    arguments = ("officer", "create", "zed", "sam@example.org", "Sam", "--role", "viewer")
    assert notify(*arguments).exit_code == 0
    again = notify(*arguments)
    assert again.exit_code == 1
    assert "notify officer link sam@example.org" in again.output


def test_a_port_that_is_taken_is_refused_with_another_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = notify("run", "--port", str(port))
    assert result.exit_code == 1
    assert f"notify run --port {port + 1}" in result.output


def test_the_newest_mail_can_be_read_with_its_link(
    work: Callable[[], None], inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "notify.devserver.commands.settings",
        lambda: settings.settings().model_copy(update={"data_dir": inbox.folder}),
    )
    assert notify("mail").exit_code == 1
    add_resident(make_world(), "ann@example.org", confirm=True)
    work()
    shown = notify("mail", "ann@example.org")
    assert shown.exit_code == 0
    assert "/confirm/" in shown.output


def test_the_queue_and_the_doctor_answer(mail: Mailbox) -> None:
    make_world()
    assert "emergency" in notify("queue").output
    assert "reaches nobody" in (said := notify("doctor").output) or "Texts are only written" in said


def test_the_doctor_asks_whether_each_councils_own_sender_is_believed(
    mail: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    council = make_world().council_id
    address = "alerts@zedshire.example.com"
    with transaction() as session:
        session.add(OwnSettings(council_id=council, sender_address=address))
    monkeypatch.setattr(SmtpProvider, "check_sender", lambda _, asked: [f"{asked} is not signed for."])
    assert f"smtp: {address} is not signed for." in notify("doctor").output


def test_help_teaches_without_starting_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_DATA_DIR", str(tmp_path / "nothing"))
    for command in (
        (),
        ("run",),
        ("geodata", "load"),
        ("worker",),
        ("workers",),
        ("hold",),
        ("release",),
        ("queue",),
        ("queue", "status"),
        ("queue", "dead"),
        ("queue", "retry"),
        ("key", "create"),
        ("bounce",),
        ("speak",),
    ):
        assert notify(*command, "--help").exit_code == 0
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_list_of_commands_has_the_name_and_the_first_sentence_of_each(entry: LazyCommand) -> None:
    command = entry.load()
    assert command.name == entry.name
    assert command.get_short_help_str(limit=10_000) == entry.help
    assert command.hidden == entry.hidden is False
    assert command.deprecated == entry.deprecated is False


@pytest.mark.parametrize(
    ("arguments", "may_import"),
    [
        ((), set()),
        (("mail",), {"pydantic"}),
        (("reset",), {"pydantic"}),
        (("speak",), set()),
        (("web",), {"dramatiq", "pydantic"}),
        (("worker",), {"dramatiq", "pydantic"}),
        (("officer", "create"), {"dramatiq", "pydantic", "sqlalchemy"}),
    ],
    ids=lambda value: " ".join(value) or "notify" if isinstance(value, tuple) else "",
)
def test_help_imports_only_what_its_command_needs(arguments: Sequence[str], may_import: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MODULES_AFTER, *arguments, "--help"], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith("Usage: "), done.stderr
    assert HEAVY & set(json.loads(done.stdout.splitlines()[-1])) <= may_import


def test_a_command_that_does_not_exist_is_answered_with_those_of_similar_names() -> None:
    result = notify("workrs")
    assert result.exit_code == 2
    assert "Did you mean one of: 'worker', 'workers'?" in result.output


def test_a_database_that_is_away_is_one_sentence() -> None:
    done = notify_process("council", "list", NOTIFY_DATABASE_URL="postgresql://notify@127.0.0.1:1/notify")
    assert done.returncode == 1
    assert "Error: The database cannot be used: " in done.stderr
    assert "Try `notify doctor`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_imports_one_feature_takes_out_the_tables_of_all(tmp_path: Path) -> None:
    make_world()
    folder = tmp_path / "zed"
    done = notify_process("export", "everything", "--council", "zed", "--to", str(folder))
    assert done.returncode == 0, done.stderr
    files = {file.stem for file in folder.glob("*.jsonl")}
    assert files == {name for name, entry in TABLES.items() if entry.scope}
    described = json.loads((folder / "dictionary.json").read_text())["tables"]
    assert {table["name"] for table in described} == set(TABLES)
