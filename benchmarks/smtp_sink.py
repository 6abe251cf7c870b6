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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from notify.core.parent_death import die_with_parent

UNPACKED = Path(__file__).resolve().parent.parent / ".cache" / "postfix"
LIBRARIES = UNPACKED / "usr" / "lib" / "postfix"
CONNECTIONS = 1000  # smtp-sink leaves more than 256 waiting unless it is told
END_SECONDS = 5.0


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
def sink(port: int, *, start_seconds: float = 10.0) -> Iterator[subprocess.Popen[bytes]]:
    """A running smtp-sink on the loopback that accepts everything and keeps nothing.

    Raises: NoSink when the port is in use, or when it does not answer in time. No process is left behind.
    """
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    argv = [program("smtp-sink"), *as_nobody, "-m", str(CONNECTIONS), f"127.0.0.1:{port}", str(CONNECTIONS)]
    _refuse_used(port)
    process = subprocess.Popen(argv, preexec_fn=_prepared(), env=environment(), stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process, start_seconds)
        yield process
    finally:
        _end(process)


def _refuse_used(port: int) -> None:
    # smtp-sink shares its port with any other smtp-sink, and the kernel would divide the connections between them
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are closing do not matter
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise NoSink(f"smtp-sink cannot use port {port}: {error.strerror}. End the process that uses it.") from None


def _prepared() -> Callable[[], None]:
    """A `preexec_fn` that allows the child as many open files as the system does, and ends it with its parent.

    The kernel forgets the second when the child changes its user: started by root, it outlives a parent that is killed.
    """
    end_with_parent = die_with_parent(signal.SIGKILL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)

    def prepare() -> None:
        # Here and not from the parent, which may not change the limits of a process that has changed its user.
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        end_with_parent()

    return prepare


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    how = "does not answer" if process.returncode is None else f"ended with status {process.returncode}"
    raise NoSink(f"smtp-sink {how} on port {port}.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
