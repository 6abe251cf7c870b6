"""Every benchmark, one after another; the last line is JSON with one entry a benchmark."""

import json
import subprocess
import sys

BENCHMARKS = ("places", "geodata_load", "dry_run", "end_to_end", "fanout")


def main() -> None:
    """Run each benchmark in a process of its own, so that its peak memory is its own."""
    results: dict[str, dict[str, object]] = {}
    for name in BENCHMARKS:
        print(f"{name} …", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True, capture_output=True, text=True)
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        results[name] = rows[0] if len(rows) == 1 else {"rows": rows}
        for row in rows:
            print("  " + ", ".join(f"{key} {value}" for key, value in row.items() if key != "benchmark"), flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
