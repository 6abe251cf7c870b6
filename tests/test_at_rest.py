"""What lies on the disk and in a dump: no secret in clear, files for one account, nothing of who was erased."""

import smtplib
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify import migrations
from notify.core import db
from notify.core.db import transaction
from notify.core.private_files import private_folder
from notify.core.settings import Settings, settings
from notify.devserver import kept_mail, mail_catcher
from notify.exports.models import ExportSchedule
from notify.subscribers.models import Contact
from tests.mailbox import Mailbox
from tests.world import administrator, make_world

Client = TestClient[Litestar]
CONSENT = {"wording_version": "1", "wording": "Yes.", "language": "en", "source": "test"}
RECEIVER = "https://receiver.example.org/alerts"


def dumped() -> str:
    """Every row of every table, as a dump holds them."""
    with db.engine().connect() as connection:
        return "\n".join(
            str(row)
            for name in migrations.METADATA.tables
            for row in connection.execute(text(f"SELECT to_jsonb(t)::text FROM {name} t")).scalars()
        )


def test_a_dump_holds_no_secret_that_signs_webhooks_or_exports(client: Client) -> None:
    world = make_world()
    new = {"contacts": [{"channel": "webhook", "address": RECEIVER}], "topics": ["road-closures"]}
    added = client.post("/api/v1/subscribers", json=new | {"consent": CONSENT}, headers=world.headers)
    [secret] = added.json()["webhook_secrets"]
    boss = administrator(world)
    asked = {"what": "alerts", "rhythm": "weekly", "webhook": RECEIVER}
    made = client.post("/api/v1/export-schedules", json=asked, headers=boss)
    with transaction() as session:
        contact = session.exec(select(Contact)).one()
        kept = contact.secret
    rotated = client.post(f"/api/v1/webhook-endpoints/{contact.id}/secret", headers=world.headers).json()["secret"]
    dump = dumped()
    assert RECEIVER in dump
    assert kept == secret
    assert "whsec_" not in dump
    for clear in (secret, rotated, made.json()["secret"]):
        assert clear.startswith("whsec_")
        assert clear.removeprefix("whsec_") not in dump
    with transaction() as session:
        assert session.exec(select(Contact.secret)).one() == f"{rotated} {secret}"
        assert session.exec(select(ExportSchedule.secret)).one() == made.json()["secret"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_kept_mail_is_for_one_account_and_goes_with_the_person(
    client: Client, choose: Callable[..., None], tmp_path: Path, work: Callable[[], None]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    (folder / "mail.jsonl").write_text("")
    (folder / "kept").mkdir(mode=0o755)
    choose(DATA_DIR=str(folder), FILE_PATH=str(folder / "sms.jsonl"))
    world = make_world()
    new = {
        "contacts": [
            {"channel": "email", "address": "Ann@example.org"},
            {"channel": "sms", "address": "07700 900123"},
        ],
        "topics": ["road-closures"],
        "consent": CONSENT,
    }
    ann = client.post("/api/v1/subscribers", json=new, headers=world.headers).json()["id"]
    with mail_catcher.start(folder, keep=True) as caught:
        choose(SMTP_HOST=caught.host, SMTP_PORT=str(caught.port), DATA_DIR=str(folder))
        with smtplib.SMTP(caught.host, caught.port) as relay:
            for to in ("ann@example.org", "bea@example.org"):
                relay.sendmail("alerts@example.org", [to], f"To: {to}\r\nSubject: Hello\r\n\r\nHello\r\n")
        (folder / "sms.jsonl").write_text('{"at": "now", "to": "+447700900123", "text": "Ann, read this"}\n')
        assert len(list((folder / "kept").glob("*.eml"))) == 2
        private_folder(folder)
        paths = [path for path in folder.rglob("*") if not path.is_socket()]
        assert {mode(path) for path in paths if path.is_file()} == {0o600}
        assert {mode(path) for path in [folder, *paths] if path.is_dir()} == {0o700}
        assert client.delete(f"/api/v1/subscribers/{ann}", headers=world.headers).status_code == 204
    held = b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).lower()
    assert b"ann" not in held
    assert b"900123" not in held
    assert b"bea@example.org" in held
    assert len(Mailbox(folder).lines("mail.jsonl")) == 2  # what reads the file reads on


def test_a_message_is_erased_where_others_append_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / kept_mail.MAIL
    file.write_text('{"to": "ann@example.org"}\n{"to": "bea@example.org"}\n')
    with file.open("ab") as appending:
        assert kept_mail.erase(tmp_path, ["ann@example.org"]) == 1
        appending.write(b'{"to": "cat@example.org"}\n')
    assert [line["to"] for line in Mailbox(tmp_path).lines(kept_mail.MAIL)] == [
        "",
        "bea@example.org",
        "cat@example.org",
    ]


@pytest.mark.parametrize("address", ["http://alerts.example.org", "http://192.0.2.7:8000", "ftp://127.0.0.1", "alerts"])
def test_others_come_by_https_alone(address: str) -> None:
    with pytest.raises(ValueError, match="must come by https"):
        Settings(base_url=address)


@pytest.mark.parametrize("address", ["https://alerts.example.org", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_this_machine_may_be_reached_without(address: str) -> None:
    assert Settings(base_url=address).base_url == address
    assert settings().base_url


def test_the_application_may_do_nothing_beside_its_database(database: None) -> None:
    with transaction() as session:
        role = session.execute(
            text("SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).one()
        assert tuple(role) == (False, False, False, False)
