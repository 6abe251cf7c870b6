"""`notify evidence`: answers from what the platform recorded."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import click

from notify.core import clock
from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.evidence.formats import Form, as_file
from notify.evidence.pack import make_pack
from notify.evidence.questions import Numbering
from notify.evidence.test_runs import runs_report
from notify.staff.queries import council_by_slug

Servers = Callable[[], AbstractContextManager[None]]

DAY = click.DateTime(["%Y-%m-%d"])


@click.group("evidence")
def evidence_command() -> None:
    """Answer information requests from live data.

    \b
      notify evidence foi --council zedholm
      notify evidence foi --council zedholm --numbering dover --format pdf --output foi.pdf
      notify evidence foi --council zedholm --since 2025-04-01 --until 2026-03-31
      notify evidence runs
    """


@evidence_command.command("foi")
@click.option("--council", "slug", required=True, help="The council's short name; see `notify doctor`.")
@click.option(
    "--numbering",
    type=click.Choice([one.value for one in Numbering]),
    default=Numbering.CA440.value,
    show_default=True,
    help="The request whose numbering is used.",
)
@click.option("--since", type=DAY, help="First day; a year before the last one if left out.")
@click.option("--until", type=DAY, help="Last day; today if left out.")
@click.option(
    "--format", "form", type=click.Choice([one.value for one in Form]), default=Form.HTML.value, show_default=True
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; without it, the terminal."
)
@click.pass_obj
def foi(
    servers: Servers,
    slug: str,
    numbering: str,
    since: datetime | None,
    until: datetime | None,
    form: str,
    output: Path | None,
) -> None:
    """Answer a freedom-of-information request about communication with residents.

    Each answer says how far the platform can know, and each figure where it comes from.
    """
    last = until.date() if until else clock.now().date()
    first = since.date() if since else last - timedelta(days=364)
    with servers():
        try:
            with transaction() as session:
                council = council_by_slug(session, slug)
                pack = make_pack(session, council, numbering=Numbering(numbering), since=first, until=last)
        except NotifyError as error:
            raise click.ClickException(error.detail) from None
    made = as_file(pack, Form(form))
    if output:
        output.write_bytes(made)
        click.echo(f"{len(pack.entries)} questions answered in {output}")
    else:
        sys.stdout.buffer.write(made)


@evidence_command.command("runs")
@click.option("--format", "form", type=click.Choice(["text", "json", "pdf"]), default="text", show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; without it, the terminal."
)
def runs(form: str, output: Path | None) -> None:
    """Show what the latest tests and benchmarks of this release showed."""
    report = runs_report()
    made = {"text": report.as_text, "json": report.as_json, "pdf": report.as_pdf}[form]()
    if output:
        output.write_bytes(made)
        click.echo(f"Written to {output}")
    else:
        sys.stdout.buffer.write(made)
