"""A database that was put back from a copy is noticed, and nothing leaves it before somebody says so."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from notify import migrations
from notify.alerts.models import Alert
from notify.core import db
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.core.settings import settings
from notify.devserver import embedded
from notify.devserver.daemon import installed_binaries
from notify.processes.command_lines import scheduler_process, worker_process
from tests.conftest import FAST, as_superuser
from tests.deliveries.test_holds import in_force, notify, run_chore
from tests.deliveries.test_worker_loop import send, state_of, states
from tests.relay import Relay, serving
from tests.running import running, wait_until
from tests.world import World, add_resident, make_world

Choose = Callable[..., None]

RESIDENTS = 60


@pytest.fixture
def outside(choose: Choose, tmp_path: Path) -> Path:
    """The file outside of the database that says where it was last."""
    choose(DATA_DIR=str(tmp_path / "outside"))
    return tmp_path / "outside" / "witness.json"


def look() -> list[str]:
    """What the scheduler puts on hold now, by reason."""
    run_chore("notice a restored database")
    return [hold.reason for hold in in_force()]


def change_witness(**columns: str) -> None:
    with transaction() as session:
        for name, value in columns.items():
            session.execute(text(f"UPDATE witness SET {name} = :value"), {"value": value})


@pytest.mark.usefixtures("database")
def test_neither_a_new_installation_nor_one_that_goes_on_is_held(outside: Path) -> None:
    assert look() == []
    world = make_world()
    assert look() == []
    send(world)
    assert look() == []
    assert look() == []
    assert outside.exists()


@pytest.mark.usefixtures("database")
def test_a_dump_loaded_elsewhere_is_noticed_once_and_releasing_sticks(outside: Path, choose: Choose) -> None:
    send(make_world())
    assert look() == []
    change_witness(system="7000000000000000000/5/16400")
    [reason] = look()
    assert "written on another server" in reason
    assert "notify release" in reason
    notify("release")
    assert look() == []
    choose()  # as a process that starts anew
    assert look() == []


@pytest.mark.usefixtures("database")
def test_what_was_on_hold_before_a_restore_keeps_its_reason(outside: Path) -> None:
    send(make_world())
    look()
    notify("hold", "the relay is being moved")
    change_witness(system="another")
    [reason] = look()
    assert reason.endswith("On hold before: the relay is being moved")


@pytest.mark.usefixtures("database")
def test_a_restore_that_another_process_has_dealt_with_is_not_held_again(outside: Path, choose: Choose) -> None:
    send(make_world())
    look()
    old = outside.read_text()
    change_witness(system="another")
    look()
    notify("release")
    outside.write_text(old.replace('"lsn": ', '"lsn": 9'))  # further on than the database, but from before
    choose()
    assert look() == []
    outside.write_text(outside.read_text().replace('"lsn": ', '"lsn": 9'))
    choose()
    assert len(look()) == 1


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("words", ["", "{", "[]", '{"system": 1}'])
def test_a_file_that_makes_no_sense_is_written_anew(outside: Path, words: str) -> None:
    send(make_world())
    outside.parent.mkdir()
    outside.write_text(words)
    assert look() == []
    assert '"timeline"' in outside.read_text()


def tool(name: str) -> str:
    """One of the programs that come with the embedded PostgreSQL."""
    return str(installed_binaries().postgres / name)


def is_writable() -> bool:
    with transaction() as session:
        return not session.execute(text("SELECT pg_is_in_recovery()")).scalar_one()


class Installation:
    """Servers of its own that can be stopped, copied and put back."""

    def __init__(self, folder: Path, choose: Choose) -> None:
        self._servers, self._folder, self._choose = folder / "servers", folder, choose
        self._copy = folder / "copy"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The servers run, and this process uses them."""
        with embedded.servers(self._servers, tuning=FAST) as addresses:
            self._choose(
                DATABASE_URL=addresses.database_url, REDIS_URL=addresses.redis_url, DATA_DIR=str(self._folder / "data")
            )
            wait_until(is_writable, what="the end of the recovery")  # it answers before, and takes nothing yet
            yield
            db.engine().dispose()

    def copy(self) -> None:
        """Keep the stopped database as it is."""
        subprocess.run(["cp", "-a", self._database, self._copy], check=True)

    def put_back(self) -> None:
        """Replace the stopped database by its copy."""
        shutil.rmtree(self._database)
        subprocess.run(["cp", "-a", self._copy, self._database], check=True)

    def take_over(self) -> None:
        """Let the stopped database go on as a standby does that takes over: with all it had, on another timeline."""
        with (self._database / "postgresql.auto.conf").open("a") as settings:
            settings.write("restore_command = 'false'\n")
        (self._database / "recovery.signal").touch()

    @property
    def _database(self) -> Path:
        return embedded.locate(self._servers).home / "database"


