"""What `notify run` takes while nothing happens: CPU and memory of everything that it started.

    python -m benchmarks.idle [--seconds 30]

One JSON line: `cpu_percent` of one core and `pss_mb`, the proportional set size of all processes together (memory that
several share is counted once), with the same by process in `by_process`, and how soon it was ready when started again.
Bars: 2% and 450 MB.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from benchmarks.proc import family
from notify.core.parent_death import die_with_parent
from notify.devserver import embedded

SETTLE_S = 12.0  # what a start leaves to do is done by then
LONGEST_START_S = 180.0
PORT = 18_765


def main() -> None:
    """Measure once, print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="notify-bench-") as folder:
        try:
            print(json.dumps({"benchmark": "idle", **_measure(Path(folder), chosen.seconds)}))
        finally:
            embedded.reset(Path(folder))


def _measure(folder: Path, seconds: float) -> Mapping[str, object]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_")}
    environment["NOTIFY_DATA_DIR"] = str(folder)
    notify = [sys.executable, "-m", "notify"]
    # a council of its own: the demonstration's past year is nothing that belongs to standing still
    for prepared in (["migrate"], ["council", "create", "bench", "Bench Council", "--district", "Z07000001"]):
        subprocess.run([*notify, *prepared], env=environment, check=True, stdout=subprocess.DEVNULL)
    started = time.monotonic()
    run = subprocess.Popen(
        [*notify, "run", "--port", str(PORT)],
        env=environment,
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    try:
        while not _is_ready():
            if time.monotonic() > started + LONGEST_START_S or run.poll() is not None:
                raise RuntimeError("`notify run` did not get ready.")
            time.sleep(0.05)
        ready_s = time.monotonic() - started
        time.sleep(SETTLE_S)
        roots = [run.pid, *_servers(folder)]
        members = [pid for root in roots for pid in family(root)]
        before = {pid: cpu_seconds_of(pid) for pid in members}
        at = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - at
        used = {pid: (cpu_seconds_of(pid) - before[pid]) / passed * 100 for pid in members}
        held = {pid: pss_mb(pid) for pid in members}
        return {
            "cpu_percent": round(sum(used.values()), 2),
            "pss_mb": round(sum(held.values())),
            "processes": len(members),
            "second_start_s": round(ready_s, 1),
            "load_average": round(os.getloadavg()[0], 1),
            "by_process": _by_name(members, used, held),
        }
    finally:
        run.terminate()
        with suppress(subprocess.TimeoutExpired):
            run.wait(60)


def _is_ready() -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{PORT}/health/ready", timeout=5).is_success
    return False


def _servers(folder: Path) -> Sequence[int]:
    """The process that keeps PostgreSQL and Valkey; it is nobody's child."""
    daemon = embedded.status(folder).daemon_pid
    return [daemon] if daemon else []


def cpu_seconds_of(pid: int) -> float:
    """CPU time of one process and of its children that have ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def pss_mb(pid: int) -> float:
    """The proportional set size of a process: what it shares counts in parts."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _by_name(
    members: Sequence[int], used: Mapping[int, float], held: Mapping[int, float]
) -> Mapping[str, Sequence[float]]:
    """CPU per cent and megabytes by what a process is."""
    found: dict[str, list[float]] = {}
    for pid in members:
        name = "gone"
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
            name = " ".join(words[:1] if words and "postgres" in words[0] else words[1:6])[:60]
        one = found.setdefault(name, [0.0, 0.0])
        one[0], one[1] = round(one[0] + used[pid], 2), round(one[1] + held[pid], 1)
    return found


if __name__ == "__main__":
    main()
