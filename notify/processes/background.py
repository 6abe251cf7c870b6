"""Runs a module of `workers`, wherever it lies: `python -m notify.processes.background workers --lane emergency`."""

import runpy
import sys

from notify.packaged import ROOT


def run() -> None:
    """Run the module that the first argument names, as `python -m` would."""
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(ROOT))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run()
