"""`notify run`: one process for what sleeps, and the links to sign in only once they lead somewhere."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from notify.devserver import embedded
from notify.processes.command_lines import own_machine_processes, service_processes
from tests.running import free_port, is_alive, wait_until

LONGEST_S = 240


def test_a_machine_of_ones_own_has_one_process_for_all_lanes() -> None:
    assert [command.name for command in own_machine_processes(8000)] == ["web", "workers"]


def test_who_counts_workers_gets_them(choose: Callable[..., None]) -> None:
    choose(ROUTINE_WORKERS="3")
    assert [one.name for one in own_machine_processes(1)] == [one.name for one in service_processes(1)]


def test_it_says_where_to_sign_in_once_everything_answers(tmp_path: Path) -> None:
    port = free_port()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_")}
    environment = ours | {"NOTIFY_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}
    notify = [sys.executable, "-m", "notify"]
    # a council that is no demonstration needs no past year
    for prepared in (["migrate"], ["council", "create", "z", "Z Council", "--district", "Z07000001"]):
        subprocess.run([*notify, *prepared], env=environment, check=True, capture_output=True, timeout=LONGEST_S)
    log = tmp_path / "log"
    with log.open("wb") as output:
        run = subprocess.Popen([*notify, "run", "--port", str(port)], env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: "Residents sign up at" in log.read_text(), seconds=LONGEST_S, what="the invitation")
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready").is_success
        wait_until(lambda: log.read_text().count("worker ready") == 3, seconds=LONGEST_S, what="every lane")
        wait_until(lambda: "scheduler ready" in log.read_text(), seconds=LONGEST_S, what="the scheduler")
        asked = time.monotonic()
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0
        assert time.monotonic() - asked < 30
    finally:
        run.kill()
        run.wait()
        embedded.reset(tmp_path / "data")
    assert not is_alive(run.pid)
