"""compose.yaml describes the installation that there is: its commands run, get ready, and end when asked."""

import os
import smtplib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from notify.core.jobs import Lane
from notify.processes.command_lines import GRACE_SECONDS
from notify.processes.supervisor import Command
from tests.house import settings_page
from tests.running import answers, free_port, running, wait_until

COMPOSE: Mapping[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text())
SERVICES: Mapping[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "workers")
STOP_SECONDS = GRACE_SECONDS


def command(service: str, *, ports: Mapping[str, int] | None = None, file: str = "") -> Command:
    """The service's own command, on the loopback and on free ports."""
    swap = {"0.0.0.0": "127.0.0.1", "/tmp/mail.jsonl": file} | {old: str(new) for old, new in (ports or {}).items()}  # noqa: S104, S108 - what is swapped out
    return Command(service, [swap.get(word, word) for word in SERVICES[service]["command"]])


def test_every_part_of_an_installation_is_there() -> None:
    assert set(SERVICES) == {"postgres", "redis", "mail", *OURS}
    for service, described in SERVICES.items():
        assert ("image" in described) != ("build" in described), service


def test_the_queue_keeps_what_it_has_and_never_evicts() -> None:
    words = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in words
    assert "--maxmemory-policy noeviction" in words
    assert SERVICES["redis"]["volumes"]
    assert SERVICES["postgres"]["volumes"]


def test_the_application_is_an_ordinary_role_that_owns_its_database_only() -> None:
    address = urlsplit(SERVICES["web"]["environment"]["NOTIFY_DATABASE_URL"].replace("?", ""))
    role, database = address.username, address.path.removeprefix("/")
    assert SERVICES["postgres"]["environment"].get("POSTGRES_USER", "postgres") != role
    [mounted] = SERVICES["postgres"]["configs"]
    assert mounted["target"].startswith("/docker-entrypoint-initdb.d/")
    script = COMPOSE["configs"][mounted["source"]]["content"]
    assert f"CREATE ROLE {role} LOGIN PASSWORD :'password';" in script
    assert f"CREATE DATABASE {database} OWNER {role};" in script
    assert "SUPERUSER" not in script.upper().replace("POSTGRES PASSWORD NULL", "")


def test_nothing_starts_before_the_database_has_its_schema() -> None:
    for service in ("web", "workers"):
        assert SERVICES[service]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_every_variable_that_is_set_is_a_setting() -> None:
    known = {row.name for settings in settings_page.classes() for row in settings_page.rows(settings)}
    for service in OURS:
        assert set(SERVICES[service]["environment"]) <= known


def test_journals_outlive_their_container() -> None:
    for service in OURS:
        assert SERVICES[service]["volumes"] == ["data:/srv/notify/.notify"]
    assert "data" in COMPOSE["volumes"]


def test_whoever_is_stopped_has_longer_than_the_workers_need() -> None:
    assert all(float(SERVICES[service]["stop_grace_period"].rstrip("s")) > GRACE_SECONDS for service in OURS)


def test_only_the_web_is_reachable_and_only_from_this_host() -> None:
    published = {service: described["ports"] for service, described in SERVICES.items() if "ports" in described}
    assert published == {"web": ["127.0.0.1:8000:8000"]}


@pytest.fixture
def environment(database: None, tmp_path: Path) -> Mapping[str, str]:
    """What a container would give its process: our commands on the path, and no data of anybody's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "NOTIFY_DATA_DIR": str(tmp_path / "data")}


def stop(children: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Ask all of them to stop, as an orchestrator does; their exit codes."""
    for child in children:
        child.terminate()
    return [child.wait(timeout=STOP_SECONDS) for child in children]


def takes_mail(port: int) -> bool:
    with suppress(OSError), smtplib.SMTP("127.0.0.1", port, timeout=2) as client:
        return client.noop()[0] == 250
    return False


def test_each_command_gets_ready_and_ends_when_asked(environment: Mapping[str, str], tmp_path: Path) -> None:
    migrated = subprocess.run(
        SERVICES["migrate"]["command"], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert (migrated.returncode, migrated.stderr) == (0, "")
    web_port, mail_port = free_port(), free_port()
    commands = [
        command("web", ports={"8000": web_port}),
        command("mail", ports={"1025": mail_port}, file=str(tmp_path / "mail.jsonl")),
        command("workers"),
    ]
    logs = {started.name: tmp_path / f"{started.name}.log" for started in commands}
    with ExitStack() as stack:
        children = [
            child
            for started in commands
            for child in stack.enter_context(running([started], logs[started.name], environment))
        ]
        wait_until(lambda: answers(f"http://127.0.0.1:{web_port}"), what="web")
        wait_until(lambda: takes_mail(mail_port), what="mail")
        for said in ("scheduler ready", *(f'"worker ready", "lane": "{lane}"' for lane in Lane)):
            wait_until(lambda words=said: words in logs["workers"].read_text(), what=said)  # type: ignore[misc]
        codes = dict(zip(logs, stop(children), strict=True))
    assert codes == dict.fromkeys(logs, 0), {name: log.read_text() for name, log in logs.items() if codes[name]}