@pytest.fixture
def installation(tmp_path: Path, choose: Choose) -> Iterator[Installation]:
    yield Installation(tmp_path, choose)
    embedded.reset(tmp_path / "servers")


def test_a_dump_that_is_loaded_over_the_database_is_noticed(installation: Installation, tmp_path: Path) -> None:
    with installation.serving():
        on_its_way(1)
        assert look() == []
        url, dump = settings().database_url or "", str(tmp_path / "dump")
        subprocess.run([tool("pg_dump"), "--format=custom", "--file", dump, url], check=True)
        assert look() == []
        db.engine().dispose()
        server = as_superuser(url).replace("/notify?", "/postgres?")
        subprocess.run([tool("pg_restore"), "--clean", "--create", "--dbname", server, dump], check=True)
        [reason] = look()
        assert "in another database" in reason
        notify("release")
        assert look() == []


@pytest.mark.parametrize("is_expected", [False, True], ids=["unless", "where"])
def test_another_timeline_is_a_restore_unless_standbys_may_take_over(
    installation: Installation, choose: Choose, is_expected: bool
) -> None:
    with installation.serving():
        on_its_way(1)
        assert look() == []
    installation.take_over()
    choose(HOLD_AFTER_FAILOVER=str(not is_expected).lower())
    with installation.serving():
        reasons = look()
        assert ["another timeline" in reason for reason in reasons] == ([] if is_expected else [True])
        notify("release")
        assert look() == []


def test_an_older_copy_is_noticed_although_standbys_may_take_over(installation: Installation, choose: Choose) -> None:
    choose(HOLD_AFTER_FAILOVER="false")
    with installation.serving():
        on_its_way(1)
        assert look() == []
    installation.copy()
    with installation.serving():
        with psycopg.connect(as_superuser(settings().database_url or "")) as connection:
            connection.execute("SELECT pg_switch_wal()")  # as a day of work does, the log grows
        assert look() == []
    installation.put_back()
    with installation.serving():
        assert ["older than when it was last seen" in reason for reason in look()] == [True]


@pytest.fixture
def relay() -> Iterator[Relay]:
    with serving(Relay()) as relay:
        yield relay


def on_its_way(residents: int = RESIDENTS) -> tuple[World, Alert]:
    """A council with an alert that waits for a worker."""
    migrations.run(db.engine())
    world = make_world()
    for number in range(residents):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number}@example.org")
    return world, send(world)


def scheduler_ran_after(moment: str) -> bool:
    with transaction() as session:
        return bool(
            session.execute(
                text(f"SELECT EXISTS (SELECT 1 FROM meter WHERE name = 'notify_scheduler_seen' AND value > {moment})")
            ).scalar_one()
        )


@pytest.mark.parametrize("is_running", [True, False], ids=["under a running worker", "before a worker starts"])
def test_nothing_leaves_a_restored_database_before_somebody_releases_it(
    installation: Installation, relay: Relay, choose: Choose, tmp_path: Path, is_running: bool
) -> None:
    worker = worker_process(Lane.ROUTINE, 2)
    log = tmp_path / "processes.log"
    choose(SMTP_HOST="127.0.0.1", SMTP_PORT=str(relay.port))
    with installation.serving():
        world, first = on_its_way()
    installation.copy()
    with ExitStack() as processes:
        with installation.serving(), ExitStack() as day:
            (processes if is_running else day).enter_context(running([worker], log))
            (processes if is_running else day).enter_context(running([scheduler_process()], log))
            wait_until(lambda: states(world, first) == {"sent": RESIDENTS}, what="the first hand-over")
            sent = "(SELECT extract(epoch FROM max(sent_at)) + 2 FROM delivery)"
            wait_until(lambda: scheduler_ran_after(sent), what="the scheduler to remember where the database is")
        installation.put_back()
        with installation.serving():
            if not is_running:
                processes.enter_context(running([worker], log))
                processes.enter_context(running([scheduler_process()], log))
            wait_until(lambda: len(in_force()) == 1, what="the hold")
            second = send(world, title="After the restore")
            waited = "(SELECT extract(epoch FROM max(at)) + 3 FROM hold)"
            wait_until(lambda: scheduler_ran_after(waited), what="workers and scheduler to have had their chance")
            assert relay.recipients().total() == RESIDENTS
            assert states(world, first) == states(world, second) == {"created": RESIDENTS}
            assert "restored from a copy" in notify("queue", "status")
            notify("release")
            wait_until(lambda: state_of(world, second) == "sent", what="the second alert")
            wait_until(lambda: relay.recipients().total() == 3 * RESIDENTS, what="what looked unsent")
            assert in_force() == []
            processes.close()  # before their servers go
