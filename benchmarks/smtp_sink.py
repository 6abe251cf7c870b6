"""Postfix's smtp-sink and smtp-source, the C programs that show what the wire can carry.

Taken from the machine if they are there, else from Debian's postfix package, unpacked into `.cache` and not installed.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notify.lifeline import die_with_parent

UNPACKED = Path(__file__).resolve().parent.parent / ".cache" / "postfix"
LIBRARIES = UNPACKED / "usr" / "lib" / "postfix"
CONNECTIONS = 1000  # smtp-sink leaves more than 256 waiting unless it is told


class NoSink(Exception):
    """Neither installed nor to be had."""


def program(name: str) -> str:
    """The path of smtp-sink or smtp-source. Raises: NoSink with what to do."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found:
        return found
    unpacked = UNPACKED / "usr" / "sbin" / name
    if not unpacked.exists():
        _unpack()
    return str(unpacked)


def _unpack() -> None:
    print("smtp-sink is not installed; unpacking Debian's postfix package into .cache", file=sys.stderr)
    try:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["apt-get", "download", "postfix"], cwd=folder, check=True, capture_output=True)
            [package] = Path(folder).glob("postfix_*.deb")
            UNPACKED.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "-x", str(package), str(UNPACKED)], check=True)
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise NoSink("smtp-sink is needed: apt-get install postfix, or put smtp-sink on the PATH.") from None


def environment() -> dict[str, str]:
    """The environment in which unpacked programs find their libraries."""
    return os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)} if LIBRARIES.exists() else dict(os.environ)


@contextmanager
def sink(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A running smtp-sink on the loopback that takes everything and keeps nothing."""
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen(
        [program("smtp-sink"), *as_nobody, "-m", str(CONNECTIONS), f"127.0.0.1:{port}", str(CONNECTIONS)],
        preexec_fn=die_with_parent(signal.SIGKILL),
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
    try:
        _wait_for(port)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise NoSink(f"smtp-sink does not answer on port {port}.")


def source_rate(port: int, *, messages: int, size: int, sessions: int = 10, keep: bool = False) -> float:
    """Messages a second that smtp-source hands over, `size` bytes each beside its own headers.

    It makes a connection a message, or keeps its connections with `keep`.
    """
    start = time.monotonic()
    subprocess.run(
        [
            *(
                program("smtp-source"),
                *(["-d"] if keep else []),
                "-s",
                str(sessions),
                "-l",
                str(size),
                "-m",
                str(messages),
            ),
            *("-f", "alerts@example.org", "-t", "resident@example.org", f"127.0.0.1:{port}"),
        ],
        env=environment(),
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return messages / (time.monotonic() - start)
