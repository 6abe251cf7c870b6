"""What the kernel says of processes (CPU time, peak memory, bytes read), and children that say where they listen."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from notify.core.parent_death import die_with_parent

_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME, _CSTIME = 11, 14  # places in /proc/<pid>/stat after the name: user, system, and both of children that ended


@dataclass(frozen=True, slots=True)
class Listening:
    """A child process and the port of the loopback it listens on."""

    pid: int
    port: int


def family(pid: int) -> Sequence[int]:
    """The process and everything it started that still runs."""
    found = [pid]
    for one in found:  # grows while it is walked
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(*pids: int) -> float:
    """CPU time, user and system, of these processes and of everything they started, running or ended."""
    ticks = 0
    for one in {member for pid in pids for member in family(pid)}:
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[_UTIME : _CSTIME + 1])
    return ticks / _TICKS


def peak_mb(pid: int) -> float:
    """The most memory that any one process of this family ever held, in megabytes."""
    peaks = [0.0]
    for one in family(pid):
        with suppress(OSError):
            for line in Path(f"/proc/{one}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    peaks.append(int(line.split()[1]) / 1024)
    return round(max(peaks), 1)


def bytes_read(pid: int) -> int:
    """Everything a process read so far, from sockets too. Only its owner and root may ask."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("rchar"):
            return int(line.split()[1])
    raise OSError(f"/proc/{pid}/io has no rchar")


@contextmanager
def listening(module: str, *options: str) -> Iterator[Listening]:
    """`python -m module` as a child that prints its port as its first line; it ends with the block, or with us."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    assert child.stdout
    try:
        yield Listening(child.pid, int(child.stdout.readline()))
    finally:
        child.terminate()
        child.communicate()
