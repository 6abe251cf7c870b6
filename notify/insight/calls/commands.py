"""`notify calls`: imports calls from the council's telephone system."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click

from notify.core.db import transaction
from notify.insight.calls import service as calls_service
from notify.insight.calls.csv_file import read_calls
from notify.staff.queries import council_by_slug

Servers = Callable[[], AbstractContextManager[None]]

ACTOR = "command-line"
IMPORT_HELP = """Load FILE, calls to COUNCIL as its telephone system counted them; say row by row what is refused.

\b
A CSV file whose first line names its columns, in any order:
  date      2026-11-24 or 24/11/2026; or with the hour, as 2026-11-24 09:00
  hour      9 or 09:00, on the clock of this country; without it a row is a whole day
  category  what the calls were about; `queue` is understood too
  calls     how many

\b
What the file says of an hour or a day replaces what was known of it, so the same file may come again:
  notify calls import cambridge calls-november.csv
Every night, with the telephone system's report of the day before:
  0 2 * * *  notify calls import cambridge /srv/reports/yesterday.csv

Which category is about which topic is said at /staff/figures/calls. Exit code 1: rows were refused; the others
were kept.
"""


@click.group("calls")
def calls_command() -> None:
    """Import calls to the council, to compare them with alerts."""


@calls_command.command("import", help=IMPORT_HELP)
@click.argument("council_slug", metavar="COUNCIL")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_calls(servers: Servers, council_slug: str, file: Path) -> None:
    """Keep the rows that can be read, in one transaction."""
    with servers(), transaction() as session:
        council_id = council_by_slug(session, council_slug).id
        rows = read_calls(file.read_bytes())
        report = calls_service.import_calls(session, council_id=council_id, actor=ACTOR, rows=rows)
    for one in report.problems:
        click.echo(f"Row {one.row} is refused: {one.reason}", err=True)
    click.echo(f"{report.rows} rows: {report.added} added, {report.replaced} replaced, {report.refused} refused.")
    sys.exit(1 if report.refused else 0)
