"""`make nightly`: the tests that touch dates at every awkward moment, and the tests that take minutes.

python -m tests.nightly                    everything
python -m tests.nightly "a leap day"       only what happens at these moments
"""

import os
import subprocess
import sys
import time

from tests.dated import MOMENTS

LONG = "the tests that take minutes"


def main() -> None:
    """Run them one after the other, say how each went, and end with 1 if one failed."""
    chosen = sys.argv[1:] or [*MOMENTS, LONG]
    if unknown := [name for name in chosen if name not in {*MOMENTS, LONG}]:
        sys.exit(f"There is no {unknown[0]!r}. Choose from: {', '.join([*MOMENTS, LONG])}.")
    failed = []
    for name in chosen:
        began = time.monotonic()
        code = run("long") if name == LONG else run("dated and not long", NOTIFY_TEST_MOMENT=MOMENTS[name])
        print(f"{name}: {'failed' if code else 'passed'} in {time.monotonic() - began:.0f} s\n", flush=True)
        failed += [name] if code else []
    sys.exit(f"Failed: {', '.join(failed)}." if failed else 0)


def run(marked: str, **environment: str) -> int:
    """Run the tests with these marks; the exit code."""
    processes = min(4, (os.cpu_count() or 1) + 1)  # as `make test` has it
    argv = [sys.executable, "-m", "pytest", f"--numprocesses={processes}", "--dist=worksteal", "-m", marked]
    return subprocess.run(argv, env=os.environ | environment, check=False).returncode


if __name__ == "__main__":
    main()
