"""The benchmarks' smtp-sink: really started, made to fail, and looked for afterwards."""

from pathlib import Path

import pytest

from benchmarks import smtp_sink
from tests.running import free_port, is_alive


def limits_of_open_files(pid: int) -> list[str]:
    """The soft and the hard limit of a process."""
    [line] = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max open")]
    return line.split()[3:5]


def children() -> set[str]:
    """The ids of this process's children."""
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Makes this shell script the machine's smtp-sink."""
    program = folder / "smtp-sink"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_every_one_of_many_starts_has_all_the_files_the_system_allows() -> None:
    for _ in range(20):  # a limit set from outside, after the change of user, failed in one start of ten
        with smtp_sink.sink(free_port()) as process:
            soft, hard = limits_of_open_files(process.pid)
        assert soft == hard
        assert process.returncode is not None


def test_an_error_while_it_runs_leaves_no_sink_behind() -> None:
    with pytest.raises(KeyboardInterrupt), smtp_sink.sink(free_port()) as process:
        raise KeyboardInterrupt
    assert not is_alive(process.pid)


def test_a_port_in_use_is_refused_at_once() -> None:
    port = free_port()
    with (
        smtp_sink.sink(port) as process,
        pytest.raises(smtp_sink.NoSink, match=f"port {port}: Address already in use"),
        smtp_sink.sink(port),
    ):
        pass
    assert not is_alive(process.pid)


def test_a_sink_that_ends_at_once_says_with_which_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path, monkeypatch, "exit 3")
    with pytest.raises(smtp_sink.NoSink, match="ended with status 3"), smtp_sink.sink(free_port()):
        pass


@pytest.mark.parametrize("manner", ["exec sleep 60", "trap '' TERM\nexec sleep 60"], ids=["deaf", "stubborn"])
def test_a_sink_that_never_listens_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str) -> None:
    monkeypatch.setattr(smtp_sink, "END_SECONDS", 0.2)
    put_on_path(tmp_path, monkeypatch, manner)
    before = children()
    with pytest.raises(smtp_sink.NoSink, match="does not answer"), smtp_sink.sink(free_port(), start_seconds=0.5):
        pass
    assert children() == before
