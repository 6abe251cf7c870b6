"""`notify export` and `notify retention`: what leaves as files, and what is removed in time."""

import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import click

from notify.core.db import transaction
from notify.core.zoned_time import aware
from notify.exports import catalogue, retention
from notify.exports.dataset_reader import Window, as_text
from notify.exports.file_export import CommandLine, take
from notify.exports.file_formats import Format
from notify.exports.full_extract import write_folder
from notify.staff.queries import council_by_slug

Servers = Callable[[], AbstractContextManager[None]]

COUNCIL = click.option("--council", "slug", required=True, help="The council's short name; see `notify council list`.")
DAY = click.DateTime(["%Y-%m-%d"])


@click.group("export")
def export_command() -> None:
    """Export data: a data set as a file, or everything.

    \b
      notify export list
      notify export take alert-figures --council zedholm --format xlsx --since 2026-04-01 --out figures.xlsx
      notify export everything --council zedholm --to zedholm-2026-11
    """


@export_command.command("list")
@click.option("--columns", is_flag=True, help="With every column: its type, unit and meaning.")
def list_sets(columns: bool) -> None:
    """The data sets there are."""
    for data in catalogue.DATA_SETS.values():
        click.echo(f"{data.name:<16} {data.description}{' Personal data.' if data.is_personal else ''}")
        for field in data.fields if columns else ():
            unit = f", {field.unit}" if field.unit else ""
            click.echo(f"    {field.name:<22} {field.kind}{unit}. {field.description}")


@export_command.command("take")
@click.argument("name")
@COUNCIL
@click.option(
    "--format", "kind", type=click.Choice([kind.value for kind in Format]), default=Format.CSV.value, show_default=True
)
@click.option("--since", type=DAY, help="First day, as in 2026-04-01.")
@click.option("--until", type=DAY, help="Last day.")
@click.option("--changed-since", help="Only rows changed since this time, as in 2026-11-24T04:15:00Z.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; without it, the terminal.")
@click.pass_obj
def take_one(
    servers: Servers,
    name: str,
    slug: str,
    kind: str,
    since: datetime | None,
    until: datetime | None,
    changed_since: str | None,
    out: Path | None,
) -> None:
    """One data set, NAME, as a file. Days are those of this country, both included.

    Whoever comes for changes only, night after night, passes the moment that this prints last: nothing is missed, and
    what comes twice is told by its key.
    """
    window = Window(since and since.date(), until and until.date(), _moment(changed_since))
    with servers():
        with transaction() as session:
            council_id = council_by_slug(session, slug).id
        taken = take(CommandLine(council_id), catalogue.data_set(name), window, Format(kind))
    with out.open("wb") if out else sys.stdout.buffer as file, taken.file as source:
        source.seek(0)
        shutil.copyfileobj(source, file)
    click.echo(f"{taken.rows} rows. Next time: --changed-since {as_text(taken.changed_until)}", err=True)


def _moment(written: str | None) -> datetime | None:
    try:
        return aware(datetime.fromisoformat(written)) if written else None
    except ValueError:
        raise click.BadParameter(f"{written!r} is no moment such as 2026-11-24T04:15:00Z.") from None


@export_command.command("everything")
@COUNCIL
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="A new folder.")
@click.option("--csv", "with_csv", is_flag=True, help="Each table also as CSV for spreadsheets.")
@click.pass_obj
def take_everything(servers: Servers, slug: str, folder: Path, with_csv: bool) -> None:
    """Everything that is held for a council, in open formats: personal data too, keys and passwords never.

    A file a table (JSON Lines), a data dictionary, and a manifest with rows and SHA-256 of every file.
    """
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty: name a new folder, so that nothing old is taken for new.")
    with servers():
        with transaction() as session:
            council_id = council_by_slug(session, slug).id
        written = write_folder(CommandLine(council_id), folder, with_csv=with_csv)
    click.echo(f"{sum(one.rows for one in written)} rows in {len(written)} files are in {folder}.")


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@click.pass_obj
def retention_command(servers: Servers, dry_run: bool) -> None:
    """Delete details of recipients older than NOTIFY_RETENTION_DAYS; totals stay.

    The scheduler does this every hour by itself. What was removed stands at /staff/exports/retention.
    """
    with servers():
        if dry_run:
            with transaction() as session:
                found = retention.outlook(session)
            click.echo(f"Older than {found.days} days: {found.alerts} alerts. Nothing was removed.")
            for table, count in found.rows.items():
                click.echo(f"  {table:<12} {count} rows")
            months = ", ".join(f"{month:%Y-%m}" for month in found.months)
            click.echo(f"  months to drop: {months or 'none'}; keys to destroy: {found.keys}")
            click.echo(f"  held back because figures are not final: {found.held_back} alerts")
            return
        done = retention.run()
    if done is None:
        click.echo("Nothing is old enough, or another round is under way.")
        return
    for table, count in done.removed.items():
        click.echo(f"  {table:<12} {count} rows")
    click.echo(f"{done.alerts} alerts closed; dropped: {', '.join(done.partitions) or 'nothing'}; {done.keys} keys.")
    if done.problem:
        raise click.ClickException(done.problem)
