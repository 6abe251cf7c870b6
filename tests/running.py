"""Real processes of the product for a test: started, waited for, and ended by their id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from notify.core.parent_death import die_with_parent
from notify.processes.supervisor import Command

PATIENCE_SECONDS = 120.0


@contextmanager
def running(
    commands: Sequence[Command], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """These processes while the block runs; afterwards they are asked to stop, and must."""
    with log.open("ab") as output:
        children = [
            subprocess.Popen(
                command.argv,
                env={**os.environ, **command.env, **(env or {})},
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
            for command in commands
        ]
        try:
            yield children
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(timeout=PATIENCE_SECONDS)


def wait_until(is_so: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS, what: str = "it") -> None:
    """Look again and again until it is so. Fails with `what` in words after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(base_url: str) -> bool:
    """Whether the web process is ready to work."""
    try:
        return httpx.get(f"{base_url}/health/ready", timeout=5).is_success
    except httpx.TransportError:
        return False
