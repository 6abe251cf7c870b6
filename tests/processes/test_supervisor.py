"""The supervisor as a process of its own, with children that are killed, refuse to stop, or leave children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import is_alive

# A child notes "name pid" in the journal when it starts, and "name drained" when it ends by SIGTERM.
CHILD = """
import os, signal, sys, time
journal, name, stubborn = sys.argv[1:]
def note(word):
    with open(journal, "a") as file:
        file.write(f"{name} {word}\\n")
def drain(*_):
    if stubborn == "no":
        note("drained")
        sys.exit(0)
signal.signal(signal.SIGTERM, drain)
note(os.getpid())
while True:
    time.sleep(0.05)
"""
SUPERVISOR = """
import sys
from notify.processes.supervisor import Command, run
child, journal, grace, *names = sys.argv[1:]
commands = [
    Command(name, [sys.executable, "-c", child, journal, name, "yes" if name == "mule" else "no"])
    for name in names
]
sys.exit(run(commands, grace_seconds=float(grace)))
"""


@contextmanager
def supervised(journal: Path, *names: str, grace: float = 5) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-c", SUPERVISOR, CHILD, str(journal), str(grace), *names]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: len(pids(journal)) == len(names))
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


def pids(journal: Path, name: str = "") -> list[int]:
    lines = [line.split() for line in journal.read_text().splitlines()]
    return [int(word) for who, word in lines if word.isdigit() and name in ("", who)]


def eventually(condition: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_killed_child_is_started_again_and_the_others_are_left_alone(journal: Path) -> None:
    with supervised(journal, "web", "worker") as supervisor:
        os.kill(pids(journal, "web")[0], signal.SIGKILL)
        assert eventually(lambda: len(pids(journal, "web")) == 2)
        assert len(pids(journal, "worker")) == 1
        assert supervisor.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_every_child(journal: Path, number: signal.Signals) -> None:
    with supervised(journal, "web", "worker") as supervisor:
        supervisor.send_signal(number)
        assert supervisor.wait(10) == 0
    assert {"web drained", "worker drained"} <= set(journal.read_text().splitlines())
    assert not any(is_alive(pid) for pid in pids(journal))


def test_a_child_that_does_not_drain_is_killed(journal: Path) -> None:
    with supervised(journal, "web", "mule", grace=0.5) as supervisor:
        supervisor.terminate()
        assert supervisor.wait(10) == 1
    assert not any(is_alive(pid) for pid in pids(journal))


def test_a_second_signal_cuts_the_grace_short(journal: Path) -> None:
    with supervised(journal, "mule", grace=60) as supervisor:
        supervisor.terminate()
        time.sleep(0.3)
        supervisor.terminate()
        assert supervisor.wait(10) == 1


def test_children_end_when_the_supervisor_is_killed(journal: Path) -> None:
    with supervised(journal, "web", "worker") as supervisor:
        supervisor.kill()
        assert eventually(lambda: not any(is_alive(pid) for pid in pids(journal)))


def test_a_command_that_cannot_be_started_does_not_stop_the_others(tmp_path: Path, journal: Path) -> None:
    script = SUPERVISOR.replace("sys.exit(", 'commands.insert(0, Command("ghost", ["/nowhere/ghost"]))\nsys.exit(')
    argv = [sys.executable, "-c", script, CHILD, str(journal), "5", "web"]
    with (tmp_path / "log").open("wb") as log:
        supervisor = subprocess.Popen(argv, stderr=log)
    assert eventually(lambda: "ghost cannot be started" in (tmp_path / "log").read_text())
    assert eventually(lambda: len(pids(journal, "web")) == 1)
    supervisor.terminate()
    assert supervisor.wait(10) == 0
