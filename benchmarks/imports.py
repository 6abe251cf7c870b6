"""How fast a council's list of residents is imported: a CSV file as the API takes it, with consent and places.

python -m benchmarks.imports [--rows 50000]
python -m benchmarks.imports --background [--workbook] [--rows 150000]   looked at, imported and undone as on the page
"""

import argparse
import io
import json
import resource
import time
from datetime import UTC, datetime

import xlsxwriter

from benchmarks.installation import add_places, installation, make_council
from notify.core import db
from notify.providers.base import Channel
from notify.staff.models import Role
from notify.staff.rights import Principal
from notify.subscribers.imports import import_runs, import_service
from notify.subscribers.imports.csv_file import read_rows
from notify.subscribers.imports.models import ImportOptions, ImportState
from notify.subscribers.imports.service import import_subscribers
from notify.subscribers.models import ConsentEvidence, NewTopic

POSTCODES = 3_900


def file_of(rows: int) -> bytes:
    """A CSV file of invented residents, each with one address and one postcode."""
    lines = ["name,email,postcode,topics"]
    lines += [f"Person {n},p{n}@example.org,ZZ1 1AA,bins" for n in range(rows)]
    return "\n".join(lines).encode()


def workbook_of(rows: int) -> bytes:
    """The same list as an Excel workbook."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate(file_of(rows).decode().splitlines()):
            sheet.write_row(number, 0, line.split(","))
    return held.getvalue()


def in_background(rows: int, *, is_workbook: bool) -> dict[str, object]:
    """Seconds for each part of an import on the page, and the most memory that this process had."""
    file = workbook_of(rows) if is_workbook else file_of(rows)
    figures: dict[str, object] = {"rows": rows, "file_mb": round(len(file) / 1e6, 1)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with installation():
        council, _key = make_council(NewTopic(slug="bins", name="Bins", channels=[Channel.EMAIL]))
        with db.transaction() as session:
            add_places(session, POSTCODES)
        user = Principal("bench", "Bench", council, Role.ADMIN)
        started = time.monotonic()
        with db.transaction() as session:
            one = import_service.upload(session, user, "list", file)
            options = ImportOptions(wording="Yes, write to me.", source="list", given_at=datetime.now(UTC))
            import_service.describe(session, user, one, one.fields, options)
        figures["upload_s"] = round(time.monotonic() - started, 1)
        for name, state in (
            ("check_s", ImportState.CHECKING),
            ("import_s", ImportState.IMPORTING),
            ("undo_s", ImportState.UNDOING),
        ):
            started = time.monotonic()
            with db.transaction() as session:
                import_service.begin(session, user, import_service.one_import(session, council, one.id), state)
            import_runs.run(one.id)
            figures[name] = round(time.monotonic() - started, 1)
        with db.transaction() as session:
            counts = import_service.one_import(session, council, one.id).counts
        assert counts["created"] == counts["undone"] == rows, counts
    figures["grown_mb"] = round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    return figures


def main() -> None:
    """Import once into an empty council and once more, when everyone is known; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--workbook", action="store_true")
    asked = parser.parse_args()
    rows = asked.rows
    if asked.background:
        print(json.dumps({"benchmark": "imports", **in_background(rows, is_workbook=asked.workbook)}))
        return
    file = file_of(rows)
    seconds = []
    with installation():
        council, _key = make_council(NewTopic(slug="bins", name="Bins", channels=[Channel.EMAIL]))
        with db.transaction() as session:
            add_places(session, POSTCODES)
        for _ in range(2):
            evidence = ConsentEvidence(
                wording_version="bench-1", wording="Yes, write to me.", source="list", given_at=datetime.now(UTC)
            )
            started = time.monotonic()
            with db.transaction() as session:
                import_subscribers(
                    session,
                    council_id=council,
                    actor="bench",
                    rows=read_rows(file),
                    evidence=evidence,
                    confirmed=True,
                )
            seconds.append(time.monotonic() - started)
    figures = {"rows": rows, "new_rows_per_s": round(rows / seconds[0]), "known_rows_per_s": round(rows / seconds[1])}
    print(json.dumps({"benchmark": "imports", **figures}))


if __name__ == "__main__":
    main()
