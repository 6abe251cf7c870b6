"""How long a process that starts is waited for: real ones, at work and at rest."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from notify.devserver.start_watch import StartWatch

HOURS = 3600.0


@contextmanager
def shell(script: str) -> Iterator[subprocess.Popen[bytes]]:
    """This script in bash, ended with what it started."""
    process = subprocess.Popen(["bash", "-c", script], process_group=0)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def problem(watch: StartWatch, within: float) -> str | None:
    """What the watch says first, if it says anything in time."""
    deadline = time.monotonic() + within
    while (said := watch.problem()) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return said


def watch(
    process: subprocess.Popen[bytes], *, idle: float = 1, longest: float = HOURS, log: Path | None = None
) -> StartWatch:
    return StartWatch(process, idle_seconds=idle, until=time.monotonic() + longest, log=log)


@pytest.mark.parametrize(
    ("script", "expected"), [("exit 3", "ended with status 3 after "), ("kill -TERM $$", "was ended by SIGTERM after ")]
)
def test_an_end_is_a_problem_at_once(script: str, expected: str) -> None:
    with shell(script) as process:
        assert (problem(watch(process, idle=HOURS), within=20) or "").startswith(expected)


@pytest.mark.parametrize("script", ["sleep 60", "kill -STOP $$"], ids=["asleep", "stopped"])
def test_rest_is_a_problem_after_a_while(script: str) -> None:
    with shell(script) as process:
        assert (problem(watch(process), within=20) or "").startswith("showed no sign of work for 1.")


@pytest.mark.parametrize("script", ["while :; do :; done", "(while :; do :; done) & wait"], ids=["itself", "a child"])
def test_work_is_waited_for_up_to_a_limit(script: str) -> None:
    with shell(script) as process:
        assert (problem(watch(process, longest=3), within=20) or "").startswith("was not ready after 3.")


def test_a_log_that_grows_is_work(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with shell("sleep 60") as process, log.open("ab", buffering=0) as written:
        patient = watch(process, idle=2, log=log)
        for _ in range(7):
            written.write(b"redo in progress\n")
            assert problem(patient, within=0.4) is None
        assert (problem(patient, within=20) or "").startswith("showed no sign of work for ")
