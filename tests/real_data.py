"""Where the real UK data is, and what happens to the tests that read it where it is not."""

import os
from pathlib import Path

import pytest

LEFT_OUT = pytest.StashKey[list[str]]()
HOW = (
    "They read public data that is not part of this repository: geodata/SOURCES.toml, under [tests], says which files "
    "and where they come from. Put them in a folder, and name it in NOTIFY_REAL_DATA."
)


def folder() -> Path:
    """The folder with real UK data: beside the checkout, or where NOTIFY_REAL_DATA says."""
    return Path(os.environ.get("NOTIFY_REAL_DATA", Path(__file__).parents[2] / "shared" / "geodata"))


def is_asked_for() -> bool:
    """Whether the tests must run: somebody named the folder, or it lies beside the checkout."""
    return "NOTIFY_REAL_DATA" in os.environ or folder().is_dir()


def sort_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what reads real data, and leave it out where there is none and nobody asked for it."""
    reading = [item for item in items if "real_data" in getattr(item, "fixturenames", ())]
    for item in reading:
        item.add_marker("real_data")
    if reading and not is_asked_for():
        config.stash[LEFT_OUT] = [item.nodeid for item in reading]
        items[:] = [item for item in items if item not in reading]
        config.hook.pytest_deselected(items=reading)


def summary(left_out: list[str]) -> str:
    """What was left out, in a line."""
    files = sorted({node.partition("::")[0] for node in left_out})
    return f"{len(left_out)} tests were left out for want of real data ({', '.join(files)}). {HOW}"
