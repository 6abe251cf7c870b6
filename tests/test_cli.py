"""The `notify` command as a person types it."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from notify import demo, demo_history, settings
from notify.cli import main
from notify.db import transaction
from tests.mailbox import Mailbox
from tests.world import add_resident, make_world

pytestmark = pytest.mark.usefixtures("database")


def notify(*arguments: str) -> Result:
    """What the command says and how it ends."""
    return CliRunner().invoke(main, arguments)


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
    with pytest.raises(demo.NotAPlaceForDemonstrations):
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
        "notify.cli.settings", lambda: settings.settings().model_copy(update={"data_dir": inbox.folder})
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
