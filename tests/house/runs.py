"""Keeps what a run showed for the evidence pages, in `notify/evidence/runs.json`.

python -m tests.house.runs attacks               runs the attack suite, and keeps nothing unless all is withstood
make bench | python -m tests.house.runs load     reads the last line, and passes everything on
make faults | python -m tests.house.runs faults
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from defusedxml import ElementTree

from notify.evidence.test_runs import FILE, HEADS

Rows = list[Sequence[str]]

ATTACKS: Mapping[str, Sequence[str]] = {
    "Tokens reused, altered, expired, or of another purpose": ("tests/subscribers/test_tokens.py",),
    "Users, keys and full exports without a fresh second factor, or by a key": ("tests/staff/test_step_up.py",),
    "A second council enrols, adds to, silences or looks for another's people": (
        "tests/tenancy/test_two_councils.py",
        "tests/tenancy/test_one_person.py",
        "tests/subscribers/test_shared.py",
        "tests/subscribers/test_contact_requests.py",
        "tests/subscribers/test_suppression_scopes.py",
    ),
    "A test key on every writing route": ("tests/staff/test_test_keys.py",),
    "Sixty sign-ins, a hundred live streams; what the web process logs": ("tests/web/test_served.py",),
    "A hundred wrong passwords from elsewhere, and a known browser": ("tests/staff/test_lock_out.py",),
    "Reading fifty people or more by any route, key or session": ("tests/staff/test_read_quota.py",),
    "Counts that differ by fewer than ten people, and counts without end": ("tests/alerts/test_differencing.py",),
    "A dump, the data folder and kept mail": ("tests/test_at_rest.py",),
    "Bad answers of an identity provider": ("tests/staff/test_oidc.py",),
    "Every door by every role and by nobody; other councils' ids": ("tests/staff/test_routes.py",),
    "Floods of sign-ups, guessed codes, addresses fished for": ("tests/subscribers/test_abuse.py",),
    "Approving one's own, editing afterwards, racing": ("tests/staff/test_decisions.py",),
    "Decisions about an emergency without a fresh second factor, or by a key": ("tests/staff/test_presence.py",),
    "Alerts outside one's remit, by every route, CAP included": ("tests/alerts/test_remit.py",),
    "CAP cancels and updates by people who may not decide about the earlier alert": ("tests/cap/test_remit.py",),
    "Entries of the audit trail altered, removed, reordered, slipped in, cut": ("tests/staff/test_audit.py",),
    "Addresses inside the network as receivers": ("tests/providers/test_ssrf.py",),
    "Headers and recipients smuggled into mails": ("tests/providers/test_one_recipient.py",),
    "Links that lead elsewhere or change something when looked at": ("tests/tracking/test_links_are_safe.py",),
    "Headers of every answer, forms of other sites": ("tests/web/test_headers.py", "tests/web/test_forms.py"),
    "Depths, columns, NULs, encodings and sizes on every body and path": (
        "tests/web/test_corpus.py",
        "tests/web/test_fuzz.py",
    ),
}


def attacks() -> Rows:
    """Try them all. Ends the program where one was not withstood."""
    rows: Rows = []
    for what, files in ATTACKS.items():
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            argv = [sys.executable, "-m", "pytest", *files, f"--junitxml={report}"]
            failed = subprocess.run(argv, check=False).returncode
            suite = ElementTree.parse(report).find("testsuite")
        tried = int(suite.get("tests", "0")) if suite is not None else 0
        if failed or not tried:
            sys.exit(f"Not withstood: {what}")
        rows.append((what, str(tried), str(tried)))
    return rows


def load(found: Mapping[str, Any]) -> Rows:
    """What readers of an evidence page want of the benchmarks."""
    fanout, urgent, pages, redirect = (found[name] for name in ("fanout", "urgent", "pages", "redirect"))
    dashboards, events = found["dashboards"], found["events"]
    [beside] = (row for row in urgent["conditions"] if row["condition"] == "routine drains")
    return [
        (f"E-mails of one alert to {fanout['recipients']:,} people", f"{fanout['rate']:,} a second", "no promise"),
        ("The same, of what the mail server takes from its own test program", f"{fanout['ratio']:.0%}", "75%"),
        (
            f"Emergency to {urgent['urgent']:,} beside a routine alert to {urgent['routine']:,}: 95% sent",
            f"after {beside['worst']['p95_s']:.1f} s",
            "2 s",
        ),
        ("Residents' pages at 100 requests a second, p95", f"{pages['p95_ms']['median']:.1f} ms", "50 ms"),
        ("A click on its way at 1,000 a second, p99", f"{redirect['p99_ms']['median']:.1f} ms", "20 ms"),
        ("Clicks of that run that were not counted", f"{redirect['uncounted']:,} of {redirect['clicks']:,}", "0"),
        ("Clicks, opens and receipts taken in", f"{events['rate']:,} a second", "20,000 a second"),
        ("Wrong counts, with a fifth told twice, shuffled", str(len(events["wrong_counts"])), "0"),
        (
            f"Pages of figures of {dashboards['events']:,} events and {dashboards['alerts']:,} alerts, p95",
            f"{dashboards['p95_ms']:.0f} ms",
            "300 ms",
        ),
    ]


def faults(found: Mapping[str, Any]) -> Rows:
    """All faults together, and how long the slowest took to fix."""
    every = list(found.values())
    counted = ("kills", "deliveries", "lost", "duplicated", "misrecorded")
    total = {name: sum(row[name] for row in every) for name in counted}
    return [
        ("Processes killed", f"{total['kills']:,}", ""),
        ("Messages that were due", f"{total['deliveries']:,}", ""),
        ("Lost", f"{total['lost']:,}", "0"),
        ("Came twice", f"{total['duplicated']:,}", "1 in 1,000 at most"),
        ("Wrong in the ledger", f"{total['misrecorded']:,}", "0"),
        ("Longest silence after a blow", f"{max(row['recovery_s_max'] for row in every):.1f} s", ""),
    ]


def last_line() -> Mapping[str, Any]:
    """Standard input's last line, after passing everything on."""
    line = "{}"
    for line in sys.stdin:
        print(line, end="", flush=True)
    return dict(json.loads(line))


READERS: Mapping[str, Callable[[Mapping[str, Any]], Rows]] = {"load": load, "faults": faults}


def keep(kind: str, rows: Rows) -> None:
    """Write it beside what other runs showed."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    where = f"{os.cpu_count()} shared cores"
    kept[kind] = {"on": datetime.now(UTC).date().isoformat(), "where": where, "rows": rows}
    FILE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Do what was asked for."""
    if sys.argv[1:] not in [[kind] for kind in HEADS]:
        sys.exit(__doc__)
    kind = sys.argv[1]
    keep(kind, attacks() if kind == "attacks" else READERS[kind](last_line()))


if __name__ == "__main__":
    main()
