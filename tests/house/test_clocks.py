"""Dates come from clocks that a test can set, and the tests that touch dates are found."""

import re
from pathlib import Path

import pytest

from tests.dated import MOMENTS, is_dated

ROOT = Path(__file__).parents[2]
READS_THE_MACHINES_CLOCK = re.compile(r"datetime\.now\(|datetime\.utcnow|date\.today\(|time\.time\(\)|localtime\(")
# a statement's own now(), and not clock.now(), business_now() or the definition of one
SQL_NOW = re.compile(r"(?<![\w.])now\(\)|clock_timestamp\(\)|CURRENT_(?:DATE|TIMESTAMP)|current_date")
# where machines talk to machines, and what is no business date: leases, ages of heartbeats, signatures
ON_PURPOSE = {
    "notify/core/clock.py": "this is the clock",
    "notify/providers/webhook/provider.py": "receivers compare a signature's time with their own clocks",
}
SQL_ON_PURPOSE = re.compile(r"lease_until|extract\(epoch FROM now\(\)\)")


def sources() -> list[Path]:
    found = [path for package in ("notify", "workers") for path in (ROOT / package).rglob("*.py")]
    return [path for path in found if "versions" not in path.parts]


def lines(path: Path) -> list[tuple[int, str]]:
    return list(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))


def test_nothing_reads_the_machines_clock_but_the_clock() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        if str(path.relative_to(ROOT)) not in ON_PURPOSE
        for number, line in lines(path)
        if READS_THE_MACHINES_CLOCK.search(line)
    ]
    assert found == [], "Take the time from notify.core.clock."


def test_statements_take_dates_from_the_clock_that_a_session_can_set() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in lines(path)
        if SQL_NOW.search(line) and not SQL_ON_PURPOSE.search(line) and "def now()" not in line
    ]
    assert found == [], "Use business_now() or business_clock(); only leases keep the server's clock."


def test_tests_do_not_read_the_machines_clock_either() -> None:
    kept = {"moments.py", "running.py", "skewed.py", "posting.py", "runs.py", "accessibility.py", "provider.py"}
    kept |= {"govuk_stub.py", "test_oidc.py", Path(__file__).name}  # other people's programs live now
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in kept
        for number, line in lines(path)
        if READS_THE_MACHINES_CLOCK.search(line)
    ]
    assert found == [], "Take the time from tests.moments or notify.core.clock."


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def test_it(client): assert client", False),
        ("def test_it(client): assert clock.now()", True),
        ("def test_it(client): sql('SELECT business_now()')", True),
        ("def test_it(client): post(send_at='2031-05-01T10:00')", True),
        ("NOON = datetime(2031, 5, 1)\ndef test_it(client): assert NOON", True),
        ("def later(): return clock.now()\ndef test_it(client): assert later()", True),
        ("@pytest.fixture\ndef old(world): age(timedelta(days=1))\ndef test_it(old): pass", True),
        ("@pytest.mark.parametrize('day', ['2031-05-01'])\ndef test_it(day): pass", True),
        ("def test_it(site): assert clock.now()", False),  # another process keeps its clock
        ("class TestThose:\n    def test_it(self): assert clock.now()", True),
        ("def test_other(): clock.now()\ndef test_it(client): pass", False),
    ],
)
def test_tests_that_touch_dates_are_found_by_their_source(tmp_path: Path, source: str, expected: bool) -> None:
    path = tmp_path / "test_source.py"
    path.write_text(source)
    assert is_dated(path, "test_it") is expected


def test_the_tests_that_once_failed_on_one_day_are_dated() -> None:
    once = ROOT / "tests" / "exports" / "test_retention.py"
    assert is_dated(once, "test_figures_are_the_same_before_and_after")
    assert is_dated(once, "test_who_follows_an_alert_keeps_it_alive_and_nothing_follows_what_is_gone")


def test_every_awkward_moment_is_different() -> None:
    assert len(set(MOMENTS.values())) == len(MOMENTS) == 9
