"""The facts behind the accessibility statement: which page states the last whole test run checked."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

FILE: Path = Path(__file__).with_name("accessibility.json")


@dataclass(frozen=True, slots=True)
class Tested:
    """When the pages were looked at, in how many states and looks, with which version of axe-core."""

    on: date
    states: int
    looks: tuple[str, ...]
    axe: str


@cache
def tested_states() -> Tested:
    """What `python -m tests.house.accessibility` wrote after its run."""
    found = json.loads(FILE.read_text())
    return Tested(date.fromisoformat(found["on"]), len(found["states"]), tuple(found["looks"]), found["axe"])
