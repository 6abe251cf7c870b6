"""Every benchmark, one after another; the last line is JSON with one entry a benchmark."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

BENCHMARKS: Mapping[str, Sequence[str]] = {
    "idle": (),
    "places": (),
    "geodata_load": (),
    "imports": (),
    "dry_run": (),
    "end_to_end": (),
    "fanout": (),
    "scale": ("--largest", "100000"),  # a million takes minutes: python -m benchmarks.scale
    "distance": (),
    "urgent": (),
    "pages": (),
    "redirect": (),
    "dashboards": (),
    "waste": (),
    "events": ("--events", "1000000"),  # ten million take ten minutes: python -m benchmarks.events
}


def main() -> None:
    """Run each benchmark in a process of its own, so that its peak memory is its own."""
    results: dict[str, dict[str, object]] = {}
    for name, options in BENCHMARKS.items():
        print(" ".join((name, *options)), "…", flush=True)
        start = time.monotonic()
        rows = _run(name, options)
        results[name] = rows[0] if len(rows) == 1 else {"rows": rows}
        for row in rows:
            plain = {key: value for key, value in row.items() if not isinstance(value, dict | list)}
            print("  " + ", ".join(f"{key} {value}" for key, value in plain.items() if key != "benchmark"), flush=True)
        print(f"  in {time.monotonic() - start:.0f} s", flush=True)
    print(json.dumps(results))


def _run(name: str, options: Sequence[str]) -> list[dict[str, object]]:
    """The benchmark's JSON lines; what it says to people is passed on as it comes."""
    rows: list[dict[str, object]] = []
    argv = [sys.executable, "-m", f"benchmarks.{name}", *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            if line.startswith("{"):
                rows.append(json.loads(line))
            else:
                print(f"  {line}", end="", flush=True)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, argv)
    return rows


if __name__ == "__main__":
    main()
