"""Writes what the accessibility statement rests on: `python -m tests.house.accessibility` after a whole green run."""

import json
import re
from datetime import UTC, datetime
from importlib.metadata import distribution

from notify.alerts.publishing.accessibility_statement import FILE
from tests.browser.states import STATES


def axe_version() -> str:
    """The version of axe-core that the tests bring along."""
    package = distribution("axe-playwright-python")
    script = next(file for file in package.files or () if file.name == "axe.min.js")
    found = re.search(r"axe v([\d.]+)", script.read_text()[:200])
    assert found is not None
    return found[1]


def main() -> None:
    """Note the states, the looks and the day."""
    facts = {
        "on": datetime.now(UTC).date().isoformat(),
        "states": sorted(STATES),
        "looks": ["light", "dark", "forced colours", "320 pixels wide"],
        "axe": axe_version(),
    }
    FILE.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
