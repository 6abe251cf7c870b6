"""Writes the table of problems below the marker in docs/api.md: `python -m tests.house.problems_page`."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import notify
from notify.core.errors import NotifyError
from notify.web.problem_pages import OF_THE_FRAMEWORK

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
MARKER = "<!-- written by python -m tests.house.problems_page -->"


def problems() -> list[type[NotifyError]]:
    """Every problem type of ours, by its slug."""
    for module in pkgutil.walk_packages(notify.__path__, "notify."):
        if not module.name.startswith("notify.migrations."):
            importlib.import_module(module.name)
    found = {kind.slug(): kind for kind in _below(NotifyError) if kind.__module__.startswith("notify.")}
    return [found[slug] for slug in sorted(found)]


def _below(kind: type[NotifyError]) -> Iterator[type[NotifyError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def table() -> str:
    """Slug, status, title and meaning of each."""
    own = [(kind.slug(), str(kind.status), kind.title, (kind.__doc__ or "").partition("\n")[0]) for kind in problems()]
    lines = ["| type | status | title | meaning |", "|---|---|---|---|"]
    framework = {(one.slug, str(one.status), one.title, one.meaning) for one in OF_THE_FRAMEWORK}
    for slug, status, title, meaning in sorted({*own, *framework}):
        lines.append(f"| `/problems/{slug}` | {status} | {title} | {meaning} |")
    return "\n".join(lines) + "\n"


def page(before: str) -> str:
    """The page with a new table below its marker."""
    introduction, marker, _ = before.partition(MARKER)
    assert marker, f"{PAGE} has lost its marker: {MARKER}"
    return f"{introduction}{MARKER}\n\n{table()}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
