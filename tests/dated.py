"""Which tests touch dates, read off their source, so that no list of them can fall behind.

A test is dated when it, or what it uses of its own module (helpers, fixtures, constants), names a clock or a kind of
moment, writes a date, or reckons with time in SQL. `make nightly` runs these at the moments of `MOMENTS`. Tests that
start processes are left out: those keep the machine's clock. So are those of `EVERY_ROUTE`.
"""

import ast
import re
from functools import cache
from pathlib import Path

# month ends, leap days, both changes of summer time, and the turn of the year on either side of midnight UTC
MOMENTS = {
    "the end of November": "2026-11-30T12:00:00+00:00",
    "the end of January": "2027-01-31T23:30:00+00:00",
    "the end of February": "2027-02-28T12:00:00+00:00",
    "a leap day": "2028-02-29T12:00:00+00:00",
    "clocks go forward": "2027-03-28T00:59:00+00:00",
    "clocks go back": "2027-10-31T00:30:00+00:00",
    "July in London, June in Greenwich": "2027-06-30T23:15:00+00:00",
    "New Year's Eve": "2026-12-31T23:58:00+00:00",
    "New Year": "2027-01-01T00:01:00+00:00",
}

CLOCKS = {"clock", "moments", "datetime", "timedelta", "date", "ZoneInfo", "LONDON", "pass_time"}
PROCESSES = {"subprocess", "running", "Popen", "site", "chromium", "new_page", "page", "cleared_page"}
# they open every route to ask who may do what, which no date changes, and would take a third of the time
EVERY_ROUTE = {"test_routes.py", "test_presence.py", "test_remit.py", "test_step_up.py", "test_two_councils.py"}
DATES = re.compile(r"\b\d{4}-\d\d-\d\d(?!\d)|\binterval '|make_interval|business_now")


def is_dated(path: Path, function: str) -> bool:
    """Whether this test function of this file touches dates, and lives in one process."""
    if path.name in EVERY_ROUTE:
        return False
    parts = _parts(path)
    used, seen = [function], set[str]()
    names, words = set[str](), list[str]()
    while used:
        name = used.pop()
        if name in seen or name not in parts:
            continue
        seen.add(name)
        for node in (inner for outer in parts[name] for inner in ast.walk(outer)):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.append(node.value)
        used.extend(names - seen)
    is_about_time = bool(names & CLOCKS) or any(DATES.search(word) for word in words)
    return is_about_time and not names & PROCESSES


@cache
def _parts(path: Path) -> dict[str, list[ast.AST]]:
    """What a module defines at its top, by name. The tests of a class are parts of their own."""
    found: dict[str, list[ast.AST]] = {}
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        found.setdefault(name.id, []).append(node)
    return found


def _statements(body: ast.Module) -> list[ast.stmt]:
    return [
        inner for outer in body.body for inner in ([outer, *outer.body] if isinstance(outer, ast.ClassDef) else [outer])
    ]
